package projections_test

import (
	"context"
	"sync"
	"testing"

	"tender/projections"
)

func TestNewDefinitionIsBuiltBesideAndSwappedIn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	lasting := func(k *projections.Keyed[total]) { k.Keep = nil } // so that the merchant's row only grows
	old := toys("toys", lasting)
	first := b.process(old)
	b.write(3000)
	b.holds(old)

	// A view's position and rows never go back while the generations change.
	watched := make(chan struct{})
	var once sync.Once
	stopWatch := b.background(func(ctx context.Context) {
		c := projections.NewCursors(b.store)
		var last, lastSum int64
		for ctx.Err() == nil {
			at, err := c.Position(ctx, "toys")
			if err != nil && ctx.Err() == nil {
				t.Errorf("position: %v", err)
			}
			var sum int64
			err = b.store.Pool().QueryRow(ctx, `SELECT coalesce(sum(position), 0)::bigint FROM read_test.toys WHERE id LIKE 'mer_%'`).Scan(&sum)
			if err != nil && ctx.Err() == nil {
				t.Errorf("query: %v", err)
			}
			if ctx.Err() == nil && (at < last || sum < lastSum) {
				t.Errorf("went back from %d to %d (sum %d to %d)", last, at, lastSum, sum)
			}
			last, lastSum = at, sum
			once.Do(func() { close(watched) })
		}
	})
	<-watched
	changed := toys("toys", lasting, func(k *projections.Keyed[total]) {
		k.Version = 2
		row := k.Row
		k.Table.Columns = append(k.Table.Columns, projections.Column{Name: "doubled", Type: "bigint"})
		k.Row = func(id string, s total) []any { return append(row(id, s), 2*s.Sum) }
	})
	b.process(changed)
	b.write(2000)
	eventually(t, "the new generation is served", func() bool { return b.status("toys", 2).Serving })
	b.write(500)
	b.holds(changed)
	stopWatch()
	var wrong int
	if err := b.store.Pool().QueryRow(b.ctx, `SELECT count(*) FROM read_test.toys WHERE doubled IS DISTINCT FROM 2 * sum`).Scan(&wrong); err != nil || wrong != 0 {
		t.Errorf("%d rows without the new column (%v)", wrong, err)
	}

	// The old build is still there, is fed on, and doesn't swap itself back in.
	b.write(200)
	eventually(t, "the old generation is fed on", func() bool { return b.status("toys", 1).Position == int64(len(b.log())) })
	first.stop()
	b.process(old)
	b.write(200)
	eventually(t, "the old generation is fed on", func() bool { return b.status("toys", 1).Position == int64(len(b.log())) })
	if b.status("toys", 1).Serving || !b.status("toys", 2).Serving {
		t.Error("the old generation is served again")
	}
	var indexes int
	if err := b.store.Pool().QueryRow(b.ctx, `SELECT count(*) FROM pg_indexes WHERE schemaname = 'read_test' AND tablename = 'toys_g2'`).Scan(&indexes); err != nil || indexes != 2 {
		t.Errorf("the new generation has %d indexes, want 2 (%v)", indexes, err)
	}
}

// A query that reads a view for long keeps the new generation out; once it has ended
// that is swapped in, even if nothing happens any more.
func TestSwapIsTriedAgainInAQuietLog(t *testing.T) {
	t.Parallel()
	b := setup(t)
	old := toys("toys")
	b.process(old)
	b.write(100)
	b.holds(old)
	tx, err := b.store.Pool().Begin(b.ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(b.ctx) }()
	if _, err := tx.Exec(b.ctx, `SELECT count(*) FROM read_test.toys`); err != nil {
		t.Fatal(err)
	}
	b.process(toys("toys", func(k *projections.Keyed[total]) { k.Version = 2 }))
	waits := func() (waits bool) {
		if err := b.store.Pool().QueryRow(b.ctx, `SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'read_test.toys'::regclass)`).Scan(&waits); err != nil {
			t.Fatal(err)
		}
		return waits
	}
	eventually(t, "the swap waits", waits)
	eventually(t, "it has given up", func() bool { return !waits() })
	if b.status("toys", 2).Serving {
		t.Fatal("it was swapped in beside a query")
	}
	if err := tx.Rollback(b.ctx); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the new generation is served", func() bool { return b.status("toys", 2).Serving })
}

func TestPrepareMayBeRepeatedAndRacedFor(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			r, err := projections.NewRunner(b.store, nil, projections.NewCursors(b.store), toys("toys"), toys("others"))
			if err == nil {
				err = r.Prepare(b.ctx)
			}
			if err != nil {
				t.Errorf("prepare: %v", err)
			}
		})
	}
	all.Wait()
	c := projections.NewCursors(b.store)
	statuses, err := c.Statuses(b.ctx)
	if err != nil || len(statuses) != 2 || !statuses[0].Serving || !statuses[1].Serving {
		t.Errorf("%+v (%v)", statuses, err)
	}
	if lowest, err := c.Lowest(b.ctx); err != nil || lowest != 0 {
		t.Errorf("lowest %d (%v)", lowest, err)
	}
}

func TestNamesThatCannotBeUsedAreMistakes(t *testing.T) {
	t.Parallel()
	b := setupWithoutRelay(t)
	for name, all := range map[string][]projections.Projection{
		"twice":         {toys("toys"), toys("toys")},
		"the runner's":  {toys("parked_events")},
		"not a name":    {toys("Toys;")},
		"one table two": {toys("toys"), toys("others", func(k *projections.Keyed[total]) { k.Table.Name = "toys" })},
	} {
		if _, err := projections.NewRunner(b.store, nil, projections.NewCursors(b.store), all...); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// A table that a later definition lacks goes with the last generation that had it.
func TestATableThatIsNoMoreGoes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	old := toys("toys", func(k *projections.Keyed[total]) { k.Table.Name = "toys_before" })
	b.write(20)
	p := b.process(old)
	b.reaches("toys")
	p.stop()
	k := toys("toys")
	b.process(k)
	eventually(t, "the new generation is served", func() bool { return b.status("toys", 2).Serving })
	b.rebuild(b.runner(k), "toys")
	b.holds(k)
	var left int
	err := b.store.Pool().QueryRow(b.ctx, `SELECT count(*) FROM pg_class WHERE relnamespace = 'read_test'::regnamespace AND relname LIKE 'toys\_before%'`).Scan(&left)
	if err != nil || left != 0 {
		t.Errorf("%d relations of the table that is no more are left (%v)", left, err)
	}
}
