// Package collect holds the rules that span a session and its payment: each
// function looks at the states of both and returns what happens to each. The
// caller appends all of it in one go.
package collect

import (
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"tender/domain"
	"tender/domain/decline"
	"tender/domain/id"
	"tender/domain/payment"
	"tender/domain/session"
)

// Changes are the events of one decision, per stream. The payment's id is set
// where the payment has events.
type Changes struct {
	Session   []session.Event
	PaymentID string
	Payment   []payment.Event
}

// Empty reports whether there was nothing to do.
func (c Changes) Empty() bool { return len(c.Session) == 0 && len(c.Payment) == 0 }

// Refusals of what is asked of a session.
var (
	ErrSessionNotActive  = domain.Refuse("session_not_active", "The payment session is no longer active.")
	ErrAttemptInProgress = domain.RefuseForNow("attempt_in_progress", "An attempt to pay waits for the acquirer's answer. Try again in a moment.")
	ErrUnknownAttempt    = domain.Refuse("attempt_id_unknown", "The attempt_id is not the one that the session's state gives. Read the state again.")
)

// NextAttemptID is the single-use id of the session's next attempt. It follows
// from the session and the number of attempts alone, so that two pages that were
// opened side by side hold the same one and join in the same attempt.
func NextAttemptID(s session.State) string {
	n := len(s.AttemptIDs) + 1
	name := s.CheckoutID + "/" + strconv.Itoa(n)
	return id.Format(id.Attempt, uuid.NewSHA1(uuid.NameSpaceOID, []byte(name)))
}

// Attempt asks to pay a session.
type Attempt struct {
	ID        uuid.UUID // of the command; the payment's id is made from the first one's
	AttemptID string    // "": none was given, the next one is meant
	Details   payment.Details
	Acquirer  string
	Now       domain.Moment
}

// StartAttempt returns the intent of a new attempt, for the session and for its
// payment, which begins with the first.
func StartAttempt(s session.State, p payment.State, c Attempt) (Changes, error) {
	next := NextAttemptID(s)
	switch {
	case s.Status != session.StatusActive, !c.Now.At.Before(s.ExpiresAt), s.CancelRequested != "":
		return Changes{}, ErrSessionNotActive
	case p.InFlight():
		return Changes{}, ErrAttemptInProgress
	case c.AttemptID != "" && c.AttemptID != next:
		return Changes{}, ErrUnknownAttempt
	}
	number := len(s.AttemptIDs) + 1
	changes := Changes{PaymentID: s.PaymentID}
	if !p.Exists() {
		changes.PaymentID = id.Format(id.Payment, c.ID)
		changes.Payment = append(changes.Payment, payment.Initiated{
			SessionID: s.ID, Amount: s.Amount, Currency: s.Currency, Country: s.Country,
			CaptureMethod: s.CaptureMethod, Intent: payment.IntentPayment, Acquirer: c.Acquirer,
			ExternalReference: s.ExternalReference, Metadata: s.Metadata,
		})
	}
	changes.Payment = append(changes.Payment, payment.AttemptStarted{
		AttemptID: next, Number: number, Key: changes.PaymentID + "-" + strconv.Itoa(number),
		AnswerBy: c.Now.Wall.Add(payment.AnswerWindow), Details: c.Details,
	})
	changes.Session = []session.Event{session.AttemptStarted{PaymentID: changes.PaymentID, AttemptID: next, Number: number}}
	return changes, nil
}

// OutcomeKind is what an acquirer may say of an attempt.
type OutcomeKind string

// The words of an acquirer on an attempt.
const (
	OutcomeApproved       OutcomeKind = "approved"
	OutcomeDeclined       OutcomeKind = "declined"
	OutcomeActionRequired OutcomeKind = "action_required" // the customer has to authenticate elsewhere
	OutcomeClosed         OutcomeKind = "closed"          // not performed, and never will be
)

// Outcome is the acquirer's word on an attempt.
type Outcome struct {
	ID                   uuid.UUID // of the command that records it
	Key                  string    // of the attempt
	Kind                 OutcomeKind
	Reference            string          // with approved
	Failure              decline.Failure // with declined
	URL                  string          // with action_required
	NetworkTransactionID string
	ThreeDSecure         string
	ExpiresAt            time.Time // of the authorisation, with approved
	Now                  domain.Moment
}

// SettleAttempt records the acquirer's word on an attempt. The same word again
// changes nothing. A word that contradicts the record is kept as an event of its
// own; where it means that money was reserved for a failed attempt, the intent to
// release it comes with it.
func SettleAttempt(s session.State, p payment.State, o Outcome) Changes {
	changes := Changes{PaymentID: p.ID}
	if !p.InFlight() || p.Attempt.Key != o.Key {
		changes.Payment = contradiction(p, o)
		return changes
	}
	switch o.Kind {
	case OutcomeActionRequired:
		if p.WaitsForCustomer() {
			return changes
		}
		changes.Payment = []payment.Event{payment.ActionRequired{
			AttemptID: p.Attempt.ID, URL: o.URL, ActionBy: o.Now.Wall.Add(payment.ActionWindow),
		}}
	case OutcomeApproved:
		changes.Payment, changes.Session = approve(p, o)
	case OutcomeDeclined, OutcomeClosed:
		changes.Payment, changes.Session = fail(s, p, failureOf(s, p, o), o.Now)
	}
	return changes
}

func approve(p payment.State, o Outcome) ([]payment.Event, []session.Event) {
	if p.CaptureMethod == payment.CaptureManual {
		return []payment.Event{payment.Authorised{
				AttemptID: p.Attempt.ID, Amount: p.Amount, Reference: o.Reference,
				NetworkTransactionID: o.NetworkTransactionID, ThreeDSecure: o.ThreeDSecure, ExpiresAt: o.ExpiresAt,
			}}, []session.Event{
				session.Completed{PaymentID: p.ID, Outcome: session.OutcomeReserved},
			}
	}
	return []payment.Event{payment.Paid{
			AttemptID: p.Attempt.ID, Amount: p.Amount, Reference: o.Reference,
			NetworkTransactionID: o.NetworkTransactionID, ThreeDSecure: o.ThreeDSecure,
		}}, []session.Event{
			session.Completed{PaymentID: p.ID, Outcome: session.OutcomePaid},
		}
}

// fail records a failed attempt, and ends the session with it where that was
// the last one, where the session was given up meanwhile, or where it is past
// its time.
func fail(s session.State, p payment.State, f decline.Failure, now domain.Moment) ([]payment.Event, []session.Event) {
	last := p.Attempt.Number >= payment.AttemptsMax
	pe := []payment.Event{payment.AttemptFailed{AttemptID: p.Attempt.ID, Failure: f, Final: last}}
	se := []session.Event{session.AttemptFailed{PaymentID: p.ID, AttemptID: p.Attempt.ID, Failure: f}}
	switch {
	case s.CancelRequested != "":
		if !last {
			pe = append(pe, payment.Cancelled{})
		}
		se = append(se, session.Cancelled{By: s.CancelRequested})
	case last:
		se = append(se, session.Expired{Reason: session.ExpiredByAttempts})
	case !now.At.Before(s.ExpiresAt):
		pe = append(pe, payment.Expired{})
		se = append(se, session.Expired{Reason: session.ExpiredByTime})
	}
	return pe, se
}

// failureOf says why an attempt failed. A closed key has no reason of its own:
// it was given up by the customer, by the clock, or lost on the way.
func failureOf(s session.State, p payment.State, o Outcome) decline.Failure {
	switch {
	case o.Kind == OutcomeDeclined:
		return o.Failure
	case s.CancelRequested != "":
		return decline.New(decline.CustomerCancelled, "")
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
		if len(events) > 0 {
			events = append(events, p.ReverseContradicted(o.ID, p.Amount, o.Reference, o.Now.Wall))
		}
		return events
	case OutcomeDeclined, OutcomeClosed:
		return p.Contradiction(o.Key, false, p.Amount, o.Reference)
	case OutcomeActionRequired:
	}
	return nil
}

// Cancel asks to give a session up.
type Cancel struct {
	ID  uuid.UUID // of the command
	By  session.CancelledBy
	Now domain.Moment
}

// CancelSession gives a session up. While the customer is away to authenticate,
// it is only asked for: the acquirer closes the attempt first, and the outcome
// ends the session (see [SettleAttempt]). One that is past its time is no longer
// active, whether that is recorded yet or not.
func CancelSession(s session.State, p payment.State, c Cancel) (Changes, error) {
	switch {
	case s.Status != session.StatusActive, !p.InFlight() && !c.Now.At.Before(s.ExpiresAt):
		return Changes{}, ErrSessionNotActive
	case p.InFlight() && (!p.WaitsForCustomer() || s.CancelRequested != ""):
		return Changes{}, ErrAttemptInProgress
	case p.InFlight():
		return Changes{Session: []session.Event{session.CancelRequested{By: c.By, CommandID: c.ID.String()}}}, nil
	}
	changes := Changes{Session: []session.Event{session.Cancelled{By: c.By}}}
	if p.Exists() {
		changes.PaymentID = p.ID
		changes.Payment = []payment.Event{payment.Cancelled{}}
	}
	return changes, nil
}

// ExpireSession ends a session that is past its time. An attempt in flight is
// not cut off: its outcome comes first and ends the session itself.
func ExpireSession(s session.State, p payment.State, now domain.Moment) Changes {
	if s.Status != session.StatusActive || now.At.Before(s.ExpiresAt) || p.InFlight() {
		return Changes{}
	}
	changes := Changes{Session: []session.Event{session.Expired{Reason: session.ExpiredByTime}}}
	if p.Exists() {
		changes.PaymentID = p.ID
		changes.Payment = []payment.Event{payment.Expired{}}
	}
	return changes
}

// Joins reports whether a request with this attempt id means an attempt that was
// started before: then it is told the state instead of paying again.
func Joins(s session.State, attemptID string) bool {
	return attemptID != "" && slices.Contains(s.AttemptIDs, attemptID)
}
