package feed

import (
	"bytes"
	"context"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/nats-io/nats.go/jetstream"

	"tender/eventstore"
)

const (
	defaultStreamAge   = 72 * time.Hour
	defaultStreamBytes = 1 << 30

	// refillMax is how many events a stream that is made anew is filled with at
	// most. Whoever is further behind reads from the log, which is as fast.
	refillMax = 1_000_000

	// apiTimeout bounds one request to JetStream.
	apiTimeout = 5 * time.Second
)

// Limits bound what JetStream keeps of the log; zero values take the defaults.
type Limits struct {
	Age   time.Duration // default 72 h
	Bytes int64         // default 1 GiB
	// Replicas is how many servers of a cluster keep the stream; 3 in
	// production, where servers don't sync each batch. Default 1.
	Replicas int
}

// What stops the relay until somebody has looked.
var (
	// ErrStreamAhead says that the stream holds more than the log: the log was
	// restored from a backup, or somebody else publishes.
	ErrStreamAhead = errors.New("the feed's stream is ahead of the log")
	// ErrStreamDiverged says that the stream's end is not the event that the log
	// holds at that position.
	ErrStreamDiverged = errors.New("the feed's stream holds another history than the log")
	// ErrTooLarge says that an event does not fit into a message.
	ErrTooLarge = errors.New("an event is larger than the NATS server's max_payload")
)

// streamConfig is what the log's stream must look like.
func (l Limits) streamConfig(log eventstore.Log, firstSeq uint64) jetstream.StreamConfig {
	cfg := jetstream.StreamConfig{
		Name:        log.StreamName(),
		Description: "the events of one log; the sequence of a message is the event's position",
		Subjects:    []string{subjects(log)},
		Storage:     jetstream.FileStorage,
		Retention:   jetstream.LimitsPolicy,
		Discard:     jetstream.DiscardOld,
		MaxAge:      l.Age, MaxBytes: l.Bytes, Replicas: l.Replicas,
		AllowAtomicPublish: true, DenyDelete: true, DenyPurge: true,
		FirstSeq: firstSeq,
	}
	if cfg.MaxAge == 0 {
		cfg.MaxAge = defaultStreamAge
	}
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = defaultStreamBytes
	}
	if cfg.Replicas == 0 {
		cfg.Replicas = 1
	}
	return cfg
}

// tail is where a stream ends: the position up to which the log was published, and
// the chain hash there.
type tail struct {
	position int64
	hash     [32]byte
}

// attach finds the log's stream, makes it if there is none, and returns its end
// after comparing that with the log.
func (r *Relay) attach(ctx context.Context) (tail, error) {
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	stream, err := r.js.Stream(ctx, r.log.StreamName())
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		stream, err = r.makeStream(ctx)
	}
	if err != nil {
		return tail{}, errors.Wrap(err, "look up the feed's stream")
	}
	if err := r.conform(ctx, stream); err != nil {
		return tail{}, err
	}
	return r.compareEnd(ctx, stream)
}

// makeStream makes a stream that begins right after the lowest cursor: what all
// have read is not needed again. Of two relays that do this at once one may find
// the other's stream, with another first sequence; that is as good.
func (r *Relay) makeStream(ctx context.Context) (jetstream.Stream, error) {
	head, _, err := r.store.Head(ctx)
	if err != nil {
		return nil, err
	}
	lowest := head
	if r.cfg.Lowest != nil {
		if lowest, err = r.cfg.Lowest(ctx); err != nil {
			return nil, errors.Wrap(err, "find the lowest cursor")
		}
	}
	first := max(min(lowest, head), head-refillMax, 0) + 1
	stream, err := r.js.CreateStream(ctx, r.cfg.Limits.streamConfig(r.log, uint64(first)))
	if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		return r.js.Stream(ctx, r.log.StreamName())
	}
	if err == nil {
		r.slog.InfoContext(ctx, "the feed's stream was made", "stream", r.log.StreamName(), "first", first)
	}
	return stream, err
}

// conform updates a stream that was made with other limits than these.
func (r *Relay) conform(ctx context.Context, stream jetstream.Stream) error {
	have := stream.CachedInfo().Config
	want := r.cfg.Limits.streamConfig(r.log, have.FirstSeq)
	if have.MaxAge == want.MaxAge && have.MaxBytes == want.MaxBytes && have.Replicas == want.Replicas &&
		have.AllowAtomicPublish && have.DenyDelete && have.DenyPurge &&
		len(have.Subjects) == 1 && have.Subjects[0] == want.Subjects[0] {
		return nil
	}
	_, err := r.js.UpdateStream(ctx, want)
	return errors.Wrap(err, "change the limits of the feed's stream")
}

// compareEnd returns where stream ends, after comparing the last message with the
// log's event at that position, column by column. A stream without messages, new
// or with all of them expired, has nothing to compare.
func (r *Relay) compareEnd(ctx context.Context, stream jetstream.Stream) (tail, error) {
	state := stream.CachedInfo().State
	last := int64(state.LastSeq)
	head, _, err := r.store.Head(ctx)
	if err != nil {
		return tail{}, err
	}
	if last > head {
		return tail{}, errors.Wrapf(ErrStreamAhead, "the stream ends at %d, the log at %d", last, head)
	}
	if last == 0 {
		return tail{}, nil
	}
	events, err := r.store.After(ctx, last-1, 1)
	if err != nil {
		return tail{}, err
	}
	if len(events) != 1 {
		return tail{}, errors.AssertionFailedf("the log has no event at %d although its head is %d", last, head)
	}
	end := tail{position: last, hash: events[0].Hash}
	if state.Msgs == 0 {
		return end, nil
	}
	msg, err := stream.GetMsg(ctx, state.LastSeq)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return end, nil
	}
	if err != nil {
		return tail{}, errors.Wrap(err, "read the last message of the feed's stream")
	}
	e, err := Decode(msg.Data)
	if err != nil || !bytes.Equal(Encode(e), Encode(events[0])) {
		return tail{}, errors.Wrapf(ErrStreamDiverged, "at position %d", last)
	}
	return end, nil
}
