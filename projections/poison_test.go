package projections_test

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/errors"

	"tender/domain/codec"
	"tender/eventstore"
	"tender/projections"
)

// poisoned makes a projection fail at the second event of the stream toy_poison, in
// one of the ways there are, until cured.
func poisoned(policy projections.Policy, way string, cured *atomic.Bool) func(*projections.Keyed[total]) {
	return func(k *projections.Keyed[total]) {
		k.Policy = policy
		fold, row := k.Fold, k.Row
		k.Fold = func(s total, id string, e eventstore.Event) (total, error) {
			if e.Stream == "toy_poison" && e.Version == 2 && !cured.Load() {
				switch way {
				case "error":
					return s, errors.New("bad event")
				case "panic":
					panic("bad event")
				}
			}
			return fold(s, id, e)
		}
		k.Row = func(id string, s total) []any {
			if id == "toy_poison" && s.Events >= 2 && way == "refused by the database" && !cured.Load() {
				return []any{nil, s.Sum, nil}
			}
			return row(id, s)
		}
	}
}

func TestPoisonEventStopsTheProjectionUntilItIsResumed(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"error", "panic", "refused by the database"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			var cured atomic.Bool
			bad, good := toys("toys", poisoned(projections.Stop, way, &cured)), toys("others")
			b.write(50)
			b.append("toy_poison", 0, 1, false)
			b.append("toy_poison", 1, 1, false)
			b.write(50)
			b.process(bad, good)
			b.holds(good)
			eventually(t, "the projection stops", func() bool { return b.status("toys", 1).State == projections.Stopped })
			if s := b.status("toys", 1); s.Position != 51 || s.Error == "" {
				t.Errorf("it stands at %d and says %q, want 51 and a reason", s.Position, s.Error)
			}
			control := projections.NewCursors(b.store)
			if e := b.parked(); len(e) != 1 || e[0].Position != 52 || e[0].Stream != "toy_poison" || e[0].Error == "" {
				t.Errorf("recorded %+v, want position 52 alone", e)
			}
			cured.Store(true)
			if err := control.Resume(b.ctx, "toys"); err != nil {
				t.Fatal(err)
			}
			b.holds(bad)
			if e := b.parked(); len(e) != 0 {
				t.Errorf("still recorded: %+v", e)
			}
		})
	}
}

func (b *bundle) parked() []projections.ParkedEvent {
	b.t.Helper()
	all, err := projections.NewCursors(b.store).ParkedEvents(b.ctx, 100)
	if err != nil {
		b.t.Fatal(err)
	}
	return all
}

func TestPoisonEventParksItsStreamAndNoOther(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var never atomic.Bool
	k := toys("toys", poisoned(projections.ParkStream, "error", &never))
	b.write(50)
	b.append("toy_poison", 0, 1, false)
	b.append("toy_poison", 1, 1, false)
	b.write(50)
	p := b.process(k)
	b.write(50)
	b.append("toy_poison", 2, 2, false)
	b.write(50)
	b.reaches("toys")
	p.stop()
	p = b.process(k) // what is parked stays so across processes
	b.append("toy_poison", 4, 1, false)
	b.write(50)
	b.reaches("toys")

	healthy := slices.DeleteFunc(b.log(), func(e eventstore.Event) bool { return e.Stream == "toy_poison" && e.Version > 1 })
	want, got := naive(t, toys("toys"), healthy), b.view("toys")
	for id, w := range want {
		if got[id] != w {
			t.Errorf("row %s is %+v, want %+v", id, got[id], w)
		}
	}
	var withReason, without int
	for _, e := range b.parked() {
		if e.Stream != "toy_poison" {
			t.Errorf("parked %+v", e)
		}
		if e.Error == "" {
			without++
		} else {
			withReason++
		}
	}
	if withReason != 1 || without != 3 {
		t.Errorf("%d events parked with a reason and %d behind it, want 1 and 3", withReason, without)
	}
	if s := b.status("toys", 1); s.State != projections.Parked || !strings.Contains(s.Error, "bad event") {
		t.Errorf("the projection is %s and says %q", s.State, s.Error)
	}
	p.stop()
}

func TestNewerEventLeavesTheProjectionToANewerBuild(t *testing.T) {
	t.Parallel()
	b := setup(t)
	old := toys("toys", func(k *projections.Keyed[total]) {
		k.Keys = func(e eventstore.Event) ([]string, error) {
			if e.Stream == "toy_newer" {
				return nil, &codec.NewerError{Type: e.Type, SchemaVersion: 2}
			}
			return []string{e.Stream, e.MerchantID}, nil
		}
	})
	other := toys("others")
	b.write(20)
	b.append("toy_newer", 0, 1, false)
	b.write(20)
	b.process(old, other)
	b.holds(other)
	eventually(t, "the lease is given back", func() bool {
		var n int
		err := b.store.Pool().QueryRow(b.ctx, `SELECT count(*) FROM work_test.leases WHERE kind = 'projection' AND id = 'toys_g1'`).Scan(&n)
		return err == nil && n == 0 && b.status("others", 1).Position == 41
	})
	if s := b.status("toys", 1); s.State != projections.Running || s.Position > 20 {
		t.Errorf("it is %s at %d, want running and before 21", s.State, s.Position)
	}
	if e := b.parked(); len(e) != 0 {
		t.Errorf("recorded as if it were at fault: %+v", e)
	}
	current := toys("toys")
	b.process(current) // a newer build
	b.holds(current)
}

// A stream that was set aside is taken up again once its event can be applied, while the
// projection goes on, and not before.
func TestAStreamIsTakenUpAgain(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"error", "panic", "refused by the database"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			var cured atomic.Bool
			k := streams("toys", poisoned(projections.ParkStream, way, &cured))
			b.append("toy_poison", 0, 1, false)
			b.append("toy_poison", 1, 2, false)
			b.process(k)
			b.write(50)
			b.reaches("toys")
			r := b.runner(k)
			if err := r.Retry(b.ctx, "toys", 2); !errors.Is(err, projections.ErrStillFails) {
				t.Errorf("a retry gave %v", err)
			}
			if err := r.Retry(b.ctx, "toys", 1); !errors.Is(err, projections.ErrNotParked) {
				t.Errorf("a retry of another event gave %v", err)
			}
			cured.Store(true)
			if err := r.Retry(b.ctx, "toys", 2); err != nil {
				t.Fatal(err)
			}
			b.append("toy_poison", 3, 1, false)
			b.write(50)
			b.holds(k)
			if s := b.status("toys", 1); s.State != projections.Running || s.Parked != 0 || s.Error != "" {
				t.Errorf("it is %+v", s)
			}
		})
	}
}
