package subscription

import (
	"fmt"
	"time"

	"tender/domain/mandate"
	"tender/domain/money"
	"tender/domain/recurrence"
)

// Basis is what the rest of a request gives to a plan.
type Basis struct {
	// Terms are the mandate's; nil: they were wrong themselves, and nothing is said
	// about what depends on them.
	Terms *mandate.Terms
	// Amount is the session's, in minor units; 0: it verifies a method. Below 0: it
	// was wrong itself, and nothing is said about its being missed.
	Amount   int64
	Currency string
}

// request is what subscription_options say, as far as they say anything.
type request struct {
	r                    *reader
	active, start, end   *field
	amount               *field
	amountGiven          int64
	startGiven, endGiven recurrence.Date
}

// Read reads the plan in a request's subscription_options, from a JSON value as
// encoding/json decodes it into an any, with numbers as json.Number. What the
// request leaves open is inherited from the mandate and the session. It returns
// everything that is wrong with it at once, by pointers from subscription_options
// on; then the plan is not to be used, nor is it without the mandate's terms.
//
// What it returns depends on nothing but its arguments. Whether any occurrence
// lies ahead is only known once the session has completed.
func Read(v any, b Basis) (Plan, []recurrence.FieldProblem) {
	q := request{r: &reader{}}
	p := Plan{Currency: b.Currency, Retry: DefaultRetry(), Missed: MissedCollect}
	all := field{r: q.r, value: v}
	if !all.object(
		member{"active_period", q.readActive},
		member{"amount", q.readAmount},
		member{"scheduled_time", func(f field) { p.ScheduledTime = scheduledTime(f) }},
		member{"retry", func(f field) { p.Retry = retry(f) }},
		member{"missed", func(f field) { p.Missed = Missed(f.option(string(MissedCollect), string(MissedSkip))) }},
	) {
		return Plan{}, q.r.problems
	}
	if b.Terms != nil {
		q.inherit(&p, *b.Terms, b.Amount, all)
	} else if q.bothDates() && q.endGiven.Before(q.startGiven) {
		q.end.wrong(recurrence.CodeContradiction, endBeforeStart)
	}
	if len(q.r.problems) > 0 {
		return Plan{}, q.r.problems
	}
	return p, nil
}

func (q *request) readActive(f field) {
	q.active = &f
	f.object(
		member{"start_date", func(f field) { q.start, q.startGiven = &f, f.date() }},
		member{"end_date", func(f field) { q.end, q.endGiven = &f, f.date() }},
	)
}

func (q *request) readAmount(f field) {
	q.amount = &f
	q.amountGiven, _ = f.integer(1, money.AmountMax)
}

func (q *request) bothDates() bool { return !q.startGiven.IsZero() && !q.endGiven.IsZero() }

func scheduledTime(f field) recurrence.TimeOfDay {
	s, ok := f.text()
	if !ok {
		return recurrence.TimeOfDay{}
	}
	at, err := recurrence.ParseTimeOfDay(s)
	if err != nil {
		f.wrong(codeInvalidFormat, "The value must be a time from 00:00 to 23:59, written HH:MM.")
	}
	return at
}

func retry(f field) Retry {
	retry := DefaultRetry()
	f.object(
		member{"days", func(f field) { retry.Days = retryDays(f) }},
		member{"then", func(f field) {
			retry.Then = Then(f.option(string(ThenContinue), string(ThenPause), string(ThenCancel)))
		}},
	)
	return retry
}

// retryDays reads days in ascending order; an empty list means no retries.
func retryDays(f field) []int {
	days := []int{}
	last := 0
	for _, e := range f.list(RetriesMax) {
		n, ok := e.integer(1, RetryDayMax)
		day := int(n)
		switch {
		case !ok:
			continue
		case day == last:
			e.wrong(recurrence.CodeDuplicate, "The list names this twice.")
		case day < last:
			e.wrong(recurrence.CodeContradiction, "The days must be in ascending order.")
		}
		last = max(last, day)
		days = append(days, day)
	}
	return days
}

// inherit fills in what the mandate and the session give, and holds the request
// against them.
func (q *request) inherit(p *Plan, t mandate.Terms, sessionAmount int64, all field) {
	p.TimeZone, p.Recurrence, p.PaymentsMax = t.TimeZone, t.Recurrence, t.MaxOccurrences
	if t.Instalments != nil {
		p.Recurrence, p.Items, p.Occurrences = t.Instalments.Recurrence, t.Instalments.Items, t.Instalments.MaxOccurrences
	}
	p.Active = q.activeWithin(t.Validity)
	if p.Recurrence.IsZero() && len(p.Items) == 0 {
		all.wrong(recurrence.CodeContradiction, "A subscription needs a cadence: mandate_options must have a recurrence, or instalments.")
		return
	}
	p.Amount = q.amountUnder(t, sessionAmount, all)
	if len(q.r.problems) == 0 {
		q.checkDates(*p, all)
	}
}

const endBeforeStart = "The end date must not lie before the start date."

// activeWithin returns the period in which payments are made: the mandate's, or a
// shorter one inside it.
func (q *request) activeWithin(v mandate.Validity) mandate.Validity {
	active := v
	outside := fmt.Sprintf("The active period must lie inside the mandate's validity_period%s.", bounds(v))
	if d := q.startGiven; !d.IsZero() {
		active.Start = d
		if d.Before(v.Start) || !v.End.IsZero() && d.After(v.End) {
			q.start.wrong(recurrence.CodeContradiction, outside)
		}
	}
	if d := q.endGiven; !d.IsZero() {
		active.End = d
		switch {
		case d.Before(v.Start) || !v.End.IsZero() && d.After(v.End):
			q.end.wrong(recurrence.CodeContradiction, outside)
		case q.bothDates() && d.Before(q.startGiven):
			q.end.wrong(recurrence.CodeContradiction, endBeforeStart)
		}
	}
	return active
}

func bounds(v mandate.Validity) string {
	switch {
	case v.Start.IsZero() && v.End.IsZero():
		return ""
	case v.Start.IsZero():
		return fmt.Sprintf(", until %s", v.End)
	case v.End.IsZero():
		return fmt.Sprintf(", from %s on", v.Start)
	}
	return fmt.Sprintf(", from %s until %s", v.Start, v.End)
}

// amountUnder returns the amount of each occurrence; 0 where fixed instalments
// have their own.
func (q *request) amountUnder(t mandate.Terms, sessionAmount int64, all field) int64 {
	if t.Instalments != nil && len(t.Instalments.Items) > 0 {
		if q.amount != nil {
			q.amount.wrong(recurrence.CodeContradiction, "Instalments on fixed dates have amounts of their own.")
		}
		return 0
	}
	if q.amount != nil && q.amountGiven == 0 {
		return 0 // what is wrong with it is noted
	}
	amount, at := q.amountGiven, q.amount
	if at == nil {
		at = &field{r: all.r, at: all.at + "/amount"}
		amount = inheritedAmount(t, sessionAmount)
	}
	switch {
	case amount < 0:
	case amount == 0:
		at.wrong(recurrence.CodeRequired, "The session's amount is 0 and the mandate's is not fixed: the amount of each payment must be given.")
	default:
		if rule := forbids(t, amount); rule != "" {
			at.wrong(recurrence.CodeContradiction, fmt.Sprintf("The mandate does not allow payments of %d: %s.", amount, rule))
		}
	}
	return amount
}

func inheritedAmount(t mandate.Terms, sessionAmount int64) int64 {
	switch {
	case t.Instalments != nil:
		return t.Instalments.Amount
	case t.Amount != nil && t.Amount.Exact > 0:
		return t.Amount.Exact
	}
	return sessionAmount
}

// forbids says which of the terms never lets a payment of this amount through; ""
// if all may.
func forbids(t mandate.Terms, amount int64) string {
	if i := t.Instalments; i != nil && amount != i.Amount {
		return fmt.Sprintf("each instalment is of %d", i.Amount)
	}
	if a := t.Amount; a != nil {
		switch {
		case a.Exact > 0 && amount != a.Exact:
			return fmt.Sprintf("its amount is %d", a.Exact)
		case amount < a.Min:
			return fmt.Sprintf("its amount.min is %d", a.Min)
		case a.Max > 0 && amount > a.Max:
			return fmt.Sprintf("its amount.max is %d", a.Max)
		}
	}
	if l := t.PeriodLimits; l != nil && l.MaxAmount > 0 && amount > l.MaxAmount {
		return fmt.Sprintf("its period_limits.max_amount is %d", l.MaxAmount)
	}
	return ""
}

// checkDates refuses an active period that no occurrence lies in, and one that cuts
// off instalments that the customer owes.
func (q *request) checkDates(p Plan, all field) {
	at := all
	if q.active != nil {
		at = *q.active
	}
	for _, item := range p.Items {
		if item.Date.Before(p.Active.Start) || !p.Active.End.IsZero() && item.Date.After(p.Active.End) {
			at.wrong(recurrence.CodeContradiction, fmt.Sprintf("The instalment of %s lies outside the active period.", item.Date))
			return
		}
	}
	if p.Recurrence.IsZero() || p.Active.Start.IsZero() {
		return // the start date is not known yet
	}
	first, ok := recurrence.Recurring(p.Recurrence, p.Active.Start, time.UTC, p.ScheduledTime).Nth(1)
	if !ok || !p.Active.End.IsZero() && first.Date.After(p.Active.End) {
		at.wrong(recurrence.CodeContradiction, "No occurrence of the mandate's recurrence lies in the active period.")
	}
}
