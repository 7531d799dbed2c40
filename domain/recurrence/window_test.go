package recurrence_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tender/domain/recurrence"
)

// readWindow reads a window as it comes from a request.
func readWindow(t reporter, p recurrence.Period, s string) (recurrence.Window, []recurrence.FieldProblem) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return recurrence.ReadWindow(p, v)
}

func window(t reporter, p recurrence.Period, s string) recurrence.Window {
	t.Helper()
	w, problems := readWindow(t, p, s)
	if len(problems) > 0 {
		t.Fatalf("%s: %v", s, problems)
	}
	return w
}

const calendar = `{"mode":"calendar"}`

func TestBounds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		period               recurrence.Period
		window               string
		date, first, last, s string
	}{
		{"day", calendar, "2026-02-28", "2026-02-28", "2026-02-28", "calendar day"},
		{"week", calendar, "2026-01-04", "2025-12-29", "2026-01-04", "calendar week"},
		{"week", calendar, "2026-01-05", "2026-01-05", "2026-01-11", "calendar week"},
		{"month", calendar, "2024-02-29", "2024-02-01", "2024-02-29", "calendar month"},
		{"year", calendar, "2026-12-31", "2026-01-01", "2026-12-31", "calendar year"},

		{"week", `{"mode":"cycle","anchor":{"type":"day_of_week","day":"fri"}}`, "2026-01-01", "2025-12-26", "2026-01-01", "week from Friday"},
		{"week", `{"mode":"cycle","anchor":{"type":"day_of_week","day":"sun"}}`, "2026-01-04", "2026-01-04", "2026-01-10", "week from Sunday"},
		{"week", `{"mode":"cycle","anchor":{"type":"day_of_week","day":"mon"}}`, "2026-01-04", "2025-12-29", "2026-01-04", "week from Monday"},

		{"month", `{"mode":"cycle","anchor":{"type":"day_of_month","day":15}}`, "2026-01-14", "2025-12-15", "2026-01-14", "month from the 15th"},
		{"month", `{"mode":"cycle","anchor":{"type":"day_of_month","day":15}}`, "2026-01-15", "2026-01-15", "2026-02-14", "month from the 15th"},
		{"month", `{"mode":"cycle","anchor":{"type":"day_of_month","day":1}}`, "2026-01-15", "2026-01-01", "2026-01-31", "month from the 1st"},
		{"month", `{"mode":"cycle","anchor":{"type":"day_of_month","day":31}}`, "2026-02-27", "2026-01-31", "2026-02-27", "month from the 31st (in a shorter month, on its last day)"},
		{"month", `{"mode":"cycle","anchor":{"type":"day_of_month","day":31}}`, "2026-02-28", "2026-02-28", "2026-03-30", "month from the 31st (in a shorter month, on its last day)"},
		{"month", `{"mode":"cycle","anchor":{"type":"day_of_month","day":30}}`, "2024-03-01", "2024-02-29", "2024-03-29", "month from the 30th (in a shorter month, on its last day)"},

		{"year", `{"mode":"cycle","anchor":{"type":"day_of_year","month":4,"day":6}}`, "2026-04-05", "2025-04-06", "2026-04-05", "year from 6 April"},
		{"year", `{"mode":"cycle","anchor":{"type":"day_of_year","month":4,"day":6}}`, "2026-04-06", "2026-04-06", "2027-04-05", "year from 6 April"},
		{"year", `{"mode":"cycle","anchor":{"type":"day_of_year","month":2,"day":29}}`, "2027-02-28", "2027-02-28", "2028-02-28", "year from 29 February (28 February in a year without a 29th)"},
		{"year", `{"mode":"cycle","anchor":{"type":"day_of_year","month":2,"day":29}}`, "2028-02-29", "2028-02-29", "2029-02-27", "year from 29 February (28 February in a year without a 29th)"},

		{"month", `{"mode":"cycle","anchor":{"type":"day_of_month","day":15}}`, "0001-01-14", "0001-01-01", "0001-01-14", "month from the 15th"},
		{"month", `{"mode":"cycle","anchor":{"type":"day_of_month","day":15}}`, "9999-12-15", "9999-12-15", "9999-12-31", "month from the 15th"},
		{"week", calendar, "9999-12-31", "9999-12-27", "9999-12-31", "calendar week"},
		{"year", calendar, "0001-01-01", "0001-01-01", "0001-12-31", "calendar year"},
		{"year", `{"mode":"cycle","anchor":{"type":"day_of_year","month":12,"day":31}}`, "0001-01-01", "0001-01-01", "0001-12-30", "year from 31 December"},
	} {
		w := window(t, c.period, c.window)
		first, last := w.Bounds(c.period, date(t, c.date))
		if first.String() != c.first || last.String() != c.last {
			t.Errorf("%s, %s: %s lies from %s to %s, not from %s to %s", c.period, c.window, c.date, first, last, c.first, c.last)
		}
		if got := w.Describe(c.period); got != c.s {
			t.Errorf("%s, %s is %q, not %q", c.period, c.window, got, c.s)
		}
		if got := encode(t, w); got != c.window || w.IsZero() != (c.window == calendar) {
			t.Errorf("%s is written as %s", c.window, got)
		}
		var back recurrence.Window
		if err := json.Unmarshal([]byte(c.window), &back); err != nil || back != w {
			t.Errorf("%s comes back as %v (%v)", c.window, back, err)
		}
	}
}

// Windows go by what begins them: each begins on its day, and lasts to the day
// before the next begins. So every day lies in exactly one.
func TestWindowsPartitionTheDays(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.SampledFrom([]recurrence.Period{"day", "week", "month", "year"}).Draw(t, "period")
		weekday := time.Weekday(rapid.IntRange(0, 6).Draw(t, "weekday"))
		month := rapid.IntRange(1, 12).Draw(t, "month")
		day := rapid.OneOf(rapid.IntRange(1, 31), rapid.IntRange(28, 31)).Draw(t, "day")
		day = min(day, recurrence.DaysIn(2000, time.Month(month)))
		var anchor map[string]any
		switch p {
		case "week":
			anchor = map[string]any{"type": "day_of_week", "day": wireDay(weekday)}
		case "month":
			anchor = map[string]any{"type": "day_of_month", "day": day}
		case "year":
			anchor = map[string]any{"type": "day_of_year", "month": month, "day": day}
		}
		wire := encode(t, map[string]any{"mode": "cycle", "anchor": anchor})
		if anchor == nil || rapid.Bool().Draw(t, "calendar") {
			wire, weekday, month, day = calendar, time.Monday, 1, 1
		}
		w := window(t, p, wire)
		begins := func(d recurrence.Date) bool {
			switch p {
			case "week":
				return d.Weekday() == weekday
			case "month":
				return falls([]int{day}, midnight(d))
			case "year":
				return int(d.Month()) == month && falls([]int{day}, midnight(d))
			}
			return true
		}
		d := drawDate(t, "date", 2, 9997)
		wantFirst, wantLast := d, d
		for !begins(wantFirst) {
			wantFirst = wantFirst.AddDays(-1)
		}
		for !begins(wantLast.AddDays(1)) {
			wantLast = wantLast.AddDays(1)
		}
		if first, last := w.Bounds(p, d); first != wantFirst || last != wantLast {
			t.Errorf("%s, %s: %s lies from %s to %s, not from %s to %s", p, wire, d, first, last, wantFirst, wantLast)
		}
	})
}

func TestWrongWindows(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		period recurrence.Period
		sent   string
		want   []string
	}{
		{"month", `null`, []string{` wrong_type`}},
		{"month", `"calendar"`, []string{` wrong_type`}},
		{"month", `{}`, []string{`/mode required`}},
		{"month", `{"mode":"rolling","anchor":1,"days":30}`, []string{`/mode not_an_option`, `/days unknown`}},
		{"month", `{"mode":"calendar","anchor":{"type":"day_of_month","day":15}}`, []string{`/anchor contradiction`}},
		{"month", `{"mode":"cycle"}`, []string{`/anchor required`}},
		{"month", `{"mode":"cycle","anchor":15}`, []string{`/anchor wrong_type`}},
		{"month", `{"mode":"cycle","anchor":{}}`, []string{`/anchor/type required`}},
		{"month", `{"mode":"cycle","anchor":{"type":"start","day":0}}`, []string{`/anchor/type not_an_option`}},
		{"month", `{"mode":"cycle","anchor":{"type":"day_of_month","day":32,"month":1}}`, []string{`/anchor/day too_large`, `/anchor/month unknown`}},
		{"month", `{"mode":"cycle","anchor":{"type":"day_of_month"}}`, []string{`/anchor/day required`}},
		{"month", `{"mode":"cycle","anchor":{"type":"day_of_week","day":"fri"}}`, []string{`/anchor contradiction`}},
		{"week", `{"mode":"cycle","anchor":{"type":"day_of_week","day":5}}`, []string{`/anchor/day wrong_type`}},
		{"week", `{"mode":"cycle","anchor":{"type":"day_of_month","day":15}}`, []string{`/anchor contradiction`}},
		{"year", `{"mode":"cycle","anchor":{"type":"day_of_year","month":4,"day":31}}`, []string{`/anchor/day too_large`}},
		{"year", `{"mode":"cycle","anchor":{"type":"day_of_year"}}`, []string{`/anchor/month required`, `/anchor/day required`}},
		{"day", `{"mode":"cycle","anchor":{"type":"day_of_month","day":15}}`, []string{`/anchor contradiction`}},
		{"", `{"mode":"cycle","anchor":{"type":"day_of_month","day":15}}`, nil},
	} {
		w, problems := readWindow(t, c.period, c.sent)
		var got []string
		for _, p := range problems {
			got = append(got, p.Pointer+" "+string(p.Code))
		}
		if !slices.Equal(got, c.want) || len(got) > 0 && !w.IsZero() {
			t.Errorf("%s, %s:\n got %q\nwant %q", c.period, c.sent, got, c.want)
		}
	}
	for _, sent := range []string{`{"mode":"cycle"}`, `{"mode":"calendar","mode":"calendar"}`, `null`} {
		var w recurrence.Window
		if err := w.UnmarshalJSON([]byte(sent)); err == nil {
			t.Errorf("%s is decoded", sent)
		}
	}
}

func TestWindowMistakes(t *testing.T) {
	t.Parallel()
	w, d := window(t, "month", `{"mode":"cycle","anchor":{"type":"day_of_month","day":15}}`), date(t, "2026-01-01")
	mustPanic(t, "another period", func() { w.Bounds("week", d) })
	mustPanic(t, "the zero date", func() { w.Bounds("month", recurrence.Date{}) })
	mustPanic(t, "an unknown period", func() { recurrence.Window{}.Bounds("decade", d) })
	type limit struct {
		Window recurrence.Window `json:"window,omitzero"`
	}
	if got := encode(t, limit{}); got != `{}` {
		t.Errorf("a window by the calendar is written as %s", got)
	}
}
