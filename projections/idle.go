package projections

import (
	"context"
	"slices"
	"time"

	"github.com/cockroachdb/errors"

	"tender/eventstore"
)

// cursorEvery is how long a cursor stays behind the events that were read, while
// none of them concerns the projection. Other processes wait that much longer for
// what they have written; who waits in this process does not.
const cursorEvery = 200 * time.Millisecond

// selective is a [Projection] that can tell, without the database, that events
// concern none of its rows.
type selective interface {
	// Concerns reports whether any of events may change a row.
	Concerns(events []eventstore.Event) bool
}

// idle is how far a projection has read without moving its cursor, because nothing
// that it read concerned it: a transaction for each batch would be most of what
// such a projection costs. The zero value: the cursor is where it has read to.
type idle struct {
	last  eventstore.Event // the last that was passed over
	since time.Time        // when the first was
}

// position is where the worker reads on.
func (w *worker) position() int64 { return max(w.at.position, w.idle.last.Position) }

// read returns the next batch; none, if nothing comes while the cursor is behind what
// was passed over, or the generation waits to be swapped in: it is time then to do so.
func (w *worker) read(ctx context.Context) ([]eventstore.Event, error) {
	until := w.idle.since.Add(cursorEvery)
	switch {
	case w.refused:
		until = time.Now().Add(statePoll)
	case w.idle.since.IsZero():
		return w.readNext(ctx)
	}
	patient, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	events, err := w.readNext(patient)
	if err == nil || ctx.Err() != nil || patient.Err() == nil {
		return events, err
	}
	return nil, nil
}

func (w *worker) readNext(ctx context.Context) ([]eventstore.Event, error) {
	read := w.reader.Read
	if w.behind(w.position()) {
		read = w.readAhead
	}
	events, err := read(ctx, w.position(), w.limit)
	if err == nil && len(events) == 0 {
		return nil, errors.AssertionFailedf("a read after %d brought nothing", w.position())
	}
	return events, err
}

// passOver reports whether events were passed over: they concern no row, and the
// cursor need not move yet.
func (w *worker) passOver(events []eventstore.Event) bool {
	s, can := w.projection.(selective)
	if !can || !w.at.serving && !w.at.retired || len(w.parked) > 0 || slices.ContainsFunc(events, w.decides) || s.Concerns(events) {
		return false
	}
	if w.idle.since.IsZero() {
		w.idle.since = time.Now()
	}
	if time.Since(w.idle.since) >= cursorEvery {
		return false
	}
	w.idle.last = events[len(events)-1]
	if w.at.serving {
		w.cursors.moved.reached(w.def.Name, w.idle.last.Position)
	}
	return true
}
