package projections

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/cockroachdb/errors"

	"tender/domain/codec"
	"tender/domain/readmodel"
	"tender/eventstore"
	"tender/eventstore/feed"
	"tender/eventstore/lease"
)

const (
	// leaseTTL is how long a dead process's projections wait for another.
	leaseTTL = 3 * time.Second
	// statePoll is how often a projection that stands still looks whether it may
	// go on.
	statePoll = time.Second
	// backoffMin and backoffMax bound the wait after PostgreSQL failed.
	backoffMin = 50 * time.Millisecond
	backoffMax = 2 * time.Second
	// batchEvery is how often a projection that keeps up applies a batch at most,
	// unless its definition says otherwise. It adds that much delay under load and none
	// otherwise, and spares the database hundreds of small transactions a second.
	batchEvery = 200 * time.Millisecond
	// hurriedEvery is the same while somebody in this process waits for it.
	hurriedEvery = 5 * time.Millisecond
	// newerWait is how long this process leaves a projection to a newer build
	// before it tries again.
	newerWait = time.Minute
)

// Runner keeps projections up to date with a log. Any number of processes may run
// the same ones: a lease lets one at a time work, and the cursor's compare-and-set
// refuses whoever is mistaken about that.
type Runner struct {
	store       *eventstore.Store
	reader      *feed.Reader
	leases      *lease.Leases
	cursors     *Cursors
	projections []Projection
}

// NewRunner returns a runner of all projections over store's log. Their progress is
// told to cursors; reader's Run must be running too. Two projections of one name,
// or two tables, are a mistake in the program and an error.
func NewRunner(store *eventstore.Store, reader *feed.Reader, cursors *Cursors, all ...Projection) (*Runner, error) {
	if err := check(all); err != nil {
		return nil, err
	}
	return &Runner{
		store: store, reader: reader, cursors: cursors, projections: all,
		leases: lease.New(store.Pool(), store.Log()),
	}, nil
}

// worker returns what keeps one generation of p, reading from.
func (r *Runner) worker(p Projection, g Generation, from source) *worker {
	return &worker{
		projection: p, def: p.Definition(), generation: g, sql: newStatements(r.store.Log()),
		store: r.store, reader: from, cursors: r.cursors, decisions: readmodel.Stream(p.Definition().Name),
		slog: slog.With("projection", p.Definition().Name, "log", r.store.Log().Schema()),
	}
}

// Run keeps the projections until ctx ends, and returns ctx's error. PostgreSQL or
// NATS being down is waited out; a projection that stops doesn't stop the others.
func (r *Runner) Run(ctx context.Context) error {
	for wait := backoffMin; ; wait = min(2*wait, backoffMax) {
		err := r.Prepare(ctx)
		if err == nil {
			break
		}
		slog.WarnContext(ctx, "the read models can't be prepared; trying again", "error", err.Error())
		if !pause(ctx, wait) {
			return ctx.Err()
		}
	}
	var all sync.WaitGroup
	all.Go(func() { r.hurry(ctx) })
	all.Go(func() { r.keepAll(ctx) })
	all.Wait()
	return ctx.Err()
}

// hurry has the log read at once whenever somebody begins to wait for a projection,
// rather than when the feed brings it.
func (r *Runner) hurry(ctx context.Context) {
	_, called := r.cursors.moved.called("")
	for {
		select {
		case <-ctx.Done():
			return
		case <-called:
		}
		_, called = r.cursors.moved.called("")
		r.reader.CatchUp(ctx)
	}
}

// worker runs one generation of one projection.
type worker struct {
	projection Projection
	def        Definition
	generation Generation
	sql        statements
	decisions  string // the stream of those about what is left out

	store   *eventstore.Store
	reader  source
	cursors *Cursors
	slog    *slog.Logger

	// What holds for one run under the lease.
	at     cursor
	idle   idle
	parked map[string]bool // streams that are set aside
	limit  int             // events in the next batch; small while a poison event is looked for
	next   *nextBatch      // what is read while the present batch is applied; nil: nothing is
	begun  time.Time       // when the last batch was begun
	full   bool            // the last read had as many events as it could
	// skipped are the events that are left out, by their positions.
	skipped map[int64]readmodel.EventSkipped
	// refused: it has caught up, and could not be swapped in. It is offered again, also
	// if nothing comes.
	refused bool
	// superseded: another generation is served; this one is only fed on.
	superseded bool
	// indexed: the tables have their indexes and statistics.
	indexed bool
	// leaves, unless it is nil, is asked whether to leave a generation that is filled to
	// others.
	leaves func(context.Context) bool
}

// run applies events until ctx ends, the generation is dropped, or an event is met that
// only a newer build can read.
func (w *worker) run(ctx context.Context) error {
	backoff := backoffMin
	loaded := false
	for ctx.Err() == nil {
		if !loaded {
			if err := w.load(ctx); errors.Is(err, errDropped) {
				return err
			} else if err != nil {
				w.slog.WarnContext(ctx, "the cursor can't be read; trying again", "error", err.Error())
				pause(ctx, backoff)
				backoff = min(2*backoff, backoffMax)
				continue
			}
			loaded = true
			if w.at.moves() && w.leaves != nil && w.leaves(ctx) {
				return errLeft
			}
			if w.at.moves() {
				w.offerSwap(ctx, true) // nothing more may come
			}
		}
		if !w.at.moves() && w.at.state != Filling {
			w.awaitChange(ctx)
			loaded = false
			continue
		}
		work := w.step
		if w.at.state == Filling {
			work, loaded = w.fill, false
		}
		err := work(ctx)
		switch {
		case err == nil:
			backoff = backoffMin
		case errors.HasType(err, (*codec.NewerError)(nil)):
			return err
		default:
			loaded = false
			if ctx.Err() == nil && !errors.Is(err, errFenced) {
				w.slog.WarnContext(ctx, "the projection fails and tries again", "position", w.at.position, "error", err.Error())
				pause(ctx, backoff)
				backoff = min(2*backoff, backoffMax)
			}
		}
	}
	return ctx.Err()
}

// step applies the next batch, and deals with what can't be applied. An error means
// that the cursor must be loaded again.
func (w *worker) step(ctx context.Context) error {
	if !w.full {
		w.gather(ctx)
	}
	events, err := w.read(ctx)
	if err != nil {
		return err
	}
	w.begun, w.full = time.Now(), len(events) == w.limit
	more := len(events) == w.most()
	events = w.untilDecision(events)
	if len(events) == 0 && w.refused {
		w.offerSwap(ctx, false)
		return nil
	}
	if len(events) > 0 && w.passOver(events) {
		return nil
	}
	err = w.apply(ctx, events)
	if errors.Is(err, errForged) {
		if err := w.reader.Distrust(ctx, w.at.position+1); err != nil {
			return err
		}
		w.idle = idle{}
		if events, err = w.store.After(ctx, w.at.position, w.limit); err != nil || len(events) == 0 {
			return err
		}
		events = w.untilDecision(events)
		err = w.apply(ctx, events)
	}
	var fault *faultError
	switch {
	case err == nil:
		w.limit = min(2*w.limit, w.most())
		w.offerSwap(ctx, more)
		return nil
	case errors.As(err, &fault) && len(events) > 1:
		// One of these events is to blame; fewer at a time will show which.
		w.limit = max(len(events)/2, 1)
		return nil
	case errors.As(err, &fault) && len(events) == 1:
		return w.poison(ctx, events[0], fault.err)
	}
	return err
}

// gather waits until the next batch may be begun, so that more events come to it:
// not long while somebody waits for this projection.
func (w *worker) gather(ctx context.Context) {
	last := time.NewTimer(cmp.Or(w.def.Every, batchEvery) - time.Since(w.begun))
	defer last.Stop()
	for {
		hurried, called := w.cursors.moved.called(w.def.Name)
		if hurried {
			pause(ctx, hurriedEvery-time.Since(w.begun))
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-last.C:
			return
		case <-called:
		}
	}
}

// offerSwap lets a new generation be served as soon as it has caught up: when a read
// brought less than a full batch, or the log has no more.
func (w *worker) offerSwap(ctx context.Context, full bool) {
	if w.at.serving || w.at.retired || w.superseded {
		return
	}
	if head, _, err := w.store.Head(ctx); err != nil || full && w.at.position < head {
		return
	}
	err := w.swap(ctx)
	w.refused = err != nil && !errors.Is(err, errSuperseded)
	if errors.Is(err, errSuperseded) {
		w.superseded = true
		return
	}
	if err != nil {
		if !errors.Is(err, ErrNotCaughtUp) && ctx.Err() == nil {
			w.slog.WarnContext(ctx, "the new generation can't be served yet", "error", err.Error())
		}
		return
	}
	w.slog.InfoContext(ctx, "a new generation is served", "generation", w.generation.Number)
	w.at.serving = true
	w.cursors.moved.reached(w.def.Name, w.at.position)
}

// awaitChange waits until the state may have changed.
func (w *worker) awaitChange(ctx context.Context) {
	t := time.NewTimer(statePoll)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-w.cursors.Moved():
	case <-t.C:
	}
}

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
