package eventstore_test

import (
	"context"
	"sync"
	"testing"

	"tender/eventstore"
	"tender/eventstore/storetest"
)

// TestPostgreSQLIsKilledUnderLoad kills the server again and again while this
// process writes. The callers wait it out; everything acknowledged is there, and
// nobody is told anything but the truth.
func TestPostgreSQLIsKilledUnderLoad(t *testing.T) {
	t.Parallel()
	server := storetest.Server(t)
	store := open(t, server.AppURL)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var mu sync.Mutex
	acknowledged := make(map[string]eventstore.Result)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			writeUntil(ctx, store, nil, func(c eventstore.Command, r eventstore.Result, err error) {
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					t.Errorf("append: %v", err)
				}
				acknowledged[c.ID.String()] = r
			})
		})
	}
	for range short(3, 20) {
		position, _ := store.Signal().Position()
		waitFor(t, store, position+100)
		server.Kill(t)
		server.Start(t)
	}
	position, _ := store.Signal().Position()
	waitFor(t, store, position+1)
	cancel()
	wg.Wait()
	// By new connections: those that read before may not have noticed the last kill.
	checkAcknowledged(t, open(t, server.AppURL), acknowledged)
}

// TestWritersAreKilledUnderLoad kills processes that write, while another goes on.
func TestWritersAreKilledUnderLoad(t *testing.T) {
	b := setup(t)
	acknowledged := make(map[string]eventstore.Result)
	stays := start(t, job{URL: b.AppURL, Name: "write", Callers: 4, Streams: []string{"shared"}})
	var wg sync.WaitGroup
	var others []report
	wg.Go(func() { others = stays.rest(t) })
	for turn := range short(4, 40) {
		w := start(t, job{URL: b.AppURL, Name: "write", Callers: 8, Streams: []string{"shared"}})
		for range 50 + 10*turn {
			r, more := w.next(t)
			if !more {
				t.Fatal("the writer ended by itself")
			}
			keep(t, acknowledged, []report{r})
		}
		w.kill()
		keep(t, acknowledged, w.rest(t))
	}
	b.mustAppend(t, write("after", 0, 1)) // no dead process holds the lock
	_ = stays.in.Close()
	wg.Wait()
	keep(t, acknowledged, others)
	checkAcknowledged(t, b.store, acknowledged)
}

// TestTheServerCutsAppendsOff cancels and terminates the backend of the append
// connection, as an operator or a timeout does: the batch is sent again.
func TestTheServerCutsAppendsOff(t *testing.T) {
	b := setup(t)
	ctx, cancel := context.WithCancel(b.ctx)
	var mu sync.Mutex
	acknowledged := make(map[string]eventstore.Result)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			writeUntil(ctx, b.store, nil, func(c eventstore.Command, r eventstore.Result, err error) {
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					t.Errorf("append: %v", err)
				}
				acknowledged[c.ID.String()] = r
			})
		})
	}
	for turn := range short(40, 1000) {
		position, _ := b.store.Signal().Position()
		waitFor(t, b.store, position)
		cut := []string{"pg_cancel_backend", "pg_terminate_backend"}[turn%2]
		asSuper(t, b, `SELECT `+cut+`(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE '% append'`)
	}
	cancel()
	wg.Wait()
	checkAcknowledged(t, b.store, acknowledged)
}
