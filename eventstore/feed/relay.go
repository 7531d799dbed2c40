package feed

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"tender/eventstore"
	"tender/eventstore/lease"
)

const (
	// relayPoll is the safety net under the signals: an event is relayed this
	// long after its commit at the latest, unless NATS is down.
	relayPoll = time.Second
	// relayRecheck is how often the stream's end is compared with the log while
	// nothing is published, and how often a stopped relay looks again.
	relayRecheck = 5 * time.Second
	// relayAlarmRepeat is how often a relay that has stopped says so.
	relayAlarmRepeat = time.Minute
	// relayEvery is how long a relay that keeps up gathers events for its next
	// batch: each costs files of its own, a sync to disk and a turn of every reader.
	relayEvery = 50 * time.Millisecond
	// relayBackoffMin and relayBackoffMax bound the wait after a failure.
	relayBackoffMin = 100 * time.Millisecond
	relayBackoffMax = 2 * time.Second
	// relayLeaseTTL is how long the relay of a dead process keeps others waiting.
	relayLeaseTTL = 5 * time.Second
)

// RelayConfig says how a relay works.
type RelayConfig struct {
	Limits Limits
	// Lowest returns the lowest cursor of all who read the feed; a stream that is
	// made anew begins after it. Nil: it begins after the log's head.
	Lowest func(ctx context.Context) (int64, error)
	// Leases, if any, lets one process at a time relay. It spares the work that
	// racing relays do in vain; correctness doesn't rest on it.
	Leases *lease.Leases
}

// RelayCondition is what a relay is doing.
type RelayCondition string

// The conditions of a relay.
const (
	RelayWaiting RelayCondition = "waiting" // for the lease, or not begun
	RelayRunning RelayCondition = "running"
	RelayFailing RelayCondition = "failing" // NATS or PostgreSQL don't answer; it tries again
	RelayStopped RelayCondition = "stopped" // an alarm: somebody must look
)

// RelayState is what a relay says of itself.
type RelayState struct {
	Condition RelayCondition
	Position  int64 // the last position that this relay knows to be in the stream
	Err       error // why it fails or has stopped
	LostRaces int64 // how often another relay was first
}

// Relay publishes a log to its JetStream stream. Any number may run: each batch
// states the sequence that it follows, so none can duplicate, skip or reorder.
type Relay struct {
	store *eventstore.Store
	log   eventstore.Log
	nc    *nats.Conn
	js    jetstream.JetStream
	cfg   RelayConfig
	slog  *slog.Logger

	alarmed time.Time // when the alarm was last raised

	mu    sync.Mutex
	state RelayState
}

// NewRelay returns a relay for store's log over nc, whose user must have the right
// to publish to the log's subjects. It does nothing before [Relay.Run].
func NewRelay(store *eventstore.Store, nc *nats.Conn, cfg RelayConfig) (*Relay, error) {
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(apiTimeout))
	if err != nil {
		return nil, errors.Wrap(err, "reach JetStream")
	}
	return &Relay{
		store: store, log: store.Log(), nc: nc, js: js, cfg: cfg,
		slog:  slog.With("relay", store.Log().StreamName()),
		state: RelayState{Condition: RelayWaiting},
	}, nil
}

// State returns what the relay is doing.
func (r *Relay) State() RelayState {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state
}

// Run relays until ctx ends, and returns ctx's error. NATS or PostgreSQL being
// down is waited out. A stream that is ahead of the log or holds another history
// stops the relay: it publishes nothing, says so in its state and in the log of
// the process, and goes on only if the stream is found to be right again, for
// instance because an operator has deleted it.
func (r *Relay) Run(ctx context.Context) error {
	if r.cfg.Leases == nil {
		return r.loop(ctx)
	}
	for ctx.Err() == nil {
		err := r.cfg.Leases.Hold(ctx, "relay", r.log.StreamName(), relayLeaseTTL, r.loop)
		r.setState(RelayWaiting, err)
	}
	return ctx.Err()
}

// loop relays, and starts over after each failure.
func (r *Relay) loop(ctx context.Context) error {
	wake, stop := r.wakeUps(ctx)
	defer stop()
	backoff := relayBackoffMin
	for {
		progressed, err := r.session(ctx, wake)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		wait := backoff/2 + rand.N(backoff)
		backoff = min(2*backoff, relayBackoffMax)
		if progressed {
			backoff = relayBackoffMin
		}
		if isAlarm(err) {
			wait = relayRecheck
			r.stopped(ctx, err)
		} else {
			r.setState(RelayFailing, err)
			r.slog.WarnContext(ctx, "relay fails and tries again", "error", err.Error())
		}
		if !pause(ctx, wait) {
			return ctx.Err()
		}
	}
}

// session relays until something fails, and reports whether anything was done.
func (r *Relay) session(ctx context.Context, wake <-chan struct{}) (progressed bool, err error) {
	end, err := r.attach(ctx)
	if err != nil {
		return false, err
	}
	idle := time.NewTimer(relayPoll)
	defer idle.Stop()
	compared := time.Now()
	for {
		r.running(end.position)
		events, err := r.store.After(ctx, end.position, batchMax)
		if err != nil {
			return progressed, err
		}
		if len(events) > 0 {
			if end, err = r.advance(ctx, end, events); err != nil {
				return progressed, err
			}
			progressed = true
			if len(events) < batchMax && !pause(ctx, relayEvery) {
				return progressed, ctx.Err()
			}
			continue
		}
		idle.Reset(relayPoll)
		select {
		case <-ctx.Done():
			return progressed, ctx.Err()
		case <-wake:
		case <-idle.C:
		}
		if time.Since(compared) >= relayRecheck {
			if end, err = r.attach(ctx); err != nil {
				return progressed, err
			}
			compared = time.Now()
		}
	}
}

// advance publishes events, which follow end, and returns the stream's new end.
// Where another relay was first, that is the end that it made.
func (r *Relay) advance(ctx context.Context, end tail, events []eventstore.Event) (tail, error) {
	// The log may have been put back to an earlier state since the last look, and
	// have grown again.
	if end.position > 0 && eventstore.ChainHash(end.hash, events[0]) != events[0].Hash {
		return tail{}, errors.Wrapf(ErrStreamDiverged, "the log's event at %d does not follow the stream's end", events[0].Position)
	}
	next, err := r.publish(ctx, events)
	if errors.Is(err, errLostRace) {
		r.mu.Lock()
		r.state.LostRaces++
		r.mu.Unlock()
		return r.attach(ctx)
	}
	return next, err
}

// wakeUps returns a channel that fires when there may be something to relay: a
// commit of this process, or another process's signal.
func (r *Relay) wakeUps(ctx context.Context) (<-chan struct{}, func()) {
	ctx, cancel := context.WithCancel(ctx)
	wake := make(chan struct{}, 1)
	notify := func() {
		select {
		case wake <- struct{}{}:
		default:
		}
	}
	go onCommit(ctx, r.store, func(int64) { notify() })
	sub, err := r.nc.Subscribe(SignalSubject(r.log), func(*nats.Msg) { notify() })
	if err != nil {
		r.slog.WarnContext(ctx, "no signals from other processes; the log is polled", "error", err.Error())
	}
	return wake, func() {
		cancel()
		if sub != nil {
			_ = sub.Unsubscribe() // fails only where the connection is closed, and the subscription with it
		}
	}
}

// stopped raises the alarm, and repeats it now and then.
func (r *Relay) stopped(ctx context.Context, err error) {
	r.setState(RelayStopped, err)
	if time.Since(r.alarmed) < relayAlarmRepeat {
		return
	}
	r.alarmed = time.Now()
	r.slog.ErrorContext(ctx, "the relay has stopped: compare the feed's stream with the log, then delete the stream", "error", err.Error())
}

func (r *Relay) running(position int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state.Condition, r.state.Position, r.state.Err = RelayRunning, position, nil
}

func (r *Relay) setState(c RelayCondition, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state.Condition, r.state.Err = c, err
}

// isAlarm reports whether err is nothing that time alone mends.
func isAlarm(err error) bool {
	return errors.IsAny(err, ErrStreamAhead, ErrStreamDiverged, ErrTooLarge)
}

// pause waits for d, and reports whether ctx is still alive.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
