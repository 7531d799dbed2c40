package projections

import (
	"context"
	"slices"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"
)

// prepareLock keeps two processes from making the same tables.
const prepareLock = 0x74656e6465720001

const (
	// lockPatience is how long a swap or a drop waits for a lock: less than
	// PostgreSQL's deadlock_timeout of 1 s.
	lockPatience = "300ms"
	// indexesAtOnce is how many indexes of a new generation are made at a time.
	indexesAtOnce = 2
)

// ErrNotCaughtUp says that a generation can't be served yet, because the one that is
// served knows more.
var ErrNotCaughtUp = errors.New("the new generation is behind the one that is served")

// errSuperseded says that a later generation is served, or was instead of this one: it
// won't be by itself.
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
		for _, p := range r.projections {
			if err := r.prepare(ctx, tx, p); err != nil {
				return errors.Wrapf(err, "projection %s", p.Definition().Name)
			}
		}
		return nil
	})
	return errors.Wrap(err, "prepare the read models")
}

// prepare makes a generation of p, if there is none.
func (r *Runner) prepare(ctx context.Context, tx pgx.Tx, p Projection) error {
	def := p.Definition()
	var highest int
	var there bool
	err := tx.QueryRow(ctx, `SELECT coalesce(max(generation), 0), coalesce(bool_or(definition = $2), false)
		FROM `+r.cursors.read+`.projections WHERE name = $1`, def.Name, def.fingerprint()).Scan(&highest, &there)
	if err != nil || there {
		return err
	}
	if highest > 0 {
		return r.make(ctx, tx, p, highest+1)
	}
	// Nothing is there yet, so indexes cost nothing now; and nothing is served, so an
	// empty table is not a step back.
	g := r.generation(1)
	for _, t := range def.Tables {
		for _, sql := range slices.Concat([]string{t.create(g)}, t.lookups(g), t.index(g), []string{t.view(g)}) {
			if _, err := tx.Exec(ctx, sql); err != nil {
				return errors.Wrap(err, sql)
			}
		}
	}
	return r.insert(ctx, tx, def, g, Running, head{}, true)
}

// make makes a further generation of p, to be filled and then swapped in.
func (r *Runner) make(ctx context.Context, tx pgx.Tx, p Projection, number int) error {
	def, g, state := p.Definition(), r.generation(number), Running
	target, err := r.head(ctx)
	if err != nil {
		return err
	}
	_, byStream := streamwiseOf(p)
	if byStream {
		state = Filling
	}
	for _, t := range def.Tables {
		statements := []string{t.create(g)}
		if !byStream {
			statements = append(statements, t.lookups(g)...)
		}
		for _, sql := range statements {
			if _, err := tx.Exec(ctx, sql); err != nil {
				return errors.Wrap(err, sql)
			}
		}
	}
	return r.insert(ctx, tx, def, g, state, target, false)
}

// head is the end of the log.
type head struct {
	position int64
	hash     [32]byte
}

func (r *Runner) head(ctx context.Context) (h head, err error) {
	h.position, h.hash, err = r.store.Head(ctx)
	return h, err
}

func (r *Runner) generation(number int) Generation {
	return Generation{schema: r.store.Log().ReadSchema(), Number: number}
}

func (r *Runner) insert(ctx context.Context, tx pgx.Tx, def Definition, g Generation, state State, target head, serving bool) error {
	var hash [32]byte
	if state == Filling {
		hash = target.hash
	}
	tables := make([]string, len(def.Tables))
	for i, t := range def.Tables {
		tables[i] = t.Name
	}
	_, err := tx.Exec(ctx, `INSERT INTO `+r.cursors.read+`.projections
			(name, generation, definition, tables, position, hash, state, serving, target, updated_at)
		VALUES ($1, $2, $3, $4, 0, $5, $6, $7, $8, clock_timestamp())`,
		def.Name, g.Number, def.fingerprint(), tables, hash[:], string(state), serving, target.position)
	return err
}

// indexMemory is what PostgreSQL may use to make an index of a new generation.
const indexMemory = "256MB"

// index makes the worker's tables ready to be served: with key, indexes and
// statistics. It may be repeated.
func (w *worker) index(ctx context.Context) error {
	if w.indexed {
		return nil
	}
	for _, t := range w.def.Tables {
		for _, sql := range t.lookups(w.generation) {
			if err := w.indexWith(ctx, sql); err != nil {
				return err
			}
		}
		var all errgroup.Group
		all.SetLimit(indexesAtOnce)
		for _, sql := range t.index(w.generation) {
			all.Go(func() error { return w.indexWith(ctx, sql) })
		}
		if err := all.Wait(); err != nil {
			return err
		}
		if _, err := w.store.Pool().Exec(ctx, `ANALYZE `+w.generation.Table(t)); err != nil {
			return errors.Wrapf(err, "analyse %s", t.Name)
		}
	}
	w.indexed = true
	return nil
}

func (w *worker) indexWith(ctx context.Context, sql string) error {
	return pgx.BeginFunc(ctx, w.store.Pool(), func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SET LOCAL client_min_messages = warning; SET LOCAL maintenance_work_mem = '`+indexMemory+`'`); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, sql)
		return errors.Wrap(err, sql)
	})
}

// swap makes the views show the worker's generation instead of the one that is
// served, in one short transaction which demands that no reader is shown an older
// state than before. A generation older than the one that is served, or retired, is
// never swapped in by itself, it is [errSuperseded]: during a release both builds
// run.
func (w *worker) swap(ctx context.Context) error {
	if err := w.index(ctx); err != nil {
		return err
	}
	err := pgx.BeginFunc(ctx, w.store.Pool(), func(tx pgx.Tx) error {
		all, err := lockGenerations(ctx, tx, w.generation.schema, w.def.Name)
		if err != nil {
			return err
		}
		mine, served := all.numbered(w.generation.Number), all.served()
		switch {
		case mine.Serving:
			return nil
		case mine.Retired, served.Number > w.generation.Number:
			return errSuperseded
		}
		return serve(ctx, tx, w.def, served, mine)
	})
	return errors.Wrapf(err, "swap in generation %d of projection %s", w.generation.Number, w.def.Name)
}

// made is a generation's row of the cursors' table.
type made struct {
	Generation
	definition string
	position   int64
	state      State
	Serving    bool
	Retired    bool
}

func (m made) unfinished() bool { return !m.Serving && !m.Retired }

type generations []made

func (all generations) served() (m made) { return all.first(func(m made) bool { return m.Serving }) }

func (all generations) numbered(n int) (m made) {
	return all.first(func(m made) bool { return m.Number == n })
}

// first returns the first that is so, and one numbered 0 if none is.
func (all generations) first(so func(made) bool) made {
	if i := slices.IndexFunc(all, so); i >= 0 {
		return all[i]
	}
	return made{}
}

// lockGenerations reads the generations of a projection, by number, and holds their
// cursors until tx ends. It doesn't wait long for anything in tx: a view that a long
// query reads must not keep all others waiting behind us, and a query that reads two
// views while we replace them must not be what ends a deadlock.
func lockGenerations(ctx context.Context, tx pgx.Tx, schema, name string) (generations, error) {
	if _, err := tx.Exec(ctx, `SET LOCAL lock_timeout = '`+lockPatience+`'`); err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, `SELECT generation, definition, position, state, serving, retired
		FROM `+pgx.Identifier{schema, "projections"}.Sanitize()+` WHERE name = $1 ORDER BY generation FOR UPDATE`, name)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (made, error) {
		m := made{Generation: Generation{schema: schema}}
		err := row.Scan(&m.Number, &m.definition, &m.position, &m.state, &m.Serving, &m.Retired)
		return m, err
	})
}

// serve makes the views show next instead of served, whose cursors tx has locked.
func serve(ctx context.Context, tx pgx.Tx, def Definition, served, next made) error {
	if next.position < served.position {
		return errors.Wrapf(ErrNotCaughtUp, "at %d of %d", next.position, served.position)
	}
	for _, t := range def.Tables {
		if _, err := tx.Exec(ctx, t.view(next.Generation)); err != nil {
			return err
		}
	}
	table := pgx.Identifier{next.schema, "projections"}.Sanitize()
	if _, err := tx.Exec(ctx, `UPDATE `+table+` SET serving = false, retired = true WHERE name = $1 AND serving`, def.Name); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE `+table+` SET serving = true, retired = false WHERE name = $1 AND generation = $2`, def.Name, next.Number)
	return err
}
