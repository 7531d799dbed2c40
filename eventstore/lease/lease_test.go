package lease_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tender/eventstore"
	"tender/eventstore/lease"
	"tender/eventstore/storetest"
)

const patience = 60 * time.Second

type bundle struct {
	ctx    context.Context
	store  *eventstore.Store
	leases *lease.Leases
}

func setup(t *testing.T) bundle {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	t.Cleanup(cancel)
	store := storetest.Open(t, storetest.Database(t), "test")
	return bundle{ctx: ctx, store: store, leases: lease.New(store.Pool(), store.Log())}
}

// expire makes all leases expire.
func (b bundle) expire(t *testing.T) {
	t.Helper()
	if _, err := b.store.Pool().Exec(b.ctx, `UPDATE work_test.leases SET until = clock_timestamp() - interval '1 s'`); err != nil {
		t.Fatal(err)
	}
}

func must(t *testing.T, want bool) func(got bool, err error) {
	return func(got bool, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
}

// What waits, or was done as far as the reader knows, is forgotten; what somebody
// holds, or was done beyond that, is not.
func TestForget(t *testing.T) {
	t.Parallel()
	b := setup(t)
	l, ctx := b.leases, b.ctx
	must(t, false)(l.Forget(ctx, "work", "1", 100)) // there is none
	must(t, true)(l.Take(ctx, "work", "1", "anna", time.Hour))
	must(t, false)(l.Forget(ctx, "work", "1", 100))
	must(t, true)(l.Set(ctx, "work", "1", "anna", time.Now().Add(time.Hour), 0))
	must(t, false)(l.Take(ctx, "work", "1", "bert", time.Hour))
	must(t, false)(l.Forget(ctx, "play", "1", 100)) // another kind
	must(t, true)(l.Forget(ctx, "work", "1", 0))
	must(t, true)(l.Take(ctx, "work", "1", "bert", time.Hour))
	must(t, true)(l.Set(ctx, "work", "1", "bert", time.Now(), 7))
	must(t, false)(l.Forget(ctx, "work", "1", 6))
	must(t, true)(l.Forget(ctx, "work", "1", 7))
	must(t, true)(l.Take(ctx, "work", "1", "anna", time.Hour))
}

func TestTakenOnceUntilItExpiresOrIsReleased(t *testing.T) {
	t.Parallel()
	b := setup(t)
	l, ctx := b.leases, b.ctx
	must(t, true)(l.Take(ctx, "work", "1", "anna", time.Hour))
	must(t, false)(l.Take(ctx, "work", "1", "bert", time.Hour))
	must(t, true)(l.Take(ctx, "work", "1", "anna", time.Hour)) // again
	must(t, true)(l.Take(ctx, "work", "2", "bert", time.Hour)) // another piece
	must(t, true)(l.Take(ctx, "loop", "1", "bert", time.Hour)) // another kind
	must(t, false)(l.Renew(ctx, "work", "1", "bert", time.Hour))
	must(t, true)(l.Renew(ctx, "work", "1", "anna", time.Hour))
	b.expire(t)
	must(t, true)(l.Renew(ctx, "work", "1", "anna", time.Hour)) // nobody took it
	must(t, false)(l.Take(ctx, "work", "1", "bert", time.Hour))
	b.expire(t)
	must(t, true)(l.Take(ctx, "work", "1", "bert", time.Hour))
	must(t, false)(l.Renew(ctx, "work", "1", "anna", time.Hour))
	must(t, false)(l.Release(ctx, "work", "1", "anna"))
	must(t, true)(l.Release(ctx, "work", "1", "bert"))
	must(t, true)(l.Take(ctx, "work", "1", "anna", time.Hour))
	if _, err := l.Take(ctx, "work", "3", "", time.Hour); err == nil {
		t.Error("taken without an owner")
	}
}

func TestOneOfManyTakersWins(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var won atomic.Int32
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			held, err := b.leases.Take(b.ctx, "work", "1", fmt.Sprint("taker ", i), time.Hour)
			if err != nil {
				t.Errorf("take: %v", err)
			}
			if held {
				won.Add(1)
			}
		})
	}
	all.Wait()
	if won.Load() != 1 {
		t.Errorf("%d takers won", won.Load())
	}
}

func TestFailedWorkIsLeftUntilItsNextTry(t *testing.T) {
	t.Parallel()
	b := setup(t)
	l, ctx := b.leases, b.ctx
	must(t, true)(l.Take(ctx, "work", "1", "anna", time.Hour))
	must(t, false)(l.Set(ctx, "work", "1", "bert", time.Now(), 0))
	must(t, true)(l.Set(ctx, "work", "1", "anna", time.Now().Add(time.Hour), 0))
	must(t, false)(l.Take(ctx, "work", "1", "anna", time.Hour)) // not even who left it
	must(t, false)(l.Set(ctx, "work", "1", "anna", time.Now(), 0))
	b.expire(t)
	must(t, true)(l.Take(ctx, "work", "1", "bert", time.Hour))
}

func TestFinishedWorkIsNotTakenUntilItIsSwept(t *testing.T) {
	t.Parallel()
	b := setup(t)
	l, ctx := b.leases, b.ctx
	for id, position := range map[string]int64{"1": 10, "2": 20} {
		must(t, true)(l.Take(ctx, "work", id, "anna", time.Hour))
		must(t, true)(l.Set(ctx, "work", id, "anna", time.Now().Add(-time.Second), position))
		must(t, false)(l.Take(ctx, "work", id, "bert", time.Hour)) // although it has expired
	}
	must(t, true)(l.Take(ctx, "work", "3", "anna", time.Hour))
	if n, err := l.Sweep(ctx, "work", 19); err != nil || n != 1 {
		t.Errorf("swept %d (%v), want 1", n, err)
	}
	must(t, true)(l.Take(ctx, "work", "1", "bert", time.Hour))
	must(t, false)(l.Take(ctx, "work", "2", "bert", time.Hour))
	must(t, false)(l.Take(ctx, "work", "3", "bert", time.Hour))
}

func TestHoldRunsOneAtATimeAndHandsOver(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const holders, ttl = 4, 600 * time.Millisecond
	var running, most, runs atomic.Int32
	var all sync.WaitGroup
	for range holders {
		all.Go(func() {
			err := b.leases.Hold(b.ctx, "loop", "1", ttl, func(context.Context) error {
				most.Store(max(most.Load(), running.Add(1)))
				defer running.Add(-1)
				runs.Add(1)
				_, err := b.store.Pool().Exec(b.ctx, `SELECT pg_sleep(0.05)`) // something to do
				return err
			})
			if err != nil {
				t.Errorf("hold: %v", err)
			}
		})
	}
	all.Wait()
	if most.Load() != 1 || runs.Load() != holders {
		t.Errorf("%d at a time, %d runs", most.Load(), runs.Load())
	}
}

func TestHoldKeepsTheLeaseBeyondItsLife(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const ttl = 900 * time.Millisecond
	holding, renewed := make(chan struct{}), make(chan struct{})
	held := make(chan error, 1)
	ctx, cancel := context.WithCancel(b.ctx)
	go func() {
		held <- b.leases.Hold(ctx, "loop", "1", ttl, func(ctx context.Context) error {
			close(holding)
			<-ctx.Done()
			return ctx.Err()
		})
	}()
	<-holding
	go func() {
		defer close(renewed)
		var first, until time.Time
		eventually(t, "the lease is renewed", func() bool {
			if err := b.store.Pool().QueryRow(b.ctx, `SELECT until FROM work_test.leases`).Scan(&until); err != nil {
				return false
			}
			if first.IsZero() {
				first = until
			}
			return until.Sub(first) > 2*ttl
		})
	}()
	<-renewed
	must(t, false)(b.leases.Take(b.ctx, "loop", "1", "another", ttl))
	cancel()
	if err := <-held; !errors.Is(err, context.Canceled) {
		t.Errorf("hold gave %v", err)
	}
	must(t, true)(b.leases.Take(b.ctx, "loop", "1", "another", ttl)) // it was given back
}

func TestHolderIsStoppedWhenTheLeaseIsLost(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const ttl = 600 * time.Millisecond
	causes := make(chan error, 10)
	entered := make(chan struct{}, 10)
	ctx, cancel := context.WithCancel(b.ctx)
	held := make(chan error, 1)
	go func() {
		held <- b.leases.Hold(ctx, "loop", "1", ttl, func(ctx context.Context) error {
			entered <- struct{}{}
			<-ctx.Done()
			causes <- context.Cause(ctx)
			return nil
		})
	}()
	<-entered
	if _, err := b.store.Pool().Exec(b.ctx, `UPDATE work_test.leases SET owner = 'thief', until = clock_timestamp() + interval '1 h'`); err != nil {
		t.Fatal(err)
	}
	if cause := <-causes; !errors.Is(cause, lease.ErrLost) {
		t.Errorf("stopped because of %v", cause)
	}
	b.expire(t)
	<-entered // and takes it again once it is free
	cancel()
	if cause := <-causes; !errors.Is(cause, context.Canceled) {
		t.Errorf("stopped because of %v", cause)
	}
	if err := <-held; !errors.Is(err, context.Canceled) {
		t.Errorf("hold gave %v", err)
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	limit := time.After(patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-limit:
			t.Errorf("did not happen within %s: %s", patience, what)
			return
		case <-tick.C:
		}
	}
}
