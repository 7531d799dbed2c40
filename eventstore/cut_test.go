package eventstore_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"

	"tender/eventstore"
)

// The bytes of each direction that the cuts cover: more than one append takes.
const (
	requestSpan  = 2400
	responseSpan = 480
)

// TestConnectionsCutAtEveryMoment cuts the connection after every so many bytes of
// an append, on the way there and on the way back: the caller sees nothing of it,
// and the command is in the log once.
func TestConnectionsCutAtEveryMoment(t *testing.T) {
	b := setup(t)
	way, url := throughProxy(t, b.AppURL)
	store := open(t, url)
	mustAppend(t, store, write("ps_1", 0, 1))
	version, duplicates := 1, 0
	try := func(direction *budget, bytes int) {
		before := way.cuts.Load()
		direction.arm(bytes)
		for way.cuts.Load() == before { // a short append may pass before the cut
			c := key(write("ps_1", version, 1), fmt.Sprint(version))
			r := mustAppend(t, store, c)
			version++
			if r.First != int64(version) || r.Last != r.First {
				t.Fatalf("cut after %d bytes: %+v", bytes, r)
			}
			if r.Duplicate {
				duplicates++
			}
		}
	}
	for bytes := 0; bytes < requestSpan; bytes += short(97, 3) {
		try(&way.toServer, bytes)
	}
	for bytes := 0; bytes < responseSpan; bytes += short(29, 1) {
		try(&way.toClient, bytes)
	}
	if duplicates == 0 {
		t.Error("no cut came between a commit and its answer")
	}
	if n := len(events(t, b.store)); n != version {
		t.Errorf("%d events, want %d", n, version)
	}
}

// TestConnectionsResetUnderLoad resets all connections over and over while many
// write: every caller gets the answer that its command has in the log.
func TestConnectionsResetUnderLoad(t *testing.T) {
	b := setup(t)
	way, url := throughProxy(t, b.AppURL)
	store := open(t, url)
	ctx, cancel := context.WithCancel(b.ctx)
	var mu sync.Mutex
	acknowledged := make(map[string]eventstore.Result)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			writeUntil(ctx, store, nil, func(c eventstore.Command, r eventstore.Result, err error) {
				if err != nil {
					t.Errorf("append: %v", err)
				}
				mu.Lock()
				defer mu.Unlock()
				acknowledged[c.ID.String()] = r
			})
		})
	}
	for range short(20, 200) {
		position, _ := store.Signal().Position()
		waitFor(t, store, position+5)
		way.cutAll()
	}
	cancel()
	wg.Wait()
	checkAcknowledged(t, b.store, acknowledged)
}

func waitFor(t *testing.T, s *eventstore.Store, position int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if _, err := s.Signal().Wait(ctx, position); err != nil {
		t.Fatalf("the log stands still: %v", err)
	}
}

// checkAcknowledged reads the log and fails the test unless each acknowledged
// command stands where its answer said.
func checkAcknowledged(t *testing.T, s *eventstore.Store, acknowledged map[string]eventstore.Result) {
	t.Helper()
	found := make(map[string]eventstore.Result)
	for _, e := range events(t, s) {
		r, again := found[e.CommandID.String()]
		if again && r.Last != e.Position-1 {
			t.Errorf("command %s stands at %d and at %d", e.CommandID, r.Last, e.Position)
		}
		if !again {
			r.First = e.Position
		}
		r.Last = e.Position
		found[e.CommandID.String()] = r
	}
	if len(acknowledged) == 0 {
		t.Error("nothing was acknowledged")
	}
	for id, want := range acknowledged {
		if got := found[id]; got.First != want.First || got.Last != want.Last {
			t.Errorf("command %s stands at %d to %d, %d to %d was acknowledged", id, got.First, got.Last, want.First, want.Last)
		}
	}
}

// TestTheDatabaseOutOfReach has callers wait for as long as they like, and go on
// when it is back.
func TestTheDatabaseOutOfReach(t *testing.T) {
	b := setup(t)
	way, url := throughProxy(t, b.AppURL)
	store := open(t, url)
	way.stop()
	ctx, cancel := context.WithTimeout(b.ctx, 50*time.Millisecond)
	defer cancel()
	if _, err := store.Append(ctx, write("ps_1", 0, 1)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	waiting := make(chan error, 1)
	go func() {
		_, err := store.Append(b.ctx, write("ps_2", 0, 1))
		waiting <- err
	}()
	gathered(t, store, 1)
	way.resume(t)
	if err := <-waiting; err != nil {
		t.Errorf("append: %v", err)
	}
}

// TestADeadHolderOfTheLockIsGone leaves a transaction open that holds the lock, as
// a process does that the network has cut off in the middle.
func TestADeadHolderOfTheLockIsGone(t *testing.T) {
	b := setup(t)
	config, err := eventstore.AppendConfig(b.AppURL, testLog)
	if err != nil {
		t.Fatal(err)
	}
	dead, err := pgx.ConnectConfig(b.ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = dead.Close(context.Background()) }()
	if _, err := dead.Exec(b.ctx, `BEGIN`); err != nil {
		t.Fatal(err)
	}
	if _, err := dead.Exec(b.ctx, `SELECT pg_advisory_xact_lock($1)`, eventstore.LockKey(testLog)); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	b.mustAppend(t, write("ps_1", 0, 1))
	if waited := time.Since(begin); waited > 10*time.Second {
		t.Errorf("waited %s", waited)
	}
	for name, want := range map[string]string{
		"client_connection_check_interval": "2s", "tcp_keepalives_idle": "4", "tcp_keepalives_interval": "2",
		"tcp_keepalives_count": "2", "tcp_user_timeout": "8000", "statement_timeout": "0", "lock_timeout": "0",
	} {
		conn, err := pgx.ConnectConfig(b.ctx, config)
		if err != nil {
			t.Fatal(err)
		}
		var got string
		if err := conn.QueryRow(b.ctx, `SELECT current_setting($1)`, name).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %s, want %s, %v", name, got, want, err)
		}
		_ = conn.Close(b.ctx)
	}
}
