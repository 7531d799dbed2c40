package collect_test

import (
	"errors"
	"testing"

	"tender/domain"
	"tender/domain/collect"
	"tender/domain/customer"
	"tender/domain/decline"
	"tender/domain/mandate"
	"tender/domain/method"
	"tender/domain/payment"
	"tender/domain/session"
	"tender/domain/subscription"
)

// A method that is removed takes its mandates with it, and no others.
func TestRemoveMethod(t *testing.T) {
	t.Parallel()
	w := newWorld()
	by := w.agrees(t, anything)
	second := completed(t, w.pays(t, w.session(t, w.asks(session.TypeFirstInSeries, by.CustomerID)), by.PaymentMethodID))
	other := w.agreesAs(t, by.CustomerID, anything)
	inFlight := w.charges(t, w.charge(by))
	remove := func(mandates ...mandate.State) (collect.Changes, error) {
		return collect.RemoveMethod(w.people[by.CustomerID], w.methods[by.PaymentMethodID], mandates)
	}
	if _, err := remove(w.mandates[by.MandateID]); !errors.Is(err, collect.ErrIncomplete) {
		t.Errorf("without one of its mandates it comes to %v", err)
	}
	if _, err := collect.RemoveMethod(customer.State{}, w.methods[by.PaymentMethodID], nil); !errors.Is(err, collect.ErrIncomplete) {
		t.Errorf("without its customer it comes to %v", err)
	}
	if _, err := collect.RemoveMethod(w.people[w.newcomer(t)], method.State{ID: "pmt_1", CustomerID: by.CustomerID}, nil); !errors.Is(err, collect.ErrIncomplete) {
		t.Errorf("by another customer it comes to %v", err)
	}
	changes, err := remove(w.mandates[second.MandateID], w.mandates[by.MandateID])
	tells(t, w.decided(t, changes, err),
		"cus customer.method_removed", "cus customer.mandate_ended", "cus customer.mandate_ended",
		"pmt method.removed", "mdt mandate.revoked", "mdt mandate.revoked",
	)
	for _, e := range holds[mandate.Revoked](t, changes.Mandates, 2) {
		if e != (mandate.Revoked{By: mandate.BySystem, Reason: "payment_method_removed"}) {
			t.Errorf("revoked is %+v", e)
		}
	}
	if c := w.people[by.CustomerID]; len(c.Methods) != 1 || len(c.Mandates) != 1 || !c.HasMethod(other.PaymentMethodID) {
		t.Errorf("left are %+v", c)
	}
	if _, err := remove(); !errors.Is(err, method.ErrUnknown) {
		t.Errorf("again it comes to %v", err)
	}
	if _, err := collect.RemoveMethod(customer.State{}, method.State{}, nil); !errors.Is(err, method.ErrUnknown) {
		t.Errorf("of no method it comes to %v", err)
	}

	// What was in flight is not cut off, and says nothing to a method that is gone.
	tells(t, w.answers(t, inFlight, collect.OutcomeDeclined, stolen),
		"ps session.completed", "pay payment.attempt_failed", "cus customer.payment_closed", "mdt mandate.charge_failed")
}

// Erasing a customer ends everything of theirs at once.
func TestEraseCustomer(t *testing.T) {
	t.Parallel()
	w := newWorld()
	by := w.subscribes(t, anything)
	other := w.agreesAs(t, by.CustomerID, anything)
	cancelled := collect.Stream[subscription.Event]{ID: by.SubscriptionID, Events: []subscription.Event{subscription.Cancelled{By: subscription.BySystem}}}
	all := collect.Belongings{
		Methods:       []method.State{w.methods[by.PaymentMethodID], w.methods[other.PaymentMethodID]},
		Mandates:      []mandate.State{w.mandates[other.MandateID], w.mandates[by.MandateID]},
		Subscriptions: []collect.Stream[subscription.Event]{cancelled},
	}
	for name, lack := range map[string]func(*collect.Belongings){
		"a method":       func(b *collect.Belongings) { b.Methods = b.Methods[:1] },
		"a mandate":      func(b *collect.Belongings) { b.Mandates = b.Mandates[:1] },
		"a subscription": func(b *collect.Belongings) { b.Subscriptions = nil },
	} {
		some := all
		lack(&some)
		if _, err := collect.EraseCustomer(w.people[by.CustomerID], some); !errors.Is(err, collect.ErrIncomplete) {
			t.Errorf("without %s it comes to %v", name, err)
		}
	}
	changes, err := collect.EraseCustomer(w.people[by.CustomerID], all)
	tells(t, w.decided(t, changes, err),
		"cus customer.erased", "pmt method.removed", "pmt method.removed", "mdt mandate.revoked", "mdt mandate.revoked", "sub subscription.cancelled")
	for _, e := range holds[mandate.Revoked](t, changes.Mandates, 2) {
		if e != (mandate.Revoked{By: mandate.BySystem, Reason: "customer_erased"}) {
			t.Errorf("revoked is %+v", e)
		}
	}
	c := w.people[by.CustomerID]
	if !c.Erased || len(c.Methods)+len(c.Mandates)+len(c.Subscriptions) != 0 {
		t.Errorf("left are %+v", c)
	}
	if _, err := collect.EraseCustomer(c, collect.Belongings{}); !errors.Is(err, customer.ErrErased) {
		t.Errorf("again it comes to %v", err)
	}
	if _, err := collect.EraseCustomer(customer.State{}, collect.Belongings{}); !errors.Is(err, customer.ErrUnknown) {
		t.Errorf("of nobody it comes to %v", err)
	}
	charge := w.charge(by)
	if _, err := collect.StartCharge(w.chargeParties(charge), charge); !errors.Is(err, customer.ErrErased) {
		t.Errorf("a charge comes to %v", err)
	}
}

// Nobody is forgotten while their money is on its way.
func TestNobodyIsErasedWhoHasOpenPayments(t *testing.T) {
	t.Parallel()
	w := newWorld()
	by := w.agrees(t, anything)
	erase := func() error {
		_, err := collect.EraseCustomer(w.people[by.CustomerID], collect.Belongings{
			Methods: []method.State{w.methods[by.PaymentMethodID]}, Mandates: []mandate.State{w.mandates[by.MandateID]},
		})
		return err
	}
	is := func(when string, want error) {
		t.Helper()
		if err := erase(); !errors.Is(err, want) {
			t.Errorf("%s the answer is %v", when, err)
		}
	}
	is("at first", nil)
	paymentID := w.charges(t, w.charge(by))
	is("with a charge in flight", customer.ErrHasOpenPayments)
	w.answers(t, paymentID, collect.OutcomeDeclined, declined)
	is("once it has failed", nil)
	paymentID = w.reserves(t, by)
	is("with a reservation", customer.ErrHasOpenPayments)
	w.captures(t, paymentID, 1, true)
	is("with part of it captured", customer.ErrHasOpenPayments)
	w.operates(t, paymentID, payment.Capture{ID: w.command(), Now: w.now})
	is("with the rest of it asked for", customer.ErrHasOpenPayments)
	pending := w.payments[paymentID].Pending[0].Key
	w.operates(t, paymentID, payment.SettleOperation{Key: pending, Performed: true, Reference: "op"})
	is("with all of it captured", nil)

	sessionID := w.session(t, w.asks(session.TypeOneTime, by.CustomerID))
	is("with a session that nobody has paid", nil)
	paymentID = w.attempts(t, sessionID, "")
	is("with an attempt in flight", customer.ErrHasOpenPayments)
	w.answers(t, paymentID, collect.OutcomeActionRequired, decline.Failure{})
	is("while they authenticate", customer.ErrHasOpenPayments)
	w.answers(t, paymentID, collect.OutcomeClosed, decline.Failure{})
	is("once that is given up", nil)

	var refusal *domain.Refusal
	if !errors.As(customer.ErrHasOpenPayments, &refusal) || refusal.Transient {
		t.Errorf("the refusal is %+v", refusal)
	}
}
