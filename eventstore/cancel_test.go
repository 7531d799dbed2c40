package eventstore_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/errors"
)

func TestACancelledCallerLeavesAtOnce(t *testing.T) {
	b := setup(t)
	done, cancelled := context.WithCancel(b.ctx)
	cancelled()
	if _, err := b.store.Append(done, write("ps_0", 0, 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("before: %v", err)
	}

	// One whose command is under way, one whose command waits in the queue.
	release := holdLock(t, b)
	underWay, waits := write("ps_1", 0, 1), write("ps_2", 0, 1)
	ctx, cancel := context.WithCancel(b.ctx)
	errs := make(chan error, 2)
	go func() { _, err := b.store.Append(ctx, underWay); errs <- err }()
	eventually(t, "the first is under way", func() bool { return lockWaiters(t, b) == 1 })
	go func() { _, err := b.store.Append(ctx, waits); errs <- err }()
	gathered(t, b.store, 1)
	cancel()
	for range 2 {
		if err := <-errs; !errors.Is(err, context.Canceled) {
			t.Errorf("while it waits: %v", err)
		}
	}
	release()

	// The first was appended all the same, the second never travelled.
	if r := b.mustAppend(t, underWay); !r.Duplicate || r.First != 1 {
		t.Errorf("result %+v", r)
	}
	if r := b.mustAppend(t, waits); r.Duplicate || r.First != 2 {
		t.Errorf("result %+v", r)
	}
	if n := len(events(t, b.store)); n != 2 {
		t.Errorf("%d events", n)
	}
}

func lockWaiters(t *testing.T, b *testBundle) int {
	t.Helper()
	var n int
	err := b.store.Pool().QueryRow(b.ctx, `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`).Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestCallersCancelledAtEveryMoment lets callers leave after any time from none to
// longer than an append takes: nobody else is disturbed, and what each finds
// afterwards is one append or none.
func TestCallersCancelledAtEveryMoment(t *testing.T) {
	b := setup(t)
	const callers, turns = 16, 40
	var wg sync.WaitGroup
	for caller := range callers {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(caller)))
			stream := fmt.Sprint("ps_", caller)
			for version := range turns {
				c := key(write(stream, version, 1), fmt.Sprint(stream, "/", version))
				ctx, cancel := context.WithTimeout(b.ctx, time.Duration(random.IntN(8000))*time.Microsecond)
				_, err := b.store.Append(ctx, c)
				cancel()
				if err != nil && !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("append: %v", err)
				}
				r, err := b.store.Append(b.ctx, c)
				if err != nil || r.First != r.Last || r.First == 0 {
					t.Errorf("again: %+v, %v", r, err)
				}
			}
		})
	}
	wg.Wait()
	if n := len(events(t, b.store)); n != callers*turns {
		t.Errorf("%d events", n)
	}
}
