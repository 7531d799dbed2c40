// Package replay folds a whole log with this build, stream by stream, and says what
// came of it: a digest of each stream, to compare with another build's.
//
// It appends nothing, calls nobody and looks at no read model.
package replay

import (
	"context"
	"crypto/sha256"
	"encoding/binary"

	"github.com/cockroachdb/errors"

	"tender/eventstore"
	"tender/handlers/engine"
)

const (
	// batch is how many events are read at once.
	batch = 5000
	// streamEventsMax bounds a stream that is folded: far more than any has.
	streamEventsMax = 1_000_000
	// afterAll sorts after the name of every stream.
	afterAll = "~"
)

// Log is what is replayed: its events by stream, as [eventstore.Store.ByStream] has them.
type Log interface {
	ByStream(ctx context.Context, after eventstore.Place, before string, upTo int64, limit int) ([]eventstore.Event, error)
}

// Stream is what became of one stream.
type Stream struct {
	ID     string
	Events int
	// Digest is SHA-256 over all that the stream's events fold to. Positions and the
	// time of recording are no part of it.
	Digest [32]byte
}

// Summary is what became of the log.
type Summary struct {
	Streams, Events int
	// Digest is SHA-256 over all streams' names and digests, in their order.
	Digest [32]byte
}

// Run folds every stream of log up to a position, in the order of their names, and
// shows each to show. It ends at the first stream that can't be folded, with an
// error that names it.
func Run(ctx context.Context, log Log, folds *engine.Replayer, upTo int64, show func(Stream) error) (Summary, error) {
	var sum Summary
	all := sha256.New()
	finish := func(events []eventstore.Event) error {
		s, err := fold(folds, events)
		if err != nil {
			return err
		}
		sum.Streams++
		sum.Events += s.Events
		var length [4]byte
		binary.BigEndian.PutUint32(length[:], uint32(len(s.ID)))
		_, _ = all.Write(length[:])
		_, _ = all.Write([]byte(s.ID))
		_, _ = all.Write(s.Digest[:])
		return show(s)
	}
	if err := eachStream(ctx, log, upTo, finish); err != nil {
		return sum, err
	}
	all.Sum(sum.Digest[:0])
	return sum, nil
}

// eachStream reads the log by stream, and hands over each stream's events together.
func eachStream(ctx context.Context, log Log, upTo int64, f func([]eventstore.Event) error) error {
	var after eventstore.Place
	var stream []eventstore.Event
	for {
		events, err := log.ByStream(ctx, after, afterAll, upTo, batch)
		if err != nil {
			return err
		}
		for _, e := range events {
			if len(stream) > 0 && stream[0].Stream != e.Stream {
				if err := f(stream); err != nil {
					return err
				}
				stream = nil
			}
			if len(stream) == streamEventsMax {
				return errors.Newf("stream %s has more than %d events", e.Stream, streamEventsMax)
			}
			stream = append(stream, e)
			after = eventstore.Place{Stream: e.Stream, Version: e.Version}
		}
		if len(events) < batch {
			break
		}
	}
	if len(stream) == 0 {
		return nil
	}
	return f(stream)
}

func fold(folds *engine.Replayer, events []eventstore.Event) (Stream, error) {
	for i, e := range events {
		if e.Version != i+1 {
			return Stream{}, errors.Newf("position %d: stream %s goes on with version %d, not %d", e.Position, e.Stream, e.Version, i+1)
		}
	}
	values, err := folds.Replay(events)
	if err != nil {
		return Stream{}, err
	}
	text, err := describe(values)
	if err != nil {
		return Stream{}, errors.Wrapf(err, "write what stream %s folds to", events[0].Stream)
	}
	return Stream{ID: events[0].Stream, Events: len(events), Digest: sha256.Sum256(text)}, nil
}
