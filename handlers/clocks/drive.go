package clocks

import (
	"context"
	"time"

	"github.com/cockroachdb/errors"

	"tender/domain"
	"tender/domain/clock"
	"tender/handlers/engine"
	"tender/handlers/leased"
	"tender/projections"
)

// Limits of a clock's way.
const (
	// actRetryMin and actRetryMax bound the wait before something is tried again that
	// could not be done.
	actRetryMin = 100 * time.Millisecond
	actRetryMax = 10 * time.Second
	// idleTriesMax is how often something is tried that is due and does not move on,
	// before it is set aside so that the clock can.
	idleTriesMax = 5
	// flightLook is how often a call in flight is looked after that another process
	// has to settle.
	flightLook = 500 * time.Millisecond
	// flightMoment is how long it is left alone at least.
	flightMoment = 10 * time.Millisecond
	// flightLog is how often it is said that a clock waits for one.
	flightLog = 30 * time.Second
)

// way is what a driver knows of a clock that is on its way.
type way struct {
	clockID string
	to      time.Time
	// seen is the position that the read model of what is due must have come to
	// before it is asked again.
	seen int64

	last  entry // what was tried last
	idle  int   // how often in a row nothing came of it
	aside []string
}

// drive takes a clock to where it is on its way to. An error says that PostgreSQL
// could not be reached, or that ctx has ended; the clock stands somewhere on its way
// then.
func (j *Job) drive(ctx context.Context, clockID string) error {
	c := j.Engine.Clocks.Ref(clockID)
	if err := j.Engine.Refresh(ctx, c); err != nil {
		return err
	}
	if c.Value.Status() != clock.StatusAdvancing {
		return nil
	}
	w := &way{clockID: clockID, to: c.Value.To, aside: []string{}}
	// Whoever drove it before may have left events that the read model doesn't show.
	var err error
	if w.seen, err = j.head(ctx); err != nil {
		return err
	}
	for {
		next, err := j.next(ctx, w)
		switch {
		case err != nil:
			return err
		case next.InFlight:
			if err := j.land(ctx, w, next); err != nil {
				return err
			}
		case !next.empty():
			if err := j.fire(ctx, w, next); err != nil {
				return err
			}
		default:
			finished, err := j.finish(ctx, w)
			if err != nil || finished {
				return err
			}
		}
	}
}

// next returns what comes first, once the read model shows all that was done.
func (j *Job) next(ctx context.Context, w *way) (entry, error) {
	if err := j.reach(ctx, projections.DueName, w.seen); err != nil {
		return entry{}, err
	}
	return j.agenda.first(ctx, w.clockID, w.to, w.aside)
}

// fire lets the clock show the instant at which something is due, and does it.
func (j *Job) fire(ctx context.Context, w *way, e entry) error {
	stepped, err := j.command(ctx, w.clockID, clock.Step{To: e.DueAt})
	if err != nil {
		return err
	}
	position, err := j.Act(ctx, e.Stream)
	if err == nil && position > 0 {
		w.idle, w.seen = 0, max(position, stepped)
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	// Somebody else may have done it. What the log holds by now tells.
	head, headErr := j.head(ctx)
	if headErr != nil {
		return headErr
	}
	w.seen = head
	if err != nil {
		j.Log.WarnContext(ctx, "what is due by a test clock is tried again", "clock", w.clockID, "stream", e.Stream, "error", err)
	}
	return j.unmoved(ctx, w, e, err != nil)
}

// unmoved takes note that nothing was done about e. What can be done and doesn't
// move on is a fault: it is set aside, and the clock goes on without it.
func (j *Job) unmoved(ctx context.Context, w *way, e entry, failed bool) error {
	same := w.last.Stream == e.Stream && w.last.Position == e.Position && w.last.DueAt.Equal(e.DueAt)
	w.last = e
	if !same {
		w.idle = 0
	}
	w.idle++
	if w.idle >= idleTriesMax && !failed {
		j.Log.ErrorContext(ctx, "what is due by a test clock does not move on and is left aside",
			"clock", w.clockID, "stream", e.Stream, "due_at", e.DueAt)
		w.aside = append(w.aside, e.Stream)
		w.idle = 0
		return nil
	}
	return leased.Pause(ctx, min(actRetryMin<<min(w.idle-1, 10), actRetryMax))
}

// land waits for the answer to a call in flight. Whoever made it records the answer,
// or a worker settles it once that one's time is over.
func (j *Job) land(ctx context.Context, w *way, e entry) error {
	began, said := time.Now(), time.Now()
	for {
		if err := j.moved(ctx, flightLook); err != nil {
			return err
		}
		now, err := j.agenda.first(ctx, w.clockID, w.to, w.aside)
		if err != nil {
			return err
		}
		if !now.InFlight || now.Stream != e.Stream || now.Position != e.Position {
			// What came of it may have been appended in several steps.
			w.seen, err = j.head(ctx)
			return err
		}
		if time.Since(said) >= flightLog {
			said = time.Now()
			j.Log.WarnContext(ctx, "a test clock waits for an answer", "clock", w.clockID, "stream", e.Stream, "for", time.Since(began))
		}
	}
}

// finish ends the way, once every list shows what has fired. It is not finished if
// something has become due meanwhile.
func (j *Job) finish(ctx context.Context, w *way) (bool, error) {
	head, err := j.head(ctx)
	if err != nil {
		return false, err
	}
	if err := j.Cursors.WaitForAll(ctx, head, j.Lists...); err != nil {
		return false, err
	}
	w.seen = head
	left, err := j.next(ctx, w)
	if err != nil || !left.empty() {
		return false, err
	}
	_, err = j.command(ctx, w.clockID, clock.Finish{})
	return err == nil, err
}

// command asks something of a clock in the system's name, and returns the position
// of what came of it.
func (j *Job) command(ctx context.Context, clockID string, c clock.Command) (int64, error) {
	done, err := j.Engine.Do(ctx, engine.Command{
		Origin:  engine.Origin{CommandID: engine.NewID(), Actor: domain.Actor{Kind: domain.ActorSystem, ID: leaseKind}},
		Subject: clockID, Unbounded: true,
		Decide: func(ctx context.Context, tx *engine.Tx) error {
			l, err := engine.Read(ctx, tx, j.Engine.Clocks, clockID)
			if err != nil {
				return err
			}
			tx.Origin.MerchantID = l.MerchantID
			events, err := clock.Decide(l.Value, c)
			engine.Write(tx, clock.Codec, clockID, events...)
			return err
		},
	})
	return done.Position, errors.Wrapf(err, "drive test clock %s", clockID)
}

func (j *Job) head(ctx context.Context) (int64, error) {
	head, _, err := j.Engine.Store.Head(ctx)
	return head, err
}

// moved waits until a read model has moved, at most for d; and a moment at least, so
// that a busy log doesn't make a busy loop.
func (j *Job) moved(ctx context.Context, d time.Duration) error {
	changed := j.Cursors.Moved()
	if err := leased.Pause(ctx, flightMoment); err != nil {
		return err
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-changed:
	case <-t.C:
	}
	return nil
}
