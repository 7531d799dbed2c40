package subscription

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Evolve returns the state after e, which happened at an instant. It panics on an
// event type that this build was compiled with and forgot to handle.
func Evolve(s State, id string, at time.Time, e Event) State {
	if _, begins := e.(Created); !begins {
		s.schedule = s.Schedule() // a state that was read again has none
	}
	switch e := e.(type) {
	case Created:
		return created(id, e)
	case ChargeStarted:
		s = s.started(e, at)
	case ChargeSucceeded:
		s = s.paid(e.Occurrence.Number)
		s.Payments++
	case ChargeFailed:
		s = s.failed(e)
	case OccurrenceSkipped:
		s.Next = max(s.Next, e.Last()+1)
	case OccurrenceUncollected:
		s.Open = without(s.Open, e.Number)
	case BecamePastDue:
		s.PastDue = true
	case Recovered:
		s.PastDue = false
	case PaymentMethodRequired:
		s.MethodRequired = true
	case MethodReplaced:
		s = s.replaced(e)
	case OverdueClaimed:
		s.Hold = Hold(e)
	case OverdueReleased:
		s.Hold = Hold{}
	case Paused:
		s.Paused = true
	case Resumed:
		s.Paused = false
	case Cancelled:
		s.Ended = StatusCancelled
	case Completed:
		s.Ended = StatusCompleted
	default:
		panic(fmt.Sprintf("subscription: %T is not handled", e))
	}
	return s
}

func created(id string, e Created) State {
	return State{
		ID: id, CustomerID: e.CustomerID, PaymentMethodID: e.PaymentMethodID, MandateID: e.MandateID, ClockID: e.ClockID,
		Plan: e.Plan, After: e.After, schedule: NewSchedule(e.Plan, e.After), Next: 1,
	}
}

func (s State) started(e ChargeStarted, at time.Time) State {
	o, known := s.open(e.Occurrence.Number)
	if !known {
		o = Open{Number: e.Occurrence.Number, ScheduledFor: e.Occurrence.ScheduledFor, Amount: e.Amount, FirstTriedAt: at}
		s.Next = max(s.Next, o.Number+1)
		s.LastTry = Try{At: at, ScheduledFor: o.ScheduledFor}
	}
	o.Attempt, o.InFlight, o.RetryAt, o.Outdated = e.Occurrence.Attempt, true, time.Time{}, false
	s.Open = with(s.Open, o)
	return s
}

// paid writes off what is older and can't be collected any more.
func (s State) paid(number int) State {
	s.Open = without(s.Open, number)
	s.Overdue = slices.DeleteFunc(slices.Clone(s.Overdue), func(o Overdue) bool {
		_, open := s.open(o.Number)
		return o.Number <= number && !open
	})
	return s
}

// failed also takes in a try that was refused before it was begun.
func (s State) failed(e ChargeFailed) State {
	o, known := s.open(e.Occurrence.Number)
	if !known {
		o = Open{Number: e.Occurrence.Number, ScheduledFor: e.Occurrence.ScheduledFor, Amount: e.Amount}
		s.Next = max(s.Next, o.Number+1)
	}
	o.Attempt, o.InFlight, o.RetryAt, o.Outdated = e.Occurrence.Attempt, false, e.Occurrence.NextAttemptAt, false
	s.Open = with(s.Open, o)
	if !slices.ContainsFunc(s.Overdue, func(v Overdue) bool { return v.Number == o.Number }) {
		s.Overdue = append(slices.Clone(s.Overdue), Overdue{Number: o.Number, Amount: o.Amount})
		slices.SortFunc(s.Overdue, func(a, b Overdue) int { return cmp.Compare(a.Number, b.Number) })
		s.Overdue = s.Overdue[max(len(s.Overdue)-OverdueMax, 0):]
	}
	return s
}

// replaced writes off what nobody will collect: it was not settled, and no try is
// left for it.
func (s State) replaced(e MethodReplaced) State {
	s.PaymentMethodID, s.MandateID, s.MethodRequired = e.PaymentMethodID, e.MandateID, false
	if s.Hold.SessionID == e.SessionID {
		s.Hold = Hold{}
	}
	s.Open = without(s.Open, e.Settled...)
	for i, o := range s.Open {
		s.Open[i].Outdated = o.InFlight
	}
	s.Overdue = slices.DeleteFunc(slices.Clone(s.Overdue), func(o Overdue) bool {
		_, open := s.open(o.Number)
		return !open
	})
	return s
}

// with returns the occurrences and one more, or another state of one of them, in a
// slice of its own, because states are values that several holders share.
func with(open []Open, o Open) []Open {
	return slices.SortedFunc(slices.Values(append(without(open, o.Number), o)),
		func(a, b Open) int { return cmp.Compare(a.Number, b.Number) })
}

func without(open []Open, numbers ...int) []Open {
	return slices.DeleteFunc(slices.Clone(open), func(o Open) bool { return slices.Contains(numbers, o.Number) })
}
