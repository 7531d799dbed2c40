// Package problem says no to the outside world: RFC 9457 problem documents, one
// table of every kind of them, and the one function that turns an error into
// one.
//
// It knows nothing of what was asked, and never shows what an error says inside:
// only refusals of the domain and field errors reach the caller in words.
package problem

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"tender/domain"
)

// ContentType is the media type of problem documents.
const ContentType = "application/problem+json"

// IndexPath is where every problem is explained; the fragment of a problem's
// type names one of them. IndexPath + "/" + slug is the page of one alone.
const IndexPath = "/errors"

// Limits of a problem document: what a hostile request can make it grow to.
const (
	fieldErrorsMax  = 100
	pointerBytesMax = 512
)

// Kinds returns the table of problems, by status, in its order.
func Kinds() []Kind { return slices.Clone(table) }

var kinds = indexKinds()

func indexKinds() map[domain.Code]Kind {
	index := make(map[domain.Code]Kind, len(table))
	for _, k := range table {
		index[k.Code] = k
	}
	return index
}

// KindOf returns the row of a code, and whether there is one.
func KindOf(code domain.Code) (Kind, bool) {
	k, ok := kinds[code]
	return k, ok
}

// Slug is the code as it stands in URLs: with dashes.
func (k Kind) Slug() string { return strings.ReplaceAll(string(k.Code), "_", "-") }

// Type is the URI that identifies the kind of problem on the server at base,
// which has no slash at its end.
func (k Kind) Type(base string) string { return base + IndexPath + "#" + k.Slug() }

// Problem is one answer that is not what the caller hoped for. It is a value,
// and an error, so that handlers can return it. Marshalled it is the record that
// a replay is rendered from again: it has neither status nor request id.
type Problem struct {
	Code    domain.Code      `json:"code"`
	Detail  string           `json:"detail,omitempty"`
	Errors  []FieldError     `json:"errors,omitempty"`
	Amounts map[string]int64 `json:"amounts,omitempty"` // minor units, by the payment's field names
	// ConflictingResourceID names the object that the Idempotency-Key stands for.
	ConflictingResourceID string `json:"conflicting_resource_id,omitempty"`
	// RetryAfter overrides the table's; it is sent in whole seconds, rounded up.
	RetryAfter time.Duration `json:"-"`
}

// New returns a problem. The detail is one sentence for people; "" leaves the
// explanation to the title. A code that is not in the table, which is a mistake
// in this program, is written as an internal_error.
func New(code domain.Code, detail string) Problem { return Problem{Code: code, Detail: detail} }

// FromRecord reads a problem that was kept with json.Marshal.
func FromRecord(record json.RawMessage) (Problem, error) {
	var p Problem
	if err := json.Unmarshal(record, &p); err != nil {
		return Problem{}, fmt.Errorf("read the record of a problem: %w", err)
	}
	return p, nil
}

// WithFieldErrors returns p with what is wrong with each field added.
func (p Problem) WithFieldErrors(errs ...FieldError) Problem {
	p.Errors = append(slices.Clip(p.Errors), errs...)
	return p
}

// WithAmounts returns p with the sums that explain it, in minor units, under the
// payment's own field names ("capturable_amount") and "requested_amount".
func (p Problem) WithAmounts(amounts map[string]int64) Problem {
	p.Amounts = maps.Clone(amounts)
	return p
}

// WithConflictingResource returns p with the id of the object that an
// Idempotency-Key stands for already.
func (p Problem) WithConflictingResource(id string) Problem {
	p.ConflictingResourceID = id
	return p
}

// WithRetryAfter returns p with the time to wait before the next try.
func (p Problem) WithRetryAfter(d time.Duration) Problem {
	p.RetryAfter = d
	return p
}

// Kind is p's row of the table; internal_error's for a code that has none.
func (p Problem) Kind() Kind {
	if k, ok := kinds[p.Code]; ok {
		return k
	}
	return kinds[InternalError]
}

// Status is p's HTTP status.
func (p Problem) Status() int { return p.Kind().Status }

// Error is for logs: the code and the detail, without amounts or values.
func (p Problem) Error() string {
	if p.Detail == "" {
		return string(p.Code)
	}
	return fmt.Sprintf("%s: %s", p.Code, p.Detail)
}

// document is a problem on the wire.
type document struct {
	Type      string           `json:"type"`
	Title     string           `json:"title"`
	Status    int              `json:"status"`
	Detail    string           `json:"detail"`
	Instance  string           `json:"instance"`
	Code      domain.Code      `json:"code"`
	RequestID string           `json:"request_id"`
	Retryable bool             `json:"retryable"`
	Errors    []fieldErrorJSON `json:"errors,omitempty"`
	Amounts   map[string]int64 `json:"amounts,omitempty"`

	ConflictingResourceID string `json:"conflicting_resource_id,omitempty"`
}

// Write answers a request with p. The base is the server's own public URL
// without a slash at its end. The request's id is taken from the answer's
// Request-Id header, which must be set before.
//
// Headers that the handler has set stay, except those that describe a body.
// What can't be sent because the caller is gone is lost.
func Write(w http.ResponseWriter, r *http.Request, base string, p Problem) {
	kind := p.Kind()
	if kind.Code != p.Code {
		p = New(kind.Code, "")
	}
	h := w.Header()
	body := encode(document{
		Type:      kind.Type(base),
		Title:     kind.Title,
		Status:    kind.Status,
		Detail:    detailOf(p, kind),
		Instance:  r.URL.EscapedPath(),
		Code:      kind.Code,
		RequestID: h.Get("Request-Id"),
		Retryable: kind.Retryable,
		Errors:    errorsOf(p, kind),
		Amounts:   p.Amounts,

		ConflictingResourceID: p.ConflictingResourceID,
	})
	h.Del("Content-Encoding")
	h.Del("ETag")
	h.Del("Last-Modified")
	h.Set("Content-Type", ContentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	setChallenge(h, kind)
	p.SetRetryAfter(h)
	w.WriteHeader(kind.Status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
}

// SetRetryAfter says in an answer how long to wait before the next try, where that is
// known. [Write] does it by itself.
func (p Problem) SetRetryAfter(h http.Header) {
	wait := max(p.RetryAfter, 0)
	if wait == 0 {
		wait = p.Kind().RetryAfter
	}
	if wait > 0 {
		h.Set("Retry-After", strconv.FormatInt(int64((wait+time.Second-1)/time.Second), 10))
	}
}

// encode writes a document as people read it: with <, > and & as they are.
func encode(d document) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(d); err != nil { // strings and numbers always encode
		panic(fmt.Sprintf("encode a problem: %v", err))
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// setChallenge says how to authenticate, as RFC 9110 demands with every 401.
func setChallenge(h http.Header, kind Kind) {
	switch kind.Code {
	case Unauthorised:
		h.Set("WWW-Authenticate", `Bearer realm="tender"`)
	case InvalidAPIKey:
		h.Set("WWW-Authenticate", `Bearer realm="tender", error="invalid_token"`)
	}
}

// detailOf returns the sentence for people: the problem's, else the table's.
func detailOf(p Problem, kind Kind) string {
	if p.Detail != "" {
		return p.Detail
	}
	return strings.ReplaceAll(kind.When, "`", "")
}

// errorsOf returns the field errors of a document, bounded. Every 400 has at
// least one: where none is known, the body as a whole, or the header, is named.
func errorsOf(p Problem, kind Kind) []fieldErrorJSON {
	errs := p.Errors
	if len(errs) == 0 && kind.Status == http.StatusBadRequest {
		errs = []FieldError{unplaced(kind, detailOf(p, kind))}
	}
	if len(errs) > fieldErrorsMax {
		errs = errs[:fieldErrorsMax]
	}
	var out []fieldErrorJSON
	for _, f := range errs {
		f.Pointer = truncate(f.Pointer, pointerBytesMax)
		out = append(out, f.wire())
	}
	return out
}

// unplaced is the field error of a 400 that came without any.
func unplaced(kind Kind, detail string) FieldError {
	switch kind.Code {
	case IdempotencyKeyMissing:
		return FieldError{Header: "Idempotency-Key", Code: Required, Detail: detail}
	case IdempotencyKeyInvalid:
		return FieldError{Header: "Idempotency-Key", Code: InvalidFormat, Detail: detail}
	}
	if kind.Code == MalformedRequest {
		return FieldError{Code: Malformed, Detail: detail}
	}
	return FieldError{Code: Invalid, Detail: detail}
}

// truncate cuts s to at most limit bytes and leaves it valid UTF-8.
func truncate(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "") + "…"
}
