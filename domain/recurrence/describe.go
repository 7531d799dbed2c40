package recurrence

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Words writes the date for people: "31 January 2026". The zero Date is nothing.
func (d Date) Words() string {
	if d.IsZero() {
		return ""
	}
	return fmt.Sprintf("%d %s %d", d.day, d.Month(), d.year)
}

// Describe says in plain English when a rule recurs, as the middle of a sentence:
// "every month on the 1st and 15th". It says all that decides on which days; the
// words for equal rules are equal. Days that the rule leaves open are those of the
// start date; with the zero Date they are left out.
func (r Rule) Describe(start Date) string {
	if r.IsZero() {
		return ""
	}
	if !start.IsZero() {
		r = r.from(start)
	}
	words := "every " + unitOf[r.kind]
	if r.every > 1 {
		words = fmt.Sprintf("every %d %ss", r.every, unitOf[r.kind])
	}
	if on := r.describeDays(); on != "" {
		words += " on " + on
	}
	return words + adjustmentWords[r.adjustment]
}

var unitOf = map[Type]string{Daily: "day", Weekly: "week", Monthly: "month", Yearly: "year"}

var adjustmentWords = map[Adjustment]string{
	AdjustNext:     ", moved from a weekend to the next weekday of the same month if there is one, else to the previous",
	AdjustPrevious: ", moved from a weekend to the previous weekday of the same month if there is one, else to the next",
	AdjustNearest:  ", moved from a weekend to the nearest weekday of the same month",
}

func (r Rule) describeDays() string {
	switch r.on {
	case onWeekday:
		var days []string
		for _, day := range r.days.list() {
			days = append(days, weekdayAt(day).String())
		}
		return listed(days)
	case onDay:
		var days []string
		for _, day := range r.days.list() {
			days = append(days, ordinal(day))
		}
		return "the " + listed(days) + shorterMonths(r.days)
	case onNth:
		return r.describeNth()
	case onDates:
		return r.describeDates()
	case onStart:
	}
	return ""
}

// shorterMonths says what becomes of days that not every month has.
func shorterMonths(days daySet) string {
	switch lacking := days &^ days.through(28); {
	case lacking == 0:
		return ""
	case days.count() == 1:
		return " (in a shorter month, on its last day)"
	default:
		return " (in a shorter month, on its last day instead of one that it lacks)"
	}
}

func (r Rule) describeNth() string {
	switch r.nth {
	case lastOfMonth:
		return "the last " + r.nthDay.String()
	case nthMax:
		return "the " + ordinal(nthMax) + " " + r.nthDay.String() + " (not in a month with only four)"
	default:
		return "the " + ordinal(r.nth) + " " + r.nthDay.String()
	}
}

func (r Rule) describeDates() string {
	var dates []string
	for i, days := range r.dates {
		for _, day := range days.list() {
			dates = append(dates, fmt.Sprintf("%d %s", day, time.Month(i+1)))
		}
	}
	words := listed(dates)
	if r.dates[time.February-1].has(29) {
		words += " (28 February in a year without a 29th)"
	}
	return words
}

// Describe says in plain English what the windows of a limit that counts in p
// are: "calendar month", or "month from the 15th".
func (w Window) Describe(p Period) string {
	switch w.anchor {
	case PeriodWeek:
		return fmt.Sprintf("week from %s", w.weekday)
	case PeriodMonth:
		return fmt.Sprintf("month from the %s%s", ordinal(int(w.day)), shorterMonths(daySet(0).with(int(w.day))))
	case PeriodYear:
		year := Rule{on: onDates}
		year.dates[w.month-1] = daySet(0).with(int(w.day))
		return "year from " + year.describeDates()
	case PeriodDay:
	}
	return "calendar " + string(p)
}

// listed joins words as a sentence does: "a, b and c".
func listed(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// ordinal writes a day of the month: 1st, 2nd, 3rd, 4th, 11th, 21st.
func ordinal(n int) string {
	suffix := "th"
	if n/10 != 1 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return strconv.Itoa(n) + suffix
}
