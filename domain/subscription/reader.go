package subscription

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tender/domain"
	"tender/domain/recurrence"
)

// codeInvalidFormat says that a string does not look as it must.
const codeInvalidFormat domain.Code = "invalid_format"

// reader collects what is wrong with a value.
type reader struct{ problems []recurrence.FieldProblem }

// field is a member of an object, and where it stands.
type field struct {
	r     *reader
	at    string // JSON pointer
	value any
}

func (f field) wrong(code domain.Code, detail string) {
	f.r.problems = append(f.r.problems, recurrence.FieldProblem{Pointer: f.at, Code: code, Detail: detail})
}

func (f field) text() (string, bool) {
	s, ok := f.value.(string)
	if !ok {
		f.wrong(recurrence.CodeWrongType, "The value must be a string.")
	}
	return s, ok
}

// option reads a string that is one of a few; "" if it is not.
func (f field) option(options ...string) string {
	s, ok := f.text()
	if ok && !slices.Contains(options, s) {
		f.wrong(recurrence.CodeNotAnOption, "The value must be one of "+strings.Join(options, ", ")+".")
		return ""
	}
	return s
}

// integer reads a whole number that is written without fraction or exponent; ok is
// false if it is none, or out of bounds.
func (f field) integer(least, most int64) (n int64, ok bool) {
	number, isNumber := f.value.(json.Number)
	if !isNumber || strings.ContainsAny(number.String(), ".eE") {
		f.wrong(recurrence.CodeWrongType, "The value must be a whole number, without fraction or exponent.")
		return 0, false
	}
	n, err := strconv.ParseInt(number.String(), 10, 64)
	switch negative := strings.HasPrefix(number.String(), "-"); {
	case err != nil && negative, err == nil && n < least:
		f.wrong(recurrence.CodeTooSmall, fmt.Sprintf("The number must be at least %d.", least))
	case err != nil, n > most:
		f.wrong(recurrence.CodeTooLarge, fmt.Sprintf("The number must be at most %d.", most))
	default:
		return n, true
	}
	return 0, false
}

// date reads a date; the zero Date if it is none.
func (f field) date() recurrence.Date {
	s, ok := f.text()
	if !ok {
		return recurrence.Date{}
	}
	d, err := recurrence.ParseDate(s)
	if err != nil {
		f.wrong(codeInvalidFormat, "The value must be a date that exists, written YYYY-MM-DD, for example 2026-01-31.")
	}
	return d
}

// list returns the elements of a list with no more than most of them.
func (f field) list(most int) []field {
	values, ok := f.value.([]any)
	switch {
	case !ok:
		f.wrong(recurrence.CodeWrongType, "The value must be a list.")
		return nil
	case len(values) > most:
		f.wrong(recurrence.CodeTooMany, fmt.Sprintf("The list may hold at most %d.", most))
		return nil
	}
	elements := make([]field, len(values))
	for i, v := range values {
		elements[i] = field{r: f.r, at: f.at + "/" + strconv.Itoa(i), value: v}
	}
	return elements
}

// object reads an object, of which each member that is there is given to the
// function that has its name. Members without one are unknown; they are noted in
// alphabetical order after all others.
func (f field) object(members ...member) bool {
	values, ok := f.value.(map[string]any)
	if !ok {
		f.wrong(recurrence.CodeWrongType, "The value must be an object.")
		return false
	}
	unknown := make([]string, 0, len(values))
	for name := range values {
		if !slices.ContainsFunc(members, func(m member) bool { return m.name == name }) {
			unknown = append(unknown, name)
		}
	}
	for _, m := range members {
		if v, given := values[m.name]; given {
			m.read(field{r: f.r, at: f.at + "/" + m.name, value: v})
		}
	}
	slices.Sort(unknown)
	for _, name := range unknown {
		field{r: f.r, at: f.at + "/" + pointerEscaper.Replace(name)}.wrong(recurrence.CodeUnknown, "There is no such field.")
	}
	return true
}

// member is what reads one member of an object.
type member struct {
	name string
	read func(field)
}

// pointerEscaper writes a member's name as a step of a JSON pointer (RFC 6901).
var pointerEscaper = strings.NewReplacer("~", "~0", "/", "~1")
