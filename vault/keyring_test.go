package vault_test

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"tender/vault"
)

// ring loads the master key at path, or at a place of its own.
func ring(t *testing.T, path string) vault.KeyRing {
	t.Helper()
	if path == "" {
		path = filepath.Join(t.TempDir(), "master.key")
	}
	keys, err := vault.LoadOrCreateMasterKey(path)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func TestMasterKeyIsMadeOnce(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "not", "there", "yet")
	path := filepath.Join(dir, "master.key")
	const starters = 8
	derived := make([][]byte, starters)
	var wg sync.WaitGroup
	for i := range starters {
		wg.Go(func() {
			keys, err := vault.LoadOrCreateMasterKey(path)
			if err != nil {
				t.Error(err)
				return
			}
			derived[i] = keys.Derive("purpose")
		})
	}
	wg.Wait()
	for _, d := range derived {
		if !bytes.Equal(d, derived[0]) {
			t.Fatal("processes that start at once have different keys")
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("the file has mode %v, %v", info.Mode(), err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("drafts are left: %v, %v", entries, err)
	}
}

func TestLooseMasterKeyIsRefused(t *testing.T) {
	t.Parallel()
	for _, mode := range []fs.FileMode{0o604, 0o620, 0o640, 0o644, 0o660, 0o666, 0o700, 0o777} {
		path := filepath.Join(t.TempDir(), "master.key")
		ring(t, path)
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		_, err := vault.LoadOrCreateMasterKey(path)
		if err == nil || !strings.Contains(err.Error(), "chmod 600 "+path) || !strings.HasSuffix(err.Error(), ".") {
			t.Errorf("%04o: %v", mode, err)
		}
	}
	path := filepath.Join(t.TempDir(), "master.key")
	ring(t, path)
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	ring(t, path) // tighter is fine
}

func TestBrokenMasterKeyIsRefused(t *testing.T) {
	t.Parallel()
	key := "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVowMTIzNDU="
	id := "mk_01hzy3v7q8e4xk2m9c5b7d6f0a"
	version := func(n int) string { return fmt.Sprintf(`{"version":%d,"key":%q}`, n, key) }
	file := func(id, root, versions string) string {
		return fmt.Sprintf(`{"id":%q,"root":%q,"versions":[%s]}`, id, root, versions)
	}
	staged := func(n int) string { return strings.Replace(version(n), "}", `,"staged":true}`, 1) }
	for _, versions := range []string{version(1) + "," + version(2), version(2) + "," + version(1), version(1) + "," + staged(2)} {
		ring(t, write(t, file(id, key, versions)))
	}
	for name, text := range map[string]string{
		"empty":             "",
		"not JSON":          "secret",
		"an unknown field":  strings.Replace(file(id, key, version(1)), "{", `{"x":1,`, 1),
		"no id":             file("", key, version(1)),
		"no root":           file(id, "", version(1)),
		"a short root":      file(id, "QUJD", version(1)),
		"no version":        file(id, key, ""),
		"three versions":    file(id, key, version(1)+","+version(2)+","+version(3)),
		"a version twice":   file(id, key, version(1)+","+version(1)),
		"only a staged one": file(id, key, staged(1)),
		"the older staged":  file(id, key, staged(1)+","+version(2)),
		"both staged":       file(id, key, staged(1)+","+staged(2)),
		"version 0":         file(id, key, version(0)),
		"a short key":       file(id, key, `{"version":1,"key":"QUJD"}`),
		"huge":              file(id, key, version(1)) + strings.Repeat(" ", 1<<16),
	} {
		path := write(t, text)
		_, err := vault.LoadOrCreateMasterKey(path)
		if err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if strings.Contains(err.Error(), key) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error shows what it read: %v", name, err)
		}
		if after, _ := os.ReadFile(path); string(after) != text {
			t.Errorf("%s: the file was changed", name)
		}
	}
	if _, err := vault.LoadOrCreateMasterKey(t.TempDir()); err == nil {
		t.Error("a directory is a master key")
	}
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "master.key")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDerive(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "master.key")
	keys := ring(t, path)
	tokens := keys.Derive("tokens")
	if len(tokens) != vault.DerivedKeyBytes || !bytes.Equal(tokens, ring(t, path).Derive("tokens")) {
		t.Error("a derived key is not the same the next time")
	}
	if bytes.Equal(tokens, keys.Derive("fingerprints")) || bytes.Equal(tokens, ring(t, "").Derive("tokens")) {
		t.Error("another purpose or another ring gives the same key")
	}
	// The derivation is pinned: fingerprints and tokens outlive a release.
	var file struct{ Root []byte }
	text, err := os.ReadFile(path)
	if err != nil || json.Unmarshal(text, &file) != nil {
		t.Fatal(err)
	}
	want, err := hkdf.Key(sha256.New, file.Root, nil, "tender/derive/tokens", 32)
	if err != nil || !bytes.Equal(tokens, want) {
		t.Error("a key is derived another way")
	}
}

// While one master key replaces another, both are good.
func TestMasterKeyRotation(t *testing.T) {
	t.Parallel()
	b := setup(t)
	path := filepath.Join(t.TempDir(), "master.key")
	first := ring(t, path)
	v := open(t, b.db, first)
	ref, err := v.Put(t.Context(), owner, field, secret)
	if err != nil {
		t.Fatal(err)
	}
	rotated := edit(t, path, func(f *masterFile) {
		f.Versions = append(f.Versions, masterVersion{Version: 2, Key: bytes.Repeat([]byte{7}, 32)})
	})
	if !bytes.Equal(first.Derive("x"), rotated.Derive("x")) {
		t.Error("derived keys change with the master key")
	}
	both := open(t, b.db, rotated)
	get := func(v *vault.Vault, owner, ref string) {
		t.Helper()
		if got, err := v.Get(t.Context(), owner, field, ref); err != nil || !bytes.Equal(got, secret) {
			t.Errorf("%q, %v", got, err)
		}
	}
	get(both, owner, ref)
	second, err := both.Put(t.Context(), other, field, secret)
	if err != nil {
		t.Fatal(err)
	}
	if n := b.count(t, `select count(*) from vault.keys where master_version = 2`); n != 1 {
		t.Errorf("%d keys are wrapped by the new version, want the new owner's", n)
	}
	for i, want := range []int{1, 0} {
		if moved, err := both.Rewrap(t.Context(), nil); err != nil || moved != want {
			t.Errorf("rewrap %d moved %d, %v; want %d", i+1, moved, err, want)
		}
	}
	alone := open(t, b.db, edit(t, path, func(f *masterFile) { f.Versions = f.Versions[1:] }))
	get(alone, owner, ref)
	get(alone, other, second)
}

func TestFingerprint(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "master.key")
	const number = "4242424242424242"
	keys := ring(t, path)
	print := keys.Fingerprint(owner, number)
	if len(print) != 32 || strings.Trim(print, "0123456789abcdef") != "" {
		t.Errorf("%q is no fingerprint", print)
	}
	if again := ring(t, path).Fingerprint(owner, number); again != print {
		t.Error("equal cards of one merchant have different fingerprints")
	}
	for name, differs := range map[string]string{
		"another card":      keys.Fingerprint(owner, "4242424242424241"),
		"another merchant":  keys.Fingerprint(other, number),
		"another root":      ring(t, "").Fingerprint(owner, number),
		"another partition": keys.Fingerprint(owner+"4", number[1:]),
	} {
		if differs == print {
			t.Errorf("%s has the same fingerprint", name)
		}
	}
	// It is pinned: methods that were saved long ago are compared by it.
	mac := hmac.New(sha256.New, keys.Derive("card fingerprints"))
	fmt.Fprintf(mac, "\x00\x00\x00\x1e%s\x00\x00\x00\x10%s", owner, number)
	if want := fmt.Sprintf("%x", mac.Sum(nil)[:16]); print != want {
		t.Errorf("%s is made another way than %s", print, want)
	}
}

type masterFile struct {
	ID       string          `json:"id"`
	Root     []byte          `json:"root"`
	Versions []masterVersion `json:"versions"`
}

type masterVersion struct {
	Version int    `json:"version"`
	Key     []byte `json:"key"`
	Staged  bool   `json:"staged,omitempty"`
}

func edit(t *testing.T, path string, change func(*masterFile)) vault.KeyRing {
	t.Helper()
	var file masterFile
	text, err := os.ReadFile(path)
	if err != nil || json.Unmarshal(text, &file) != nil {
		t.Fatal(err)
	}
	change(&file)
	if text, err = json.Marshal(file); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return ring(t, path)
}
