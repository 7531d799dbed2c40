package projections_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/google/uuid"

	"tender/domain"
	"tender/domain/readmodel"
	"tender/eventstore"
	"tender/projections"
)

// decide appends decisions about what a read model leaves out.
func (b *bundle) decide(name string, events ...readmodel.Event) {
	b.t.Helper()
	stream := readmodel.Stream(name)
	before, err := b.store.Stream(b.ctx, stream)
	if err != nil {
		b.t.Fatal(err)
	}
	c := eventstore.Command{
		ID: uuid.Must(uuid.NewV7()), RequestID: "req_1", Actor: domain.Actor{Kind: domain.ActorStaff, ID: "stf_1"},
		Expect: []eventstore.Expectation{{Stream: stream, Version: len(before)}},
	}
	for _, e := range events {
		encoded := readmodel.Codec.Encode(e)
		c.Events = append(c.Events, eventstore.NewEvent{
			Stream: stream, Type: encoded.Type, SchemaVersion: encoded.SchemaVersion, ID: uuid.Must(uuid.NewV7()),
			At: time.Now().UTC().Truncate(time.Millisecond), Payload: encoded.Payload,
		})
	}
	if _, err := b.store.Append(b.ctx, c); err != nil {
		b.t.Fatalf("append a decision: %v", err)
	}
}

func skip(stream string, position int64) readmodel.EventSkipped {
	return readmodel.EventSkipped{Position: position, Stream: stream, EventType: "toy.moved", Reason: "a bad event"}
}

func restore(stream string, position int64) readmodel.EventRestored {
	return readmodel.EventRestored{Position: position, Stream: stream, Reason: "it is good now"}
}

// leavesOut waits until a projection has reached the log's head, and holds it to the
// naive fold of the log without the events at some positions.
func (b *bundle) leavesOut(k projections.Keyed[total], positions ...int64) {
	b.t.Helper()
	b.reaches(k.Name)
	log := slices.DeleteFunc(b.log(), func(e eventstore.Event) bool {
		return slices.Contains(positions, e.Position) || e.Stream == readmodel.Stream(k.Name)
	})
	want, got := naive(b.t, k, log), b.view(k.Name)
	delete(got, readmodel.Stream(k.Name)) // toys have a row for every stream
	for id, w := range want {
		if got[id] != w && len(id) > len("mer_0") {
			b.t.Errorf("row %s is %+v, want %+v", id, got[id], w)
		}
	}
}

// setAside are a generation's parked events, without their times and numbers.
func (b *bundle) setAside(name string, generation int) string {
	b.t.Helper()
	var all string
	err := b.store.Pool().QueryRow(b.ctx, `SELECT coalesce(string_agg(concat_ws(' ', position, stream, error = ''), E'\n' ORDER BY position), '')
		FROM read_test.parked_events WHERE name = $1 AND generation = $2`, name, generation).Scan(&all)
	if err != nil {
		b.t.Fatal(err)
	}
	return all
}

// rebuiltAlike rebuilds a projection, and holds the new generation to the one before.
func (b *bundle) rebuiltAlike(k projections.Keyed[total]) {
	b.t.Helper()
	n := b.rebuild(b.runner(k), k.Name)
	b.reaches(k.Name)
	head, _, err := b.store.Head(b.ctx)
	if err != nil {
		b.t.Fatal(err)
	}
	eventually(b.t, "both generations are fed", func() bool {
		return b.status(k.Name, n-1).Position >= head && b.status(k.Name, n).Position >= head
	})
	if b.dump(k.Name, n-1) != b.dump(k.Name, n) {
		b.t.Error("what was rebuilt is not what was kept")
	}
	if was, is := b.setAside(k.Name, n-1), b.setAside(k.Name, n); was != is {
		b.t.Errorf("set aside is\n%s\nand was\n%s", is, was)
	}
}

// An event that is left out is set aside no longer; what follows in its stream is taken
// in as if it had not been; and so it is in each generation that is made later.
func TestASkippedEventIsLeftOut(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"error", "panic"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			var never atomic.Bool
			k := streams("toys", poisoned(projections.ParkStream, way, &never))
			b.append("toy_poison", 0, 1, false)
			b.append("toy_poison", 1, 2, false)
			b.process(k)
			b.write(50)
			b.reaches("toys")
			if s := b.status("toys", 1); s.Parked != 2 {
				t.Fatalf("it is %+v", s)
			}
			b.decide("toys", skip("toy_poison", 2))
			b.append("toy_poison", 3, 2, false)
			b.write(50)
			b.leavesOut(k, 2)
			if s := b.status("toys", 1); s.State != projections.Running || s.Parked != 0 || s.Error != "" {
				t.Errorf("it is %+v", s)
			}
			b.rebuiltAlike(k)
			b.append("toy_poison", 5, 1, false)
			b.leavesOut(k, 2)

			// It fails as before: what was taken in of it stays, nothing after it does.
			b.decide("toys", restore("toy_poison", 2))
			b.append("toy_poison", 6, 1, false)
			b.write(10)
			b.reaches("toys")
			if s := b.status("toys", 2); s.State != projections.Parked || s.Parked != 6 {
				t.Errorf("it is %+v", s)
			}
			b.rebuiltAlike(k)
		})
	}
}

// A row that PostgreSQL refuses is refused with the stream's next event, too: that one
// is set aside in its turn.
func TestWhatStillFailsWithoutASkippedEvent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var cured atomic.Bool
	k := streams("toys", poisoned(projections.ParkStream, "refused by the database", &cured))
	for v := range 4 {
		b.append("toy_poison", v, 1, false)
	}
	b.process(k)
	b.write(20)
	b.reaches("toys")
	b.decide("toys", skip("toy_poison", 2))
	b.reaches("toys")
	if got, want := b.setAside("toys", 1), "3 toy_poison f\n4 toy_poison t"; got != want {
		t.Errorf("set aside is\n%s\nwant\n%s", got, want)
	}
	b.rebuiltAlike(k)
	cured.Store(true)
	if err := b.runner(k).Retry(b.ctx, "toys", 3); err != nil {
		t.Fatal(err)
	}
	b.leavesOut(k, 2)
	b.decide("toys", restore("toy_poison", 2))
	b.leavesOut(k)
	b.rebuiltAlike(k)
}

// Where no stream can be folded alone, what follows a skipped event waits for a
// rebuild, and so does one that is to be taken in again.
func TestADecisionThatTakesARebuild(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var never atomic.Bool
	k := toys("toys", poisoned(projections.ParkStream, "error", &never))
	b.append("toy_poison", 0, 1, false)
	b.append("toy_poison", 1, 1, false)
	b.process(k)
	b.write(20)
	b.decide("toys", skip("toy_poison", 2))
	b.append("toy_poison", 2, 1, false)
	b.leavesOut(k, 2)
	if s := b.status("toys", 1); s.State != projections.Running || s.Parked != 0 {
		t.Fatalf("it is %+v", s)
	}
	b.rebuiltAlike(k)

	b.decide("toys", restore("toy_poison", 2))
	b.append("toy_poison", 3, 1, false)
	b.reaches("toys")
	head, _, err := b.store.Head(b.ctx)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := b.setAside("toys", 2), fmt.Sprintf("2 toy_poison f\n%d toy_poison t", head); got != want {
		t.Errorf("set aside is\n%s\nwant\n%s", got, want)
	}
	b.decide("toys", skip("toy_poison", 2))
	b.reaches("toys")
	if got, want := b.setAside("toys", 2), fmt.Sprintf("%d toy_poison f", head); got != want {
		t.Errorf("set aside is\n%s\nwant\n%s", got, want)
	}
	b.rebuild(b.runner(k), "toys")
	b.leavesOut(k, 2)
	if s := b.status("toys", 3); s.State != projections.Running || s.Parked != 0 {
		t.Errorf("it is %+v", s)
	}
}

// A projection that stands at an event goes on without it.
func TestAStoppedProjectionGoesOnWithoutTheEvent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var never atomic.Bool
	k := streams("toys", poisoned(projections.Stop, "error", &never))
	b.append("toy_poison", 0, 1, false)
	b.append("toy_poison", 1, 1, false)
	b.append("toy_poison", 2, 1, false)
	b.process(k)
	b.write(20)
	eventually(t, "the projection stops", func() bool { return b.status("toys", 1).State == projections.Stopped })
	b.decide("toys", skip("toy_poison", 2))
	if err := projections.NewCursors(b.store).Resume(b.ctx, "toys"); err != nil {
		t.Fatal(err)
	}
	b.leavesOut(k, 2)
	if s := b.status("toys", 1); s.State != projections.Running || s.Parked != 0 || s.Error != "" {
		t.Errorf("it is %+v", s)
	}
	b.rebuiltAlike(k)
}

// While generations are made and fed, decisions about several streams, of which some
// are unmade, leave all of them with the same rows.
func TestDecisionsWhileGenerationsAreMade(t *testing.T) {
	t.Parallel()
	b := setup(t)
	bad := func(e eventstore.Event) bool { return len(e.Stream) < len("toy_00") && e.Version%3 == 2 }
	k := streams("toys", func(k *projections.Keyed[total]) {
		k.Policy = projections.ParkStream
		fold := k.Fold
		k.Fold = func(s total, id string, e eventstore.Event) (total, error) {
			if bad(e) {
				panic("bad event")
			}
			return fold(s, id, e)
		}
	})
	const few = 4
	for i := range few {
		b.append(fmt.Sprintf("toy_%d", i), 0, 3, false)
	}
	b.process(k)
	b.write(100)
	draw := rand.New(rand.NewPCG(1, 2))
	version, skipped := [few]int{3, 3, 3, 3}, map[int64]bool{}
	stopRebuilding := b.background(func(ctx context.Context) {
		r := b.runner(k)
		for ctx.Err() == nil {
			if n, err := r.Rebuild(ctx, "toys"); err == nil {
				_ = r.Make(ctx, "toys", n, func(projections.Status) {}) // the test's end interrupts it
			}
		}
	})
	for range 60 {
		i := draw.IntN(few)
		stream := fmt.Sprintf("toy_%d", i)
		events, err := b.store.Stream(b.ctx, stream)
		if err != nil {
			t.Fatal(err)
		}
		at := events[draw.IntN(len(events))].Position
		switch {
		case draw.IntN(3) == 0:
			b.append(stream, version[i], 2, false)
			version[i] += 2
		case skipped[at]:
			b.decide("toys", restore(stream, at))
			delete(skipped, at)
		default:
			b.decide("toys", skip(stream, at))
			skipped[at] = true
		}
		b.write(10)
	}
	stopRebuilding()
	r := b.runner(k)
	if n, err := r.Rebuild(b.ctx, "toys"); err == nil || errors.Is(err, projections.ErrRebuilding) { // it was left begun
		if err := r.Make(b.ctx, "toys", n, func(projections.Status) {}); err != nil {
			t.Fatal(err)
		}
	}
	b.rebuiltAlike(k)
	clean := streams("toys") // the good part of each stream, by the simplest fold there is
	log := b.log()
	broken := map[string]bool{}
	log = slices.DeleteFunc(log, func(e eventstore.Event) bool {
		if skipped[e.Position] || e.Stream == readmodel.Stream("toys") {
			return true
		}
		broken[e.Stream] = broken[e.Stream] || bad(e)
		return broken[e.Stream]
	})
	want, got := naive(t, clean, log), b.view("toys")
	if len(got) != len(want) {
		t.Errorf("%d rows, want %d", len(got), len(want))
	}
	for id, w := range want {
		if got[id] != w {
			t.Errorf("row %s is %+v, want %+v", id, got[id], w)
		}
	}
}
