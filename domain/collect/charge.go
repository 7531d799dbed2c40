package collect

import (
	"github.com/google/uuid"

	"tender/domain/customer"
	"tender/domain/decline"
	"tender/domain/id"
	"tender/domain/mandate"
	"tender/domain/method"
	"tender/domain/payment"
	"tender/domain/session"
)

// Charge asks for a payment without the customer.
type Charge struct {
	ID uuid.UUID // of the command; the payment's id is made from it
	// Session is the session that the payment is made in, of the type
	// next_in_series; it names the method and the mandate.
	Session  session.Create
	Acquirer string
	Takes    Takes
}

// StartCharge returns everything that a payment without the customer begins with:
// the session, its payment, the intent, and that it counts under the mandate from
// here on. It is refused, before any acquirer is called, where the customer, the
// method or the mandate does not allow it.
//
// The mandate's stream is written by each charge, so two can never be decided on
// the same version of it.
func StartCharge(w Parties, c Charge) (Changes, error) {
	c.Session.ClockID = w.Customer.ClockID
	created, err := session.DecideCreate(c.Session)
	if err != nil {
		return Changes{}, err
	}
	if c.Session.Type != session.TypeNextInSeries {
		return Changes{}, session.ErrTypeUnknown
	}
	if err := w.allow(c.Session); err != nil {
		return Changes{}, err
	}
	var s session.State
	for _, e := range created {
		s = session.Evolve(s, c.Session.SessionID(), "", e)
	}
	if !c.Takes.charges(s, w.Method.Details.Type) {
		return Changes{}, ErrNotCharged
	}
	paymentID := id.Format(id.Payment, c.ID)
	var under Changes
	if err := under.decideMandate(w, mandate.Charge{
		PaymentID: paymentID, SessionID: s.ID, Amount: s.Amount, Currency: s.Currency, Now: c.Session.Now,
	}); err != nil {
		return Changes{}, err
	}
	changes, err := begin(s, payment.State{}, w, beginning{
		paymentID: paymentID, acquirer: c.Acquirer, now: c.Session.Now,
		details: w.Method.Details,
	})
	if err != nil {
		return Changes{}, err
	}
	changes.Session.New = true
	changes.Session.Events = append(created, changes.Session.Events...)
	changes.Mandates = under.Mandates
	return changes, nil
}

// allow holds a charge to the customer, the method and the mandate that it names,
// and refuses a method that nothing may be sent for without the customer.
func (w Parties) allow(c session.Create) error {
	if w.Customer.Exists() && w.Customer.ID != c.CustomerID {
		return ErrIncomplete
	}
	if err := w.Customer.Available(); err != nil {
		return err
	}
	if w.Method.ID != c.Charge.PaymentMethodID {
		return method.ErrUnknown
	}
	if err := owns(w.Customer, w.Method); err != nil {
		return err
	}
	if err := w.Method.UsableAlone(c.Now.At); err != nil {
		return err
	}
	if w.Mandate.ID != c.Charge.MandateID || w.Mandate.PaymentMethodID != w.Method.ID {
		return ErrMandateUnknown
	}
	return nil
}

// owns refuses a method that is not the customer's, as if it did not exist.
func owns(owner customer.State, m method.State) error {
	if m.CustomerID != owner.ID {
		return method.ErrUnknown
	}
	return m.Available()
}

// settled is what became of a charge.
type settled struct {
	succeeded, reserved bool
	failure             decline.Failure
}

// charged adds what a charge's outcome means to its mandate, and names in done what
// the session has used.
func (c *Changes) charged(s session.State, p payment.State, w Parties, o settled, done *session.Completed) error {
	done.PaymentMethodID, done.MandateID = s.Charge.PaymentMethodID, s.Charge.MandateID
	done.SubscriptionID, done.Occurrence = s.Charge.SubscriptionID, s.Charge.Occurrence
	return c.decideMandate(w, mandate.Settle{PaymentID: p.ID, Succeeded: o.succeeded, Reserved: o.reserved, Failure: o.failure})
}

// failCharge records that a payment without the customer failed, and what its
// reason forbids from here on: the method, after a hard decline or one that asks
// for the customer; the mandate, where the cardholder has withdrawn it.
func (c *Changes) failCharge(s session.State, p payment.State, w Parties, f decline.Failure) error {
	c.Payment.Events = []payment.Event{payment.AttemptFailed{AttemptID: p.Attempt.ID, Failure: f, Final: true}}
	done := session.Completed{PaymentID: p.ID, Outcome: session.OutcomeUnpaid, Failure: &f, CustomerID: s.CustomerID}
	c.Methods = on(c.Methods, w.Method.ID, false, w.Method.Failed(p.ID, f)...)
	if err := c.charged(s, p, w, settled{failure: f}, &done); err != nil {
		return err
	}
	c.Session.Events = []session.Event{done}
	c.rest(p, w, false)
	return nil
}
