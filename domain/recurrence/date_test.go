package recurrence_test

import (
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tender/domain/recurrence"
)

func TestParseDate(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"0001-01-01", "1900-02-28", "2000-02-29", "2024-02-29", "2026-12-31", "9999-12-31"} {
		if got := date(t, s).String(); got != s {
			t.Errorf("%q is read as %q", s, got)
		}
	}
	for _, s := range []string{
		"", "2026", "2026-1-1", "2026-01-1", "2026-01-001", "26-01-01", "02026-01-01", "2026/01/01", "2026-01-01 ", " 2026-01-01",
		"2026-01-01T00:00:00Z", "2026-00-01", "2026-13-01", "2026-01-00", "2026-01-32", "2026-04-31", "2026-02-29", "1900-02-29",
		"2100-02-29", "0000-01-01", "-001-01-01", "+026-01-01", "2026-+1-01", "2026--1-01", "２０２６-01-01", "2026-0a-01", "2026_01-01", "2026-01_01",
	} {
		if d, err := recurrence.ParseDate(s); err == nil || !d.IsZero() {
			t.Errorf("%q is read as %v (%v)", s, d, err)
		}
	}
}

func TestDateInJSON(t *testing.T) {
	t.Parallel()
	type event struct {
		Start recurrence.Date `json:"start"`
		End   recurrence.Date `json:"end,omitzero"`
	}
	in := event{Start: date(t, "2026-01-31")}
	const want = `{"start":"2026-01-31"}`
	if got := encode(t, in); got != want {
		t.Errorf("it is written as %s, not %s", got, want)
	}
	var out event
	if err := json.Unmarshal([]byte(want), &out); err != nil || out != in {
		t.Errorf("it is read as %v (%v)", out, err)
	}
	for _, wrong := range []string{`{"start":"2026-02-30"}`, `{"start":20260131}`, `{"start":""}`} {
		if err := json.Unmarshal([]byte(wrong), &out); err == nil {
			t.Errorf("%s is read", wrong)
		}
	}
	if out, err := json.Marshal(event{}); err == nil {
		t.Errorf("a missing date is written as %s", out)
	}
}

// Everything that counts days agrees with package time.
func TestDatesCountAsTimeDoes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := drawDate(t, "date", 1, 9999)
		n := rapid.IntRange(-1_000_000, 1_000_000).Draw(t, "days")
		there := time.Date(d.Year(), d.Month(), d.Day(), 0, 0, 0, 0, time.UTC)
		if d.Weekday() != there.Weekday() {
			t.Errorf("%s is a %s, not a %s", d, there.Weekday(), d.Weekday())
		}
		if got := recurrence.DateOf(there, time.UTC); got != d {
			t.Errorf("%s comes back as %s", d, got)
		}
		if there.AddDate(0, 1, -d.Day()).Day() != recurrence.DaysIn(d.Year(), d.Month()) {
			t.Errorf("the month of %s does not have %d days", d, recurrence.DaysIn(d.Year(), d.Month()))
		}
		want := there.AddDate(0, 0, n)
		switch {
		case want.Year() < 1:
			want = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
		case want.Year() > 9999:
			want = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
		}
		moved := d.AddDays(n)
		if moved.String() != want.Format(time.DateOnly) {
			t.Errorf("%d days after %s is %s, not %s", n, d, moved, want.Format(time.DateOnly))
		}
		if moved.Before(d) != want.Before(there) || moved.After(d) != want.After(there) || (moved.Compare(d) == 0) != (moved == d) {
			t.Errorf("%s and %s are in the wrong order", d, moved)
		}
	})
}

func TestDatesEndWithTheCalendar(t *testing.T) {
	t.Parallel()
	first, last := date(t, "0001-01-01"), date(t, "9999-12-31")
	const far = int(^uint(0) >> 1)
	if got := first.AddDays(far); got != last {
		t.Errorf("the last date is %s", got)
	}
	if got := last.AddDays(-far - 1); got != first {
		t.Errorf("the first date is %s", got)
	}
	if got := recurrence.DateOf(time.Time{}, zone(t, "America/Havana")); got != first {
		t.Errorf("the zero time is on %s", got)
	}
	if got := recurrence.DateOf(instant(t, "9999-12-31T23:00:00Z"), zone(t, "Asia/Kathmandu")); got != last {
		t.Errorf("the end of time is on %s", got)
	}
	var none recurrence.Date
	if !none.IsZero() || none.AddDays(1) != none || none.String() != "" || !none.Before(first) || !none.In(time.UTC, recurrence.TimeOfDay{}).IsZero() {
		t.Error("the zero date is one")
	}
	if _, err := recurrence.NewDate(2026, 13, 1); err == nil {
		t.Error("there is a thirteenth month")
	}
}

func TestTimeOfDay(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"00:00", "09:30", "23:59"} {
		at := clock(t, s)
		var back recurrence.TimeOfDay
		if err := json.Unmarshal([]byte(encode(t, at)), &back); err != nil || back != at || at.String() != s {
			t.Errorf("%q is read as %v and comes back as %v (%v)", s, at, back, err)
		}
	}
	if at := clock(t, "23:59"); at.Hour() != 23 || at.Minute() != 59 {
		t.Errorf("23:59 is %d and %d", at.Hour(), at.Minute())
	}
	for _, s := range []string{"", "9:30", "09:3", "24:00", "12:60", "09:30:00", "0930", "09.30", "-1:30", "+9:30", " 9:30", "09:30 "} {
		if at, err := recurrence.ParseTimeOfDay(s); err == nil {
			t.Errorf("%q is read as %v", s, at)
		}
		var at recurrence.TimeOfDay
		if err := at.UnmarshalText([]byte(s)); err == nil {
			t.Errorf("%q is decoded as %v", s, at)
		}
	}
}
