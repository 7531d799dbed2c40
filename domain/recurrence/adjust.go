package recurrence

import "time"

// datesIn returns the days of a month on which the rule has occurrences, if the
// month is one of those that it has any in. Two days that become one are one.
func (r *Rule) datesIn(year int, month time.Month) daySet {
	days := r.days
	switch r.on {
	case onDates:
		days = r.dates[month-1]
	case onDay, onNth:
	case onStart, onWeekday:
		return 0
	}
	last := DaysIn(year, month)
	if r.on != onNth && r.adjustment == "" {
		return days.fit(last)
	}
	first := weekdayOf(numberOf(year, month, 1))
	if r.on == onNth {
		days = nthIn(r.nth, r.nthDay, first, last)
	}
	return r.adjustment.adjust(days.fit(last), first, last)
}

// fit makes the days that a month lacks its last.
func (s daySet) fit(last int) daySet {
	if fitting := s.through(last); fitting != s {
		return fitting.with(last)
	}
	return s
}

// nthIn returns the nth weekday of a kind in a month that begins on first and has
// last days: none if it lacks a fifth.
func nthIn(nth int, kind, first time.Weekday, last int) daySet {
	earliest := 1 + floorMod(int(kind-first), daysPerWeek)
	if nth == lastOfMonth {
		return daySet(0).with(earliest + (last-earliest)/daysPerWeek*daysPerWeek)
	}
	day := earliest + (nth-1)*daysPerWeek
	if day > last {
		return 0
	}
	return daySet(0).with(day)
}

func (a Adjustment) adjust(days daySet, first time.Weekday, last int) daySet {
	if a == "" || a == AdjustNone {
		return days
	}
	var adjusted daySet
	for ; days != 0; days &= days - 1 {
		adjusted = adjusted.with(a.move(days.pick(1), first, last))
	}
	return adjusted
}

// move returns the weekday that a day of a month becomes. Every month has a
// weekday on both sides of each weekend but for one at its very beginning or end,
// which is where the way is turned round.
func (a Adjustment) move(day int, first time.Weekday, last int) int {
	weekday := time.Weekday((int(first) + day - 1) % daysPerWeek)
	if weekday != time.Saturday && weekday != time.Sunday {
		return day
	}
	friday, monday := day-1, day+2
	if weekday == time.Sunday {
		friday, monday = day-2, day+1
	}
	back := a == AdjustPrevious || a == AdjustNearest && weekday == time.Saturday
	switch {
	case friday < 1:
		return monday
	case monday > last, back:
		return friday
	default:
		return monday
	}
}
