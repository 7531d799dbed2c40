package main_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tender/eventstore/storetest"
	"tender/vault"
)

// TestVaultCommands rotates a master key by hand, from the first look to the last.
func TestVaultCommands(t *testing.T) {
	t.Parallel()
	db := storetest.Database(t, storetest.With("vault", vault.Migrate))
	path := filepath.Join(t.TempDir(), "master.key")
	i := newInstallation(t)
	i.env = map[string]string{"TENDER_VAULT_URL": db.VaultURL, "TENDER_MASTER_KEY_FILE": path}
	refused := func(says string, args ...string) {
		t.Helper()
		if out, err := i.run(append([]string{"vault"}, args...)...); err == nil || !strings.Contains(out, says) {
			t.Errorf("vault %v: %v, and it says:\n%s", args, err, out)
		}
	}
	says := func(want string, args ...string) {
		t.Helper()
		out := i.mustRun(append([]string{"vault"}, args...)...)
		if !strings.Contains(out, want) {
			t.Errorf("vault %v says:\n%s", args, out)
		}
	}
	refused("there is no master key", "status") // and none is made
	if _, err := os.Stat(path); err == nil {
		t.Error("a command has made a master key")
	}
	refused("use tender vault status", "spin")
	refused("use tender vault status")

	keys, err := vault.LoadOrCreateMasterKey(path)
	if err != nil {
		t.Fatal(err)
	}
	v, err := vault.Open(t.Context(), db.VaultURL, keys)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	refs := map[string]string{}
	for n := range 3 {
		owner := fmt.Sprintf("cus_%d", n)
		if refs[owner], err = v.Put(t.Context(), owner, "card/pmt_1", []byte("canary")); err != nil {
			t.Fatal(err)
		}
	}
	says("3 owners have a key; 0 were destroyed", "status")
	says("There is no older version", "retire")
	says("Carry the file to every machine", "rotate", "--stage")
	says("two versions already", "rotate", "--stage")
	says("is staged", "status")
	says("There is no older version", "retire")
	says("wraps all owners' keys; 3 were moved", "rotate")
	says("can be retired", "status")
	says("wraps all owners' keys; 0 were moved", "rotate")
	says("Version 1 is no longer in the key file", "retire")

	var status vault.Status
	if err := json.Unmarshal([]byte(i.mustRun("vault", "status", "--json")), &status); err != nil {
		t.Fatal(err)
	}
	if status.Owners != 3 || status.Kinds["card"] != 3 || len(status.Masters) != 1 || status.Masters[0].Version != 2 {
		t.Errorf("%+v", status)
	}
	// The process that was open all the time goes on.
	for owner, ref := range refs {
		if got, err := v.Get(t.Context(), owner, "card/pmt_1", ref); err != nil || string(got) != "canary" {
			t.Errorf("%q, %v", got, err)
		}
	}
	delete(i.env, "TENDER_MASTER_KEY_FILE")
	refused("TENDER_MASTER_KEY_FILE is not set", "rotate")
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
		t.Errorf("beside the key: %v, %v", entries, err)
	}
}
