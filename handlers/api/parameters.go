package api

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

// parameters reads a query string and collects what is wrong with it.
type parameters struct {
	values url.Values
	used   map[string]bool
	errs   problem.FieldErrors
}

func newParameters(v url.Values) *parameters {
	return &parameters{values: v, used: map[string]bool{}}
}

// readableQuery refuses a query string of which a part would be passed over, or
// would be looked for as something else.
func readableQuery(r *http.Request) error {
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

func unknownParameters(v url.Values) error { return newParameters(v).done() }

func (p *parameters) wrong(name string, code domain.Code, detail string) {
	p.errs = append(p.errs, problem.FieldError{Parameter: name, Code: code, Detail: detail})
}

// text returns a parameter, or "" where it is absent. One without a value is a
// mistake: whoever builds a query from a variable that is empty should hear of it.
func (p *parameters) text(name string) string {
	value := p.values.Get(name)
	switch {
	case p.used[name]:
	case len(p.values[name]) > 1:
		p.wrong(name, problem.Duplicate, "The parameter stands there twice.")
	case value == "" && p.values.Has(name):
		p.wrong(name, problem.TooShort, "The parameter has no value. Leave it out where it is not meant.")
	}
	p.used[name] = true
	return value
}

// reference reads a filter by external reference.
func (p *parameters) reference(name string) string {
	s := p.text(name)
	if s == "" {
		return ""
	}
	if code, detail := body.CheckReference(s); code != "" {
		p.wrong(name, code, detail)
	}
	return s
}

// id reads a filter by an object's id.
func (p *parameters) id(name string, prefix id.Prefix) string {
	s := p.text(name)
	if s != "" && !id.Valid(prefix, s) {
		p.wrong(name, problem.InvalidFormat, "This is not an id of that kind: they begin with "+string(prefix)+"_.")
		return ""
	}
	return s
}

// metadata reads the filters metadata[key]=value.
func (p *parameters) metadata() map[string]string {
	var pairs map[string]string
	for name := range p.values {
		key, found := strings.CutPrefix(name, "metadata[")
		if !found || !strings.HasSuffix(key, "]") {
			continue
		}
		key = strings.TrimSuffix(key, "]")
		value := p.text(name)
		if value == "" && key != "" {
			continue // said already
		}
		if code, detail := body.CheckMetadata(key, value); code != "" {
			p.wrong(name, code, detail)
			continue
		}
		if pairs == nil {
			pairs = map[string]string{}
		}
		pairs[key] = value
	}
	if len(pairs) > body.MetadataPairsMax {
		p.wrong("metadata", problem.TooMany, "There are at most 20 pairs to filter by.")
	}
	return pairs
}

func (p *parameters) option(name string, options []string) string {
	s := p.text(name)
	if s != "" && !slices.Contains(options, s) {
		p.wrong(name, problem.NotAnOption, "The value must be one of "+join(options)+".")
		return ""
	}
	return s
}

func (p *parameters) limit() int {
	raw := p.text("limit")
	if raw == "" {
		return pageDefault
	}
	n, err := strconv.Atoi(raw) // beyond its range n is the end of that
	switch {
	case err != nil && !errors.Is(err, strconv.ErrRange):
		p.wrong("limit", problem.WrongType, "The limit must be a whole number.")
	case n < 1:
		p.wrong("limit", problem.TooSmall, "The limit must be at least 1.")
	case n > pageMax:
		p.wrong("limit", problem.TooLarge, "The limit must be at most 100.")
	default:
		return n
	}
	return pageDefault
}

func (p *parameters) instant(name string) time.Time {
	raw := p.text(name)
	if raw == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, raw)
	if err != nil {
		p.wrong(name, problem.InvalidFormat, "The time must be RFC 3339, for example 2026-11-22T09:30:00Z.")
	}
	return t
}

func (p *parameters) done() error {
	for name := range p.values {
		if !p.used[name] {
			p.wrong(name, problem.Unknown, "There is no such parameter.")
		}
	}
	if len(p.errs) > 0 {
		return p.errs
	}
	return nil
}
