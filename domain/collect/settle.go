package collect

import (
	"time"

	"github.com/google/uuid"

	"tender/domain"
	"tender/domain/decline"
	"tender/domain/method"
	"tender/domain/payment"
	"tender/domain/session"
)

// OutcomeKind is what an acquirer may say of an attempt.
type OutcomeKind string

// The words of an acquirer on an attempt.
const (
	OutcomeApproved       OutcomeKind = "approved"
	OutcomeDeclined       OutcomeKind = "declined"
	OutcomeActionRequired OutcomeKind = "action_required" // the customer has to go elsewhere
	OutcomePending        OutcomeKind = "pending"         // accepted, and the answer comes later
	OutcomeClosed         OutcomeKind = "closed"          // not performed, and never will be
)

// Outcome is the acquirer's word on an attempt.
type Outcome struct {
	// ID is that of the command which records it; the ids of the mandate and the
	// subscription that come of it are made from it.
	ID                   uuid.UUID
	Key                  string // of the attempt
	Kind                 OutcomeKind
	Reference            string          // with approved
	Failure              decline.Failure // with declined
	URL                  string          // with action_required; with pending perhaps
	NetworkTransactionID string          // with approved; of a card, whose scheme gives one
	ThreeDSecure         string
	ExpiresAt            time.Time // of the authorisation, with approved
	Now                  domain.Moment
}

// SettleAttempt records the acquirer's word on an attempt, with the customer or
// without, and what comes of it: methods, mandates, their ends. The same word again
// changes nothing. A word that contradicts the record is kept as an event of its
// own; where it means that money was reserved for a failed attempt, the intent to
// release it comes with it.
//
// No outcome is refused. An error says that the streams were not all read, or that
// they contradict each other.
func SettleAttempt(s session.State, p payment.State, w Parties, o Outcome) (Changes, error) {
	changes := Changes{Session: Stream[session.Event]{ID: s.ID}, Payment: Stream[payment.Event]{ID: p.ID}}
	if !p.InFlight() || p.Attempt.Key != o.Key {
		changes.Payment.Events = contradiction(p, o)
		return changes, nil
	}
	if err := w.of(p); err != nil {
		return Changes{}, err
	}
	byAccount := p.Attempt.Details.Type.IsAccount()
	if byAccount {
		o.NetworkTransactionID = "" // there is no scheme that could have given one
	}
	changes.Customer.ID = p.CustomerID
	var err error
	switch o.Kind {
	case OutcomeActionRequired, OutcomePending:
		changes.Payment.Events = actionRequired(s, p, o)
	case OutcomeApproved:
		err = changes.approve(s, p, w, o)
	case OutcomeDeclined, OutcomeClosed:
		f := failureOf(s, p, o)
		f.Account = byAccount
		err = changes.fail(s, p, w, f, o.Now)
	}
	if err != nil {
		return Changes{}, err
	}
	return changes, nil
}

// actionRequired asks the customer for their part: to go elsewhere, or to approve on
// their telephone, which is what an attempt that is pushed there waits for. Nobody is
// there to go where a payment is made without the customer: it is for the acquirer to
// close, from now on.
func actionRequired(s session.State, p payment.State, o Outcome) []payment.Event {
	way, _ := p.Attempt.Details.Type.Way()
	action := payment.ActionRedirect
	if o.Kind == OutcomePending {
		action = payment.ActionApprove
	}
	switch {
	case p.WaitsForCustomer():
		return nil
	case action == payment.ActionApprove && (way.Flow != method.FlowPush || !s.Attended()):
		return nil // there is nobody to tell: the answer comes by itself
	}
	by := o.Now.Wall
	if s.Attended() {
		by = by.Add(way.ActionWindow)
	}
	return []payment.Event{payment.ActionRequired{AttemptID: p.Attempt.ID, Action: action, URL: o.URL, ActionBy: by}}
}

// approve records an attempt that succeeded, completes the session, and adds what
// was made.
func (c *Changes) approve(s session.State, p payment.State, w Parties, o Outcome) error {
	e, outcome := approved(p, o)
	c.Payment.Events = []payment.Event{e}
	done := session.Completed{PaymentID: p.ID, Outcome: outcome, CustomerID: s.CustomerID}
	open := payment.Evolve(p, p.ID, e).Open()
	var err error
	if s.Attended() {
		err = c.saved(s, p, w, o, &done)
	} else {
		err = c.charged(s, p, w, settled{succeeded: true, reserved: open}, &done)
	}
	if err != nil {
		return err
	}
	c.Payment.Events = []payment.Event{naming(e, done)}
	c.Session.Events = []session.Event{done}
	c.rest(p, w, open)
	return nil
}

// naming adds to a payment's success what the session was completed with.
func naming(e payment.Event, done session.Completed) payment.Event {
	switch e := e.(type) {
	case payment.Paid:
		e.CustomerID, e.PaymentMethodID, e.MandateID = done.CustomerID, done.PaymentMethodID, done.MandateID
		return e
	case payment.Authorised:
		e.CustomerID, e.PaymentMethodID, e.MandateID = done.CustomerID, done.PaymentMethodID, done.MandateID
		return e
	case payment.Verified:
		e.CustomerID, e.PaymentMethodID, e.MandateID = done.CustomerID, done.PaymentMethodID, done.MandateID
		return e
	}
	return e
}

func approved(p payment.State, o Outcome) (payment.Event, session.Outcome) {
	switch {
	case p.Verifies():
		return payment.Verified{
			AttemptID: p.Attempt.ID, Reference: o.Reference,
			NetworkTransactionID: o.NetworkTransactionID, ThreeDSecure: o.ThreeDSecure,
		}, session.OutcomeVerified
	case p.CaptureMethod == payment.CaptureManual:
		return payment.Authorised{
			AttemptID: p.Attempt.ID, Amount: p.Amount, Currency: p.Currency, Reference: o.Reference,
			NetworkTransactionID: o.NetworkTransactionID, ThreeDSecure: o.ThreeDSecure, ExpiresAt: o.ExpiresAt,
		}, session.OutcomeReserved
	}
	return payment.Paid{
		AttemptID: p.Attempt.ID, Amount: p.Amount, Currency: p.Currency, Reference: o.Reference,
		NetworkTransactionID: o.NetworkTransactionID, ThreeDSecure: o.ThreeDSecure,
	}, session.OutcomePaid
}

// fail records an attempt that failed. With the customer present it ends the
// session where it was the last one, where the session was given up meanwhile, or
// where it is past its time; without them there is no other attempt.
func (c *Changes) fail(s session.State, p payment.State, w Parties, f decline.Failure, now domain.Moment) error {
	if !s.Attended() {
		return c.failCharge(s, p, w, f)
	}
	last := p.Attempt.Number >= payment.AttemptsMax
	c.Payment.Events = []payment.Event{payment.AttemptFailed{AttemptID: p.Attempt.ID, Failure: f, Final: last}}
	c.Session.Events = []session.Event{session.AttemptFailed{PaymentID: p.ID, AttemptID: p.Attempt.ID, Failure: f}}
	switch {
	case s.CancelRequested != "":
		if !last {
			c.Payment.Events = append(c.Payment.Events, payment.Cancelled{})
		}
		c.Session.Events = append(c.Session.Events, session.Cancelled{By: s.CancelRequested})
	case last:
		c.Session.Events = append(c.Session.Events, session.Expired{Reason: session.ExpiredByAttempts})
	case s.Expired(now.At):
		c.Payment.Events = append(c.Payment.Events, payment.Expired{})
		c.Session.Events = append(c.Session.Events, session.Expired{Reason: session.ExpiredByTime})
	}
	c.Methods = on(c.Methods, w.Method.ID, false, w.Method.Failed(p.ID, f)...)
	c.rest(p, w, false)
	return nil
}

// failureOf says why an attempt failed. A closed key has no reason of its own:
// it was given up by the customer, by the clock, or lost on the way; or it would
// have taken a customer who is not there.
func failureOf(s session.State, p payment.State, o Outcome) decline.Failure {
	switch {
	case o.Kind == OutcomeDeclined:
		return o.Failure
	case s.CancelRequested != "":
		return decline.New(decline.CustomerCancelled, "")
	case p.WaitsForCustomer() && !s.Attended():
		return decline.New(decline.CardDeclined, decline.AuthenticationRequired)
	case p.WaitsForCustomer():
		return decline.New(decline.TimedOut, "")
	default:
		return decline.New(decline.ProcessingError, "")
	}
}

// contradiction keeps an answer that says the opposite of the record.
func contradiction(p payment.State, o Outcome) []payment.Event {
	switch o.Kind {
	case OutcomeApproved:
		events := p.Contradiction(o.Key, true, p.Amount, o.Reference)
		if len(events) > 0 && !p.Verifies() {
			events = append(events, p.ReverseContradicted(o.ID, p.Amount, o.Reference, o.Now.Wall))
		}
		return events
	case OutcomeDeclined, OutcomeClosed:
		return p.Contradiction(o.Key, false, p.Amount, o.Reference)
	case OutcomeActionRequired, OutcomePending:
	}
	return nil
}
