package projections

import (
	"context"
	"fmt"
	"slices"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"

	"tender/domain/readmodel"
	"tender/eventstore"
)

// anew is a read model whose rows depend on the order of all events, such as that of
// webhook deliveries. It is made anew by its own steps, in temporary tables that the
// session alone sees, from the first event to where its cursor was, and compared there.
type anew struct {
	projection Projection
	def        Definition
	store      *eventstore.Store
	conn       *pgx.Conn
	served     made
	fresh      Generation
	model      model // what is left out, and what was set aside
	rows       int64
}

// openAnew makes the tables, and has their session see what c sees.
func (c *Comparison) openAnew(ctx context.Context, r *Runner, p Projection, g made) (*anew, error) {
	a := &anew{projection: p, def: p.Definition(), store: r.store, served: g, fresh: Generation{schema: "pg_temp", Number: g.Number}}
	a.model = model{name: a.def.Name, position: g.position}
	if err := c.leftOut(ctx, r, &a.model, g); err != nil {
		return nil, err
	}
	config := c.conn.Config().Copy()
	// What was made a moment ago has no statistics, and is looked up by index.
	config.RuntimeParams["enable_seqscan"] = "off"
	config.RuntimeParams["temp_buffers"] = "64MB"
	var err error
	if a.conn, err = pgx.ConnectConfig(ctx, config); err != nil {
		return nil, errors.Wrap(err, "connect")
	}
	c.anew = append(c.anew, a)
	for _, t := range a.def.Tables {
		for _, sql := range append([]string{t.create(a.fresh)}, t.lookups(a.fresh)...) {
			if _, err := a.conn.Exec(ctx, sql); err != nil {
				return nil, errors.Wrap(err, sql)
			}
		}
	}
	return a, nil
}

// InOrder compares the read models whose rows depend on the order of all events. It
// reads the log by itself, and may go on beside Add.
func (c *Comparison) InOrder(ctx context.Context) error {
	for _, a := range c.anew {
		if err := a.compare(ctx, c.snapshot, c.found); err != nil {
			return errors.Wrapf(err, "compare %s", a.def.Name)
		}
	}
	return nil
}

func (a *anew) compare(ctx context.Context, snapshot string, found func(Difference)) error {
	tx, err := a.conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // it has only written what nobody else sees
	if _, err := tx.Exec(ctx, `SET TRANSACTION SNAPSHOT '`+snapshot+`'`); err != nil {
		return errors.Wrap(err, "see what the others see")
	}
	for after := int64(0); after < a.served.position; {
		events, err := a.store.After(ctx, after, catchUpMax)
		if err != nil {
			return err
		}
		if len(events) == 0 {
			return errors.Newf("the log ends at %d, before the cursor's %d", after, a.served.position)
		}
		after = events[len(events)-1].Position
		todo := slices.DeleteFunc(events, func(e eventstore.Event) bool { return !a.model.takesIn(e) })
		if len(todo) == 0 {
			continue
		}
		if err := a.apply(ctx, tx, todo); err != nil {
			if ctx.Err() != nil || unwell(err) {
				return err
			}
			found(Difference{What: RowUnfolded, Projection: a.def.Name, Table: a.def.Tables[0].Name, Position: todo[0].Position,
				Detail: fmt.Sprintf("one up to position %d: %v", after, err)})
			return nil
		}
	}
	for _, t := range a.def.Tables {
		if err := a.differ(ctx, tx, t, found); err != nil {
			return err
		}
	}
	return nil
}

func (a *anew) apply(ctx context.Context, tx pgx.Tx, events []eventstore.Event) (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = errors.Newf("panic: %v", fault)
		}
	}()
	return a.projection.Apply(ctx, tx, a.fresh, events)
}

// differ finds the rows of a table that are not the same.
func (a *anew) differ(ctx context.Context, tx pgx.Tx, t Table, found func(Difference)) error {
	if _, err := tx.Exec(ctx, `SET LOCAL enable_seqscan = on; ANALYZE `+a.fresh.Table(t)); err != nil {
		return err
	}
	var n int64
	if err := tx.QueryRow(ctx, `SELECT count(*) FROM `+a.served.Table(t)).Scan(&n); err != nil {
		return err
	}
	a.rows += n
	rows, err := tx.Query(ctx, `SELECT coalesce(f.id, s.id), coalesce(f.position, s.position), f.id IS NULL, s.id IS NULL
		FROM `+a.fresh.Table(t)+` f FULL JOIN `+a.served.Table(t)+` s ON s.id = f.id WHERE f::text IS DISTINCT FROM s::text`)
	if err != nil {
		return err
	}
	d := Difference{Projection: a.def.Name, Table: t.Name}
	var added, missing bool
	_, err = pgx.ForEachRow(rows, []any{&d.Key, &d.Position, &added, &missing}, func() error {
		d.What, d.Detail = RowDifferent, "some of its columns"
		switch {
		case added:
			d.What, d.Detail = RowAdded, ""
		case missing:
			d.What, d.Detail = RowMissing, ""
		}
		found(d)
		return nil
	})
	return err
}

// leftOut reads what a read model doesn't take in.
func (c *Comparison) leftOut(ctx context.Context, r *Runner, m *model, g made) error {
	rows, err := c.tx.Query(ctx, `SELECT stream, min(position) FROM `+r.cursors.read+`.parked_events
		WHERE name = $1 AND generation = $2 AND position <= $3 GROUP BY stream`, m.name, g.Number, g.position)
	if err != nil {
		return errors.Wrap(err, "list parked streams")
	}
	m.parked = map[string]int64{}
	var stream string
	var from int64
	if _, err := pgx.ForEachRow(rows, []any{&stream, &from}, func() error { m.parked[stream] = from; return nil }); err != nil {
		return errors.Wrap(err, "list parked streams")
	}
	return m.decided(ctx, r.store)
}

// decided reads which events are left out, by decision.
func (m *model) decided(ctx context.Context, store *eventstore.Store) error {
	events, err := store.Stream(ctx, readmodel.Stream(m.name))
	if err != nil {
		return errors.Wrap(err, "read what is left out")
	}
	var state readmodel.State
	m.undecided = map[string]bool{}
	for _, e := range events {
		d, err := readmodel.Codec.Decode(e.Type, e.SchemaVersion, e.Payload)
		if err != nil {
			return errors.Wrapf(err, "event %d", e.Position)
		}
		if e.Position > m.position {
			m.undecided[readmodel.Concerns(d)] = true
			continue
		}
		state = readmodel.Evolve(state, d)
	}
	m.skipped = state.Skipped
	return nil
}

// takesIn reports whether an event is part of what is shown. What comes after the
// cursor isn't yet, and what was set aside or left out not at all.
func (m *model) takesIn(e eventstore.Event) bool {
	from, parked := m.parked[e.Stream]
	_, skipped := m.skipped[e.Position]
	return !skipped && e.Position <= m.position && (!parked || e.Position < from)
}
