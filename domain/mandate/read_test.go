package mandate_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"tender/domain/mandate"
	"tender/domain/money"
	"tender/domain/recurrence"
)

func rule(t reporter, s string) recurrence.Rule {
	t.Helper()
	r, problems := recurrence.Parse([]byte(s))
	if len(problems) > 0 {
		t.Fatalf("%s: %v", s, problems)
	}
	return r
}

func window(t reporter, p recurrence.Period, s string) recurrence.Window {
	t.Helper()
	w, problems := recurrence.ReadWindow(p, decoded(t, s))
	if len(problems) > 0 {
		t.Fatalf("%s: %v", s, problems)
	}
	return w
}

func TestRead(t *testing.T) {
	t.Parallel()
	monthly := `{"type":"monthly","interval_count":3,"on":{"type":"day_of_month","days":[1]}}`
	onDemand := func(change func(*mandate.Terms)) mandate.Terms {
		terms := mandate.Terms{Kind: mandate.KindOnDemand, Currency: "ZAR", TimeZone: "UTC", Amount: &mandate.Amount{Max: 10_000}}
		change(&terms)
		return terms
	}
	for _, c := range []struct {
		options string
		want    mandate.Terms
	}{
		{`{}`, onDemand(func(*mandate.Terms) {})},
		{`{"type":"on_demand"}`, onDemand(func(*mandate.Terms) {})},
		{`{"amount":500}`, onDemand(func(m *mandate.Terms) { m.Amount = &mandate.Amount{Exact: 500} })},
		{`{"amount":999999999999}`, onDemand(func(m *mandate.Terms) { m.Amount = &mandate.Amount{Exact: money.AmountMax} })},
		{`{"amount":{"max":5000}}`, onDemand(func(m *mandate.Terms) { m.Amount = &mandate.Amount{Max: 5000} })},
		{`{"amount":{"min":5000}}`, onDemand(func(m *mandate.Terms) { m.Amount = &mandate.Amount{Min: 5000} })},
		{`{"amount":{"min":5,"max":5}}`, onDemand(func(m *mandate.Terms) { m.Amount = &mandate.Amount{Min: 5, Max: 5} })},
		{`{"amount":{"min":0}}`, onDemand(func(m *mandate.Terms) { m.Amount = nil })},
		{`{"recurrence":` + monthly + `}`, onDemand(func(m *mandate.Terms) { m.Recurrence = rule(t, monthly) })},
		{`{"type":"scheduled","recurrence":` + monthly + `}`, onDemand(func(m *mandate.Terms) { m.Kind, m.Recurrence = mandate.KindScheduled, rule(t, monthly) })},
		{`{"validity_period":{}}`, onDemand(func(*mandate.Terms) {})},
		{`{"validity_period":{"start_date":"2026-01-01","end_date":"2026-01-01"}}`, onDemand(func(m *mandate.Terms) {
			m.Validity = mandate.Validity{Start: date(t, "2026-01-01"), End: date(t, "2026-01-01")}
		})},
		{`{"validity_period":{"end_date":"2028-02-29"}}`, onDemand(func(m *mandate.Terms) { m.Validity.End = date(t, "2028-02-29") })},
		{`{"max_occurrences":1000000}`, onDemand(func(m *mandate.Terms) { m.MaxOccurrences = mandate.OccurrencesMax })},
		{`{"time_zone":"Africa/Johannesburg"}`, onDemand(func(m *mandate.Terms) { m.TimeZone = "Africa/Johannesburg" })},
		{`{"period_limits":{"period":"day","max_count":2}}`, onDemand(func(m *mandate.Terms) {
			m.PeriodLimits = &mandate.PeriodLimits{Period: "day", MaxCount: 2}
		})},
		// Nobody has asked for the ceiling that the session's amount is.
		{`{"period_limits":{"period":"month","max_amount":9999,"window":{"mode":"calendar"}}}`, onDemand(func(m *mandate.Terms) {
			m.PeriodLimits = &mandate.PeriodLimits{Period: "month", MaxAmount: 9999}
		})},
		{`{"amount":{"max":5},"period_limits":{"period":"year","max_amount":5,"window":{"mode":"cycle","anchor":{"type":"day_of_year","month":4,"day":6}}}}`, onDemand(func(m *mandate.Terms) {
			m.Amount.Max = 5
			m.PeriodLimits = &mandate.PeriodLimits{Period: "year", MaxAmount: 5, Window: window(t, "year", `{"mode":"cycle","anchor":{"type":"day_of_year","month":4,"day":6}}`)}
		})},
		{`{"type":"installment","total_amount":300,"terms":{"type":"periodic","amount":100,"max_occurrences":3,"recurrence":` + monthly + `}}`, onDemand(func(m *mandate.Terms) {
			m.Kind, m.Amount = mandate.KindInstalment, nil
			m.Instalments = &mandate.Instalments{TotalAmount: 300, Amount: 100, MaxOccurrences: 3, Recurrence: rule(t, monthly)}
		})},
		{`{"type":"installment","total_amount":300,"validity_period":{"start_date":"2026-01-10","end_date":"2026-02-10"},
			"terms":{"type":"fixed","items":[{"amount":100,"date":"2026-01-10"},{"amount":200,"date":"2026-02-10"}]}}`, onDemand(func(m *mandate.Terms) {
			m.Kind, m.Amount = mandate.KindInstalment, nil
			m.Validity = mandate.Validity{Start: date(t, "2026-01-10"), End: date(t, "2026-02-10")}
			m.Instalments = &mandate.Instalments{TotalAmount: 300, Items: []mandate.Item{{Amount: 100, Date: date(t, "2026-01-10")}, {Amount: 200, Date: date(t, "2026-02-10")}}}
		})},
	} {
		got, problems := mandate.Read(decoded(t, c.options), basis)
		if len(problems) > 0 || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s is read as\n%+v, %v, not as\n%+v", c.options, got, problems, c.want)
		}
	}
}

func TestBasis(t *testing.T) {
	t.Parallel()
	b := mandate.Basis{Amount: 0, Currency: "JPY", TimeZone: "Asia/Tokyo"}
	if got, want := mandate.Unconstrained(b), (mandate.Terms{Kind: mandate.KindOnDemand, Currency: "JPY", TimeZone: "Asia/Tokyo"}); !reflect.DeepEqual(got, want) {
		t.Errorf("unconstrained terms are %+v", got)
	}
	if got := mandate.Unconstrained(mandate.Basis{}).TimeZone; got != "UTC" {
		t.Errorf("without a zone it is %q", got)
	}
	got, problems := mandate.Read(decoded(t, `{"amount":7}`), b)
	if len(problems) > 0 || got.TimeZone != "Asia/Tokyo" || got.Currency != "JPY" {
		t.Errorf("it is read as %+v, %v", got, problems)
	}
	// An amount that was wrong itself is not missed as well.
	b.Amount = -1
	if got, problems := mandate.Read(decoded(t, `{}`), b); len(problems) > 0 || *got.Amount != (mandate.Amount{}) {
		t.Errorf("it is read as %+v, %v", got.Amount, problems)
	}
}

// Everything that is wrong is named at once: pointer and code of each, in order.
func TestReadRefuses(t *testing.T) {
	t.Parallel()
	fixed := func(items string) string {
		return `{"type":"installment","total_amount":300,"validity_period":{"start_date":"2026-01-10","end_date":"2026-02-10"},"terms":{"type":"fixed","items":` + items + `}}`
	}
	many := make([]string, mandate.ItemsMax+1)
	for i := range many {
		many[i] = fmt.Sprintf(`{"amount":1,"date":"%04d-01-01"}`, 2026+i)
	}
	daily := `{"type":"daily","interval_count":1}`
	for _, c := range []struct {
		options string
		want    string
	}{
		{`null`, " wrong_type"},
		{`[]`, " wrong_type"},
		{`{"type":"sometimes","amount":"x","terms":1,"color":1}`, "/type not_an_option, /color unknown"},
		{`{"type":null}`, "/type wrong_type"},
		{`{"b/~c":1,"a":2}`, "/a unknown, /b~1~0c unknown"},
		{`{"amount":0}`, "/amount too_small"},
		{`{"amount":-1}`, "/amount too_small"},
		{`{"amount":1000000000000}`, "/amount too_large"},
		{`{"amount":99999999999999999999}`, "/amount too_large"},
		{`{"amount":-99999999999999999999}`, "/amount too_small"},
		{`{"amount":5.0}`, "/amount wrong_type"},
		{`{"amount":5e1}`, "/amount wrong_type"},
		{`{"amount":"500"}`, "/amount wrong_type"},
		{`{"amount":null}`, "/amount wrong_type"},
		{`{"amount":{}}`, "/amount required"},
		{`{"amount":{"min":-1,"max":0,"exact":5}}`, "/amount/min too_small, /amount/max too_small, /amount/exact unknown"},
		{`{"amount":{"min":6,"max":5}}`, "/amount/min contradiction"},
		{`{"type":"scheduled"}`, "/recurrence required"},
		{`{"type":"scheduled","recurrence":{"type":"hourly","interval_count":0}}`, "/recurrence/type not_an_option, /recurrence/interval_count too_small"},
		{`{"recurrence":1}`, "/recurrence wrong_type"},
		{`{"validity_period":1}`, "/validity_period wrong_type"},
		{`{"validity_period":{"start_date":"2026-02-30","end_date":20260101,"from":1}}`, "/validity_period/start_date invalid_format, /validity_period/end_date wrong_type, /validity_period/from unknown"},
		{`{"validity_period":{"start_date":"2026-01-02","end_date":"2026-01-01"}}`, "/validity_period/end_date contradiction"},
		{`{"max_occurrences":0}`, "/max_occurrences too_small"},
		{`{"max_occurrences":1000001}`, "/max_occurrences too_large"},
		{`{"time_zone":"Mars/Olympus"}`, "/time_zone not_an_option"},
		{`{"time_zone":2}`, "/time_zone wrong_type"},
		{`{"period_limits":{}}`, "/period_limits/period required, /period_limits required"},
		{`{"period_limits":{"period":"hour","max_count":0,"max_amount":0,"window":{"mode":"x"}}}`,
			"/period_limits/period not_an_option, /period_limits/max_count too_small, /period_limits/max_amount too_small, /period_limits/window/mode not_an_option"},
		{`{"period_limits":{"period":"week","max_count":1,"window":{"mode":"cycle","anchor":{"type":"day_of_month","day":15}}}}`, "/period_limits/window/anchor contradiction"},
		{`{"period_limits":{"period":"week","max_count":1,"per":1}}`, "/period_limits/per unknown"},
		{`{"amount":501,"period_limits":{"period":"week","max_amount":500}}`, "/period_limits/max_amount contradiction"},
		{`{"amount":{"max":501},"period_limits":{"period":"week","max_amount":500}}`, "/period_limits/max_amount contradiction"},
		{`{"amount":{"min":501},"period_limits":{"period":"week","max_amount":500}}`, "/period_limits/max_amount contradiction"},
		{`{"total_amount":1,"terms":{}}`, "/total_amount contradiction, /terms contradiction"},
		{`{"type":"installment"}`, "/total_amount required, /terms required"},
		{`{"type":"installment","total_amount":1,"terms":1}`, "/terms wrong_type"},
		{`{"type":"installment","total_amount":0,"terms":{"type":"weekly","items":[]}}`, "/total_amount too_small, /terms/type not_an_option"},
		{`{"type":"installment","amount":1,"recurrence":{},"max_occurrences":0,"period_limits":{},"total_amount":300,"terms":{"type":"periodic","amount":100,"max_occurrences":3,"recurrence":` + daily + `}}`,
			"/amount contradiction, /recurrence contradiction, /max_occurrences contradiction, /period_limits contradiction"},
		{`{"type":"installment","total_amount":300,"terms":{"type":"periodic"}}`, "/terms/amount required, /terms/recurrence required, /terms/max_occurrences required"},
		{`{"type":"installment","total_amount":300,"terms":{"type":"periodic","amount":0,"recurrence":{},"max_occurrences":0,"items":[]}}`,
			"/terms/amount too_small, /terms/recurrence/type required, /terms/recurrence/interval_count required, /terms/max_occurrences too_small, /terms/items unknown"},
		{`{"type":"installment","total_amount":301,"terms":{"type":"periodic","amount":100,"max_occurrences":3,"recurrence":` + daily + `}}`, "/total_amount contradiction"},
		{`{"type":"installment","total_amount":999999999999,"terms":{"type":"periodic","amount":999999999999,"max_occurrences":1000000,"recurrence":` + daily + `}}`, "/total_amount contradiction"},
		{fixed(`[]`), "/terms/items too_few"},
		{fixed(`[` + strings.Join(many, ",") + `]`), "/terms/items too_many"},
		{fixed(`{}`), "/terms/items wrong_type"},
		{fixed(`[1,{"amount":0,"date":"x","note":1},{}]`), "/terms/items/0 wrong_type, /terms/items/1/amount too_small, /terms/items/1/date invalid_format, /terms/items/1/note unknown, /terms/items/2/amount required, /terms/items/2/date required"},
		{fixed(`[{"amount":100,"date":"2026-01-09"},{"amount":200,"date":"2026-02-11"}]`), "/terms/items/0/date contradiction, /terms/items/1/date contradiction"},
		{fixed(`[{"amount":100,"date":"2026-01-20"},{"amount":100,"date":"2026-01-20"},{"amount":100,"date":"2026-01-19"}]`), "/terms/items/1/date duplicate, /terms/items/2/date contradiction"},
		{fixed(`[{"amount":100,"date":"2026-01-20"},{"amount":199,"date":"2026-01-21"}]`), "/total_amount contradiction"},
	} {
		got, problems := mandate.Read(decoded(t, c.options), basis)
		var named []string
		for _, p := range problems {
			named = append(named, p.Pointer+" "+string(p.Code))
			if p.Detail == "" || !strings.HasSuffix(p.Detail, ".") {
				t.Errorf("%s: %s says %q", c.options, p.Pointer, p.Detail)
			}
		}
		if strings.Join(named, ", ") != c.want {
			t.Errorf("%s is refused with\n%s, not with\n%s", c.options, strings.Join(named, ", "), c.want)
		}
		if !reflect.DeepEqual(got, mandate.Terms{}) {
			t.Errorf("%s gives terms all the same: %+v", c.options, got)
		}
	}
}

// Where the session only verifies a method, it gives no ceiling.
func TestCeilingOfNothing(t *testing.T) {
	t.Parallel()
	b := mandate.Basis{Currency: "ZAR"}
	for options, refused := range map[string]bool{`{}`: true, `{"max_occurrences":3}`: true, `{"amount":5}`: false, `{"amount":{"min":0}}`: false,
		`{"type":"installment","total_amount":5,"terms":{"type":"fixed","items":[{"amount":5,"date":"2026-01-10"}]}}`: false} {
		_, problems := mandate.Read(decoded(t, options), b)
		if refused != (len(problems) == 1 && problems[0].Pointer == "/amount" && problems[0].Code == recurrence.CodeRequired) {
			t.Errorf("%s: %v", options, problems)
		}
	}
}

func TestProblemsAt(t *testing.T) {
	t.Parallel()
	s := terms(t, `{"time_zone":"Africa/Johannesburg","validity_period":{"end_date":"2026-01-31"}}`)
	if problems := s.ProblemsAt(instant(t, "2026-01-31T21:59:59Z")); problems != nil {
		t.Errorf("on the last day there is wrong: %v", problems)
	}
	want := []recurrence.FieldProblem{{Pointer: "/validity_period/end_date", Code: recurrence.CodeTooSmall, Detail: "The end date must not be over. Today is 2026-02-01."}}
	if problems := s.ProblemsAt(instant(t, "2026-01-31T22:00:00Z")); !slices.Equal(problems, want) {
		t.Errorf("after the last day there is wrong: %v", problems)
	}
	if problems := terms(t, `{"validity_period":{"start_date":"2027-01-31"}}`).ProblemsAt(instant(t, "2026-01-31")); problems != nil {
		t.Errorf("of what is yet to come there is wrong: %v", problems)
	}
}

// Whatever is sent, the answer is terms that keep the rules and can be written and
// read again, or problems that point into what was sent.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"amount":5}`, `{"amount":{"min":1,"max":5},"max_occurrences":3,"time_zone":"Europe/London"}`,
		`{"type":"scheduled","recurrence":{"type":"weekly","interval_count":1,"on":{"days":["mon"]}}}`,
		`{"validity_period":{"start_date":"2026-01-01","end_date":"2026-12-31"}}`,
		`{"period_limits":{"period":"month","max_count":2,"max_amount":50000,"window":{"mode":"cycle","anchor":{"type":"day_of_month","day":15}}}}`,
		`{"type":"installment","total_amount":300,"terms":{"type":"fixed","items":[{"amount":100,"date":"2026-01-10"},{"amount":200,"date":"2026-01-20"}]}}`,
		`{"type":"installment","total_amount":300,"terms":{"type":"periodic","amount":100,"max_occurrences":3,"recurrence":{"type":"daily","interval_count":1}}}`,
		`{"type":[],"amount":{"min":{}},"terms":{"type":"fixed","items":[{},[]]}}`,
	} {
		f.Add([]byte(seed), int64(10_000))
	}
	f.Fuzz(func(t *testing.T, data []byte, amount int64) {
		d := json.NewDecoder(bytes.NewReader(data))
		d.UseNumber()
		var v any
		if d.Decode(&v) != nil {
			return
		}
		read, problems := mandate.Read(v, mandate.Basis{Amount: amount, Currency: "ZAR"})
		for _, p := range problems {
			if p.Detail == "" || p.Code == "" || p.Pointer != "" && p.Pointer[0] != '/' {
				t.Fatalf("%s: %+v", data, p)
			}
		}
		if len(problems) > 0 || amount < 0 || amount > money.AmountMax {
			return
		}
		holds(t, read)
		created := made(read, nil)
		back, err := mandate.Codec.Decode(created.Type(), 1, mandate.Codec.Encode(created).Payload)
		if err != nil || !reflect.DeepEqual(back, mandate.Event(created)) {
			t.Fatalf("%s comes back as %+v, %v", data, back, err)
		}
		if text, _ := mandate.TermsText(read, "Acme", "en"); !strings.HasPrefix(text, "You allow Acme to charge ") {
			t.Fatalf("%s is worded %q", data, text)
		}
		s := mandate.Evolve(mandate.State{}, mandateID, instant(t, "2026-01-01"), created)
		if _, err := s.RemainingAt(moment(instant(t, "2026-01-01"))); err != nil {
			t.Fatal(err)
		}
	})
}

// holds checks what all terms keep to.
func holds(t *testing.T, terms mandate.Terms) {
	t.Helper()
	i := terms.Instalments
	switch {
	case (terms.Kind == mandate.KindInstalment) != (i != nil):
		t.Fatalf("the kind is %q, the instalments %+v", terms.Kind, i)
	case terms.Kind == mandate.KindScheduled && terms.Recurrence.IsZero():
		t.Fatal("scheduled without a recurrence")
	case i != nil && (terms.Amount != nil || !terms.Recurrence.IsZero() || terms.MaxOccurrences != 0 || terms.PeriodLimits != nil):
		t.Fatalf("instalments beside %+v", terms)
	}
	if i == nil {
		return
	}
	sum := i.Amount * int64(i.MaxOccurrences)
	for n, item := range i.Items {
		sum += item.Amount
		if n > 0 && !item.Date.After(i.Items[n-1].Date) || !terms.Validity.Contains(item.Date) {
			t.Fatalf("item %d is on %s", n, item.Date)
		}
	}
	if sum != i.TotalAmount || i.TotalAmount < 1 {
		t.Fatalf("parts of %d are %d in all", i.TotalAmount, sum)
	}
}
