package projections

import (
	"context"
	"time"

	"tender/eventstore"
)

// source is what a worker reads the log from: a [feed.Reader], or the log itself.
type source interface {
	// Read returns the events after a position, at least one, as soon as there are any.
	Read(ctx context.Context, position int64, limit int) ([]eventstore.Event, error)
	// Distrust forgets what was read from a position on.
	Distrust(ctx context.Context, from int64) error
}

// logPoll is how often the log is asked for more by who has no feed.
const logPoll = 50 * time.Millisecond

// logSource reads the log itself.
type logSource struct{ store *eventstore.Store }

func (s logSource) Read(ctx context.Context, position int64, limit int) ([]eventstore.Event, error) {
	for {
		events, err := s.store.After(ctx, position, limit)
		if err != nil || len(events) > 0 {
			return events, err
		}
		if !pause(ctx, logPoll) {
			return nil, ctx.Err()
		}
	}
}

func (logSource) Distrust(context.Context, int64) error { return nil }
