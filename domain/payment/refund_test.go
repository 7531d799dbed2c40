package payment_test

import (
	"slices"
	"testing"
	"time"

	"tender/domain"
	"tender/domain/id"
	"tender/domain/method"
	"tender/domain/payment"
)

// refund is the ninth command of a test, given a second after noon.
func refund(amount int64) payment.Refund { return refundAfter(amount, time.Second) }

func refundAfter(amount int64, d time.Duration) payment.Refund {
	return payment.Refund{ID: commandID(9), Amount: amount, Now: now(d)}
}

// paysBack is what an accepted refund gives.
func paysBack(amount int64, d time.Duration) []payment.Event {
	e := refundRequested(9, amount)
	e.AnswerBy = noon.Add(d + payment.AnswerWindow)
	return []payment.Event{e}
}

func TestRefundPaysBackWhatWasCaptured(t *testing.T) {
	t.Parallel()
	explained := refund(60)
	explained.Reason, explained.Metadata = "damaged", map[string]string{"return": "1"}
	kept := refundRequested(9, 60)
	kept.AnswerBy, kept.Reason, kept.Metadata = noon.Add(time.Second+payment.AnswerWindow), explained.Reason, explained.Metadata
	part := authorised(100, wholly(1, 60)...)

	check(t, []rule{
		{"a part", sold(100), refund(60), paysBack(60, time.Second), nil},
		{"the least there is", sold(100), refund(1), paysBack(1, time.Second), nil},
		{"all of it, named", sold(100), refund(100), paysBack(100, time.Second), nil},
		{"all of it, not named", sold(100), refund(0), paysBack(100, time.Second), nil},
		{"with a reason and metadata", sold(100), explained, []payment.Event{kept}, nil},
		{"the rest", after(sold(100), back(1, 60)...), refund(40), paysBack(40, time.Second), nil},
		{"the rest, not named", after(sold(100), back(1, 60)...), refund(0), paysBack(40, time.Second), nil},
		{"again what was declined", after(sold(100), refundRequested(1, 100), refundFailed(1, 100)), refund(100), paysBack(100, time.Second), nil},
		{"again what failed late", after(sold(100), append(back(1, 100), refundFailedLate(1, 100))...), refund(100), paysBack(100, time.Second), nil},

		{"what was captured of an authorisation", part, refund(0), paysBack(60, time.Second), nil},
		{"of two captures", after(part, wholly(2, 30)...), refund(90), paysBack(90, time.Second), nil},
		{"of a capture after a refund of another", after(part, append(back(2, 60), wholly(3, 30)...)...), refund(0), paysBack(30, time.Second), nil},
		{"the rest is voided", after(part, voidRequested(2, 40), voided(2, 40)), refund(0), paysBack(60, time.Second), nil},
		{"the rest is expired", after(part, payment.AuthorisationExpired{Amount: 40, Currency: "ZAR"}, reversalRequested(2, 40, reference), reversed(2, 40)), refund(0), paysBack(60, time.Second), nil},
		{"long after the authorisation's end", part, refundAfter(0, 100*later), paysBack(60, 100*later), nil},
		{
			"by the wall's clock, on a test clock that is ahead", sold(100),
			payment.Refund{ID: commandID(9), Now: domain.Moment{At: noon.Add(later), Wall: noon}}, paysBack(100, 0), nil,
		},
	})
}

// Why a refund to an account failed is told as of an account.
func TestRefundToAnAccountFails(t *testing.T) {
	t.Parallel()
	given := sold(100)
	begun, isBegun := given[1].(payment.AttemptStarted)
	if !isBegun {
		t.Fatalf("the second event is %T", given[1])
	}
	begun.Details = method.AccountOf(method.KindInstantEFT, method.AccountDetails{Bank: "fnb"})
	given[1] = begun
	settle := payment.SettleOperation{ID: commandID(9), Key: keyOf(id.Refund, 1), Failure: declined, Now: now(time.Second)}
	fails, failsLate := refundFailed(1, 60), refundFailedLate(1, 60)
	fails.Failure.Account, failsLate.Failure.Account = true, true
	check(t, []rule{
		{"at once", after(given, refundRequested(1, 60)), settle, []payment.Event{fails}, nil},
		{"late", after(given, back(1, 60)...), settle, []payment.Event{failsLate}, nil},
	})
}

func TestRefundRefused(t *testing.T) {
	t.Parallel()
	nothing := func(name string, given []payment.Event, when payment.Refund) rule {
		return rule{name, given, when, nil, payment.ErrNothingToRefund}
	}
	tooHigh := func(name string, given []payment.Event, amount int64) rule {
		return rule{name, given, refund(amount), nil, payment.ErrRefundTooHigh}
	}
	part := authorised(100, wholly(1, 60)...)
	check(t, []rule{
		nothing("there is no payment", nil, refund(0)),
		nothing("with the acquirer", started(payment.CaptureAutomatic, 100), refund(0)),
		nothing("failed, and may be tried again", failed(false), refund(0)),
		nothing("failed for good", failed(true), refund(0)),
		nothing("cancelled", failed(false, payment.Cancelled{}), refund(0)),
		nothing("expired", failed(false, payment.Expired{}), refund(0)),
		nothing("a verification", authorised(0), refund(0)),
		nothing("authorised and not captured", authorised(100), refund(100)),
		nothing("a capture that was declined", authorised(100, captureRequested(1, 60), captureFailed(1, 60)), refund(0)),
		nothing("all voided", authorised(100, voidRequested(1, 100), voided(1, 100)), refund(0)),
		nothing("all refunded", after(sold(100), back(1, 100)...), refund(0)),
		nothing("all refunded in parts", after(sold(100), append(back(1, 60), back(2, 40)...)...), refund(1)),
		nothing("more than there ever was of what is all refunded", after(sold(100), back(1, 100)...), refund(1000)),
		nothing("all captured is refunded, the rest still reserved", after(part, back(2, 60)...), refund(1)),

		tooHigh("than was paid", sold(100), 101),
		tooHigh("than can be", sold(100), 1<<62),
		tooHigh("than was captured", part, 61),
		tooHigh("than a refund left", after(sold(100), back(1, 60)...), 41),
		{"less than nothing", sold(100), refund(-1), nil, payment.ErrRefundAmountInvalid},
		{"less than nothing of nothing", nil, refund(-1), nil, payment.ErrRefundAmountInvalid},
	})
}

// What there is to refund is not known while anything is in flight.
func TestRefundWhileAnythingIsInFlight(t *testing.T) {
	t.Parallel()
	inProgress := func(name string, given []payment.Event, amount int64, d time.Duration) rule {
		return rule{name, given, refundAfter(amount, d), nil, payment.ErrOperationInProgress}
	}
	part := authorised(100, wholly(1, 60)...)
	payingBack := reversalRequested(2, 60, reference)
	payingBack.Refund = true
	check(t, []rule{
		inProgress("a refund", after(sold(100), refundRequested(1, 60)), 40, time.Second),
		inProgress("a refund of all", after(sold(100), refundRequested(1, 100)), 0, time.Second),
		inProgress("a refund whose outcome is unknown", after(sold(100), refundRequested(1, 60)), 40, time.Hour),
		inProgress("a refund, and more is asked for than there is", after(sold(100), refundRequested(1, 60)), 1000, time.Second),
		inProgress("the first capture", authorised(100, captureRequested(1, 60)), 0, time.Second),
		inProgress("another capture", after(part, captureRequested(2, 40)), 60, time.Second),
		inProgress("a void of the rest", after(part, voidRequested(2, 40)), 60, time.Second),
		inProgress("a reversal of the rest", after(part, payment.AuthorisationExpired{Amount: 40, Currency: "ZAR"}, reversalRequested(2, 40, reference)), 60, time.Second),
		inProgress("what we pay back ourselves", after(part, payingBack), 60, time.Second),
		{"what we paid back ourselves", after(part, payingBack, reversed(2, 60)), refund(0), paysBack(60, time.Second), nil},
	})
}

// refundsTried is a sale with so many refunds that were declined.
func refundsTried(n int) []payment.Event {
	history := sold(100)
	for i := range n {
		history = append(history, refundRequested(1000+i, 100), refundFailed(1000+i, 100))
	}
	return slices.Clip(history)
}

func TestRefundsAreBounded(t *testing.T) {
	t.Parallel()
	all := authorised(100)
	for i := range payment.OperationsMax {
		all = append(all, captureRequested(1000+i, 60), captureFailed(1000+i, 60))
	}
	all[len(all)-1] = captured(1000+payment.OperationsMax-1, 60)
	check(t, []rule{
		{"the last", refundsTried(payment.RefundsMax - 1), refund(0), paysBack(100, time.Second), nil},
		{"one more", refundsTried(payment.RefundsMax), refund(0), nil, payment.ErrTooManyRefunds},
		{"one more, and too high", refundsTried(payment.RefundsMax), refund(101), nil, payment.ErrRefundTooHigh},
		{"after as many captures as there may be", all, refund(0), paysBack(60, time.Second), nil},
		{
			"captures after as many refunds as there may be",
			authorised(100, append(wholly(1, 60), refundsTried(payment.RefundsMax)[len(sold(100)):]...)...),
			capture(0), asksFor(40, time.Second), nil,
		},
	})
}
