package recurrence_test

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tender/domain/recurrence"
)

// A time that the clocks skip comes at the next instant that exists, one that
// comes twice at the first.
func TestIn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ zone, date, at, want, why string }{
		{"UTC", "2026-02-28", "09:30", "2026-02-28T09:30:00Z", "nothing happens"},
		{"Asia/Kathmandu", "2026-06-01", "09:00", "2026-06-01T03:15:00Z", "5:45 ahead"},

		{"America/New_York", "2026-03-08", "01:59", "2026-03-08T06:59:00Z", "before the skipped hour"},
		{"America/New_York", "2026-03-08", "02:00", "2026-03-08T07:00:00Z", "the skipped hour's first minute"},
		{"America/New_York", "2026-03-08", "02:59", "2026-03-08T07:00:00Z", "the skipped hour's last minute"},
		{"America/New_York", "2026-03-08", "03:00", "2026-03-08T07:00:00Z", "the hour after"},
		{"America/New_York", "2026-03-08", "03:01", "2026-03-08T07:01:00Z", "the hour after"},
		{"America/New_York", "2026-11-01", "00:59", "2026-11-01T04:59:00Z", "before the hour that comes twice"},
		{"America/New_York", "2026-11-01", "01:00", "2026-11-01T05:00:00Z", "the first of two"},
		{"America/New_York", "2026-11-01", "01:59", "2026-11-01T05:59:00Z", "the first of two"},
		{"America/New_York", "2026-11-01", "02:00", "2026-11-01T07:00:00Z", "after both"},
		{"Europe/London", "2026-03-29", "01:15", "2026-03-29T01:00:00Z", "skipped"},
		{"Europe/London", "2026-10-25", "01:30", "2026-10-25T00:30:00Z", "twice"},

		{"Australia/Lord_Howe", "2026-10-04", "02:15", "2026-10-03T15:30:00Z", "half an hour is skipped"},
		{"Australia/Lord_Howe", "2026-10-04", "02:30", "2026-10-03T15:30:00Z", "and is over"},
		{"Australia/Lord_Howe", "2026-04-05", "01:45", "2026-04-04T14:45:00Z", "half an hour comes twice"},
		{"Australia/Lord_Howe", "2026-04-05", "02:00", "2026-04-04T15:30:00Z", "and is over"},
		{"Antarctica/Troll", "2026-03-29", "02:59", "2026-03-29T01:00:00Z", "two hours are skipped"},

		{"America/Havana", "2026-03-08", "00:00", "2026-03-08T05:00:00Z", "midnight is skipped"},
		{"America/Havana", "2026-11-01", "00:30", "2026-11-01T04:30:00Z", "midnight comes twice"},
		{"Asia/Beirut", "2026-03-29", "00:00", "2026-03-28T22:00:00Z", "midnight is skipped"},
		{"Asia/Beirut", "2026-10-24", "23:30", "2026-10-24T20:30:00Z", "the last hour comes twice"},
		{"Asia/Beirut", "2026-10-25", "00:00", "2026-10-24T22:00:00Z", "midnight is reached the second time only"},
		{"America/St_Johns", "2006-10-29", "00:00", "2006-10-29T02:30:00Z", "set back at 00:01: midnight comes twice"},
		{"America/St_Johns", "2006-10-29", "00:01", "2006-10-29T03:31:00Z", "reached the second time only"},
		{"America/St_Johns", "2006-10-28", "23:01", "2006-10-29T01:31:00Z", "the first of two"},

		{"Africa/Casablanca", "2026-02-15", "02:30", "2026-02-15T01:30:00Z", "Ramadan: twice"},
		{"Africa/Casablanca", "2026-03-22", "02:30", "2026-03-22T02:00:00Z", "after Ramadan: skipped"},
		{"Asia/Kathmandu", "1986-01-01", "00:10", "1985-12-31T18:30:00Z", "a quarter is skipped for good"},

		{"Pacific/Apia", "2011-12-29", "23:59", "2011-12-30T09:59:00Z", "before the skipped day"},
		{"Pacific/Apia", "2011-12-30", "00:00", "2011-12-30T10:00:00Z", "a day is skipped"},
		{"Pacific/Apia", "2011-12-30", "23:59", "2011-12-30T10:00:00Z", "a day is skipped"},
		{"Pacific/Apia", "2011-12-31", "00:00", "2011-12-30T10:00:00Z", "the day after begins"},
		{"Pacific/Apia", "2011-12-31", "09:00", "2011-12-30T19:00:00Z", "the day after"},
		{"Pacific/Kwajalein", "1993-08-20", "12:00", "1993-08-21T00:00:00Z", "before the skipped day"},
		{"Pacific/Kwajalein", "1993-08-21", "12:00", "1993-08-21T12:00:00Z", "a day is skipped"},
		{"Pacific/Kwajalein", "1993-08-22", "12:00", "1993-08-22T00:00:00Z", "the day after"},

		{"Europe/London", "2052-12-31", "12:00", "2052-12-31T12:00:00Z", "a far leap year's last day"},
		{"Asia/Beirut", "2053-01-01", "01:00", "2052-12-31T23:00:00Z", "a far leap year's last hours"},
		{"America/New_York", "2096-12-31", "23:00", "2097-01-01T04:00:00Z", "over a far leap year's end"},

		{"Pacific/Kiritimati", "0001-01-01", "00:00", "0001-01-01T10:29:20Z", "the first date, by the sun"},
		{"America/Havana", "9999-12-31", "18:59", "9999-12-31T23:59:00Z", "nearly the last instant"},
		{"America/Havana", "9999-12-31", "19:01", "9999-12-31T23:59:59Z", "past the last instant"},
	} {
		got := date(t, c.date).In(zone(t, c.zone), clock(t, c.at))
		if !got.Equal(instant(t, c.want)) || got.Location() != time.UTC {
			t.Errorf("%s %s in %s comes at %s, not %s: %s", c.date, c.at, c.zone, got, c.want, c.why)
		}
	}
}

// What is found by looking at the zone's changes is what somebody finds who looks
// at a clock there every minute.
func TestInAgreesWithWatchingTheClock(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		z := drawZone(t)
		d, at := drawNearChange(t, z), drawClock(t)
		if got, want := d.In(z, at), watch(t, z, d, at); !got.Equal(want) {
			t.Errorf("%s %s in %s comes at %s, not %s", d, at, z, got.Format(time.RFC3339), want.Format(time.RFC3339))
		}
	})
}

// drawNearChange draws a date since 1970 within a day of a change of the clocks,
// where there is one, or of a year's end. (Before, some clocks differed by seconds.)
func drawNearChange(t *rapid.T, z *time.Location) recurrence.Date {
	some := time.Unix(rapid.Int64Range(86400, 4_000_000_000).Draw(t, "time"), 0).In(z)
	if _, change := some.ZoneBounds(); !change.IsZero() {
		some = change
	}
	if rapid.IntRange(0, 9).Draw(t, "year's end") == 0 {
		some = time.Date(some.Year(), 12, 31, 12, 0, 0, 0, z)
	}
	return recurrence.DateOf(some, z).AddDays(rapid.IntRange(-1, 1).Draw(t, "days from change"))
}

// watch returns the first minute at which clocks show a time, or else the first at
// which they show a later one.
func watch(t *rapid.T, z *time.Location, d recurrence.Date, at recurrence.TimeOfDay) time.Time {
	shown := d.String() + " " + at.String()
	around, err := time.Parse("2006-01-02 15:04", shown)
	if err != nil {
		t.Fatal(err)
	}
	var later time.Time
	for minute := around.Add(-26 * time.Hour); minute.Before(around.Add(26 * time.Hour)); minute = minute.Add(time.Minute) {
		switch reads := minute.In(z).Format("2006-01-02 15:04"); {
		case reads == shown:
			return minute
		case reads > shown && later.IsZero():
			later = minute
		}
	}
	return later
}

// Later dates and times never come earlier, so that dates and instants are in one
// order.
func TestInKeepsTheOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		z := drawZone(t)
		d, at, laterAt := drawNearChange(t, z), drawClock(t), drawClock(t)
		if d.In(z, at).After(d.AddDays(1).In(z, laterAt)) {
			t.Errorf("%s %s in %s comes after %s on the day after", d, at, z, laterAt)
		}
		if at.String() <= laterAt.String() && d.In(z, at).After(d.In(z, laterAt)) {
			t.Errorf("%s %s in %s comes after %s", d, at, z, laterAt)
		}
	})
}

func TestZone(t *testing.T) {
	t.Parallel()
	for _, name := range append([]string{"America/Argentina/ComodRivadavia", "Etc/GMT+12", "GMT0", "EST5EDT", "Asia/Ust-Nera"}, oddZones...) {
		z := zone(t, name)
		if z.String() != name {
			t.Errorf("%q is called %q", name, z)
		}
		if zone(t, name) != z {
			t.Errorf("%q is another zone the second time", name)
		}
	}
	for _, name := range []string{
		"", "Local", "local", "localtime", "Factory", "utc", "europe/london", "Europe/Londres", "Europe", "+02:00", "GMT+2:00", "/Europe/London",
		"Europe/London/", "../zoneinfo/UTC", "Europe/../UTC", "posix/Europe/London", "right/Europe/London", "posixrules", "tzdata.zi",
		"Europe/London\x00", "Europe\\London", "Zürich", "A" + string(make([]byte, 100)),
	} {
		z, err := recurrence.Zone(name)
		if !errors.Is(err, recurrence.ErrUnknownZone) || z != nil {
			t.Errorf("%q is the zone %v (%v)", name, z, err)
		}
	}
}
