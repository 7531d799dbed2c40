package body

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"tender/domain"
	"tender/domain/money"
	"tender/handlers/problem"
)

// Fields reads the members of one JSON object and collects everything that is
// wrong with them, so that a caller hears of all of it at once.
type Fields struct {
	at     string // JSON pointer of the object
	values map[string]any
	used   map[string]bool
	errs   *problem.FieldErrors
}

func newFields(o map[string]any) *Fields {
	return &Fields{values: o, used: map[string]bool{}, errs: &problem.FieldErrors{}}
}

// Wrong notes what is wrong with a member; name "" means the object itself.
func (f *Fields) Wrong(name string, code domain.Code, detail string) {
	at := f.at
	if name != "" {
		at = f.pointer(name)
	}
	f.errs.Add(at, code, detail)
}

// WrongAt is Wrong for what a JSON pointer names, from these members on: "" is the
// whole, "/events/0" the first element of one of them.
func (f *Fields) WrongAt(pointer string, code domain.Code, detail string) {
	f.errs.Add(f.at+pointer, code, detail)
}

// Blames reports whether something was noted about just what a JSON pointer names,
// from these members on.
func (f *Fields) Blames(pointer string) bool {
	return slices.ContainsFunc(*f.errs, func(e problem.FieldError) bool { return e.Pointer == f.at+pointer })
}

func (f *Fields) pointer(name string) string { return f.at + "/" + Escape(name) }

// Take returns a member as it was read, and whether it is there.
func (f *Fields) Take(name string) (any, bool) {
	f.used[name] = true
	v, present := f.values[name]
	return v, present
}

// Has reports whether the member is there, whatever it is.
func (f *Fields) Has(name string) bool {
	_, present := f.values[name]
	return present
}

// Empty reports whether there are no members at all.
func (f *Fields) Empty() bool { return len(f.values) == 0 }

// Text reads a string; ok is false where it is absent or none.
func (f *Fields) Text(name string) (string, bool) {
	v, present := f.Take(name)
	if !present {
		return "", false
	}
	return f.text("/"+Escape(name), v)
}

// text reads the string v at a JSON pointer from these members on. U+0000 is
// refused in every string: PostgreSQL has no text that holds it.
func (f *Fields) text(pointer string, v any) (string, bool) {
	s, ok := v.(string)
	switch {
	case !ok:
		f.WrongAt(pointer, problem.WrongType, "The value must be a string.")
	case hasNUL(s):
		f.WrongAt(pointer, problem.InvalidFormat, "U+0000 can't be stored.")
	default:
		return s, true
	}
	return "", false
}

// Option reads a string that must be one of a few.
func (f *Fields) Option(name, absent string, options ...string) string {
	s, ok := f.Text(name)
	if !ok {
		return absent
	}
	for _, o := range options {
		if s == o {
			return s
		}
	}
	f.Wrong(name, problem.NotAnOption, "The value must be one of "+strings.Join(options, ", ")+".")
	return absent
}

var wholeNumber = regexp.MustCompile(`^-?\d+$`)

// Integer reads a whole number that was written without fraction or exponent; ok
// is false where it is absent or none, or doesn't fit 64 bits.
func (f *Fields) Integer(name string) (int64, bool) {
	v, present := f.Take(name)
	if !present {
		return 0, false
	}
	n, ok := v.(json.Number)
	if !ok {
		f.Wrong(name, problem.WrongType, "The value must be a whole number.")
		return 0, false
	}
	i, err := strconv.ParseInt(n.String(), 10, 64)
	switch {
	case err == nil:
		return i, true
	case !wholeNumber.MatchString(n.String()):
		f.Wrong(name, problem.WrongType, "The value must be a whole number: neither fractions nor exponents.")
	case n.String()[0] == '-':
		f.Wrong(name, problem.TooSmall, "The number is too small.")
	default:
		f.Wrong(name, problem.TooLarge, "The number is too large.")
	}
	return 0, false
}

// Amount reads an amount in minor units, at least min.
func (f *Fields) Amount(name string, min int64) (int64, bool) {
	n, ok := f.Integer(name)
	switch {
	case !ok:
		return 0, false
	case n < min:
		f.Wrong(name, problem.TooSmall, fmt.Sprintf("The amount must be at least %d.", min))
		return 0, false
	case n > money.AmountMax:
		f.Wrong(name, problem.TooLarge, fmt.Sprintf("The amount must be at most %d.", int64(money.AmountMax)))
		return 0, false
	}
	return n, true
}

// Boolean reads true or false; ok is false where it is absent or neither.
func (f *Fields) Boolean(name string) (value, ok bool) {
	v, present := f.Take(name)
	if !present {
		return false, false
	}
	b, ok := v.(bool)
	if !ok {
		f.Wrong(name, problem.WrongType, "The value must be true or false.")
	}
	return b, ok
}

// Object reads a member that is an object; nil where it is absent or none.
func (f *Fields) Object(name string) *Fields {
	v, present := f.Take(name)
	if !present {
		return nil
	}
	o, ok := v.(map[string]any)
	if !ok {
		f.Wrong(name, problem.WrongType, "The value must be an object.")
		return nil
	}
	return &Fields{at: f.pointer(name), values: o, used: map[string]bool{}, errs: f.errs}
}

// Texts reads a list of strings; ok is false where it is absent or none. In the place
// of an element that is no string stands "".
func (f *Fields) Texts(name string) ([]string, bool) {
	v, present := f.Take(name)
	if !present {
		return nil, false
	}
	list, ok := v.([]any)
	if !ok {
		f.Wrong(name, problem.WrongType, "The value must be a list of strings.")
		return nil, false
	}
	out := make([]string, 0, len(list))
	for i, e := range list {
		s, isText := f.text("/"+Escape(name)+"/"+strconv.Itoa(i), e)
		ok = ok && isText
		out = append(out, s)
	}
	return out, ok
}

// instantYearMin is the first year that a time may lie in; RFC 3339 itself ends with
// the year 9999.
const instantYearMin = 1970

// Instant reads an RFC 3339 time, in UTC and whole milliseconds.
func (f *Fields) Instant(name string) (time.Time, bool) {
	s, ok := f.Text(name)
	if !ok {
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		f.Wrong(name, problem.InvalidFormat, "The time must be RFC 3339, for example 2026-11-22T09:30:00Z.")
		return time.Time{}, false
	}
	// An offset may lead out of the years that can be written.
	t = t.UTC().Truncate(time.Millisecond)
	switch {
	case t.Year() < instantYearMin:
		f.Wrong(name, problem.TooSmall, fmt.Sprintf("The time must not lie before the year %d.", instantYearMin))
		return time.Time{}, false
	case t.Year() > 9999:
		f.Wrong(name, problem.TooLarge, "The time must not lie after the year 9999.")
		return time.Time{}, false
	}
	return t, true
}

// Done notes every member that nobody asked for, and returns what was wrong.
func (f *Fields) Done() error {
	f.Unknown()
	if len(*f.errs) > 0 {
		return *f.errs
	}
	return nil
}

// Unknown notes the members of this object that nobody asked for.
func (f *Fields) Unknown() {
	for name := range f.values {
		if !f.used[name] {
			f.errs.Add(f.pointer(name), problem.Unknown, "There is no such field.")
		}
	}
}

// Limits of what merchants may hang on an object.
const (
	// MetadataPairsMax is how many pairs of metadata an object has at most.
	MetadataPairsMax  = 20
	metadataKeyMax    = 50
	metadataValueMax  = 500
	externalReference = 255
)

var referencePattern = regexp.MustCompile(`^[a-zA-Z0-9_-]+$`)

// Metadata reads the member metadata; nil where it is absent, empty or wrong.
func (f *Fields) Metadata() map[string]string {
	o := f.Object("metadata")
	if o == nil {
		return nil
	}
	if len(o.values) > MetadataPairsMax {
		f.Wrong("metadata", problem.TooMany, fmt.Sprintf("metadata holds at most %d pairs.", MetadataPairsMax))
		return nil
	}
	m := make(map[string]string, len(o.values))
	for key := range o.values {
		value, ok := o.Text(key)
		if !ok {
			value = "-" // what is wrong with it is said already
		}
		if code, detail := CheckMetadata(key, value); code != "" {
			f.errs.Add(o.pointer(key), code, detail)
		} else if ok {
			m[key] = value
		}
	}
	if len(m) == 0 {
		return nil
	}
	return m
}

// CheckMetadata returns what is wrong with a pair of metadata; code "": nothing.
func CheckMetadata(key, value string) (code domain.Code, detail string) {
	switch n := utf8.RuneCountInString(key); {
	case n < 1:
		return problem.TooShort, "A key has at least 1 character."
	case n > metadataKeyMax:
		return problem.TooLong, fmt.Sprintf("A key has at most %d characters.", metadataKeyMax)
	case value == "":
		return problem.TooShort, "A value has at least 1 character."
	case utf8.RuneCountInString(value) > metadataValueMax:
		return problem.TooLong, fmt.Sprintf("A value has at most %d characters.", metadataValueMax)
	case hasNUL(key), hasNUL(value):
		return problem.InvalidFormat, "U+0000 can't be stored."
	}
	return "", ""
}

// Reference reads the member external_reference; "" where it is absent.
func (f *Fields) Reference() string {
	s, ok := f.Text("external_reference")
	if !ok {
		return ""
	}
	if code, detail := CheckReference(s); code != "" {
		f.Wrong("external_reference", code, detail)
	}
	return s
}

// CheckReference returns what is wrong with an external reference; code "":
// nothing.
func CheckReference(s string) (code domain.Code, detail string) {
	switch {
	case s == "":
		return problem.TooShort, "The reference has at least 1 character."
	case len(s) > externalReference:
		return problem.TooLong, fmt.Sprintf("The reference has at most %d characters.", externalReference)
	case !referencePattern.MatchString(s):
		return problem.InvalidFormat, "The reference may hold letters, digits, _ and - only."
	}
	return "", ""
}

func hasNUL(s string) bool {
	for i := range len(s) {
		if s[i] == 0 {
			return true
		}
	}
	return false
}
