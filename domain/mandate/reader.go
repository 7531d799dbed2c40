package mandate

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

// add notes what is wrong with a value that was read elsewhere.
func (r *reader) add(at string, problems []recurrence.FieldProblem) {
	for _, p := range problems {
		p.Pointer = at + p.Pointer
		r.problems = append(r.problems, p)
	}
}

func (r *reader) object(at string, v any) (*object, bool) {
	members, ok := v.(map[string]any)
	if !ok {
		element{r: r, at: at}.wrong(recurrence.CodeWrongType, "The value must be an object.")
		return nil, false
	}
	return &object{r: r, at: at, members: members, used: make(map[string]bool, len(members))}, true
}

// element is a value and where it stands.
type element struct {
	r     *reader
	at    string // JSON pointer
	value any
}

func (e element) wrong(code domain.Code, detail string) {
	e.r.problems = append(e.r.problems, recurrence.FieldProblem{Pointer: e.at, Code: code, Detail: detail})
}

func (e element) text() (string, bool) {
	s, ok := e.value.(string)
	if !ok {
		e.wrong(recurrence.CodeWrongType, "The value must be a string.")
	}
	return s, ok
}

// integer reads a whole number that is written without fraction or exponent. The
// last argument says what the value must be.
func (e element) integer(least, most int64, must string) (int64, bool) {
	number, ok := e.value.(json.Number)
	if !ok || strings.ContainsAny(number.String(), ".eE") {
		e.wrong(recurrence.CodeWrongType, must)
		return 0, false
	}
	// A number that is too long for 64 bits is too long for every limit.
	n, err := strconv.ParseInt(number.String(), 10, 64)
	switch negative := strings.HasPrefix(number.String(), "-"); {
	case err != nil && negative, err == nil && n < least:
		e.wrong(recurrence.CodeTooSmall, fmt.Sprintf("The number must be at least %d.", least))
	case err != nil, n > most:
		e.wrong(recurrence.CodeTooLarge, fmt.Sprintf("The number must be at most %d.", most))
	default:
		return n, true
	}
	return 0, false
}

// object is a JSON object and where it stands.
type object struct {
	r       *reader
	at      string // JSON pointer
	members map[string]any
	used    map[string]bool
}

func (o *object) pointer(name string) string { return o.at + "/" + pointerEscaper.Replace(name) }

func (o *object) wrong(name string, code domain.Code, detail string) {
	element{r: o.r, at: o.pointer(name)}.wrong(code, detail)
}

func (o *object) wrongItself(code domain.Code, detail string) {
	element{r: o.r, at: o.at}.wrong(code, detail)
}

func (o *object) has(name string) bool {
	_, given := o.members[name]
	return given
}

func (o *object) take(name string) (any, bool) {
	o.used[name] = true
	v, given := o.members[name]
	return v, given
}

// skip leaves members alone that can't be judged, because the one that says what
// they mean is wrong.
func (o *object) skip(names ...string) {
	for _, name := range names {
		o.used[name] = true
	}
}

func (o *object) ignoreUnknown() {
	for name := range o.members {
		o.used[name] = true
	}
}

// contradict notes the members that can't stand beside the rest.
func (o *object) contradict(detail string, names ...string) {
	for _, name := range names {
		if _, given := o.take(name); given {
			o.wrong(name, recurrence.CodeContradiction, detail)
		}
	}
}

// element returns a member that must be there.
func (o *object) element(name string) (element, bool) {
	v, given := o.take(name)
	if !given {
		o.wrong(name, recurrence.CodeRequired, "The field is missing.")
	}
	return element{r: o.r, at: o.pointer(name), value: v}, given
}

// objectIn returns a member that is an object, if it is there.
func (o *object) objectIn(name string) (*object, bool) {
	v, given := o.take(name)
	if !given {
		return nil, false
	}
	return o.r.object(o.pointer(name), v)
}

// option reads a string that must be there and be one of a few; "" if it is not.
func (o *object) option(name string, options ...string) string {
	e, ok := o.element(name)
	if !ok {
		return ""
	}
	s, ok := e.text()
	switch {
	case !ok:
	case slices.Contains(options, s):
		return s
	default:
		e.wrong(recurrence.CodeNotAnOption, "The value must be one of "+strings.Join(options, ", ")+".")
	}
	return ""
}

// integer reads a whole number that must be there; 0 if it is not.
func (o *object) integer(name string, least, most int64) int64 {
	e, ok := o.element(name)
	if !ok {
		return 0
	}
	n, _ := e.integer(least, most, "The value must be a whole number, without fraction or exponent.")
	return n
}

// date reads a date that must be there; the zero Date if it is not.
func (o *object) date(name string) recurrence.Date {
	e, ok := o.element(name)
	if !ok {
		return recurrence.Date{}
	}
	s, ok := e.text()
	if !ok {
		return recurrence.Date{}
	}
	d, err := recurrence.ParseDate(s)
	if err != nil {
		e.wrong(codeInvalidFormat, "The value must be a date that exists, written YYYY-MM-DD, for example 2026-01-31.")
	}
	return d
}

// list returns the elements of a list that must be there and hold something.
func (o *object) list(name string, most int) []element {
	e, ok := o.element(name)
	if !ok {
		return nil
	}
	values, ok := e.value.([]any)
	switch {
	case !ok:
		e.wrong(recurrence.CodeWrongType, "The value must be a list.")
		return nil
	case len(values) == 0:
		e.wrong(recurrence.CodeTooFew, "The list must hold at least one.")
		return nil
	case len(values) > most:
		e.wrong(recurrence.CodeTooMany, fmt.Sprintf("The list may hold at most %d.", most))
		return nil
	}
	elements := make([]element, len(values))
	for i, v := range values {
		elements[i] = element{r: o.r, at: e.at + "/" + strconv.Itoa(i), value: v}
	}
	return elements
}

// unknown notes the members that nobody asked for, in alphabetical order.
func (o *object) unknown() {
	var names []string
	for name := range o.members {
		if !o.used[name] {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		o.wrong(name, recurrence.CodeUnknown, "There is no such field.")
	}
}

// pointerEscaper writes a member's name as a step of a JSON pointer (RFC 6901).
var pointerEscaper = strings.NewReplacer("~", "~0", "/", "~1")
