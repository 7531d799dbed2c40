package subscription_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tender/domain/mandate"
	"tender/domain/recurrence"
	"tender/domain/subscription"
)

// The dates below were written down by hand, with a calendar.
func TestScheduleNumbersFromTheFirstOccurrenceAhead(t *testing.T) {
	t.Parallel()
	item := func(amount int64, on string) mandate.Item { return mandate.Item{Amount: amount, Date: date(on)} }
	fixed := func(items ...mandate.Item) func(*subscription.Plan) {
		return func(p *subscription.Plan) { p.Amount, p.Recurrence, p.Items = 0, recurrence.Rule{}, items }
	}
	open := func(p *subscription.Plan) { p.Active = mandate.Validity{} }
	recurring := func(s string) func(*subscription.Plan) {
		return func(p *subscription.Plan) { p.Recurrence = rule(s) }
	}
	in := func(zone, time string) func(*subscription.Plan) {
		return func(p *subscription.Plan) { p.TimeZone, p.ScheduledTime = zone, clock(time) }
	}
	for _, c := range []struct {
		name  string
		plan  subscription.Plan
		after string
		want  string // the first four, and how many there are of four
	}{
		{"a period that has begun costs no numbers", monthly(), "2026-03-10 09:00",
			"[1 2026-04-01T00:00:00Z 2000] [2 2026-05-01T00:00:00Z 2000] [3 2026-06-01T00:00:00Z 2000] [4 2026-07-01T00:00:00Z 2000]"},
		{"one at the very moment is not after it", monthly(), "2026-11-01 00:00", "[1 2026-12-01T00:00:00Z 2000]"},
		{"a moment earlier it is", monthly(), "2026-10-31 23:59:59",
			"[1 2026-11-01T00:00:00Z 2000] [2 2026-12-01T00:00:00Z 2000]"},
		{"a period that lies ahead", monthly(func(p *subscription.Plan) { p.Active.Start = date("2026-11-15") }), "2026-01-15 12:00",
			"[1 2026-12-01T00:00:00Z 2000]"},
		{"the last day is included", monthly(until("2026-05-01")), "2026-03-10 09:00",
			"[1 2026-04-01T00:00:00Z 2000] [2 2026-05-01T00:00:00Z 2000]"},
		{"a period that is over", monthly(), "2027-01-01 00:00", ""},
		{"without a start the day of the moment gives the days", monthly(open, recurring(`{"type":"monthly","interval_count":1}`)), "2026-01-31 12:00",
			"[1 2026-02-28T00:00:00Z 2000] [2 2026-03-31T00:00:00Z 2000] [3 2026-04-30T00:00:00Z 2000] [4 2026-05-31T00:00:00Z 2000]"},
		{"later on the same day", monthly(open, recurring(`{"type":"monthly","interval_count":1}`), in("UTC", "18:30")), "2026-01-31 12:00",
			"[1 2026-01-31T18:30:00Z 2000] [2 2026-02-28T18:30:00Z 2000] [3 2026-03-31T18:30:00Z 2000] [4 2026-04-30T18:30:00Z 2000]"},
		{"the day of the moment is a day in the zone", monthly(open, recurring(`{"type":"weekly","interval_count":1}`), in("Pacific/Auckland", "09:00")),
			// It is Tuesday the 13th in UTC and Wednesday the 14th in Auckland.
			"2026-01-13 20:00:00", "[1 2026-01-20T20:00:00Z 2000] [2 2026-01-27T20:00:00Z 2000] [3 2026-02-03T20:00:00Z 2000] [4 2026-02-10T20:00:00Z 2000]"},
		{"clocks that change", monthly(daily, until("2026-03-30"), in("Europe/London", "01:30")), "2026-03-27 12:00",
			"[1 2026-03-28T01:30:00Z 2000] [2 2026-03-29T01:00:00Z 2000] [3 2026-03-30T00:30:00Z 2000]"},
		{"no more than so many", monthly(func(p *subscription.Plan) { p.Occurrences = 2 }), "2026-03-10 09:00",
			"[1 2026-04-01T00:00:00Z 2000] [2 2026-05-01T00:00:00Z 2000]"},
		{"more than the period has", monthly(func(p *subscription.Plan) { p.Occurrences = 20 }), "2026-11-10 09:00",
			"[1 2026-12-01T00:00:00Z 2000]"},
		{"instalments on their dates, each of its amount", monthly(fixed(item(700, "2026-02-20"), item(500, "2026-02-05"), item(900, "2026-06-30"))), "2026-02-05 00:00",
			"[1 2026-02-20T00:00:00Z 700] [2 2026-06-30T00:00:00Z 900]"},
		{"instalments outside the period", monthly(until("2026-02-28"), fixed(item(500, "2025-12-31"), item(700, "2026-02-28"), item(900, "2026-03-01"))), "2025-01-01 00:00",
			"[1 2026-02-28T00:00:00Z 700]"},
		{"two on one day", monthly(fixed(item(500, "2026-02-05"), item(700, "2026-02-05"))), "2026-01-01 00:00",
			"[1 2026-02-05T00:00:00Z 500] [2 2026-02-05T00:00:00Z 700]"},
		// Samoa left out 30 December 2011: its occurrence comes with the next one's.
		{"a last day that the zone leaves out", monthly(daily, in("Pacific/Apia", "00:00"), func(p *subscription.Plan) {
			p.Active = mandate.Validity{Start: date("2011-12-28"), End: date("2011-12-30")}
		}), "2011-12-01 00:00", "[1 2011-12-28T10:00:00Z 2000] [2 2011-12-29T10:00:00Z 2000] [3 2011-12-30T10:00:00Z 2000]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := subscription.NewSchedule(c.plan, at(c.after))
			got := ""
			for n := 1; n <= 4; n++ {
				o, ok := s.Occurrence(n)
				if !ok {
					break
				}
				if n > 1 {
					got += " "
				}
				got += fmt.Sprintf("[%d %s %d]", o.Number, o.At.Format(time.RFC3339), o.Amount)
			}
			if got != c.want {
				t.Errorf("it is\n%s, not\n%s", got, c.want)
			}
		})
	}
}

func TestScheduleOfNothing(t *testing.T) {
	t.Parallel()
	var none subscription.Schedule
	if _, ok := none.Occurrence(1); ok || none.Through(at("2026-01-01 00:00")) != 0 {
		t.Error("the zero schedule has an occurrence")
	}
	for _, p := range []subscription.Plan{{TimeZone: "UTC"}, {TimeZone: "Nowhere/At_All"}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("a schedule is made of %v", p)
				}
			}()
			subscription.NewSchedule(p, at("2026-01-01 00:00"))
		}()
	}
}

// A schedule is what walking through the recurrence's dates, one after the other,
// and leaving out what does not belong, comes to.
func TestScheduleIsAWalk(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := drawPlan(t)
		after := drawInstant(t, "after")
		zone, err := recurrence.Zone(p.TimeZone)
		if err != nil {
			t.Fatal(err)
		}
		want := walk(p, after, zone, 40)
		s := subscription.NewSchedule(p, after)
		for i := range 40 {
			got, ok := s.Occurrence(i + 1)
			if ok != (i < len(want)) || ok && !reflect.DeepEqual(got, want[i]) {
				t.Fatalf("number %d is %v, %v, of %v", i+1, got, ok, want)
			}
		}
		if _, ok := s.Occurrence(0); ok {
			t.Fatal("there is a number 0")
		}
		if len(want) == 0 {
			return
		}
		till := want[rapid.IntRange(0, len(want)-1).Draw(t, "till")].At.Add(time.Duration(rapid.IntRange(-1, 1).Draw(t, "off")))
		n := 0
		for _, o := range want {
			if !o.At.After(till) {
				n++
			}
		}
		if got := s.Through(till); got != n && n < len(want) {
			t.Fatalf("%d lie at %s or before, not %d", got, till, n)
		}
	})
}

// walk is the schedule of a plan, found day by day.
func walk(p subscription.Plan, after time.Time, zone *time.Location, limit int) []subscription.Scheduled {
	start := p.Active.Start
	if start.IsZero() {
		start = recurrence.DateOf(after, zone)
	}
	var dates recurrence.Schedule
	amounts := map[recurrence.Date]int64{}
	if len(p.Items) > 0 {
		var days []recurrence.Date
		for _, item := range p.Items {
			if !item.Date.Before(p.Active.Start) {
				days = append(days, item.Date)
				amounts[item.Date] = item.Amount
			}
		}
		dates = recurrence.OnDates(days, zone, p.ScheduledTime)
	} else {
		dates = recurrence.Recurring(p.Recurrence, start, zone, p.ScheduledTime)
	}
	var walked []subscription.Scheduled
	for n := 1; len(walked) < limit; n++ {
		o, ok := dates.Nth(n)
		if !ok || !p.Active.End.IsZero() && o.Date.After(p.Active.End) || p.Occurrences > 0 && len(walked) == p.Occurrences {
			break
		}
		if !o.At.After(after) {
			continue
		}
		amount := p.Amount
		if len(p.Items) > 0 {
			amount = amounts[o.Date]
		}
		walked = append(walked, subscription.Scheduled{Number: len(walked) + 1, At: o.At, Amount: amount})
	}
	return walked
}

func drawInstant(t *rapid.T, label string) time.Time {
	from := time.Date(2025, time.December, 1, 0, 0, 0, 0, time.UTC)
	return from.Add(time.Duration(rapid.IntRange(0, 120*24*60).Draw(t, label)) * time.Minute)
}

// drawPlan draws plans of a few months that begin around the new year of 2026.
func drawPlan(t *rapid.T) subscription.Plan {
	day := func(label string, from, to int) recurrence.Date {
		return date("2026-01-01").AddDays(rapid.IntRange(from, to).Draw(t, label))
	}
	p := subscription.Plan{
		Amount: 2000, Currency: "ZAR",
		TimeZone:      rapid.SampledFrom([]string{"UTC", "Africa/Johannesburg", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"}).Draw(t, "zone"),
		ScheduledTime: clock(rapid.SampledFrom([]string{"00:00", "02:30", "12:00", "23:59"}).Draw(t, "time")),
		Retry: subscription.Retry{
			Days: rapid.SampledFrom([][]int{{}, {1}, {1, 3, 5}, {2, 30}, {40}}).Draw(t, "days"),
			Then: rapid.SampledFrom([]subscription.Then{subscription.ThenContinue, subscription.ThenContinue, subscription.ThenPause, subscription.ThenCancel}).Draw(t, "then"),
		},
		Missed: rapid.SampledFrom([]subscription.Missed{subscription.MissedCollect, subscription.MissedSkip}).Draw(t, "missed"),
	}
	if rapid.Bool().Draw(t, "has a start") {
		p.Active.Start = day("start", -40, 40)
	}
	if rapid.Bool().Draw(t, "has an end") {
		p.Active.End = day("end", 40, 200)
	}
	if rapid.IntRange(0, 3).Draw(t, "cadence") == 0 {
		p.Amount = 0
		for i, on := range rapid.SliceOfNDistinct(rapid.IntRange(-20, 200), 1, 12, rapid.ID).Draw(t, "items") {
			p.Items = append(p.Items, mandate.Item{Amount: int64(100 * (i + 1)), Date: date("2026-01-01").AddDays(on)})
		}
		return p
	}
	p.Recurrence = rule(rapid.SampledFrom([]string{
		`{"type":"daily","interval_count":1}`, `{"type":"daily","interval_count":3}`, `{"type":"weekly","interval_count":1,"on":{"days":["mon","thu"]}}`,
		`{"type":"monthly","interval_count":1}`, `{"type":"monthly","interval_count":1,"on":{"type":"day_of_month","days":[1,15],"adjustment":"nearest_weekday"}}`,
	}).Draw(t, "rule"))
	if rapid.Bool().Draw(t, "has a number") {
		p.Occurrences = rapid.IntRange(1, 30).Draw(t, "occurrences")
	}
	return p
}
