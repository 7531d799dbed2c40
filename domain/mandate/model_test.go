package mandate_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"tender/domain"
	"tender/domain/mandate"
)

// plan is a request for a mandate as a naive reader understands it: absent numbers
// are 0, absent days "". Days are strings, which compare as the days do.
type plan struct {
	zone        string
	exact       int64
	least, most int64
	from, to    string
	times       int
	period      string
	anchor      int // day of the week from Sunday, of the month, or of February; 0: by the calendar
	maxCount    int
	maxAmount   int64
	parts       []part // fixed instalments
	periodic    bool   // exact is paid times times
}

type part struct {
	Amount int64  `json:"amount"`
	Date   string `json:"date"`
}

// entry is one payment in the book that the model keeps: all of them, for ever.
type entry struct {
	id        string
	day       string
	amount    int64 // that counts
	part      int   // -1: none
	succeeded bool
	open      bool // may still stop counting
	counts    bool
}

func drawPlan(t *rapid.T) plan {
	p := plan{zone: rapid.SampledFrom([]string{"UTC", "Africa/Johannesburg", "America/New_York", "Pacific/Kiritimati", "Europe/London", "Asia/Kathmandu"}).Draw(t, "zone")}
	maybe := func(what string) bool { return rapid.Bool().Draw(t, what) }
	if maybe("validity") {
		p.from = rapid.SampledFrom([]string{"", "2027-12-31", "2028-01-02"}).Draw(t, "from")
		p.to = rapid.SampledFrom([]string{"", "2028-02-29", "2028-12-31", "2029-02-28"}).Draw(t, "to")
	}
	switch rapid.SampledFrom([]string{"on_demand", "on_demand", "on_demand", "fixed", "periodic"}).Draw(t, "kind") {
	case "fixed":
		day := 0
		for range rapid.IntRange(1, 6).Draw(t, "parts") {
			day += rapid.IntRange(1, 40).Draw(t, "days later")
			p.parts = append(p.parts, part{rapid.Int64Range(1, 3).Draw(t, "part") * 100, time.Date(2028, 1, 1+day, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)})
		}
		p.from, p.to = "", ""
		return p
	case "periodic":
		p.periodic, p.exact, p.times = true, 100, rapid.IntRange(1, 4).Draw(t, "times")
		return p
	}
	switch rapid.IntRange(0, 3).Draw(t, "amount") {
	case 0:
		p.exact = 200
	case 1:
		p.most = 300
	case 2:
		p.least = 100
	case 3:
		p.least, p.most = 100, 300
	}
	if maybe("max_occurrences") {
		p.times = rapid.IntRange(1, 5).Draw(t, "times")
	}
	if maybe("period_limits") {
		p.period = rapid.SampledFrom([]string{"day", "week", "month", "year"}).Draw(t, "period")
		if p.period != "day" && maybe("cycle") {
			p.anchor = rapid.SampledFrom([]int{1, 5, 15, 29, 30, 31}).Draw(t, "anchor")
			if p.period == "week" {
				p.anchor %= 7
			}
			if p.period == "year" {
				p.anchor = min(p.anchor, 29)
			}
		}
		if maybe("max_count") {
			p.maxCount = rapid.IntRange(1, 3).Draw(t, "count")
		}
		if p.maxCount == 0 || maybe("max_amount") {
			p.maxAmount = rapid.Int64Range(300, 700).Draw(t, "sum")
		}
	}
	return p
}

// options is the request.
func (p plan) options() string {
	o := map[string]any{"time_zone": p.zone}
	validity := map[string]any{}
	if p.from != "" {
		validity["start_date"] = p.from
	}
	if p.to != "" {
		validity["end_date"] = p.to
	}
	o["validity_period"] = validity
	daily := map[string]any{"type": "daily", "interval_count": 1}
	switch {
	case p.parts != nil:
		var total int64
		for _, part := range p.parts {
			total += part.Amount
		}
		o["type"], o["total_amount"], o["terms"] = "installment", total, map[string]any{"type": "fixed", "items": p.parts}
		return encoded(o)
	case p.periodic:
		o["type"], o["total_amount"] = "installment", p.exact*int64(p.times)
		o["terms"] = map[string]any{"type": "periodic", "amount": p.exact, "max_occurrences": p.times, "recurrence": daily}
		return encoded(o)
	case p.exact > 0:
		o["amount"] = p.exact
	default:
		bounds := map[string]any{}
		if p.least > 0 {
			bounds["min"] = p.least
		}
		if p.most > 0 {
			bounds["max"] = p.most
		}
		o["amount"] = bounds
	}
	if p.times > 0 {
		o["max_occurrences"] = p.times
	}
	if p.period != "" {
		o["period_limits"] = p.limits()
	}
	return encoded(o)
}

func (p plan) limits() map[string]any {
	limits := map[string]any{"period": p.period}
	if p.maxCount > 0 {
		limits["max_count"] = p.maxCount
	}
	if p.maxAmount > 0 {
		limits["max_amount"] = p.maxAmount
	}
	var anchor map[string]any
	switch {
	case p.anchor == 0:
		return limits
	case p.period == "week":
		anchor = map[string]any{"type": "day_of_week", "day": []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}[p.anchor]}
	case p.period == "month":
		anchor = map[string]any{"type": "day_of_month", "day": p.anchor}
	default:
		anchor = map[string]any{"type": "day_of_year", "month": 2, "day": p.anchor}
	}
	limits["window"] = map[string]any{"mode": "cycle", "anchor": anchor}
	return limits
}

func encoded(v any) string {
	out, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(out)
}

// windowOf returns the first day of the window that a day lies in, by walking back
// to it.
func (p plan) windowOf(day string) string {
	d, err := time.Parse(time.DateOnly, day)
	if err != nil {
		panic(err)
	}
	for !p.begins(d) {
		d = d.AddDate(0, 0, -1)
	}
	return d.Format(time.DateOnly)
}

func (p plan) begins(d time.Time) bool {
	anchored := func(anchor int) bool {
		lastOfMonth := d.AddDate(0, 0, 1).Day() == 1
		return d.Day() == anchor || lastOfMonth && anchor > d.Day()
	}
	switch p.period {
	case "day":
		return true
	case "week":
		if p.anchor == 0 {
			return d.Weekday() == time.Monday
		}
		return int(d.Weekday()) == p.anchor
	case "month":
		return anchored(max(p.anchor, 1))
	default:
		if p.anchor == 0 {
			return d.YearDay() == 1
		}
		return d.Month() == time.February && anchored(p.anchor)
	}
}

// book is the naive model: it keeps everything, and adds it all up each time.
type book struct {
	plan    plan
	entries []*entry
	status  mandate.Status
}

func (b *book) sum(which func(*entry) bool) (count int, amount int64) {
	for _, e := range b.entries {
		if e.counts && which(e) {
			count++
			amount += e.amount
		}
	}
	return count, amount
}

func (b *book) times() int {
	if b.plan.parts != nil {
		return len(b.plan.parts)
	}
	return b.plan.times
}

// payable returns the first part of an amount that is due and unpaid; -1: none.
func (b *book) payable(amount int64, day string) int {
	for i, part := range b.plan.parts {
		taken := slices.ContainsFunc(b.entries, func(e *entry) bool { return e.counts && e.part == i })
		if !taken && part.Amount == amount && part.Date <= day {
			return i
		}
	}
	return -1
}

// breaks returns the rules that a payment breaks.
func (b *book) breaks(amount int64, currency, day string) []domain.Code {
	var codes []domain.Code
	p := b.plan
	all, _ := b.sum(func(*entry) bool { return true })
	full := b.times() > 0 && all >= b.times()
	wrong := p.exact > 0 && amount != p.exact || amount < p.least || p.most > 0 && amount > p.most
	if p.parts != nil {
		wrong = b.payable(amount, day) < 0 && !full
	}
	if wrong && currency == "ZAR" {
		codes = append(codes, mandate.AmountNotAllowed)
	}
	if day < p.from || p.to != "" && day > p.to {
		codes = append(codes, mandate.OutsideValidityPeriod)
	}
	if full {
		codes = append(codes, mandate.MaxOccurrencesReached)
	}
	if p.period != "" {
		window := p.windowOf(day)
		count, sum := b.sum(func(e *entry) bool { return p.windowOf(e.day) == window })
		if p.maxCount > 0 && count+1 > p.maxCount || p.maxAmount > 0 && sum+amount > p.maxAmount && currency == "ZAR" {
			codes = append(codes, mandate.PeriodLimitExceeded)
		}
	}
	if currency != "ZAR" {
		codes = append(codes, mandate.CurrencyMismatch)
	}
	if b.status != mandate.StatusActive {
		codes = append(codes, mandate.NotActive)
	}
	return codes
}

// end says that the mandate is exhausted if it is.
func (b *book) end() {
	open := slices.ContainsFunc(b.entries, func(e *entry) bool { return e.open })
	all, _ := b.sum(func(*entry) bool { return true })
	if b.status == mandate.StatusActive && b.times() > 0 && all >= b.times() && !open {
		b.status = mandate.StatusExhausted
	}
}

func (b *book) pick(t *rapid.T, which func(*entry) bool) *entry {
	var fitting []*entry
	for _, e := range b.entries {
		if e.open && which(e) {
			fitting = append(fitting, e)
		}
	}
	if len(fitting) == 0 {
		t.Skip("there is none")
	}
	return rapid.SampledFrom(fitting).Draw(t, "payment")
}

func (e *entry) String() string { return fmt.Sprintf("%s of %d on %s", e.id, e.amount, e.day) }
