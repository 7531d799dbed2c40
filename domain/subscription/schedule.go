package subscription

import (
	"fmt"
	"math"
	"slices"
	"time"

	"tender/domain/mandate"
	"tender/domain/recurrence"
)

// Schedule is the row of a plan's occurrences that lie strictly after an instant,
// numbered from 1. It is a value; the zero Schedule has none.
type Schedule struct {
	dates  recurrence.Schedule
	before int // occurrences of dates that lie at that instant or earlier; number 1 is the next
	last   int // number of the last one
	amount int64
	items  []mandate.Item // by date; the amount of each, where amount is 0
	zone   *time.Location
	over   time.Time // when the active period is over; zero: never
}

// Scheduled is one occurrence of a schedule.
type Scheduled struct {
	Number int // from 1
	At     time.Time
	Amount int64 // minor units
}

// NewSchedule returns the occurrences of a plan that lie strictly after an instant.
//
// A rule starts on the first day of the active period or, if that is open, on the
// day in the plan's time zone on which the instant lies: what the rule leaves open
// about its days, and where its intervals begin, follows from it. Occurrence 1 is
// the first after the instant, whatever its number from the rule's start would be,
// so that a period that has begun already costs no numbers. The row ends with the
// active period, its last day included, or with as many occurrences as the plan
// has at most.
//
// Plans come from [Read]; one without a cadence or with an unknown time zone is a
// mistake in the program.
func NewSchedule(p Plan, after time.Time) Schedule {
	zone, err := recurrence.Zone(p.TimeZone)
	if err != nil {
		panic(fmt.Sprintf("subscription: a plan in the time zone %q: %v", p.TimeZone, err))
	}
	s := Schedule{amount: p.Amount, zone: zone, over: overAt(p.Active.End, zone)}
	if len(p.Items) > 0 {
		s.items = itemsWithin(p.Items, p.Active)
		dates := make([]recurrence.Date, len(s.items))
		for i, item := range s.items {
			dates[i] = item.Date
		}
		s.dates = recurrence.OnDates(dates, zone, p.ScheduledTime)
	} else {
		start := p.Active.Start
		if start.IsZero() {
			start = recurrence.DateOf(after, zone)
		}
		s.dates = recurrence.Recurring(p.Recurrence, start, zone, p.ScheduledTime)
	}
	s.before = s.dates.CountThrough(after)
	s.last = lastNumber(s.dates, p, zone) - s.before
	if p.Occurrences > 0 {
		s.last = min(s.last, p.Occurrences)
	}
	return s
}

// itemsWithin returns the items whose dates lie in the active period, by date.
func itemsWithin(items []mandate.Item, active mandate.Validity) []mandate.Item {
	within := slices.DeleteFunc(slices.Clone(items), func(i mandate.Item) bool {
		return i.Date.Before(active.Start) || !active.End.IsZero() && i.Date.After(active.End)
	})
	slices.SortStableFunc(within, func(a, b mandate.Item) int { return a.Date.Compare(b.Date) })
	return within
}

// lastNumber returns the number of the last of dates that lies in the active
// period. Without an end it is larger than any.
func lastNumber(dates recurrence.Schedule, p Plan, zone *time.Location) int {
	if p.Active.End.IsZero() {
		return math.MaxInt
	}
	n := dates.CountThrough(p.Active.End.In(zone, p.ScheduledTime))
	for {
		// Where a zone skips a whole day, that day's occurrence and the next one's
		// come at one instant.
		o, ok := dates.Nth(n)
		if !ok || !o.Date.After(p.Active.End) {
			return n
		}
		n--
	}
}

// overAt returns the instant at which a last day is over; zero without one.
func overAt(last recurrence.Date, zone *time.Location) time.Time {
	next := last.AddDays(1)
	if next == last { // no day, or the last of all
		return time.Time{}
	}
	return next.In(zone, recurrence.TimeOfDay{})
}

// Occurrence returns the occurrence with this number; ok is false if there is none.
func (s Schedule) Occurrence(n int) (o Scheduled, ok bool) {
	if n < 1 || n > s.last {
		return Scheduled{}, false
	}
	at, ok := s.dates.Nth(s.before + n)
	if !ok {
		return Scheduled{}, false
	}
	o = Scheduled{Number: n, At: at.At, Amount: s.amount}
	if len(s.items) > 0 {
		o.Amount = s.items[s.before+n-1].Amount
	}
	return o, true
}

// Through returns the number of the last occurrence that lies at t or before; 0 if
// none does.
func (s Schedule) Through(t time.Time) int {
	return max(min(s.dates.CountThrough(t)-s.before, s.last), 0)
}

// Over reports whether the active period is over at t.
func (s Schedule) Over(t time.Time) bool { return !s.over.IsZero() && !t.Before(s.over) }

// retryAt returns when an occurrence is tried again that was tried for the first
// time at an instant: so many days later by the calendar of the plan's zone, at the
// same time of day.
func (s Schedule) retryAt(first time.Time, days int) time.Time {
	local := first.In(s.zone)
	at, err := recurrence.NewTimeOfDay(local.Hour(), local.Minute())
	if err != nil {
		panic(err)
	}
	intoMinute := time.Duration(local.Second())*time.Second + time.Duration(local.Nanosecond())
	return recurrence.DateOf(first, s.zone).AddDays(days).In(s.zone, at).Add(intoMinute)
}

// bound returns the instant from which an occurrence is not tried again: that at
// which the next one falls due, or the active period is over. Zero: none.
func (s Schedule) bound(number int) time.Time {
	if next, ok := s.Occurrence(number + 1); ok {
		return next.At // never after the end
	}
	return s.over
}
