package collect_test

import (
	"errors"
	"testing"

	"tender/domain/collect"
	"tender/domain/decline"
	"tender/domain/mandate"
	"tender/domain/payment"
	"tender/domain/session"
)

// reserves charges a mandate by manual capture, and returns the payment.
func (w *world) reserves(t tester, by session.Completed) string {
	t.Helper()
	c := w.charge(by)
	c.Session.CaptureMethod = payment.CaptureManual
	paymentID := w.charges(t, c)
	w.answers(t, paymentID, collect.OutcomeApproved, decline.Failure{})
	return paymentID
}

// What is given back of a reserved payment counts no longer; once nothing of it can
// come back, the customer and the mandate know.
func TestWhatComesBackOfAReservation(t *testing.T) {
	t.Parallel()
	closed := "cus customer.payment_closed"
	for _, c := range []struct {
		name  string
		do    func(*testing.T, *world, string) collect.Changes
		want  []string
		count int
		sum   int64
		open  bool
	}{
		{"part is captured", func(t *testing.T, w *world, p string) collect.Changes {
			return w.captures(t, p, 60_000, true)
		}, []string{"pay payment.captured"}, 1, amount, true},
		{"all is captured", func(t *testing.T, w *world, p string) collect.Changes {
			return w.captures(t, p, 0, true)
		}, []string{"pay payment.captured", closed, "mdt mandate.charge_reduced"}, 1, amount, false},
		{"all is captured, in parts", func(t *testing.T, w *world, p string) collect.Changes {
			w.captures(t, p, 60_000, true)
			return w.captures(t, p, 40_000, true)
		}, []string{"pay payment.captured", closed, "mdt mandate.charge_reduced"}, 1, amount, false},
		{"a capture is asked for", func(t *testing.T, w *world, p string) collect.Changes {
			return w.operates(t, p, payment.Capture{ID: w.command(), Now: w.now})
		}, []string{"pay payment.capture_requested"}, 1, amount, true},
		{"a capture is declined", func(t *testing.T, w *world, p string) collect.Changes {
			return w.captures(t, p, 0, false)
		}, []string{"pay payment.capture_failed"}, 1, amount, true},
		{"all is voided", func(t *testing.T, w *world, p string) collect.Changes {
			return w.voids(t, p, true)
		}, []string{"pay payment.voided", closed, "mdt mandate.charge_reduced"}, 0, 0, false},
		{"a void is declined", func(t *testing.T, w *world, p string) collect.Changes {
			return w.voids(t, p, false)
		}, []string{"pay payment.void_failed"}, 1, amount, true},
		{"part is captured, the rest voided", func(t *testing.T, w *world, p string) collect.Changes {
			w.captures(t, p, 60_000, true)
			return w.voids(t, p, true)
		}, []string{"pay payment.voided", closed, "mdt mandate.charge_reduced"}, 1, 60_000, false},
		{"all expires", func(t *testing.T, w *world, p string) collect.Changes {
			w.later(authEnds)
			return w.operates(t, p, payment.ExpireAuthorisation{ID: w.command(), Now: w.now})
		}, []string{"pay payment.authorisation_expired", "pay payment.reversal_requested", closed, "mdt mandate.charge_reduced"}, 0, 0, false},
		{"part is captured, the rest expires", func(t *testing.T, w *world, p string) collect.Changes {
			w.captures(t, p, 1, true)
			w.later(authEnds)
			return w.operates(t, p, payment.ExpireAuthorisation{ID: w.command(), Now: w.now})
		}, []string{"pay payment.authorisation_expired", "pay payment.reversal_requested", closed, "mdt mandate.charge_reduced"}, 1, 1, false},
		{"expired, and its reversal is answered", func(t *testing.T, w *world, p string) collect.Changes {
			w.later(authEnds)
			w.operates(t, p, payment.ExpireAuthorisation{ID: w.command(), Now: w.now})
			return w.operates(t, p, payment.SettleOperation{Key: w.payments[p].Pending[0].Key, Performed: true})
		}, []string{"pay payment.reversed"}, 0, 0, false},
		{"captured, and refunded", func(t *testing.T, w *world, p string) collect.Changes {
			w.captures(t, p, 0, true)
			return w.operation(t, p, payment.Refund{ID: w.command(), Now: w.now}, true)
		}, []string{"pay payment.refunded"}, 1, amount, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			by := w.agrees(t, thrice)
			paymentID := w.reserves(t, by)
			tells(t, c.do(t, w, paymentID), c.want...)
			count, sum := w.mandates[by.MandateID].Counted()
			if open := len(w.people[by.CustomerID].Open) == 1; count != c.count || sum != c.sum || open != c.open || open != w.payments[paymentID].Open() {
				t.Errorf("under the mandate count %d of %d, and it is open: %t", count, sum, open)
			}
		})
	}
}

// A mandate is used up once nothing of its last payment can come back; its customer
// and its method are told then.
func TestTheLastPaymentOfAMandateComesToRest(t *testing.T) {
	t.Parallel()
	w := newWorld()
	by := w.agrees(t, once)
	paymentID := w.reserves(t, by)
	c := w.charge(by)
	if _, err := collect.StartCharge(w.chargeParties(c), c); !errors.Is(err, mandate.ErrViolation) {
		t.Errorf("another charge comes to %v", err)
	}
	w.captures(t, paymentID, 1, true)
	tells(t, w.captures(t, paymentID, 0, true),
		"pay payment.captured", "cus customer.mandate_ended", "cus customer.payment_closed",
		"pmt method.mandate_ended", "mdt mandate.charge_reduced", "mdt mandate.exhausted",
	)

	by = w.agrees(t, once)
	tells(t, w.voids(t, w.reserves(t, by), true), "pay payment.voided", "cus customer.payment_closed", "mdt mandate.charge_reduced")
	w.charges(t, w.charge(by)) // its count is given back
}

// What happens to a payment of nobody's concerns nobody.
func TestAPaymentOfNobodys(t *testing.T) {
	t.Parallel()
	w := newWorld()
	ask := w.asks(session.TypeOneTime, "")
	ask.CaptureMethod = payment.CaptureManual
	sessionID := w.session(t, ask)
	tells(t, w.pays(t, sessionID, ""), "ps session.completed", "pay payment.authorised")
	paymentID := w.sessions[sessionID].PaymentID
	tells(t, w.captures(t, paymentID, 1, true), "pay payment.captured")
	tells(t, w.voids(t, paymentID, true), "pay payment.voided")
}

// A decision without those whom it concerns is none.
func TestOperateWithoutThoseWhomItConcerns(t *testing.T) {
	t.Parallel()
	w := newWorld()
	by := w.agrees(t, anything)
	paymentID := w.reserves(t, by)
	p := w.payments[paymentID]
	for name, parties := range map[string]collect.Parties{
		"nobody":               {},
		"without the mandate":  {Customer: w.people[by.CustomerID], Method: w.methods[by.PaymentMethodID]},
		"without the customer": {Method: w.methods[by.PaymentMethodID], Mandate: w.mandates[by.MandateID]},
	} {
		if _, err := collect.Operate(p, parties, nil); !errors.Is(err, collect.ErrIncomplete) {
			t.Errorf("%s: it comes to %v", name, err)
		}
	}
}
