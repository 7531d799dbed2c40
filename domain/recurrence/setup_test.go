package recurrence_test

import (
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tender/domain/recurrence"
)

// reporter is a test, a benchmark, or one draw of a property.
type reporter interface {
	Helper()
	Fatalf(format string, args ...any)
}

func date(t reporter, s string) recurrence.Date {
	t.Helper()
	d, err := recurrence.ParseDate(s)
	if err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	return d
}

func clock(t reporter, s string) recurrence.TimeOfDay {
	t.Helper()
	at, err := recurrence.ParseTimeOfDay(s)
	if err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	return at
}

func zone(t reporter, name string) *time.Location {
	t.Helper()
	z, err := recurrence.Zone(name)
	if err != nil {
		t.Fatalf("%q: %v", name, err)
	}
	return z
}

func rule(t reporter, s string) recurrence.Rule {
	t.Helper()
	r, problems := recurrence.Parse([]byte(s))
	if len(problems) > 0 {
		t.Fatalf("%s: %v", s, problems)
	}
	return r
}

func instant(t reporter, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	return at
}

func encode(t reporter, v any) string {
	t.Helper()
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatalf("%v can't be encoded: %v", v, err)
	}
	return string(out)
}

// Zones with something odd about each: offsets in quarters of an hour, daylight
// saving by half an hour or two hours, at midnight or a minute past it, before a
// month that wanders, and days that were left out whole.
var oddZones = []string{
	"UTC", "Europe/London", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns", "Pacific/Apia",
	"Africa/Casablanca", "America/Havana", "Asia/Beirut", "Pacific/Kwajalein", "Pacific/Kiritimati", "America/Sao_Paulo",
	"Antarctica/Troll", "Pacific/Chatham", "Asia/Gaza", "Africa/Cairo", "America/Caracas", "Asia/Pyongyang", "America/Nuuk",
	"Asia/Amman", "Atlantic/Azores", "America/Scoresbysund", "Asia/Tehran", "Africa/Johannesburg",
}

func drawZone(t *rapid.T) *time.Location {
	return zone(t, rapid.SampledFrom(oddZones).Draw(t, "zone"))
}

func drawClock(t *rapid.T) recurrence.TimeOfDay {
	at, err := recurrence.NewTimeOfDay(rapid.IntRange(0, 23).Draw(t, "hour"), rapid.IntRange(0, 59).Draw(t, "minute"))
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// drawDate draws from a range of years, and the ends of months as often as all
// other days.
func drawDate(t *rapid.T, label string, yearMin, yearMax int) recurrence.Date {
	year := rapid.IntRange(yearMin, yearMax).Draw(t, label+"'s year")
	month := time.Month(rapid.IntRange(1, 12).Draw(t, label+"'s month"))
	day := rapid.OneOf(rapid.IntRange(1, 28), rapid.IntRange(26, 31)).Draw(t, label+"'s day")
	d, err := recurrence.NewDate(year, month, min(day, recurrence.DaysIn(year, month)))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// mustPanic says that f is a mistake in the program.
func mustPanic(t *testing.T, what string, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Errorf("%s does not panic", what)
		}
	}()
	f()
}
