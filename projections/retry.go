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

// Parked lists the events that the generation that is served has set aside, or stopped
// at, in the log's order, at most limit.
func (c *Cursors) Parked(ctx context.Context, name string, limit int) ([]ParkedEvent, error) {
	if _, err := c.Position(ctx, name); err != nil {
		return nil, err
	}
	return c.parkedWhere(ctx, `true`, name, limit)
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
	byStream, can := streamwiseOf(p)
	if !can {
		return errors.Wrap(ErrNeedsRebuild, name)
	}
	err = patiently(ctx, func() error {
		return r.change(ctx, p.Definition(), func(tx pgx.Tx, all generations) error {
			return r.takeUp(ctx, tx, p.Definition(), byStream, all.served(), e.Stream)
		})
	})
	if err == nil {
		r.cursors.moved.broadcast()
	}
	return errors.Wrapf(err, "take up %s again in %s", e.Stream, name)
}

// takeUp folds a stream anew, up to where the generation is, whose cursor tx holds.
func (r *Runner) takeUp(ctx context.Context, tx pgx.Tx, def Definition, p streamwise, m made, stream string) error {
	row, kept, err := r.refold(ctx, p, stream, m.position)
	if err != nil {
		return err
	}
	t := def.Tables[0]
	if kept {
		err = t.Put(ctx, tx, m.Generation, []Row{row})
	} else {
		err = t.Delete(ctx, tx, m.Generation, []string{stream})
	}
	if err != nil && !unwell(err) {
		return errors.Mark(err, ErrStillFails)
	}
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `DELETE FROM `+r.cursors.read+`.parked_events WHERE name = $1 AND generation = $2 AND stream = $3`, def.Name, m.Number, stream)
	if err != nil {
		return errors.Wrap(err, "forget what was set aside")
	}
	_, err = tx.Exec(ctx, `UPDATE `+r.cursors.read+`.projections p
		SET state = `+r.cursors.moving+`, error = CASE `+r.cursors.moving+` WHEN 'running' THEN '' ELSE error END, updated_at = clock_timestamp()
		WHERE name = $1 AND generation = $2 AND state = 'parked'`, def.Name, m.Number)
	return errors.Wrap(err, "change a projection's state")
}

func (r *Runner) refold(ctx context.Context, p streamwise, stream string, upTo int64) (row Row, kept bool, err error) {
	events, err := r.store.Stream(ctx, stream)
	if err != nil {
		return Row{}, false, err
	}
	defer func() {
		if v := recover(); v != nil {
			err = errors.Mark(errors.Newf("panic: %v", v), ErrStillFails)
		}
	}()
	fold := p.row(stream)
	for _, e := range events {
		if e.Position > upTo {
			break
		}
		if err := fold.add(e); err != nil {
			return Row{}, false, errors.Mark(err, ErrStillFails)
		}
	}
	return fold.finish()
}
