package recurrence

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"tender/domain"
)

// depthMax bounds how deep the JSON of a rule or window may be nested. It is more
// than either needs, so that what is out of place is named for what it is.
const depthMax = 16

// reader collects what is wrong with a value.
type reader struct{ problems []FieldProblem }

// element is a value and where it stands.
type element struct {
	r     *reader
	at    string // JSON pointer
	value any
}

// object is a JSON object and where it stands.
type object struct {
	r       *reader
	at      string // JSON pointer
	members map[string]any
	used    map[string]bool
}

func (e element) wrong(code domain.Code, detail string) {
	e.r.problems = append(e.r.problems, FieldProblem{Pointer: e.at, Code: code, Detail: detail})
}

func (e element) text() (string, bool) {
	s, ok := e.value.(string)
	if !ok {
		e.wrong(CodeWrongType, "The value must be a string.")
	}
	return s, ok
}

// integer reads a whole number that is written without fraction or exponent.
func (e element) integer(least, most int) (int, bool) {
	number, ok := e.value.(json.Number)
	if !ok || strings.ContainsAny(number.String(), ".eE") {
		e.wrong(CodeWrongType, "The value must be a whole number, without fraction or exponent.")
		return 0, false
	}
	// A number that is too long for an int is too long for every limit.
	n, err := strconv.Atoi(number.String())
	switch negative := strings.HasPrefix(number.String(), "-"); {
	case err != nil && negative, err == nil && n < least:
		e.wrong(CodeTooSmall, fmt.Sprintf("The number must be at least %d.", least))
	case err != nil, n > most:
		e.wrong(CodeTooLarge, fmt.Sprintf("The number must be at most %d.", most))
	default:
		return n, true
	}
	return 0, false
}

func (r *reader) object(at string, v any) (*object, bool) {
	members, ok := v.(map[string]any)
	if !ok {
		element{r: r, at: at}.wrong(CodeWrongType, "The value must be an object.")
		return nil, false
	}
	return &object{r: r, at: at, members: members, used: make(map[string]bool, len(members))}, true
}

func (o *object) pointer(name string) string { return o.at + "/" + pointerEscaper.Replace(name) }

func (o *object) wrong(name string, code domain.Code, detail string) {
	element{r: o.r, at: o.pointer(name)}.wrong(code, detail)
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

// element returns a member that must be there.
func (o *object) element(name string) (element, bool) {
	v, given := o.take(name)
	if !given {
		o.wrong(name, CodeRequired, "The field is missing.")
	}
	return element{r: o.r, at: o.pointer(name), value: v}, given
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
		e.wrong(CodeNotAnOption, "The value must be one of "+strings.Join(options, ", ")+".")
	}
	return ""
}

// integer reads a whole number that must be there; 0 if it is not.
func (o *object) integer(name string, least, most int) int {
	e, ok := o.element(name)
	if !ok {
		return 0
	}
	n, _ := e.integer(least, most)
	return n
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
		o.wrong(name, CodeUnknown, "There is no such field.")
	}
}

// ignoreUnknown leaves members alone that can't be judged, because the one that
// says what they mean is wrong.
func (o *object) ignoreUnknown() {
	for name := range o.members {
		o.used[name] = true
	}
}

// parseJSON reads one JSON value; no object in it has a member twice.
func parseJSON(data []byte) (any, *FieldProblem) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	v, problem := parseValue(d, "", 0)
	if problem != nil {
		return nil, problem
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, malformed("", "Something follows the JSON value.")
	}
	return v, nil
}

func parseValue(d *json.Decoder, at string, depth int) (any, *FieldProblem) {
	if depth > depthMax {
		return nil, malformed(at, fmt.Sprintf("The JSON is nested more than %d levels deep.", depthMax))
	}
	token, err := d.Token()
	if err != nil {
		return nil, malformed(at, "The JSON can't be read.")
	}
	switch token {
	case json.Delim('{'):
		return parseMembers(d, at, depth)
	case json.Delim('['):
		return parseElements(d, at, depth)
	}
	return token, nil
}

func parseMembers(d *json.Decoder, at string, depth int) (any, *FieldProblem) {
	members := map[string]any{}
	for d.More() {
		token, err := d.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return nil, malformed(at, "The JSON can't be read.")
		}
		below := at + "/" + pointerEscaper.Replace(name)
		if _, twice := members[name]; twice {
			return nil, &FieldProblem{Pointer: below, Code: CodeDuplicate, Detail: "The member stands there twice."}
		}
		v, problem := parseValue(d, below, depth+1)
		if problem != nil {
			return nil, problem
		}
		members[name] = v
	}
	return members, parseEnd(d, at)
}

func parseElements(d *json.Decoder, at string, depth int) (any, *FieldProblem) {
	elements := []any{}
	for d.More() {
		v, problem := parseValue(d, at+"/"+strconv.Itoa(len(elements)), depth+1)
		if problem != nil {
			return nil, problem
		}
		elements = append(elements, v)
	}
	return elements, parseEnd(d, at)
}

func parseEnd(d *json.Decoder, at string) *FieldProblem {
	if _, err := d.Token(); err != nil {
		return malformed(at, "The JSON can't be read.")
	}
	return nil
}

func malformed(at, detail string) *FieldProblem {
	return &FieldProblem{Pointer: at, Code: CodeMalformed, Detail: detail}
}

// pointerEscaper writes a member's name as a step of a JSON pointer (RFC 6901).
var pointerEscaper = strings.NewReplacer("~", "~0", "/", "~1")
