package biglog_test

import (
	"testing"

	"tender/cmd/tender/internal/biglog"
	"tender/domain/catalogue"
	"tender/eventstore"
	"tender/eventstore/storetest"
)

// events is how large the logs of these tests are at least.
const events = 3000

func makes(t *testing.T, seed uint64) (*eventstore.Store, biglog.Made) {
	t.Helper()
	store := storetest.Open(t, storetest.Database(t), "test")
	made, err := biglog.Make(t.Context(), store, biglog.Config{Seed: seed, Events: events})
	if err != nil {
		t.Fatalf("%+v", err)
	}
	return store, made
}

// Whoever adds an event type adds a play in which it occurs.
func TestEveryEventOccurs(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) { // chance must not be what makes them occur
		store, made := makes(t, seed)
		for _, name := range catalogue.Names() {
			if made.Types[name] == 0 {
				t.Errorf("with seed %d no %s occurs", seed, name)
			}
		}
		head, _, err := store.Head(t.Context())
		if err != nil || head != made.Events || head < events {
			t.Errorf("%d events are in the log (%v), %d were made, %d wanted", head, err, made.Events, events)
		}
	}
}

// Of one seed there is one log, wherever its streams lie among each other.
func TestTheSameSeedMakesTheSameStreams(t *testing.T) {
	t.Parallel()
	digest := func(seed uint64) (sum string) {
		store, _ := makes(t, seed)
		err := store.Pool().QueryRow(t.Context(), `SELECT md5(string_agg(concat_ws(' ', stream, version, type, event_id, command_id, merchant_id, at,
				effective_at, request_id, causation, actor_kind, actor_id, encode(convert_to(payload::text, 'UTF8'), 'hex')), E'\n' ORDER BY stream, version))
			FROM log_test.events`).Scan(&sum)
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	one, again, other := digest(1), digest(1), digest(2)
	if one != again || one == other {
		t.Errorf("seed 1 gives %s and %s, seed 2 %s", one, again, other)
	}
}
