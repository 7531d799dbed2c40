package clocks_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tender/handlers/handlerstest"
)

// The story that is told several times: a card that fails without the customer twice
// and then succeeds, retries, a mandate that runs out, a session and an authorisation
// that expire on the way.
const (
	storyCard  = "4000000000000432"
	storyBegin = "2025-12-31T12:00:00Z"
	storyEnd   = "2026-03-15T00:00:00Z"

	// driversMax bounds how many drivers may be needed.
	driversMax = 400
)

// begin makes what the story is about, and returns its clock.
func (b *bundle) begin() (clockID string) {
	clockID = b.clock(storyBegin)
	b.subscribed(clockID, storyCard, 700, object{
		"type": "scheduled", "amount": 700, "max_occurrences": 9,
		"recurrence": object{"type": "weekly", "interval_count": 1, "on": object{"days": []string{"mon", "fri"}}},
	}, object{"retry": object{"days": []int{1, 2}, "then": "continue"}})
	b.subscribed(clockID, goodCard, 300, object{
		"type": "scheduled", "amount": 300, "recurrence": object{"type": "daily", "interval_count": 2},
		"validity_period": object{"start_date": "2026-01-01", "end_date": "2026-02-28"},
	}, object{"scheduled_time": "08:30"})
	customerID := b.onClock(clockID)
	b.Paid(5000, goodCard, of(customerID, manual()))
	b.Create(100, of(customerID, expiresAt("2026-01-07T00:00:00Z")))
	return clockID
}

// told is what the log says of a merchant and their clock's people, in order, without
// ids, without what the wall's time, the vault and the acquirer make up, and without
// the clock's own events.
func (b *bundle) told(t *testing.T) []string {
	t.Helper()
	var lines []string
	names := map[string]string{}
	var last int64
	for {
		events, err := b.First.Test.Engine.Store.After(t.Context(), last, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if len(events) == 0 {
			return lines
		}
		for _, e := range events {
			last = e.Position
			if e.MerchantID != b.merchant.ID || e.Stream == e.MerchantID || strings.HasPrefix(e.Stream, "clk_") {
				continue
			}
			text := fmt.Sprintf("%s %s %s %s %s", e.Stream, e.Type, e.At.Format(time.RFC3339Nano), e.Actor.Kind, plain(t, e.Payload))
			lines = append(lines, anonymous.ReplaceAllStringFunc(text, func(id string) string {
				kind, _, found := strings.Cut(id, "_")
				if !found {
					kind = "uuid"
				}
				if names[id] == "" {
					names[id] = fmt.Sprintf("%s#%d", kind, len(names)+1)
				}
				return names[id]
			}))
		}
	}
}

var anonymous = regexp.MustCompile(`[a-z]{2,3}_[0-9a-z]{26}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// drawn are the members of payloads that differ from run to run.
var drawn = []string{"answer_by", "action_by", "reference", "network_transaction_id", "vault_ref", "fingerprint", "card_fingerprint", "profile_ref"}

// plain is a payload without what is drawn.
func plain(t *testing.T, payload []byte) string {
	t.Helper()
	var v any
	d := json.NewDecoder(bytes.NewReader(payload))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	strip(v)
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func strip(v any) {
	switch v := v.(type) {
	case map[string]any:
		for _, name := range drawn {
			delete(v, name)
		}
		for _, member := range v {
			strip(member)
		}
	case []any:
		for _, item := range v {
			strip(item)
		}
	}
}

// Whoever drives a clock may be stopped anywhere, and another goes on: what happens is
// the same, in the same order, at the same instants, as without any of that.
func TestStoppedDriversChangeNothing(t *testing.T) {
	t.Parallel()
	undisturbed := setup(t)
	undisturbed.First.Clocks()
	undisturbed.advance(t, undisturbed.begin(), storyEnd)
	want := undisturbed.told(t)
	if n := count(want, "subscription.charge_succeeded"); n != 9+30 {
		t.Errorf("%d payments succeeded, not 39", n)
	}
	for _, event := range []string{"session.expired", "payment.authorisation_expired", "mandate.exhausted", "mandate.expired"} {
		if count(want, event) != 1 {
			t.Errorf("%s happened %d times", event, count(want, event))
		}
	}

	b := setup(t)
	processes := []*handlerstest.Process{b.First, b.Process()}
	clockID := b.begin()
	b.Post(clocksPath+"/"+clockID+"/advance", object{"to": storyEnd}).Is(200)
	stops := 0 // how many drivers were stopped
	for ; b.Get(clocksPath+"/"+clockID).Is(200).Text("status") != "ready"; stops++ {
		stop := processes[stops%len(processes)].Clocks()
		<-time.After(time.Duration(5+rand.IntN(300)) * time.Millisecond)
		stop()
		if stops == driversMax {
			t.Fatalf("%d drivers did not get the clock to its end: it stands at %s", stops, b.Get(clocksPath+"/"+clockID).Text("frozen_time"))
		}
	}
	t.Logf("%d drivers", stops)
	if stops < 3 {
		t.Errorf("only %d drivers were stopped", stops)
	}
	compare(t, b.told(t), want)
}

func count(lines []string, event string) (n int) {
	for _, l := range lines {
		if strings.Contains(l, " "+event+" ") {
			n++
		}
	}
	return n
}

// compare shows the first difference between two stories.
func compare(t *testing.T, got, want []string) {
	t.Helper()
	if slices.Equal(got, want) {
		return
	}
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Fatalf("of %d events (%d without disturbance) number %d differs:\n%s\nnot\n%s", len(got), len(want), i+1,
				strings.Join(got[min(len(got), max(0, i-1)):min(len(got), i+2)], "\n"),
				strings.Join(want[min(len(want), max(0, i-1)):min(len(want), i+2)], "\n"))
		}
	}
}
