package eventstore_test

import (
	"sync"
	"testing"
	"time"

	"tender/eventstore"
)

// TestReadsOutliveTheirConnections cuts every connection of a pool, as a restarted
// server does: whoever reads next sees nothing of it.
func TestReadsOutliveTheirConnections(t *testing.T) {
	b := setup(t)
	way, url := throughProxy(t, b.AppURL)
	store, err := eventstore.Open(b.ctx, eventstore.Log{Mode: "test"}, url, eventstore.WithReadConnections(4))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	mustAppend(t, store, key(write("ps_1", 0, 1), "k"))
	reads := map[string]func() error{
		"a stream": func() error { _, err := store.Stream(b.ctx, "ps_1"); return err },
		"the log":  func() error { _, err := store.After(b.ctx, 0, 10); return err },
		"the head": func() error { _, _, err := store.Head(b.ctx); return err },
		"a hash":   func() error { _, err := store.HashAt(b.ctx, 1); return err },
		"a time":   func() error { _, err := store.PositionAt(b.ctx, time.Now()); return err },
		"a claim":  func() error { _, _, err := store.Claimed(b.ctx, "checkout", "ckt_1"); return err },
		"a key":    func() error { _, _, err := store.KeyRecord(b.ctx, "mer_1", "secret", "k"); return err },
	}
	for name, read := range reads {
		var busy sync.WaitGroup
		for range 16 { // so that the pool holds several
			busy.Go(func() {
				if err := read(); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			})
		}
		busy.Wait()
		way.cutAll()
		if err := read(); err != nil {
			t.Errorf("%s, right after all connections were cut: %v", name, err)
		}
	}
}
