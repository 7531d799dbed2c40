package recurrence

import (
	"errors"
	"fmt"
	"time"
)

// TimeOfDay is an hour and a minute as clocks show them. The zero TimeOfDay is
// midnight, when a day begins.
type TimeOfDay struct {
	hour   uint8
	minute uint8
}

// ErrInvalidTimeOfDay says that something is no time from 00:00 to 23:59, or is
// not written as one.
var ErrInvalidTimeOfDay = errors.New("recurrence: a time of day is HH:MM, from 00:00 to 23:59")

// NewTimeOfDay returns a time of day, or [ErrInvalidTimeOfDay] if there is none.
func NewTimeOfDay(hour, minute int) (TimeOfDay, error) {
	if hour < 0 || hour > 23 || minute < 0 || minute > 59 {
		return TimeOfDay{}, ErrInvalidTimeOfDay
	}
	return TimeOfDay{hour: uint8(hour), minute: uint8(minute)}, nil
}

// ParseTimeOfDay reads HH:MM, to the letter: five ASCII characters. The error is
// [ErrInvalidTimeOfDay].
func ParseTimeOfDay(s string) (TimeOfDay, error) {
	if len(s) != len("15:04") || s[2] != ':' {
		return TimeOfDay{}, ErrInvalidTimeOfDay
	}
	hour, okHour := digits(s[:2])
	minute, okMinute := digits(s[3:])
	if !okHour || !okMinute {
		return TimeOfDay{}, ErrInvalidTimeOfDay
	}
	return NewTimeOfDay(hour, minute)
}

// Hour returns the hour, 0 to 23.
func (t TimeOfDay) Hour() int { return int(t.hour) }

// Minute returns the minute, 0 to 59.
func (t TimeOfDay) Minute() int { return int(t.minute) }

// String writes HH:MM.
func (t TimeOfDay) String() string { return fmt.Sprintf("%02d:%02d", t.hour, t.minute) }

// MarshalText writes HH:MM.
func (t TimeOfDay) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads HH:MM as [ParseTimeOfDay] does.
func (t *TimeOfDay) UnmarshalText(text []byte) error {
	parsed, err := ParseTimeOfDay(string(text))
	if err != nil {
		return err
	}
	*t = parsed
	return nil
}

// lastInstant is the last second of the year 9999 in UTC: RFC 3339 can't write a
// later one.
var lastInstant = time.Date(YearMax, time.December, 31, 23, 59, 59, 0, time.UTC)

// Clocks in no place have ever been further from UTC than this, in seconds, or
// set back by more at once.
const offsetMax = secondsPerDay

// transitionsMax is how often the clocks of one place may be changed within two
// days. No place has done so more than twice.
const transitionsMax = 16

// In returns the first instant, in UTC, at which clocks in zone show this time on
// this date or anything later.
//
// So a time that comes twice, because clocks are set back, is the first of the
// two; one that clocks skip, because they are set forward, is the instant at
// which they skip it; and that instant stands for every time of a day that a zone
// skips whole. A later date or time never comes before an earlier one, though
// both may come at one instant. What would lie past the year 9999 in UTC comes at
// that year's last second. The zero Date has no instants: the answer is the zero
// time.
func (d Date) In(zone *time.Location, at TimeOfDay) time.Time {
	if d.IsZero() {
		return time.Time{}
	}
	shown := time.Date(int(d.year), time.Month(d.month), int(d.day), int(at.hour), int(at.minute), 0, 0, time.UTC)
	from := shown.Add(-offsetMax * time.Second)
	for range transitionsMax {
		local := from.In(zone)
		_, offset := local.Zone()
		until := offsetUntil(local)
		// While this offset holds, clocks show the time at one instant; they show
		// later ones already if that lies before the offset began.
		first := shown.Add(-time.Duration(offset) * time.Second)
		if first.Before(from) {
			first = from
		}
		if until.IsZero() || first.Before(until) {
			if first.After(lastInstant) {
				return lastInstant
			}
			return first.UTC()
		}
		from = until
	}
	panic(fmt.Sprintf("recurrence: the clocks of %s change more than %d times around %s", zone, transitionsMax, d))
}

// offsetUntil returns when the offset that holds at local may end; zero if never.
// Where a zone goes by a rule for all years to come, package time takes each of
// them for 365 days, so that on the last day of a leap year it names an end that
// has passed. Offsets that hold on that day hold until it ends.
func offsetUntil(local time.Time) time.Time {
	_, until := local.ZoneBounds()
	if until.IsZero() || until.After(local) {
		return until
	}
	return local.Truncate(secondsPerDay * time.Second).Add(secondsPerDay * time.Second)
}

// DateOf returns the date that calendars in zone show at t. An instant outside
// the years 1 to 9999 has the first or last date of these.
func DateOf(t time.Time, zone *time.Location) Date {
	local := t.In(zone)
	switch year := local.Year(); {
	case year < YearMin:
		return fromNumber(firstNumber)
	case year > YearMax:
		return fromNumber(lastNumber)
	}
	return dateOf(local.Date())
}
