package mandate

import (
	"fmt"
	"slices"
	"time"

	"tender/domain/money"
	"tender/domain/recurrence"
)

// Kind says how payments under a mandate come about.
type Kind string

// The kinds of mandates.
const (
	KindScheduled  Kind = "scheduled"
	KindOnDemand   Kind = "on_demand"
	KindInstalment Kind = "installment" // the API's spelling
)

// Terms are what the customer agrees to. They are fixed when the mandate is made:
// what was left open in the request has been filled in.
type Terms struct {
	Kind     Kind   `json:"type"`
	Currency string `json:"currency"`
	TimeZone string `json:"time_zone"` // IANA; dates and windows are days there
	// Amount bounds each payment; nil: any amount.
	Amount         *Amount         `json:"amount,omitempty"`
	Recurrence     recurrence.Rule `json:"recurrence,omitzero"`
	Validity       Validity        `json:"validity_period,omitzero"`
	MaxOccurrences int             `json:"max_occurrences,omitempty"` // 0: no limit
	PeriodLimits   *PeriodLimits   `json:"period_limits,omitempty"`
	// Instalments stands with KindInstalment only, instead of Amount, Recurrence and
	// MaxOccurrences.
	Instalments *Instalments `json:"instalments,omitempty"`
}

// Amount bounds one payment, in minor units: to exactly so much, or between.
type Amount struct {
	Exact int64 `json:"exact,omitempty"`
	Min   int64 `json:"min,omitempty"`
	Max   int64 `json:"max,omitempty"`
}

// Validity is from when until when a mandate holds, both days included; a zero
// date leaves that side open.
type Validity struct {
	Start recurrence.Date `json:"start_date,omitzero"`
	End   recurrence.Date `json:"end_date,omitzero"`
}

// PeriodLimits bound how much may be taken in a day, week, month or year.
type PeriodLimits struct {
	Period    recurrence.Period `json:"period"`
	Window    recurrence.Window `json:"window,omitzero"`
	MaxCount  int               `json:"max_count,omitempty"`
	MaxAmount int64             `json:"max_amount,omitempty"` // minor units
}

// Instalments are how a total is paid in parts: periodic, or on fixed dates.
type Instalments struct {
	TotalAmount    int64           `json:"total_amount"`
	Amount         int64           `json:"amount,omitempty"` // of each, with periodic
	Recurrence     recurrence.Rule `json:"recurrence,omitzero"`
	MaxOccurrences int             `json:"max_occurrences,omitempty"`
	Items          []Item          `json:"items,omitempty"` // with fixed
}

// Item is one instalment on a fixed date.
type Item struct {
	Amount int64           `json:"amount"`
	Date   recurrence.Date `json:"date,omitzero"`
}

// DayOf returns the day that an instant counts for: the latest one that has begun
// in the mandate's time zone. That is the date that calendars show there, but for
// the minutes in which clocks that were set back over midnight show the day before
// again. So a later instant never has an earlier day.
func (t Terms) DayOf(at time.Time) (recurrence.Date, error) {
	zone, err := t.zone()
	if err != nil {
		return recurrence.Date{}, err
	}
	day := recurrence.DateOf(at, zone)
	for next := day.AddDays(1); next != day && !beginning(next, zone).After(at); next = day.AddDays(1) {
		day = next
	}
	return day, nil
}

// EndsAt returns the instant at which the validity is over; the zero time if it
// has no end.
func (t Terms) EndsAt() (time.Time, error) {
	if t.Validity.End.IsZero() {
		return time.Time{}, nil
	}
	zone, err := t.zone()
	if err != nil {
		return time.Time{}, err
	}
	return beginning(t.Validity.End.AddDays(1), zone), nil
}

// beginning returns the instant at which a day begins.
func beginning(day recurrence.Date, zone *time.Location) time.Time {
	return day.In(zone, recurrence.TimeOfDay{})
}

// zone returns the terms' time zone. That it is not to be had is no refusal: it
// was there when the terms were read.
func (t Terms) zone() (*time.Location, error) {
	zone, err := recurrence.Zone(t.TimeZone)
	if err != nil {
		return nil, fmt.Errorf("mandate: this machine does not know the time zone %q", t.TimeZone)
	}
	return zone, nil
}

// Contains reports whether a day lies within the validity.
func (v Validity) Contains(day recurrence.Date) bool {
	return !day.Before(v.Start) && !v.ended(day)
}

func (v Validity) ended(day recurrence.Date) bool { return !v.End.IsZero() && day.After(v.End) }

// Occurrences returns how many payments may succeed; 0: as many as you like.
func (t Terms) Occurrences() int {
	switch i := t.Instalments; {
	case i == nil:
		return t.MaxOccurrences
	case len(i.Items) > 0:
		return len(i.Items)
	default:
		return i.MaxOccurrences
	}
}

// Cadence returns for when payments are planned; the zero Rule if no rule says so.
func (t Terms) Cadence() recurrence.Rule {
	if t.Instalments != nil {
		return t.Instalments.Recurrence
	}
	return t.Recurrence
}

// FixedAmount returns what each payment must be, in minor units; 0 if that is left
// open, or differs from one to the next.
func (t Terms) FixedAmount() int64 {
	least, most := t.bounds()
	if least != most {
		return 0
	}
	return least
}

// AllowsAmount reports whether a payment of an amount in the mandate's currency is
// ever allowed, whatever has been paid so far.
func (t Terms) AllowsAmount(amount int64) bool {
	if amount < 1 || amount > money.AmountMax {
		return false
	}
	if t.PeriodLimits != nil && t.PeriodLimits.MaxAmount > 0 && amount > t.PeriodLimits.MaxAmount {
		return false
	}
	if t.Instalments != nil && len(t.Instalments.Items) > 0 {
		return slices.ContainsFunc(t.Instalments.Items, func(i Item) bool { return i.Amount == amount })
	}
	least, most := t.bounds()
	return amount >= least && (most == 0 || amount <= most)
}

// bounds returns the least and the most that one payment may be; 0 and 0: no
// bound, or a fixed item's own amount. The least is at most the most, where there
// is one.
func (t Terms) bounds() (least, most int64) {
	switch {
	case t.Instalments != nil:
		return t.Instalments.Amount, t.Instalments.Amount
	case t.Amount == nil:
		return 0, 0
	case t.Amount.Exact > 0:
		return t.Amount.Exact, t.Amount.Exact
	default:
		return t.Amount.Min, t.Amount.Max
	}
}
