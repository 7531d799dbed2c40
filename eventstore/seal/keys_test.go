package seal_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"tender/eventstore"
	"tender/eventstore/seal"
)

// setup2 makes another key file of the same name.
func setup2(b *testBundle) *seal.Keys {
	b.t.Helper()
	path := filepath.Join(b.t.TempDir(), "other.key")
	if err := seal.CreateKeys(path, "shop.example"); err != nil {
		b.t.Fatal(err)
	}
	keys, err := seal.LoadKeys(path)
	if err != nil {
		b.t.Fatal(err)
	}
	return keys
}

// TestARotationIsSignedByBothKeys rotates under a sealer that runs, without anything
// new in the log.
func TestARotationIsSignedByBothKeys(t *testing.T) {
	b := setup(t)
	b.sealer()
	b.fill(5)
	b.sealed(5)
	first, err := b.keys.Verifiers(testLog)
	if err != nil || len(first) != 1 {
		t.Fatalf("the keys are %v, %v", first, err)
	}
	// The command is another process.
	command, err := seal.LoadKeys(b.keyFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Rotate(testLog); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a checkpoint is made for the new key", func() bool { return len(b.checkpoints()) == 2 })
	b.fill(1)
	b.sealed(6)
	all := b.checkpoints()
	both, err := b.keys.Verifiers(testLog)
	if err != nil || len(both) != 2 || both[0] != first[0] {
		t.Fatalf("the keys are %v, %v", both, err)
	}
	for i, want := range []string{"old", "old new", "new"} {
		if got := signedBy(t, all[i].Note, map[string]string{"old": both[0], "new": both[1]}); got != want {
			t.Errorf("checkpoint %d is signed by %q, want %q", i+1, got, want)
		}
	}
	if all[1].Size != 5 || all[2].Size != 6 {
		t.Errorf("the sizes are %d, %d", all[1].Size, all[2].Size)
	}
	// The rotation after that removes the first private key, and keeps its public half.
	if err := command.Rotate(testLog); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a checkpoint is made for the third key", func() bool { return len(b.checkpoints()) == 4 })
	three, err := b.keys.Verifiers(testLog)
	if err != nil || len(three) != 3 || three[0] != first[0] {
		t.Errorf("the keys are %v, %v", three, err)
	}
	text, err := os.ReadFile(b.keyFile)
	if err != nil || strings.Count(string(text), `"seed"`) != 2 {
		t.Errorf("the file holds %d private keys, %v", strings.Count(string(text), `"seed"`), err)
	}
}

// signedBy names which of the keys have signed.
func signedBy(t *testing.T, text string, keys map[string]string) string {
	t.Helper()
	var names []string
	for _, name := range []string{"old", "new"} {
		v, err := note.NewVerifier(keys[name])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := note.Open([]byte(text), note.VerifierList(v)); err == nil {
			names = append(names, name)
		}
	}
	return strings.Join(names, " ")
}

func TestEachLogHasAKeyOfItsOwn(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "made", "seal.key")
	if err := seal.CreateKeys(path, "shop.example"); err != nil {
		t.Fatal(err)
	}
	keys, err := seal.LoadKeys(path)
	if err != nil {
		t.Fatal(err)
	}
	all, err := keys.Verifiers(testLog, eventstore.Log{Mode: "live"})
	if err != nil || len(all) != 2 || !strings.HasPrefix(all[0], "shop.example/log_test+") || !strings.HasPrefix(all[1], "shop.example/log_live+") {
		t.Errorf("the keys are %v, %v", all, err)
	}
	if strings.SplitN(all[0], "+", 3)[2] == strings.SplitN(all[1], "+", 3)[2] {
		t.Error("both logs have the same key")
	}
}

// TestAKeyOfOneLogSignsForNoOther has a key sign a checkpoint of the other log, as
// whoever got hold of one could, while it is used and after it was replaced twice.
func TestAKeyOfOneLogSignsForNoOther(t *testing.T) {
	t.Parallel()
	live := eventstore.Log{Mode: "live"}
	path := filepath.Join(t.TempDir(), "seal.key")
	if err := seal.CreateKeys(path, "shop.example"); err != nil {
		t.Fatal(err)
	}
	keys, err := seal.LoadKeys(path)
	if err != nil {
		t.Fatal(err)
	}
	c := seal.Checkpoint{Number: 1, Size: 1, Time: time.Now()}
	own, err := keys.Sign(live, live, c)
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := keys.Sign(live, testLog, c)
	if err != nil {
		t.Fatal(err)
	}
	for rotations := range 3 {
		if signed, err := keys.SignedLast(live, own); err != nil || signed != (rotations == 0) {
			t.Errorf("after %d rotations, of its own log: %v, %v", rotations, signed, err)
		}
		if _, err := keys.SignedLast(testLog, foreign); err == nil {
			t.Errorf("after %d rotations, of the other log: believed", rotations)
		}
		if err := keys.Rotate(testLog, live); err != nil {
			t.Fatal(err)
		}
	}
}

func TestKeyFilesThatCannotBeTrustedAreRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "seal.key")
	if _, err := seal.LoadKeys(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	for _, name := range []string{"", "Shop", "a b", "a/b", "a+b", "a\nb"} {
		if seal.CreateKeys(path, name) == nil {
			t.Errorf("a key called %q is made", name)
		}
	}
	if err := seal.CreateKeys(path, "shop.example"); err != nil {
		t.Fatal(err)
	}
	if err := seal.CreateKeys(path, "shop.example"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second time: %v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the mode is %v, %v", info.Mode(), err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"nothing":        "",
		"half":           string(good[:len(good)/2]),
		"no name":        strings.Replace(string(good), "shop.example", "", 1),
		"an unknown one": strings.Replace(string(good), `"name"`, `"names"`, 1),
		"a short key":    `{"name":"shop.example","keys":[{"seed":"AAAA"}]}`,
		"no key":         `{"name":"shop.example","keys":[]}`,
		"a public one":   `{"name":"shop.example","keys":[{"verifiers":["a"]}]}`,
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := seal.LoadKeys(path); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if err := os.WriteFile(path, good, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := seal.LoadKeys(path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("readable by others: %v", err)
	}
}
