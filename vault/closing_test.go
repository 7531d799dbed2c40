package vault_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"

	"tender/vault"
)

// A key that is being made by the old version when that is closed is waited for,
// and moved with the others.
func TestRotateWaitsForNewKeys(t *testing.T) {
	t.Parallel()
	b := setup(t)
	m := newMachine(t, b.db, "")
	refs := people(t, m.vault, 1)
	// The one key that there is, is taken away and then made again, as by a process
	// that has not committed yet.
	for _, sql := range []string{
		`create temporary table made as table vault.keys`, `create temporary table theirs as table vault.entries`,
		`delete from vault.keys`,
	} {
		b.exec(t, sql)
	}
	tx, err := b.super.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{
		`select pg_advisory_xact_lock_shared(x'7661756c6d'::bigint)`,
		`insert into vault.keys select * from made`, `insert into vault.entries select * from theirs`,
	} {
		if _, err := tx.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	moved := make(chan int, 1)
	go func() {
		r, err := m.vault.Rotate(t.Context(), nil)
		if err != nil {
			t.Error(err)
		}
		moved <- r.Moved
	}()
	b.waits(t)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := <-moved; n != 1 {
		t.Errorf("%d keys were moved", n)
	}
	m.retire(t, 1)
	b.readable(t, open(t, b.db, ring(t, m.path)), refs)
}

// A key that is about to be made when its version is closed is not made.
func TestNewKeyWaitsForTheClosing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	m := newMachine(t, b.db, "")
	people(t, m.vault, 1)
	tx, err := b.super.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{
		`select pg_advisory_xact_lock(x'7661756c6d'::bigint)`,
		`insert into vault.closed_masters (master_id, master_version) select master_id, master_version from vault.keys`,
	} {
		if _, err := tx.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	refused := make(chan error, 1)
	go func() {
		_, err := m.vault.Put(t.Context(), "cus_new", card, secret)
		refused <- err
	}()
	b.waits(t)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-refused; !errors.Is(err, vault.ErrClosedMasterKey) {
		t.Errorf("put: %v", err)
	}
	if n := b.wrappedBy(t, 1); n != 1 {
		t.Errorf("the closed version wraps %d keys", n)
	}
}

// Keys are moved in bulk and destroyed in bulk, in different orders: one waits for
// the other, so that they don't wait for each other.
func TestDestroyWaitsForARotation(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.put(t, person, card, secret)
	tx, err := b.super.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `select pg_advisory_xact_lock(x'7661756c6d'::bigint)`); err != nil {
		t.Fatal(err)
	}
	destroyed := make(chan error, 1)
	go func() { destroyed <- b.vault.DestroyOwner(t.Context(), person) }()
	b.waits(t)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-destroyed; err != nil {
		t.Error(err)
	}
	if n := b.count(t, `select count(*) from vault.keys where wrapped is not null`); n != 0 {
		t.Errorf("%d keys are left", n)
	}
}

// waits returns when somebody waits for an advisory lock.
func (b *bundle) waits(t *testing.T) {
	t.Helper()
	watch, err := pgx.Connect(t.Context(), b.db.SuperURL)
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Close(context.Background())
	eventually(t, "somebody waits", func() bool {
		var waits bool
		const waiting = `select exists (select from pg_stat_activity where datname = current_database() and wait_event = 'advisory')`
		return watch.QueryRow(t.Context(), waiting).Scan(&waits) == nil && waits
	})
}
