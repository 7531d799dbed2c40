package feed

import (
	"bytes"
	"context"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/nats-io/nats.go/jetstream"

	"tender/eventstore"
)

// consume reads the stream, and begins again after each failure, until ctx ends.
func (r *Reader) consume(ctx context.Context) {
	for {
		err := r.consumeOnce(ctx)
		if ctx.Err() != nil {
			return
		}
		r.slog.DebugContext(ctx, "the feed can't be read; trying again", "error", err.Error())
		if !pause(ctx, readerBackoff) {
			return
		}
	}
}

// consumeOnce makes a consumer that begins after the window's end, and reads it until
// something fails. Order is not left to the consumer: the sequence of each message
// is looked at, and one that was lost is a gap like any other.
func (r *Reader) consumeOnce(ctx context.Context) error {
	last, _ := r.window.end()
	makeCtx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	consumer, err := r.js.CreateConsumer(makeCtx, r.log.StreamName(), jetstream.ConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: uint64(last + 1),
		AckPolicy: jetstream.AckNonePolicy, MemoryStorage: true, Replicas: 1,
		InactiveThreshold: consumerIdleMax,
	})
	if err != nil {
		return err
	}
	messages, err := consumer.Messages(
		jetstream.PullMaxMessages(prefetchMax),
		jetstream.PullExpiry(2*consumerHeartbeat+time.Second),
		jetstream.PullHeartbeat(consumerHeartbeat),
		jetstream.WithMessagesErrOnMissingHeartbeat(true),
	)
	if err != nil {
		return err
	}
	defer messages.Stop()
	for {
		msg, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return err
		}
		meta, err := msg.Metadata()
		if err != nil {
			return errors.Wrap(err, "read a message's sequence")
		}
		if err := r.take(ctx, int64(meta.Sequence.Stream), msg.Data()); err != nil {
			return err
		}
	}
}

// take adds the message at sequence to the window. The caller consumes again from
// the window's end if it fails.
func (r *Reader) take(ctx context.Context, sequence int64, data []byte) error {
	r.heard.Store(time.Now().UnixNano())
	last, _ := r.window.end()
	if sequence >= last {
		r.fromLog.Store(false) // the feed has caught up with the log
	}
	e, err := Decode(data)
	if sequence <= last {
		// The log was quicker. What the message says is of no use any more, but a
		// lie is still an alarm.
		held, there := r.window.at(sequence)
		if there && (err != nil || !bytes.Equal(Encode(e), Encode(held))) {
			r.alarm(ctx, sequence, "it is not what the log holds")
		}
		return nil
	}
	if err != nil || e.Position != sequence {
		return r.replace(ctx, sequence, "it can't be read")
	}
	switch r.window.offer(e) {
	case forged:
		return r.replace(ctx, sequence, "it does not follow the event before it")
	case gap:
		return r.fill(ctx, sequence, e)
	case accepted, known:
	}
	return nil
}

// fill reads from the log what the feed has left out before e. A gap that would
// take many queries moves the window instead: followers who are behind it read the
// log themselves.
func (r *Reader) fill(ctx context.Context, sequence int64, e eventstore.Event) error {
	last, _ := r.window.end()
	if sequence-last > logBatchMax {
		hash, err := r.store.HashAt(ctx, sequence-1)
		if err != nil {
			return err
		}
		r.window.reset(sequence-1, hash)
	} else {
		missing, err := r.store.After(ctx, last, int(sequence-1-last))
		if err != nil {
			return err
		}
		if !r.window.add(missing) {
			return errors.Newf("the window moved while the gap before %d was read", sequence)
		}
	}
	switch r.window.offer(e) {
	case forged:
		return r.replace(ctx, sequence, "it does not follow the event before it")
	case gap:
		return errors.Newf("the log does not have what comes before %d", sequence)
	case accepted, known:
	}
	return nil
}

// replace reads from the log what should have come by a message that can't be
// believed. If the log has no such event, there is nothing to replace: the stream is
// ahead of the log, and the relay will say so.
func (r *Reader) replace(ctx context.Context, sequence int64, why string) error {
	r.alarm(ctx, sequence, why)
	last, _ := r.window.end()
	if sequence-last > logBatchMax {
		return nil
	}
	events, err := r.store.After(ctx, last, int(sequence-last))
	if err != nil {
		return err
	}
	r.window.add(events)
	return nil
}

// tailLog stands in for the feed whenever that has been silent for a second while
// the log has more, until the feed has caught up.
func (r *Reader) tailLog(ctx context.Context) {
	committed := make(chan struct{}, 1)
	go onCommit(ctx, r.store, func(int64) {
		select {
		case committed <- struct{}{}:
		default:
		}
	})
	var suspect int64 = -1 // where the feed stood when the log was last seen to have more
	for ctx.Err() == nil {
		if r.fromLog.Load() || r.js == nil {
			if r.tail(ctx) < logBatchMax {
				pauseOr(ctx, tailPoll, committed)
			}
			continue
		}
		if wait := silenceMax - time.Since(time.Unix(0, r.heard.Load())); wait > 0 {
			pause(ctx, wait)
			continue
		}
		// What was committed this very moment may still be on its way.
		last, _ := r.window.end()
		switch head, _, err := r.store.Head(ctx); {
		case err != nil || head <= last:
			suspect = -1
			pause(ctx, silenceMax)
		case suspect != last:
			suspect = last
			pause(ctx, suspicionMax)
		default:
			r.slog.WarnContext(ctx, "the feed is silent; the log is read instead", "position", last, "log", head)
			r.fromLog.Store(true)
		}
	}
}

// tail adds what the log has after the window, and returns how much that was.
func (r *Reader) tail(ctx context.Context) int {
	last, _ := r.window.end()
	events, err := r.store.After(ctx, last, logBatchMax)
	if err != nil && ctx.Err() == nil {
		r.slog.WarnContext(ctx, "neither the feed nor the log can be read", "error", err.Error())
	}
	r.window.add(events)
	return len(events)
}

// pauseOr waits for d, for wake or for ctx's end.
func pauseOr(ctx context.Context, d time.Duration, wake <-chan struct{}) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-wake:
	case <-t.C:
	}
}
