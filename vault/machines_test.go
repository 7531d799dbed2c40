package vault_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"tender/vault"
)

// With several machines the new version is staged and carried to all before it is
// put to use on one; the others follow by themselves.
func TestStage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	here := newMachine(t, b.db, "")
	refs := people(t, here.vault, 3)
	there := newMachine(t, b.db, here.path)
	for _, added := range []bool{true, false} {
		if r, err := here.vault.Stage(t.Context()); err != nil || r.Added != added || r.Version != 1 {
			t.Errorf("staged %+v, %v", r, err)
		}
	}
	here.retire(t, 0)
	if _, err := here.vault.Put(t.Context(), "cus_before", card, secret); err != nil || b.wrappedBy(t, 2) != 0 {
		t.Errorf("a staged version is in use, %v", err)
	}
	carry(t, here.path, there.path)
	if r := here.rotate(t); !r.Added || r.Version != 2 || r.Moved != 4 {
		t.Errorf("rotation %+v", r)
	}
	b.readable(t, there.vault, refs)
	if _, err := there.vault.Put(t.Context(), "cus_after", card, secret); err != nil || b.wrappedBy(t, 2) != 5 {
		t.Errorf("the other machine doesn't follow: %v", err)
	}
	here.retire(t, 1)
	there.rotate(t)
	there.retire(t, 1)
	b.readable(t, open(t, b.db, ring(t, there.path)), refs)
}

// A machine with an old copy of the key file says so, loses nothing, and goes on
// when it has the new one.
func TestOldCopyOfTheKeyFile(t *testing.T) {
	t.Parallel()
	b := setup(t)
	here := newMachine(t, b.db, "")
	refs := people(t, here.vault, 2)
	there := newMachine(t, b.db, here.path)
	here.rotate(t)
	if _, err := there.vault.Get(t.Context(), "cus_00000", card, refs["cus_00000"]); !errors.Is(err, vault.ErrUnknownMasterKey) {
		t.Errorf("get: %v", err)
	}
	if _, err := there.vault.Put(t.Context(), "cus_new", card, secret); !errors.Is(err, vault.ErrClosedMasterKey) {
		t.Errorf("put: %v", err)
	}
	for name, change := range map[string]func(context.Context) error{
		"rotate": func(ctx context.Context) error { _, err := there.vault.Rotate(ctx, nil); return err },
		"stage":  func(ctx context.Context) error { _, err := there.vault.Stage(ctx); return err },
		"rewrap": func(ctx context.Context) error { _, err := there.vault.Rewrap(ctx, nil); return err },
	} {
		if err := change(t.Context()); !errors.Is(err, vault.ErrUnknownMasterKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := there.versions(t); !slices.Equal(got, []int{1}) {
		t.Errorf("the old copy has the versions %v now", got)
	}
	carry(t, here.path, there.path)
	b.readable(t, there.vault, refs)
	if _, err := there.vault.Put(t.Context(), "cus_new", card, secret); err != nil {
		t.Errorf("put: %v", err)
	}
	if n := b.wrappedBy(t, 2); n != 3 {
		t.Errorf("version 2 wraps %d keys", n)
	}
}

// While the key file can't be read, what is known stays readable; nobody new gets
// a key that might be lost with the process.
func TestKeyFileGoesAway(t *testing.T) {
	t.Parallel()
	b := setup(t)
	m := newMachine(t, b.db, "")
	refs := people(t, m.vault, 1)
	stranger := filepath.Join(t.TempDir(), "stranger.key")
	ring(t, stranger)
	spare := m.path + ".spare"
	carry(t, m.path, spare)
	for name, spoil := range map[string]func() error{
		"gone":        func() error { return os.Remove(m.path) },
		"another key": func() error { carry(t, stranger, m.path); return nil },
		"loose":       func() error { carry(t, spare, m.path); return os.Chmod(m.path, 0o644) },
		"cut short":   func() error { carry(t, spare, m.path); return os.Truncate(m.path, 20) },
	} {
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		b.readable(t, m.vault, refs)
		if _, err := m.vault.Put(t.Context(), "cus_00000", profile, secret); err != nil {
			t.Errorf("%s: a known owner: %v", name, err)
		}
		if _, err := m.vault.Put(t.Context(), "cus_"+name, card, secret); err == nil {
			t.Errorf("%s: a new owner has a key", name)
		}
		if _, err := m.vault.Rewrap(t.Context(), nil); err == nil {
			t.Errorf("%s: rewrapped", name)
		}
	}
	carry(t, spare, m.path)
	if _, err := m.vault.Put(t.Context(), "cus_new", card, secret); err != nil {
		t.Errorf("when it is back: %v", err)
	}
}
