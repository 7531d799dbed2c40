package invariants

import (
	"fmt"

	"tender/domain/payment"
	"tender/domain/session"
)

// sessionNotes is what is noted of a payment session.
type sessionNotes struct {
	said      session.Created
	paymentID string
	attempts  once // live is the one in flight
	tries     int
	cancel    bool   // it is to be cancelled once its attempt has ended
	over      string // the type of the event that ended it
}

func (n *sessionNotes) attended() bool { return n.said.Kind != session.TypeNextInSeries }

func noteSession(n *sessionNotes, e *Event) {
	switch d := e.Said.(type) {
	case session.Created:
		n.said = d
	case session.AttemptStarted:
		n.paymentID = d.PaymentID
		n.attempts.add(d.AttemptID)
		n.tries++
	case session.AttemptFailed:
		n.attempts.end(d.AttemptID)
	case session.Completed:
		n.attempts = once{}
		n.over = e.Type
	case session.CancelRequested:
		n.cancel = true
	case session.Cancelled, session.Expired:
		n.over = e.Type
	}
}

var sessionRules = []rule[sessionNotes]{
	when("session-attempts", "Attempts of a session are numbered 1, 2, 3 … to at most 10 (1 without the customer), each with an id of its own, come one at a time, and none after the session's time or once it is to be cancelled.", func(n *sessionNotes, e *Event) string {
		d, ok := e.Said.(session.AttemptStarted)
		most := attemptsMax
		if !n.attended() {
			most = 1
		}
		switch {
		case !ok:
		case n.attempts.count() > 0:
			return "another attempt is in flight"
		case n.cancel:
			return "the session is to be cancelled"
		case d.Number != n.tries+1, d.Number > most:
			return fmt.Sprintf("attempt number %d follows %d others", d.Number, n.tries)
		case n.attempts.known(d.AttemptID):
			return fmt.Sprintf("attempt %s was made before", d.AttemptID)
		case n.attended() && !e.At.Before(n.said.ExpiresAt.Add(skewMax)):
			return "the session was good until " + instant(n.said.ExpiresAt)
		}
		return ""
	}),
	when("session-payment", "A session has one payment.", func(n *sessionNotes, e *Event) string {
		var paymentID string
		switch d := e.Said.(type) {
		case session.AttemptStarted:
			if n.paymentID == "" {
				return ""
			}
			paymentID = d.PaymentID
		case session.AttemptFailed:
			paymentID = d.PaymentID
		case session.Completed:
			paymentID = d.PaymentID
		default:
			return ""
		}
		if paymentID != n.paymentID {
			return fmt.Sprintf("it is about payment %s, and the session's is %q", paymentID, n.paymentID)
		}
		return ""
	}),
	when("session-attempt-outcome", "What fails or completes a session is the attempt in flight, and a cancel is asked for while there is one.", func(n *sessionNotes, e *Event) string {
		switch d := e.Said.(type) {
		case session.AttemptFailed:
			if !n.attempts.live(d.AttemptID) {
				return fmt.Sprintf("attempt %s is not in flight", d.AttemptID)
			}
		case session.Completed, session.CancelRequested:
			if n.attempts.count() == 0 && n.over == "" {
				return "no attempt is in flight"
			}
		}
		return ""
	}),
	when("session-one-success", "A session completes at most once.", func(n *sessionNotes, e *Event) string {
		if _, ok := e.Said.(session.Completed); ok && n.over == e.Type {
			return "it has completed before"
		}
		return ""
	}),
	when("session-end", "Nothing more happens to a session that is completed, cancelled or expired.", func(n *sessionNotes, e *Event) string {
		if n.over != "" && !(n.over == e.Type && e.Type == "session.completed") {
			return "it comes after " + n.over
		}
		return ""
	}),
	when("session-completion", "A session completes as it was meant to: paid, reserved or verified; unpaid only without the customer.", completesAsMeant),
	when("session-ended-why", "A session with the customer, and no other, is cancelled, or expires: by time not before its time, by attempts after the tenth; never while an attempt is in flight.", endedWhy),
}

func completesAsMeant(n *sessionNotes, e *Event) string {
	d, ok := e.Said.(session.Completed)
	if !ok {
		return ""
	}
	want := session.OutcomePaid
	switch {
	case n.said.Amount == 0:
		want = session.OutcomeVerified
	case n.said.CaptureMethod == payment.CaptureManual:
		want = session.OutcomeReserved
	}
	switch {
	case d.Outcome == session.OutcomeUnpaid && n.attended():
		return "it is unpaid, though the customer may try again"
	case d.Outcome != session.OutcomeUnpaid && d.Outcome != want:
		return fmt.Sprintf("it is %s, and was to be %s", d.Outcome, want)
	}
	return ""
}

func endedWhy(n *sessionNotes, e *Event) string {
	switch d := e.Said.(type) {
	case session.Expired:
		switch {
		case d.Reason == session.ExpiredByAttempts && n.tries < attemptsMax:
			return fmt.Sprintf("only %d attempts were made", n.tries)
		case d.Reason == session.ExpiredByTime && e.At.Before(n.said.ExpiresAt):
			return "it is good until " + instant(n.said.ExpiresAt)
		}
	case session.Cancelled, session.CancelRequested:
	default:
		return ""
	}
	_, asked := e.Said.(session.CancelRequested)
	switch {
	case !n.attended():
		return "the customer has no part in it"
	case !asked && n.attempts.count() > 0:
		return "an attempt is in flight"
	}
	return ""
}
