package projections

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
)

// Row is one row of a [Table].
type Row struct {
	ID string
	// First and Position are those of the first and the last event that concerned
	// the row.
	First, Position int64
	State           json.RawMessage
	Values          []any // of the table's columns, in their order; nil for NULL
}

// Load returns those rows of ids that there are, without their Values, in one query.
func (t Table) Load(ctx context.Context, tx pgx.Tx, g Generation, ids []string) (map[string]Row, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	rows, err := tx.Query(ctx, `SELECT r.id, r.first_position, r.position, r.state `+g.among(t), ids)
	if err != nil {
		return nil, errors.Wrapf(err, "load rows of %s", t.Name)
	}
	found := make(map[string]Row, len(ids))
	var r Row
	var state []byte
	_, err = pgx.ForEachRow(rows, []any{&r.ID, &r.First, &r.Position, &state}, func() error {
		r.State = append(json.RawMessage(nil), state...)
		found[r.ID] = r
		return nil
	})
	return found, errors.Wrapf(err, "load rows of %s", t.Name)
}

// among is the FROM of a statement about the rows r whose ids are $1. Each is looked
// up by itself: with = ANY, a table that has grown since it was last analysed is
// searched from one end to the other.
func (g Generation) among(t Table) string {
	return `FROM unnest($1::text[]) AS wanted (id)
		CROSS JOIN LATERAL (SELECT ctid, * FROM ` + g.Table(t) + ` WHERE id = wanted.id LIMIT 1) r`
}

// Put inserts rows, or replaces those that there are, in one statement. No id may
// occur twice.
func (t Table) Put(ctx context.Context, tx pgx.Tx, g Generation, rows []Row) error {
	if len(rows) == 0 {
		return nil
	}
	n := len(rows)
	ids, firsts, positions, states := make([]string, n), make([]int64, n), make([]int64, n), make([]string, n)
	values := make([][]any, len(t.Columns))
	for c := range values {
		values[c] = make([]any, n)
	}
	for i, r := range rows {
		if len(r.Values) != len(t.Columns) {
			return errors.AssertionFailedf("table %s has %d columns, row %s has %d values", t.Name, len(t.Columns), r.ID, len(r.Values))
		}
		ids[i], firsts[i], positions[i], states[i] = r.ID, r.First, r.Position, string(r.State)
		for c := range values {
			values[c][i] = r.Values[c]
		}
	}
	args := []any{ids, firsts, positions, states}
	for _, v := range values {
		args = append(args, v)
	}
	_, err := tx.Exec(ctx, t.upsert(g), args...)
	return errors.Wrapf(err, "put rows of %s", t.Name)
}

// Delete removes rows, in one statement.
func (t Table) Delete(ctx context.Context, tx pgx.Tx, g Generation, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `DELETE FROM `+g.Table(t)+` WHERE ctid = ANY (ARRAY(SELECT r.ctid `+g.among(t)+`))`, ids)
	return errors.Wrapf(err, "delete rows of %s", t.Name)
}

func (t Table) upsert(g Generation) string {
	var names, arrays, sets strings.Builder
	for i, c := range t.Columns {
		name := pgx.Identifier{c.Name}.Sanitize()
		fmt.Fprintf(&names, ", %s", name)
		fmt.Fprintf(&arrays, ", $%d::%s[]", i+5, c.Type)
		fmt.Fprintf(&sets, ", %s = excluded.%s", name, name)
	}
	return `INSERT INTO ` + g.Table(t) + ` (id, first_position, position, state` + names.String() + `)
		SELECT id, first_position, position, state::json` + names.String() + `
		FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[]` + arrays.String() + `)
		AS u (id, first_position, position, state` + names.String() + `)
		ON CONFLICT (id) DO UPDATE SET first_position = excluded.first_position, position = excluded.position, state = excluded.state` + sets.String()
}

// addMin is from how many rows on COPY takes less than a statement does.
const addMin = 100

// Add inserts rows that there are none of.
func (t Table) Add(ctx context.Context, tx pgx.Tx, g Generation, rows []Row) error {
	if len(rows) < addMin {
		return t.Put(ctx, tx, g, rows)
	}
	return t.Copy(ctx, tx, g, rows)
}

// Copy writes rows into a table that holds none of them.
func (t Table) Copy(ctx context.Context, tx pgx.Tx, g Generation, rows []Row) error {
	if len(rows) == 0 {
		return nil
	}
	names := []string{"id", "first_position", "position", "state"}
	for _, c := range t.Columns {
		names = append(names, c.Name)
	}
	values := make([]any, 0, len(names))
	_, err := tx.CopyFrom(ctx, pgx.Identifier{g.schema, g.name(t)}, names, pgx.CopyFromSlice(len(rows), func(i int) ([]any, error) {
		r := rows[i]
		values = append(append(values[:0], r.ID, r.First, r.Position, r.State), r.Values...)
		return values, nil
	}))
	return errors.Wrapf(err, "copy rows into %s", t.Name)
}

// create is the statement that makes t in generation g, without a key or an index.
// Rows are updated often, so pages keep room for a row's next version beside it.
func (t Table) create(g Generation) string {
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE TABLE %s (id text NOT NULL, first_position bigint NOT NULL, position bigint NOT NULL, state json NOT NULL", g.Table(t))
	for _, c := range t.Columns {
		fmt.Fprintf(&b, ", %s %s", pgx.Identifier{c.Name}.Sanitize(), c.Type)
		if c.NotNull {
			b.WriteString(" NOT NULL")
		}
	}
	b.WriteString(") WITH (fillfactor = 80)")
	return b.String()
}

// key is the statement that makes t's primary key in generation g. It may be
// repeated.
func (t Table) key(g Generation) string {
	name := g.name(t) + "_pkey"
	return fmt.Sprintf(`DO $$ BEGIN
		IF to_regclass('%s') IS NULL THEN ALTER TABLE %s ADD CONSTRAINT %s PRIMARY KEY (id); END IF;
	END $$`, pgx.Identifier{g.schema, name}.Sanitize(), g.Table(t), pgx.Identifier{name}.Sanitize())
}

// lookups are the statements that make what Apply finds t's rows by in generation g: its
// key first. They may be repeated.
func (t Table) lookups(g Generation) []string {
	return append([]string{t.key(g)}, t.indexes(g, "l", t.Lookups)...)
}

// index are the statements that make t's other indexes in generation g. They may be
// repeated.
func (t Table) index(g Generation) []string { return t.indexes(g, "i", t.Indexes) }

func (t Table) indexes(g Generation, letter string, list []string) []string {
	var all []string
	for i, on := range list {
		name := pgx.Identifier{fmt.Sprintf("%s_%s%d", g.name(t), letter, i+1)}.Sanitize()
		all = append(all, fmt.Sprintf("CREATE INDEX IF NOT EXISTS %s ON %s %s", name, g.Table(t), on))
	}
	return all
}

// view is the statement that makes t's view show generation g. PostgreSQL itself
// refuses it if a column went away or changed its type.
func (t Table) view(g Generation) string {
	names := "id, first_position, position, state"
	for _, c := range t.Columns {
		names += ", " + pgx.Identifier{c.Name}.Sanitize()
	}
	return `CREATE OR REPLACE VIEW ` + pgx.Identifier{g.schema, t.Name}.Sanitize() + ` AS SELECT ` + names + ` FROM ` + g.Table(t)
}
