package projections

import (
	"testing"

	"github.com/cockroachdb/errors"

	"tender/eventstore"
)

// deaf is a projection that nothing concerns.
func deaf() Keyed[tally] {
	k := tallies()
	k.Keys = func(eventstore.Event) ([]string, error) { return nil, nil }
	return k
}

// inLog is where the cursor stands in the database.
func (b *bench) inLog(t *testing.T, w *worker) int64 {
	t.Helper()
	position, err := w.cursors.Position(b.ctx, w.def.Name)
	if err != nil {
		t.Fatal(err)
	}
	return position
}

func TestWhatConcernsNothingIsPassedOver(t *testing.T) {
	t.Parallel()
	b := setupWorker(t, []int{1, 2, 1, 2, 3})
	w := b.w
	w.projection = deaf()
	for _, n := range []int{2, 1} {
		if !w.passOver(b.after(t, w.position(), n)) {
			t.Fatalf("events after %d are not passed over", w.position())
		}
	}
	if read, stands := w.position(), b.inLog(t, w); read != 3 || stands != 0 {
		t.Errorf("read to %d, and the cursor stands at %d", read, stands)
	}
	// Whoever waits in this process sees what there is to be seen.
	if err := w.cursors.WaitFor(b.ctx, w.def.Name, 3); err != nil {
		t.Error(err)
	}
	if err := w.apply(b.ctx, nil); err != nil {
		t.Fatal(err)
	}
	if stands := b.inLog(t, w); stands != 3 {
		t.Errorf("the cursor stands at %d after it was moved", stands)
	}
	w.projection = tallies()
	if w.passOver(b.after(t, 3, 2)) {
		t.Error("events were passed over that concern rows")
	}
	if err := w.apply(b.ctx, b.after(t, 3, 2)); err != nil {
		t.Fatal(err)
	}
	if stands := b.inLog(t, w); stands != 5 {
		t.Errorf("the cursor stands at %d", stands)
	}
}

func TestWhatWasPassedOverIsComparedWithTheLog(t *testing.T) {
	t.Parallel()
	b := setupWorker(t, []int{1, 2, 1})
	b.w.projection = deaf()
	forged := b.after(t, 0, 3)
	forged[2].Hash[0]++
	if !b.w.passOver(forged) {
		t.Fatal("the events are not passed over")
	}
	if err := b.w.apply(b.ctx, nil); !errors.Is(err, errForged) {
		t.Errorf("the move past a forged event gave %v", err)
	}
	if stands := b.inLog(t, b.w); stands != 0 {
		t.Errorf("the cursor stands at %d", stands)
	}
}
