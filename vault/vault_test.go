package vault_test

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tender/eventstore/storetest"
	"tender/vault"
)

const (
	owner = "mer_01hzy3v7q8e4xk2m9c5b7d6f0a"
	other = "mer_01hzy3v7q8e4xk2m9c5b7d6f0b"
	field = "webhook_secret/whe_01hzy3v7q8e4xk2m9c5b7d6f0c"
)

var secret = []byte("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")

type bundle struct {
	db    storetest.DB
	keys  vault.KeyRing
	vault *vault.Vault
	super *pgx.Conn
}

func setup(t *testing.T) *bundle {
	t.Helper()
	db := storetest.Database(t, storetest.With("vault", vault.Migrate))
	keys, err := vault.LoadOrCreateMasterKey(filepath.Join(t.TempDir(), "master.key"))
	if err != nil {
		t.Fatal(err)
	}
	b := &bundle{db: db, keys: keys, vault: open(t, db, keys)}
	b.super, err = pgx.Connect(t.Context(), db.SuperURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.super.Close(context.Background()) })
	return b
}

func open(t *testing.T, db storetest.DB, keys vault.KeyRing) *vault.Vault {
	t.Helper()
	v, err := vault.Open(t.Context(), db.VaultURL, keys)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v
}

func (b *bundle) put(t *testing.T, owner, field string, secret []byte) string {
	t.Helper()
	ref, err := b.vault.Put(t.Context(), owner, field, secret)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// exec does as the superuser what the vault itself would never do.
func (b *bundle) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	tag, err := b.super.Exec(t.Context(), sql, args...)
	if err != nil {
		t.Fatal(err)
	}
	if tag.RowsAffected() == 0 {
		t.Fatalf("%s: nothing changed", sql)
	}
}

func (b *bundle) count(t *testing.T, sql string, args ...any) int {
	t.Helper()
	var n int
	if err := b.super.QueryRow(t.Context(), sql, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestPutAndGet(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ref := b.put(t, owner, field, secret)
	if !vault.IsRef(ref) || vault.IsRef("whe_"+ref[4:]) {
		t.Errorf("%q is not told apart as a reference", ref)
	}
	// Another process, with nothing in memory.
	for name, v := range map[string]*vault.Vault{"this": b.vault, "another": open(t, b.db, b.keys)} {
		if got, err := v.Get(t.Context(), owner, field, ref); err != nil || !bytes.Equal(got, secret) {
			t.Errorf("%s process gets %q, %v", name, got, err)
		}
	}
	if again := b.put(t, owner, field, secret); again == ref {
		t.Error("two entries have one reference")
	}
	if n := b.count(t, `select count(*) from vault.keys`); n != 1 {
		t.Errorf("one owner has %d keys", n)
	}
}

// A master key that the vault knows nothing of is told apart before it does harm.
func TestCheckMasterKey(t *testing.T) {
	t.Parallel()
	b := setup(t)
	other, err := vault.LoadOrCreateMasterKey(filepath.Join(t.TempDir(), "other.key"))
	if err != nil {
		t.Fatal(err)
	}
	stranger := open(t, b.db, other)
	for _, v := range []*vault.Vault{b.vault, stranger} {
		if err := v.CheckMasterKey(t.Context()); err != nil {
			t.Errorf("an empty vault takes any master key, but: %v", err)
		}
	}
	if _, err := b.vault.Put(t.Context(), "cus_1", card, secret); err != nil {
		t.Fatal(err)
	}
	if err := b.vault.CheckMasterKey(t.Context()); err != nil {
		t.Errorf("its own master key: %v", err)
	}
	if err := stranger.CheckMasterKey(t.Context()); !errors.Is(err, vault.ErrUnknownMasterKey) {
		t.Errorf("another master key: %v", err)
	}
}

func TestGetRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ref := b.put(t, owner, field, secret)
	b.put(t, other, field, secret)
	stranger, err := vault.LoadOrCreateMasterKey(filepath.Join(t.TempDir(), "other.key"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		v                 *vault.Vault
		owner, field, ref string
		want              error
	}{
		"another owner":        {b.vault, other, field, ref, vault.ErrNotFound},
		"an unknown owner":     {b.vault, "mer_nobody", field, ref, vault.ErrNotFound},
		"another field":        {b.vault, owner, field + "x", ref, vault.ErrCorrupt},
		"an unknown reference": {b.vault, owner, field, "vlt_00000000000000000000000000", vault.ErrNotFound},
		"no reference":         {b.vault, owner, field, "", vault.ErrNotFound},
		"another master key":   {open(t, b.db, stranger), owner, field, ref, vault.ErrUnknownMasterKey},
	} {
		got, err := c.v.Get(t.Context(), c.owner, c.field, c.ref)
		if !errors.Is(err, c.want) || got != nil {
			t.Errorf("%s: %q, %v; want %v", name, got, err, c.want)
		}
	}
}

// Whoever can write to the database, but lacks the master key, can destroy; not
// change, and not move.
func TestTampering(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sql  string
		want error
	}{
		"a bit of the entry":       {`update vault.entries set sealed = set_bit(sealed, 150, 1 - get_bit(sealed, 150)) where ref = $1 and $2 <> ''`, vault.ErrCorrupt},
		"the entry cut short":      {`update vault.entries set sealed = substr(sealed, 1, 10) where ref = $1 and $2 <> ''`, vault.ErrCorrupt},
		"an unknown format":        {`update vault.entries set sealed = set_byte(sealed, 0, 2) where ref = $1 and $2 <> ''`, vault.ErrCorrupt},
		"another entry's bytes":    {`update vault.entries e set sealed = o.sealed from vault.entries o where e.ref = $1 and o.ref = $2`, vault.ErrCorrupt},
		"a bit of the wrapped key": {`update vault.keys k set wrapped = set_bit(wrapped, 150, 1 - get_bit(wrapped, 150)) from vault.entries e where e.key_id = k.id and e.ref = $1 and $2 <> ''`, vault.ErrCorrupt},
		"another owner's key":      {`update vault.keys k set wrapped = o.wrapped from vault.keys o, vault.entries e where e.key_id = k.id and e.ref = $1 and o.id <> k.id and $2 <> ''`, vault.ErrCorrupt},
		"another master version":   {`update vault.keys k set master_version = 2 from vault.entries e where e.key_id = k.id and e.ref = $1 and $2 <> ''`, vault.ErrUnknownMasterKey},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			ref := b.put(t, owner, field, secret)
			second := b.put(t, owner, field, []byte("another secret"))
			b.put(t, other, field, secret)
			b.exec(t, c.sql, ref, second)
			got, err := open(t, b.db, b.keys).Get(t.Context(), owner, field, ref)
			if !errors.Is(err, c.want) || got != nil {
				t.Errorf("%q, %v; want %v", got, err, c.want)
			}
		})
	}
}

// An entry that is given to another owner, key and all, doesn't open for them.
func TestStolenEntry(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ref := b.put(t, owner, field, secret)
	b.put(t, other, field, []byte("theirs"))
	b.exec(t, `update vault.entries set owner = $2 where ref = $1`, ref, other)
	if got, err := b.vault.Get(t.Context(), other, field, ref); !errors.Is(err, vault.ErrNotFound) {
		t.Errorf("under the first owner's key: %q, %v", got, err)
	}
	b.exec(t, `update vault.entries set key_id = (select id from vault.keys where owner = $2) where ref = $1`, ref, other)
	if got, err := b.vault.Get(t.Context(), other, field, ref); !errors.Is(err, vault.ErrCorrupt) {
		t.Errorf("under their own: %q, %v", got, err)
	}
}

// First writes of one owner at the same time end up under one key.
func TestFirstWritesRace(t *testing.T) {
	t.Parallel()
	b := setup(t)
	second := open(t, b.db, b.keys)
	const writers = 16
	refs := make([]string, writers)
	var wg sync.WaitGroup
	for i := range writers {
		v := b.vault
		if i%2 == 1 {
			v = second
		}
		wg.Go(func() {
			var err error
			if refs[i], err = v.Put(t.Context(), owner, field, secret); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, ref := range refs {
		if got, err := b.vault.Get(t.Context(), owner, field, ref); err != nil || !bytes.Equal(got, secret) {
			t.Errorf("%q, %v", got, err)
		}
	}
	if n := b.count(t, `select count(*) from vault.keys`); n != 1 {
		t.Errorf("there are %d keys", n)
	}
}

func TestPutLimits(t *testing.T) {
	t.Parallel()
	b := setup(t)
	largest := bytes.Repeat([]byte("x"), vault.SecretBytesMax)
	ref := b.put(t, owner, field, largest)
	if got, err := b.vault.Get(t.Context(), owner, field, ref); err != nil || !bytes.Equal(got, largest) {
		t.Errorf("the largest secret: %v", err)
	}
	for name, c := range map[string]struct {
		owner, field string
		secret       []byte
	}{
		"a secret":     {owner, field, append(largest, 'x')},
		"an owner":     {strings.Repeat("x", vault.OwnerBytesMax+1), field, secret},
		"a field":      {owner, strings.Repeat("x", vault.FieldBytesMax+1), secret},
		"no owner":     {"", field, secret},
		"no field":     {owner, "", secret},
		"empty secret": {owner, field, nil},
	} {
		if _, err := b.vault.Put(t.Context(), c.owner, c.field, c.secret); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// What the database holds shows nothing of a secret or a key.
func TestDatabaseHoldsNoSecret(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.put(t, owner, field, secret)
	if n := b.count(t, `select count(*) from vault.entries where position($1::bytea in sealed) > 0`, secret); n > 0 {
		t.Error("the secret lies open")
	}
	if n := b.count(t, `select count(*) from vault.entries where position(substr($1::bytea, 1, 8) in sealed) > 0`, secret); n > 0 {
		t.Error("part of the secret lies open")
	}
	// Equal secrets look different.
	b.put(t, owner, field, secret)
	if n := b.count(t, `select count(distinct sealed) from vault.entries`); n != 2 {
		t.Error("equal secrets are sealed alike")
	}
}

// Nobody but the vault's role comes in.
func TestOtherRolesAreKeptOut(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.put(t, owner, field, secret)
	for name, url := range map[string]string{"app": b.db.AppURL, "simulator": b.db.SimulatorURL} {
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close(context.Background()) })
		for _, sql := range []string{
			`select * from vault.entries`, `select * from vault.keys`, `delete from vault.keys`,
			`insert into vault.migrations (number, name) values (99, 'x')`, `create table vault.mine ()`,
		} {
			_, err := conn.Exec(t.Context(), sql)
			var refused *pgconn.PgError
			if !errors.As(err, &refused) || refused.Code != "42501" {
				t.Errorf("%s: %s: %v", name, sql, err)
			}
		}
		if v, err := vault.Open(t.Context(), url, b.keys); err == nil {
			v.Close()
			t.Errorf("the vault opens for %s", name)
		}
	}
}
