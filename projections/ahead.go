package projections

import (
	"context"

	"tender/eventstore"
)

// most is how many events the worker's next batch may have.
func (w *worker) most() int {
	if w.at.serving || w.at.retired {
		return batchMax
	}
	return catchUpMax
}

// behind reports whether a generation has not come to where the log ended when it was
// made. Until then it reads the log itself, where the feed may not have it any more.
func (w *worker) behind(position int64) bool {
	return !w.at.serving && !w.at.retired && position < w.at.target
}

// nextBatch is read while the one before is applied.
type nextBatch struct {
	after  int64
	limit  int
	read   chan struct{} // closed once it is
	events []eventstore.Event
	err    error
}

// readAhead reads the log as a [source] does, and goes on with what comes after that
// meanwhile.
func (w *worker) readAhead(ctx context.Context, position int64, limit int) ([]eventstore.Event, error) {
	next := w.next
	if next == nil || next.after != position || next.limit != limit {
		next = w.startReading(ctx, position, limit)
	}
	w.next = nil
	select {
	case <-next.read:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if n := len(next.events); n > 0 && w.behind(next.events[n-1].Position) {
		w.next = w.startReading(ctx, next.events[n-1].Position, limit)
	}
	return next.events, next.err
}

func (w *worker) startReading(ctx context.Context, after int64, limit int) *nextBatch {
	next := &nextBatch{after: after, limit: limit, read: make(chan struct{})}
	go func() {
		defer close(next.read)
		next.events, next.err = w.store.After(ctx, after, limit)
	}()
	return next
}
