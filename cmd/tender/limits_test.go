package main_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"tender/cmd/tender/internal/devenv"
)

// tries makes an attempt by card at a checkout from one of this machine's addresses.
func (i *installation) tries(made object, number, from string) *http.Response {
	i.t.Helper()
	here := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	client := http.Client{Transport: &http.Transport{DialContext: here.DialContext, DisableKeepAlives: true}}
	url := i.env[devenv.URL] + "/checkout/" + made.text("checkout_session_id") + "/attempts"
	answer, err := client.Post(url, "application/json", strings.NewReader(card(number)))
	if err != nil {
		i.t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
	return answer
}

// With live mode's limits a session takes four cards, and a merchant at whose checkout
// cards are tried out from many addresses is slowed and told.
func TestDevWithLiveLimits(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.start("--live-limits")
	if i.env["TENDER_LIVE_LIMITS"] != "true" {
		t.Error("tender serve beside it would bear more")
	}
	printed := i.listens()
	made := i.session("five cards", 100)
	for n, number := range []string{"4000000000000002", "4000000000009995", "4000000000009987", "4000000000009979", "4242424242424242"} {
		want := http.StatusOK
		if n == 4 {
			want = http.StatusUnprocessableEntity
		}
		if a := i.tries(made, number, "127.0.9.1"); a.StatusCode != want {
			t.Errorf("card %d is answered %s", n+1, a.Status)
		}
	}
	// A hundred attempts, no more than ten in one session and from one address, and
	// each card in five sessions.
	made = i.session("session 0", 100)
	for tried := 4; tried < 100; tried++ {
		n := tried / 10
		if tried%10 == 0 {
			made = i.session(fmt.Sprint("session ", n), 100)
		}
		number := []string{"4000000000000069", "4000000000000127"}[n%2]
		if a := i.tries(made, number, fmt.Sprint("127.0.9.", 10+n)); a.StatusCode != http.StatusOK {
			t.Fatalf("attempt %d is answered %s", tried+1, a.Status)
		}
	}
	slowed := regexp.MustCompile(`checkout\.slowed +mer_\w+#\d+  slowed`)
	i.eventually(time.Minute, "the merchant is told", func() bool { return slowed.MatchString(printed.String()) })
	made = i.session("slowed", 100)
	for n := 0; i.tries(made, "4000000000009995", "127.0.9.30").Header.Get("Retry-After") == ""; n++ {
		if n == 9 {
			t.Fatal("a slowed merchant's customers need not wait")
		}
	}
}
