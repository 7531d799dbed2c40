package recurrence

import (
	"encoding/json"
	"fmt"
	"time"
)

// Period is what a limit such as "at most three payments a month" counts in.
type Period string

// The periods of limits.
const (
	PeriodDay   Period = "day"
	PeriodWeek  Period = "week"
	PeriodMonth Period = "month"
	PeriodYear  Period = "year"
)

// Known reports whether p is one of the periods.
func (p Period) Known() bool {
	switch p {
	case PeriodDay, PeriodWeek, PeriodMonth, PeriodYear:
		return true
	}
	return false
}

// The modes of a window.
const (
	modeCalendar = "calendar"
	modeCycle    = "cycle"
)

// The types of anchors, one for each period that can have a cycle.
const (
	anchorWeek  = "day_of_week"
	anchorMonth = "day_of_month"
	anchorYear  = "day_of_year"
)

// Window says where the windows of a limit begin. The zero Window goes by the
// calendar: days, weeks from Monday, months from the 1st, years from 1 January.
// A cycle begins its weeks, months or years on another day, its anchor; a day that
// a month lacks is its last. Windows compare with ==.
//
// On the wire a window is {"mode":"calendar"}, or {"mode":"cycle","anchor":…} with
// one of
//
//	{"type":"day_of_week","day":"fri"}            with period week
//	{"type":"day_of_month","day":15}              with period month
//	{"type":"day_of_year","month":4,"day":6}      with period year
//
// A day begins at midnight and has no cycle.
type Window struct {
	anchor  Period // the period that the cycle is of; "" by the calendar
	weekday time.Weekday
	month   uint8
	day     uint8
}

// IsZero reports whether w goes by the calendar.
func (w Window) IsZero() bool { return w == Window{} }

// ReadWindow reads the window of a limit that counts in p, from a JSON value as
// encoding/json decodes it into an any, with numbers as json.Number. It returns
// everything that is wrong with it at once; then the window is not to be used. An
// anchor of another period than p is wrong, unless p is none that is known: that
// is for others to say.
func ReadWindow(p Period, v any) (Window, []FieldProblem) {
	r := &reader{}
	o, ok := r.object("", v)
	if !ok {
		return Window{}, r.problems
	}
	w := o.window()
	if len(r.problems) == 0 && !w.IsZero() && w.anchor != p && p.Known() {
		o.wrong("anchor", CodeContradiction, fmt.Sprintf("Windows with this anchor have the period %s.", w.anchor))
	}
	if len(r.problems) > 0 {
		return Window{}, r.problems
	}
	return w, nil
}

func (o *object) window() Window {
	mode := o.option("mode", modeCalendar, modeCycle)
	anchor, given := o.take("anchor")
	o.unknown()
	switch {
	case mode == modeCycle && !given:
		o.wrong("anchor", CodeRequired, "The field is missing.")
	case mode == modeCalendar && given:
		o.wrong("anchor", CodeContradiction, "Windows by the calendar have no anchor.")
	case mode == modeCycle:
		if a, ok := o.r.object(o.pointer("anchor"), anchor); ok {
			return a.cycle()
		}
	}
	return Window{}
}

func (o *object) cycle() (w Window) {
	switch o.option("type", anchorWeek, anchorMonth, anchorYear) {
	case anchorWeek:
		w.anchor = PeriodWeek
		if day, ok := o.element("day"); ok {
			w.weekday, _ = weekdayIn(day)
		}
	case anchorMonth:
		w.anchor = PeriodMonth
		w.day = uint8(o.integer("day", 1, daysMax))
	case anchorYear:
		w.anchor = PeriodYear
		month, day := o.monthDay()
		w.month, w.day = uint8(month), uint8(day)
	default:
		return w
	}
	o.unknown()
	return w
}

// The wire form of a window.
type (
	windowJSON struct {
		Mode   string      `json:"mode"`
		Anchor *anchorJSON `json:"anchor,omitempty"`
	}
	anchorJSON struct {
		Type  string `json:"type"`
		Month int    `json:"month,omitempty"`
		Day   any    `json:"day"`
	}
)

// MarshalJSON writes the window as the API and the log have it. Equal windows
// write equal bytes.
func (w Window) MarshalJSON() ([]byte, error) {
	if w.IsZero() {
		return json.Marshal(windowJSON{Mode: modeCalendar})
	}
	a := anchorJSON{Type: anchorMonth, Month: int(w.month), Day: w.day}
	switch w.anchor {
	case PeriodWeek:
		a.Type, a.Day = anchorWeek, weekdayName(w.weekday)
	case PeriodYear:
		a.Type = anchorYear
	case PeriodDay, PeriodMonth:
	}
	return json.Marshal(windowJSON{Mode: modeCycle, Anchor: &a})
}

// UnmarshalJSON reads a window of any period, as strictly as [ReadWindow]. The
// error says what is wrong first.
func (w *Window) UnmarshalJSON(data []byte) error {
	v, problem := parseJSON(data)
	if problem != nil {
		return asError("window", []FieldProblem{*problem})
	}
	r := &reader{}
	o, ok := r.object("", v)
	var read Window
	if ok {
		read = o.window()
	}
	if err := asError("window", r.problems); err != nil {
		return err
	}
	*w = read
	return nil
}

// Bounds returns the first and the last day, both inclusive, of the window that a
// date lies in, for a limit that counts in p. Every date lies in exactly one;
// windows at the ends of the calendar are cut off there. Asking with another
// period than the window was read for, or for the zero Date, is a mistake in the
// program.
func (w Window) Bounds(p Period, d Date) (first, last Date) {
	if w.anchor != "" && w.anchor != p || d.IsZero() {
		panic(fmt.Sprintf("recurrence: a window of period %q, asked for the %s of %q", w.anchor, p, d))
	}
	switch p {
	case PeriodDay:
		return d, d
	case PeriodWeek:
		begin := time.Monday
		if w.anchor != "" {
			begin = w.weekday
		}
		n := d.number() - floorMod(int(d.Weekday()-begin), daysPerWeek)
		return fromNumber(n), fromNumber(n + daysPerWeek - 1)
	case PeriodMonth:
		return spanned(d, d.monthIndex(), 1, int(w.day))
	case PeriodYear:
		return spanned(d, d.Year()*monthsPerYear+max(int(w.month), 1)-1, monthsPerYear, int(w.day))
	default:
		panic("recurrence: a window of the unknown period " + string(p))
	}
}

// spanned returns the window that d lies in, of those that begin every so many
// months on a day, one of them in the month with this index.
func spanned(d Date, index, months, day int) (first, last Date) {
	begin := begins(index, day)
	if d.number() < begin {
		return fromNumber(begins(index-months, day)), fromNumber(begin - 1)
	}
	return fromNumber(begin), fromNumber(begins(index+months, day) - 1)
}

func begins(index, day int) int {
	year, month := monthOf(index)
	return numberOf(year, month, min(max(day, 1), DaysIn(year, month)))
}
