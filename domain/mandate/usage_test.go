package mandate_test

import (
	"reflect"
	"slices"
	"testing"

	"tender/domain/mandate"
)

func TestUsage(t *testing.T) {
	t.Parallel()
	s := begin(t, `{"amount":{"max":500},"max_occurrences":9,"period_limits":{"period":"month","max_count":4,"max_amount":1000}}`)
	if got := s.state.Usage(); !reflect.DeepEqual(got, mandate.Usage{Currency: "ZAR"}) {
		t.Errorf("of a new mandate there is used %+v", got)
	}
	s.on("2026-01-31").starts(500, "pay_1").pays("pay_1")
	s.on("2026-02-01").starts(300, "pay_2", "pay_3").starts(200, "pay_4").reserves("pay_2").fails("pay_4").do(mandate.Reduce{PaymentID: "pay_2", Amount: 100})
	want := mandate.Usage{
		Count: 3, Amount: 1000, Currency: "ZAR", LastPaymentAt: instant(t, "2026-02-01"),
		WindowStart: "2026-02-01", WindowCount: 2, WindowAmount: 500,
	}
	if got := s.state.Usage(); !reflect.DeepEqual(got, want) {
		t.Errorf("used is %+v, not %+v", got, want)
	}
}

func TestUsageNamesItems(t *testing.T) {
	t.Parallel()
	s := begin(t, `{"type":"installment","total_amount":1000,"terms":{"type":"fixed","items":[
		{"amount":100,"date":"2026-01-01"},{"amount":200,"date":"2026-01-02"},{"amount":300,"date":"2026-01-03"},{"amount":400,"date":"2026-01-04"}]}}`)
	s.on("2026-01-04").starts(400, "pay_1").starts(300, "pay_2").starts(200, "pay_3").starts(100, "pay_4")
	s.reserves("pay_1").pays("pay_4").fails("pay_2")
	if got := s.state.Usage(); !slices.Equal(got.Items, []int{0, 1, 3}) || got.Count != 3 || got.Amount != 700 {
		t.Errorf("used is %+v", got)
	}
}

// A mandate that takes the place of another allows what that one would have
// allowed.
func TestCarriedUsage(t *testing.T) {
	t.Parallel()
	replaced := func(s *story) *story {
		s.t.Helper()
		used := s.state.Usage()
		next := beginWith(s.t, s.state.Terms, &used)
		next.now = s.now
		return next
	}
	check(t, map[string]func(*testing.T){
		"counts and windows": func(t *testing.T) {
			s := begin(t, `{"amount":{"max":500},"max_occurrences":3,"period_limits":{"period":"month","max_amount":1000}}`)
			s.on("2026-01-20").starts(400, "pay_1").pays("pay_1").starts(500, "pay_2")
			s = replaced(s.on("2026-01-25")).counts(2, 900).forbids(101, mandate.PeriodLimitExceeded).allows(100)
			if !s.state.LastPaymentAt.Equal(instant(t, "2026-01-20")) {
				t.Errorf("the last payment was at %s", s.state.LastPaymentAt)
			}
			s.on("2026-02-01").allows(500).starts(1, "pay_3").forbids(1, mandate.MaxOccurrencesReached).pays("pay_3").is(mandate.StatusExhausted)
		},
		"a window that is over": func(t *testing.T) {
			s := begin(t, `{"period_limits":{"period":"month","max_count":1}}`).starts(400, "pay_1").pays("pay_1")
			replaced(s.on("2026-02-01")).allows(1)
		},
		"a cycle": func(t *testing.T) {
			s := begin(t, `{"period_limits":{"period":"month","max_count":1,"window":{"mode":"cycle","anchor":{"type":"day_of_month","day":31}}}}`)
			s = replaced(s.on("2026-02-28").starts(400, "pay_1").pays("pay_1"))
			s.on("2026-03-30").forbids(1, mandate.PeriodLimitExceeded).on("2026-03-31").allows(1)
		},
		"fixed instalments": func(t *testing.T) {
			s := begin(t, `{"type":"installment","total_amount":300,"terms":{"type":"fixed","items":[
				{"amount":100,"date":"2026-01-10"},{"amount":100,"date":"2026-01-20"},{"amount":100,"date":"2026-01-30"}]}}`).on("2026-01-20")
			s = replaced(s.starts(100, "pay_1", "pay_2").pays("pay_2")).forbids(100, mandate.AmountNotAllowed).on("2026-01-30").starts(100, "pay_3")
			s.pays("pay_3").is(mandate.StatusExhausted)
		},
		"nothing is left": func(t *testing.T) {
			s := begin(t, `{"max_occurrences":1}`).starts(1, "pay_1")
			s = replaced(s)
			s.is(mandate.StatusExhausted).forbids(1, mandate.MaxOccurrencesReached, mandate.NotActive)
			s.happened(made(s.state.Terms, &mandate.Usage{Count: 1, Amount: 1, Currency: "ZAR"}), mandate.Exhausted{})
		},
	})
}

func TestTerms(t *testing.T) {
	t.Parallel()
	fixed := `{"type":"installment","total_amount":300,"terms":{"type":"fixed","items":[{"amount":100,"date":"2026-01-10"},{"amount":200,"date":"2026-01-20"}]}}`
	periodic := `{"type":"installment","total_amount":300,"terms":{"type":"periodic","amount":100,"max_occurrences":3,"recurrence":{"type":"daily","interval_count":1}}}`
	for _, c := range []struct {
		options     string
		fixed       int64
		occurrences int
		recurs      bool
		allows      []int64
		forbids     []int64
	}{
		{``, 0, 0, false, []int64{1, 999_999_999_999}, []int64{-1, 0, 1_000_000_000_000}},
		{`{"amount":500,"max_occurrences":7}`, 500, 7, false, []int64{500}, []int64{499, 501}},
		{`{"amount":{"min":5,"max":9},"recurrence":{"type":"daily","interval_count":1}}`, 0, 0, true, []int64{5, 9}, []int64{4, 10}},
		{`{"amount":{"min":5},"period_limits":{"period":"day","max_amount":20}}`, 0, 0, false, []int64{5, 20}, []int64{4, 21}},
		{fixed, 0, 2, false, []int64{100, 200}, []int64{99, 300}},
		{periodic, 100, 3, true, []int64{100}, []int64{99, 300}},
	} {
		s := terms(t, c.options)
		if s.FixedAmount() != c.fixed || s.Occurrences() != c.occurrences || s.Cadence().IsZero() == c.recurs {
			t.Errorf("%s: %d, %d times, %+v", c.options, s.FixedAmount(), s.Occurrences(), s.Cadence())
		}
		for _, amount := range c.allows {
			if !s.AllowsAmount(amount) {
				t.Errorf("%s forbids %d", c.options, amount)
			}
		}
		for _, amount := range c.forbids {
			if s.AllowsAmount(amount) {
				t.Errorf("%s allows %d", c.options, amount)
			}
		}
	}
}
