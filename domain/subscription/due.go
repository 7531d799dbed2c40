package subscription

import (
	"time"

	"github.com/google/uuid"
)

// Work is what a subscription's schedule wants at a moment, one thing at a time:
// events that simply happen, or a try that is to be begun with [Start]. The zero
// Work is nothing.
type Work struct {
	Events []Event
	Charge *Charge
}

// Empty reports whether there is nothing to do.
func (w Work) Empty() bool { return len(w.Events) == 0 && w.Charge == nil }

// Charge is a try that is to be begun. All of it follows from the subscription,
// the occurrence's number and the attempt.
type Charge struct {
	Number          int
	ScheduledFor    time.Time
	Attempt         int   // from 1
	Amount          int64 // minor units
	Currency        string
	PaymentMethodID string
	MandateID       string
	SessionID       string
	PaymentID       string
	CommandID       uuid.UUID // of the append that begins it
}

// Occurrence is what is known of the try when it begins.
func (c Charge) Occurrence() Occurrence {
	return Occurrence{Number: c.Number, ScheduledFor: c.ScheduledFor, Attempt: c.Attempt}
}

// Due returns what the schedule wants at a moment. Once that has been done, and
// appended, there may be more to do at the same moment.
//
// It wants what fell due first: of things that are due at one instant the oldest
// occurrence's, and an occurrence's end before the next one's beginning.
// Where there is something to do at one moment there is at every later one, though
// it may be something else; [State.NextDueAt] says from when on.
func (s State) Due(now time.Time) Work {
	if !s.Exists() || s.Ended != "" {
		return Work{}
	}
	next := s.nextBegin()
	o, at := s.firstWaiting()
	switch {
	case dueBy(at, now) && (next.IsZero() || !next.Before(at)):
		return s.dueAgain(o, now)
	case dueBy(next, now):
		return s.dueNext(now)
	}
	return Work{}
}

// NextDueAt returns the instant from which on [State.Due] has something to say;
// zero if it has not until something else happens.
func (s State) NextDueAt() time.Time {
	if !s.Exists() || s.Ended != "" {
		return time.Time{}
	}
	_, at := s.firstWaiting()
	return earlier(s.nextBegin(), at)
}

// nextBegin returns when the next occurrence is begun or skipped; zero if there is
// none, or as long as there is no room for it.
func (s State) nextBegin() time.Time {
	o, ok := s.Schedule().Occurrence(s.Next)
	if !ok {
		return time.Time{}
	}
	if s.blocked() {
		return o.At // it is skipped
	}
	var skipped time.Time
	if !s.Schedule().over.IsZero() {
		skipped = later(o.At, s.Schedule().over)
	}
	if len(s.Open) >= OpenMax {
		return skipped
	}
	return earlier(s.beginAt(o), skipped)
}

// beginAt returns when the next occurrence may be tried for the first time.
func (s State) beginAt(o Scheduled) time.Time {
	if s.LastTry.At.IsZero() || s.LastTry.ScheduledFor.Equal(o.At) {
		return o.At
	}
	return later(o.At, s.LastTry.At.Add(ChargesApart))
}

// firstWaiting returns the open occurrence that is tried again or given up first,
// and when; the zero time if there is none.
func (s State) firstWaiting() (first Open, at time.Time) {
	for _, o := range s.Open {
		if o.InFlight || s.held(o.Number) {
			continue
		}
		due := o.RetryAt
		if s.blocked() {
			due = s.giveUpAt(o)
		}
		if at.IsZero() || due.Before(at) {
			first, at = o, due
		}
	}
	return first, at
}

// giveUpAt returns when an occurrence that can't be tried now is given up: when
// the next one falls due or the period is over or, if it is the last of a period
// without end, on the last of its retries.
func (s State) giveUpAt(o Open) time.Time {
	if bound := s.Schedule().bound(o.Number); !bound.IsZero() {
		return bound
	}
	last := o.RetryAt
	for _, days := range s.Plan.Retry.Days {
		last = later(last, s.Schedule().retryAt(o.FirstTriedAt, days))
	}
	return last
}

// dueAgain tries an open occurrence once more, or gives it up.
func (s State) dueAgain(o Open, now time.Time) Work {
	if s.blocked() || dueBy(s.Schedule().bound(o.Number), now) {
		return Work{Events: s.finish(now, OccurrenceUncollected{Number: o.Number, ScheduledFor: o.ScheduledFor})}
	}
	return s.charge(o.Number, o.ScheduledFor, o.Attempt+1, o.Amount)
}

// dueNext begins the next occurrence, or skips it with all others that are due and
// have the same reason.
func (s State) dueNext(now time.Time) Work {
	o, _ := s.Schedule().Occurrence(s.Next)
	through := s.Schedule().Through(now)
	late := s.Schedule().Through(now.Add(-LateAfter - 1))
	switch {
	case s.Paused:
		return s.skip(o, through, SkippedPaused, now)
	case s.Schedule().Over(now):
		return s.skip(o, through, SkippedPastEnd, now)
	case s.MethodRequired:
		return s.skip(o, through, SkippedMethodMissing, now)
	case o.Number <= late && s.Plan.Missed == MissedSkip:
		return s.skip(o, late, SkippedMissed, now)
	}
	return s.charge(o.Number, o.At, 1, o.Amount)
}

func (s State) charge(number int, scheduledFor time.Time, attempt int, amount int64) Work {
	return Work{Charge: &Charge{
		Number: number, ScheduledFor: scheduledFor, Attempt: attempt, Amount: amount, Currency: s.Plan.Currency,
		PaymentMethodID: s.PaymentMethodID, MandateID: s.MandateID,
		SessionID: SessionID(s.ID, number, attempt), PaymentID: PaymentID(s.ID, number, attempt),
		CommandID: CommandID(s.ID, number, attempt),
	}}
}

func (s State) skip(first Scheduled, through int, reason SkipReason, now time.Time) Work {
	return Work{Events: s.finish(now, skipped(first, through, reason))}
}

func skipped(first Scheduled, through int, reason SkipReason) OccurrenceSkipped {
	e := OccurrenceSkipped{Number: first.Number, ScheduledFor: first.At, Reason: reason}
	if through > first.Number {
		e.Through = through
	}
	return e
}

// skippedBy returns the event that skips what is due and was not begun; none if
// nothing is.
func (s State) skippedBy(now time.Time, reason SkipReason) []Event {
	o, ok := s.Schedule().Occurrence(s.Next)
	if !ok || o.At.After(now) {
		return nil
	}
	return []Event{skipped(o, s.Schedule().Through(now), reason)}
}

// finish returns the events, and that the subscription is completed if nothing is
// left of it after them.
func (s State) finish(now time.Time, events ...Event) []Event {
	after := s.after(now, events...)
	if after.Ended == "" && after.finished() {
		events = append(events, Completed{})
	}
	return events
}

// after returns the state after some events.
func (s State) after(now time.Time, events ...Event) State {
	for _, e := range events {
		s = Evolve(s, s.ID, now, e)
	}
	return s
}

func dueBy(at, now time.Time) bool { return !at.IsZero() && !at.After(now) }

// earlier returns the earlier of two instants; a zero one is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
