package projections

import (
	"context"
	"fmt"
	"slices"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"

	"tender/domain/catalogue"
	"tender/domain/id"
	"tender/eventstore"
)

// What is wrong with a row that is shown.
type What string

// What can be wrong with what is shown.
const (
	RowMissing   What = "missing"   // the log folds to a row that isn't there
	RowAdded     What = "added"     // the log folds to no such row
	RowDifferent What = "different" // the log folds to something else
	RowUnfolded  What = "unfolded"  // an event can't be folded, and isn't set aside
	// CursorWrong: the cursor says to have come from another history, or the view shows
	// other rows than the cursor's.
	CursorWrong What = "cursor"
)

// Difference is something that a read model shows and the log doesn't say, or the
// other way round.
type Difference struct {
	What       What
	Projection string
	Table      string // "": the cursor
	Key        string // of the row
	// Position is that of the event which the row should reflect: the last one that
	// concerned it or, where there should be none, what the row itself says.
	Position int64
	Detail   string // what differs; no values
}

// Compared is a read model that was held against the log.
type Compared struct {
	Name       string
	Generation int
	Position   int64 // up to which it was
	Rows       int64
	// Left says why it was not looked at; "": it was.
	Left string
}

// Comparison holds what read models show against rows that are folded afresh from the
// log. All of what they show is looked at as of one moment, with the cursors that they
// had then; what is appended meanwhile doesn't matter. It reads, in a transaction of
// its own, and keeps PostgreSQL from clearing up as long as it takes: nobody else
// waits for it.
//
// It is for one goroutine, but for [Comparison.InOrder]; found is called by both.
type Comparison struct {
	conn   *pgx.Conn
	tx     pgx.Tx
	found  func(Difference)
	models []*model
	byKind map[id.Prefix][]*model
	anew   []*anew
	// snapshot lets other sessions see what this one does.
	snapshot string
	all      []Compared
	stream   string   // in hand
	open     []*model // that have rows for it
}

// Compare begins a comparison of what this build's projections show. It is given the
// events of the log by [Comparison.Add], then closed. What differs is found.
func (r *Runner) Compare(ctx context.Context, found func(Difference)) (*Comparison, error) {
	config := r.store.Pool().Config().ConnConfig.Copy()
	config.RuntimeParams["application_name"] = "tender audit verify"
	config.RuntimeParams["idle_in_transaction_session_timeout"] = "0" // the log is read meanwhile
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, errors.Wrap(err, "connect to compare read models")
	}
	c := &Comparison{conn: conn, found: found, byKind: map[id.Prefix][]*model{}}
	if c.tx, err = conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}); err == nil {
		err = c.begin(ctx, r)
	}
	if err != nil {
		c.Close(ctx)
		return nil, errors.Wrap(err, "begin to compare read models")
	}
	return c, nil
}

// Close ends it, wherever it is.
func (c *Comparison) Close(ctx context.Context) {
	for _, a := range c.anew {
		_ = a.conn.Close(context.WithoutCancel(ctx)) // what it has written goes with it
	}
	_ = c.conn.Close(context.WithoutCancel(ctx)) // it has only read
}

// Compared lists the read models, with how far each was looked at.
func (c *Comparison) Compared() []Compared {
	all := slices.Clone(c.all)
	for i := range all {
		for _, m := range c.models {
			if m.name == all[i].Name {
				all[i].Rows = m.shown()
			}
		}
		for _, a := range c.anew {
			if a.def.Name == all[i].Name {
				all[i].Rows = a.rows
			}
		}
	}
	return all
}

// begin takes the cursors, and opens what their generations hold.
func (c *Comparison) begin(ctx context.Context, r *Runner) error {
	bytewise, err := bytewise(ctx, c.tx)
	if err != nil {
		return err
	}
	if err := c.tx.QueryRow(ctx, `SELECT pg_export_snapshot()`).Scan(&c.snapshot); err != nil {
		return errors.Wrap(err, "let others see the same")
	}
	for _, p := range r.projections {
		def := p.Definition()
		served, definition, err := c.served(ctx, r, def)
		if err != nil {
			return errors.Wrap(err, def.Name)
		}
		of := Compared{Name: def.Name, Generation: served.Number, Position: served.position}
		s, can := streamwiseOf(p)
		switch {
		case served.Number == 0:
			of.Left = "it was never made"
		case definition != def.fingerprint():
			of.Left = "it was made by another build, which has to compare it"
		case !can:
			_, err = c.openAnew(ctx, r, p, served)
		default:
			err = c.take(ctx, r, s, def, served, bytewise)
		}
		if err != nil {
			return errors.Wrap(err, def.Name)
		}
		c.all = append(c.all, of)
	}
	return nil
}

// served returns the generation of a projection that is shown, and checks that its
// cursor is in this log's history and that the views show it.
func (c *Comparison) served(ctx context.Context, r *Runner, def Definition) (m made, definition string, err error) {
	var inHistory bool
	m.schema = r.generation(0).schema
	err = c.tx.QueryRow(ctx, `SELECT generation, definition, position,
			CASE position WHEN 0 THEN true ELSE EXISTS (SELECT FROM `+r.cursors.events+` e WHERE e.position = p.position AND e.hash = p.hash) END
		FROM `+r.cursors.read+`.projections p WHERE name = $1 AND serving`, def.Name).Scan(&m.Number, &definition, &m.position, &inHistory)
	if errors.Is(err, pgx.ErrNoRows) {
		return made{}, "", nil
	}
	if err != nil {
		return m, "", err
	}
	if !inHistory {
		c.found(Difference{What: CursorWrong, Projection: def.Name, Position: m.position, Detail: "its cursor has another chain hash than the log"})
	}
	for _, t := range def.Tables {
		var shown bool
		if err := c.tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_rewrite r JOIN pg_depend d ON d.objid = r.oid AND d.classid = 'pg_rewrite'::regclass
			WHERE r.ev_class = to_regclass($1) AND d.refobjid = to_regclass($2))`,
			pgx.Identifier{m.schema, t.Name}.Sanitize(), m.Table(t)).Scan(&shown); err != nil {
			return m, "", err
		}
		if !shown {
			c.found(Difference{What: CursorWrong, Projection: def.Name, Table: t.Name, Position: m.position, Detail: fmt.Sprintf("its view does not show generation %d", m.Number)})
		}
	}
	return m, definition, nil
}

// take opens what a projection shows.
func (c *Comparison) take(ctx context.Context, r *Runner, p streamwise, def Definition, g made, bytewise bool) error {
	m := &model{name: def.Name, folds: p, position: g.position, fresh: make([][]Row, len(def.Tables))}
	for _, t := range def.Tables {
		s := &shelf{tx: c.tx, table: t, cursor: "shown_" + t.Name}
		if err := s.open(ctx, g.Generation, bytewise); err != nil {
			return err
		}
		m.shelves = append(m.shelves, s)
	}
	if err := c.leftOut(ctx, r, m, g); err != nil {
		return err
	}
	c.models = append(c.models, m)
	for _, kind := range p.kinds() {
		c.byKind[kind] = append(c.byKind[kind], m)
	}
	return nil
}

// Add takes the next events of the log, in the order of streams and versions.
func (c *Comparison) Add(ctx context.Context, events []eventstore.Event) error {
	for _, e := range events {
		if e.Stream != c.stream {
			if err := c.endStream(ctx); err != nil {
				return err
			}
			c.stream, c.open = e.Stream, c.byKind[id.PrefixOf(e.Stream)]
			for _, m := range c.open {
				m.begin(e.Stream)
			}
		}
		if len(c.open) > 1 { // several read models take it in
			if said, err := catalogue.Decode(e.Type, e.SchemaVersion, e.Payload); err == nil {
				e.Said = said
			}
		}
		for _, m := range c.open {
			if d := m.fold(e); d != nil {
				c.found(*d)
			}
		}
	}
	return nil
}

func (c *Comparison) endStream(ctx context.Context) error {
	for _, m := range c.open {
		if err := m.end(ctx, c.stream, c.found); err != nil {
			return err
		}
	}
	c.open = nil
	return nil
}

// Finish says that there are no more events.
func (c *Comparison) Finish(ctx context.Context) error {
	if err := c.endStream(ctx); err != nil {
		return err
	}
	for _, m := range c.models {
		if err := m.rest(ctx, c.found); err != nil {
			return err
		}
	}
	return nil
}

// bytewise reports whether the database sorts texts by their bytes, as streams are.
func bytewise(ctx context.Context, tx pgx.Tx) (is bool, err error) {
	err = tx.QueryRow(ctx, `SELECT datlocprovider IN ('c', 'b') AND datcollate IN ('C', 'POSIX', 'C.UTF-8', 'C.utf8')
		FROM pg_database WHERE datname = current_database()`).Scan(&is)
	return is, errors.Wrap(err, "ask how the database sorts")
}
