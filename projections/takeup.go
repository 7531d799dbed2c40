package projections

import (
	"context"
	"slices"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"

	"tender/domain/readmodel"
	"tender/eventstore"
)

// takeUp folds a stream anew, without what is left out, up to where a generation is,
// whose cursor tx holds, and has its rows follow. What can't be applied stays out, with
// all that comes after it: left are those events, and why the first of them fails. It
// is [ErrNeedsRebuild] where a stream can't be folded alone.
func takeUp(
	ctx context.Context, tx pgx.Tx, from *eventstore.Store, p Projection, g Generation, stream string, upTo int64,
	skipped map[int64]readmodel.EventSkipped,
) (left []eventstore.Event, why, err error) {
	byStream, can := streamwiseOf(p)
	if !can {
		return nil, nil, errors.Wrap(ErrNeedsRebuild, p.Definition().Name)
	}
	events, err := from.Stream(ctx, stream)
	if err != nil {
		return nil, nil, err
	}
	events = slices.DeleteFunc(events, func(e eventstore.Event) bool {
		_, is := skipped[e.Position]
		return is || e.Position > upTo
	})
	for n := len(events); ; {
		rows, done, err := refold(p, byStream, stream, events[:n])
		if err == nil {
			err = replaceRows(ctx, tx, p, byStream, g, stream, rows)
		}
		switch {
		case err == nil:
			return events[n:], why, nil
		case unwell(err) || n == 0:
			return nil, nil, err
		}
		n, why = min(done, n-1), err
	}
}

// refold folds the events of one stream into rows of each table, and returns how many
// could be.
func refold(p Projection, byStream streamwise, stream string, events []eventstore.Event) (rows [][]Row, done int, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = errors.Newf("panic: %v", v)
		}
	}()
	fold := byStream.stream(stream)
	for _, e := range events {
		if err := fold.add(e); err != nil {
			return nil, done, err
		}
		done++
	}
	rows = make([][]Row, len(p.Definition().Tables))
	return rows, done, fold.finish(rows)
}

// replaceRows puts a stream's rows in the place of those that there are. Tx goes on if
// PostgreSQL refuses one.
func replaceRows(ctx context.Context, tx pgx.Tx, p Projection, byStream streamwise, g Generation, stream string, rows [][]Row) error {
	return pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error {
		if err := byStream.remove(ctx, tx, g, stream); err != nil {
			return err
		}
		for i, t := range p.Definition().Tables {
			if err := t.Put(ctx, tx, g, rows[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// unpark forgets that a generation has set a stream aside.
func (c *Cursors) unpark(ctx context.Context, tx pgx.Tx, name string, number int, stream string) error {
	_, err := tx.Exec(ctx, `DELETE FROM `+c.read+`.parked_events WHERE name = $1 AND generation = $2 AND stream = $3`, name, number, stream)
	return errors.Wrap(err, "forget what was set aside")
}

// restate has the state of a generation that moves say whether it has set anything
// aside.
func (c *Cursors) restate(ctx context.Context, tx pgx.Tx, name string, number int) error {
	_, err := tx.Exec(ctx, `UPDATE `+c.read+`.projections p
		SET state = `+c.moving+`, error = CASE `+c.moving+` WHEN 'running' THEN '' ELSE error END, updated_at = clock_timestamp()
		WHERE name = $1 AND generation = $2 AND state IN ('running', 'parked')`, name, number)
	return errors.Wrap(err, "change a projection's state")
}
