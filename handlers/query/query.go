// Package query reads the query strings of requests, and collects everything that is
// wrong with one, so that the caller hears of all of it at once.
package query

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cockroachdb/errors"

	"tender/domain"
	"tender/domain/id"
	"tender/handlers/body"
	"tender/handlers/problem"
)

// Limits of a page of a list.
const (
	PageDefault = 20
	PageMax     = 100
)

// Parameters reads a query string and collects what is wrong with it.
type Parameters struct {
	values url.Values
	used   map[string]bool
	errs   problem.FieldErrors
}

// New returns a reader of v.
func New(v url.Values) *Parameters {
	return &Parameters{values: v, used: map[string]bool{}}
}

// Readable refuses a query string of which a part would be passed over, or
// would be looked for as something else.
func Readable(r *http.Request) error {
	_, err := url.ParseQuery(r.URL.RawQuery)
	text, unescapeErr := url.QueryUnescape(r.URL.RawQuery)
	switch {
	case err != nil, unescapeErr != nil:
		return problem.New(problem.MalformedRequest, "The query string can't be read: something in it is not escaped as it must be.")
	case !utf8.ValidString(text):
		return problem.New(problem.MalformedRequest, "The query string is not UTF-8.")
	}
	return nil
}

// None refuses every parameter.
func None(v url.Values) error { return New(v).Done() }

// Wrong notes what is wrong with the parameter name.
func (p *Parameters) Wrong(name string, code domain.Code, detail string) {
	p.errs = append(p.errs, problem.FieldError{Parameter: name, Code: code, Detail: detail})
}

// Text returns a parameter, or "" where it is absent. One without a value is a
// mistake: whoever builds a query from a variable that is empty should hear of it.
func (p *Parameters) Text(name string) string {
	value := p.values.Get(name)
	switch {
	case p.used[name]:
	case len(p.values[name]) > 1:
		p.Wrong(name, problem.Duplicate, "The parameter stands there twice.")
	case value == "" && p.values.Has(name):
		p.Wrong(name, problem.TooShort, "The parameter has no value. Leave it out where it is not meant.")
	}
	p.used[name] = true
	return value
}

// Reference reads a filter by external reference.
func (p *Parameters) Reference(name string) string {
	s := p.Text(name)
	if s == "" {
		return ""
	}
	if code, detail := body.CheckReference(s); code != "" {
		p.Wrong(name, code, detail)
	}
	return s
}

// ID reads a filter by an object's id.
func (p *Parameters) ID(name string, prefix id.Prefix) string {
	s := p.Text(name)
	if s != "" && !id.Valid(prefix, s) {
		p.Wrong(name, problem.InvalidFormat, "This is not an id of that kind: they begin with "+string(prefix)+"_.")
		return ""
	}
	return s
}

// Metadata reads the filters metadata[key]=value.
func (p *Parameters) Metadata() map[string]string {
	var pairs map[string]string
	for name := range p.values {
		key, found := strings.CutPrefix(name, "metadata[")
		if !found || !strings.HasSuffix(key, "]") {
			continue
		}
		key = strings.TrimSuffix(key, "]")
		value := p.Text(name)
		if value == "" && key != "" {
			continue // said already
		}
		if code, detail := body.CheckMetadata(key, value); code != "" {
			p.Wrong(name, code, detail)
			continue
		}
		if pairs == nil {
			pairs = map[string]string{}
		}
		pairs[key] = value
	}
	if len(pairs) > body.MetadataPairsMax {
		p.Wrong("metadata", problem.TooMany, "There are at most 20 pairs to filter by.")
	}
	return pairs
}

// Option reads a parameter that has one of a few values.
func (p *Parameters) Option(name string, options []string) string {
	s := p.Text(name)
	if s != "" && !slices.Contains(options, s) {
		p.Wrong(name, problem.NotAnOption, "The value must be one of "+strings.Join(options, ", ")+".")
		return ""
	}
	return s
}

// Limit reads how many entries a page has.
func (p *Parameters) Limit() int {
	raw := p.Text("limit")
	if raw == "" {
		return PageDefault
	}
	n, err := strconv.Atoi(raw) // beyond its range n is the end of that
	switch {
	case err != nil && !errors.Is(err, strconv.ErrRange):
		p.Wrong("limit", problem.WrongType, "The limit must be a whole number.")
	case n < 1:
		p.Wrong("limit", problem.TooSmall, "The limit must be at least 1.")
	case n > PageMax:
		p.Wrong("limit", problem.TooLarge, "The limit must be at most 100.")
	default:
		return n
	}
	return PageDefault
}

// Instant reads a time, RFC 3339; the zero time where the parameter is absent.
func (p *Parameters) Instant(name string) time.Time {
	raw := p.Text(name)
	if raw == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, raw)
	if err != nil {
		p.Wrong(name, problem.InvalidFormat, "The time must be RFC 3339, for example 2026-11-22T09:30:00Z.")
	}
	return t
}

// Done returns everything that is wrong, parameters that nobody read among it; nil:
// nothing is.
func (p *Parameters) Done() error {
	for name := range p.values {
		if !p.used[name] {
			p.Wrong(name, problem.Unknown, "There is no such parameter.")
		}
	}
	return p.Err()
}

// Err returns what is wrong with the parameters that were read so far; nil: nothing is.
func (p *Parameters) Err() error {
	if len(p.errs) > 0 {
		return p.errs
	}
	return nil
}
