package eventstore_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/google/uuid"

	"tender/domain"
	"tender/eventstore"
	"tender/eventstore/storetest"
)

// patience is how long a test waits for what must happen.
var patience = time.Duration(short(30, 600)) * time.Second

// short returns what an ordinary run tries, or what a torture does.
func short(ordinary, often int) int {
	if torture {
		return often
	}
	return ordinary
}

var testLog = eventstore.Log{Mode: "test"}

// testBundle is a log of the test's own.
type testBundle struct {
	storetest.DB
	store *eventstore.Store
	ctx   context.Context
}

func setup(t *testing.T) *testBundle {
	t.Helper()
	t.Parallel()
	db := storetest.Database(t)
	return &testBundle{DB: db, store: open(t, db.AppURL), ctx: context.Background()}
}

// open opens the log for the length of the test.
func open(t testing.TB, url string) *eventstore.Store {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	store, err := eventstore.Open(ctx, testLog, url, eventstore.WithReadConnections(4))
	if err != nil {
		t.Fatalf("open: %+v", err)
	}
	t.Cleanup(store.Close)
	return store
}

func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// write is a command that adds n events to a stream at a version.
func write(stream string, version, n int) eventstore.Command {
	c := eventstore.Command{
		ID: newID(), MerchantID: "mer_1", RequestID: "req_1",
		Actor:  domain.Actor{Kind: domain.ActorMerchant, ID: "key_1"},
		Expect: []eventstore.Expectation{{Stream: stream, Version: version}},
	}
	for i := range n {
		c.Events = append(c.Events, event(stream, version+i+1))
	}
	return c
}

func event(stream string, version int) eventstore.NewEvent {
	return eventstore.NewEvent{
		Stream: stream, Type: "test.happened", SchemaVersion: 1, ID: newID(), At: now(),
		Payload: json.RawMessage(fmt.Sprintf(`{"number": %d, "text": "é \u0000 中"}`, version)),
	}
}

// key gives c an idempotency key.
func key(c eventstore.Command, key string) eventstore.Command {
	c.Key = &eventstore.IdempotencyKey{
		Kind: "secret", Key: key, Fingerprints: json.RawMessage(`{"path":"a","amount":"b"}`), Stream: "ps_of_" + key,
	}
	return c
}

// mustAppend appends c, or fails the test.
func (b *testBundle) mustAppend(t testing.TB, c eventstore.Command) eventstore.Result {
	t.Helper()
	return mustAppend(t, b.store, c)
}

func mustAppend(t testing.TB, s *eventstore.Store, c eventstore.Command) eventstore.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r, err := s.Append(ctx, c)
	if err != nil {
		t.Fatalf("append: %+v", err)
	}
	return r
}

// events reads the whole log, and fails the test unless positions are dense,
// versions of each stream too, and the chain holds from the first event on.
func events(t testing.TB, s *eventstore.Store) []eventstore.Event {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	var all []eventstore.Event
	for {
		page, err := s.After(ctx, int64(len(all)), 5000)
		if err != nil {
			t.Fatalf("read the log: %+v", err)
		}
		all = append(all, page...)
		if len(page) < 5000 {
			break
		}
	}
	checkLog(t, all)
	return all
}

func checkLog(t testing.TB, all []eventstore.Event) {
	t.Helper()
	var prev eventstore.Event
	versions := make(map[string]int)
	for i, e := range all {
		if e.Position != int64(i+1) {
			t.Fatalf("position %d stands at place %d", e.Position, i+1)
		}
		if versions[e.Stream]++; e.Version != versions[e.Stream] {
			t.Fatalf("position %d: version %d of %s follows %d", e.Position, e.Version, e.Stream, versions[e.Stream]-1)
		}
		if e.RecordedAt.Before(prev.RecordedAt) {
			t.Fatalf("position %d: recorded at %s, before the one before it", e.Position, e.RecordedAt)
		}
		if got := eventstore.ChainHash(prev.Hash, e); got != e.Hash {
			t.Fatalf("position %d: chain hash %x, want %x", e.Position, e.Hash, got)
		}
		prev = e
	}
}

// eventually polls until done says so.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("never happened: %s", what)
		}
	}
}

// wantError fails the test unless err is a *T, and returns it.
func wantError[T error](t testing.TB, err error) T {
	t.Helper()
	var target T
	if !errors.As(err, &target) {
		t.Fatalf("got error %v, want a %T", err, target)
	}
	return target
}

func claimOf(stream string) []eventstore.Claim {
	return []eventstore.Claim{{Kind: "ckt", Value: "of_" + stream, Stream: stream}}
}

// answerTo answers a command that wrote its stream's first event.
func answerTo(c eventstore.Command) *eventstore.Answer {
	return &eventstore.Answer{CommandID: c.ID, Status: 201, Stream: c.Events[0].Stream, Version: 1}
}
