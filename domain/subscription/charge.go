package subscription

import (
	"slices"
	"time"

	"tender/domain"
	"tender/domain/decline"
	"tender/domain/mandate"
)

// CodeMethodUnusable is the code with which a try is refused whose method may not
// be used without the customer any more.
const CodeMethodUnusable domain.Code = "payment_method_unusable"

// start begins the try that is wanted, or records that it was refused: then it
// failed for good.
func (s State) start(c Start) []Event {
	charge := s.Due(c.Now.At).Charge
	if charge == nil || charge.Number != c.Number || charge.Attempt != c.Attempt {
		return nil
	}
	if c.Refused != "" {
		return s.fail(c.Now.At, ChargeFailed{
			Occurrence: charge.Occurrence(), Amount: charge.Amount, Currency: charge.Currency, Refused: string(c.Refused),
		}, c.Refused == CodeMethodUnusable || c.Refused == mandate.NotActive)
	}
	return []Event{ChargeStarted{
		Occurrence: charge.Occurrence(), SessionID: charge.SessionID, PaymentID: charge.PaymentID,
		Amount: charge.Amount, Currency: charge.Currency,
	}}
}

// settle records the outcome of a try. One that is recorded already, or that no try
// waits for, changes nothing.
func (s State) settle(c Settle) []Event {
	o, ok := s.open(c.Number)
	if !ok || !o.InFlight || o.Attempt != c.Attempt {
		return nil
	}
	occurrence := Occurrence{Number: o.Number, ScheduledFor: o.ScheduledFor, Attempt: o.Attempt}
	paymentID := PaymentID(s.ID, o.Number, o.Attempt)
	if c.Failure == nil {
		return s.succeed(c.Now.At, ChargeSucceeded{Occurrence: occurrence, PaymentID: paymentID, Amount: o.Amount, Currency: s.Plan.Currency})
	}
	needsMethod := final(*c.Failure) && !o.Outdated
	if !needsMethod && s.Ended == "" {
		occurrence.NextAttemptAt, occurrence.WillRetry = s.nextTry(o, c.Now.At)
	}
	return s.fail(c.Now.At, ChargeFailed{
		Occurrence: occurrence, PaymentID: paymentID, Amount: o.Amount, Currency: s.Plan.Currency, Failure: *c.Failure,
	}, needsMethod)
}

// final reports whether a failure forbids every later try with the method.
func final(f decline.Failure) bool {
	switch f.DeclineCode.Class() {
	case decline.ClassHard, decline.ClassAuthentication, decline.ClassRevoked:
		return true
	case decline.ClassSoft:
	}
	return f.ErrorCode == decline.ExpiredCard
}

// nextTry returns when an occurrence is tried again: on the first of the plan's
// days that lies ahead, before the next occurrence falls due and the active period
// is over.
func (s State) nextTry(o Open, now time.Time) (at time.Time, ok bool) {
	bound := s.Schedule().bound(o.Number)
	for _, days := range s.Plan.Retry.Days {
		at := s.Schedule().retryAt(o.FirstTriedAt, days)
		if at.After(now) {
			return at, bound.IsZero() || at.Before(bound)
		}
	}
	return time.Time{}, false
}

func (s State) succeed(now time.Time, e ChargeSucceeded) []Event {
	events := []Event{e}
	if s.recovers(now, events) {
		events = append(events, Recovered{})
	}
	return s.finish(now, events...)
}

// recovers reports whether nothing is overdue any more after some events.
func (s State) recovers(now time.Time, events []Event) bool {
	after := s.after(now, events...)
	return after.Ended == "" && after.PastDue && len(after.Overdue) == 0
}

// fail returns what follows from a failed try.
func (s State) fail(now time.Time, e ChargeFailed, needsMethod bool) []Event {
	if !e.Occurrence.WillRetry {
		e.Occurrence.NextAttemptAt = time.Time{}
	}
	events := []Event{e}
	if s.Ended == "" && !s.PastDue {
		events = append(events, BecamePastDue{})
	}
	if e.Occurrence.WillRetry {
		return events
	}
	events = append(events, OccurrenceUncollected{Number: e.Occurrence.Number, ScheduledFor: e.Occurrence.ScheduledFor})
	after := s.after(now, events...)
	if after.Ended != "" {
		return events
	}
	return append(events, after.andThen(now, needsMethod)...)
}

// andThen returns what becomes of the subscription now that the last try for an
// occurrence has failed. What is over needs no pause and no other method.
func (s State) andThen(now time.Time, needsMethod bool) []Event {
	if s.Plan.Retry.Then == ThenCancel {
		return s.cancelled(now, Cancelled{By: BySchedule})
	}
	if s.finished() {
		return []Event{Completed{}}
	}
	var events []Event
	if needsMethod && !s.MethodRequired {
		events = append(events, PaymentMethodRequired{})
	}
	if s.Plan.Retry.Then == ThenPause && !s.Paused {
		events = append(events, Paused{By: BySchedule})
	}
	return events
}

// cancelled returns how a subscription ends before its time: what waits for a
// retry and what was due are told of first.
func (s State) cancelled(now time.Time, end Event) []Event {
	reason := SkippedCancelled
	if _, completed := end.(Completed); completed {
		reason = SkippedExhausted
	}
	var events []Event
	for _, o := range s.Open {
		if !o.InFlight && !s.held(o.Number) {
			events = append(events, OccurrenceUncollected{Number: o.Number, ScheduledFor: o.ScheduledFor})
		}
	}
	events = append(events, s.skippedBy(now, reason)...)
	return slices.Concat(events, []Event{end})
}
