package simulator_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tender/acquirers"
	"tender/acquirers/simulator"
)

// captured returns one real notification as it came.
func captured(t *testing.T) (http.Header, []byte) {
	t.Helper()
	type message struct {
		header http.Header
		body   []byte
	}
	messages := make(chan message, 1)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		messages <- message{r.Header, body}
	}))
	t.Cleanup(receiver.Close)
	b := setup(t, func(cfg *simulator.ServerConfig) { cfg.NotifyURL = receiver.URL })
	_, asked := b.challenged()
	decide(t, asked.RedirectURL, "approve")
	m := <-messages
	return m.header, m.body
}

func TestNotificationSignature(t *testing.T) {
	t.Parallel()
	header, body := captured(t)
	now := time.Now()
	reader := func(secret string, at time.Time) *simulator.Client {
		return simulator.New(simulator.ClientConfig{NotificationSecret: secret, Now: func() time.Time { return at }})
	}
	with := func(signature string) http.Header {
		return http.Header{simulator.SignatureHeader: {signature}}
	}
	good := header.Get(simulator.SignatureHeader)

	n, err := reader(secret, now).ReadNotification(header, body)
	if err != nil {
		t.Fatal(err)
	}
	want(t, "status", n.Answer.Status, acquirers.StatusApproved)
	want(t, "id", n.ID != "", true)
	for name, at := range map[string]time.Time{"a slow clock": now.Add(-4 * time.Minute), "a fast clock": now.Add(4 * time.Minute)} {
		if _, err := reader(secret, at).ReadNotification(header, body); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	last := good[:len(good)-1] + "0"
	if last == good {
		last = good[:len(good)-1] + "1"
	}
	for name, c := range map[string]struct {
		reader *simulator.Client
		header http.Header
		body   []byte
	}{
		"another secret":     {reader("another", now), header, body},
		"no secret":          {reader("", now), header, body},
		"another body":       {reader(secret, now), header, bytes.Replace(body, []byte("approved"), []byte("declined"), 1)},
		"a longer body":      {reader(secret, now), header, append(bytes.Clone(body), ' ')},
		"six minutes old":    {reader(secret, now.Add(6*time.Minute)), header, body},
		"six minutes early":  {reader(secret, now.Add(-6*time.Minute)), header, body},
		"no header":          {reader(secret, now), http.Header{}, body},
		"another time":       {reader(secret, now), with(strings.Replace(good, "t=", "t=1", 1)), body},
		"another signature":  {reader(secret, now), with(last), body},
		"half a signature":   {reader(secret, now), with(good[:len(good)/2]), body},
		"no time":            {reader(secret, now), with(good[strings.Index(good, "v1="):]), body},
		"no digits in a hex": {reader(secret, now), with("t=1,v1=zz"), body},
	} {
		if _, err := c.reader.ReadNotification(c.header, c.body); !errors.Is(err, acquirers.ErrForged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzReadNotification(f *testing.F) {
	f.Add("t=1795366810,v1=00", []byte(`{"id":"ntf_1","answer":{"key":"k","status":"approved"}}`))
	f.Add("", []byte(``))
	f.Add("t=,v1=", []byte(`[]`))
	client := simulator.New(simulator.ClientConfig{NotificationSecret: secret})
	f.Fuzz(func(t *testing.T, signature string, body []byte) {
		header := http.Header{simulator.SignatureHeader: {signature}}
		if n, err := client.ReadNotification(header, body); err == nil {
			t.Errorf("accepted %+v", n)
		}
	})
}
