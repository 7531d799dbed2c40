// Package openapitest holds an API to its own OpenAPI document: every exchange
// that goes through its [Transport] or [Handler] is compared with it, and the
// test fails where they differ.
//
// Held are: the path, the method and the status; each header and each member of
// the body, none of which may be missing or undocumented; problem documents
// against the table of problems and the list of those that the operation names;
// the sums of payments; a replay against the first answer under its idempotency
// key; and the request itself wherever the server took it.
package openapitest

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// bodyShownMax is how much of a body a failure message shows.
const bodyShownMax = 2000

// Option changes what a [Transport] or [Handler] does.
type Option func(*settings)

type settings struct {
	base   http.RoundTripper
	except []string
}

// Through sends requests by another transport than [http.DefaultTransport].
func Through(base http.RoundTripper) Option { return func(s *settings) { s.base = base } }

// Except leaves alone what begins with one of the paths: what the server serves
// and the document does not describe, as the way back from an acquirer's page.
func Except(paths ...string) Option {
	return func(s *settings) { s.except = append(s.except, paths...) }
}

func newSettings(opts []Option) settings {
	s := settings{base: http.DefaultTransport}
	for _, o := range opts {
		o(&s)
	}
	return s
}

func (s settings) excepted(path string) bool {
	for _, prefix := range s.except {
		if strings.HasPrefix(path, prefix) {
			return true
		}
	}
	return false
}

// Transport returns a RoundTripper that reports to t every exchange that is not
// as the document says. It reads each answer whole before it hands it on, so it
// is not for streams. It may be used by many goroutines, until t ends.
func Transport(t testing.TB, opts ...Option) http.RoundTripper {
	t.Helper()
	load(t)
	return &transport{t: t, settings: newSettings(opts), replays: newReplays()}
}

type transport struct {
	t        testing.TB
	settings settings
	replays  *replays
}

// RoundTrip sends the request, and compares what was sent and answered.
func (tr *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	sent := &recorder{}
	out := r.Clone(r.Context())
	if r.Body != nil && r.Body != http.NoBody {
		sent.body = r.Body
		out.Body = sent
		if r.GetBody != nil {
			out.GetBody = func() (io.ReadCloser, error) {
				again, err := r.GetBody()
				sent.restart(again)
				return sent, err
			}
		}
	}
	res, err := tr.settings.base.RoundTrip(out)
	if err != nil || tr.settings.excepted(r.URL.Path) {
		return res, err
	}
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil {
		// The connection broke in the middle: the caller sees that, too.
		res.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), failing{err}))
		return res, nil
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	x := exchange{request: r, status: res.StatusCode, header: res.Header, body: body}
	x.sent, x.sentWhole = sent.content()
	report(tr.t, x, tr.replays)
	return res, nil
}

// Handler returns a handler that passes requests to next and reports to t every
// exchange that is not as the document says. It holds each answer back until it
// is complete.
func Handler(t testing.TB, next http.Handler, opts ...Option) http.Handler {
	t.Helper()
	load(t)
	s := newSettings(opts)
	seen := newReplays()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.excepted(r.URL.Path) {
			next.ServeHTTP(w, r)
			return
		}
		sent := &recorder{}
		inner := r.Clone(r.Context())
		if r.Body != nil && r.Body != http.NoBody {
			sent.body = r.Body
			inner.Body = sent
		}
		rec := httptest.NewRecorder()
		next.ServeHTTP(rec, inner)
		x := exchange{request: r, status: rec.Code, header: rec.Header(), body: rec.Body.Bytes()}
		x.sent, x.sentWhole = sent.content()
		report(t, x, seen)
		for name, values := range rec.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(rec.Code)
		_, _ = w.Write(rec.Body.Bytes())
	})
}

// report fails the test with everything that is wrong with an exchange.
func report(t testing.TB, x exchange, seen *replays) {
	t.Helper()
	complaints := append(contract().check(x), seen.check(x)...)
	if len(complaints) == 0 {
		return
	}
	shown := string(x.body)
	if len(shown) > bodyShownMax {
		shown = shown[:bodyShownMax] + "…"
	}
	t.Errorf("%s %s answered %d, which is not as openapi.yaml says:\n  - %s\n  the answer was: %s",
		x.request.Method, x.request.URL.RequestURI(), x.status, strings.Join(complaints, "\n  - "), shown)
}

// recorder keeps what is read of a request's body, by whoever reads it.
type recorder struct {
	body io.ReadCloser

	mu    sync.Mutex
	kept  bytes.Buffer
	whole bool
}

// Read reads the body and keeps what was read.
func (r *recorder) Read(p []byte) (int, error) {
	n, err := r.body.Read(p)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.kept.Write(p[:n])
	r.whole = r.whole || err == io.EOF
	return n, err
}

// Close closes the body.
func (r *recorder) Close() error { return r.body.Close() }

// restart begins anew with another copy of the body, which is sent again on a
// new connection.
func (r *recorder) restart(body io.ReadCloser) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.body, r.whole = body, false
	r.kept.Reset()
}

// content returns what was read, and whether that was all.
func (r *recorder) content() ([]byte, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return bytes.Clone(r.kept.Bytes()), r.whole || r.body == nil
}

// failing is the end of a body that broke off.
type failing struct{ err error }

// Read returns the error.
func (f failing) Read([]byte) (int, error) { return 0, f.err }
