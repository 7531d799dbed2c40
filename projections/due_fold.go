package projections

import (
	"maps"
	"time"

	"tender/domain/codec"
	"tender/domain/mandate"
	"tender/domain/payment"
	"tender/domain/session"
	"tender/domain/subscription"
	"tender/eventstore"
)

// dueState is what of a stream may fall due. It begins anew from nothing whenever
// something is added to a stream that was over, so that rows without anything are
// not kept.
type dueState struct {
	// Unanswered holds, by key, when an unanswered call may be settled. That is
	// always the wall's time.
	Unanswered map[string]time.Time `json:"unanswered,omitempty"`
	// Ends is when the session, the authorisation or the mandate is over, by the
	// object's own time.
	Ends time.Time `json:"ends,omitzero"`
	// Remains is what of an authorisation is neither captured nor given back.
	Remains int64 `json:"remains,omitempty"`
	// Attempt is the key of the attempt in flight; Away: its customer was sent away
	// to authenticate.
	Attempt string `json:"attempt,omitempty"`
	Away    bool   `json:"away,omitempty"`
	// ClockID is the test clock that the object lives on; "": none.
	ClockID string `json:"clock_id,omitempty"`
	// Begun: a payment on a test clock has had no outcome. It is remembered before
	// anything of it falls due.
	Begun bool `json:"begun,omitempty"`
	// MerchantID is whose payment it is; "": it is no payment.
	MerchantID string `json:"merchant_id,omitempty"`
	// Unattended: nobody is there to be sent away.
	Unattended bool `json:"unattended,omitempty"`
	// Subscription is the whole state, until the subscription is over: what falls
	// due follows from nothing less.
	Subscription *subscription.State `json:"subscription,omitempty"`
}

// cancelKey stands for a session's cancel among what is unanswered.
const cancelKey = "cancel"

// at returns when something is due by the wall's time, and when by the object's test
// clock; zero: nothing is.
func (s dueState) at() (wall, byClock time.Time) {
	for _, t := range s.Unanswered {
		wall = earlier(wall, t)
	}
	own := s.Ends
	if s.Subscription != nil {
		own = s.Subscription.NextDueAt()
	}
	if s.ClockID != "" {
		return wall, own
	}
	return earlier(wall, own), time.Time{}
}

// unanswered returns since when an acquirer may be asked for the answer that it has
// owed for longest; zero: it owes none.
func (s dueState) unanswered() (since time.Time) {
	for key, t := range s.Unanswered {
		if key != cancelKey {
			since = earlier(since, t)
		}
	}
	return since
}

// earlier returns the earlier of two instants; a zero one is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// keep reports whether anything is due, or what comes next rests on what was before.
func (s dueState) keep() bool {
	return len(s.Unanswered) > 0 || !s.Ends.IsZero() || s.Begun || s.Subscription != nil
}

// inFlight reports whether an answer is owed that no customer has to help with.
func (s dueState) inFlight() bool {
	if s.Away {
		return len(s.Unanswered) > 1
	}
	return len(s.Unanswered) > 0
}

func (s dueState) ask(key string, by time.Time) dueState {
	s.Unanswered = maps.Clone(s.Unanswered)
	if s.Unanswered == nil {
		s.Unanswered = map[string]time.Time{}
	}
	s.Unanswered[key] = by
	return s
}

func (s dueState) answered(key string) dueState {
	s.Unanswered = maps.Clone(s.Unanswered)
	delete(s.Unanswered, key)
	return s
}

// attempted takes in that the attempt in flight has ended; over says that the payment
// has had its outcome.
func (s dueState) attempted(over bool) dueState {
	s = s.answered(s.Attempt)
	s.Away = false
	s.Begun = s.Begun && !over
	return s
}

func (s dueState) given(amount int64) dueState {
	s.Remains -= amount
	if s.Remains <= 0 {
		s.Ends, s.Remains = time.Time{}, 0
	}
	return s
}

func (s dueState) fold(e eventstore.Event, d codec.Named) (dueState, error) {
	switch d := d.(type) {
	case session.Event:
		return s.session(e, d), nil
	case payment.Event:
		s = s.payment(d).operation(e.Stream, d)
		s.MerchantID = e.MerchantID
		return s, nil
	case mandate.Event:
		return s.mandate(d)
	case subscription.Event:
		return s.subscription(e, d), nil
	}
	return s, nil
}

func (s dueState) session(e eventstore.Event, d session.Event) dueState {
	switch d := d.(type) {
	case session.Created:
		s.Ends, s.ClockID = d.ExpiresAt, d.ClockID
	case session.CancelRequested:
		// Whoever asked for it closes the attempt; if they can't, a worker does.
		if s.ClockID != "" {
			return s.ask(cancelKey, e.RecordedAt.Add(payment.AnswerWindow))
		}
		s.Ends = e.At.Add(payment.AnswerWindow)
	case session.Completed, session.Cancelled, session.Expired:
		return dueState{}
	case session.AttemptStarted, session.AttemptFailed:
	}
	return s
}

// payment takes in what becomes of a payment's attempts and its authorisation.
func (s dueState) payment(d payment.Event) dueState {
	switch d := d.(type) {
	case payment.Initiated:
		s.ClockID, s.Begun, s.Unattended = d.ClockID, d.ClockID != "", d.MandateID != ""
	case payment.AttemptStarted:
		s.Attempt = d.Key
		return s.ask(d.Key, d.AnswerBy)
	case payment.ActionRequired:
		s.Away = !s.Unattended
		return s.ask(s.Attempt, d.ActionBy)
	case payment.AttemptFailed:
		return s.attempted(d.Final)
	case payment.Paid, payment.Verified, payment.Cancelled, payment.Expired:
		return s.attempted(true)
	case payment.Authorised:
		s = s.attempted(true)
		s.Ends, s.Remains = d.ExpiresAt, d.Amount
	case payment.AuthorisationExpired:
		return s.given(d.Amount)
	}
	return s
}

// operation takes in what becomes of captures, voids, refunds and reversals.
func (s dueState) operation(stream string, d payment.Event) dueState {
	done := func(operation string) dueState { return s.answered(stream + "-" + operation) }
	switch d := d.(type) {
	case payment.CaptureRequested:
		return s.ask(d.Key, d.AnswerBy)
	case payment.VoidRequested:
		return s.ask(d.Key, d.AnswerBy)
	case payment.RefundRequested:
		return s.ask(d.Key, d.AnswerBy)
	case payment.ReversalRequested:
		return s.ask(d.Key, d.AnswerBy)
	case payment.Captured:
		return done(d.CaptureID).given(d.Amount)
	case payment.CaptureFailed:
		return done(d.CaptureID)
	case payment.Voided:
		return done(d.VoidID).given(d.Amount)
	case payment.VoidFailed:
		return done(d.VoidID)
	case payment.Refunded:
		return done(d.RefundID)
	case payment.RefundFailed:
		return done(d.RefundID)
	case payment.Reversed:
		return done(d.ReversalID)
	case payment.ReversalFailed:
		return done(d.ReversalID)
	}
	return s
}

// mandate takes in when a mandate's validity is over.
func (s dueState) mandate(d mandate.Event) (dueState, error) {
	switch d := d.(type) {
	case mandate.Created:
		ends, err := d.Terms.EndsAt()
		return dueState{Ends: ends, ClockID: d.ClockID}, err
	case mandate.Revoked, mandate.Expired, mandate.Exhausted:
		return dueState{}, nil
	}
	return s, nil
}

// subscription keeps a subscription's state until it is over and nothing of it is in
// flight.
func (s dueState) subscription(e eventstore.Event, d subscription.Event) dueState {
	var state subscription.State
	if s.Subscription != nil {
		state = *s.Subscription
	}
	state = subscription.Evolve(state, e.Stream, e.At, d)
	if state.Ended != "" || !state.Exists() {
		return dueState{}
	}
	return dueState{Subscription: &state, ClockID: state.ClockID}
}
