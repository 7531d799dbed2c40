package recurrence

import (
	"encoding/json"
	"fmt"
	"math/bits"
	"time"
)

// Type is the period that a rule repeats in.
type Type string

// The types of rules.
const (
	Daily   Type = "daily"
	Weekly  Type = "weekly"
	Monthly Type = "monthly"
	Yearly  Type = "yearly"
)

// IntervalCountMax is the longest interval, in periods of the rule's type. In
// years it is nothing that anybody would agree to, but every date stays within
// reach of whole numbers.
const IntervalCountMax = 1000

// onType says in which way a rule names its days.
type onType string

// The ways to name days. A weekly rule has one way only, which has no name on the
// wire.
const (
	onStart   onType = "" // none are named: the start date gives them
	onWeekday onType = "weekday"
	onDay     onType = "day_of_month"
	onNth     onType = "nth_day_of_month"
	onDates   onType = "day_of_year"
)

// Adjustment says what becomes of an occurrence on a Saturday or Sunday. It never
// leaves its month: where it would, it goes the other way instead.
type Adjustment string

// What may become of an occurrence on a weekend.
const (
	AdjustNone     Adjustment = "none"
	AdjustNext     Adjustment = "next_weekday"
	AdjustPrevious Adjustment = "previous_weekday"
	AdjustNearest  Adjustment = "nearest_weekday" // Saturday back, Sunday forward
)

// lastOfMonth is the nth that means a month's last weekday of a kind; nthMax the
// highest other one, which not every month has.
const (
	lastOfMonth = -1
	nthMax      = 5
)

// Rule says on which days something recurs: every so many days, weeks, months or
// years, and on which days of these. Rules compare with ==; two that list the
// same days in another order are the same. The zero Rule is no rule.
//
// Rules come from [Read] and [Parse] and are always valid. Not every rule says all
// about its days: what it leaves open, and where its intervals begin, follows
// from a start date (see [Recurring]).
type Rule struct {
	kind       Type
	every      int
	on         onType
	days       daySet                // onDay; onWeekday: from 1, Monday
	nth        int                   // onNth
	nthDay     time.Weekday          // onNth
	dates      [monthsPerYear]daySet // onDates, from January
	adjustment Adjustment            // "" means none
}

// IsZero reports whether r is no rule.
func (r Rule) IsZero() bool { return r == Rule{} }

// Type returns the period that the rule repeats in; "" for the zero Rule.
func (r Rule) Type() Type { return r.kind }

// IntervalCount returns how many periods lie between two that have occurrences,
// from 1; 0 for the zero Rule.
func (r Rule) IntervalCount() int { return r.every }

// from returns the rule with the days that it leaves open taken from the date it
// starts on.
func (r Rule) from(start Date) Rule {
	if r.on != onStart {
		return r
	}
	switch r.kind {
	case Daily:
	case Weekly:
		r.on, r.days = onWeekday, daySet(0).with(dayOfWeek(start.Weekday()))
	case Monthly:
		r.on, r.days = onDay, daySet(0).with(start.Day())
	case Yearly:
		r.on = onDates
		r.dates[start.month-1] = daySet(0).with(start.Day())
	}
	return r
}

// daySet is a set of days of a month or a week: bit 1 is the first of the month or
// Monday, bit 31 or bit 7 the last.
type daySet uint32

// dayOfWeek returns the place of a weekday in its week: Monday 1, Sunday 7.
func dayOfWeek(w time.Weekday) int { return 1 + daysSinceMonday(w) }

func weekdayAt(dayOfWeek int) time.Weekday { return time.Weekday(dayOfWeek % daysPerWeek) }

func (s daySet) with(day int) daySet { return s | 1<<day }
func (s daySet) has(day int) bool    { return s&(1<<day) != 0 }
func (s daySet) count() int          { return bits.OnesCount32(uint32(s)) }

// through returns the days of s up to day.
func (s daySet) through(day int) daySet { return s & (1<<(day+1) - 1) }

// pick returns the nth day of s, from 1, which s must have.
func (s daySet) pick(n int) int {
	for range n - 1 {
		s &= s - 1
	}
	return bits.TrailingZeros32(uint32(s))
}

// list returns the days in order.
func (s daySet) list() []int {
	days := make([]int, 0, s.count())
	for ; s != 0; s &= s - 1 {
		days = append(days, bits.TrailingZeros32(uint32(s)))
	}
	return days
}

// The wire form of a rule. What is absent is left out; lists are in order.
type (
	ruleJSON struct {
		Type          Type `json:"type"`
		IntervalCount int  `json:"interval_count"`
		On            any  `json:"on,omitempty"`
	}
	weekdaysJSON struct {
		Days []string `json:"days"`
	}
	daysJSON struct {
		Type       onType     `json:"type"`
		Days       []int      `json:"days"`
		Adjustment Adjustment `json:"adjustment,omitempty"`
	}
	nthJSON struct {
		Type       onType     `json:"type"`
		Nth        int        `json:"nth"`
		Day        string     `json:"day"`
		Adjustment Adjustment `json:"adjustment,omitempty"`
	}
	datesJSON struct {
		Type       onType         `json:"type"`
		Dates      []monthDayJSON `json:"dates"`
		Adjustment Adjustment     `json:"adjustment,omitempty"`
	}
	monthDayJSON struct {
		Month int `json:"month"`
		Day   int `json:"day"`
	}
)

// MarshalJSON writes the rule as the API and the log have it: days in order, an
// adjustment of none left out. Equal rules write equal bytes. The zero Rule has
// no such form: leave it out with omitzero.
func (r Rule) MarshalJSON() ([]byte, error) {
	if r.IsZero() {
		return nil, fmt.Errorf("recurrence: the zero rule can't be encoded")
	}
	return json.Marshal(ruleJSON{Type: r.kind, IntervalCount: r.every, On: r.onJSON()})
}

func (r Rule) onJSON() any {
	switch r.on {
	case onWeekday:
		names := make([]string, 0, daysPerWeek)
		for _, day := range r.days.list() {
			names = append(names, weekdayName(weekdayAt(day)))
		}
		return weekdaysJSON{Days: names}
	case onDay:
		return daysJSON{Type: onDay, Days: r.days.list(), Adjustment: r.adjustment}
	case onNth:
		return nthJSON{Type: onNth, Nth: r.nth, Day: weekdayName(r.nthDay), Adjustment: r.adjustment}
	case onDates:
		dates := []monthDayJSON{}
		for i, days := range r.dates {
			for _, day := range days.list() {
				dates = append(dates, monthDayJSON{Month: i + 1, Day: day})
			}
		}
		return datesJSON{Type: onDates, Dates: dates, Adjustment: r.adjustment}
	case onStart:
	}
	return nil
}

// UnmarshalJSON reads a rule as [Parse] does. The error says what is wrong first.
func (r *Rule) UnmarshalJSON(data []byte) error {
	parsed, problems := Parse(data)
	if err := asError("rule", problems); err != nil {
		return err
	}
	*r = parsed
	return nil
}

// asError makes the first of some problems an error that names its place.
func asError(what string, problems []FieldProblem) error {
	if len(problems) == 0 {
		return nil
	}
	p := problems[0]
	return fmt.Errorf("recurrence: this is no %s: %q: %s: %s", what, p.Pointer, p.Code, p.Detail)
}

// weekdayNames are the wire's, by time.Weekday.
var weekdayNames = [daysPerWeek]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

func weekdayName(w time.Weekday) string { return weekdayNames[w] }
