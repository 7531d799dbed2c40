package mandate

import (
	"fmt"
	"time"

	"tender/domain"
	"tender/domain/money"
	"tender/domain/recurrence"
)

// Basis is what the rest of a request and the merchant's settings give to the
// terms.
type Basis struct {
	// Amount is the session's, in minor units; 0: it verifies a method. Below 0: it
	// was wrong itself, and nothing is said about its being missed.
	Amount   int64
	Currency string
	TimeZone string // the merchant's; "": UTC
}

// timeZoneDefault is that of merchants who have set none.
const timeZoneDefault = "UTC"

func (b Basis) timeZone() string {
	if b.TimeZone == "" {
		return timeZoneDefault
	}
	return b.TimeZone
}

// Unconstrained returns the terms of a request without mandate_options: any amount
// at any time.
func Unconstrained(b Basis) Terms {
	return Terms{Kind: KindOnDemand, Currency: b.Currency, TimeZone: b.timeZone()}
}

// The two ways in which instalments are laid down.
const (
	termsPeriodic = "periodic"
	termsFixed    = "fixed"
)

// Read reads the terms in a request's mandate_options, from a JSON value as
// encoding/json decodes it into an any, with numbers as json.Number. What the
// request leaves open is filled in. It returns everything that is wrong with it at
// once, by pointers from mandate_options on; then the terms are not to be used.
//
// What it returns depends on nothing but its arguments; what is wrong at one time
// and not at another, [Terms.ProblemsAt] says.
func Read(v any, b Basis) (Terms, []recurrence.FieldProblem) {
	r := &reader{}
	o, ok := r.object("", v)
	if !ok {
		return Terms{}, r.problems
	}
	t := Terms{Currency: b.Currency, Kind: KindOnDemand}
	if o.has("type") {
		t.Kind = Kind(o.option("type", string(KindScheduled), string(KindOnDemand), string(KindInstalment)))
	}
	t.TimeZone = o.timeZone(b)
	t.Validity = o.validity()
	switch t.Kind {
	case KindScheduled, KindOnDemand:
		o.readRecurring(&t, b)
	case KindInstalment:
		o.readInstalments(&t)
	default:
		o.skip(append(recurringFields, instalmentFields...)...)
	}
	o.unknown()
	if len(r.problems) > 0 {
		return Terms{}, r.problems
	}
	return t, nil
}

// ProblemsAt returns what is wrong with terms at the moment of the request: a
// validity that is over. The same request, sent again, may be too late for what it
// was in time for.
func (t Terms) ProblemsAt(now time.Time) []recurrence.FieldProblem {
	day, err := t.DayOf(now)
	if err != nil || !t.Validity.ended(day) {
		return nil // that a zone is not known any more is found out elsewhere
	}
	return []recurrence.FieldProblem{{
		Pointer: "/validity_period/end_date", Code: recurrence.CodeTooSmall,
		Detail: fmt.Sprintf("The end date must not be over. Today is %s.", day),
	}}
}

// Members that go with one kind of mandate only.
var (
	recurringFields  = []string{"amount", "recurrence", "max_occurrences", "period_limits"}
	instalmentFields = []string{"total_amount", "terms"}
)

func (o *object) readRecurring(t *Terms, b Basis) {
	o.contradict("The field goes with the type installment only.", instalmentFields...)
	t.Amount = o.amount(b)
	if t.Kind == KindScheduled || o.has("recurrence") {
		t.Recurrence = o.recurrence()
	}
	if o.has("max_occurrences") {
		t.MaxOccurrences = int(o.integer("max_occurrences", 1, OccurrencesMax))
	}
	t.PeriodLimits = o.periodLimits(t)
}

// amount reads how much each payment may be. Where the request says nothing it is
// no more than the session's amount; where it allows everything there is none.
func (o *object) amount(b Basis) *Amount {
	v, given := o.take("amount")
	if !given {
		if b.Amount == 0 {
			o.wrong("amount", recurrence.CodeRequired, "The session's amount is 0 and can't be the most that each payment may be: the amount must be given.")
		}
		return &Amount{Max: max(b.Amount, 0)}
	}
	if _, isObject := v.(map[string]any); !isObject {
		e := element{r: o.r, at: o.pointer("amount"), value: v}
		n, _ := e.integer(1, money.AmountMax, "The value must be a whole number, without fraction or exponent, or an object with min or max.")
		return &Amount{Exact: n}
	}
	bounds, _ := o.r.object(o.pointer("amount"), v)
	var a Amount
	if bounds.has("min") {
		a.Min = bounds.integer("min", 0, money.AmountMax)
	}
	if bounds.has("max") {
		a.Max = bounds.integer("max", 1, money.AmountMax)
	}
	switch {
	case !bounds.has("min") && !bounds.has("max"):
		bounds.wrongItself(recurrence.CodeRequired, "The amount must name min, max or both.")
	case a.Max > 0 && a.Min > a.Max:
		bounds.wrong("min", recurrence.CodeContradiction, "min must not be above max.")
	}
	bounds.unknown()
	if a == (Amount{}) {
		return nil // at least 0: any amount
	}
	return &a
}

func (o *object) recurrence() recurrence.Rule {
	e, ok := o.element("recurrence")
	if !ok {
		return recurrence.Rule{}
	}
	rule, problems := recurrence.Read(e.value)
	o.r.add(e.at, problems)
	return rule
}

func (o *object) timeZone(b Basis) string {
	if !o.has("time_zone") {
		return b.timeZone()
	}
	e, _ := o.element("time_zone")
	name, ok := e.text()
	if !ok {
		return ""
	}
	if _, err := recurrence.Zone(name); err != nil {
		e.wrong(recurrence.ErrUnknownZone.Code, recurrence.ErrUnknownZone.Detail)
	}
	return name
}

func (o *object) validity() Validity {
	period, ok := o.objectIn("validity_period")
	if !ok {
		return Validity{}
	}
	var v Validity
	if period.has("start_date") {
		v.Start = period.date("start_date")
	}
	if period.has("end_date") {
		v.End = period.date("end_date")
	}
	if !v.End.IsZero() && v.End.Before(v.Start) {
		period.wrong("end_date", recurrence.CodeContradiction, "The end date must not lie before the start date.")
	}
	period.unknown()
	return v
}

func (o *object) periodLimits(t *Terms) *PeriodLimits {
	limits, ok := o.objectIn("period_limits")
	if !ok {
		return nil
	}
	p := &PeriodLimits{Period: recurrence.Period(limits.option("period",
		string(recurrence.PeriodDay), string(recurrence.PeriodWeek), string(recurrence.PeriodMonth), string(recurrence.PeriodYear)))}
	if limits.has("max_count") {
		p.MaxCount = int(limits.integer("max_count", 1, OccurrencesMax))
	}
	if limits.has("max_amount") {
		p.MaxAmount = limits.integer("max_amount", 1, money.AmountMax)
	}
	if !limits.has("max_count") && !limits.has("max_amount") {
		limits.wrongItself(recurrence.CodeRequired, "The limits must name max_count, max_amount or both.")
	}
	if v, given := limits.take("window"); given {
		window, problems := recurrence.ReadWindow(p.Period, v)
		limits.r.add(limits.pointer("window"), problems)
		p.Window = window
	}
	limits.unknown()
	// The session's amount as the ceiling contradicts nothing: nobody has asked for it.
	if least, most := t.bounds(); o.has("amount") && p.MaxAmount > 0 && max(least, most) > p.MaxAmount {
		limits.wrong("max_amount", recurrence.CodeContradiction, contradictsAmount(least, most))
	}
	return p
}

func contradictsAmount(least, most int64) string {
	if most == 0 {
		return fmt.Sprintf("max_amount must not be below the least that a payment may be, %d.", least)
	}
	return fmt.Sprintf("max_amount must not be below the most that a payment may be, %d.", most)
}

func (o *object) readInstalments(t *Terms) {
	o.contradict("The field does not go with the type installment.", recurringFields...)
	i := &Instalments{TotalAmount: o.integer("total_amount", 1, money.AmountMax)}
	t.Instalments = i
	terms, ok := o.element("terms")
	if !ok {
		return
	}
	plan, ok := o.r.object(terms.at, terms.value)
	if !ok {
		return
	}
	before := len(o.r.problems)
	var sum int64
	switch plan.option("type", termsPeriodic, termsFixed) {
	case termsPeriodic:
		i.Amount = plan.integer("amount", 1, money.AmountMax)
		i.Recurrence = plan.recurrence()
		i.MaxOccurrences = int(plan.integer("max_occurrences", 1, OccurrencesMax))
		sum = i.Amount * int64(i.MaxOccurrences) // the limits of both leave room
	case termsFixed:
		i.Items = plan.items(t.Validity)
		for _, item := range i.Items {
			sum += item.Amount
		}
	default:
		plan.ignoreUnknown()
	}
	plan.unknown()
	if len(o.r.problems) == before && i.TotalAmount > 0 && sum != i.TotalAmount {
		o.wrong("total_amount", recurrence.CodeContradiction, fmt.Sprintf("The instalments add up to %d, not to %d.", sum, i.TotalAmount))
	}
}

// items reads fixed instalments: each date after the one before it, and all within
// the validity.
func (o *object) items(within Validity) []Item {
	var items []Item
	var last recurrence.Date
	for _, e := range o.list("items", ItemsMax) {
		item, ok := o.r.object(e.at, e.value)
		if !ok {
			continue
		}
		i := Item{Amount: item.integer("amount", 1, money.AmountMax), Date: item.date("date")}
		item.unknown()
		if code, detail := wrongDate(i.Date, last, within); code != "" {
			item.wrong("date", code, detail)
		}
		last = later(last, i.Date)
		items = append(items, i)
	}
	return items
}

func wrongDate(date, last recurrence.Date, within Validity) (domain.Code, string) {
	switch {
	case date.IsZero():
		return "", ""
	case date == last:
		return recurrence.CodeDuplicate, "Two instalments have this date."
	case date.Before(last):
		return recurrence.CodeContradiction, "The dates must be in ascending order."
	case !within.Contains(date):
		return recurrence.CodeContradiction, "The date lies outside the validity_period."
	}
	return "", ""
}
