package seal

import (
	"cmp"
	"context"
	"slices"

	"github.com/cockroachdb/errors"
	"golang.org/x/mod/sumdb/tlog"
)

// compareOutlets holds the log against the last checkpoint of each outlet that wasn't
// compared yet. One that can't be reached is left for the next round.
func (r *run) compareOutlets(ctx context.Context) error {
	if len(r.uncompared) == 0 {
		return nil
	}
	keys, err := r.cfg.Keys.ring(r.log)
	if err != nil {
		return err
	}
	var unread []Outlet
	var ahead []Checkpoint      // of what is sealed in the database
	left := map[Outlet]string{} // the last checkpoint that has
	for _, outlet := range r.uncompared {
		notes, err := outlet.Latest(ctx)
		if err != nil {
			r.slog.WarnContext(ctx, "the checkpoints that left can't be compared yet", "outlet", outlet.Name(), "error", err.Error())
			unread = append(unread, outlet)
			continue
		}
		c, err := r.believed(ctx, keys, outlet, notes)
		if err != nil {
			return err
		}
		left[outlet] = c.Note
		if c.Size > r.last.Size {
			ahead = append(ahead, c)
		} else if c.Size > 0 {
			if err := r.agrees(ctx, c, outlet.Name()); err != nil {
				return err
			}
		}
	}
	slices.SortFunc(ahead, func(a, b Checkpoint) int { return cmp.Compare(a.Size, b.Size) })
	for _, c := range ahead {
		if err := r.climb(ctx, c); err != nil {
			return err
		}
	}
	r.uncompared = unread
	for outlet, text := range left {
		if r.last.Number > 0 && text != r.last.Note {
			r.pending[outlet] = r.last.Note
		}
	}
	return nil
}

// believed returns the largest of the notes that a key of this log has signed; the zero
// Checkpoint if nothing has left. If none of them is, what has left isn't known: whoever
// may write there must not be able to hide it.
func (r *run) believed(ctx context.Context, keys ring, outlet Outlet, notes []string) (Checkpoint, error) {
	var largest Checkpoint
	for _, text := range notes {
		c, _, err := keys.open(text)
		if err != nil {
			r.slog.ErrorContext(ctx, "what left as a checkpoint was signed by no known key, or is of another log", "outlet", outlet.Name(), "error", err.Error())
			continue
		}
		if c.Size > largest.Size { // of two of one size the one that left last stays
			largest = c
		}
	}
	if len(notes) > 0 && largest.Size == 0 {
		return largest, errors.Wrapf(ErrBroken, "nothing that left by %s lately is a checkpoint that a key in this process's key file has signed", outlet.Name())
	}
	return largest, nil
}

// climb leads from what is sealed in the database, which lost its last checkpoints or
// was put back, to a later one that has left: nothing is signed on the way, and that
// one is taken up only if the log still leads there.
func (r *run) climb(ctx context.Context, c Checkpoint) error {
	if err := r.holds(ctx, c); err != nil {
		return err
	}
	at := r.last
	for at.Size < c.Size {
		events, err := r.cfg.Store.After(ctx, at.Size, int(min(batchMax, c.Size-at.Size)))
		if err != nil {
			return err
		}
		if len(events) == 0 {
			return errors.Wrapf(ErrBroken, "the log was cut off before %d, on the way to what has left", at.Size+1)
		}
		if err := follow(at.Chain, events); err != nil {
			return err
		}
		var complete []tile
		for _, e := range events {
			complete = append(complete, r.edge.add(LeafHash(e))...)
			at.Size, at.Chain = e.Position, e.Hash
		}
		if err := r.tables.put(ctx, r.tables.pool, complete); err != nil {
			return errors.Wrap(err, "store tiles")
		}
	}
	if r.edge.root() != c.Root || r.edge.size != c.Size {
		return errors.Wrapf(ErrBroken, "another history of %d events has left", c.Size)
	}
	c.Number = r.last.Number + 1
	if err := r.tables.add(ctx, c, addition{leaves: r.edge.latest(c.Size - r.last.Size)}); err != nil {
		return err
	}
	r.last = c
	return nil
}

// agrees holds what is sealed against an earlier checkpoint that has left.
func (r *run) agrees(ctx context.Context, c Checkpoint, outlet string) error {
	var root tlog.Hash
	compute := func(tiles tlog.HashReader) (err error) {
		root, err = tlog.TreeHash(c.Size, tiles)
		return err
	}
	wrong, err := r.tree.read(ctx, r.last, compute)
	if wrong {
		if r.edge, err = r.tree.remade(ctx, r.last); err != nil {
			return err
		}
		_, err = r.tree.read(ctx, r.last, compute)
	}
	if err != nil {
		return err
	}
	if root != c.Root {
		return errors.Wrapf(ErrBroken, "another history of %d events has left by %s", c.Size, outlet)
	}
	return nil
}
