package collect_test

import (
	"errors"
	"testing"
	"time"

	"tender/domain"
	"tender/domain/collect"
	"tender/domain/customer"
	"tender/domain/decline"
	"tender/domain/mandate"
	"tender/domain/method"
	"tender/domain/recurrence"
	"tender/domain/session"
)

func TestChooseMandate(t *testing.T) {
	t.Parallel()
	w := newWorld()
	first := w.agrees(t, anything)
	again := func() string {
		return completed(t, w.pays(t, w.session(t, w.asks(session.TypeFirstInSeries, first.CustomerID)), first.PaymentMethodID)).MandateID
	}
	second, third := again(), again()
	other := w.agreesAs(t, first.CustomerID, anything) // another method's
	stranger := w.agrees(t, anything)
	end := func(mandateID string) {
		changes, err := collect.EndMandate(w.of(mandateID), mandate.Revoke{By: mandate.ByMerchant})
		w.decided(t, changes, err)
	}
	all := func() []mandate.State {
		var states []mandate.State
		for _, id := range []string{first.MandateID, second, third, other.MandateID, stranger.MandateID} {
			states = append(states, w.mandates[id])
		}
		return states
	}
	chosen := func(named, want string, refused error) {
		t.Helper()
		got, err := collect.ChooseMandate(w.people[first.CustomerID], w.methods[first.PaymentMethodID], all(), named)
		if !errors.Is(err, refused) || got.ID != want {
			t.Errorf("chosen is %q, %v; want %q, %v", got.ID, err, want, refused)
		}
	}
	chosen("", "", collect.ErrMandateAmbiguous)
	chosen(second, second, nil)
	chosen(other.MandateID, "", collect.ErrMandateUnknown)
	chosen(stranger.MandateID, "", collect.ErrMandateUnknown)
	chosen("mdt_guessed", "", collect.ErrMandateUnknown)
	end(second)
	chosen("", "", collect.ErrMandateAmbiguous)
	chosen(second, second, nil) // that it is revoked, it says itself
	end(third)
	chosen("", first.MandateID, nil)
	end(first.MandateID)
	chosen("", "", mandate.ErrViolation)

	for name, c := range map[string]struct {
		owner customer.State
		of    method.State
		want  error
	}{
		"of nobody":          {customer.State{}, w.methods[first.PaymentMethodID], customer.ErrUnknown},
		"without a method":   {w.people[first.CustomerID], method.State{}, method.ErrUnknown},
		"of another's":       {w.people[first.CustomerID], w.methods[stranger.PaymentMethodID], method.ErrUnknown},
		"of one who is gone": {customer.State{ID: first.CustomerID, Erased: true}, w.methods[first.PaymentMethodID], customer.ErrErased},
	} {
		if _, err := collect.ChooseMandate(c.owner, c.of, all(), ""); !errors.Is(err, c.want) {
			t.Errorf("%s: the answer is %v", name, err)
		}
	}
}

// The refusals are the contract's.
func TestMandateRefusals(t *testing.T) {
	t.Parallel()
	if e := collect.ErrMandateAmbiguous; e.Code != "mandate_ambiguous" || e.Field != "/options/mandate_id" || e.Transient {
		t.Errorf("the refusal is %+v", e)
	}
	if e := method.ErrUnusable; e.Code != "payment_method_unusable" || e.Transient {
		t.Errorf("the refusal is %+v", e)
	}
	if e := customer.ErrHasOpenPayments; e.Code != "customer_has_open_payments" || e.Transient {
		t.Errorf("the refusal is %+v", e)
	}
	var r *domain.Refusal
	if !errors.As(collect.ErrNoMandate, &r) || r.Code != mandate.CodeViolation || collect.ErrNoMandate.Broken[0].Code != mandate.NotActive {
		t.Errorf("the refusal is %v", collect.ErrNoMandate)
	}
}

// of are those whom a mandate concerns.
func (w *world) of(mandateID string) collect.Parties {
	m := w.mandates[mandateID]
	return collect.Parties{Customer: w.people[m.CustomerID], Method: w.methods[m.PaymentMethodID], Mandate: m}
}

// The end of a mandate is said to its customer and its method, and cuts off nothing
// that is in flight.
func TestTheEndOfAMandate(t *testing.T) {
	t.Parallel()
	w := newWorld()
	terms := anything
	terms.Validity.End, _ = recurrence.ParseDate("2026-05-31")
	by := w.agrees(t, terms)
	inFlight := w.charges(t, w.charge(by))

	early, err := collect.EndMandate(w.of(by.MandateID), mandate.Expire{Now: w.now})
	tells(t, w.decided(t, early, err))
	w.later(30 * 24 * time.Hour)
	over, err := collect.EndMandate(w.of(by.MandateID), mandate.Expire{Now: w.now})
	tells(t, w.decided(t, over, err), "cus customer.mandate_ended", "pmt method.mandate_ended", "mdt mandate.expired")
	twice, err := collect.EndMandate(w.of(by.MandateID), mandate.Revoke{By: mandate.ByMerchant})
	tells(t, w.decided(t, twice, err))
	tells(t, w.answers(t, inFlight, collect.OutcomeDeclined, withdrawn),
		"ps session.completed", "pay payment.attempt_failed", "cus customer.payment_closed", "mdt mandate.charge_failed")

	by = w.agreesAs(t, by.CustomerID, anything)
	inFlight = w.charges(t, w.charge(by))
	revoked, err := collect.EndMandate(w.of(by.MandateID), mandate.Revoke{By: mandate.ByMerchant, Reason: "asked by phone"})
	tells(t, w.decided(t, revoked, err), "cus customer.mandate_ended", "pmt method.mandate_ended", "mdt mandate.revoked")
	if got := holds[mandate.Revoked](t, revoked.Mandates, 1)[0]; got != (mandate.Revoked{By: mandate.ByMerchant, Reason: "asked by phone"}) {
		t.Errorf("revoked is %+v", got)
	}
	tells(t, w.answers(t, inFlight, collect.OutcomeApproved, decline.Failure{}),
		"ps session.completed", "pay payment.paid", "cus customer.payment_closed", "mdt mandate.charge_succeeded")

	if _, err := collect.EndMandate(collect.Parties{Mandate: w.mandates[by.MandateID]}, mandate.Revoke{By: mandate.ByMerchant}); !errors.Is(err, collect.ErrIncomplete) {
		t.Errorf("without those whom it concerns it comes to %v", err)
	}
	if _, err := collect.EndMandate(collect.Parties{}, mandate.Revoke{By: mandate.ByMerchant}); !errors.Is(err, mandate.ErrNotFound) {
		t.Errorf("the end of no mandate comes to %v", err)
	}
}
