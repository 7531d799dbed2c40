package projections

import (
	"context"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
)

// prepareLock keeps two processes from making the same tables.
const prepareLock = 0x74656e6465720001

// ErrNotCaughtUp says that a generation can't be served yet, because the one that is
// served knows more.
var ErrNotCaughtUp = errors.New("the new generation is behind the one that is served")

// errSuperseded says that a later generation is served: this one never will be.
var errSuperseded = errors.New("a later generation is served")

// Prepare makes what is missing for this build: the cursors' table, and for each
// projection a generation with its definition. A projection's first generation is
// served at once, empty; a later one once it has caught up. Queries of the views
// work as soon as Prepare has returned. It may be repeated, and called by several
// processes at once; [Runner.Run] begins with it.
func (r *Runner) Prepare(ctx context.Context) error {
	pool := r.store.Pool()
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, prepareLock); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `SET LOCAL client_min_messages = warning; `+bookkeeping(r.store.Log())); err != nil {
			return err
		}
		for _, w := range r.workers {
			if err := w.prepare(ctx, tx); err != nil {
				return errors.Wrapf(err, "projection %s", w.def.Name)
			}
		}
		return nil
	})
	return errors.Wrap(err, "prepare the read models")
}

// prepare finds the worker's generation, or makes one.
func (w *worker) prepare(ctx context.Context, tx pgx.Tx) error {
	table := pgx.Identifier{w.generation.schema, "projections"}.Sanitize()
	var highest int
	var mine *int
	err := tx.QueryRow(ctx, `SELECT coalesce(max(generation), 0), max(generation) FILTER (WHERE definition = $2)
		FROM `+table+` WHERE name = $1`, w.def.Name, w.def.fingerprint()).Scan(&highest, &mine)
	if err != nil {
		return err
	}
	if mine != nil {
		w.generation.Number = *mine
		return nil
	}
	first := highest == 0
	w.generation.Number = highest + 1
	for _, t := range w.def.Tables {
		statements := []string{t.create(w.generation)}
		if first {
			// Nothing is there yet, so indexes cost nothing now; and nothing is
			// served, so an empty table is not a step back.
			statements = append(append(statements, t.index(w.generation)...), t.view(w.generation))
		}
		for _, sql := range statements {
			if _, err := tx.Exec(ctx, sql); err != nil {
				return errors.Wrap(err, sql)
			}
		}
	}
	_, err = tx.Exec(ctx, `INSERT INTO `+table+` (name, generation, definition, position, hash, state, serving, updated_at)
		VALUES ($1, $2, $3, 0, $4, 'running', $5, clock_timestamp())`,
		w.def.Name, w.generation.Number, w.def.fingerprint(), make([]byte, 32), first)
	return err
}

// swap makes the views show the worker's generation instead of the one that is
// served, in one short transaction which demands that no reader is shown an older
// state than before. A generation older than the one that is served is never
// swapped in, it is [errSuperseded]: during a release both builds run.
func (w *worker) swap(ctx context.Context) error {
	for _, t := range w.def.Tables {
		for _, sql := range t.index(w.generation) {
			if _, err := w.store.Pool().Exec(ctx, sql); err != nil {
				return errors.Wrap(err, sql)
			}
		}
	}
	err := pgx.BeginFunc(ctx, w.store.Pool(), func(tx pgx.Tx) error { return w.swapIn(ctx, tx) })
	return errors.Wrapf(err, "swap in generation %d of projection %s", w.generation.Number, w.def.Name)
}

func (w *worker) swapIn(ctx context.Context, tx pgx.Tx) error {
	// A view that a long query reads must not keep all others waiting behind us.
	if _, err := tx.Exec(ctx, `SET LOCAL lock_timeout = '1s'`); err != nil {
		return err
	}
	table := pgx.Identifier{w.generation.schema, "projections"}.Sanitize()
	rows, err := tx.Query(ctx, `SELECT generation, position, serving FROM `+table+` WHERE name = $1 ORDER BY generation FOR UPDATE`, w.def.Name)
	if err != nil {
		return err
	}
	var generation, served int
	var position, mine, shown int64
	var serving bool
	_, err = pgx.ForEachRow(rows, []any{&generation, &position, &serving}, func() error {
		if serving {
			served, shown = generation, position
		}
		if generation == w.generation.Number {
			mine = position
		}
		return nil
	})
	if err != nil {
		return err
	}
	switch {
	case served > w.generation.Number:
		return errSuperseded
	case served == w.generation.Number:
		return nil
	}
	if mine < shown {
		return errors.Wrapf(ErrNotCaughtUp, "at %d of %d", mine, shown)
	}
	for _, t := range w.def.Tables {
		if _, err := tx.Exec(ctx, t.view(w.generation)); err != nil {
			return err
		}
	}
	_, err = tx.Exec(ctx, `UPDATE `+table+` SET serving = (generation = $2) WHERE name = $1 AND generation IN ($2, $3)`,
		w.def.Name, w.generation.Number, served)
	return err
}
