package collect_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"tender/domain"
	"tender/domain/collect"
	"tender/domain/customer"
	"tender/domain/decline"
	"tender/domain/id"
	"tender/domain/mandate"
	"tender/domain/method"
	"tender/domain/payment"
	"tender/domain/session"
	"tender/domain/subscription"
)

// A payment without the customer begins with everything that it is, in one append.
func TestACharge(t *testing.T) {
	t.Parallel()
	w := newWorld()
	by := w.agrees(t, thrice)
	c := w.charge(by)
	c.Session.ExternalReference, c.Session.Metadata = "ORDER-1", map[string]string{"basket": "7"}
	c.Session.CheckoutID, c.Session.SessionURL = "ckt_none", "https://none" // nobody comes to pay
	c.Session.Charge.SubscriptionID, c.Session.Charge.Occurrence = "sub_1", &subscription.Occurrence{Number: 1, Attempt: 1}
	changes, err := collect.StartCharge(w.chargeParties(c), c)
	tells(t, w.decided(t, changes, err),
		"ps session.created", "ps session.attempt_started", "pay payment.initiated", "pay payment.attempt_started",
		"cus customer.payment_opened", "mdt mandate.charge_started",
	)
	sessionID, paymentID := id.Format(id.Session, c.Session.ID), id.Format(id.Payment, c.ID)
	created := session.Created{
		Kind: session.TypeNextInSeries, Amount: amount, Currency: "ZAR", Country: "ZA", CaptureMethod: payment.CaptureAutomatic,
		ExternalReference: "ORDER-1", Metadata: map[string]string{"basket": "7"}, CustomerID: by.CustomerID, Charge: c.Session.Charge,
	}
	attemptID := collect.NextAttemptID(session.State{ID: sessionID, Type: session.TypeNextInSeries})
	want := map[string]any{
		"the session": []session.Event{created, session.AttemptStarted{PaymentID: paymentID, AttemptID: attemptID, Number: 1}},
		"the payment": []payment.Event{
			payment.Initiated{
				SessionID: sessionID, Amount: amount, Currency: "ZAR", Country: "ZA", CaptureMethod: payment.CaptureAutomatic,
				Intent: payment.IntentPayment, Acquirer: "simulator", ExternalReference: "ORDER-1", Metadata: map[string]string{"basket": "7"},
				CustomerID: by.CustomerID, MandateID: by.MandateID, SubscriptionID: "sub_1",
			},
			payment.AttemptStarted{
				AttemptID: attemptID, Number: 1, Key: paymentID + "-1", AnswerBy: noon.Add(payment.AnswerWindow),
				Details: method.Details{Type: "card", Card: &card}, PaymentMethodID: by.PaymentMethodID,
			},
		},
		"the customer": []customer.Event{customer.PaymentOpened{PaymentID: paymentID}},
		"the mandate": []mandate.Event{mandate.ChargeStarted{
			PaymentID: paymentID, SessionID: sessionID, Amount: amount, Currency: "ZAR", Date: "2026-05-04",
		}},
	}
	for name, got := range map[string]any{
		"the session": changes.Session.Events, "the payment": changes.Payment.Events,
		"the customer": changes.Customer.Events, "the mandate": changes.Mandates[0].Events,
	} {
		if !reflect.DeepEqual(got, want[name]) {
			t.Errorf("of %s happens\n%#v, not\n%#v", name, got, want[name])
		}
	}
}

// The attempts of two sessions without a checkout are two, although neither has a
// page that would tell them apart.
func TestAttemptsOfSessionsThatNobodyComesTo(t *testing.T) {
	t.Parallel()
	w := newWorld()
	by := w.agrees(t, anything)
	one, other := w.charges(t, w.charge(by)), w.charges(t, w.charge(by))
	if a, b := w.payments[one].Attempt.ID, w.payments[other].Attempt.ID; a == b {
		t.Errorf("both attempts are %s", a)
	}
}

func TestWhatBecomesOfACharge(t *testing.T) {
	t.Parallel()
	approved, no := collect.OutcomeApproved, collect.OutcomeDeclined
	processing := decline.New(decline.ProcessingError, "")
	failed := []string{"ps session.completed", "pay payment.attempt_failed"}
	with := func(list []string, more ...string) []string { return append(append([]string{}, list...), more...) }
	for _, c := range []struct {
		name    string
		terms   mandate.Terms
		capture payment.CaptureMethod
		word    collect.OutcomeKind
		failure decline.Failure
		want    []string
		outcome session.Outcome
		because *decline.Failure
	}{
		{
			"paid", anything, payment.CaptureAutomatic, approved, decline.Failure{},
			[]string{"ps session.completed", "pay payment.paid", "cus customer.payment_closed", "mdt mandate.charge_succeeded"}, session.OutcomePaid, nil,
		},
		{
			"reserved", anything, payment.CaptureManual, approved, decline.Failure{},
			[]string{"ps session.completed", "pay payment.authorised", "mdt mandate.charge_succeeded"}, session.OutcomeReserved, nil,
		},
		{
			"paid, as the last one that may be", once, payment.CaptureAutomatic, approved, decline.Failure{},
			[]string{
				"ps session.completed", "pay payment.paid", "cus customer.mandate_ended", "cus customer.payment_closed",
				"pmt method.mandate_ended", "mdt mandate.charge_succeeded", "mdt mandate.exhausted",
			}, session.OutcomePaid, nil,
		},
		{
			"reserved, as the last one that may be, and it may come back", once, payment.CaptureManual, approved, decline.Failure{},
			[]string{"ps session.completed", "pay payment.authorised", "mdt mandate.charge_succeeded"}, session.OutcomeReserved, nil,
		},
		{
			"declined", anything, payment.CaptureAutomatic, no, declined,
			with(failed, "cus customer.payment_closed", "mdt mandate.charge_failed"), session.OutcomeUnpaid, &declined,
		},
		{
			"declined, of a manual capture", once, payment.CaptureManual, no, declined,
			with(failed, "cus customer.payment_closed", "mdt mandate.charge_failed"), session.OutcomeUnpaid, &declined,
		},
		{
			"lost on the way", anything, payment.CaptureAutomatic, collect.OutcomeClosed, decline.Failure{},
			with(failed, "cus customer.payment_closed", "mdt mandate.charge_failed"), session.OutcomeUnpaid, &processing,
		},
		{
			"stolen", anything, payment.CaptureAutomatic, no, stolen,
			with(failed, "cus customer.payment_closed", "pmt method.became_unusable", "mdt mandate.charge_failed"), session.OutcomeUnpaid, &stolen,
		},
		{
			"the issuer asks for the customer", anything, payment.CaptureAutomatic, no, asksForYou,
			with(failed, "cus customer.payment_closed", "pmt method.became_unusable", "mdt mandate.charge_failed"), session.OutcomeUnpaid, &asksForYou,
		},
		{
			"out of date", anything, payment.CaptureAutomatic, no, outOfDate,
			with(failed, "cus customer.payment_closed", "pmt method.became_unusable", "mdt mandate.charge_failed"), session.OutcomeUnpaid, &outOfDate,
		},
		{
			"withdrawn by the cardholder", anything, payment.CaptureAutomatic, no, withdrawn,
			with(failed, "cus customer.mandate_ended", "cus customer.payment_closed", "pmt method.mandate_ended", "mdt mandate.charge_failed", "mdt mandate.revoked"),
			session.OutcomeUnpaid, &withdrawn,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			by := w.agrees(t, c.terms)
			charge := w.charge(by)
			charge.Session.CaptureMethod = c.capture
			paymentID := w.charges(t, charge)
			changes := w.answers(t, paymentID, c.word, c.failure)
			tells(t, changes, c.want...)
			want := session.Completed{
				PaymentID: paymentID, Outcome: c.outcome, Failure: c.because,
				CustomerID: by.CustomerID, PaymentMethodID: by.PaymentMethodID, MandateID: by.MandateID,
			}
			if got := completed(t, changes); !reflect.DeepEqual(got, want) {
				t.Errorf("the session ends as\n%+v, not\n%+v", got, want)
			}
			if c.because != nil {
				e := holds[payment.AttemptFailed](t, one(changes.Payment), 1)[0]
				if !e.Final || e.Failure != *c.because || w.payments[paymentID].Status != payment.StatusFailed {
					t.Errorf("the payment ends as %+v", e)
				}
			}
		})
	}
}

// once are terms that allow one payment.
var once = mandate.Terms{Kind: mandate.KindOnDemand, Currency: "ZAR", TimeZone: "UTC", MaxOccurrences: 1}

// What a decline forbids, nobody can ask an acquirer for; until the customer, being
// present, has shown that it is good again.
func TestAfterAHardDecline(t *testing.T) {
	t.Parallel()
	w := newWorld()
	by := w.agrees(t, anything)
	inFlight := w.charges(t, w.charge(by))
	w.answers(t, w.charges(t, w.charge(by)), collect.OutcomeDeclined, stolen)
	again := w.charge(by)
	if _, err := collect.StartCharge(w.chargeParties(again), again); !errors.Is(err, method.ErrUnusable) {
		t.Fatalf("another charge comes to %v", err)
	}
	// What was in flight already may succeed; that makes nothing good.
	tells(t, w.answers(t, inFlight, collect.OutcomeApproved, decline.Failure{}),
		"ps session.completed", "pay payment.paid", "cus customer.payment_closed", "mdt mandate.charge_succeeded")
	if _, err := collect.StartCharge(w.chargeParties(again), again); !errors.Is(err, method.ErrUnusable) {
		t.Fatalf("another charge comes to %v", err)
	}
	ask := w.asks(session.TypeOneTime, by.CustomerID)
	ask.Amount = 0
	tells(t, w.pays(t, w.session(t, ask), by.PaymentMethodID),
		"ps session.completed", "pay payment.verified", "cus customer.payment_closed", "pmt method.verified")
	w.charges(t, again)
}

// An acquirer may want the customer to authenticate, and there is none: the attempt
// is closed from now on, and counts as one that the issuer wants the customer for.
func TestAChargeThatAsksForTheCustomer(t *testing.T) {
	t.Parallel()
	w := newWorld()
	by := w.agrees(t, anything)
	paymentID := w.charges(t, w.charge(by))
	w.later(time.Second)
	asked := w.answers(t, paymentID, collect.OutcomeActionRequired, decline.Failure{})
	tells(t, asked, "pay payment.action_required")
	if e := holds[payment.ActionRequired](t, one(asked.Payment), 1)[0]; !e.ActionBy.Equal(w.now.Wall) {
		t.Errorf("it is given up at %v", e.ActionBy)
	}
	tells(t, w.answers(t, paymentID, collect.OutcomeActionRequired, decline.Failure{}))
	s, p := w.sessions[w.payments[paymentID].SessionID], w.payments[paymentID]
	if _, err := collect.CancelSession(s, p, collect.Cancel{ID: w.command(), By: session.ByMerchant, Now: w.now}); !errors.Is(err, collect.ErrAttemptInProgress) {
		t.Errorf("a cancel comes to %v", err)
	}
	tells(t, w.answers(t, paymentID, collect.OutcomeClosed, decline.Failure{}),
		"ps session.completed", "pay payment.attempt_failed", "cus customer.payment_closed", "pmt method.became_unusable", "mdt mandate.charge_failed")
	if got := w.payments[paymentID]; got.Status != payment.StatusFailed {
		t.Errorf("the payment is %s", got.Status)
	}
	if err := w.methods[by.PaymentMethodID].UsableAlone(w.now.At); !errors.Is(err, method.ErrUnusable) {
		t.Errorf("the method is refused by %v", err)
	}
}

// A session without the customer is nobody's to pay, to give up, or to wait out.
func TestASessionWithoutTheCustomer(t *testing.T) {
	t.Parallel()
	w := newWorld()
	by := w.agrees(t, anything)
	paymentID := w.charges(t, w.charge(by))
	far := domain.Moment{At: noon.Add(1000 * 24 * time.Hour), Wall: noon.Add(time.Hour)}
	check := func(want error) {
		t.Helper()
		s, p := w.sessions[w.payments[paymentID].SessionID], w.payments[paymentID]
		if _, err := collect.StartAttempt(s, p, w.parties(s, ""), w.tries(s)); !errors.Is(err, want) {
			t.Errorf("an attempt comes to %v", err)
		}
		if _, err := collect.CancelSession(s, p, collect.Cancel{ID: w.command(), By: session.ByMerchant, Now: far}); !errors.Is(err, want) {
			t.Errorf("a cancel comes to %v", err)
		}
		if changes := collect.ExpireSession(s, p, far); !changes.Empty() {
			t.Errorf("time brings %+v", changes)
		}
	}
	check(collect.ErrAttemptInProgress)
	w.answers(t, paymentID, collect.OutcomeDeclined, declined)
	check(collect.ErrSessionNotActive)

	// Not even where its attempt were missing.
	s := session.State{ID: "ps_1", Type: session.TypeNextInSeries, Status: session.StatusActive}
	if _, err := collect.StartAttempt(s, payment.State{}, collect.Parties{}, w.tries(s)); !errors.Is(err, collect.ErrAttemptInProgress) {
		t.Errorf("an attempt comes to %v", err)
	}
}

// An answer that comes too late to count moves no count either.
func TestALateAnswerToACharge(t *testing.T) {
	t.Parallel()
	w := newWorld()
	by := w.agrees(t, once)
	paymentID := w.charges(t, w.charge(by))
	yes, no := w.word(paymentID, collect.OutcomeApproved, decline.Failure{}), w.word(paymentID, collect.OutcomeDeclined, declined)
	w.settles(t, paymentID, no)
	tells(t, w.settles(t, paymentID, no))
	tells(t, w.settles(t, paymentID, yes), "pay payment.contradicted", "pay payment.reversal_requested")
	tells(t, w.settles(t, paymentID, yes))
	if count, _ := w.mandates[by.MandateID].Counted(); count != 0 {
		t.Errorf("under the mandate %d payments count", count)
	}

	paymentID = w.charges(t, w.charge(by))
	no = w.word(paymentID, collect.OutcomeDeclined, stolen)
	w.answers(t, paymentID, collect.OutcomeApproved, decline.Failure{})
	tells(t, w.settles(t, paymentID, no), "pay payment.contradicted")
	if err := w.methods[by.PaymentMethodID].UsableAlone(w.now.At); err != nil {
		t.Errorf("the method is refused by %v", err)
	}
}

func TestChargesThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(*testing.T, *world, *collect.Charge, *collect.Parties)
		want   error
	}{
		{"no customer", func(_ *testing.T, _ *world, _ *collect.Charge, p *collect.Parties) { p.Customer = customer.State{} }, customer.ErrUnknown},
		{"another's customer", func(t *testing.T, w *world, _ *collect.Charge, p *collect.Parties) {
			p.Customer = w.people[w.newcomer(t)]
		}, collect.ErrIncomplete},
		{"one who was erased", func(_ *testing.T, _ *world, _ *collect.Charge, p *collect.Parties) { p.Customer.Erased = true }, customer.ErrErased},
		{"no method", func(_ *testing.T, _ *world, _ *collect.Charge, p *collect.Parties) { p.Method = method.State{} }, method.ErrUnknown},
		{"another's method", func(t *testing.T, w *world, c *collect.Charge, p *collect.Parties) {
			other := w.agrees(t, anything)
			c.Session.Charge = &session.Charge{PaymentMethodID: other.PaymentMethodID, MandateID: other.MandateID}
			p.Method, p.Mandate = w.methods[other.PaymentMethodID], w.mandates[other.MandateID]
		}, method.ErrUnknown},
		{"a method that was removed", func(_ *testing.T, _ *world, _ *collect.Charge, p *collect.Parties) { p.Method.Removed = true }, method.ErrUnknown},
		{"a method that may not be used", func(_ *testing.T, _ *world, _ *collect.Charge, p *collect.Parties) { p.Method.Unusable = true }, method.ErrUnusable},
		{"a card whose month is over", func(_ *testing.T, _ *world, c *collect.Charge, _ *collect.Parties) {
			c.Session.Now = domain.Moment{At: time.Date(2031, time.January, 1, 12, 0, 0, 0, time.UTC), Wall: noon}
		}, method.ErrExpired},
		{"a card whose month is not quite over", func(_ *testing.T, _ *world, c *collect.Charge, _ *collect.Parties) {
			c.Session.Now = domain.Moment{At: time.Date(2031, time.January, 1, 11, 59, 59, 0, time.UTC), Wall: noon.Add(100 * 365 * 24 * time.Hour)}
		}, nil},
		{"no mandate", func(_ *testing.T, _ *world, _ *collect.Charge, p *collect.Parties) { p.Mandate = mandate.State{} }, collect.ErrMandateUnknown},
		{"another method's mandate", func(t *testing.T, w *world, c *collect.Charge, p *collect.Parties) {
			other := w.agreesAs(t, c.Session.CustomerID, anything)
			c.Session.Charge = &session.Charge{PaymentMethodID: c.Session.Charge.PaymentMethodID, MandateID: other.MandateID}
			p.Mandate, p.Customer = w.mandates[other.MandateID], w.people[c.Session.CustomerID]
		}, collect.ErrMandateUnknown},
		{"more than the mandate allows", func(_ *testing.T, _ *world, c *collect.Charge, _ *collect.Parties) { c.Session.Amount = 2 * amount }, mandate.ErrViolation},
		{"in another currency", func(_ *testing.T, _ *world, c *collect.Charge, _ *collect.Parties) { c.Session.Currency = "USD" }, mandate.ErrViolation},
		{"under a mandate that was revoked", func(_ *testing.T, _ *world, _ *collect.Charge, p *collect.Parties) {
			p.Mandate.Status = mandate.StatusRevoked
		}, mandate.ErrViolation},
		{"of nothing", func(_ *testing.T, _ *world, c *collect.Charge, _ *collect.Parties) { c.Session.Amount = 0 }, session.ErrAmountMissing},
		{"with the customer present", func(_ *testing.T, _ *world, c *collect.Charge, _ *collect.Parties) {
			c.Session.Type, c.Session.Charge = session.TypeOneTime, nil
		}, session.ErrTypeUnknown},
		{"as it is", func(*testing.T, *world, *collect.Charge, *collect.Parties) {}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			charge := w.charge(w.agrees(t, mandate.Terms{
				Kind: mandate.KindOnDemand, Currency: "ZAR", TimeZone: "UTC", Amount: &mandate.Amount{Max: amount},
			}))
			parties := w.chargeParties(charge)
			c.change(t, w, &charge, &parties)
			changes, err := collect.StartCharge(parties, charge)
			if !errors.Is(err, c.want) || changes.Empty() != (c.want != nil) {
				t.Errorf("the answer is %v, %+v", err, changes)
			}
		})
	}
}

// A subscription's try is a session that there can only ever be one of.
func TestAnOccurrenceIsChargedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld()
	by := w.agrees(t, anything)
	first, second := w.charge(by), w.charge(by)
	second.Session.ID = first.Session.ID
	w.charges(t, first)
	changes, err := collect.StartCharge(w.chargeParties(second), second)
	if err != nil || !changes.Session.New || changes.Session.ID != first.Session.SessionID() {
		t.Errorf("the session of the other is %+v, %v: the log would take it", changes.Session, err)
	}
}

func TestOpenPaymentsAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld()
	by := w.agrees(t, anything)
	for range customer.OpenPaymentsMax {
		w.charges(t, w.charge(by))
	}
	c := w.charge(by)
	if _, err := collect.StartCharge(w.chargeParties(c), c); !errors.Is(err, customer.ErrTooManyOpenPayments) || !customer.ErrTooManyOpenPayments.Transient {
		t.Errorf("one more comes to %v", err)
	}
}

// A stream that was not read is no answer to anybody.
func TestIncompleteParties(t *testing.T) {
	t.Parallel()
	w := newWorld()
	by := w.agrees(t, anything)
	paymentID := w.charges(t, w.charge(by))
	p := w.payments[paymentID]
	for name, lack := range map[string]func(*collect.Parties){
		"the customer": func(c *collect.Parties) { c.Customer = customer.State{} },
		"the method":   func(c *collect.Parties) { c.Method = method.State{} },
		"the mandate":  func(c *collect.Parties) { c.Mandate = mandate.State{} },
	} {
		parties := w.concerned(p)
		lack(&parties)
		changes, err := collect.SettleAttempt(w.sessions[p.SessionID], p, parties, w.word(paymentID, collect.OutcomeApproved, decline.Failure{}))
		if !errors.Is(err, collect.ErrIncomplete) || !changes.Empty() || errors.As(err, new(*domain.Refusal)) {
			t.Errorf("without %s it is settled: %v", name, err)
		}
	}
}
