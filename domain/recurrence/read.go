package recurrence

import (
	"fmt"
	"strconv"
	"time"
)

// Limits of what a rule lists; more could only be duplicates.
const (
	weekdaysMax = daysPerWeek
	daysMax     = 31
	datesMax    = 366
)

// leapYear is one in which every day that a year can have exists.
const leapYear = 2000

// Parse reads a rule from JSON, strictly: one object, no member twice, nothing
// unknown, and everything that [Read] asks for.
func Parse(data []byte) (Rule, []FieldProblem) {
	v, problem := parseJSON(data)
	if problem != nil {
		return Rule{}, []FieldProblem{*problem}
	}
	return Read(v)
}

// Read reads a rule from a JSON value as encoding/json decodes it into an any,
// with numbers as json.Number. It returns everything that is wrong with it at
// once; then the rule is not to be used.
//
// Lists may be in any order, but name nothing twice. A date that no year has, such
// as 31 April, is refused; 29 February is not.
func Read(v any) (Rule, []FieldProblem) {
	r := &reader{}
	o, ok := r.object("", v)
	if !ok {
		return Rule{}, r.problems
	}
	rule := Rule{kind: Type(o.option("type", string(Daily), string(Weekly), string(Monthly), string(Yearly)))}
	rule.every = o.integer("interval_count", 1, IntervalCountMax)
	on, given := o.take("on")
	switch {
	case rule.kind == "", !given:
	case rule.kind == Daily:
		o.wrong("on", CodeContradiction, "A daily recurrence has no days to choose.")
	default:
		if on, ok := r.object(o.pointer("on"), on); ok {
			rule.readOn(on)
			on.unknown()
		}
	}
	o.unknown()
	if len(r.problems) > 0 {
		return Rule{}, r.problems
	}
	return rule, nil
}

func (r *Rule) readOn(on *object) {
	switch r.kind {
	case Daily:
	case Weekly:
		r.on = onWeekday
		for _, e := range on.list("days", weekdaysMax) {
			w, ok := weekdayIn(e)
			if day := dayOfWeek(w); ok && e.isNew(r.days.has(day)) {
				r.days = r.days.with(day)
			}
		}
	case Monthly:
		switch r.on = onType(on.option("type", string(onDay), string(onNth))); r.on {
		case onDay:
			r.readDays(on)
		case onNth:
			r.readNth(on)
		default:
			on.ignoreUnknown()
		}
	case Yearly:
		switch r.on = onType(on.option("type", string(onDates))); r.on {
		case onDates:
			r.readDates(on)
		default:
			on.ignoreUnknown()
		}
	}
}

func (r *Rule) readDays(on *object) {
	for _, e := range on.list("days", daysMax) {
		day, ok := e.integer(1, daysMax)
		if ok && e.isNew(r.days.has(day)) {
			r.days = r.days.with(day)
		}
	}
	r.readAdjustment(on)
}

func (r *Rule) readNth(on *object) {
	if n, ok := on.element("nth"); ok {
		if nth, ok := n.integer(lastOfMonth, nthMax); ok {
			if nth == 0 {
				n.wrong(CodeNotAnOption, fmt.Sprintf("The value must be 1 to %d, or %d for the last.", nthMax, lastOfMonth))
			}
			r.nth = nth
		}
	}
	if d, ok := on.element("day"); ok {
		r.nthDay, _ = weekdayIn(d)
	}
	r.readAdjustment(on)
}

func (r *Rule) readDates(on *object) {
	for _, e := range on.list("dates", datesMax) {
		month, day, ok := monthDayIn(e)
		if ok && e.isNew(r.dates[month-1].has(day)) {
			r.dates[month-1] = r.dates[month-1].with(day)
		}
	}
	r.readAdjustment(on)
}

// monthDayIn reads a month and a day that at least leap years have.
func monthDayIn(e element) (month time.Month, day int, ok bool) {
	o, isObject := e.r.object(e.at, e.value)
	if !isObject {
		return 0, 0, false
	}
	before := len(e.r.problems)
	month, day = o.monthDay()
	o.unknown()
	return month, day, len(e.r.problems) == before
}

// monthDay reads the members month and day; they are right if nothing was noted.
func (o *object) monthDay() (time.Month, int) {
	month := time.Month(o.integer("month", 1, monthsPerYear))
	longest := daysMax
	if month != 0 {
		longest = DaysIn(leapYear, month)
	}
	return month, o.integer("day", 1, longest)
}

func (r *Rule) readAdjustment(on *object) {
	if !on.has("adjustment") {
		return
	}
	r.adjustment = Adjustment(on.option("adjustment", string(AdjustNone), string(AdjustNext), string(AdjustPrevious), string(AdjustNearest)))
	if r.adjustment == AdjustNone {
		r.adjustment = ""
	}
}

// weekdayIn reads a day of the week: mon to sun.
func weekdayIn(e element) (time.Weekday, bool) {
	name, ok := e.text()
	if !ok {
		return 0, false
	}
	for w, known := range weekdayNames {
		if name == known {
			return time.Weekday(w), true
		}
	}
	e.wrong(CodeNotAnOption, "The value must be one of mon, tue, wed, thu, fri, sat and sun.")
	return 0, false
}

// isNew notes that a list names something twice.
func (e element) isNew(seen bool) bool {
	if seen {
		e.wrong(CodeDuplicate, "The list names this twice.")
	}
	return !seen
}

// list returns the elements of a list that must be there and name something.
func (o *object) list(name string, most int) []element {
	member, ok := o.element(name)
	if !ok {
		return nil
	}
	values, ok := member.value.([]any)
	switch {
	case !ok:
		member.wrong(CodeWrongType, "The value must be a list.")
		return nil
	case len(values) == 0:
		member.wrong(CodeTooFew, "The list must name at least one.")
		return nil
	case len(values) > most:
		member.wrong(CodeTooMany, fmt.Sprintf("The list may name at most %d.", most))
		return nil
	}
	elements := make([]element, len(values))
	for i, v := range values {
		elements[i] = element{r: o.r, at: member.at + "/" + strconv.Itoa(i), value: v}
	}
	return elements
}
