package vault_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"tender/eventstore/storetest"
	"tender/vault"
)

const (
	person  = "cus_01hzy3v7q8e4xk2m9c5b7d6f0d"
	profile = "profile"
	card    = "card/pmt_01hzy3v7q8e4xk2m9c5b7d6f0e"
)

// sequence is owners as a caller would take them from a log.
func sequence(owners ...string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, o := range owners {
			if !yield(o, nil) {
				return
			}
		}
	}
}

func (b *bundle) destroy(t *testing.T, owner string) {
	t.Helper()
	if err := b.vault.DestroyOwner(t.Context(), owner); err != nil {
		t.Fatal(err)
	}
}

// A destroyed owner is gone at once and for ever, also where their key was in
// memory; others are as they were.
func TestDestroyOwner(t *testing.T) {
	t.Parallel()
	b := setup(t)
	second := open(t, b.db, b.keys)
	refs := map[string]string{card: b.put(t, person, card, secret), profile: b.put(t, person, profile, secret)}
	kept := b.put(t, owner, field, secret)
	for field, ref := range refs {
		if _, err := second.Get(t.Context(), person, field, ref); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		b.destroy(t, person)
		for name, v := range map[string]*vault.Vault{"this": b.vault, "another": second, "a new": open(t, b.db, b.keys)} {
			for field, ref := range refs {
				if got, err := v.Get(t.Context(), person, field, ref); !errors.Is(err, vault.ErrDestroyed) || got != nil {
					t.Errorf("%s process reads %q, %v", name, got, err)
				}
			}
			if ref, err := v.Put(t.Context(), person, card, secret); !errors.Is(err, vault.ErrDestroyed) {
				t.Errorf("%s process writes %q, %v", name, ref, err)
			}
		}
	}
	if n := b.count(t, `select count(*) from vault.entries where owner = $1`, person); n != 0 {
		t.Errorf("%d entries are left", n)
	}
	if got, err := second.Get(t.Context(), owner, field, kept); err != nil || !bytes.Equal(got, secret) {
		t.Errorf("another owner's: %q, %v", got, err)
	}
}

// An owner whom the vault has not heard of is refused later on as well: the write
// of a request that was under way when the person was erased.
func TestDestroyUnknownOwner(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.destroy(t, person)
	if ref, err := b.vault.Put(t.Context(), person, card, secret); !errors.Is(err, vault.ErrDestroyed) {
		t.Errorf("%q, %v", ref, err)
	}
	if err := b.vault.DestroyOwner(t.Context(), ""); err == nil {
		t.Error("an owner without a name is destroyed")
	}
	if err := b.vault.DestroyOwner(t.Context(), strings.Repeat("x", vault.OwnerBytesMax+1)); err == nil {
		t.Error("an owner with too long a name is destroyed")
	}
}

// Writes and destructions of one owner at the same time: whatever was written
// before is gone, and what comes after is refused.
func TestDestroyRacesPut(t *testing.T) {
	t.Parallel()
	b := setup(t)
	vaults := []*vault.Vault{b.vault, open(t, b.db, b.keys)}
	const rounds, writers = 20, 4
	for round := range rounds {
		person := fmt.Sprintf("%s%d", person[:20], round)
		if round%2 == 1 {
			b.put(t, person, profile, secret)
		}
		var wg sync.WaitGroup
		begin := make(chan struct{})
		for i := range writers {
			wg.Go(func() {
				<-begin
				for {
					_, err := vaults[i%2].Put(t.Context(), person, card, secret)
					if errors.Is(err, vault.ErrDestroyed) {
						return
					}
					if err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		for i := range 2 {
			wg.Go(func() {
				<-begin
				if err := vaults[i].DestroyOwner(t.Context(), person); err != nil {
					t.Error(err)
				}
			})
		}
		close(begin)
		wg.Wait()
	}
	if n := b.count(t, `select count(*) from vault.entries`); n != 0 {
		t.Errorf("%d entries are left", n)
	}
	if n := b.count(t, `select count(*) from vault.keys where wrapped is not null or destroyed_at is null`); n != 0 {
		t.Errorf("%d keys are left", n)
	}
}

// A vault that was restored from a backup has keys again whose destruction the log
// knows of.
func TestDestroyAfterRestore(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const people = 1100 // more than two batches
	ref := b.put(t, person, card, secret)
	kept := b.put(t, owner, field, secret)
	b.exec(t, `insert into vault.keys (id, owner, master_id, master_version, wrapped)
		select gen_random_uuid(), 'cus_' || n, master_id, master_version, wrapped from vault.keys, generate_series(1, $2) n where owner = $1`, person, people)
	b.exec(t, `create table public.keys_backup as table vault.keys`)
	b.exec(t, `create table public.entries_backup as table vault.entries`)
	b.destroy(t, person)
	b.exec(t, `delete from vault.keys where owner = $1`, person)
	b.exec(t, `insert into vault.keys select * from public.keys_backup where owner = $1`, person)
	b.exec(t, `insert into vault.entries select * from public.entries_backup where owner = $1`, person)
	if _, err := b.vault.Get(t.Context(), person, card, ref); err != nil {
		t.Fatalf("the backup was not restored: %v", err)
	}

	erased := []string{person, person, "cus_never_there"}
	for n := range people {
		erased = append(erased, fmt.Sprintf("cus_%d", n+1))
	}
	for i, want := range []int{people + 1, 0} {
		if n, err := b.vault.DestroyOwners(t.Context(), sequence(erased...)); err != nil || n != want {
			t.Errorf("time %d: %d destroyed, %v; want %d", i+1, n, err, want)
		}
	}
	if _, err := b.vault.Get(t.Context(), person, card, ref); !errors.Is(err, vault.ErrDestroyed) {
		t.Errorf("the restored entry: %v", err)
	}
	if _, err := b.vault.Get(t.Context(), owner, field, kept); err != nil {
		t.Errorf("another owner's: %v", err)
	}
	if owners, err := b.vault.Owners(t.Context(), ""); err != nil || !slices.Equal(owners, []string{owner}) {
		t.Errorf("owners %v, %v", owners, err)
	}
}

// What came before a fault in the sequence is destroyed, and the fault is told.
func TestDestroyOwnersUpToAFault(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.put(t, person, card, secret)
	away := errors.New("the log is away")
	n, err := b.vault.DestroyOwners(t.Context(), func(yield func(string, error) bool) {
		_ = yield(person, nil) && yield("", away) && yield(owner, nil)
	})
	if !errors.Is(err, away) || n != 1 {
		t.Errorf("%d destroyed, %v", n, err)
	}
	if _, err := b.vault.Put(t.Context(), person, card, secret); !errors.Is(err, vault.ErrDestroyed) {
		t.Errorf("put: %v", err)
	}
}

func TestOwners(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.put(t, "cus_0", profile, secret)
	b.exec(t, `insert into vault.keys (id, owner, master_id, master_version, wrapped)
		select gen_random_uuid(), 'cus_' || n, master_id, master_version, wrapped from vault.keys, generate_series(1, $1) n`, vault.OwnersPerPage+9)
	b.destroy(t, "cus_7")
	var all []string
	var pages int
	for after := ""; ; pages++ {
		page, err := b.vault.Owners(t.Context(), after)
		if err != nil || len(page) > vault.OwnersPerPage {
			t.Fatalf("%d owners, %v", len(page), err)
		}
		if len(page) == 0 {
			break
		}
		all = append(all, page...)
		after = page[len(page)-1]
	}
	slices.Sort(all)
	if all = slices.Compact(all); len(all) != vault.OwnersPerPage+9 || pages != 2 || slices.Contains(all, "cus_7") {
		t.Errorf("%d owners on %d pages", len(all), pages)
	}
}

func TestDelete(t *testing.T) {
	t.Parallel()
	b := setup(t)
	gone, kept := b.put(t, person, card, secret), b.put(t, person, profile, secret)
	if err := b.vault.Delete(t.Context(), owner, gone); err != nil {
		t.Error(err)
	}
	if _, err := b.vault.Get(t.Context(), person, card, gone); err != nil {
		t.Errorf("deleted by another owner: %v", err)
	}
	for range 2 {
		if err := b.vault.Delete(t.Context(), person, gone); err != nil {
			t.Error(err)
		}
		if got, err := b.vault.Get(t.Context(), person, card, gone); !errors.Is(err, vault.ErrNotFound) {
			t.Errorf("%q, %v", got, err)
		}
	}
	if _, err := b.vault.Get(t.Context(), person, profile, kept); err != nil {
		t.Errorf("what is left: %v", err)
	}
}

// After a destruction a dump holds nothing from which the person's data could be
// had with all keys in the world: neither the wrapped key nor what it sealed.
func TestDumpAfterDestruction(t *testing.T) {
	t.Parallel()
	b := setup(t)
	canaries := map[string]string{card: `{"number":"4000123412341234"}`, profile: `{"name":"Canary Person","email":"canary@example.com","phone":"+27 82 000 0000"}`}
	for field, text := range canaries {
		b.put(t, person, field, []byte(text))
	}
	b.put(t, owner, field, secret)
	var remains [][]byte
	rows, err := b.super.Query(t.Context(), `
		select wrapped from vault.keys where owner = $1 union all select sealed from vault.entries where owner = $1`, person)
	if err != nil {
		t.Fatal(err)
	}
	if remains, err = pgx.CollectRows(rows, pgx.RowTo[[]byte]); err != nil || len(remains) != 3 {
		t.Fatalf("%d rows, %v", len(remains), err)
	}
	before := dump(t, b.db)
	for _, bytes := range remains {
		if !strings.Contains(before, hex.EncodeToString(bytes)) {
			t.Fatal("the dump lacks what must be in it")
		}
	}
	b.destroy(t, person)
	after := dump(t, b.db)
	if !strings.Contains(after, person) {
		t.Error("nothing says that the owner was destroyed")
	}
	for _, bytes := range remains {
		if strings.Contains(after, hex.EncodeToString(bytes)) {
			t.Error("the dump holds a key or an entry of the destroyed owner")
		}
	}
	for _, text := range canaries {
		for i := 0; i+8 <= len(text); i += 4 {
			piece := []byte(text[i : i+8])
			for _, form := range []string{string(piece), hex.EncodeToString(piece), base64.RawStdEncoding.EncodeToString(piece[:6])} {
				if strings.Contains(before, form) || strings.Contains(after, form) {
					t.Errorf("a dump holds %q as %q", piece, form)
				}
			}
		}
	}
}

// dump is the schema vault as a backup holds it.
func dump(t *testing.T, db storetest.DB) string {
	t.Helper()
	programs, err := filepath.Glob("/usr/lib/postgresql/*/bin/pg_dump")
	if err != nil || len(programs) == 0 {
		programs = []string{"pg_dump"}
	}
	var out, fault strings.Builder
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), programs[len(programs)-1], "--inserts", "--schema=vault", "--dbname", db.SuperURL)
	cmd.Stdout, cmd.Stderr = &out, &fault
	if err := cmd.Run(); err != nil {
		t.Fatalf("pg_dump: %v: %s", err, fault.String())
	}
	return out.String()
}
