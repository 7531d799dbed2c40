package openapitest_test

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"tender/handlers/openapi/openapitest"
)

const (
	requestID = "req_01kjpy44h4efvvvx9qrhkj8e9c"
	token     = "GnZ0607njffhrEOak8P6jjyUV4TU3sn9jjARc4svHWKGkMOv"
	paymentID = "pay_01kjpy64c8ej6tkhd7mh6hksbc"
	sessionID = "ps_01kjpy44hregxb31vmrnsbv2h5"

	sessionBody = `{"id":"` + sessionID + `","type":"one_time","amount":2500,"currency":"ZAR","status":"active",` +
		`"payment_outcome":"not_started","payment_status":"unpaid","checkout_session_id":"ckt_1efmp07aagfbh6bv7npmtph1d5",` +
		`"session_url":"https://pay.example/checkout/ckt_1efmp07aagfbh6bv7npmtph1d5","mode":"test",` +
		`"expires_at":"2026-03-03T09:30:00.120Z","version":1,"created_at":"2026-03-02T09:30:00.120Z","updated_at":"2026-03-02T09:30:00.120Z"}`
	paymentBody = `{"id":"` + paymentID + `","status":"succeeded","intent":"payment","amount":2500,"currency":"ZAR","country":"ZA",` +
		`"capture_method":"manual","authorised_amount":2500,"paid_amount":1000,"voided_amount":0,"expired_amount":0,"pending_amount":500,` +
		`"capturable_amount":1000,"refunded_amount":300,"refundable_amount":600,"captures":[],"voids":[],` +
		`"refunds":[{"id":"ref_01kjq02v8ke3p9m5t0xw7gq4zn","amount":100,"status":"pending","created_at":"2026-03-02T10:05:00.000Z"}],"payment_session_id":"` + sessionID + `","mode":"test","version":4,` +
		`"created_at":"2026-03-02T09:30:00.120Z","updated_at":"2026-03-02T09:30:00.120Z"}`
	refusalBody = `{"type":"https://pay.example/errors#void-not-allowed","title":"Void not allowed","status":409,` +
		`"detail":"The payment is not in an authorised state and cannot be voided.","instance":"/collect/payments/` + paymentID + `/voids",` +
		`"code":"void_not_allowed","request_id":"` + requestID + `","retryable":false}`
	missingBody = `{"type":"https://pay.example/errors#not-found","title":"Not found","status":404,"detail":"There is nothing at this path.",` +
		`"instance":"/nowhere","code":"not_found","request_id":"` + requestID + `","retryable":false}`
	methodBody = `{"type":"https://pay.example/errors#method-not-allowed","title":"Method not allowed","status":405,"detail":"No.",` +
		`"instance":"/collect/payments","code":"method_not_allowed","request_id":"` + requestID + `","retryable":false}`
)

// complaints is a testing.TB that keeps what it is told.
type complaints struct {
	testing.TB
	mu   sync.Mutex
	said []string
}

func (c *complaints) Helper() {}

func (c *complaints) Errorf(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.said = append(c.said, fmt.Sprintf(format, args...))
}

// answer is what the server under test says.
type answer struct {
	status int
	header map[string]string
	body   string
}

func (a answer) with(name, value string) answer {
	a.header = maps.Clone(a.header)
	a.header[name] = value
	return a
}

func (a answer) without(name string) answer {
	a.header = maps.Clone(a.header)
	delete(a.header, name)
	return a
}

func (a answer) saying(old, replacement string) answer {
	if !strings.Contains(a.body, old) {
		panic(old + " is not in the body")
	}
	a.body = strings.Replace(a.body, old, replacement, 1)
	return a
}

func (a answer) reading(body string) answer {
	a.body = body
	return a
}

func (a answer) as(status int) answer {
	a.status = status
	return a
}

func answered(status int, contentType, body string) answer {
	return answer{status: status, body: body, header: map[string]string{"Request-Id": requestID, "Content-Type": contentType}}
}

var (
	created = answered(201, "application/json", sessionBody).with("Event-Position", token)
	read    = answered(200, "application/json", paymentBody)
	refused = answered(409, "application/problem+json", refusalBody)
	missing = answered(404, "application/problem+json", missingBody)
	method  = answered(405, "application/problem+json", methodBody).with("Allow", "GET")
	list    = answered(200, "application/json", `{"data":[`+paymentBody+`],"has_more":true,"next_cursor":"`+token+`"}`).
		with("Projection-Position", token)
)

type exchange struct {
	method, path, body string
	header             map[string]string
	answer             answer
}

func create(a answer) exchange {
	return exchange{"POST", "/collect/payment_sessions", `{"amount":2500,"currency":"zar"}`, map[string]string{
		"Authorization": "Bearer sk_test_x", "Idempotency-Key": "k", "Content-Type": "application/json",
	}, a}
}

func void(a answer) exchange {
	x := create(a)
	x.path, x.body = "/collect/payments/"+paymentID+"/voids", ""
	return x
}

func show(path string, a answer) exchange {
	return exchange{"GET", path, "", map[string]string{"Authorization": "Bearer sk_test_x"}, a}
}

func sending(x exchange, body string) exchange {
	x.body = body
	return x
}

func (x exchange) request(t *testing.T, base string) *http.Request {
	t.Helper()
	var body io.Reader
	if x.body != "" {
		body = strings.NewReader(x.body)
	}
	r, err := http.NewRequestWithContext(t.Context(), x.method, base+x.path, body)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range x.header {
		r.Header.Set(name, value)
	}
	return r
}

func (x exchange) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	for name, value := range x.answer.header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(x.answer.status)
	_, _ = io.WriteString(w, x.answer.body)
}

var payment = "/collect/payments/" + paymentID

// exchanges are things that may go right and wrong; want is part of what must be
// said of them, "" that nothing may be.
var exchanges = []struct {
	name string
	exchange
	want string
}{
	{"a session is created", create(created), ""},
	{"a browser's session is created", create(answered(201, "application/json", `{"id":"`+sessionID+`","status":"active",`+
		`"session_url":"https://pay.example/c","expires_at":"2026-03-03T09:30:00.120Z"}`).with("Event-Position", token)), ""},
	{"a payment is read", show(payment, read), ""},
	{"payments are listed", show("/collect/payments?limit=1&status=failed&created%5Bgte%5D=2026-03-02T09:30:00Z", list), ""},
	{"a refusal", void(refused), ""},
	{"a replay", create(created.with("Idempotent-Replayed", "true")), ""},
	{"HTTP's own headers", show(payment, read.with("Cache-Control", "no-store").with("Vary", "Origin")), ""},
	{"no such path", show("/nowhere", missing), ""},
	{"no such method", exchange{"PUT", "/collect/payments", "", nil, method}, ""},
	{"no such page of the checkout", show("/checkout/a/b/c", answered(404, "text/html; charset=utf-8", "<p>")), ""},
	{"a path that could be shorter", show("//docs", answered(307, "text/html; charset=utf-8", "").with("Location", "/docs")), ""},
	{"a page", show("/docs", answered(200, "text/html; charset=utf-8", "<p>")), ""},
	{"a form that leads back", exchange{
		"POST", "/checkout/ckt_1efmp07aagfbh6bv7npmtph1d5/attempts", "number=4242",
		map[string]string{"Content-Type": "application/x-www-form-urlencoded"},
		answered(303, "", "").with("Location", "/checkout/ckt_1efmp07aagfbh6bv7npmtph1d5"),
	}, ""},
	{"a HEAD", exchange{"HEAD", payment, "", nil, answered(200, "application/json", "")}, ""},
	{"what the server did not take", sending(create(answered(400, "application/problem+json",
		`{"type":"https://pay.example/errors#invalid-request","title":"Invalid request","status":400,"detail":"No.",`+
			`"instance":"/collect/payment_sessions","code":"invalid_request","request_id":"`+requestID+`","retryable":false,`+
			`"errors":[{"pointer":"/amount","code":"required","detail":"Needed."}]}`)), `{"nonsense":1}`), ""},

	{"an undocumented status", create(created.as(418)), "status 418 is not documented"},
	{"an undocumented header", create(created.with("X-Debug", "1")), "the header X-Debug is not documented"},
	{"an undocumented header of another answer", show(payment, read.with("Event-Position", token)), "the header Event-Position is not documented"},
	{"a missing header", create(created.without("Event-Position")), "Event-Position"},
	{"no request id", show(payment, read.without("Request-Id")), "Request-Id"},
	{"a malformed header", create(created.with("Request-Id", "17")), "header 'request-id' failed"},
	{"an undocumented field", create(created.saying(`"version":1`, `"version":1,"debug":true`)), "'debug' not allowed"},
	{"a missing field", create(created.saying(`"version":1,`, "")), "missing property 'version'"},
	{"a null", create(created.saying(`"version":1`, `"version":null`)), "got null"},
	{"a wrong type", create(created.saying(`"amount":2500`, `"amount":"2500"`)), "got string, want integer"},
	{"a time without milliseconds", create(created.saying(`09:30:00.120Z","version"`, `09:30:00Z","version"`)), "does not match pattern"},
	{"an unknown status of a session", create(created.saying(`"active"`, `"open"`)), "value must be one of"},
	{"a body that is none", show(payment, answered(200, "application/json", "")), "answered 200"},
	{"another content type", show(payment, answered(200, "text/plain", "hello")), "the content type"},
	{"sums that don't add up", show(payment, read.saying(`"pending_amount":500`, `"pending_amount":400`)), "authorised_amount is 100 more"},
	{"refunds that don't add up", show(payment, read.saying(`"refunded_amount":300`, `"refunded_amount":400`)), "paid_amount is -100 more"},
	{"sums in a list that don't", show("/collect/payments", list.saying(`"pending_amount":500`, `"pending_amount":600`)), "$.data[0]: authorised_amount is -100 more"},
	{"more without a cursor", show("/collect/payments", list.saying(`,"next_cursor":"`+token+`"`, "")), "has_more is true"},
	{"a cursor without more", show("/collect/payments", list.saying(`"has_more":true`, `"has_more":false`)), "has_more is false"},
	{"no such path, and yet an answer", show("/nowhere", read), "only a 404 can be right"},
	{"no such path, in plain text", show("/nowhere", answered(404, "text/plain", "404 page not found")), "no problem document"},
	{"no such method, without Allow", exchange{"PUT", "/collect/payments", "", nil, method.without("Allow")}, "Allow is missing"},
	{"a taken request with an undocumented field", sending(create(created), `{"amount":2500,"currency":"ZAR","tip":1}`), "the request was taken"},
	{"a taken request with a wrong parameter", show("/collect/payments?limit=1000", list), "the request was taken"},
	{"a taken request with an unknown parameter", show("/collect/payments?colour=red", list), "the request was taken"},
	{"a taken request without a key", exchange{"POST", "/collect/payment_sessions", `{"amount":2500,"currency":"ZAR"}`,
		map[string]string{"Authorization": "Bearer x", "Content-Type": "application/json"}, created}, "Idempotency-Key"},
	{"a taken request without an API key", exchange{"GET", payment, "", nil, read}, "the request was taken"},
	{"a problem with another status", void(refused.saying(`"status":409`, `"status":422`)), "belongs to status 409"},
	{"a problem that no row has", void(refused.saying(`"code":"void_not_allowed"`, `"code":"no_such"`)), "not in the table"},
	{"a problem that the operation does not list", void(refused.saying("void_not_allowed", "capture_not_allowed").
		saying("Void not allowed", "Capture not allowed").saying("void-not-allowed", "capture-not-allowed")), "does not list capture_not_allowed"},
	{"a problem with another title", void(refused.saying("Void not allowed", "Sorry")), "in the table"},
	{"a problem of another type", void(refused.saying("#void-not-allowed", "")), "type is"},
	{"a problem about another path", void(refused.saying("/voids", "")), "instance is"},
	{"a problem of another request", void(refused.saying(requestID, "req_01kjpy44h4efvvvx9qrhkj8e9d")), "request_id is"},
	{"a lasting refusal that says when", void(refused.with("Retry-After", "5")), "Retry-After is"},
}

func TestTransport(t *testing.T) {
	t.Parallel()
	for _, tt := range exchanges {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(tt.exchange)
			t.Cleanup(server.Close)
			tb := &complaints{TB: t}
			res, err := openapitest.Transport(tb).RoundTrip(tt.request(t, server.URL))
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(res.Body)
			if err != nil || string(body) != tt.answer.body || res.StatusCode != tt.answer.status {
				t.Errorf("the caller gets %d %s, %v", res.StatusCode, body, err)
			}
			tb.check(t, tt.want)
		})
	}
}

func TestHandler(t *testing.T) {
	t.Parallel()
	for _, tt := range exchanges {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tb := &complaints{TB: t}
			server := httptest.NewServer(openapitest.Handler(tb, tt.exchange))
			t.Cleanup(server.Close)
			res, err := http.DefaultTransport.RoundTrip(tt.request(t, server.URL))
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(res.Body)
			if err != nil || string(body) != tt.answer.body || res.StatusCode != tt.answer.status {
				t.Errorf("the caller gets %d %s, %v", res.StatusCode, body, err)
			}
			server.Close()
			tb.check(t, tt.want)
		})
	}
}

func (c *complaints) check(t *testing.T, want string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	said := strings.Join(c.said, "\n")
	switch {
	case want == "" && said != "":
		t.Errorf("it complains: %s", said)
	case !strings.Contains(said, want):
		t.Errorf("it says %q, and nothing of %q", said, want)
	}
}

func TestExceptLeavesAlone(t *testing.T) {
	t.Parallel()
	x := show("/checkout/ckt_1/return", answered(302, "text/plain", "moved"))
	server := httptest.NewServer(x)
	t.Cleanup(server.Close)
	tb := &complaints{TB: t}
	for _, except := range []string{"/checkout/ckt_1/return", "/elsewhere"} {
		res, err := openapitest.Transport(tb, openapitest.Except(except)).RoundTrip(x.request(t, server.URL))
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
	}
	if len(tb.said) != 1 {
		t.Errorf("it complains %d times, not once: %q", len(tb.said), tb.said)
	}
}

func TestReplaysMustSayTheSame(t *testing.T) {
	t.Parallel()
	replay := created.with("Idempotent-Replayed", "true")
	pending := answered(202, "application/json", paymentBody).with("Event-Position", token)
	captured := answered(200, "application/json", paymentBody).with("Event-Position", token).saying(`"version":4`, `"version":5`)
	capture := func(a answer) exchange {
		x := void(a)
		x.path = payment + "/captures"
		return x
	}
	busy := refused.saying("void_not_allowed", "operation_in_progress").saying("void-not-allowed", "operation-in-progress").
		saying("Void not allowed", "Another operation is in progress").saying(`"retryable":false`, `"retryable":true`).with("Retry-After", "5")
	tests := []struct {
		name      string
		exchanges []exchange
		want      string
	}{
		{"the same", []exchange{create(created), create(replay)}, ""},
		{"another body", []exchange{create(created), create(replay.saying(`"version":1`, `"version":2`))}, "another body"},
		{"another status", []exchange{capture(captured), capture(refused.saying("/voids", "/captures").
			saying("void_not_allowed", "capture_not_allowed").saying("void-not-allowed", "capture-not-allowed").
			saying("Void not allowed", "Capture not allowed").with("Idempotent-Replayed", "true"))}, "the replay has status 409"},
		{"two replays that differ", []exchange{create(replay), create(replay.saying(`"version":1`, `"version":2`))}, "another body"},
		{"outstanding, then settled", []exchange{capture(pending), capture(captured.with("Idempotent-Replayed", "true"))}, ""},
		{"another request id", []exchange{void(refused), void(answered(409, "application/problem+json", "").with("Idempotent-Replayed", "true").
			with("Request-Id", "req_01kjpy44h4efvvvx9qrhkj8e9d").reading(strings.Replace(refusalBody, requestID, "req_01kjpy44h4efvvvx9qrhkj8e9d", 1)))}, ""},
		{"a moment that passed", []exchange{void(busy), void(refused.with("Idempotent-Replayed", "true"))}, ""},
		{"a key that began anew", []exchange{create(created), create(created.saying(`"version":1`, `"version":2`))}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tb := &complaints{TB: t}
			next := make(chan exchange, 1)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (<-next).ServeHTTP(w, r) }))
			t.Cleanup(server.Close)
			transport := openapitest.Transport(tb)
			for _, x := range tt.exchanges {
				next <- x
				res, err := transport.RoundTrip(x.request(t, server.URL))
				if err != nil {
					t.Fatal(err)
				}
				_ = res.Body.Close()
			}
			tb.check(t, tt.want)
		})
	}
}

func TestTransportIsForMany(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(create(created))
	t.Cleanup(server.Close)
	client := &http.Client{Transport: openapitest.Transport(t)}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			res, err := client.Do(create(created).request(t, server.URL))
			if err != nil {
				t.Error(err)
				return
			}
			_ = res.Body.Close()
		})
	}
	wg.Wait()
}
