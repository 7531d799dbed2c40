package worker_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"tender/handlers/handlerstest"
	"tender/handlers/worker"
)

// fallDue makes so many objects due, as far as the read model knows.
func fallDue(t *testing.T, h *handlerstest.House, n int) {
	t.Helper()
	if _, err := h.First.Test.Engine.Store.Pool().Exec(t.Context(), `
		INSERT INTO read_test.due (id, first_position, position, state, due_at, in_flight)
		SELECT 'sub_' || i, i, i, '{}', now() - i * interval '1 second', false FROM generate_series(1, $1) AS i`, n); err != nil {
		t.Fatal(err)
	}
}

func newDue(h *handlerstest.House) *worker.Due { return &worker.Due{Payments: h.First.Test.Payments} }

func TestClaimsShareWhatIsDue(t *testing.T) {
	t.Parallel()
	h := handlerstest.New(t)
	h.First.Project()
	d := newDue(h)
	if streams, more, err := d.Claim(t.Context(), "early"); err != nil || len(streams) != 0 || more {
		t.Fatalf("%d claimed before anything is due, more %t, %v", len(streams), more, err)
	}
	fallDue(t, h, worker.DueBatch+10)
	claimed := map[string]bool{}
	for n, want := range []struct {
		count int
		more  bool
	}{{worker.DueBatch, true}, {10, false}, {0, false}} {
		streams, more, err := d.Claim(t.Context(), "owner")
		if err != nil || len(streams) != want.count || more != want.more {
			t.Fatalf("claim %d: %d claimed, more %t, %v", n, len(streams), more, err)
		}
		for _, s := range streams {
			if claimed[s] {
				t.Errorf("%s was claimed twice", s)
			}
			claimed[s] = true
		}
	}
}

// One who finds that another was quicker takes nothing, and knows that there may be
// more.
func TestAClaimThatCameSecondGoesOn(t *testing.T) {
	t.Parallel()
	h := handlerstest.New(t)
	h.First.Project()
	fallDue(t, h, worker.DueBatch+10)
	pool := h.First.Test.Engine.Store.Pool()
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	quicker(t, tx)
	first := transaction(t, tx)

	type claim struct {
		streams []string
		more    bool
		err     error
	}
	second := make(chan claim, 1)
	go func() {
		var c claim
		c.streams, c.more, c.err = newDue(h).Claim(t.Context(), "second")
		second <- c
	}()
	handlerstest.Eventually(t, "the second waits for the first", func() bool {
		var waits bool
		if err := pool.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'
			AND transactionid = $1::text::xid)`, first).Scan(&waits); err != nil {
			t.Fatal(err)
		}
		return waits
	})
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c := <-second; c.err != nil || len(c.streams) != 0 || !c.more {
		t.Errorf("the second took %d, more %t, %v", len(c.streams), c.more, c.err)
	}
	if streams, more, err := newDue(h).Claim(t.Context(), "second"); err != nil || len(streams) != 10 || more {
		t.Errorf("its next claim took %d, more %t, %v", len(streams), more, err)
	}
}

// quicker takes leases on the first batch, and does not commit yet.
func quicker(t *testing.T, tx pgx.Tx) {
	t.Helper()
	if _, err := tx.Exec(t.Context(), `
		INSERT INTO work_test.leases (kind, id, owner, until)
		SELECT 'due', id, 'first', now() + interval '1 minute' FROM read_test.due ORDER BY due_at LIMIT $1`, worker.DueBatch); err != nil {
		t.Fatal(err)
	}
}

func transaction(t *testing.T, tx pgx.Tx) (xid string) {
	t.Helper()
	if err := tx.QueryRow(t.Context(), `SELECT pg_current_xact_id()::xid::text`).Scan(&xid); err != nil {
		t.Fatal(err)
	}
	return xid
}
