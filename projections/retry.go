package projections

import (
	"context"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
)

var (
	// ErrNotParked says that a projection has not set that event aside.
	ErrNotParked = errors.New("the event is not set aside")
	// ErrNeedsRebuild says that a projection can't take one stream up again by itself,
	// because its rows depend on the order of all events.
	ErrNeedsRebuild = errors.New("only a rebuild takes up again what was set aside")
	// ErrStillFails says that an event that was set aside still can't be applied.
	ErrStillFails = errors.New("the event still can't be applied")
)

// Parked lists the events beyond a position that the generation that is served has set
// aside, or stopped at, in the log's order, at most limit.
func (c *Cursors) Parked(ctx context.Context, name string, after int64, limit int) ([]ParkedEvent, error) {
	if _, err := c.Position(ctx, name); err != nil {
		return nil, err
	}
	return c.parkedWhere(ctx, `k.position > $3`, name, limit, after)
}

// ParkedAt returns the event at a position that the generation that is served has set
// aside. It is [ErrNotParked] if it hasn't.
func (c *Cursors) ParkedAt(ctx context.Context, name string, position int64) (ParkedEvent, error) {
	if _, err := c.Position(ctx, name); err != nil {
		return ParkedEvent{}, err
	}
	all, err := c.parkedWhere(ctx, `k.position = $3`, name, 1, position)
	if err == nil && len(all) == 0 {
		err = errors.Wrapf(ErrNotParked, "%s at %d", name, position)
	}
	if err != nil {
		return ParkedEvent{}, err
	}
	return all[0], nil
}

func (c *Cursors) parkedWhere(ctx context.Context, where, name string, limit int, more ...any) ([]ParkedEvent, error) {
	rows, err := c.pool.Query(ctx, `SELECT k.name, k.generation, k.position, k.stream, k.type, k.error, k.parked_at
		FROM `+c.read+`.parked_events k JOIN `+c.read+`.projections p ON p.name = k.name AND p.generation = k.generation AND p.serving
		WHERE k.name = $1 AND `+where+` ORDER BY k.position LIMIT $2`, append([]any{name, limit}, more...)...)
	if err != nil {
		return nil, errors.Wrap(err, "list what is set aside")
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[ParkedEvent])
	return all, errors.Wrap(err, "list what is set aside")
}

// Retry takes up again the stream of an event that the generation that is served has
// set aside: its row is folded anew from all its events. One that it stopped at is
// tried again by whoever keeps it. It is [ErrStillFails] if nothing has changed, and
// [ErrNeedsRebuild] where a stream can't be taken up alone.
func (r *Runner) Retry(ctx context.Context, name string, position int64) error {
	p, err := r.projection(name)
	if err != nil {
		return err
	}
	e, err := r.cursors.ParkedAt(ctx, name, position)
	if err != nil {
		return err
	}
	if at, err := r.cursors.Position(ctx, name); err != nil || position > at {
		return errors.CombineErrors(err, r.cursors.Resume(ctx, name))
	}
	err = patiently(ctx, func() error {
		return r.change(ctx, p.Definition(), func(tx pgx.Tx, all generations) error {
			m := all.served()
			skipped, err := Skipped(ctx, r.store, name)
			if err != nil {
				return err
			}
			left, why, err := takeUp(ctx, tx, r.store, p, m.Generation, e.Stream, m.position, skipped)
			if len(left) > 0 {
				err = errors.Mark(why, ErrStillFails)
			}
			if err != nil {
				return err
			}
			if err := r.cursors.unpark(ctx, tx, name, m.Number, e.Stream); err != nil {
				return err
			}
			return r.cursors.restate(ctx, tx, name, m.Number)
		})
	})
	if err == nil {
		r.cursors.moved.broadcast()
	}
	return errors.Wrapf(err, "take up %s again in %s", e.Stream, name)
}
