package recurrence_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tender/domain/recurrence"
)

// A rule is written in one way, whatever way it was sent in. These bytes stand in
// events: they never change.
func TestRulesHaveOneForm(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ sent, kept string }{
		{`{"type":"daily","interval_count":1}`, ``},
		{`{"interval_count":1000,"type":"daily"}`, `{"type":"daily","interval_count":1000}`},
		{`{"type":"weekly","interval_count":2}`, ``},
		{`{"type":"weekly","interval_count":2,"on":{"days":["sun","thu","mon"]}}`, `{"type":"weekly","interval_count":2,"on":{"days":["mon","thu","sun"]}}`},
		{`{"type":"weekly","interval_count":1,"on":{"days":["mon","tue","wed","thu","fri","sat","sun"]}}`, ``},
		{`{"type":"monthly","interval_count":1}`, ``},
		{
			` {"on": {"adjustment":"none", "days":[15,1], "type":"day_of_month"}, "interval_count":1, "type":"monthly"} `,
			`{"type":"monthly","interval_count":1,"on":{"type":"day_of_month","days":[1,15]}}`,
		},
		{`{"type":"monthly","interval_count":3,"on":{"type":"day_of_month","days":[31],"adjustment":"previous_weekday"}}`, ``},
		{`{"type":"monthly","interval_count":1,"on":{"type":"nth_day_of_month","nth":5,"day":"sun"}}`, ``},
		{`{"type":"monthly","interval_count":1,"on":{"type":"nth_day_of_month","nth":-1,"day":"sat","adjustment":"next_weekday"}}`, ``},
		{`{"type":"yearly","interval_count":1}`, ``},
		{
			`{"type":"yearly","interval_count":1,"on":{"type":"day_of_year","dates":[{"day":29,"month":2},{"month":12,"day":31},{"month":2,"day":1}],"adjustment":"nearest_weekday"}}`,
			`{"type":"yearly","interval_count":1,"on":{"type":"day_of_year","dates":[{"month":2,"day":1},{"month":2,"day":29},{"month":12,"day":31}],"adjustment":"nearest_weekday"}}`,
		},
	} {
		kept := c.kept
		if kept == "" {
			kept = c.sent
		}
		r := rule(t, c.sent)
		if got := encode(t, r); got != kept {
			t.Errorf("%s is written as %s", c.sent, got)
		}
		var back recurrence.Rule
		if err := json.Unmarshal([]byte(kept), &back); err != nil || back != r {
			t.Errorf("%s does not come back (%v)", kept, err)
		}
		if !strings.Contains(kept, `"`+string(r.Type())+`"`) || r.IntervalCount() < 1 || r.IsZero() {
			t.Errorf("%s is of type %q, every %d", kept, r.Type(), r.IntervalCount())
		}
	}
}

func TestTheZeroRuleIsNone(t *testing.T) {
	t.Parallel()
	type event struct {
		Rule recurrence.Rule `json:"recurrence,omitzero"`
	}
	if got := encode(t, event{}); got != `{}` {
		t.Errorf("it is written as %s", got)
	}
	if out, err := json.Marshal(recurrence.Rule{}); err == nil {
		t.Errorf("alone it is written as %s", out)
	}
	var e event
	if err := json.Unmarshal([]byte(`{"recurrence":{"type":"daily"}}`), &e); err == nil || !strings.Contains(err.Error(), "/interval_count") {
		t.Errorf("half a rule is read as %v (%v)", e, err)
	}
}

// Everything that is wrong is named, at once, where it is, in one order.
func TestWrongRules(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		sent string
		want []string
	}{
		{``, []string{` malformed`}},
		{`{`, []string{` malformed`}},
		{`{]`, []string{` malformed`}},
		{`{"type":"daily","interval_count":1}{}`, []string{` malformed`}},
		{`{"type":"daily",}`, []string{` malformed`}},
		{`{"on":[1 2]}`, []string{`/on/1 malformed`}},
		{strings.Repeat(`[`, 40), []string{strings.Repeat(`/0`, 17) + ` malformed`}},
		{`{"type":"daily","type":"daily","interval_count":1}`, []string{`/type duplicate`}},
		{`{"type":"weekly","interval_count":1,"on":{"days":["mon"],"days":["mon"]}}`, []string{`/on/days duplicate`}},
		{`null`, []string{` wrong_type`}},
		{`[]`, []string{` wrong_type`}},
		{`"daily"`, []string{` wrong_type`}},
		{`{}`, []string{`/type required`, `/interval_count required`}},
		{`{"type":null,"interval_count":null,"on":null}`, []string{`/type wrong_type`, `/interval_count wrong_type`}},
		{`{"type":"hourly","interval_count":0,"a/b~":1,"On":1}`, []string{`/type not_an_option`, `/interval_count too_small`, `/On unknown`, `/a~1b~0 unknown`}},
		{`{"type":"daily","interval_count":1,"f":1,"e":1,"d":1,"c":1,"b":1,"a":1}`, []string{
			`/a unknown`, `/b unknown`, `/c unknown`, `/d unknown`, `/e unknown`, `/f unknown`}},
		{`{"type":"daily","interval_count":1001}`, []string{`/interval_count too_large`}},
		{`{"type":"daily","interval_count":99999999999999999999}`, []string{`/interval_count too_large`}},
		{`{"type":"daily","interval_count":-99999999999999999999}`, []string{`/interval_count too_small`}},
		{`{"type":"daily","interval_count":1.0}`, []string{`/interval_count wrong_type`}},
		{`{"type":"daily","interval_count":1e0}`, []string{`/interval_count wrong_type`}},
		{`{"type":"daily","interval_count":"1"}`, []string{`/interval_count wrong_type`}},
		{`{"type":"daily","interval_count":1,"on":{}}`, []string{`/on contradiction`}},

		{`{"type":"weekly","interval_count":1,"on":null}`, []string{`/on wrong_type`}},
		{`{"type":"weekly","interval_count":1,"on":{}}`, []string{`/on/days required`}},
		{`{"type":"weekly","interval_count":1,"on":{"days":[]}}`, []string{`/on/days too_few`}},
		{`{"type":"weekly","interval_count":1,"on":{"days":"mon"}}`, []string{`/on/days wrong_type`}},
		{`{"type":"weekly","interval_count":1,"on":{"days":["mon","mon","Mon","monday",1,null,"sun"]}}`, []string{
			`/on/days/1 duplicate`, `/on/days/2 not_an_option`, `/on/days/3 not_an_option`, `/on/days/4 wrong_type`, `/on/days/5 wrong_type`}},
		{`{"type":"weekly","interval_count":1,"on":{"days":[1,2,3,4,5,6,7,8]}}`, []string{`/on/days too_many`}},
		{`{"type":"weekly","interval_count":1,"on":{"days":["mon"],"type":"day_of_week","adjustment":"none"}}`, []string{`/on/adjustment unknown`, `/on/type unknown`}},

		{`{"type":"monthly","interval_count":1,"on":{"days":[1],"nonsense":1}}`, []string{`/on/type required`}},
		{`{"type":"monthly","interval_count":1,"on":{"type":"day_of_year"}}`, []string{`/on/type not_an_option`}},
		{`{"type":"monthly","interval_count":1,"on":{"type":"day_of_month"}}`, []string{`/on/days required`}},
		{`{"type":"monthly","interval_count":1,"on":{"type":"day_of_month","days":[0,-1,32,1.5,15,31,15],"adjustment":"next","nth":1}}`, []string{
			`/on/days/0 too_small`, `/on/days/1 too_small`, `/on/days/2 too_large`, `/on/days/3 wrong_type`, `/on/days/6 duplicate`,
			`/on/adjustment not_an_option`, `/on/nth unknown`}},
		{`{"type":"monthly","interval_count":1,"on":{"type":"nth_day_of_month"}}`, []string{`/on/nth required`, `/on/day required`}},
		{`{"type":"monthly","interval_count":1,"on":{"type":"nth_day_of_month","nth":0,"day":"fr","adjustment":null}}`, []string{
			`/on/nth not_an_option`, `/on/day not_an_option`, `/on/adjustment wrong_type`}},
		{`{"type":"monthly","interval_count":1,"on":{"type":"nth_day_of_month","nth":6,"day":1,"days":[1]}}`, []string{
			`/on/nth too_large`, `/on/day wrong_type`, `/on/days unknown`}},
		{`{"type":"monthly","interval_count":1,"on":{"type":"nth_day_of_month","nth":-2,"day":"fri"}}`, []string{`/on/nth too_small`}},

		{`{"type":"yearly","interval_count":1,"on":{"type":"day_of_month"}}`, []string{`/on/type not_an_option`}},
		{`{"type":"yearly","interval_count":1,"on":{"type":"day_of_year","dates":[]}}`, []string{`/on/dates too_few`}},
		{`{"type":"yearly","interval_count":1,"on":{"type":"day_of_year","dates":[{"month":4,"day":31},{"month":2,"day":30},{"month":13,"day":32},{"month":0,"day":0},"01-01",{},{"month":1,"day":1,"year":1},{"month":2,"day":29},{"day":29,"month":2}]}}`, []string{
			`/on/dates/0/day too_large`, `/on/dates/1/day too_large`, `/on/dates/2/month too_large`, `/on/dates/2/day too_large`,
			`/on/dates/3/month too_small`, `/on/dates/3/day too_small`, `/on/dates/4 wrong_type`, `/on/dates/5/month required`,
			`/on/dates/5/day required`, `/on/dates/6/year unknown`, `/on/dates/8 duplicate`}},
	} {
		r, problems := recurrence.Parse([]byte(c.sent))
		var got []string
		for _, p := range problems {
			got = append(got, p.Pointer+" "+string(p.Code))
			if !strings.HasSuffix(p.Detail, ".") {
				t.Errorf("%s: %q is no sentence", c.sent, p.Detail)
			}
		}
		if !slices.Equal(got, c.want) || !r.IsZero() {
			t.Errorf("%s:\n got %q\nwant %q", c.sent, got, c.want)
		}
		if err := r.UnmarshalJSON([]byte(c.sent)); err == nil {
			t.Errorf("%s is decoded", c.sent)
		}
	}
}

// plainRule is a rule as the tests' own slow arithmetic reads it (see plain_test.go).
type plainRule struct {
	Type  string
	Every int
	On    string // "", week, month, nth, year
	Week  []time.Weekday
	Month []int
	Nth   int
	Day   time.Weekday
	Year  [][2]int // month, day
	Adj   string
}

func wireDay(w time.Weekday) string { return strings.ToLower(w.String()[:3]) }

func (p plainRule) json(t reporter) string {
	on := map[string]any{}
	switch p.On {
	case "":
		on = nil
	case "week":
		var days []string
		for _, w := range p.Week {
			days = append(days, wireDay(w))
		}
		on["days"] = days
	case "month":
		on["type"], on["days"] = "day_of_month", p.Month
	case "nth":
		on["type"], on["nth"], on["day"] = "nth_day_of_month", p.Nth, wireDay(p.Day)
	case "year":
		var dates []map[string]int
		for _, d := range p.Year {
			dates = append(dates, map[string]int{"month": d[0], "day": d[1]})
		}
		on["type"], on["dates"] = "day_of_year", dates
	}
	if p.Adj != "" {
		on["adjustment"] = p.Adj
	}
	out := map[string]any{"type": p.Type, "interval_count": p.Every}
	if on != nil {
		out["on"] = on
	}
	return encode(t, out)
}

func drawRule(t *rapid.T) plainRule {
	p := plainRule{
		Type:  rapid.SampledFrom([]string{"daily", "weekly", "monthly", "monthly", "monthly", "yearly"}).Draw(t, "type"),
		Every: rapid.OneOf(rapid.IntRange(1, 3), rapid.IntRange(1, 30)).Draw(t, "interval_count"),
	}
	if p.Type == "daily" || rapid.IntRange(0, 4).Draw(t, "on") == 0 {
		return p
	}
	weekday := rapid.Custom(func(t *rapid.T) time.Weekday { return time.Weekday(rapid.IntRange(0, 6).Draw(t, "weekday")) })
	monthDay := rapid.OneOf(rapid.IntRange(1, 31), rapid.IntRange(27, 31))
	if p.Type != "weekly" {
		p.Adj = rapid.SampledFrom([]string{"", "none", "next_weekday", "previous_weekday", "nearest_weekday"}).Draw(t, "adjustment")
	}
	switch {
	case p.Type == "weekly":
		p.On, p.Week = "week", rapid.SliceOfNDistinct(weekday, 1, 7, rapid.ID).Draw(t, "days")
	case p.Type == "yearly":
		p.On = "year"
		p.Year = rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) [2]int {
			month := rapid.OneOf(rapid.IntRange(1, 12), rapid.Just(2)).Draw(t, "month")
			return [2]int{month, min(monthDay.Draw(t, "day"), recurrence.DaysIn(2000, time.Month(month)))}
		}), 1, 8, rapid.ID).Draw(t, "dates")
	case rapid.Bool().Draw(t, "nth"):
		p.On, p.Day = "nth", weekday.Draw(t, "day")
		p.Nth = rapid.SampledFrom([]int{-1, 1, 2, 3, 4, 5, 5}).Draw(t, "nth")
	default:
		p.On, p.Month = "month", rapid.SliceOfNDistinct(monthDay, 1, 8, rapid.ID).Draw(t, "days")
	}
	return p
}

// Rules that list the same in another order are one value and one text.
func TestRulesCompare(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := drawRule(t)
		a := rule(t, p.json(t))
		p.Week = rapid.Permutation(p.Week).Draw(t, "days in another order")
		p.Month = rapid.Permutation(p.Month).Draw(t, "days in another order")
		p.Year = rapid.Permutation(p.Year).Draw(t, "dates in another order")
		b := rule(t, p.json(t))
		if a != b || encode(t, a) != encode(t, b) || a.Describe(recurrence.Date{}) != b.Describe(recurrence.Date{}) {
			t.Errorf("%s and %s are not the same", encode(t, a), encode(t, b))
		}
		if c := rule(t, encode(t, a)); c != a {
			t.Errorf("%s comes back as %s", encode(t, a), encode(t, c))
		}
		p.Every++
		if rule(t, p.json(t)) == a {
			t.Errorf("another interval makes no other rule of %s", encode(t, a))
		}
	})
}

// Whatever is sent: nothing panics, what is read is written and read again as the
// same, and its occurrences are found in bounded time and in agreement.
func FuzzRule(f *testing.F) {
	for _, seed := range []string{
		`{"type":"daily","interval_count":1}`,
		`{"type":"weekly","interval_count":2,"on":{"days":["mon","thu"]}}`,
		`{"type":"monthly","interval_count":1,"on":{"type":"day_of_month","days":[1,15,31],"adjustment":"next_weekday"}}`,
		`{"type":"monthly","interval_count":24,"on":{"type":"nth_day_of_month","nth":5,"day":"fri","adjustment":"none"}}`,
		`{"type":"monthly","interval_count":1000,"on":{"type":"nth_day_of_month","nth":-1,"day":"sun","adjustment":"nearest_weekday"}}`,
		`{"type":"yearly","interval_count":1,"on":{"type":"day_of_year","dates":[{"month":2,"day":29}],"adjustment":"previous_weekday"}}`,
		`{"type":"yearly","type":"daily"}`, `{"on":{"days":[1e400,null,{}]}}`, `[[[`, "\xff", `{"type":"daily","interval_count":1}x`,
	} {
		f.Add([]byte(seed), 20_000, int64(1_800_000_000), uint16(7))
		f.Add([]byte(seed), -719_162, int64(253_402_300_799), uint16(60_000))
	}
	f.Fuzz(func(t *testing.T, sent []byte, startDay int, at int64, n uint16) {
		r, problems := recurrence.Parse(sent)
		if len(problems) > 0 {
			if !r.IsZero() {
				t.Fatalf("a rule with problems is not zero: %v", problems)
			}
			return
		}
		if !json.Valid(sent) {
			t.Fatalf("%q is no JSON, but a rule", sent)
		}
		if back := rule(t, encode(t, r)); back != r {
			t.Fatalf("%s comes back as %s", encode(t, r), encode(t, back))
		}
		start := date(t, "1970-01-01").AddDays(startDay)
		zone := zone(t, oddZones[int(n)%len(oddZones)])
		s := recurrence.Recurring(r, start, zone, recurrence.TimeOfDay{})
		if words := r.Describe(start); !strings.HasPrefix(words, "every ") {
			t.Fatalf("%s is %q", encode(t, r), words)
		}
		checkNumber(t, s, start, int(n))
		moment := time.Unix(at, 0)
		if next, ok := s.Next(moment); ok {
			if !next.At.After(moment) {
				t.Fatalf("%v is not after %v", next, moment)
			}
			checkNumber(t, s, start, next.Number)
		}
	})
}

// checkNumber holds that what Nth says of a number agrees with all else.
func checkNumber(t reporter, s recurrence.Schedule, start recurrence.Date, n int) {
	t.Helper()
	o, ok := s.Nth(n)
	if !ok {
		return
	}
	if o.Number != n || o.Date.Before(start) {
		t.Fatalf("%v is not the %dth from %s", o, n, start)
	}
	if count := s.CountThrough(o.At); count < n {
		t.Fatalf("only %d are due at %v", count, o)
	}
	if count := s.CountThrough(o.At.Add(-1)); count >= n {
		t.Fatalf("%d are due before %v", count, o)
	}
	if before, ok := s.Nth(n - 1); ok != (n > 1) || ok && !before.Date.Before(o.Date) {
		t.Fatalf("%v is not before %v", before, o)
	}
}

func ExampleRead() {
	var body map[string]any // as a reader of requests decodes it, with UseNumber
	d := json.NewDecoder(strings.NewReader(`{"recurrence":{"type":"monthly","interval_count":0,"on":{"type":"day_of_month","days":[1,1]}}}`))
	d.UseNumber()
	_ = d.Decode(&body)
	_, problems := recurrence.Read(body["recurrence"])
	for _, p := range problems {
		fmt.Println("/recurrence"+p.Pointer, p.Code, p.Detail)
	}
	// Output:
	// /recurrence/interval_count too_small The number must be at least 1.
	// /recurrence/on/days/1 duplicate The list names this twice.
}
