package projections

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// TestRowsAreLookedUpOneByOne holds that rows are found by their index in a table
// that has grown a lot since PostgreSQL last looked at it.
func TestRowsAreLookedUpOneByOne(t *testing.T) {
	t.Parallel()
	b := setupWorker(t, nil)
	w := b.w
	table, g := w.def.Tables[0], Generation{schema: b.store.Log().ReadSchema(), Number: 1}
	tx, err := b.store.Pool().Begin(b.ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(b.ctx) }()
	if _, err := tx.Exec(b.ctx, `ANALYZE `+g.Table(table)); err != nil {
		t.Fatal(err)
	}
	var rows []Row
	var ids []string
	for i := range 5000 {
		id := fmt.Sprintf("toy_%05d", i)
		rows = append(rows, Row{ID: id, First: 1, Position: 1, State: []byte(`{}`), Values: []any{i}})
		if i%50 == 0 {
			ids = append(ids, id)
		}
	}
	if err := table.Put(b.ctx, tx, g, rows); err != nil {
		t.Fatal(err)
	}
	lines, err := tx.Query(b.ctx, `EXPLAIN SELECT r.id `+g.among(table), ids)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := pgx.CollectRows(lines, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	if text := strings.Join(plan, "\n"); strings.Contains(text, "Seq Scan") || !strings.Contains(text, "using tallies_g1_pkey") {
		t.Errorf("rows are not looked up:\n%s", text)
	}
	found, err := table.Load(b.ctx, tx, g, append(ids, "toy_none"))
	if err != nil || len(found) != len(ids) {
		t.Fatalf("%d of %d rows found (%v)", len(found), len(ids), err)
	}
	if err := table.Delete(b.ctx, tx, g, ids); err != nil {
		t.Fatal(err)
	}
	if found, err = table.Load(b.ctx, tx, g, ids); err != nil || len(found) != 0 {
		t.Errorf("%d rows are left (%v)", len(found), err)
	}
}
