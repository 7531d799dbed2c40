package mandate_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"tender/domain"
	"tender/domain/mandate"
)

func TestAmounts(t *testing.T) {
	t.Parallel()
	const most = 999_999_999_999
	for _, c := range []struct {
		options string
		allowed []int64
		refused []int64
		says    string
	}{
		{``, []int64{1, 10_001, most}, nil, ""},
		{`{}`, []int64{1, 10_000}, []int64{10_001, most}, "A payment may be at most ZAR 100.00."},
		{`{"amount":500}`, []int64{500}, []int64{1, 499, 501}, "Each payment must be ZAR 5.00."},
		{`{"amount":{"max":5000}}`, []int64{1, 5000}, []int64{5001}, "A payment may be at most ZAR 50.00."},
		{`{"amount":{"min":0,"max":5000}}`, []int64{1, 5000}, []int64{5001}, "A payment may be at most ZAR 50.00."},
		{`{"amount":{"min":1000}}`, []int64{1000, most}, []int64{1, 999}, "A payment must be at least ZAR 10.00."},
		{`{"amount":{"min":0}}`, []int64{1, most}, nil, ""},
		{`{"amount":{"min":1000,"max":2000}}`, []int64{1000, 2000}, []int64{999, 2001}, "A payment must be between ZAR 10.00 and ZAR 20.00."},
		{`{"amount":{"min":1000,"max":1000}}`, []int64{1000}, []int64{999, 1001}, "Each payment must be ZAR 10.00."},
		{`{"type":"scheduled","amount":500,"recurrence":{"type":"daily","interval_count":1}}`, []int64{500}, []int64{501}, "Each payment must be ZAR 5.00."},
		{`{"type":"installment","total_amount":300,"terms":{"type":"periodic","amount":100,"max_occurrences":3,"recurrence":{"type":"daily","interval_count":1}}}`,
			[]int64{100}, []int64{99, 101, 300}, "Each payment must be ZAR 1.00."},
	} {
		s := begin(t, c.options).allows(c.allowed...)
		for _, amount := range c.refused {
			v := s.forbids(amount, mandate.AmountNotAllowed).refused(s.charge("pay_1", amount))
			if got := v.Broken[0]; got.Detail != c.says || got.Pointer != "/amount" {
				t.Errorf("%s: %d is refused with %q at %q", c.options, amount, got.Detail, got.Pointer)
			}
		}
	}
}

// What no request may hold is no matter of the mandate's.
func TestAmountsThatNobodyMayAskFor(t *testing.T) {
	t.Parallel()
	s := begin(t, ``)
	for _, amount := range []int64{-1, 0, 1_000_000_000_000} {
		if err := s.try(s.charge("pay_1", amount)); !errors.Is(err, mandate.ErrAmountInvalid) {
			t.Errorf("%d is answered with %v", amount, err)
		}
	}
}

func TestValidity(t *testing.T) {
	t.Parallel()
	const outside = mandate.OutsideValidityPeriod
	check(t, map[string]func(*testing.T){
		"from day to day, both included": func(t *testing.T) {
			s := begin(t, `{"validity_period":{"start_date":"2026-02-01","end_date":"2026-02-28"}}`)
			s.on("2026-01-31T23:59:59Z").forbids(1, outside)
			s.on("2026-02-01T00:00:00Z").allows(1)
			s.on("2026-02-28T23:59:59Z").allows(1)
			s.on("2026-03-01T00:00:00Z").forbids(1, outside)
			if got := s.refused(s.charge("pay_1", 1)).Broken[0].Detail; got != "The mandate is valid from 2026-02-01 to 2026-02-28, in the time zone UTC." {
				t.Error(got)
			}
		},
		"one day": func(t *testing.T) {
			s := begin(t, `{"validity_period":{"start_date":"2028-02-29","end_date":"2028-02-29"}}`)
			s.on("2028-02-28").forbids(1, outside).on("2028-02-29").allows(1).on("2028-03-01").forbids(1, outside)
		},
		"open at the end": func(t *testing.T) {
			s := begin(t, `{"validity_period":{"start_date":"2026-02-01"}}`)
			s.on("2026-01-31").forbids(1, outside).on("2999-01-01").allows(1)
			if got := s.on("2026-01-31").refused(s.charge("pay_1", 1)).Broken[0].Detail; got != "The mandate is valid from 2026-02-01 on, in the time zone UTC." {
				t.Error(got)
			}
		},
		"open at the beginning": func(t *testing.T) {
			s := begin(t, `{"validity_period":{"end_date":"2026-02-01"}}`)
			s.allows(1).on("2026-02-02").forbids(1, outside)
			if got := s.refused(s.charge("pay_1", 1)).Broken[0].Detail; got != "The mandate is valid until 2026-02-01, in the time zone UTC." {
				t.Error(got)
			}
		},
		"days are the zone's": func(t *testing.T) {
			s := begin(t, `{"time_zone":"Africa/Johannesburg","validity_period":{"start_date":"2026-02-01","end_date":"2026-02-28"}}`)
			s.on("2026-01-31T21:59:59Z").forbids(1, outside)
			s.on("2026-01-31T22:00:00Z").allows(1)
			s.on("2026-02-28T21:59:59Z").allows(1)
			s.on("2026-02-28T22:00:00Z").forbids(1, outside)
		},
		"a zone that is a day ahead": func(t *testing.T) {
			s := begin(t, `{"time_zone":"Pacific/Kiritimati","validity_period":{"start_date":"2026-12-31","end_date":"2026-12-31"}}`)
			s.on("2026-12-30T09:59:59Z").forbids(1, outside)
			s.on("2026-12-30T10:00:00Z").allows(1)
			s.on("2026-12-31T09:59:59Z").allows(1)
			s.on("2026-12-31T10:00:00Z").forbids(1, outside)
		},
		"nobody asks the wall": func(t *testing.T) {
			s := begin(t, `{"validity_period":{"end_date":"2026-02-01"}}`)
			c := s.charge("pay_1", 1)
			c.Now.Wall = instant(t, "2030-01-01")
			s.do(c)
		},
	})
}

// Where clocks are set back over midnight, a day that has begun goes on.
func TestDaysNeverGoBack(t *testing.T) {
	t.Parallel()
	// In St. John's it was midnight at 02:30 UTC; at 00:01 clocks went back to 23:01.
	s := begin(t, `{"time_zone":"America/St_Johns","period_limits":{"period":"day","max_count":1},"validity_period":{"end_date":"2006-10-29"}}`)
	for at, want := range map[string]string{
		"2006-10-28T12:00:00Z": "2006-10-28",
		"2006-10-29T02:29:59Z": "2006-10-28",
		"2006-10-29T02:30:30Z": "2006-10-29", // 00:00:30
		"2006-10-29T02:31:00Z": "2006-10-29", // 23:01 of the day before, again
		"2006-10-29T03:29:59Z": "2006-10-29",
		"2006-10-29T12:00:00Z": "2006-10-29",
	} {
		if day, err := s.state.Terms.DayOf(instant(t, at)); err != nil || day.String() != want {
			t.Errorf("%s counts for %s, %v", at, day, err)
		}
	}
	s.on("2006-10-29T02:30:30Z").starts(1, "pay_1")
	s.on("2006-10-29T02:45:00Z").forbids(1, mandate.PeriodLimitExceeded)

	end, err := s.state.Terms.EndsAt()
	if err != nil || !end.Equal(instant(t, "2006-10-30T03:30:00Z")) {
		t.Errorf("it ends at %s, %v", end, err)
	}
}

// Another process's clock may be a little behind. What it decides counts for the
// day that the stream has come to.
func TestClocksThatAreBehind(t *testing.T) {
	t.Parallel()
	s := begin(t, `{"period_limits":{"period":"month","max_count":2}}`)
	s.on("2026-01-31T23:00:00Z").starts(1, "pay_1").pays("pay_1")
	s.on("2026-02-01T00:00:00.010Z").starts(1, "pay_2")
	s.on("2026-01-31T23:59:59.990Z").starts(1, "pay_3")
	if got := s.events[0].(mandate.ChargeStarted).Date; got != "2026-02-01" {
		t.Errorf("it counts for %s", got)
	}
	s.forbids(1, mandate.PeriodLimitExceeded).on("2026-02-28").forbids(1, mandate.PeriodLimitExceeded)
}

func TestMaxOccurrences(t *testing.T) {
	t.Parallel()
	const reached = mandate.MaxOccurrencesReached
	options := `{"max_occurrences":3}`
	check(t, map[string]func(*testing.T){
		"in flight counts": func(t *testing.T) {
			s := begin(t, options).starts(1, "pay_1", "pay_2", "pay_3").counts(3, 3).forbids(1, reached)
			s.fails("pay_2").counts(2, 2).allows(1).starts(1, "pay_4").forbids(1, reached)
			s.pays("pay_1", "pay_3").is(mandate.StatusActive).forbids(1, reached)
			s.pays("pay_4").is(mandate.StatusExhausted).forbids(1, reached, mandate.NotActive)
			if got := s.refused(s.charge("pay_5", 1)).Broken[0].Detail; got != "3 payments may be made under the mandate, and as many were made or are in flight." {
				t.Error(got)
			}
		},
		"one": func(t *testing.T) {
			s := begin(t, `{"max_occurrences":1}`).starts(1, "pay_1")
			if got := s.refused(s.charge("pay_5", 1)).Broken[0].Detail; got != "1 payment may be made under the mandate, and as many were made or are in flight." {
				t.Error(got)
			}
		},
		"given back whole does not count": func(t *testing.T) {
			s := begin(t, options).starts(10, "pay_1", "pay_2", "pay_3").pays("pay_1", "pay_2").reserves("pay_3").is(mandate.StatusActive)
			s.forbids(1, reached).do(mandate.Reduce{PaymentID: "pay_3", Amount: 10}).counts(2, 20).allows(1)
		},
		"given back in part counts": func(t *testing.T) {
			s := begin(t, options).starts(10, "pay_1", "pay_2", "pay_3").pays("pay_1", "pay_2").reserves("pay_3")
			s.do(mandate.Reduce{PaymentID: "pay_3", Amount: 9, Final: true}).counts(3, 21).is(mandate.StatusExhausted).forbids(1, reached, mandate.NotActive)
		},
		"periodic instalments": func(t *testing.T) {
			s := begin(t, `{"type":"installment","total_amount":200,"terms":{"type":"periodic","amount":100,"max_occurrences":2,"recurrence":{"type":"monthly","interval_count":1}}}`)
			s.starts(100, "pay_1", "pay_2").forbids(100, reached).pays("pay_1").fails("pay_2").starts(100, "pay_3").pays("pay_3").is(mandate.StatusExhausted)
		},
		"without a limit": func(t *testing.T) {
			s := begin(t, ``)
			for n := range 50 {
				s.starts(1, fmt.Sprint("pay_", n))
			}
			s.counts(50, 50).allows(1)
		},
	})
}

// A recurrence plans; it does not bound.
func TestRecurrencePlansOnly(t *testing.T) {
	t.Parallel()
	s := begin(t, `{"type":"scheduled","recurrence":{"type":"monthly","interval_count":1,"on":{"type":"day_of_month","days":[1]}}}`)
	s.on("2026-01-02").starts(1, "pay_1").pays("pay_1").starts(1, "pay_2").on("2026-01-03").starts(1, "pay_3").counts(3, 3)
}

func TestFixedInstalments(t *testing.T) {
	t.Parallel()
	const notAllowed, reached = mandate.AmountNotAllowed, mandate.MaxOccurrencesReached
	options := `{"type":"installment","total_amount":600,"terms":{"type":"fixed","items":[
		{"amount":100,"date":"2026-01-10"},{"amount":200,"date":"2026-01-20"},{"amount":100,"date":"2026-01-30"},{"amount":200,"date":"2026-02-10"}]}}`
	paidItem := func(s *story) int {
		e := s.events[0].(mandate.ChargeStarted)
		if e.Item == nil {
			return -1
		}
		return *e.Item
	}
	check(t, map[string]func(*testing.T){
		"none is due": func(t *testing.T) {
			s := begin(t, options).on("2026-01-09").forbids(100, notAllowed)
			if got := s.refused(s.charge("pay_1", 100)).Broken[0].Detail; got != "No instalment is due. The next is ZAR 1.00 on 2026-01-10." {
				t.Error(got)
			}
			if r := s.refused(s.charge("pay_1", 100)).Remaining; r.Due != nil || *r.AmountMax != 0 || *r.Payments != 4 {
				t.Errorf("there remain %+v", r)
			}
		},
		"each at its date, in its amount": func(t *testing.T) {
			s := begin(t, options).on("2026-01-10").forbids(200, notAllowed).forbids(99, notAllowed).starts(100, "pay_1")
			if paidItem(s) != 0 {
				t.Errorf("item %d is paid", paidItem(s))
			}
			s.forbids(100, notAllowed).pays("pay_1").forbids(100, notAllowed).on("2026-01-20").starts(200, "pay_2")
			if paidItem(s) != 1 {
				t.Errorf("item %d is paid", paidItem(s))
			}
		},
		"late, the earliest first": func(t *testing.T) {
			s := begin(t, options).on("2026-02-10")
			v := s.forbids(300, notAllowed).refused(s.charge("pay_1", 300))
			if got := v.Broken[0].Detail; got != "A payment must be one of the instalments that are due: ZAR 1.00 of 2026-01-10, ZAR 2.00 of 2026-01-20, ZAR 1.00 of 2026-01-30, ZAR 2.00 of 2026-02-10." {
				t.Error(got)
			}
			if r := v.Remaining; len(r.Due) != 4 || r.AmountMin != 100 || *r.AmountMax != 200 {
				t.Errorf("there remain %+v", r)
			}
			for n, want := range []int{1, 3} {
				if s.starts(200, fmt.Sprint("pay_", n)); paidItem(s) != want {
					t.Errorf("item %d is paid, not %d", paidItem(s), want)
				}
			}
			s.forbids(200, notAllowed).allows(100)
		},
		"a failed one is due again": func(t *testing.T) {
			s := begin(t, options).on("2026-01-30").starts(100, "pay_1", "pay_2").forbids(100, notAllowed).fails("pay_1").starts(100, "pay_3")
			if paidItem(s) != 0 {
				t.Errorf("item %d is paid", paidItem(s))
			}
		},
		"given back whole it is due again": func(t *testing.T) {
			s := begin(t, options).on("2026-01-10").starts(100, "pay_1").reserves("pay_1").forbids(100, notAllowed)
			s.do(mandate.Reduce{PaymentID: "pay_1", Amount: 100, Final: true}).counts(0, 0).allows(100)
		},
		"given back in part it is paid": func(t *testing.T) {
			s := begin(t, options).on("2026-01-10").starts(100, "pay_1").reserves("pay_1")
			s.do(mandate.Reduce{PaymentID: "pay_1", Amount: 99, Final: true}).counts(1, 1).forbids(100, notAllowed)
		},
		"all in flight, then paid": func(t *testing.T) {
			s := begin(t, options).on("2026-02-10").starts(100, "pay_1", "pay_2").starts(200, "pay_3", "pay_4").forbids(100, reached).forbids(1, reached)
			s.pays("pay_4", "pay_1", "pay_2").is(mandate.StatusActive).pays("pay_3").is(mandate.StatusExhausted)
			s.forbids(100, reached, mandate.NotActive)
		},
		"dates are the zone's": func(t *testing.T) {
			s := begin(t, `{"type":"installment","time_zone":"Asia/Kathmandu","total_amount":5,"terms":{"type":"fixed","items":[{"amount":5,"date":"2026-01-10"}]}}`)
			s.on("2026-01-09T18:14:59Z").forbids(5, notAllowed).on("2026-01-09T18:15:00Z").allows(5)
		},
	})
}

func TestCurrency(t *testing.T) {
	t.Parallel()
	s := begin(t, `{"amount":500,"period_limits":{"period":"day","max_amount":500,"max_count":1}}`)
	c := s.charge("pay_1", 501)
	c.Currency = "USD"
	v := s.refused(c)
	if got := codesOf(v); fmt.Sprint(got) != "[currency_mismatch]" || v.Broken[0].Pointer != "/currency" || v.Broken[0].Detail != "The mandate is for payments in ZAR." {
		t.Errorf("it breaks %+v", v.Broken)
	}
	s.starts(500, "pay_2")
	if got := codesOf(s.refused(c)); fmt.Sprint(got) != "[period_limit_exceeded currency_mismatch]" {
		t.Errorf("a count is one in any currency: %v", got)
	}
}

// A refusal names every rule that is broken, and what the mandate still allows.
func TestEveryRuleIsNamed(t *testing.T) {
	t.Parallel()
	s := begin(t, `{"amount":{"min":100,"max":500},"max_occurrences":2,"validity_period":{"end_date":"2026-01-31"},
		"period_limits":{"period":"year","max_count":2,"max_amount":700}}`)
	s.starts(400, "pay_1").pays("pay_1")
	v := s.refused(s.charge("pay_2", 501))
	if got := v.Error(); got != "mandate_violation: amount_not_allowed, period_limit_exceeded" {
		t.Error(got)
	}
	if got := v.Broken[1].Detail; got != "In the year that goes from 2026-01-01 to 2026-12-31 there remain 1 of 2 payments and ZAR 3.00 of ZAR 7.00." {
		t.Error(got)
	}
	r := v.Remaining
	if r.Currency != "ZAR" || r.AmountMin != 100 || *r.AmountMax != 300 || *r.Payments != 1 || *r.PeriodPayments != 1 ||
		*r.PeriodAmount != 300 || r.PeriodEnd != date(t, "2026-12-31") {
		t.Errorf("there remain %+v", r)
	}
	if got, err := s.state.RemainingAt(moment(s.now)); err != nil || fmt.Sprint(got.Amounts()) != "map[allowed_amount_max:300 allowed_amount_min:100 period_remaining_amount:300]" {
		t.Errorf("there remain %v, %v", got.Amounts(), err)
	}
	s.starts(300, "pay_2").do(mandate.Revoke{By: mandate.ByMerchant}).on("2026-02-01")
	c := s.charge("pay_3", 501)
	v = s.refused(c)
	if got := v.Error(); got != "mandate_violation: amount_not_allowed, outside_validity_period, max_occurrences_reached, period_limit_exceeded, mandate_not_active" {
		t.Error(got)
	}
	c.Currency = "JPY"
	v = s.refused(c)
	if got := v.Error(); got != "mandate_violation: outside_validity_period, max_occurrences_reached, period_limit_exceeded, currency_mismatch, mandate_not_active" {
		t.Error(got)
	}
	if r := v.Remaining; *r.Payments != 0 || *r.AmountMax != 0 || r.AmountMin != 0 {
		t.Errorf("there remain %+v", r)
	}
	var refusal *domain.Refusal
	if !errors.As(error(v), &refusal) || refusal.Code != "mandate_violation" || refusal.Transient || refusal.Detail != "The mandate does not allow this payment." {
		t.Errorf("the refusal is %+v", refusal)
	}
}

func TestRemaining(t *testing.T) {
	t.Parallel()
	left := func(s *story) mandate.Remaining {
		r, err := s.state.RemainingAt(moment(s.now))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := left(begin(t, ``)); r.AmountMax != nil || r.AmountMin != 0 || r.Payments != nil || r.PeriodAmount != nil || len(r.Amounts()) != 0 {
		t.Errorf("without constraints there remain %+v", r)
	}
	s := begin(t, `{"amount":500,"validity_period":{"start_date":"2026-02-01","end_date":"2026-02-28"},"max_occurrences":5}`)
	if r := left(s); *r.AmountMax != 0 || *r.Payments != 5 {
		t.Errorf("before it begins there remain %+v", r)
	}
	if r := left(s.on("2026-02-01")); r.AmountMin != 500 || *r.AmountMax != 500 || *r.Payments != 5 {
		t.Errorf("there remain %+v", r)
	}
	if r := left(s.on("2026-03-01")); *r.AmountMax != 0 || *r.Payments != 0 {
		t.Errorf("when it is over there remain %+v", r)
	}
}

func TestTooManyOpen(t *testing.T) {
	t.Parallel()
	s := begin(t, ``)
	for n := range mandate.OpenMax {
		s.starts(1, fmt.Sprint("pay_", n))
	}
	if err := s.try(s.charge("pay_more", 1)); !errors.Is(err, mandate.ErrTooManyOpen) || !mandate.ErrTooManyOpen.Transient {
		t.Errorf("one more is answered with %v", err)
	}
	s.pays("pay_7").allows(1)
}

func TestChargedTwice(t *testing.T) {
	t.Parallel()
	s := begin(t, ``).starts(1, "pay_1")
	if err := s.try(s.charge("pay_1", 1)); !errors.Is(err, mandate.ErrOutOfOrder) {
		t.Errorf("the same payment again is answered with %v", err)
	}
}

// A machine that lacks a zone is at fault, and not the request.
func TestZoneThatIsGone(t *testing.T) {
	t.Parallel()
	lost := terms(t, `{"validity_period":{"end_date":"2026-02-01"}}`)
	lost.TimeZone = "Africa/Atlantis"
	s := beginWith(t, lost, nil)
	for _, c := range []mandate.Command{s.charge("pay_1", 1), mandate.Expire{Now: moment(s.now)}} {
		if err := s.try(c); err == nil || errors.As(err, new(*domain.Refusal)) {
			t.Errorf("%T is answered with %v", c, err)
		}
	}
	if _, err := lost.EndsAt(); err == nil {
		t.Error("the end of a day is known in a zone that is not")
	}
	if lost.ProblemsAt(instant(t, "2027-01-01")) != nil {
		t.Error("a zone that is gone is blamed on the request")
	}
	if _, err := s.state.RemainingAt(moment(time.Time{})); err == nil {
		t.Error("what remains is known in a zone that is not")
	}
}
