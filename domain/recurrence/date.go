package recurrence

import (
	"cmp"
	"errors"
	"fmt"
	"time"
)

// Limits of a date: what YYYY-MM-DD can write, less the year 0.
const (
	YearMin = 1
	YearMax = 9999
)

const (
	monthsPerYear = 12
	daysPerWeek   = 7
	secondsPerDay = 24 * 60 * 60
)

// Date is a day of the Gregorian calendar, wherever that day is. Dates compare
// with ==; the zero Date is no date, and encoding it is an error: leave it out
// with omitzero.
type Date struct {
	year  int16
	month uint8
	day   uint8
}

// ErrInvalidDate says that something is no date of the years 1 to 9999, or is not
// written as one.
var ErrInvalidDate = errors.New("recurrence: a date is YYYY-MM-DD and must exist, for example 2026-01-31")

// NewDate returns a date, or [ErrInvalidDate] if there is no such day; nothing
// overflows into the next month.
func NewDate(year int, month time.Month, day int) (Date, error) {
	if year < YearMin || year > YearMax || month < time.January || month > time.December || day < 1 || day > DaysIn(year, month) {
		return Date{}, ErrInvalidDate
	}
	return dateOf(year, month, day), nil
}

// dateOf trusts its caller that the day exists.
func dateOf(year int, month time.Month, day int) Date {
	return Date{year: int16(year), month: uint8(month), day: uint8(day)}
}

// ParseDate reads YYYY-MM-DD, to the letter: ten ASCII characters, all digits but
// for the hyphens. The error is [ErrInvalidDate].
func ParseDate(s string) (Date, error) {
	if len(s) != len("2006-01-02") || s[4] != '-' || s[7] != '-' {
		return Date{}, ErrInvalidDate
	}
	year, okYear := digits(s[:4])
	month, okMonth := digits(s[5:7])
	day, okDay := digits(s[8:])
	if !okYear || !okMonth || !okDay {
		return Date{}, ErrInvalidDate
	}
	return NewDate(year, time.Month(month), day)
}

// digits reads a few ASCII digits; ok is false if anything else stands there.
func digits(s string) (n int, ok bool) {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, true
}

// DaysIn returns how many days a month has.
func DaysIn(year int, month time.Month) int {
	switch month {
	case time.April, time.June, time.September, time.November:
		return 30
	case time.February:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	default:
		return 31
	}
}

// Year returns the date's year.
func (d Date) Year() int { return int(d.year) }

// Month returns the date's month.
func (d Date) Month() time.Month { return time.Month(d.month) }

// Day returns the day of the month, from 1.
func (d Date) Day() int { return int(d.day) }

// IsZero reports whether d is no date.
func (d Date) IsZero() bool { return d == Date{} }

// Weekday returns the day of the week.
func (d Date) Weekday() time.Weekday { return weekdayOf(d.number()) }

// Compare returns -1, 0 or 1 as d lies before, on or after o. The zero Date lies
// before every other.
func (d Date) Compare(o Date) int {
	return cmp.Or(cmp.Compare(d.year, o.year), cmp.Compare(d.month, o.month), cmp.Compare(d.day, o.day))
}

// Before reports whether d lies before o.
func (d Date) Before(o Date) bool { return d.Compare(o) < 0 }

// After reports whether d lies after o.
func (d Date) After(o Date) bool { return d.Compare(o) > 0 }

// AddDays returns the date n days later, or earlier if n is negative. The first
// and the last date of the calendar, 0001-01-01 and 9999-12-31, are not passed.
func (d Date) AddDays(n int) Date {
	if d.IsZero() {
		return d
	}
	n = min(max(n, firstNumber-lastNumber), lastNumber-firstNumber)
	return fromNumber(d.number() + n)
}

// String writes YYYY-MM-DD, and nothing for the zero Date.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return fmt.Sprintf("%04d-%02d-%02d", d.year, d.month, d.day)
}

// MarshalText writes YYYY-MM-DD. The zero Date has no such form.
func (d Date) MarshalText() ([]byte, error) {
	if d.IsZero() {
		return nil, errors.New("recurrence: the zero date can't be encoded")
	}
	return []byte(d.String()), nil
}

// UnmarshalText reads YYYY-MM-DD as [ParseDate] does.
func (d *Date) UnmarshalText(text []byte) error {
	parsed, err := ParseDate(string(text))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}

// A day's number counts from 1970-01-01, a Thursday, which is 0.
var (
	firstNumber = dateOf(YearMin, time.January, 1).number()
	lastNumber  = dateOf(YearMax, time.December, 31).number()
)

func (d Date) number() int {
	return numberOf(int(d.year), time.Month(d.month), int(d.day))
}

func numberOf(year int, month time.Month, day int) int {
	return int(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / secondsPerDay)
}

// fromNumber never leaves the calendar.
func fromNumber(n int) Date {
	n = min(max(n, firstNumber), lastNumber)
	return dateOf(time.Unix(int64(n)*secondsPerDay, 0).UTC().Date())
}

func weekdayOf(number int) time.Weekday {
	return time.Weekday(floorMod(number+int(time.Thursday), daysPerWeek))
}

// mondayOf returns the number of the Monday of the week that a day lies in.
func mondayOf(number int) int { return number - daysSinceMonday(weekdayOf(number)) }

func daysSinceMonday(w time.Weekday) int {
	return floorMod(int(w)-int(time.Monday), daysPerWeek)
}

func floorMod(n, by int) int { return (n%by + by) % by }

// A month's index counts from January of the year 0, which is 0.
func (d Date) monthIndex() int { return int(d.year)*monthsPerYear + int(d.month) - 1 }

func monthOf(index int) (year int, month time.Month) {
	return index / monthsPerYear, time.Month(index%monthsPerYear + 1)
}
