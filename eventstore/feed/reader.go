package feed

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"tender/eventstore"
)

const (
	// silenceMax is how long the feed may be silent before the log is looked at, and
	// suspicionMax how long the log may then have more before it is read instead:
	// together, a second.
	silenceMax   = 700 * time.Millisecond
	suspicionMax = 300 * time.Millisecond
	// tailPoll is how often the log is looked at while it stands in for the feed,
	// for commits that other processes made.
	tailPoll = 200 * time.Millisecond
	// logBatchMax is how many events one query of the log brings.
	logBatchMax = 1000
	// readerBackoff is the wait before a consumer is made again.
	readerBackoff = 250 * time.Millisecond
	// consumerHeartbeat is how often JetStream says that a silent consumer lives.
	consumerHeartbeat = 2 * time.Second
	// consumerIdleMax is how long JetStream keeps the consumer of a dead process.
	consumerIdleMax = 30 * time.Second
	// prefetchMax is how many messages may be under way to this process.
	prefetchMax = 2000
)

// ReaderState is what a reader says of itself.
type ReaderState struct {
	Position int64 // the last position that the reader has seen
	// FromLog: the log stands in for the feed, which is silent or behind.
	FromLog bool
	// Forged is how many messages did not carry what the log holds: each is an
	// alarm, and the log was read instead.
	Forged int64
}

// Reader reads the feed once for all who follow the log within a process: one
// consumer without filter or acknowledgement. What it hands out is in order, without
// gap or duplicate, and linked by chain hash. Where the feed has a gap, is silent,
// is down or can't be believed, it reads the log, so NATS is never needed for
// progress.
//
// A chain that somebody with the right to publish has recomputed to its end is not
// found out here, but by comparing the hash at a batch's end with the log, which
// every follower must do before it relies on the batch; see [Reader.Distrust].
type Reader struct {
	store *eventstore.Store
	log   eventstore.Log
	js    jetstream.JetStream // nil: there is no NATS
	slog  *slog.Logger

	window window
	begin  sync.Once
	begun  chan struct{} // closed by the first Read

	fromLog atomic.Bool
	forged  atomic.Int64
	heard   atomic.Int64 // when the feed last brought something, UnixNano
}

// NewReader returns a reader of store's log over nc, whose user needs no right but
// to consume. With a nil nc it reads the log alone. It does nothing before
// [Reader.Run] and the first [Reader.Read].
func NewReader(store *eventstore.Store, nc *nats.Conn, options ...ReaderOption) (*Reader, error) {
	r := &Reader{
		store: store, log: store.Log(), begun: make(chan struct{}),
		slog: slog.With("reader", store.Log().StreamName()),
	}
	if nc != nil {
		js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(apiTimeout))
		if err != nil {
			return nil, errors.Wrap(err, "reach JetStream")
		}
		r.js = js
	}
	for _, option := range options {
		option(r)
	}
	return r, nil
}

// ReaderOption changes a reader.
type ReaderOption func(*Reader)

// Preparing has prepare called for each event once, before the reader hands it out to
// however many read it: to set its Said.
func Preparing(prepare func(*eventstore.Event)) ReaderOption {
	return func(r *Reader) { r.window.prepare = prepare }
}

// State returns what the reader is doing.
func (r *Reader) State() ReaderState {
	last, _ := r.window.end()
	return ReaderState{Position: last, FromLog: r.fromLog.Load(), Forged: r.forged.Load()}
}

// Read returns up to limit events after position, at least one: it waits for it
// until ctx ends. [Reader.Run] must be running. The events must not be changed.
func (r *Reader) Read(ctx context.Context, position int64, limit int) ([]eventstore.Event, error) {
	if err := r.start(ctx, position); err != nil {
		return nil, err
	}
	for {
		events, gone, grown := r.window.after(position, limit)
		if len(events) > 0 {
			return events, nil
		}
		if gone {
			return r.store.After(ctx, position, min(limit, logBatchMax))
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-grown:
		}
	}
}

// CatchUp has the log itself bring what the feed has not brought yet, for followers
// whom somebody waits for: the feed's way is longer. It is a hint, and fails silently.
func (r *Reader) CatchUp(ctx context.Context) {
	select {
	case <-r.begun:
		r.tail(ctx)
	default: // nobody follows yet
	}
}

// Distrust is called by a follower that found the chain hash at position to be
// another than the log's. Everything from there on is forgotten, and comes from the
// log. It counts as an alarm.
func (r *Reader) Distrust(ctx context.Context, position int64) error {
	r.alarm(ctx, position, "the chain hash is another than the log's")
	hash, err := r.store.HashAt(ctx, position-1)
	if err != nil {
		return err
	}
	r.window.reset(position-1, hash)
	return nil
}

// start places the window at the first Read: after position, or a window's length
// before the log's head if that is further.
func (r *Reader) start(ctx context.Context, position int64) error {
	select {
	case <-r.begun:
		return nil
	default:
	}
	head, _, err := r.store.Head(ctx)
	if err != nil {
		return err
	}
	at := max(position, head-windowMax)
	if at = min(at, head); at < 0 {
		at = 0
	}
	hash, err := r.store.HashAt(ctx, at)
	if err != nil {
		return err
	}
	r.begin.Do(func() {
		r.window.reset(at, hash)
		close(r.begun)
	})
	return nil
}

// Run reads until ctx ends, and returns ctx's error.
func (r *Reader) Run(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-r.begun:
	}
	r.heard.Store(time.Now().UnixNano()) // the feed has its chance before the log is read
	r.fromLog.Store(r.js == nil)
	var both sync.WaitGroup
	both.Go(func() { r.tailLog(ctx) })
	if r.js != nil {
		both.Go(func() { r.consume(ctx) })
	}
	both.Wait()
	return ctx.Err()
}

func (r *Reader) alarm(ctx context.Context, position int64, why string) {
	r.forged.Add(1)
	r.slog.ErrorContext(ctx, "a message of the feed is not what the log holds; the log is read instead",
		"position", position, "why", why)
}
