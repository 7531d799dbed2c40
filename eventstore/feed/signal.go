package feed

import (
	"context"
	"log/slog"
	"strconv"

	"github.com/nats-io/nats.go"

	"tender/eventstore"
)

// Announce tells other processes of each commit that store makes, until ctx ends:
// one small message per commit batch on [SignalSubject], without JetStream and
// without acknowledgement. A message that is lost costs a relay one poll's delay
// (1 s) and nothing else. nc's user must have the right to publish on that subject.
func Announce(ctx context.Context, store *eventstore.Store, nc *nats.Conn) {
	subject := SignalSubject(store.Log())
	onCommit(ctx, store, func(position int64) {
		if err := nc.Publish(subject, strconv.AppendInt(nil, position, 10)); err != nil {
			slog.DebugContext(ctx, "commit not announced", "position", position, "error", err.Error())
		}
	})
}

// onCommit calls f with the log's last position after commits of this process,
// until ctx ends. Commits that come while f runs are one call.
func onCommit(ctx context.Context, store *eventstore.Store, f func(position int64)) {
	signal := store.Signal()
	last, _ := signal.Position()
	for {
		position, err := signal.Wait(ctx, last)
		if err != nil {
			return
		}
		last = position
		f(position)
	}
}
