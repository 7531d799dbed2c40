package body

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/cockroachdb/errors"

	"tender/handlers/problem"
)

// Limits of a request body.
const (
	// BytesMax is how large a request's body may be.
	BytesMax = 64 << 10
	depthMax = 16
)

// parse reads a body as one JSON object, strictly: UTF-8, no member twice, no
// deep nesting, nothing behind it. Numbers stay as they were written.
func parse(body []byte) (map[string]any, error) {
	if !utf8.Valid(body) {
		return nil, malformed("", "The body is not UTF-8.")
	}
	if halfSurrogate(body) {
		return nil, malformed("", `The JSON holds half of a surrogate pair, such as "\ud800" alone, which is no character.`)
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	v, err := parseValue(d, "", 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, malformed("", "Something follows the JSON object.")
	}
	o, isObject := v.(map[string]any)
	if !isObject {
		return nil, malformed("", "The body must be one JSON object.")
	}
	return o, nil
}

// halfSurrogate reports whether a \u escape stands for half a character. The
// decoder would put U+FFFD in its place, and keep something else than was sent.
func halfSurrogate(body []byte) bool {
	for i := 0; i < len(body)-1; i++ {
		if body[i] != '\\' {
			continue
		}
		i++ // what is escaped; the second half, if any, lies right behind the first
		r := escaped(body[i:])
		if !utf16.IsSurrogate(r) {
			continue
		}
		i += 5
		if i >= len(body) || body[i] != '\\' || utf16.DecodeRune(r, escaped(body[i+1:])) == unicode.ReplacementChar {
			return true
		}
		i++
	}
	return false
}

// escaped is the unit that the digits behind a u stand for; -1: there are none.
func escaped(s []byte) rune {
	if len(s) < 5 || s[0] != 'u' {
		return -1
	}
	n, err := strconv.ParseUint(string(s[1:5]), 16, 16)
	if err != nil {
		return -1
	}
	return rune(n)
}

func parseValue(d *json.Decoder, at string, depth int) (any, error) {
	if depth > depthMax {
		return nil, malformed(at, fmt.Sprintf("The JSON is nested more than %d levels deep.", depthMax))
	}
	t, err := d.Token()
	if err != nil {
		return nil, malformed(at, "The JSON can't be read: "+readable(err)+".")
	}
	delim, isDelim := t.(json.Delim)
	switch {
	case !isDelim:
		return t, nil
	case delim == '{':
		return parseObject(d, at, depth)
	default:
		return parseArray(d, at, depth)
	}
}

func parseObject(d *json.Decoder, at string, depth int) (any, error) {
	o := map[string]any{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, malformed(at, "The JSON can't be read: "+readable(err)+".")
		}
		name, ok := t.(string)
		if !ok {
			return nil, malformed(at, "A member's name must be a string.")
		}
		below := at + "/" + Escape(name)
		if _, twice := o[name]; twice {
			return nil, problem.New(problem.MalformedRequest, "A member stands in the body twice.").
				WithFieldErrors(problem.FieldError{Pointer: below, Code: problem.Duplicate, Detail: "The member stands there twice."})
		}
		if o[name], err = parseValue(d, below, depth+1); err != nil {
			return nil, err
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, malformed(at, "The JSON can't be read: "+readable(err)+".")
	}
	return o, nil
}

func parseArray(d *json.Decoder, at string, depth int) (any, error) {
	list := []any{}
	for d.More() {
		v, err := parseValue(d, fmt.Sprintf("%s/%d", at, len(list)), depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	if _, err := d.Token(); err != nil {
		return nil, malformed(at, "The JSON can't be read: "+readable(err)+".")
	}
	return list, nil
}

func malformed(at, detail string) error {
	return problem.New(problem.MalformedRequest, detail).
		WithFieldErrors(problem.FieldError{Pointer: at, Code: problem.Malformed, Detail: detail})
}

// readable is what a syntax error says, without the name of the package.
func readable(err error) string {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "it ends too early"
	}
	return strings.TrimPrefix(err.Error(), "json: ")
}

// pointerEscapes are those of RFC 6901.
var pointerEscapes = strings.NewReplacer("~", "~0", "/", "~1")

// Escape writes a member's name as a step of a JSON pointer (RFC 6901).
func Escape(name string) string { return pointerEscapes.Replace(name) }
