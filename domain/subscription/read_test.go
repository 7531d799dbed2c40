package subscription_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"tender/domain/mandate"
	"tender/domain/recurrence"
	"tender/domain/subscription"
)

// terms are those of a mandate for all of 2026: from 100 to 5000 on the first of
// each month, 8000 a month at most.
func terms(change ...func(*mandate.Terms)) *mandate.Terms {
	t := &mandate.Terms{
		Kind: mandate.KindScheduled, Currency: "ZAR", TimeZone: "Africa/Johannesburg", Amount: &mandate.Amount{Min: 100, Max: 5000},
		Recurrence: rule(`{"type":"monthly","interval_count":1,"on":{"type":"day_of_month","days":[1]}}`),
		Validity:   mandate.Validity{Start: date("2026-01-01"), End: date("2026-12-31")},
	}
	for _, f := range change {
		f(t)
	}
	return t
}

func exactly(amount int64) func(*mandate.Terms) {
	return func(t *mandate.Terms) { t.Amount = &mandate.Amount{Exact: amount} }
}

func valid(from, until string) func(*mandate.Terms) {
	return func(t *mandate.Terms) {
		t.Validity = mandate.Validity{}
		if from != "" {
			t.Validity.Start = date(from)
		}
		if until != "" {
			t.Validity.End = date(until)
		}
	}
}

func periodic(t *mandate.Terms) {
	t.Kind, t.Amount = mandate.KindInstalment, nil
	t.Instalments = &mandate.Instalments{TotalAmount: 6000, Amount: 1000, Recurrence: t.Recurrence, MaxOccurrences: 6}
	t.Recurrence = recurrence.Rule{}
}

func fixed(t *mandate.Terms) {
	periodic(t)
	t.Instalments = &mandate.Instalments{TotalAmount: 1500, Items: []mandate.Item{
		{Amount: 500, Date: date("2026-02-05")}, {Amount: 1000, Date: date("2026-03-20")},
	}}
}

func anytime(t *mandate.Terms) { t.Kind, t.Recurrence = mandate.KindOnDemand, recurrence.Rule{} }

func TestReadInherits(t *testing.T) {
	t.Parallel()
	inherited := func(change ...func(*subscription.Plan)) subscription.Plan {
		return monthly(append([]func(*subscription.Plan){func(p *subscription.Plan) {
			p.TimeZone = "Africa/Johannesburg"
		}}, change...)...)
	}
	amount := func(n int64) func(*subscription.Plan) { return func(p *subscription.Plan) { p.Amount = n } }
	active := func(from, to string) func(*subscription.Plan) {
		return func(p *subscription.Plan) {
			var none mandate.Terms
			valid(from, to)(&none)
			p.Active = none.Validity
		}
	}
	days := func(days ...int) func(*subscription.Plan) {
		return func(p *subscription.Plan) { p.Retry.Days = days }
	}
	instalments := func(of *mandate.Terms) func(*subscription.Plan) {
		return func(p *subscription.Plan) {
			p.Amount, p.Recurrence = of.Instalments.Amount, of.Instalments.Recurrence
			p.Items, p.Occurrences = of.Instalments.Items, of.Instalments.MaxOccurrences
		}
	}
	for _, c := range []struct {
		name    string
		options string
		terms   *mandate.Terms
		session int64
		want    subscription.Plan
	}{
		{"all", `{}`, terms(), 2000, inherited()},
		{"the mandate's amount before the session's", `{}`, terms(exactly(2500)), 2000, inherited(amount(2500))},
		{"the mandate's amount with a session of 0", `{}`, terms(exactly(2500)), 0, inherited(amount(2500))},
		{"so many payments at most", `{}`, terms(func(t *mandate.Terms) { t.MaxOccurrences = 3 }), 2000, inherited(atMost(3))},
		{"an amount of its own", `{"amount":5000}`, terms(), 0, inherited(amount(5000))},
		{"any amount", `{"amount":999999999999}`, terms(func(t *mandate.Terms) { t.Amount = nil }), 0, inherited(amount(999_999_999_999))},
		{"the very amount of the mandate", `{"amount":2500}`, terms(exactly(2500)), 2000, inherited(amount(2500))},
		{"on demand, with a recurrence", `{}`, terms(func(t *mandate.Terms) { t.Kind = mandate.KindOnDemand }), 2000, inherited()},
		{"a shorter period", `{"active_period":{"start_date":"2026-02-01","end_date":"2026-06-30"}}`, terms(), 2000, inherited(active("2026-02-01", "2026-06-30"))},
		{"the very period of the mandate", `{"active_period":{"start_date":"2026-01-01","end_date":"2026-12-31"}}`, terms(), 2000, inherited()},
		{"a period that says nothing", `{"active_period":{}}`, terms(), 2000, inherited()},
		{"an end of the mandate's", `{"active_period":{"start_date":"2026-02-01"}}`, terms(), 2000, inherited(active("2026-02-01", "2026-12-31"))},
		{"a start of the mandate's", `{"active_period":{"end_date":"2026-02-01"}}`, terms(), 2000, inherited(active("2026-01-01", "2026-02-01"))},
		{"no end", `{"active_period":{"start_date":"2026-02-01"}}`, terms(valid("", "")), 2000, inherited(active("2026-02-01", ""))},
		{"neither start nor end", `{}`, terms(valid("", "")), 2000, inherited(active("", ""))},
		{"an end that may come too early", `{"active_period":{"end_date":"2026-01-02"}}`, terms(valid("", "")), 2000, inherited(active("", "2026-01-02"))},
		{"a time", `{"scheduled_time":"09:30"}`, terms(), 2000, inherited(func(p *subscription.Plan) { p.ScheduledTime = clock("09:30") })},
		{"no retries", `{"retry":{"days":[]}}`, terms(), 2000, inherited(days([]int{}...), func(p *subscription.Plan) { p.Retry.Days = []int{} })},
		{"other retries", `{"retry":{"days":[2,60],"then":"cancel"}}`, terms(), 2000, inherited(days(2, 60), then(subscription.ThenCancel))},
		{"the usual retries, but then pause", `{"retry":{"then":"pause"}}`, terms(), 2000, inherited(then(subscription.ThenPause))},
		{"the usual retries", `{"retry":{}}`, terms(), 2000, inherited()},
		{"skip what is missed", `{"missed":"skip"}`, terms(), 2000, inherited(skipMissed)},
		{"collect what is missed", `{"missed":"collect"}`, terms(), 2000, inherited()},
		{"periodic instalments", `{}`, terms(periodic), 2000, inherited(instalments(terms(periodic)))},
		{"periodic instalments, and their amount", `{"amount":1000}`, terms(periodic), 0, inherited(instalments(terms(periodic)))},
		{"fixed instalments", `{"active_period":{"start_date":"2026-02-05","end_date":"2026-03-20"}}`, terms(fixed), 0,
			inherited(instalments(terms(fixed)), active("2026-02-05", "2026-03-20"))},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, problems := subscription.Read(decoded(t, c.options), subscription.Basis{Terms: c.terms, Amount: c.session, Currency: "ZAR"})
			if len(problems) > 0 || !reflect.DeepEqual(got, c.want) {
				t.Fatalf("it is read as\n%+v, %v, not\n%+v", got, problems, c.want)
			}
			written, err := json.Marshal(got)
			var back subscription.Plan
			if err != nil || json.Unmarshal(written, &back) != nil || !reflect.DeepEqual(back, got) {
				t.Fatalf("%s is read back as %+v, %v", written, back, err)
			}
		})
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	limited := func(t *mandate.Terms) {
		t.Amount, t.PeriodLimits = nil, &mandate.PeriodLimits{Period: recurrence.PeriodMonth, MaxAmount: 3000}
	}
	atLeast := func(t *mandate.Terms) { t.Amount = &mandate.Amount{Min: 3000} }
	fifths := func(t *mandate.Terms) {
		t.Recurrence = rule(`{"type":"monthly","interval_count":24,"on":{"type":"nth_day_of_month","nth":5,"day":"fri"}}`)
		t.Validity = mandate.Validity{Start: date("2025-02-01")}
	}
	for _, c := range []struct {
		name    string
		options string
		terms   *mandate.Terms
		session int64
		want    []string
	}{
		{"no object", `[]`, terms(), 2000, []string{" wrong_type"}},
		{"what is unknown", `{"amount":2000,"b/c":1,"a~":{}}`, terms(), 2000, []string{"/a~0 unknown", "/b~1c unknown"}},
		{"all at once", `{"amount":"1","scheduled_time":9,"retry":{"days":7,"then":"stop","x":1},"missed":"forget","active_period":{"start_date":1,"end_date":"2026-02-30","y":1}}`, terms(), 2000, []string{
			"/active_period/start_date wrong_type", "/active_period/end_date invalid_format", "/active_period/y unknown", "/amount wrong_type",
			"/scheduled_time wrong_type", "/retry/days wrong_type", "/retry/then not_an_option", "/retry/x unknown", "/missed not_an_option",
		}},
		{"members that should be objects", `{"retry":[],"active_period":"2026"}`, terms(), 2000, []string{"/active_period wrong_type", "/retry wrong_type"}},

		{"no cadence", `{}`, terms(anytime), 2000, []string{" contradiction"}},
		{"no cadence, and more", `{"amount":0}`, terms(anytime), 2000, []string{"/amount too_small", " contradiction"}},

		{"an amount of 0", `{"amount":0}`, terms(), 2000, []string{"/amount too_small"}},
		{"an amount below 0", `{"amount":-1}`, terms(), 2000, []string{"/amount too_small"}},
		{"an amount that is too large", `{"amount":1000000000000}`, terms(), 2000, []string{"/amount too_large"}},
		{"an amount that is much too large", `{"amount":99999999999999999999}`, terms(), 2000, []string{"/amount too_large"}},
		{"an amount with a fraction", `{"amount":2000.0}`, terms(), 2000, []string{"/amount wrong_type"}},
		{"no amount anywhere", `{}`, terms(), 0, []string{"/amount required"}},
		{"another than the mandate's", `{"amount":2000}`, terms(exactly(2500)), 2500, []string{"/amount contradiction"}},
		{"more than the mandate allows", `{"amount":5001}`, terms(), 2000, []string{"/amount contradiction"}},
		{"less than the mandate allows", `{"amount":99}`, terms(), 2000, []string{"/amount contradiction"}},
		{"a session of more than the mandate allows", `{}`, terms(), 5001, []string{"/amount contradiction"}},
		{"a session of less than the mandate allows", `{}`, terms(atLeast), 2000, []string{"/amount contradiction"}},
		{"more than a period allows", `{"amount":3001}`, terms(limited), 2000, []string{"/amount contradiction"}},
		{"another than each instalment's", `{"amount":2000}`, terms(periodic), 2000, []string{"/amount contradiction"}},
		{"an amount beside those of fixed instalments", `{"amount":500}`, terms(fixed), 2000, []string{"/amount contradiction"}},

		{"a start before the mandate's", `{"active_period":{"start_date":"2025-12-31"}}`, terms(), 2000, []string{"/active_period/start_date contradiction"}},
		{"a start after the mandate's end", `{"active_period":{"start_date":"2027-01-01"}}`, terms(), 2000, []string{"/active_period/start_date contradiction"}},
		{"an end after the mandate's", `{"active_period":{"end_date":"2027-01-01"}}`, terms(), 2000, []string{"/active_period/end_date contradiction"}},
		{"an end before the mandate's start", `{"active_period":{"end_date":"2025-12-31"}}`, terms(), 2000, []string{"/active_period/end_date contradiction"}},
		{"an end before the start", `{"active_period":{"start_date":"2026-03-01","end_date":"2026-02-28"}}`, terms(), 2000, []string{"/active_period/end_date contradiction"}},
		{"a period without an occurrence", `{"active_period":{"start_date":"2026-03-02","end_date":"2026-03-31"}}`, terms(), 2000, []string{"/active_period contradiction"}},
		{"a mandate without an occurrence", `{}`, terms(valid("2026-03-02", "2026-03-31")), 2000, []string{" contradiction"}},
		{"a rule without any occurrence", `{}`, terms(fifths), 2000, []string{" contradiction"}},
		{"a period without an instalment", `{"active_period":{"end_date":"2026-03-19"}}`, terms(fixed), 0, []string{"/active_period contradiction"}},
		{"a period that begins after an instalment", `{"active_period":{"start_date":"2026-02-06"}}`, terms(fixed), 0, []string{"/active_period contradiction"}},

		{"a time that is none", `{"scheduled_time":"24:00"}`, terms(), 2000, []string{"/scheduled_time invalid_format"}},
		{"a time with seconds", `{"scheduled_time":"12:00:00"}`, terms(), 2000, []string{"/scheduled_time invalid_format"}},
		{"a day twice", `{"retry":{"days":[1,3,3]}}`, terms(), 2000, []string{"/retry/days/2 duplicate"}},
		{"days that descend", `{"retry":{"days":[3,1,2]}}`, terms(), 2000, []string{"/retry/days/1 contradiction", "/retry/days/2 contradiction"}},
		{"days out of bounds", `{"retry":{"days":[0,61,"x",1.5]}}`, terms(), 2000, []string{
			"/retry/days/0 too_small", "/retry/days/1 too_large", "/retry/days/2 wrong_type", "/retry/days/3 wrong_type",
		}},
		{"too many days", `{"retry":{"days":[1,2,3,4,5,6,7,8,9,10,11]}}`, terms(), 2000, []string{"/retry/days too_many"}},

		{"nothing is said about terms that are wrong themselves", `{}`, nil, 0, nil},
		{"but about the rest", `{"missed":1,"amount":0,"active_period":{"start_date":"2026-03-01","end_date":"2026-02-28"}}`, nil, 0,
			[]string{"/amount too_small", "/missed wrong_type", "/active_period/end_date contradiction"}},
		{"nothing is said about a session's amount that is wrong itself", `{}`, terms(), -1, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			plan, problems := subscription.Read(decoded(t, c.options), subscription.Basis{Terms: c.terms, Amount: c.session, Currency: "ZAR"})
			var got []string
			for _, p := range problems {
				got = append(got, p.Pointer+" "+string(p.Code))
				if !strings.HasSuffix(p.Detail, ".") {
					t.Errorf("%s says %q", p.Pointer, p.Detail)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("wrong are %q, not %q", got, c.want)
			}
			if len(problems) > 0 && !reflect.DeepEqual(plan, subscription.Plan{}) {
				t.Errorf("there is a plan nevertheless: %+v", plan)
			}
		})
	}
}

// The limits of retries are what the tests above say.
func TestRetryLimits(t *testing.T) {
	t.Parallel()
	if subscription.RetriesMax != 10 || subscription.RetryDayMax != 60 {
		t.Errorf("they are %d and %d", subscription.RetriesMax, subscription.RetryDayMax)
	}
}

// Plans that were ever written are read for ever.
func TestPlansKeepTheirBytes(t *testing.T) {
	t.Parallel()
	items := monthly(func(p *subscription.Plan) {
		p.Amount, p.Active, p.Recurrence = 0, mandate.Validity{}, recurrence.Rule{}
		p.Items = terms(fixed).Instalments.Items
		p.Retry.Days = []int{}
	})
	full := monthly(skipMissed, then(subscription.ThenPause), func(p *subscription.Plan) { p.Occurrences, p.PaymentsMax, p.ScheduledTime = 12, 12, clock("09:30") })
	for name, plan := range map[string]subscription.Plan{"plans/recurring": full, "plans/items": items} {
		written, err := json.Marshal(plan)
		if err != nil {
			t.Fatal(err)
		}
		golden := golden(t, name+".v1.json", written)
		var back subscription.Plan
		if err := json.Unmarshal(golden, &back); err != nil || !reflect.DeepEqual(back, plan) {
			t.Errorf("%s is read as %+v, %v", name, back, err)
		}
	}
}

// golden holds bytes against those of a file, and returns the file's.
func golden(t *testing.T, name string, got []byte) []byte {
	t.Helper()
	want, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	want = bytes.TrimSuffix(want, []byte("\n"))
	if !bytes.Equal(want, got) {
		t.Errorf("%s: it is written as\n%s\nnot as\n%s", name, got, want)
	}
	return want
}

func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		`{}`, `[]`, `{"amount":2000,"scheduled_time":"09:30","missed":"skip","retry":{"days":[1,2],"then":"pause"}}`,
		`{"active_period":{"start_date":"2026-02-01","end_date":"2026-06-30"}}`, `{"retry":{"days":[3,3]},"a/b":null}`,
	} {
		for kind := range 4 {
			f.Add([]byte(seed), kind, int64(2000))
		}
	}
	f.Fuzz(func(t *testing.T, body []byte, kind int, session int64) {
		d := json.NewDecoder(bytes.NewReader(body))
		d.UseNumber()
		var v any
		if d.Decode(&v) != nil || session > 999_999_999_999 {
			return
		}
		b := subscription.Basis{Terms: []*mandate.Terms{terms(), terms(periodic), terms(fixed), terms(anytime), nil}[(kind%5+5)%5], Amount: session, Currency: "ZAR"}
		plan, problems := subscription.Read(v, b)
		if len(problems) > 0 || b.Terms == nil || session < 0 {
			return
		}
		s := subscription.NewSchedule(plan, at("2025-12-31 12:00"))
		if o, ok := s.Occurrence(1); !ok || o.Amount < 1 {
			t.Fatalf("%s makes the plan %+v, whose first occurrence is %v, %v", body, plan, o, ok)
		}
		written, err := json.Marshal(plan)
		var back subscription.Plan
		if err != nil || json.Unmarshal(written, &back) != nil || !reflect.DeepEqual(back, plan) {
			t.Fatalf("%s is read back as %+v, %v", written, back, err)
		}
	})
}
