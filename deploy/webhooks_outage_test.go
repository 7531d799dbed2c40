//go:build torture

package deploy_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const (
	restarts = 3
	orderers = 4
	// deliveredMax is how long what was under way may take: a worker that lost
	// PostgreSQL after an answer leaves its lease to run out.
	deliveredMax = 4 * time.Minute
)

// received is how often each message came to a merchant's endpoint.
type received struct {
	mu     sync.Mutex
	verify func(body []byte, headers http.Header) error
	came   map[string]int
	wrong  []error
}

func (r *received) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.verify(body, request.Header); err != nil {
		r.wrong = append(r.wrong, err)
	}
	r.came[request.Header.Get("webhook-id")]++
	w.WriteHeader(http.StatusNoContent)
}

func (r *received) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.came)
}

// endpoint gives the merchant an endpoint that counts what comes.
func (i *installation) endpoint(secret string) *received {
	i.t.Helper()
	r := &received{came: map[string]int{}}
	server := httptest.NewServer(r)
	i.t.Cleanup(server.Close)
	r.mu.Lock() // nothing is looked at before the secret is known
	defer r.mu.Unlock()
	made := i.call(http.StatusCreated, secret, http.MethodPost, "/webhooks/endpoints", `{"url":"`+server.URL+`/","events":["*"]}`)
	official, err := standardwebhooks.NewWebhook(made.text("secret"))
	must(i.t, err)
	r.verify = official.Verify
	return r
}

// orders creates a session under a key of its own, again and again until it is
// there: whoever loses an answer asks again.
func (i *installation) orders(ctx context.Context, secret, key string) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for ctx.Err() == nil {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, i.url+"/collect/payment_sessions", strings.NewReader(`{"amount":9000,"currency":"ZAR"}`))
		if err != nil {
			i.t.Error(err)
			return
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+secret)
		r.Header.Set("Idempotency-Key", key)
		answer, err := http.DefaultClient.Do(r)
		if err == nil {
			_ = answer.Body.Close()
			if answer.StatusCode == http.StatusCreated {
				return
			}
			if answer.StatusCode < http.StatusInternalServerError && answer.StatusCode != http.StatusConflict {
				i.t.Errorf("an order is answered %s", answer.Status)
				return
			}
		}
		<-tick.C
	}
}

// TestPostgreSQLAndNATSRestartWhileDelivering kills PostgreSQL and takes NATS away
// again and again while events come and are delivered: each arrives, and is delivered
// in the end.
func TestPostgreSQLAndNATSRestartWhileDelivering(t *testing.T) {
	kept := t.TempDir()
	stopNATS, address := startNATS(t, 0, kept)
	_, portText, err := net.SplitHostPort(address)
	must(t, err)
	port, err := strconv.Atoi(portText)
	must(t, err)
	i := installWith(t, address)
	i.image["TENDER_LOOPBACK_WEBHOOKS"] = "true"
	i.run("migrate")
	i.run("seal-key")
	i.start("simulator", i.values["TENDER_SIMULATOR_PUBLIC_URL"]+"/healthz")
	i.start("tender", i.url+"/readyz")
	merchantID := i.run("tender", "merchant", "create", "--name", "Corner Shop")
	_, secret, _ := strings.Cut(i.run("tender", "keys", "create", "--merchant", merchantID), " ")
	got := i.endpoint(secret)

	var made atomic.Int64
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan struct{})
	var all sync.WaitGroup
	for range orderers {
		all.Go(func() {
			for !closed(over) {
				i.orders(ctx, secret, fmt.Sprint("order-", made.Add(1)))
			}
		})
	}
	t.Cleanup(all.Wait)
	t.Cleanup(cancel)
	goesOn := func(while string) {
		t.Helper()
		seen := got.count()
		i.eventually("messages come "+while, func() bool { return got.count() > seen+100 })
	}
	goesOn("before anything breaks")
	for round := range restarts {
		i.postgres.Kill(t)
		i.postgres.Start(t)
		goesOn("after PostgreSQL was killed")
		stopNATS()
		goesOn("while NATS is down")
		dir := kept
		if round%2 == 1 {
			dir = t.TempDir()
		}
		stopNATS, _ = startNATS(t, port, dir)
		goesOn("after NATS came back")
	}
	close(over)
	all.Wait()
	i.allDelivered(secret, got, int(made.Load()))
}

// allDelivered waits until nothing is pending, and checks that each public event has
// arrived and that its delivery says so.
func (i *installation) allDelivered(secret string, got *received, made int) {
	i.t.Helper()
	events := map[string]bool{}
	for limit := time.Now().Add(deliveredMax); ; {
		for _, e := range i.everything(secret, "/webhooks/events?") {
			events[e.text("id")] = true
		}
		pending := i.everything(secret, "/webhooks/deliveries?status=pending&")
		if len(events) >= made && len(pending) == 0 {
			break
		}
		if time.Now().After(limit) {
			i.t.Fatalf("of %d events %d are listed, %d deliveries are pending: %v", made, len(events), len(pending), pending[:min(3, len(pending))])
		}
	}
	delivered := i.everything(secret, "/webhooks/deliveries?status=delivered&")
	got.mu.Lock()
	defer got.mu.Unlock()
	again := 0
	for id := range events {
		if got.came[id] == 0 {
			i.t.Errorf("event %s did not arrive", id)
		}
		again += max(got.came[id]-1, 0)
	}
	for _, d := range delivered {
		if !events[d.text("event_id")] {
			i.t.Errorf("there is no event of delivery %s", d.text("id"))
		}
	}
	if len(events) != made || len(delivered) != made || len(got.came) != made {
		i.t.Errorf("of %d orders %d events are listed, %d came, %d are delivered", made, len(events), len(got.came), len(delivered))
	}
	for _, err := range got.wrong {
		i.t.Errorf("a message is not verified: %v", err)
	}
	i.t.Logf("%d messages, %d of them twice", made, again)
}

// everything returns all objects of a list.
func (i *installation) everything(secret, path string) []object {
	i.t.Helper()
	var all []object
	for cursor := ""; ; {
		page := i.call(http.StatusOK, secret, http.MethodGet, path+"limit=100"+cursor, "")
		data, _ := page["data"].([]any)
		for _, o := range data {
			all = append(all, o.(map[string]any))
		}
		if page["has_more"] != true {
			return all
		}
		cursor = "&cursor=" + page.text("next_cursor")
	}
}
