package invariants_test

import (
	"slices"
	"time"

	"tender/domain/codec"
	"tender/domain/decline"
	"tender/domain/payment"
	"tender/domain/session"
	"tender/domain/staff"
	"tender/eventstore"
)

var declined = decline.New(decline.CardDeclined, decline.DoNotHonor)

// after is a history with more events.
func after(history []codec.Named, more ...codec.Named) []codec.Named {
	return slices.Concat(history, more)
}

func initiated(how payment.CaptureMethod, amount int64) codec.Named {
	e := payment.Initiated{SessionID: sessionID, Amount: amount, Currency: "ZAR", CaptureMethod: how, Intent: payment.IntentPayment}
	if amount == 0 {
		e.Intent = payment.IntentVerification
	}
	return e
}

func attempt(n int) codec.Named {
	return payment.AttemptStarted{AttemptID: []string{"", "att_1", "att_2", "att_3"}[n], Number: n, Key: []string{"", "k1", "k2", "k3"}[n]}
}

func attemptFailed(n int, last bool) codec.Named {
	return payment.AttemptFailed{AttemptID: []string{"", "att_1", "att_2", "att_3"}[n], Failure: declined, Final: last}
}

func askCapture(id string, amount int64) codec.Named {
	return payment.CaptureRequested{CaptureID: id, Amount: amount, Currency: "ZAR", Key: "k-" + id}
}

func captured(id string, amount int64) codec.Named {
	return payment.Captured{CaptureID: id, Amount: amount, Currency: "ZAR"}
}

func askRefund(id string, amount int64) codec.Named {
	return payment.RefundRequested{RefundID: id, Amount: amount, Currency: "ZAR", Key: "k-" + id}
}

func refunded(id string, amount int64) codec.Named {
	return payment.Refunded{RefundID: id, Amount: amount, Currency: "ZAR"}
}

func refundFailed(id string, amount int64, late bool) codec.Named {
	return payment.RefundFailed{RefundID: id, Amount: amount, Currency: "ZAR", Failure: declined, Late: late}
}

var (
	goodUntil  = noon.Add(7 * 24 * time.Hour)
	authorised = payment.Authorised{AttemptID: "att_1", Amount: 100, Currency: "ZAR", Reference: "r", ExpiresAt: goodUntil}
	paid       = payment.Paid{AttemptID: "att_1", Amount: 100, Currency: "ZAR", Reference: "r"}
	askVoid    = payment.VoidRequested{VoidID: "v", Amount: 40, Currency: "ZAR", Key: "k-v"}

	trying    = []codec.Named{initiated(payment.CaptureManual, 100), attempt(1)}
	reserved  = after(trying, authorised)
	part      = after(reserved, askCapture("c", 60), captured("c", 60))
	sale      = []codec.Named{initiated(payment.CaptureAutomatic, 100), attempt(1), paid}
	saleLost  = []codec.Named{initiated(payment.CaptureAutomatic, 100), attempt(1), attemptFailed(1, false)}
	contrary  = payment.Contradicted{Key: "k1", Performed: true, Amount: 100, Currency: "ZAR"}
	payBack   = payment.ReversalRequested{ReversalID: "rev", Amount: 100, Currency: "ZAR", Key: "k-rev", Refund: true}
	giveBack  = payment.ReversalRequested{ReversalID: "rev", Amount: 40, Currency: "ZAR", Key: "k-rev"}
	expired40 = payment.AuthorisationExpired{Amount: 40, Currency: "ZAR"}

	// Times at which the last event comes after the authorisation's time.
	lately = []time.Duration{0, 0, 0, 0, 0, 8 * 24 * time.Hour}
)

var anySpoilt = []spoilt{
	{"stream-version", "one is left out", paymentID, trying, func(e *eventstore.Event) { e.Version = 3 }, nil},
	{"stream-kind", "an event of another kind", sessionID, []codec.Named{created(), payment.Cancelled{}}, nil, nil},
	{"stream-kind", "a kind that nobody knows", "zzz_01hzy3v7q8e4xk2m9c5b7d6f0b", []codec.Named{payment.Cancelled{}}, nil, nil},
	{"stream-kind", "a delivery's event at an endpoint", endpointID, []codec.Named{endpointCreated, delivered}, nil, nil},
	{"stream-kind", "a look in the person's own stream", staffID, after(colleague, staff.Accessed{KeyID: "k"}), nil, nil},
	{"stream-first", "it is made later", sessionID, []codec.Named{session.Cancelled{}}, nil, nil},
	{"stream-first", "it is made twice", paymentID, after(trying, trying[0]), nil, nil},
	{"stream-time", "an hour back", paymentID, trying, nil, []time.Duration{0, -time.Hour}},
	{"stream-merchant", "another's", paymentID, trying, func(e *eventstore.Event) { e.MerchantID = "mer_other" }, nil},
	{"amount-range", "below 0", paymentID, after(reserved, askCapture("c", -1)), nil, nil},
	{"amount-range", "nothing is asked for", paymentID, after(sale, askRefund("f", 0)), nil, nil},
	{"amount-range", "more than there may be", sessionID, []codec.Named{session.Created{Amount: 1e12}}, nil, nil},
	{"event-readable", "a period that windows don't have", mandateID, after(agreedTo(monthly("eon")), charged("p1", 10, "2026-05-04")), nil, nil},
}

var paymentsSpoilt = []spoilt{
	{"payment-sums", "more is captured than remains", paymentID, after(part, askCapture("c2", 41)), nil, nil},
	{"payment-sums", "more is voided than remains", paymentID, after(part, askCapture("c2", 30), askVoid), nil, nil},
	{"payment-refunds", "more than was paid", paymentID, after(part, askRefund("f", 61)), nil, nil},
	{"payment-refunds", "in two parts", paymentID, after(sale, askRefund("f", 60), refunded("f", 60), askRefund("g", 41)), nil, nil},
	{"payment-currency", "euros", paymentID, after(reserved, payment.CaptureRequested{CaptureID: "c", Amount: 1, Currency: "EUR", Key: "k"}), nil, nil},
	{"payment-approved-as-asked", "less", paymentID, after(trying, payment.Authorised{AttemptID: "att_1", Amount: 99, Currency: "ZAR"}), nil, nil},
	{"payment-approved-as-asked", "at once instead of later", paymentID, after(trying, paid), nil, nil},
	{"payment-approved-as-asked", "later instead of at once", paymentID, []codec.Named{initiated(payment.CaptureAutomatic, 100), attempt(1), authorised}, nil, nil},
	{"payment-approved-as-asked", "verified only", paymentID, after(trying, payment.Verified{AttemptID: "att_1"}), nil, nil},
	{"payment-approved-as-asked", "a payment of nothing", paymentID, []codec.Named{payment.Initiated{Currency: "ZAR", Intent: payment.IntentPayment}}, nil, nil},
	{"payment-one-success", "paid twice", paymentID, after(sale, paid), nil, nil},
	{"payment-attempts", "two at once", paymentID, after(trying, attempt(2)), nil, nil},
	{"payment-attempts", "after a success", paymentID, after(sale, attempt(2)), nil, nil},
	{"payment-attempts", "one is left out", paymentID, after(saleLost, attempt(3)), nil, nil},
	{"payment-attempt-outcome", "of another", paymentID, after(trying, attemptFailed(2, false)), nil, nil},
	{"payment-attempt-outcome", "twice", paymentID, after(saleLost, attemptFailed(1, false)), nil, nil},
	{"payment-outcome", "never asked for", paymentID, after(reserved, captured("c", 60)), nil, nil},
	{"payment-outcome", "twice", paymentID, after(part, payment.CaptureFailed{CaptureID: "c", Amount: 60, Currency: "ZAR"}), nil, nil},
	{"payment-outcome", "of another amount", paymentID, after(reserved, askCapture("c", 60), captured("c", 50)), nil, nil},
	{"payment-outcome", "of another kind", paymentID, after(reserved, askCapture("c", 60), payment.VoidFailed{VoidID: "c", Amount: 60, Currency: "ZAR"}), nil, nil},
	{"payment-outcome", "late, though never performed", paymentID, after(sale, askRefund("f", 60), refundFailed("f", 60, false), askRefund("g", 60), refunded("g", 60), refundFailed("f", 60, true)), nil, nil},
	{"payment-outcome", "late twice", paymentID, after(sale, askRefund("g", 60), refunded("g", 60), askRefund("f", 40), refunded("f", 40), refundFailed("f", 40, true), refundFailed("f", 40, true)), nil, nil},
	{"payment-keys", "one key twice", paymentID, after(part, payment.CaptureRequested{CaptureID: "d", Amount: 1, Currency: "ZAR", Key: "k-c"}), nil, nil},
	{"payment-keys", "one id twice", paymentID, after(part, payment.CaptureRequested{CaptureID: "c", Amount: 1, Currency: "ZAR", Key: "other"}), nil, nil},
	{"payment-captures", "past its time", paymentID, after(part, askCapture("d", 10)), nil, lately},
	{"payment-expiry", "before its time", paymentID, after(part, expired40), nil, nil},
	{"payment-expiry", "of less than remains", paymentID, after(part, payment.AuthorisationExpired{Amount: 30, Currency: "ZAR"}), nil, lately},
	{"payment-expiry", "while something is in flight", paymentID, after(part, askRefund("f", 1), expired40), nil, lately},
	{"payment-end", "given up while trying", paymentID, after(trying, payment.Cancelled{}), nil, nil},
	{"payment-end", "expired after it was given up", paymentID, after(saleLost, payment.Cancelled{}, payment.Expired{}), nil, nil},
	{"payment-reversals", "without a reason", paymentID, after(part, giveBack), nil, nil},
	{"payment-reversals", "what has expired is paid back", paymentID, after(part, expired40, payment.ReversalRequested{ReversalID: "rev", Amount: 40, Currency: "ZAR", Key: "k-rev", Refund: true}), nil, lately},
	{"payment-reversals", "more than the payment", paymentID, after(saleLost, contrary, payment.ReversalRequested{ReversalID: "rev", Amount: 101, Currency: "ZAR", Key: "k-rev", Refund: true}), nil, nil},
	{"payment-contradictions", "of nothing", paymentID, after(saleLost, payment.Contradicted{Key: "k9", Performed: true, Currency: "ZAR"}), nil, nil},
	{"payment-contradictions", "twice", paymentID, after(saleLost, contrary, payBack, contrary), nil, nil},
	{"payment-contradictions", "the same", paymentID, after(saleLost, payment.Contradicted{Key: "k1", Currency: "ZAR"}), nil, nil},
	{"payment-contradictions", "before there is a record", paymentID, after(trying, contrary), nil, nil},
}

func created() codec.Named {
	return session.Created{Kind: session.TypeOneTime, Amount: 100, Currency: "ZAR", CaptureMethod: payment.CaptureAutomatic, ExpiresAt: noon.Add(24 * time.Hour)}
}

func sessionAttempt(id string, number int) codec.Named {
	return session.AttemptStarted{PaymentID: paymentID, AttemptID: id, Number: number}
}

func sessionFailed(id string) codec.Named {
	return session.AttemptFailed{PaymentID: paymentID, AttemptID: id, Failure: declined}
}

func completed(o session.Outcome) codec.Named {
	return session.Completed{PaymentID: paymentID, Outcome: o}
}

var (
	open     = []codec.Named{created(), sessionAttempt("a1", 1)}
	failedTo = after(open, sessionFailed("a1"))
	done     = after(open, completed(session.OutcomePaid))
	next     = []codec.Named{
		session.Created{Kind: session.TypeNextInSeries, Amount: 100, Currency: "ZAR", CaptureMethod: payment.CaptureManual}, sessionAttempt("a1", 1),
	}
	tooLate = []time.Duration{0, 0, 0, 25 * time.Hour}
)

var sessionsSpoilt = []spoilt{
	{"session-attempts", "two at once", sessionID, after(open, sessionAttempt("a2", 2)), nil, nil},
	{"session-attempts", "one is left out", sessionID, after(failedTo, sessionAttempt("a2", 3)), nil, nil},
	{"session-attempts", "the same again", sessionID, after(failedTo, sessionAttempt("a1", 2)), nil, nil},
	{"session-attempts", "past its time", sessionID, after(failedTo, sessionAttempt("a2", 2)), nil, tooLate},
	{"session-attempts", "a second without the customer", sessionID, after(next, sessionFailed("a1"), sessionAttempt("a2", 2)), nil, nil},
	{"session-payment", "another", sessionID, after(failedTo, session.AttemptStarted{PaymentID: "pay_2", AttemptID: "a2", Number: 2}), nil, nil},
	{"session-payment", "another is paid", sessionID, after(open, session.Completed{PaymentID: "pay_2", Outcome: session.OutcomePaid}), nil, nil},
	{"session-attempt-outcome", "of another", sessionID, after(open, sessionFailed("a2")), nil, nil},
	{"session-attempt-outcome", "completed without an attempt", sessionID, after(failedTo, completed(session.OutcomePaid)), nil, nil},
	{"session-one-success", "completed twice", sessionID, after(done, completed(session.OutcomePaid)), nil, nil},
	{"session-end", "cancelled after it was paid", sessionID, after(done, session.Cancelled{By: session.ByMerchant}), nil, nil},
	{"session-end", "expired after it was cancelled", sessionID, after(failedTo, session.Cancelled{}, session.Expired{Reason: session.ExpiredByTime}), nil, []time.Duration{0, 0, 0, 0, 25 * time.Hour}},
	{"session-completion", "reserved instead of paid", sessionID, after(open, completed(session.OutcomeReserved)), nil, nil},
	{"session-completion", "paid instead of reserved", sessionID, after(next, completed(session.OutcomePaid)), nil, nil},
	{"session-completion", "unpaid with the customer", sessionID, after(open, completed(session.OutcomeUnpaid)), nil, nil},
	{"session-ended-why", "before its time", sessionID, after(failedTo, session.Expired{Reason: session.ExpiredByTime}), nil, nil},
	{"session-ended-why", "after one attempt", sessionID, after(failedTo, session.Expired{Reason: session.ExpiredByAttempts}), nil, nil},
	{"session-ended-why", "while an attempt is in flight", sessionID, after(open, session.Cancelled{By: session.ByCustomer}), nil, nil},
	{"session-ended-why", "cancelled without the customer", sessionID, after(next, sessionFailed("a1"), session.Cancelled{By: session.ByMerchant}), nil, nil},
}
