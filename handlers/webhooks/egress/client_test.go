package egress_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tender/handlers/webhooks/egress"
)

// shortTimeout stands in for the delivery's timeout where a test waits for it.
const shortTimeout = 300 * time.Millisecond

// receive starts a receiver on loopback; it ends with the test, and lets go of
// whoever still hangs in it.
func receive(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

func guarded(t *testing.T, p egress.Policy, options ...egress.Option) *egress.Client {
	t.Helper()
	e := egress.New(p, options...)
	t.Cleanup(e.Close)
	return e
}

func development(t *testing.T, options ...egress.Option) *egress.Client {
	t.Helper()
	return guarded(t, egress.Policy{AllowLoopback: true}, options...)
}

func TestPost(t *testing.T) {
	t.Parallel()
	type seen struct {
		header http.Header
		body   []byte
		method string
		path   string
	}
	got := make(chan seen, 1)
	server := receive(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- seen{r.Header, body, r.Method, r.URL.String()}
		w.WriteHeader(http.StatusNoContent)
	})
	body := []byte(`{"id":"evt_1","type":"payment.captured","data":{}}`)
	headers := http.Header{"Webhook-Id": {"evt_1"}, "Webhook-Signature": {"v1,one v1,two"}}
	answer := development(t).Post(t.Context(), server.URL+"/hooks?shop=1", headers, body)
	if answer.Class != egress.Succeeded || answer.Status != 204 || answer.Address != server.Listener.Addr().String() || answer.Duration <= 0 {
		t.Errorf("the answer is %+v", answer)
	}
	request := <-got
	if request.method != "POST" || request.path != "/hooks?shop=1" || !bytes.Equal(request.body, body) {
		t.Errorf("the request is %+v", request)
	}
	if request.header.Get("Content-Type") != "application/json" || request.header.Get("User-Agent") == "" || request.header.Get("Accept-Encoding") != "" {
		t.Errorf("the headers are %v", request.header)
	}
	if request.header.Get("Webhook-Id") != "evt_1" || request.header.Get("Webhook-Signature") != "v1,one v1,two" {
		t.Errorf("the message's own headers are %v", request.header)
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		class   egress.Class
		status  int
		slow    bool
	}{
		"200":              {status(200), egress.Succeeded, 200, false},
		"299":              {status(299), egress.Succeeded, 299, false},
		"400":              {status(400), egress.Rejected, 400, false},
		"404":              {status(404), egress.Rejected, 404, false},
		"410":              {status(410), egress.Gone, 410, false},
		"429":              {status(429), egress.Rejected, 429, false},
		"500":              {status(500), egress.Rejected, 500, false},
		"304":              {status(304), egress.Redirected, 304, false},
		"hang":             {hang, egress.TooSlow, 0, true},
		"slow headers":     {dribble("HTTP/1.1 200 OK\r\nX-Slow: "), egress.TooSlow, 0, true},
		"slow body":        {dribble("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"), egress.TooSlow, 200, true},
		"slow body of 410": {dribble("HTTP/1.1 410 Gone\r\nContent-Length: 1000\r\n\r\n"), egress.Gone, 410, true},
		"reset":            {raw("", true), egress.Reset, 0, false},
		"closed":           {raw("", false), egress.Reset, 0, false},
		"short body":       {raw("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc", false), egress.Reset, 200, false},
		"reset in body":    {raw("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc", true), egress.Reset, 200, false},
		"not HTTP":         {raw("220 smtp.example ESMTP\r\n", false), egress.Garbled, 0, false},
		"huge headers":     {raw("HTTP/1.1 200 OK\r\nX-Huge: "+strings.Repeat("x", 1<<20)+"\r\n\r\n", false), egress.Garbled, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := receive(t, c.handler)
			var options []egress.Option
			if c.slow {
				options = append(options, egress.WithTimeout(shortTimeout))
			}
			answer := development(t, options...).Post(t.Context(), server.URL, nil, []byte("{}"))
			if answer.Class != c.class || answer.Status != c.status {
				t.Errorf("the answer is %+v, want %s %d", answer, c.class, c.status)
			}
			if answer.Class == egress.TooSlow && (answer.Duration < shortTimeout || answer.Duration > 20*shortTimeout) {
				t.Errorf("given up after %v", answer.Duration)
			}
			if strings.Contains(answer.Detail, server.URL) {
				t.Errorf("the detail holds the URL: %s", answer.Detail)
			}
		})
	}
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// hang answers nothing until the caller has gone. The body is read, because only
// then the server notices.
func hang(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

// raw writes bytes as they are and closes the connection, in order or by a reset.
func raw(answer string, reset bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = io.WriteString(conn, answer)
		if reset {
			_ = conn.(*net.TCPConn).SetLinger(0)
		}
		_ = conn.Close()
	}
}

// dribble writes a beginning and then a byte now and again, for ever.
func dribble(beginning string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		defer conn.Close()
		_, err = io.WriteString(conn, beginning)
		ticker := time.NewTicker(shortTimeout / 20)
		defer ticker.Stop()
		for err == nil {
			<-ticker.C
			_, err = io.WriteString(conn, "x")
		}
	}
}

func TestBodyIsReadToItsLimit(t *testing.T) {
	t.Parallel()
	server := receive(t, func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil { // endless
			if _, err := w.Write(bytes.Repeat([]byte("x"), 1<<10)); err != nil {
				return
			}
		}
	})
	answer := development(t).Post(t.Context(), server.URL, nil, []byte("{}"))
	if answer.Class != egress.Succeeded || len(answer.Body) != egress.AnswerBytesMax || !answer.Truncated {
		t.Errorf("%s with %d bytes, truncated: %v", answer.Class, len(answer.Body), answer.Truncated)
	}

	exact := receive(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(bytes.Repeat([]byte("x"), egress.AnswerBytesMax))
	})
	answer = development(t).Post(t.Context(), exact.URL, nil, []byte("{}"))
	if answer.Class != egress.Succeeded || len(answer.Body) != egress.AnswerBytesMax || answer.Truncated {
		t.Errorf("%s with %d bytes, truncated: %v", answer.Class, len(answer.Body), answer.Truncated)
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	var followed atomic.Int32
	target := receive(t, func(http.ResponseWriter, *http.Request) { followed.Add(1) })
	for _, code := range []int{301, 302, 303, 307, 308} {
		server := receive(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, target.URL, code) })
		if answer := development(t).Post(t.Context(), server.URL, nil, []byte("{}")); answer.Class != egress.Redirected || answer.Status != code {
			t.Errorf("%d: %+v", code, answer)
		}
	}
	if followed.Load() > 0 {
		t.Error("a redirect was followed")
	}
}

func TestRetryAfterIsRead(t *testing.T) {
	t.Parallel()
	server := receive(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "120")
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	if answer := development(t).Post(t.Context(), server.URL, nil, []byte("{}")); answer.RetryAfter != 2*time.Minute {
		t.Errorf("%+v", answer)
	}
}

func TestNobodyListens(t *testing.T) {
	t.Parallel()
	server := receive(t, status(200))
	target := server.URL
	server.Close()
	if answer := development(t).Post(t.Context(), target, nil, []byte("{}")); answer.Class != egress.Refused {
		t.Errorf("%+v", answer)
	}
}

// Stopping is not the endpoint's fault, and no try.
func TestAbandoned(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{})
	server := receive(t, func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		hang(w, r)
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-arrived
		cancel()
	}()
	if answer := development(t).Post(ctx, server.URL, nil, []byte("{}")); answer.Class != egress.Abandoned {
		t.Errorf("%+v", answer)
	}
}

// A proxy of the environment would connect in our place, unjudged. The transport
// reads the environment once per process, so the setting itself is looked at.
func TestNoProxy(t *testing.T) {
	t.Parallel()
	if egress.UsesProxy(development(t)) {
		t.Error("a transport asks for a proxy")
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	start := func(t *testing.T, config *tls.Config) *httptest.Server {
		server := httptest.NewUnstartedServer(status(200))
		server.TLS = config
		server.Config.ErrorLog = silent
		server.StartTLS()
		t.Cleanup(server.Close)
		return server
	}
	trusting := func(s *httptest.Server) *tls.Config {
		return s.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	}

	good := start(t, &tls.Config{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12})
	if a := development(t, egress.WithTLS(trusting(good))).Post(t.Context(), good.URL, nil, nil); a.Class != egress.Succeeded {
		t.Errorf("TLS 1.2: %+v", a)
	}
	if a := development(t).Post(t.Context(), good.URL, nil, nil); a.Class != egress.TLSFailed {
		t.Errorf("an unknown authority: %+v", a)
	}
	old := start(t, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
	lax := trusting(old)
	lax.MinVersion = tls.VersionTLS10
	if a := development(t, egress.WithTLS(lax)).Post(t.Context(), old.URL, nil, nil); a.Class != egress.TLSFailed {
		t.Errorf("TLS 1.1: %+v", a)
	}
	other := trusting(good)
	other.ServerName = "shop.invalid"
	if a := development(t, egress.WithTLS(other)).Post(t.Context(), good.URL, nil, nil); a.Class != egress.TLSFailed {
		t.Errorf("another name: %+v", a)
	}
	plain := receive(t, status(200))
	target := strings.Replace(plain.URL, "http://", "https://", 1)
	if a := development(t).Post(t.Context(), target, nil, nil); a.Class != egress.TLSFailed {
		t.Errorf("no TLS at all: %+v", a)
	}
}

// A host that accepts and then says nothing doesn't hold a delivery for longer
// than its time, nor does one that never finishes the handshake.
func TestSilentHost(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	target := url.URL{Scheme: "https", Host: listener.Addr().String()}
	answer := development(t, egress.WithTimeout(shortTimeout)).Post(t.Context(), target.String(), nil, nil)
	if answer.Class != egress.TimedOut || answer.Duration > 20*shortTimeout {
		t.Errorf("%+v", answer)
	}
}

// Many deliveries to one endpoint share a few connections.
func TestConnectionsAreKept(t *testing.T) {
	t.Parallel()
	var opened atomic.Int32
	server := httptest.NewUnstartedServer(status(200))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	e := development(t)
	for range 20 {
		if a := e.Post(t.Context(), server.URL, nil, []byte("{}")); a.Class != egress.Succeeded {
			t.Fatalf("%+v", a)
		}
	}
	if n := opened.Load(); n != 1 {
		t.Errorf("20 messages took %d connections", n)
	}
}

func TestHTTP2(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/abort":
			panic(http.ErrAbortHandler)
		case "/hang":
			hang(w, r)
		}
		_, _ = io.WriteString(w, r.Proto)
	}))
	server.EnableHTTP2 = true
	server.Config.ErrorLog = silent
	server.StartTLS()
	t.Cleanup(server.Close)
	trusting := egress.WithTLS(server.Client().Transport.(*http.Transport).TLSClientConfig)
	e := development(t, trusting)
	if a := e.Post(t.Context(), server.URL, nil, []byte("{}")); a.Class != egress.Succeeded || string(a.Body) != "HTTP/2.0" {
		t.Errorf("%+v with %q", a, a.Body)
	}
	if a := e.Post(t.Context(), server.URL+"/abort", nil, []byte("{}")); a.Class != egress.Reset {
		t.Errorf("a broken stream: %+v", a)
	}
	impatient := development(t, trusting, egress.WithTimeout(shortTimeout))
	if a := impatient.Post(t.Context(), server.URL+"/hang", nil, []byte("{}")); a.Class != egress.TooSlow {
		t.Errorf("a stream that hangs: %+v", a)
	}
}
