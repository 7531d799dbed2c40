package handlerstest

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/errors"

	"tender/handlers/limits"
	"tender/handlers/openapi/openapitest"
)

// KeyHeader names the header with the idempotency key.
const KeyHeader = "Idempotency-Key"

// Caller sends requests to one process, with one API key or with none. Everything
// that is not as openapi.yaml says is reported to its test.
type Caller struct {
	t      testing.TB
	url    string
	key    string
	client *http.Client
}

// Caller returns a caller with an API key; "" sends none.
func (p *Process) Caller(t testing.TB, key string) *Caller {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &Caller{t: t, url: p.URL, key: key, client: &http.Client{
		Transport:     openapitest.Transport(t, openapitest.Through(transport)),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// On returns the same caller for another process.
func (c *Caller) On(p *Process) *Caller {
	other := *c
	other.url = p.URL
	return &other
}

// Header is one header of a request. With the value "" it is not sent at all.
type Header struct{ Name, Value string }

// Key is the header with an idempotency key.
func Key(value string) Header { return Header{KeyHeader, value} }

// From is the header by which a caller is at an address, in a house that is
// [BehindProxy].
func From(address string) Header { return Header{limits.HeaderXForwardedFor, address} }

// Get reads.
func (c *Caller) Get(path string) *Answer {
	c.t.Helper()
	return c.do(http.MethodGet, path, nil)
}

// Post writes, with a fresh idempotency key unless a header says otherwise.
func (c *Caller) Post(path string, body any, headers ...Header) *Answer {
	c.t.Helper()
	return c.do(http.MethodPost, path, body, headers...)
}

func (c *Caller) do(method, path string, body any, headers ...Header) *Answer {
	c.t.Helper()
	a, err := c.Send(method, path, body, headers...)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

// Send sends a request. It is for any goroutine; body is nil, text as it goes
// over the wire, or what is written as JSON.
func (c *Caller) Send(method, path string, body any, headers ...Header) (*Answer, error) {
	text, err := encode(body)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequest(method, c.url+path, bytes.NewReader(text))
	if err != nil {
		return nil, errors.Wrap(err, "make a request")
	}
	if c.key != "" {
		r.Header.Set("Authorization", "Bearer "+c.key)
	}
	if len(text) > 0 {
		r.Header.Set("Content-Type", "application/json")
	}
	if method == http.MethodPost && c.key != "" {
		r.Header.Set(KeyHeader, rand.Text())
	}
	for _, h := range headers {
		if h.Value == "" {
			r.Header.Del(h.Name)
			continue
		}
		r.Header.Set(h.Name, h.Value)
	}
	return c.Exchange(r)
}

// Exchange sends a request as it is.
func (c *Caller) Exchange(r *http.Request) (*Answer, error) {
	res, err := c.client.Do(r)
	if err != nil {
		return nil, errors.Wrap(err, "send a request")
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, errors.Wrap(err, "read an answer")
	}
	return &Answer{t: c.t, Status: res.StatusCode, Header: res.Header, Body: answer}, nil
}

func encode(body any) ([]byte, error) {
	switch b := body.(type) {
	case nil:
		return nil, nil
	case string:
		return []byte(b), nil
	case []byte:
		return b, nil
	}
	text, err := json.Marshal(body)
	return text, errors.Wrap(err, "write a request's body")
}

// Object is a JSON object, as tests write them.
type Object map[string]any

// Answer is what came back.
type Answer struct {
	t      testing.TB
	Status int
	Header http.Header
	Body   []byte
}

// Is fails the test at once unless the answer has this status.
func (a *Answer) Is(status int) *Answer {
	a.t.Helper()
	if a.Status != status {
		a.t.Fatalf("the answer is %d, not %d: %s", a.Status, status, a.Body)
	}
	return a
}

// Problem fails the test at once unless the answer is this problem.
func (a *Answer) Problem(status int, code string) *Answer {
	a.t.Helper()
	a.Is(status)
	if got := a.Text("code"); got != code {
		a.t.Fatalf("the problem is %s, not %s: %s", got, code, a.Body)
	}
	return a
}

// At returns what stands in the body at a path of names and indices, joined by
// dots; "" is the whole of it. Nil: there is nothing. Whole numbers are int64.
func (a *Answer) At(path string) any {
	a.t.Helper()
	d := json.NewDecoder(bytes.NewReader(a.Body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		a.t.Fatalf("the body can't be read: %v: %s", err, a.Body)
	}
	for name := range strings.SplitSeq(path, ".") {
		if path == "" {
			break
		}
		switch parent := v.(type) {
		case map[string]any:
			v = parent[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i >= len(parent) {
				return nil
			}
			v = parent[i]
		default:
			return nil
		}
	}
	if n, ok := v.(json.Number); ok {
		if whole, err := n.Int64(); err == nil {
			return whole
		}
	}
	return v
}

// Text returns the string at a path, or "".
func (a *Answer) Text(path string) string {
	a.t.Helper()
	s, _ := a.At(path).(string)
	return s
}

// Int returns the number at a path, or 0.
func (a *Answer) Int(path string) int64 {
	a.t.Helper()
	n, _ := a.At(path).(int64)
	return n
}

// Len returns the length of the list or object at a path.
func (a *Answer) Len(path string) int {
	a.t.Helper()
	switch v := a.At(path).(type) {
	case []any:
		return len(v)
	case map[string]any:
		return len(v)
	}
	return 0
}

// Shows fails the test unless the body has these values at these paths.
func (a *Answer) Shows(want Object) *Answer {
	a.t.Helper()
	for path, value := range want {
		if n, isInt := value.(int); isInt {
			value = int64(n)
		}
		if got := a.At(path); got != value {
			a.t.Errorf("%s is %v, not %v: %s", path, got, value, a.Body)
		}
	}
	return a
}
