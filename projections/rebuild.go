package projections

import (
	"context"
	"slices"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// lockTriesMax is how often a change of generations is tried while others hold a view,
// a table or a cursor, and lockWait how long it waits in between.
const (
	lockTriesMax = 60
	lockWait     = 50 * time.Millisecond
	// lookEvery is how often it is looked how a rebuild stands.
	lookEvery = 200 * time.Millisecond
)

var (
	// ErrRebuilding says that a new generation of the projection is being made already.
	ErrRebuilding = errors.New("the read model is being rebuilt already")
	// ErrOtherBuild says that another build makes a generation of the projection, by
	// another definition: it is that build's to be finished.
	ErrOtherBuild = errors.New("another build is making a generation of its own")
	// ErrPaused says that a projection is paused, and not to be changed meanwhile.
	ErrPaused = errors.New("the read model is paused")
	// ErrNoPrevious says that there is no generation to go back to.
	ErrNoPrevious = errors.New("there is no earlier generation to go back to")
	// ErrNotRebuilding says that no new generation is being made.
	ErrNotRebuilding = errors.New("the read model is not being rebuilt")
)

// Rebuild begins a new generation of a projection beside the one that is served, or
// has one go on that was interrupted, and returns its number. Whoever runs projectors
// of this build makes it, and serves it once it has caught up; so does [Runner.Make].
// Generations that are neither served nor new are dropped. It is [ErrRebuilding], with
// the number, if one is being made.
func (r *Runner) Rebuild(ctx context.Context, name string) (number int, err error) {
	p, err := r.projection(name)
	if err != nil {
		return 0, err
	}
	err = patiently(ctx, func() error { number, err = r.begin(ctx, p); return err })
	return number, errors.Wrapf(err, "rebuild %s", name)
}

// change runs f in a transaction that no other change of generations runs beside, with
// the cursors of a projection locked.
func (r *Runner) change(ctx context.Context, def Definition, f func(pgx.Tx, generations) error) error {
	return pgx.BeginFunc(ctx, r.store.Pool(), func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, prepareLock); err != nil {
			return err
		}
		all, err := lockGenerations(ctx, tx, r.generation(0).schema, def.Name)
		if err != nil {
			return err
		}
		if all.served().Number == 0 {
			return errors.Wrap(ErrUnknown, def.Name)
		}
		return f(tx, all)
	})
}

func (r *Runner) begin(ctx context.Context, p Projection) (number int, err error) {
	def := p.Definition()
	err = r.change(ctx, def, func(tx pgx.Tx, all generations) error {
		if all.served().state == Paused {
			return ErrPaused
		}
		unfinished := all.first(func(m made) bool { return m.goesOn(def) })
		for _, m := range all {
			if m.Serving || m.Number == unfinished.Number {
				continue
			}
			if err := r.drop(ctx, tx, def, m); err != nil {
				return err
			}
		}
		if unfinished.Number == 0 {
			number = all[len(all)-1].Number + 1 // no number is given twice
			return r.make(ctx, tx, p, number)
		}
		number = unfinished.Number
		if unfinished.state != Interrupted {
			return ErrRebuilding
		}
		return r.goOn(ctx, tx, p, unfinished)
	})
	return number, err
}

// goesOn reports whether m is a generation that def began and that may be finished.
func (m made) goesOn(def Definition) bool {
	return m.unfinished() && m.definition == def.fingerprint() && m.state != Stopped
}

// drop drops a generation that is in a rebuild's way: one that is retired, or that came
// to nothing. The cursor goes first, which its worker holds while it writes.
func (r *Runner) drop(ctx context.Context, tx pgx.Tx, def Definition, m made) error {
	if m.unfinished() && m.state != Interrupted && m.definition != def.fingerprint() {
		held, err := r.leases.Held(ctx, leaseKind, leaseID(def.Name, m.Number))
		if err != nil {
			return err
		}
		if held {
			return ErrOtherBuild
		}
	}
	var tables []string
	err := tx.QueryRow(ctx, `WITH k AS (DELETE FROM `+r.cursors.read+`.parked_events WHERE name = $1 AND generation = $2)
		DELETE FROM `+r.cursors.read+`.projections WHERE name = $1 AND generation = $2 RETURNING tables`, def.Name, m.Number).Scan(&tables)
	if err != nil {
		return err
	}
	for _, name := range tables {
		sql := `DROP TABLE IF EXISTS ` + m.Table(Table{Name: name})
		if !slices.ContainsFunc(def.Tables, func(t Table) bool { return t.Name == name }) {
			sql += ` CASCADE` // its view, which no later generation has
		}
		if _, err := tx.Exec(ctx, sql); err != nil {
			return errors.Wrapf(err, "drop generation %d", m.Number)
		}
	}
	return nil
}

// goOn has a generation go on whose rebuild was interrupted.
func (r *Runner) goOn(ctx context.Context, tx pgx.Tx, p Projection, m made) error {
	_, byStream := streamwiseOf(p)
	_, err := tx.Exec(ctx, `UPDATE `+r.cursors.read+`.projections p
		SET updated_at = clock_timestamp(), state = CASE WHEN $3 AND position < target THEN 'filling' ELSE `+r.cursors.moving+` END
		WHERE name = $1 AND generation = $2`, p.Definition().Name, m.Number, byStream && m.position == 0)
	return err
}

// Interrupt has whoever makes a new generation leave it as it is, until [Runner.Rebuild]
// is called again. It is [ErrNotRebuilding] if none is being made.
func (c *Cursors) Interrupt(ctx context.Context, name string) error {
	tag, err := c.pool.Exec(ctx, `UPDATE `+c.read+`.projections SET state = 'interrupted', updated_at = clock_timestamp()
		WHERE name = $1 AND NOT serving AND NOT retired AND state IN ('filling', 'running', 'parked')`, name)
	switch {
	case err != nil:
		return errors.Wrapf(err, "interrupt the rebuild of %s", name)
	case tag.RowsAffected() == 0:
		return errors.Wrap(ErrNotRebuilding, name)
	}
	c.moved.broadcast()
	return nil
}

// Make makes a generation that [Runner.Rebuild] has begun, and returns once it is
// served. Saw is told how it stands now and then. Filling it is done here, or by
// whoever is at it already. Feeding it from there on is left to a process that runs
// projectors of this build, if there is one, so that whoever swaps it in goes on.
func (r *Runner) Make(ctx context.Context, name string, number int, saw func(Status)) error {
	p, err := r.projection(name)
	if err != nil {
		return err
	}
	w := r.worker(p, r.generation(number), logSource{r.store})
	w.leaves = func(ctx context.Context) bool { fed, err := r.fed(ctx, p); return fed && err == nil }
	var work *started
	defer func() { work.stop() }()
	for {
		s, err := r.look(ctx, name, number)
		if err != nil {
			return err
		}
		saw(s)
		switch {
		case s.Serving:
			return nil
		case s.Generation == 0:
			return errors.Wrapf(errDropped, "generation %d of %s", number, name)
		case s.State == Interrupted, s.State == Stopped:
			return errors.Newf("generation %d of %s is %s %s", number, name, s.State, s.Error)
		}
		fed, err := r.fed(ctx, p)
		if err != nil {
			return err
		}
		if s.State != Filling && fed {
			work.stop()
		} else if work.ended() {
			work = r.start(ctx, w)
		}
		if !pause(ctx, lookEvery) {
			return ctx.Err()
		}
	}
}

// fed reports whether a process runs projectors of p: it will feed every generation of
// the same definition.
func (r *Runner) fed(ctx context.Context, p Projection) (bool, error) {
	def := p.Definition()
	var number int
	err := r.store.Pool().QueryRow(ctx, `SELECT coalesce(max(generation), 0) FROM `+r.cursors.read+`.projections
		WHERE name = $1 AND serving AND definition = $2`, def.Name, def.fingerprint()).Scan(&number)
	if err != nil || number == 0 {
		return false, errors.Wrap(err, "look who feeds")
	}
	return r.leases.Held(ctx, leaseKind, leaseID(def.Name, number))
}

// started is a worker that runs; a nil one is none.
type started struct {
	cancel context.CancelFunc
	done   chan struct{}
}

// start runs w under its lease.
func (r *Runner) start(ctx context.Context, w *worker) *started {
	ctx, cancel := context.WithCancel(ctx)
	s := &started{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(s.done)
		r.keep(ctx, w)
	}()
	return s
}

func (s *started) stop() {
	if s != nil {
		s.cancel()
		<-s.done
	}
}

func (s *started) ended() bool {
	if s == nil {
		return true
	}
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// look returns how a generation stands; the zero Status if it is not there.
func (r *Runner) look(ctx context.Context, name string, number int) (Status, error) {
	all, err := r.cursors.Statuses(ctx)
	i := slices.IndexFunc(all, func(s Status) bool { return s.Name == name && s.Generation == number })
	if err != nil || i < 0 {
		return Status{}, err
	}
	return all[i], nil
}

// Rollback serves the generation again that was served before the present one, which
// is fed on in its turn, and returns its number. It feeds it, where nobody does, for
// some seconds. It is [ErrNoPrevious] if there is none, and [ErrNotCaughtUp] if there
// is still too much that it lacks.
func (r *Runner) Rollback(ctx context.Context, name string) (number int, err error) {
	p, err := r.projection(name)
	if err != nil {
		return 0, err
	}
	def := p.Definition()
	var work *started
	defer func() { work.stop() }()
	err = patiently(ctx, func() error {
		return r.change(ctx, def, func(tx pgx.Tx, all generations) error {
			served, before := all.served(), all.previous()
			if before.Number == 0 {
				return ErrNoPrevious
			}
			if number == 0 && before.definition == def.fingerprint() {
				work = r.start(ctx, r.worker(p, before.Generation, logSource{r.store}))
			}
			number = before.Number
			return serve(ctx, tx, def, served, before)
		})
	})
	if err == nil {
		r.cursors.moved.broadcast()
	}
	return number, errors.Wrapf(err, "roll %s back", name)
}

// previous is the generation that was served before the one that is; one numbered 0 if
// there is none.
func (all generations) previous() (m made) {
	for _, g := range all {
		if g.Retired && g.Number < all.served().Number {
			m = g
		}
	}
	return m
}

// patiently calls f again while a lock is not to be had, or the generation to be served
// is a batch behind.
func patiently(ctx context.Context, f func() error) error {
	for try := 1; ; try++ {
		err := f()
		var pgErr *pgconn.PgError
		locked := errors.As(err, &pgErr) && (pgErr.Code == "55P03" || pgErr.Code == "40P01")
		if !locked && !errors.Is(err, ErrNotCaughtUp) || try == lockTriesMax || !pause(ctx, lockWait) {
			return err
		}
	}
}
