package mandate_test

import (
	"fmt"
	"testing"

	"tender/domain/mandate"
)

// Each row is a payment of the only one that fits a window, and the edges of the
// windows around it, by hand.
func TestWindows(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, period, window, zone string
		paid                       string
		first, last                string // the window's first instant, and its last second
	}{
		{"a day", "day", ``, "UTC", "2026-03-01T10:00:00Z", "2026-03-01T00:00:00Z", "2026-03-01T23:59:59Z"},
		{"29 February", "day", ``, "UTC", "2028-02-29T10:00:00Z", "2028-02-29T00:00:00Z", "2028-02-29T23:59:59Z"},
		{"a day with 23 hours", "day", ``, "Europe/London", "2026-03-29T10:00:00Z", "2026-03-29T00:00:00Z", "2026-03-29T22:59:59Z"},
		{"a day with 25 hours", "day", ``, "Europe/London", "2026-10-25T10:00:00Z", "2026-10-24T23:00:00Z", "2026-10-25T23:59:59Z"},
		{"the day after one that a zone left out", "day", ``, "Pacific/Apia", "2011-12-30T12:00:00Z", "2011-12-30T10:00:00Z", "2011-12-31T09:59:59Z"},
		{"a week from Monday", "week", ``, "UTC", "2026-01-01T10:00:00Z", "2025-12-29T00:00:00Z", "2026-01-04T23:59:59Z"},
		{"a week from Sunday", "week", `,"window":{"mode":"cycle","anchor":{"type":"day_of_week","day":"sun"}}`, "UTC", "2026-01-01T10:00:00Z", "2025-12-28T00:00:00Z", "2026-01-03T23:59:59Z"},
		{"February", "month", `,"window":{"mode":"calendar"}`, "UTC", "2026-02-15T10:00:00Z", "2026-02-01T00:00:00Z", "2026-02-28T23:59:59Z"},
		{"February of a leap year", "month", ``, "UTC", "2028-02-15T10:00:00Z", "2028-02-01T00:00:00Z", "2028-02-29T23:59:59Z"},
		{"a month in a zone", "month", ``, "Africa/Johannesburg", "2026-01-31T22:00:00Z", "2026-01-31T22:00:00Z", "2026-02-28T21:59:59Z"},
		{"from the 15th", "month", `,"window":{"mode":"cycle","anchor":{"type":"day_of_month","day":15}}`, "UTC", "2026-02-14T10:00:00Z", "2026-01-15T00:00:00Z", "2026-02-14T23:59:59Z"},
		{"from the 31st, in February", "month", `,"window":{"mode":"cycle","anchor":{"type":"day_of_month","day":31}}`, "UTC", "2026-03-01T10:00:00Z", "2026-02-28T00:00:00Z", "2026-03-30T23:59:59Z"},
		{"from the 31st, in a leap year", "month", `,"window":{"mode":"cycle","anchor":{"type":"day_of_month","day":31}}`, "UTC", "2028-02-28T10:00:00Z", "2028-01-31T00:00:00Z", "2028-02-28T23:59:59Z"},
		{"over the year's end", "month", `,"window":{"mode":"cycle","anchor":{"type":"day_of_month","day":20}}`, "UTC", "2026-12-31T10:00:00Z", "2026-12-20T00:00:00Z", "2027-01-19T23:59:59Z"},
		{"a year", "year", ``, "UTC", "2026-12-31T10:00:00Z", "2026-01-01T00:00:00Z", "2026-12-31T23:59:59Z"},
		{"a year in a zone", "year", ``, "America/New_York", "2026-12-31T10:00:00Z", "2026-01-01T05:00:00Z", "2027-01-01T04:59:59Z"},
		{"from 6 April", "year", `,"window":{"mode":"cycle","anchor":{"type":"day_of_year","month":4,"day":6}}`, "UTC", "2026-01-10T10:00:00Z", "2025-04-06T00:00:00Z", "2026-04-05T23:59:59Z"},
		{"from 29 February", "year", `,"window":{"mode":"cycle","anchor":{"type":"day_of_year","month":2,"day":29}}`, "UTC", "2027-03-01T10:00:00Z", "2027-02-28T00:00:00Z", "2028-02-28T23:59:59Z"},
		{"from 29 February, in a leap year", "year", `,"window":{"mode":"cycle","anchor":{"type":"day_of_year","month":2,"day":29}}`, "UTC", "2028-02-29T10:00:00Z", "2028-02-29T00:00:00Z", "2029-02-27T23:59:59Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			options := fmt.Sprintf(`{"time_zone":%q,"period_limits":{"period":%q,"max_count":1%s}}`, c.zone, c.period, c.window)
			s := begin(t, options).on(c.paid).starts(1, "pay_1").pays("pay_1")
			s.forbids(1, mandate.PeriodLimitExceeded)
			s.on(c.last).forbids(1, mandate.PeriodLimitExceeded)
			s.now = s.now.Add(1e9)
			s.allows(1)

			begin(t, options).on(c.first).starts(1, "pay_1").pays("pay_1").on(c.last).forbids(1, mandate.PeriodLimitExceeded)
			s = begin(t, options).on(c.first)
			s.now = s.now.Add(-1e9)
			s.starts(1, "pay_1").pays("pay_1").on(c.first).allows(1)
		})
	}
}

func TestPeriodLimits(t *testing.T) {
	t.Parallel()
	const exceeded = mandate.PeriodLimitExceeded
	check(t, map[string]func(*testing.T){
		"a sum": func(t *testing.T) {
			s := begin(t, `{"amount":{"max":500},"period_limits":{"period":"month","max_amount":1000}}`)
			s.starts(500, "pay_1").starts(499, "pay_2").forbids(2, exceeded).allows(1).starts(1, "pay_3").forbids(1, exceeded)
			if got := s.refused(s.charge("pay_4", 1)).Broken[0].Detail; got != "In the month that goes from 2026-01-01 to 2026-01-31 there remain ZAR 0.00 of ZAR 10.00." {
				t.Error(got)
			}
			s.on("2026-02-01").allows(500)
		},
		"a count": func(t *testing.T) {
			s := begin(t, `{"period_limits":{"period":"week","max_count":1}}`).starts(500, "pay_1").forbids(1, exceeded)
			if got := s.refused(s.charge("pay_4", 1)).Broken[0].Detail; got != "In the week that goes from 2025-12-29 to 2026-01-04 there remain 0 of 1 payment." {
				t.Error(got)
			}
		},
		"what fails counts no longer": func(t *testing.T) {
			s := begin(t, `{"period_limits":{"period":"month","max_count":2,"max_amount":1000}}`).starts(600, "pay_1").starts(400, "pay_2")
			s.forbids(1, exceeded).fails("pay_1").allows(600).forbids(601, exceeded).counts(1, 400)
		},
		"what is given back counts no longer": func(t *testing.T) {
			s := begin(t, `{"period_limits":{"period":"month","max_count":2,"max_amount":1000}}`).starts(600, "pay_1").starts(400, "pay_2").reserves("pay_1").pays("pay_2")
			s.do(mandate.Reduce{PaymentID: "pay_1", Amount: 300}).counts(2, 700).forbids(1, exceeded)
			s.do(mandate.Reduce{PaymentID: "pay_1", Amount: 300}).counts(1, 400).allows(600).forbids(601, exceeded)
		},
		"it counts where it was begun": func(t *testing.T) {
			s := begin(t, `{"period_limits":{"period":"month","max_count":1}}`).on("2026-01-31").starts(600, "pay_1")
			s.on("2026-02-01").pays("pay_1").allows(1).starts(1, "pay_2").forbids(1, exceeded)
		},
		"what comes back of an earlier window changes nothing in the next": func(t *testing.T) {
			s := begin(t, `{"period_limits":{"period":"month","max_count":2,"max_amount":1000}}`).on("2026-01-31").starts(600, "pay_1").starts(400, "pay_2").reserves("pay_1")
			s.on("2026-02-01").starts(900, "pay_3").pays("pay_3").forbids(101, exceeded)
			s.do(mandate.Reduce{PaymentID: "pay_1", Amount: 600}).fails("pay_2").forbids(101, exceeded).starts(100, "pay_4").forbids(1, exceeded)
		},
		"a window that nothing was paid in": func(t *testing.T) {
			s := begin(t, `{"period_limits":{"period":"month","max_count":1}}`).starts(600, "pay_1")
			s.on("2027-01-01").allows(1).on("2027-02-01").allows(1)
		},
		"an exact amount": func(t *testing.T) {
			s := begin(t, `{"amount":400,"period_limits":{"period":"month","max_amount":1000}}`).starts(400, "pay_1", "pay_2").forbids(400, exceeded)
			if r := s.refused(s.charge("pay_3", 400)).Remaining; r.AmountMin != 400 || *r.AmountMax != 200 || r.PeriodPayments != nil {
				t.Errorf("there remain %+v", r)
			}
		},
	})
}
