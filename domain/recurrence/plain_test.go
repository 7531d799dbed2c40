package recurrence_test

import (
	"slices"
	"time"

	"tender/domain/recurrence"
)

// The rules once more, day by day and as slowly as the contract is written, with
// nothing but package time.

// dates returns the dates of a rule from start through last.
func (p plainRule) dates(start, last recurrence.Date) []string {
	from, until := midnight(start), midnight(last)
	// An adjustment stays in its month: so nominal days count from the beginning of
	// the start's month to the end of the last's.
	first := from.AddDate(0, 0, 1-from.Day())
	end := until.AddDate(0, 1, -until.Day()+1)
	var found []string
	for day := first; day.Before(end); day = day.AddDate(0, 0, 1) {
		if !p.inPeriod(from, day) || !p.names(from, day) {
			continue
		}
		if actual := p.adjusted(day); !actual.Before(from) && !actual.After(until) {
			found = append(found, actual.Format(time.DateOnly))
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

func midnight(d recurrence.Date) time.Time {
	return time.Date(d.Year(), d.Month(), d.Day(), 0, 0, 0, 0, time.UTC)
}

// inPeriod reports whether a day lies in a period that has occurrences.
func (p plainRule) inPeriod(start, day time.Time) bool {
	var periods int
	switch p.Type {
	case "daily":
		periods = days(start, day)
	case "weekly":
		periods = days(monday(start), monday(day)) / 7
	case "monthly":
		periods = (day.Year()-start.Year())*12 + int(day.Month()) - int(start.Month())
	case "yearly":
		periods = day.Year() - start.Year()
	}
	return periods%p.Every == 0
}

func days(from, to time.Time) int { return int(to.Sub(from).Hours()) / 24 }

func monday(day time.Time) time.Time {
	for day.Weekday() != time.Monday {
		day = day.AddDate(0, 0, -1)
	}
	return day
}

// names reports whether the rule names a day of a period that has occurrences.
func (p plainRule) names(start, day time.Time) bool {
	switch p.On {
	case "week":
		return slices.Contains(p.Week, day.Weekday())
	case "month":
		return falls(p.Month, day)
	case "nth":
		nth := 0
		for d := day; d.Month() == day.Month(); d = d.AddDate(0, 0, -7) {
			nth++
		}
		last := day.AddDate(0, 0, 7).Month() != day.Month()
		return day.Weekday() == p.Day && (p.Nth == nth || p.Nth == -1 && last)
	case "year":
		for _, d := range p.Year {
			if time.Month(d[0]) == day.Month() && falls([]int{d[1]}, day) {
				return true
			}
		}
		return false
	}
	switch p.Type {
	case "weekly":
		return day.Weekday() == start.Weekday()
	case "monthly":
		return falls([]int{start.Day()}, day)
	case "yearly":
		return day.Month() == start.Month() && falls([]int{start.Day()}, day)
	}
	return true
}

// falls reports whether one of the days of a month is this one: by its number, or
// because the month lacks it and this is the last.
func falls(listed []int, day time.Time) bool {
	return slices.Contains(listed, day.Day()) || slices.Max(listed) > day.Day() && day.AddDate(0, 0, 1).Day() == 1
}

func (p plainRule) adjusted(day time.Time) time.Time {
	way := 0
	switch p.Adj {
	case "next_weekday":
		way = 1
	case "previous_weekday":
		way = -1
	case "nearest_weekday":
		way = 1
		if day.Weekday() == time.Saturday {
			way = -1
		}
	}
	if way == 0 {
		return day
	}
	moved := toWeekday(day, way)
	if moved.Month() != day.Month() {
		moved = toWeekday(day, -way)
	}
	return moved
}

func toWeekday(day time.Time, way int) time.Time {
	for day.Weekday() == time.Saturday || day.Weekday() == time.Sunday {
		day = day.AddDate(0, 0, way)
	}
	return day
}
