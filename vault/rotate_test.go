package vault_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"tender/eventstore/storetest"
	"tender/vault"
)

// machine is a copy of the key file, and a vault opened with it.
type machine struct {
	path  string
	vault *vault.Vault
}

func newMachine(t *testing.T, db storetest.DB, copyOf string) machine {
	t.Helper()
	path := filepath.Join(t.TempDir(), "master.key")
	if copyOf != "" {
		carry(t, copyOf, path)
	}
	return machine{path: path, vault: open(t, db, ring(t, path))}
}

// carry copies a key file, in one step.
func carry(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to+".new", text, 0o600)
	}
	if err == nil {
		err = os.Rename(to+".new", to)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (m machine) rotate(t *testing.T) vault.Rotation {
	t.Helper()
	r, err := m.vault.Rotate(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (m machine) retire(t *testing.T, want int) {
	t.Helper()
	if version, err := m.vault.Retire(t.Context()); err != nil || version != want {
		t.Fatalf("retired version %d, %v; want %d", version, err, want)
	}
}

// versions are those in the key file.
func (m machine) versions(t *testing.T) []int {
	t.Helper()
	var file masterFile
	text, err := os.ReadFile(m.path)
	if err != nil || json.Unmarshal(text, &file) != nil {
		t.Fatal(err)
	}
	var all []int
	for _, v := range file.Versions {
		all = append(all, v.Version)
	}
	return all
}

// people puts an entry for each of n owners, and returns the references.
func people(t *testing.T, v *vault.Vault, n int) map[string]string {
	t.Helper()
	refs := map[string]string{}
	for i := range n {
		person := fmt.Sprintf("cus_%05d", i)
		ref, err := v.Put(t.Context(), person, card, secret)
		if err != nil {
			t.Fatal(err)
		}
		refs[person] = ref
	}
	return refs
}

func (b *bundle) readable(t *testing.T, v *vault.Vault, refs map[string]string) {
	t.Helper()
	for person, ref := range refs {
		if got, err := v.Get(t.Context(), person, card, ref); err != nil || !bytes.Equal(got, secret) {
			t.Fatalf("%s: %q, %v", person, got, err)
		}
	}
}

func (b *bundle) wrappedBy(t *testing.T, version int) int {
	t.Helper()
	return b.count(t, `select count(*) from vault.keys where master_version = $1`, version)
}

// A rotation replaces the master key for what is there and for what comes, in
// processes that run as well; what hangs on the ring's root stays.
func TestRotate(t *testing.T) {
	t.Parallel()
	b := setup(t)
	m := newMachine(t, b.db, "")
	running := open(t, b.db, ring(t, m.path))
	print := ring(t, m.path).Fingerprint(owner, "4242424242424242")
	refs := people(t, m.vault, 3)

	for round, version := range []int{2, 3} {
		r := m.rotate(t)
		if r.Version != version || !r.Added || r.Moved != 3+round {
			t.Errorf("rotation %+v", r)
		}
		if got := m.versions(t); !slices.Equal(got, []int{version - 1, version}) {
			t.Errorf("the file has the versions %v", got)
		}
		if again := m.rotate(t); again.Added || again.Moved != 0 || again.Version != version {
			t.Errorf("the same rotation once more: %+v", again)
		}
		latest := fmt.Sprintf("cus_round_%d", round)
		ref, err := running.Put(t.Context(), latest, card, secret)
		if err != nil {
			t.Fatal(err)
		}
		refs[latest] = ref
		if n := b.wrappedBy(t, version); n != len(refs) {
			t.Errorf("version %d wraps %d of %d keys", version, n, len(refs))
		}
		m.retire(t, version-1)
		m.retire(t, 0)
		if got := m.versions(t); !slices.Equal(got, []int{version}) {
			t.Errorf("the file has the versions %v", got)
		}
		for _, v := range []*vault.Vault{running, open(t, b.db, ring(t, m.path))} {
			b.readable(t, v, refs)
		}
	}
	if ring(t, m.path).Fingerprint(owner, "4242424242424242") != print {
		t.Error("fingerprints change with the master key")
	}
}

// The key is replaced in place: mode, owner and a link to it stay, and nothing is
// left beside it.
func TestRotateKeepsTheFile(t *testing.T) {
	t.Parallel()
	b := setup(t)
	m := newMachine(t, b.db, "")
	owned := os.Geteuid()
	if owned == 0 {
		owned = 65534 // the service's user, when the superuser rotates
	}
	if err := errors.Join(os.Chmod(m.path, 0o400), os.Chown(m.path, owned, -1)); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link.key")
	if err := os.Symlink(m.path, link); err != nil {
		t.Fatal(err)
	}
	machine{path: link, vault: open(t, b.db, ring(t, link))}.rotate(t)
	info, err := os.Stat(m.path)
	if err != nil {
		t.Fatal(err)
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); !ok || int(stat.Uid) != owned || info.Mode() != 0o400 {
		t.Errorf("after the rotation it has mode %v and belongs to %+v", info.Mode(), info.Sys())
	}
	if info, err := os.Lstat(link); err != nil || info.Mode().Type() != fs.ModeSymlink {
		t.Errorf("the link: %v, %v", info, err)
	}
	if entries, err := os.ReadDir(filepath.Dir(m.path)); err != nil || len(entries) != 1 {
		t.Errorf("beside the key there is %v, %v", entries, err)
	}
}

// While two processes read and write, old owners and new ones, the master key is
// rotated and retired again and again. Nobody notices, and nothing is lost.
func TestRotateWhileTheShopIsOpen(t *testing.T) {
	t.Parallel()
	b := setup(t)
	m := newMachine(t, b.db, "")
	regulars, newcomers := people(t, m.vault, 20), map[string]string{}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var mu sync.Mutex // guards newcomers
	var wg sync.WaitGroup
	for shop := range 2 {
		v := open(t, b.db, ring(t, m.path))
		for worker := range 2 {
			wg.Go(func() {
				for n := 0; ctx.Err() == nil; n++ {
					newcomer, regular := fmt.Sprintf("cus_%d_%d_%d", shop, worker, n), fmt.Sprintf("cus_%05d", n%20)
					ref, err := v.Put(t.Context(), newcomer, card, secret)
					if err == nil {
						_, err = v.Get(t.Context(), newcomer, card, ref)
					}
					if err == nil {
						_, err = v.Put(t.Context(), regular, profile, secret)
					}
					if err == nil {
						_, err = v.Get(t.Context(), regular, card, regulars[regular])
					}
					if err != nil {
						t.Errorf("%s: %v", newcomer, err)
						return
					}
					mu.Lock()
					newcomers[newcomer] = ref
					mu.Unlock()
				}
			})
		}
	}
	served := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(newcomers)
	}
	for version := 2; version <= 6; version++ {
		before := served()
		if r := m.rotate(t); r.Version != version {
			t.Errorf("rotation %+v", r)
		}
		m.retire(t, version-1)
		eventually(t, "customers come while the key is rotated", func() bool { return t.Failed() || served() >= before+20 })
	}
	stop()
	wg.Wait()
	afterwards := open(t, b.db, ring(t, m.path))
	b.readable(t, afterwards, regulars)
	b.readable(t, afterwards, newcomers)
	if n := b.wrappedBy(t, 6); n != len(regulars)+len(newcomers) {
		t.Errorf("version 6 wraps %d of %d keys", n, len(regulars)+len(newcomers))
	}
}

// Several rotations at once make one version.
func TestRotationsRace(t *testing.T) {
	t.Parallel()
	b := setup(t)
	m := newMachine(t, b.db, "")
	refs := people(t, m.vault, 3)
	var wg sync.WaitGroup
	for range 4 {
		v := open(t, b.db, ring(t, m.path))
		wg.Go(func() {
			if r, err := v.Rotate(t.Context(), nil); err != nil && !errors.Is(err, vault.ErrRotating) || err == nil && r.Version != 2 {
				t.Errorf("%+v, %v", r, err)
			}
		})
	}
	wg.Wait()
	m.rotate(t) // whoever was refused has done nothing; whoever wasn't, all
	m.retire(t, 1)
	b.readable(t, open(t, b.db, ring(t, m.path)), refs)

	if _, err := b.super.Exec(t.Context(), `select pg_advisory_lock(x'7661756c72'::bigint)`); err != nil {
		t.Fatal(err)
	}
	if _, err := m.vault.Rotate(t.Context(), nil); !errors.Is(err, vault.ErrRotating) {
		t.Errorf("rotated beside another rotation: %v", err)
	}
	if _, err := m.vault.Retire(t.Context()); !errors.Is(err, vault.ErrRotating) {
		t.Errorf("retired beside a rotation: %v", err)
	}
	if got := m.versions(t); !slices.Equal(got, []int{2}) {
		t.Errorf("the file has the versions %v", got)
	}
}

// A key that can't be opened holds nobody up, but the version that may have
// wrapped it isn't thrown away.
func TestRotateAroundABrokenKey(t *testing.T) {
	t.Parallel()
	b := setup(t)
	m := newMachine(t, b.db, "")
	refs := people(t, m.vault, 3)
	b.exec(t, `update vault.keys set wrapped = set_bit(wrapped, 150, 1 - get_bit(wrapped, 150)) where owner = 'cus_00001'`)
	for _, moved := range []int{2, 0} {
		if r, err := m.vault.Rotate(t.Context(), nil); !errors.Is(err, vault.ErrCorrupt) || r.Moved != moved {
			t.Errorf("%+v, %v", r, err)
		}
		if version, err := m.vault.Retire(t.Context()); !errors.Is(err, vault.ErrMasterKeyInUse) || version != 0 {
			t.Errorf("retired version %d, %v", version, err)
		}
	}
	b.destroy(t, "cus_00001")
	m.retire(t, 1)
	delete(refs, "cus_00001")
	b.readable(t, open(t, b.db, ring(t, m.path)), refs)
}

func TestStatus(t *testing.T) {
	t.Parallel()
	b := setup(t)
	m := newMachine(t, b.db, "")
	people(t, m.vault, 3)
	if _, err := m.vault.Put(t.Context(), "cus_00000", profile, secret); err != nil {
		t.Fatal(err)
	}
	b.exec(t, `update vault.entries set named = true where field = 'profile'`)
	b.destroy(t, "cus_00001")
	if _, err := m.vault.Stage(t.Context()); err != nil {
		t.Fatal(err)
	}
	status := func(want ...vault.MasterVersion) {
		t.Helper()
		s, err := m.vault.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if s.Owners != 2 || s.Destroyed != 1 || s.Entries != 3 || s.Unnamed != 2 || s.Kinds["card"] != 2 || s.Kinds["profile"] != 1 {
			t.Errorf("%+v", s)
		}
		for i := range s.Masters {
			s.Masters[i].ID = ""
		}
		if !slices.Equal(s.Masters, want) {
			t.Errorf("%+v", s.Masters)
		}
	}
	status(vault.MasterVersion{Version: 1, Keys: 2, Held: true, Current: true}, vault.MasterVersion{Version: 2, Held: true, Staged: true})
	m.rotate(t)
	status(vault.MasterVersion{Version: 2, Keys: 2, Held: true, Current: true}, vault.MasterVersion{Version: 1, Held: true})
	m.retire(t, 1)
	status(vault.MasterVersion{Version: 2, Keys: 2, Held: true, Current: true})
}

// eventually polls where nothing signals.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-deadline:
			t.Fatalf("never: %s", what)
		case <-tick.C:
		}
	}
}
