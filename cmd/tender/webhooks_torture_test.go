//go:build torture

package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const (
	workerKills = 4
	workerLanes = 8 // messages that one process has under way to one endpoint at most
	orderers    = 2
)

// ledger is a merchant's receiver, which keeps how often each message came, and what
// was wrong.
type ledger struct {
	mu     sync.Mutex
	verify func(body []byte, headers http.Header) error
	bodies map[string]string
	came   map[string]int
	wrong  []string
	hold   chan struct{} // messages wait until it is closed
	held   int           // that wait now
}

// keepsLedger gives the merchant an endpoint that keeps one.
func (i *installation) keepsLedger() *ledger {
	i.t.Helper()
	l := &ledger{bodies: map[string]string{}, came: map[string]int{}, hold: make(chan struct{})}
	close(l.hold)
	receiver := httptest.NewServer(l)
	i.t.Cleanup(receiver.Close)
	i.t.Cleanup(l.release)
	l.mu.Lock() // nothing is looked at before the secret is known
	defer l.mu.Unlock()
	made := i.must(http.StatusCreated, http.MethodPost, "/webhooks/endpoints", "ledger", `{"url":"`+receiver.URL+`/","events":["*"]}`)
	official, err := standardwebhooks.NewWebhook(made.text("secret"))
	if err != nil {
		i.t.Fatal(err)
	}
	l.verify = official.Verify
	return l
}

func (l *ledger) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the worker was killed while it sent
	}
	hold := l.note(r.Header, body)
	select {
	case <-hold:
	case <-r.Context().Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held--
	w.WriteHeader(http.StatusNoContent)
}

// note writes a message down, and returns until when it waits for its answer.
func (l *ledger) note(headers http.Header, body []byte) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	var message struct{ ID string }
	err := l.verify(body, headers)
	if err == nil {
		err = json.Unmarshal(body, &message)
	}
	id := headers.Get("webhook-id")
	before, again := l.bodies[id]
	switch {
	case err != nil || id != message.ID:
		l.wrong = append(l.wrong, fmt.Sprintf("%s: %v: %s", id, err, body))
	case again && before != string(body):
		l.wrong = append(l.wrong, fmt.Sprintf("%s came with another body: %s, then %s", id, before, body))
	}
	l.bodies[id] = string(body)
	l.came[id]++
	l.held++
	return l.hold
}

// holds has the messages that come from now on wait for their answers.
func (l *ledger) holds() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hold = make(chan struct{})
}

func (l *ledger) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.hold:
	default:
		close(l.hold)
	}
}

func (l *ledger) waiting() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.held
}

// everything returns all objects of a list.
func (i *installation) everything(path string) []object {
	i.t.Helper()
	var all []object
	for cursor := ""; ; {
		page := i.must(http.StatusOK, http.MethodGet, path+"limit=100"+cursor, "", "")
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

// TestWorkersAreKilledWhileDelivering kills worker processes whose messages have
// arrived and were not answered yet, beside one that goes on: nothing is lost, and
// what comes twice is the same message.
func TestWorkersAreKilledWhileDelivering(t *testing.T) {
	i := newInstallation(t)
	i.start("--roles", "api,checkout,relay,projector")
	book := i.keepsLedger()
	ctx, cancel := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	for client := range orderers {
		clients.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				_, _, _ = i.call(ctx, http.MethodPost, "/collect/payment_sessions", fmt.Sprintf("c%dn%d", client, n), `{"amount":9000,"currency":"ZAR"}`)
			}
		})
	}
	i.beside("serve", "--roles", "worker")
	for range workerKills {
		book.holds()
		victim := i.beside("serve", "--roles", "worker")
		// More than one process can have under way: some are the victim's.
		i.eventually(startTimeout, "both workers deliver", func() bool { return book.waiting() > workerLanes })
		_ = victim.cmd.Process.Kill()
		_ = victim.cmd.Wait()
		book.release()
		i.eventually(startTimeout, "deliveries go on", func() bool { return book.waiting() < workerLanes })
	}
	cancel()
	clients.Wait()
	i.eventually(settleLimit, "everything is delivered", func() bool {
		page := i.must(http.StatusOK, http.MethodGet, "/webhooks/deliveries?status=pending&limit=1", "", "")
		data, _ := page["data"].([]any)
		return len(data) == 0
	})
	i.settled(book)
}

// settled checks that each public event has arrived, and that its delivery says so.
func (i *installation) settled(book *ledger) {
	i.t.Helper()
	delivered := map[string]string{}
	for _, d := range i.everything("/webhooks/deliveries?") {
		delivered[d.text("event_id")] = d.text("status")
	}
	events := i.everything("/webhooks/events?")
	book.mu.Lock()
	defer book.mu.Unlock()
	again := 0
	for _, e := range events {
		id := e.text("id")
		if book.came[id] == 0 || delivered[id] != "delivered" {
			i.t.Errorf("event %s came %d times, and its delivery is %q", id, book.came[id], delivered[id])
		}
		again += max(book.came[id]-1, 0)
	}
	if len(book.wrong) > 0 {
		i.t.Errorf("%d messages were wrong: %s", len(book.wrong), strings.Join(book.wrong[:min(3, len(book.wrong))], "\n"))
	}
	if again < workerKills || again > workerKills*workerLanes || len(events) != len(book.came) {
		i.t.Errorf("of %d events %d came, %d messages twice", len(events), len(book.came), again)
	}
	i.t.Logf("%d events, %d messages came twice, after %d kills", len(events), again, workerKills)
}
