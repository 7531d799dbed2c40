package recurrence

import (
	"slices"
	"sort"
	"time"
)

// Schedule is a row of occurrences, numbered from 1: the dates of a rule, or dates
// that were agreed on one by one, each at the same time of day in one time zone.
// The zero Schedule has none.
//
// Occurrences are in the order of their dates, and so of their instants. Several
// come at one instant only where a date stands in a list twice, or where a zone
// skips a whole day: so whoever walks through a schedule goes from number to
// number, not from instant to instant.
type Schedule struct {
	byRule  bool
	cadence cadence
	dates   []Date
	zone    *time.Location
	at      TimeOfDay
}

// Occurrence is one entry of a schedule.
type Occurrence struct {
	Number int // from 1
	Date   Date
	At     time.Time // UTC; see [Date.In]
}

// Recurring returns the schedule of a rule that starts on a date.
//
// The rule's intervals count from the period that holds the start date; weeks
// begin on Monday. Days that the rule leaves open are the start date's. An
// occurrence belongs to the schedule if its date, after a day that the month lacks
// became its last and after the rule's adjustment, is the start date or later.
//
// A rule may have no occurrence at all: a fifth Friday, every 24 months from a
// February of an odd year. A zero rule or date, or no zone, is a mistake in the
// program.
func Recurring(rule Rule, start Date, zone *time.Location, at TimeOfDay) Schedule {
	if rule.IsZero() || start.IsZero() || zone == nil {
		panic("recurrence: a schedule needs a rule, a start date and a time zone")
	}
	return Schedule{byRule: true, cadence: newCadence(rule, start), zone: zone, at: at}
}

// OnDates returns the schedule of a list of dates, in any order. The nth
// occurrence is on the nth date by the calendar; a date that the list has twice
// has two occurrences. A zero date, or no zone, is a mistake in the program.
func OnDates(dates []Date, zone *time.Location, at TimeOfDay) Schedule {
	if zone == nil || slices.ContainsFunc(dates, Date.IsZero) {
		panic("recurrence: a schedule needs a time zone and dates that exist")
	}
	sorted := slices.Clone(dates)
	slices.SortFunc(sorted, Date.Compare)
	return Schedule{dates: sorted, zone: zone, at: at}
}

// Nth returns the occurrence with this number; ok is false if there is none: the
// numbers begin at 1, and dates end with the list or with the year 9999.
func (s Schedule) Nth(n int) (o Occurrence, ok bool) {
	date, ok := s.date(n)
	if !ok {
		return Occurrence{}, false
	}
	return Occurrence{Number: n, Date: date, At: date.In(s.zone, s.at)}, true
}

// CountThrough returns how many occurrences lie at t or before: so the number of
// the last one that is due then, and 0 if none is.
func (s Schedule) CountThrough(t time.Time) int {
	if s.zone == nil {
		return 0
	}
	// Where clocks are set back over midnight, the time of the next date may have
	// come already. That of the date before has, always.
	number := DateOf(t, s.zone).number()
	for due := number + 1; due >= number-1; due-- {
		if due >= firstNumber && due <= lastNumber && !fromNumber(due).In(s.zone, s.at).After(t) {
			return s.through(due)
		}
	}
	return 0
}

// Next returns the first occurrence strictly after t; ok is false if there is
// none. Of several at one instant it is the one with the lowest number.
func (s Schedule) Next(t time.Time) (o Occurrence, ok bool) {
	return s.Nth(s.CountThrough(t) + 1)
}

// Between returns the occurrences after one instant and up to and including
// another, in order, and no more than limit of them.
func (s Schedule) Between(after, until time.Time, limit int) []Occurrence {
	var found []Occurrence
	for n := s.CountThrough(after) + 1; len(found) < limit; n++ {
		o, ok := s.Nth(n)
		if !ok || o.At.After(until) {
			break
		}
		found = append(found, o)
	}
	return found
}

func (s Schedule) date(n int) (Date, bool) {
	switch {
	case s.byRule:
		return s.cadence.nth(n)
	case n >= 1 && n <= len(s.dates):
		return s.dates[n-1], true
	}
	return Date{}, false
}

// through returns how many dates lie on the day with this number or before.
func (s Schedule) through(number int) int {
	if s.byRule {
		return s.cadence.through(number)
	}
	return sort.Search(len(s.dates), func(i int) bool { return s.dates[i].number() > number })
}
