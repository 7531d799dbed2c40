package projections_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/errors"

	"tender/domain/id"
	"tender/eventstore"
	"tender/projections"
)

// streams are toys that can be filled stream by stream.
func streams(name string, change ...func(*projections.Keyed[total])) projections.Keyed[total] {
	return toys(name, append([]func(*projections.Keyed[total]){func(k *projections.Keyed[total]) {
		k.Streams = []id.Prefix{"toy"}
		k.Keys = func(e eventstore.Event) ([]string, error) { return []string{e.Stream}, nil }
	}}, change...)...)
}

// runner is what a command that rebuilds has: no feed, and no projector that runs.
func (b *bundle) runner(all ...projections.Projection) *projections.Runner {
	b.t.Helper()
	r, err := projections.NewRunner(b.store, nil, projections.NewCursors(b.store), all...)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

// rebuild rebuilds a projection and returns the generation that is served then.
func (b *bundle) rebuild(r *projections.Runner, name string) int {
	b.t.Helper()
	n, err := r.Rebuild(b.ctx, name)
	if err == nil {
		err = r.Make(b.ctx, name, n, func(projections.Status) {})
	}
	if err != nil {
		b.t.Fatalf("rebuild %s: %v", name, err)
	}
	if s := b.status(name, n); !s.Serving {
		b.t.Fatalf("made, and not served: %+v", s)
	}
	return n
}

// dump returns a generation's table as text.
func (b *bundle) dump(name string, generation int) string {
	b.t.Helper()
	var all string
	err := b.store.Pool().QueryRow(b.ctx, fmt.Sprintf(`SELECT coalesce(string_agg(t::text, E'\n' ORDER BY id), '') FROM read_test.%s_g%d t`, name, generation)).Scan(&all)
	if err != nil {
		b.t.Fatal(err)
	}
	return all
}

func (b *bundle) exec(sql string) {
	b.t.Helper()
	if _, err := b.store.Pool().Exec(b.ctx, sql); err != nil {
		b.t.Fatalf("%s: %v", sql, err)
	}
}

// bothWays runs a test for a projection that is filled stream by stream, and for one
// that is not.
func bothWays(t *testing.T, f func(t *testing.T, b *bundle, k projections.Keyed[total])) {
	t.Parallel()
	for way, k := range map[string]projections.Keyed[total]{"by stream": streams("toys"), "in order": toys("toys")} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			f(t, setup(t), k)
		})
	}
}

// TestRebuildsUnderLoad: while rows are written and a view is read all the time, it is
// rebuilt again and again. Nothing that a reader sees goes back, and what was rebuilt
// is what was kept, to the byte.
func TestRebuildsUnderLoad(t *testing.T) {
	bothWays(t, func(t *testing.T, b *bundle, k projections.Keyed[total]) {
		k.Keep = nil // rows that stay, so that sums only rise
		p := b.process(k)
		b.write(1000)
		b.holds(k)
		b.exec(`UPDATE read_test.toys_g1 SET sum = 7, state = '{}' WHERE id = (SELECT id FROM read_test.toys_g1 ORDER BY id LIMIT 1)`)

		stopWriting := b.background(func(ctx context.Context) {
			for ctx.Err() == nil {
				b.write(50)
			}
		})
		r := b.runner(k)
		b.rebuild(r, "toys") // from here on all rows are right
		stopReading := b.background(func(ctx context.Context) { b.watch(ctx, p) })
		for want := 3; want <= 5; want++ {
			if n := b.rebuild(r, "toys"); n != want {
				t.Fatalf("generation %d is served, want %d", n, want)
			}
		}
		if n, err := r.Rollback(b.ctx, "toys"); err != nil || n != 4 {
			t.Fatalf("went back to %d: %v", n, err)
		}
		stopReading()
		stopWriting()
		b.holds(k)
		head, _, err := b.store.Head(b.ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range []int{4, 5} {
			eventually(t, "both generations are fed", func() bool { return b.status("toys", n).Position == head })
		}
		if b.dump("toys", 4) != b.dump("toys", 5) {
			t.Error("the generations differ")
		}
		if s := b.status("toys", 4); !s.Serving || s.Retired || s.Lag != 0 {
			t.Errorf("generation 4 is %+v", s)
		}
		if s := b.status("toys", 3); s.Generation != 0 {
			t.Errorf("generation 3 is still there: %+v", s)
		}
		var left int
		if err := b.store.Pool().QueryRow(b.ctx, `SELECT count(*) FROM pg_tables WHERE schemaname = 'read_test' AND tablename LIKE 'toys\_g%'`).Scan(&left); err != nil || left != 2 {
			t.Errorf("%d tables are left (%v), want 2", left, err)
		}
	})
}

// watch reads the view all the time: neither a position nor what was promised, by a
// wait, nor the sum of all rows goes back.
func (b *bundle) watch(ctx context.Context, p *process) {
	var last, lastSum int64
	for ctx.Err() == nil {
		promised, _, err := p.store.Head(ctx)
		if err == nil {
			err = p.cursors.WaitFor(ctx, "toys", promised)
		}
		var at, sum int64
		if err == nil {
			err = p.store.Pool().QueryRow(ctx, `SELECT c.position, r.sum FROM read_test.projections c,
				LATERAL (SELECT coalesce(sum(position), 0)::bigint AS sum FROM read_test.toys) r WHERE c.name = 'toys' AND c.serving`).Scan(&at, &sum)
		}
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			b.t.Errorf("a reader got: %v", err)
		case at < last || at < promised || sum < lastSum:
			b.t.Errorf("promised %d; from %d (sum %d) to %d (sum %d)", promised, last, lastSum, at, sum)
		}
		last, lastSum = at, sum
	}
}

// A rebuild needs nobody else, and neither does the way back.
func TestRebuildWithoutAnybodyElse(t *testing.T) {
	bothWays(t, func(t *testing.T, b *bundle, k projections.Keyed[total]) {
		p := b.process(k)
		b.write(500)
		b.holds(k)
		p.stop()
		was := b.dump("toys", 1)
		b.exec(`DELETE FROM read_test.toys_g1`)
		r := b.runner(k)
		if n := b.rebuild(r, "toys"); n != 2 {
			t.Fatalf("generation %d", n)
		}
		if b.dump("toys", 2) != was {
			t.Error("what was rebuilt is not what was kept")
		}
		b.write(100)
		if n := b.rebuild(r, "toys"); n != 3 {
			t.Fatalf("generation %d", n)
		}
		if n, err := r.Rollback(b.ctx, "toys"); err != nil || n != 2 {
			t.Fatalf("went back to %d: %v", n, err)
		}
		b.holds(k)
		if _, err := r.Rollback(b.ctx, "toys"); !errors.Is(err, projections.ErrNoPrevious) {
			t.Errorf("went back twice: %v", err)
		}
		if n := b.rebuild(r, "toys"); n != 4 {
			t.Errorf("generation %d", n)
		}
	})
}

// held makes the fold wait at one event until it is let go, and counts folds.
type held struct {
	at     int64
	met    chan struct{}
	let    chan struct{}
	once   sync.Once
	folded atomic.Int64
}

func hold(at int64) *held { return &held{at: at, met: make(chan struct{}), let: make(chan struct{})} }

func (h *held) fold(k *projections.Keyed[total]) {
	fold := k.Fold
	k.Fold = func(s total, id string, e eventstore.Event) (total, error) {
		h.folded.Add(1)
		if h.folded.Load() == h.at {
			h.once.Do(func() { close(h.met) })
			<-h.let
		}
		return fold(s, id, e)
	}
}

// TestRebuildGoesOnWhereItWasLeft: one that was left in the middle, whether it was
// interrupted or its process died, is taken up by another, which doesn't begin anew.
func TestRebuildGoesOnWhereItWasLeft(t *testing.T) {
	t.Parallel()
	b := setup(t)
	k := streams("toys")
	p := b.process(k)
	b.write(9000)
	b.holds(k)
	p.stop()
	h := hold(8500)
	first := b.runner(streams("toys", h.fold))
	n, err := first.Rebuild(b.ctx, "toys")
	if err != nil {
		t.Fatal(err)
	}
	stop := b.background(func(ctx context.Context) { _ = first.Make(ctx, "toys", n, func(projections.Status) {}) })
	<-h.met
	eventually(t, "a portion is written", func() bool { return b.status("toys", n).Done > 0 })
	control := projections.NewCursors(b.store)
	if err := control.Interrupt(b.ctx, "toys"); err != nil {
		t.Fatal(err)
	}
	close(h.let)
	stop()
	left := b.status("toys", n)
	if left.State != projections.Interrupted || left.Done == 0 || left.Done >= left.Total {
		t.Fatalf("it was left as %+v", left)
	}
	const longest = 7 // the stream that is in hand when a portion ends
	again := hold(-1)
	r := b.runner(streams("toys", again.fold))
	if m := b.rebuild(r, "toys"); m != n {
		t.Errorf("generation %d was made, want %d to go on", m, n)
	}
	if folded := again.folded.Load(); folded > left.Total-left.Done+longest || folded == 0 {
		t.Errorf("%d events were folded again, of %d with %d done", folded, left.Total, left.Done)
	}
	if b.dump("toys", n) != b.dump("toys", 1) {
		t.Error("what was rebuilt is not what was kept")
	}
	if err := control.Interrupt(b.ctx, "toys"); !errors.Is(err, projections.ErrNotRebuilding) {
		t.Errorf("an interruption of nothing gave %v", err)
	}
}

// TestTwoRebuildsAtOnceAreRefused: also by a build with another definition.
func TestTwoRebuildsAtOnceAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	k := streams("toys")
	p := b.process(k)
	b.write(200)
	b.holds(k)
	p.stop()
	h := hold(50)
	r := b.runner(streams("toys", h.fold))
	n, err := r.Rebuild(b.ctx, "toys")
	if err != nil {
		t.Fatal(err)
	}
	made := make(chan error, 1)
	go func() { made <- r.Make(b.ctx, "toys", n, func(projections.Status) {}) }()
	<-h.met
	if m, err := r.Rebuild(b.ctx, "toys"); !errors.Is(err, projections.ErrRebuilding) || m != n {
		t.Errorf("a second rebuild gave %d, %v", m, err)
	}
	other := b.runner(streams("toys", func(k *projections.Keyed[total]) { k.Version = 2 }))
	if _, err := other.Rebuild(b.ctx, "toys"); !errors.Is(err, projections.ErrOtherBuild) {
		t.Errorf("another build's rebuild gave %v", err)
	}
	close(h.let)
	if err := <-made; err != nil {
		t.Fatal(err)
	}
	if _, err := r.Rebuild(b.ctx, "nothing"); !errors.Is(err, projections.ErrUnknown) {
		t.Errorf("a rebuild of nothing gave %v", err)
	}
	control := projections.NewCursors(b.store)
	if err := control.Pause(b.ctx, "toys"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Rebuild(b.ctx, "toys"); !errors.Is(err, projections.ErrPaused) {
		t.Errorf("a rebuild of a paused one gave %v", err)
	}
}

// An event that can't be folded is found all the same, and its stream set aside.
func TestRebuildMeetsAPoisonEvent(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"error", "panic", "refused by the database"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			var cured atomic.Bool
			k := streams("toys", poisoned(projections.ParkStream, way, &cured))
			b.write(50)
			b.append("toy_poison", 0, 1, false)
			b.append("toy_poison", 1, 1, false)
			b.append("toy_poison", 2, 1, false)
			p := b.process(k)
			b.reaches("toys")
			p.stop()
			r := b.runner(k)
			n := b.rebuild(r, "toys")
			if b.dump("toys", n) != b.dump("toys", 1) {
				t.Error("what was rebuilt is not what was kept")
			}
			if s := b.status("toys", n); s.State != projections.Parked || s.Parked != 2 {
				t.Errorf("it is %+v", s)
			}
			cured.Store(true)
			b.rebuild(r, "toys")
			b.holds(k)
			if parked := b.parked(); !slices.ContainsFunc(parked, func(e projections.ParkedEvent) bool { return e.Generation == n }) {
				t.Errorf("the generation before has forgotten what it set aside: %+v", parked)
			}
		})
	}
}
