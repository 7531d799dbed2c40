package egress_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tender/handlers/webhooks/egress"
)

// zeros is a small answer that unpacks into a large one.
func zeros(t *testing.T) []byte {
	t.Helper()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(make([]byte, 8<<20)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

// excess answers with more than is taken of anything; bodies of bomb are packed.
func excess(bomb []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		switch r.URL.Path {
		case "/headers":
			for i := range 100 {
				w.Header().Set(fmt.Sprint("X-", i), strings.Repeat("x", 1<<10))
			}
		case "/hints": // before the answer
			w.Header().Set("Link", strings.Repeat("x", 1<<10))
			for r.Context().Err() == nil {
				w.WriteHeader(http.StatusEarlyHints)
			}
		case "/trailers":
			w.Header().Set("Trailer", "X-Trailer")
			_, _ = io.WriteString(w, "a body")
			_ = http.NewResponseController(w).Flush()
			w.Header().Set("X-Trailer", strings.Repeat("x", 1<<20))
		case "/bomb":
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb)
		}
	}
}

// Nothing of an answer is read beyond its limit, by either version of HTTP, and
// nothing is unpacked.
func TestAnswersAreBounded(t *testing.T) {
	t.Parallel()
	bomb := zeros(t)
	one := receive(t, excess(bomb))
	two := httptest.NewUnstartedServer(excess(bomb))
	two.EnableHTTP2 = true
	two.Config.ErrorLog = silent
	two.StartTLS()
	t.Cleanup(two.Close)
	e := development(t, egress.WithTLS(two.Client().Transport.(*http.Transport).TLSClientConfig))
	for _, base := range []string{one.URL, two.URL} {
		for _, path := range []string{"/headers", "/hints", "/trailers"} {
			a := e.Post(t.Context(), base+path, nil, []byte("{}"))
			if a.Class != egress.Garbled && a.Class != egress.Reset || a.Duration > egress.DeliveryTimeout/2 {
				t.Errorf("%s: %+v", base+path, a)
			}
		}
		a := e.Post(t.Context(), base+"/bomb", nil, []byte("{}"))
		if a.Class != egress.Succeeded || !bytes.Equal(a.Body, bomb[:min(len(bomb), egress.AnswerBytesMax)]) {
			t.Errorf("a packed answer from %s: %s %s, %d bytes of %d", base, a.Class, a.Detail, len(a.Body), len(bomb))
		}
	}
}

// Who takes a connection and reads nothing of a message holds nothing up for longer
// than who does not answer.
func TestUnreadMessage(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	more := make([]byte, 64<<20) // than the system takes for somebody who doesn't read
	a := development(t, egress.WithTimeout(shortTimeout)).Post(t.Context(), "http://"+listener.Addr().String(), nil, more)
	if a.Class != egress.TooSlow || a.Duration > 20*shortTimeout {
		t.Errorf("%+v", a)
	}
}
