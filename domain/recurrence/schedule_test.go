package recurrence_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tender/domain/recurrence"
)

// listed returns the dates of the first occurrences.
func listed(s recurrence.Schedule, most int) []string {
	var dates []string
	for n := 1; n <= most; n++ {
		o, ok := s.Nth(n)
		if !ok {
			break
		}
		dates = append(dates, o.Date.String())
	}
	return dates
}

func TestDatesOfRules(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rule, start string
		want        []string
		why         string
	}{
		{`{"type":"daily","interval_count":1}`, "2024-02-28", []string{"2024-02-28", "2024-02-29", "2024-03-01"}, "a leap year"},
		{`{"type":"daily","interval_count":10}`, "2025-12-30", []string{"2025-12-30", "2026-01-09", "2026-01-19"}, "over a year's end"},
		{`{"type":"weekly","interval_count":1}`, "2025-12-31", []string{"2025-12-31", "2026-01-07", "2026-01-14"}, "the start's weekday"},
		{`{"type":"weekly","interval_count":2,"on":{"days":["mon","sun"]}}`, "2026-01-04",
			[]string{"2026-01-04", "2026-01-12", "2026-01-18", "2026-01-26"}, "a Sunday ends its week: the first week's Monday has passed"},
		{`{"type":"weekly","interval_count":2,"on":{"days":["mon","thu"]}}`, "2026-01-09",
			[]string{"2026-01-19", "2026-01-22", "2026-02-02"}, "the start's week counts, though nothing of it is left"},

		{`{"type":"monthly","interval_count":1}`, "2026-01-31", []string{"2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"}, "as the contract has it"},
		{`{"type":"monthly","interval_count":1}`, "2024-01-30", []string{"2024-01-30", "2024-02-29", "2024-03-30"}, "a leap year"},
		{`{"type":"monthly","interval_count":1}`, "2026-02-28", []string{"2026-02-28", "2026-03-28", "2026-04-28"}, "the 28th, not the last"},
		{`{"type":"monthly","interval_count":12}`, "2024-02-29", []string{"2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"}, "twelve months"},
		{`{"type":"monthly","interval_count":1,"on":{"type":"day_of_month","days":[1,15]}}`, "2025-12-02",
			[]string{"2025-12-15", "2026-01-01", "2026-01-15"}, "over a year's end"},
		{`{"type":"monthly","interval_count":3,"on":{"type":"day_of_month","days":[1]}}`, "2026-01-02",
			[]string{"2026-04-01", "2026-07-01"}, "the start's month counts, though its first has passed"},
		{`{"type":"monthly","interval_count":1,"on":{"type":"day_of_month","days":[29,30,31]}}`, "2026-01-30",
			[]string{"2026-01-30", "2026-01-31", "2026-02-28", "2026-03-29", "2026-03-30", "2026-03-31", "2026-04-29", "2026-04-30"}, "three that are one in February"},

		{`{"type":"monthly","interval_count":1,"on":{"type":"nth_day_of_month","nth":5,"day":"fri"}}`, "2026-01-01",
			[]string{"2026-01-30", "2026-05-29", "2026-07-31", "2026-10-30"}, "months without a fifth are left out"},
		{`{"type":"monthly","interval_count":1,"on":{"type":"nth_day_of_month","nth":-1,"day":"fri"}}`, "2026-01-31",
			[]string{"2026-02-27", "2026-03-27", "2026-04-24"}, "the last"},
		{`{"type":"monthly","interval_count":1,"on":{"type":"nth_day_of_month","nth":1,"day":"sun","adjustment":"previous_weekday"}}`, "2026-01-01",
			[]string{"2026-01-02", "2026-02-02", "2026-03-02", "2026-04-03"}, "a first Sunday on the 1st can only move on"},

		{`{"type":"monthly","interval_count":1,"on":{"type":"day_of_month","days":[31],"adjustment":"next_weekday"}}`, "2026-01-01",
			[]string{"2026-01-30", "2026-02-27", "2026-03-31", "2026-04-30", "2026-05-29"}, "a month's last weekend moves back"},
		{`{"type":"monthly","interval_count":1,"on":{"type":"day_of_month","days":[1],"adjustment":"previous_weekday"}}`, "2026-01-01",
			[]string{"2026-01-01", "2026-02-02", "2026-03-02", "2026-04-01", "2026-05-01", "2026-06-01", "2026-07-01", "2026-08-03"}, "a month's first weekend moves on"},
		{`{"type":"monthly","interval_count":1,"on":{"type":"day_of_month","days":[14,15],"adjustment":"nearest_weekday"}}`, "2026-02-01",
			[]string{"2026-02-13", "2026-02-16", "2026-03-13", "2026-03-16", "2026-04-14", "2026-04-15"}, "Saturday back, Sunday forward"},
		{`{"type":"monthly","interval_count":1,"on":{"type":"day_of_month","days":[1],"adjustment":"nearest_weekday"}}`, "2026-08-01",
			[]string{"2026-08-03", "2026-09-01"}, "Saturday the 1st can't move back"},
		{`{"type":"monthly","interval_count":1,"on":{"type":"day_of_month","days":[31],"adjustment":"nearest_weekday"}}`, "2026-05-01",
			[]string{"2026-05-29", "2026-06-30"}, "Sunday the 31st can't move on"},
		{`{"type":"monthly","interval_count":1,"on":{"type":"day_of_month","days":[13,14,15],"adjustment":"previous_weekday"}}`, "2026-03-01",
			[]string{"2026-03-13", "2026-04-13", "2026-04-14", "2026-04-15"}, "three that are one by adjustment"},
		{`{"type":"monthly","interval_count":1,"on":{"type":"day_of_month","days":[15],"adjustment":"previous_weekday"}}`, "2026-03-15",
			[]string{"2026-04-15"}, "what moves before the start is no occurrence"},
		{`{"type":"monthly","interval_count":1,"on":{"type":"day_of_month","days":[14],"adjustment":"next_weekday"}}`, "2026-03-15",
			[]string{"2026-03-16", "2026-04-14"}, "what moves past the start is one"},

		{`{"type":"yearly","interval_count":1}`, "2024-02-29", []string{"2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"}, "29 February"},
		{`{"type":"yearly","interval_count":1}`, "1999-02-28", []string{"1999-02-28", "2000-02-28"}, "the 28th, not the last"},
		{`{"type":"yearly","interval_count":4,"on":{"type":"day_of_year","dates":[{"month":12,"day":31},{"month":1,"day":1}]}}`, "2026-01-02",
			[]string{"2026-12-31", "2030-01-01", "2030-12-31"}, "a year's ends"},
		{`{"type":"yearly","interval_count":1,"on":{"type":"day_of_year","dates":[{"month":2,"day":28},{"month":2,"day":29}]}}`, "2027-01-01",
			[]string{"2027-02-28", "2028-02-28", "2028-02-29", "2029-02-28"}, "two that are one but for leap years"},
		{`{"type":"yearly","interval_count":1,"on":{"type":"day_of_year","dates":[{"month":12,"day":31}],"adjustment":"next_weekday"}}`, "2022-01-01",
			[]string{"2022-12-30", "2023-12-29", "2024-12-31"}, "not into the next year"},

		{`{"type":"daily","interval_count":1}`, "9999-12-30", []string{"9999-12-30", "9999-12-31"}, "the calendar ends"},
		{`{"type":"weekly","interval_count":1000}`, "9999-12-30", []string{"9999-12-30"}, "the calendar ends"},
		{`{"type":"monthly","interval_count":1}`, "9999-11-30", []string{"9999-11-30", "9999-12-30"}, "the calendar ends"},
		{`{"type":"yearly","interval_count":1000}`, "8999-12-31", []string{"8999-12-31", "9999-12-31"}, "the calendar ends"},
		{`{"type":"weekly","interval_count":1,"on":{"days":["mon","tue"]}}`, "0001-01-01", []string{"0001-01-01", "0001-01-02", "0001-01-08"}, "the calendar begins"},
		{`{"type":"monthly","interval_count":24,"on":{"type":"nth_day_of_month","nth":5,"day":"fri"}}`, "2027-02-01", nil, "never"},
	} {
		s := recurrence.Recurring(rule(t, c.rule), date(t, c.start), time.UTC, recurrence.TimeOfDay{})
		got := listed(s, max(len(c.want), 1))
		if !slices.Equal(got, c.want) {
			t.Errorf("%s from %s:\n got %q\nwant %q: %s", c.rule, c.start, got, c.want, c.why)
		}
		if _, ok := s.Nth(0); ok {
			t.Errorf("%s from %s has an occurrence before the first", c.rule, c.start)
		}
		if o, ok := s.Nth(math.MaxInt); ok {
			t.Errorf("%s from %s has %v", c.rule, c.start, o)
		}
	}
}

func TestTheEndOfTheCalendar(t *testing.T) {
	t.Parallel()
	for _, r := range []string{
		`{"type":"daily","interval_count":1}`, `{"type":"weekly","interval_count":1}`,
		`{"type":"monthly","interval_count":1,"on":{"type":"day_of_month","days":[31],"adjustment":"next_weekday"}}`,
		`{"type":"yearly","interval_count":1}`,
	} {
		s := recurrence.Recurring(rule(t, r), date(t, "9999-12-01"), zone(t, "America/Havana"), clock(t, "23:00"))
		all := s.CountThrough(instant(t, "9999-12-31T23:59:59Z"))
		if _, ok := s.Nth(all); !ok {
			t.Errorf("%s: there is no occurrence %d", r, all)
		}
		if o, ok := s.Nth(all + 1); ok {
			t.Errorf("%s: %v lies past the end", r, o)
		}
		if o, ok := s.Next(time.Date(20_000, 1, 1, 0, 0, 0, 0, time.UTC)); ok {
			t.Errorf("%s: %v lies past the end", r, o)
		}
	}
}

// Numbers, dates and instants agree with counting day by day.
func TestSchedulesAgreeWithCountingDays(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, z, at := drawRule(t), drawZone(t), drawClock(t)
		start := drawDate(t, "start", 1890, 2090)
		last := start.AddDays(rapid.IntRange(0, 365*14).Draw(t, "days"))
		want := p.dates(start, last)
		s := recurrence.Recurring(rule(t, p.json(t)), start, z, at)
		checkSchedule(t, s, want, last)
		if n := s.CountThrough(last.In(z, at)); n < len(want) {
			t.Errorf("%d of %d are due at the end", n, len(want))
		}
	})
}

// The same for lists of dates, some of them twice.
func TestListsOfDatesAgreeWithCounting(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		z, at := drawZone(t), drawClock(t)
		var dates []recurrence.Date
		var want []string
		for range rapid.IntRange(0, 12).Draw(t, "dates") {
			dates = append(dates, drawDate(t, "date", 2025, 2026))
		}
		for _, d := range dates {
			want = append(want, d.String())
		}
		slices.Sort(want)
		checkSchedule(t, recurrence.OnDates(dates, z, at), want, date(t, "9999-12-31"))
	})
}

// checkSchedule holds that s has these dates, and no other one until last.
func checkSchedule(t *rapid.T, s recurrence.Schedule, want []string, last recurrence.Date) {
	var all []recurrence.Occurrence
	for i, w := range want {
		o, ok := s.Nth(i + 1)
		if !ok || o.Date.String() != w || o.Number != i+1 {
			t.Fatalf("number %d is %v (%v), not on %s", i+1, o, ok, w)
		}
		all = append(all, o)
	}
	if o, ok := s.Nth(len(want) + 1); ok && !o.Date.After(last) {
		t.Fatalf("%v is one too many", o)
	}
	if len(all) == 0 {
		return
	}
	for range 20 {
		i := rapid.IntRange(0, len(all)-1).Draw(t, "near occurrence")
		around := all[i].At.Add(rapid.SampledFrom([]time.Duration{
			0, -1, 1, -time.Minute, time.Minute, -time.Hour, time.Hour, -25 * time.Hour, 25 * time.Hour,
		}).Draw(t, "by"))
		due := 0
		for _, o := range all {
			if !o.At.After(around) {
				due++
			}
		}
		next, ok := s.Next(around)
		if due < len(all) {
			if got := s.CountThrough(around); got != due {
				t.Fatalf("%d are due at %s, not %d", got, around, due)
			}
			if !ok || next != all[due] {
				t.Fatalf("after %s comes %v (%v), not %v", around, next, ok, all[due])
			}
		} else if ok && !next.Date.After(last) {
			t.Fatalf("after %s comes %v, of which nobody knows", around, next)
		}
		if many := s.Between(around, all[len(all)-1].At, 3); !slices.Equal(many, all[due:min(due+3, len(all))]) {
			t.Fatalf("between %s and the end lie %v, not %v", around, many, all[due:])
		}
	}
}

// A day that a zone skips whole has its occurrence at the instant at which it is
// skipped, which can be that of the next day's. Neither is lost to who goes from
// number to number.
func TestASkippedDay(t *testing.T) {
	t.Parallel()
	daily, apia := rule(t, `{"type":"daily","interval_count":1}`), zone(t, "Pacific/Apia")
	s := recurrence.Recurring(daily, date(t, "2011-12-29"), apia, clock(t, "00:00"))
	skipped := instant(t, "2011-12-30T10:00:00Z")
	want := []recurrence.Occurrence{
		{Number: 1, Date: date(t, "2011-12-29"), At: instant(t, "2011-12-29T10:00:00Z")},
		{Number: 2, Date: date(t, "2011-12-30"), At: skipped},
		{Number: 3, Date: date(t, "2011-12-31"), At: skipped},
		{Number: 4, Date: date(t, "2012-01-01"), At: instant(t, "2011-12-31T10:00:00Z")},
	}
	got := s.Between(want[0].At.Add(-1), want[3].At, 10)
	if !slices.Equal(got, want) {
		t.Errorf("the occurrences are %v, not %v", got, want)
	}
	if next, _ := s.Next(want[0].At); next != want[1] {
		t.Errorf("%v is next, not the first of two at one instant", next)
	}
	if next, _ := s.Next(skipped); next != want[3] {
		t.Errorf("%v is next, not the one after both", next)
	}
	if n := s.CountThrough(skipped); n != 3 {
		t.Errorf("%d are due, not both", n)
	}
}

// Where clocks are set back over midnight, it is yesterday once more when today's
// occurrence has come.
func TestClocksSetBackOverMidnight(t *testing.T) {
	t.Parallel()
	daily := rule(t, `{"type":"daily","interval_count":1}`)
	s := recurrence.Recurring(daily, date(t, "2006-10-28"), zone(t, "America/St_Johns"), clock(t, "00:00"))
	for _, c := range []struct {
		at  string
		due int
	}{
		{"2006-10-29T02:29:59Z", 1}, // 23:59:59
		{"2006-10-29T02:30:00Z", 2}, // 00:00:00, on the 29th
		{"2006-10-29T02:31:00Z", 2}, // 23:01:00, on the 28th again
		{"2006-10-29T03:30:00Z", 2}, // 00:00:00, on the 29th again
		{"2006-10-30T03:29:59Z", 2},
		{"2006-10-30T03:30:00Z", 3},
	} {
		if due := s.CountThrough(instant(t, c.at)); due != c.due {
			t.Errorf("at %s %d are due, not %d", c.at, due, c.due)
		}
		if next, _ := s.Next(instant(t, c.at)); next.Number != c.due+1 {
			t.Errorf("after %s comes %v", c.at, next)
		}
	}
}

func TestNumbersFarAhead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rule, start string
		number      int
		want        string
	}{
		{`{"type":"monthly","interval_count":1}`, "2001-01-15", 4800, "2400-12-15"},
		{`{"type":"monthly","interval_count":1}`, "2001-01-15", 4801, "2401-01-15"},
		{`{"type":"monthly","interval_count":1}`, "2001-01-15", 9600, "2800-12-15"},
		{`{"type":"monthly","interval_count":1}`, "2001-01-15", 9601, "2801-01-15"},
		{`{"type":"yearly","interval_count":1}`, "2001-02-28", 800, "2800-02-28"},
		{`{"type":"yearly","interval_count":1}`, "2000-02-29", 7201, "9200-02-29"},
		{`{"type":"yearly","interval_count":1}`, "2000-02-29", 8000, "9999-02-28"},
		{`{"type":"yearly","interval_count":1}`, "2000-02-29", 8001, ""},
		{`{"type":"weekly","interval_count":1}`, "2000-02-29", 1 + 20_871, "2400-02-29"},
		{`{"type":"daily","interval_count":1}`, "0001-01-01", 3_652_059, "9999-12-31"},
		{`{"type":"daily","interval_count":1}`, "0001-01-01", 3_652_060, ""},
	} {
		s := recurrence.Recurring(rule(t, c.rule), date(t, c.start), time.UTC, recurrence.TimeOfDay{})
		if o, ok := s.Nth(c.number); o.Date.String() != c.want || ok != (c.want != "") {
			t.Errorf("%s from %s: number %d is on %s, not on %s", c.rule, c.start, c.number, o.Date, c.want)
		}
	}
}

// Far ahead, where nothing is counted day by day, the calendar repeats itself
// every 400 years, or so many times that it holds a whole number of intervals.
func TestTheCalendarRepeatsItself(t *testing.T) {
	t.Parallel()
	const daysOf400Years = 146_097
	rapid.Check(t, func(t *rapid.T) {
		p := drawRule(t)
		p.Every = rapid.IntRange(1, 6).Draw(t, "interval_count")
		start := drawDate(t, "start", 1, 2100)
		s := recurrence.Recurring(rule(t, p.json(t)), start, time.UTC, recurrence.TimeOfDay{})
		first, ok := s.Nth(1)
		if !ok {
			t.Fatalf("%v never occurs", p)
		}
		n := rapid.IntRange(1, 300).Draw(t, "number")
		early, ok := s.Nth(n)
		if !ok {
			t.Fatalf("%v occurs only %d times", p, n)
		}
		ahead := daysOf400Years * p.Every * rapid.IntRange(1, 2).Draw(t, "cycles")
		numberOn := func(d recurrence.Date) int {
			number := s.CountThrough(d.In(time.UTC, recurrence.TimeOfDay{}))
			if o, ok := s.Nth(number); !ok || o.Date != d {
				t.Fatalf("on %s is no occurrence, the nearest before is %v (%v)", d, o, ok)
			}
			return number
		}
		if between := numberOn(early.Date.AddDays(ahead)) - numberOn(first.Date.AddDays(ahead)); between != n-1 {
			t.Errorf("%d occurrences after the first became %d", n-1, between)
		}
	})
}

// The same once more against counting, over more than one cycle.
func TestFarAheadAgreesWithCountingDays(t *testing.T) {
	t.Parallel()
	for _, p := range []plainRule{
		{Type: "monthly", Every: 1, On: "month", Month: []int{30, 31, 1}, Adj: "nearest_weekday"},
		{Type: "monthly", Every: 8, On: "nth", Nth: 5, Day: time.Monday},
		{Type: "yearly", Every: 5, On: "year", Year: [][2]int{{2, 28}, {2, 29}, {12, 31}}, Adj: "next_weekday"},
	} {
		start, last := date(t, "1999-02-03"), date(t, "2440-06-30")
		s := recurrence.Recurring(rule(t, p.json(t)), start, time.UTC, recurrence.TimeOfDay{})
		want := p.dates(start, last)
		if n := s.CountThrough(last.In(time.UTC, recurrence.TimeOfDay{})); n != len(want) {
			t.Errorf("%v: %d are counted, not %d", p, n, len(want))
		}
		if got := listed(s, len(want)); !slices.Equal(got, want) {
			t.Errorf("%v: the dates differ", p)
		}
	}
}

func TestScheduleMistakes(t *testing.T) {
	t.Parallel()
	daily, start := rule(t, `{"type":"daily","interval_count":1}`), date(t, "2026-01-01")
	mustPanic(t, "a schedule without a rule", func() {
		recurrence.Recurring(recurrence.Rule{}, start, time.UTC, recurrence.TimeOfDay{})
	})
	mustPanic(t, "a schedule without a start", func() {
		recurrence.Recurring(daily, recurrence.Date{}, time.UTC, recurrence.TimeOfDay{})
	})
	mustPanic(t, "a schedule without a zone", func() { recurrence.Recurring(daily, start, nil, recurrence.TimeOfDay{}) })
	mustPanic(t, "a list without a zone", func() { recurrence.OnDates(nil, nil, recurrence.TimeOfDay{}) })
	mustPanic(t, "a list with the zero date", func() {
		recurrence.OnDates([]recurrence.Date{{}}, time.UTC, recurrence.TimeOfDay{})
	})
	var none recurrence.Schedule
	if o, ok := none.Next(time.Time{}); ok || none.CountThrough(time.Now()) != 0 || none.Between(time.Time{}, time.Now(), 9) != nil {
		t.Errorf("the zero schedule has %v", o)
	}
}

// A list that the caller changes afterwards changes no schedule.
func TestAListBelongsToItsSchedule(t *testing.T) {
	t.Parallel()
	dates := []recurrence.Date{date(t, "2026-03-01"), date(t, "2026-01-31")}
	s := recurrence.OnDates(dates, time.UTC, recurrence.TimeOfDay{})
	if dates[0] != date(t, "2026-03-01") {
		t.Error("the caller's list was sorted")
	}
	dates[1] = date(t, "2020-01-01")
	if got := listed(s, 9); !slices.Equal(got, []string{"2026-01-31", "2026-03-01"}) {
		t.Errorf("the dates are %q", got)
	}
}

func BenchmarkNext(b *testing.B) {
	johannesburg := zone(b, "Africa/Johannesburg")
	for _, c := range []struct{ name, rule string }{
		{"daily", `{"type":"daily","interval_count":1}`},
		{"monthly", `{"type":"monthly","interval_count":1,"on":{"type":"day_of_month","days":[1,15]}}`},
		{"adjusted", `{"type":"monthly","interval_count":1,"on":{"type":"day_of_month","days":[1,15,31],"adjustment":"nearest_weekday"}}`},
		{"yearly", `{"type":"yearly","interval_count":1,"on":{"type":"day_of_year","dates":[{"month":2,"day":29}],"adjustment":"next_weekday"}}`},
	} {
		s := recurrence.Recurring(rule(b, c.rule), date(b, "2026-01-31"), johannesburg, clock(b, "09:00"))
		for _, far := range []struct{ name, after string }{
			{"soon", "2027-01-01T00:00:00Z"}, {"in 50 years", "2076-01-01T00:00:00Z"}, {"in 7900 years", "9926-01-01T00:00:00Z"},
		} {
			after := instant(b, far.after)
			b.Run(c.name+"/"+far.name, func(b *testing.B) {
				for b.Loop() {
					if _, ok := s.Next(after); !ok {
						b.Fatal("there is none")
					}
				}
			})
		}
	}
}
