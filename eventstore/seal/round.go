package seal

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/cockroachdb/errors"

	"tender/eventstore"
	"tender/eventstore/trace"
)

// run is a sealer's hold on a log: where it was sealed last, and what is needed to go
// on from there.
type run struct {
	*Sealer
	last Checkpoint // Number 0: the log was never sealed
	edge edge
	// uncompared are the outlets of which it isn't known what has left through them.
	// Nothing leaves through them before it is.
	uncompared []Outlet
}

// takeUp finds where the log was sealed last, and compares that with the log and with
// what has left the database. If all of that is out of reach, nothing may be signed:
// what the database says of itself proves nothing.
func (s *Sealer) takeUp(ctx context.Context) (*run, error) {
	keys, err := s.cfg.Keys.ring(s.log)
	if err != nil {
		return nil, err
	}
	clear(s.pending)
	r := &run{Sealer: s, uncompared: slices.Clone(s.cfg.Outlets)}
	last, err := s.tables.last(ctx)
	switch {
	case errors.Is(err, ErrNotSealed):
	case err != nil:
		return nil, err
	default:
		if _, _, err := keys.open(last.Note); err != nil {
			return nil, errors.Wrapf(ErrBroken, "the last checkpoint in the database, of %d events, was signed by no key in this process's key file: %s", last.Size, err)
		}
		r.last = last
		if err := r.attach(ctx); err != nil {
			return nil, err
		}
	}
	s.setState(s.State().Condition, r.last.Size, s.State().Err)
	if err := r.compareOutlets(ctx); err != nil {
		return nil, err
	}
	if n := len(s.cfg.Outlets); n > 0 && len(r.uncompared) == n {
		return nil, errors.New("nothing is sealed before one of the places can be read that checkpoints left for")
	}
	return r, nil
}

// attach makes the tree's edge, and holds the log against the last checkpoint.
func (r *run) attach(ctx context.Context) (err error) {
	if err := r.holds(ctx, r.last); err != nil {
		return err
	}
	if r.edge, err = r.tree.edge(ctx, r.last.Size); err != nil {
		return err
	}
	if r.edge.root() == r.last.Root {
		return nil
	}
	r.slog.WarnContext(ctx, "the tiles don't lead to the last checkpoint and are made again", "size", r.last.Size)
	r.edge, err = r.tree.remade(ctx, r.last)
	return err
}

// holds compares the log's chain hash with a checkpoint's.
func (r *run) holds(ctx context.Context, c Checkpoint) error {
	head, _, err := r.cfg.Store.Head(ctx)
	if err != nil {
		return err
	}
	if head < c.Size {
		return errors.Wrapf(ErrBroken, "the log ends at %d, but %d events were sealed", head, c.Size)
	}
	hash, err := r.cfg.Store.HashAt(ctx, c.Size)
	if err != nil {
		return err
	}
	if hash != c.Chain {
		return errors.Wrapf(ErrBroken, "the chain hash at %d is another than was sealed", c.Size)
	}
	return nil
}

// seal makes the next checkpoint, if anything is new, and reports whether there may
// be more.
func (r *run) seal(ctx context.Context) (more bool, err error) {
	keys, err := r.cfg.Keys.ring(r.log)
	if err != nil {
		return false, err
	}
	events, err := r.next(ctx)
	if err != nil {
		return false, err
	}
	handover := false
	if r.last.Number > 0 {
		_, current, err := keys.open(r.last.Note)
		if err != nil {
			return false, errors.Wrap(err, "the key that has signed so far is not in the key file any more")
		}
		handover = !current
	}
	if len(events) == 0 && !handover {
		return false, nil
	}
	ctx, end := trace.Begin(ctx, "seal", "mode", r.log.Mode, "events", strconv.Itoa(len(events)))
	defer func() { end(err, "size", strconv.FormatInt(r.last.Size, 10)) }()
	c := Checkpoint{Number: r.last.Number + 1, Chain: r.last.Chain, Time: time.Now().UTC().Truncate(time.Microsecond)}
	var complete []tile
	for _, e := range events {
		complete = append(complete, r.edge.add(LeafHash(e))...)
		c.Chain = e.Hash
	}
	c.Size, c.Root = r.edge.size, r.edge.root()
	if c, err = keys.sign(c, handover); err != nil {
		return false, err
	}
	if err := r.tables.add(ctx, c, addition{complete, r.edge.latest(int64(len(events))), handover}); err != nil {
		return false, err
	}
	r.last = c
	for _, outlet := range r.cfg.Outlets {
		if !slices.Contains(r.uncompared, outlet) {
			r.pending[outlet] = c.Note
		}
	}
	return len(events) == batchMax, nil
}

// sign signs a checkpoint by the current key, and at a handover by the one before it.
func (k ring) sign(c Checkpoint, handover bool) (Checkpoint, error) {
	if handover && k.previous != nil {
		return c.sign(k.origin, k.previous, k.current)
	}
	return c.sign(k.origin, k.current)
}

// next reads the events after the last checkpoint, and verifies that they follow on
// it.
func (r *run) next(ctx context.Context) ([]eventstore.Event, error) {
	// The event that the last checkpoint ends in comes along: it shows that what was
	// sealed is still there.
	seam := min(r.last.Size, 1)
	events, err := r.cfg.Store.After(ctx, r.last.Size-seam, int(batchMax+seam))
	if err != nil {
		return nil, err
	}
	if seam == 1 {
		if len(events) == 0 {
			return nil, errors.Wrapf(ErrBroken, "the log was cut off before %d, up to where it was sealed", r.last.Size)
		}
		if events[0].Hash != r.last.Chain {
			return nil, errors.Wrapf(ErrBroken, "the chain hash at %d is another than was sealed", r.last.Size)
		}
		events = events[1:]
	}
	return events, follow(r.last.Chain, events)
}

// follow verifies that events follow on a chain hash, and on each other.
func follow(previous [32]byte, events []eventstore.Event) error {
	for _, e := range events {
		if eventstore.ChainHash(previous, e) != e.Hash {
			return errors.Wrapf(ErrBroken, "the event at %d does not follow on the one before it", e.Position)
		}
		previous = e.Hash
	}
	return nil
}
