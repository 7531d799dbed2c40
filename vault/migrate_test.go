package vault_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"tender/eventstore/storetest"
	"tender/vault"
)

func TestMigrate(t *testing.T) {
	t.Parallel()
	db := storetest.Database(t)
	var none vault.KeyRing
	if _, err := vault.Open(t.Context(), db.VaultURL, none); err == nil {
		t.Error("a vault opens without keys")
	}
	keys := ring(t, "")
	if _, err := vault.Open(t.Context(), db.VaultURL, keys); !errors.Is(err, vault.ErrSchemaVersion) {
		t.Errorf("opened before it was migrated: %v", err)
	}
	if err := vault.Migrate(t.Context(), db.AppURL); err == nil {
		t.Error("the application's role may migrate the vault")
	}
	// Several at once, and again.
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := vault.Migrate(t.Context(), db.VaultURL); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if err := vault.Migrate(t.Context(), db.SuperURL); err != nil {
		t.Error(err)
	}
	v, err := vault.Open(t.Context(), db.VaultURL, keys)
	if err != nil {
		t.Fatal(err)
	}
	v.Close()
}

// Where another role than the vault's owns the tables, the vault works, and can't
// change them.
func TestMigrateAsAdmin(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]string{"schema there": `select 1`, "no schema": `drop schema vault`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			migrateAsAdmin(t, prepare)
		})
	}
}

func migrateAsAdmin(t *testing.T, prepare string) {
	t.Helper()
	db := storetest.Database(t)
	super, err := pgx.Connect(t.Context(), db.SuperURL)
	if err != nil {
		t.Fatal(err)
	}
	defer super.Close(t.Context())
	if _, err := super.Exec(t.Context(), prepare); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := vault.Migrate(t.Context(), db.AdminURL); err != nil {
			t.Fatal(err)
		}
	}
	v := open(t, db, ring(t, ""))
	ref, err := v.Put(t.Context(), owner, field, secret)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Get(t.Context(), owner, field, ref); err != nil {
		t.Error(err)
	}
	if _, err := v.Rewrap(t.Context(), nil); err != nil {
		t.Error(err)
	}
	if _, err := super.Exec(t.Context(), `update vault.entries set doubted_at = now() - interval '1 day'`); err != nil {
		t.Fatal(err)
	}
	var asked []string
	if swept, err := v.Sweep(t.Context(), grace, names(&asked)); err != nil || swept != 1 {
		t.Errorf("%d swept, %v", swept, err)
	}
	if err := v.DestroyOwner(t.Context(), owner); err != nil {
		t.Error(err)
	}
	conn, err := pgx.Connect(t.Context(), db.VaultURL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for _, sql := range []string{`delete from vault.keys`, `update vault.keys set owner = 'x'`, `delete from vault.closed_masters`, `drop table vault.entries`, `truncate vault.keys cascade`, `insert into vault.migrations (number, name) values (2, 'x')`, `update vault.entries set owner = 'x'`} {
		if _, err := conn.Exec(t.Context(), sql); err == nil {
			t.Errorf("the vault's role may %s", sql)
		}
	}
}

func TestNewerSchemaIsRefused(t *testing.T) {
	t.Parallel()
	db := storetest.Database(t, storetest.With("vault", vault.Migrate))
	conn, err := pgx.Connect(t.Context(), db.SuperURL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), `insert into vault.migrations (number, name) values (99, 'later')`); err != nil {
		t.Fatal(err)
	}
	if err := vault.Migrate(t.Context(), db.VaultURL); !errors.Is(err, vault.ErrSchemaVersion) {
		t.Errorf("migrated back: %v", err)
	}
	if _, err := vault.Open(t.Context(), db.VaultURL, ring(t, "")); !errors.Is(err, vault.ErrSchemaVersion) {
		t.Errorf("opened: %v", err)
	}
}
