package vault_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"

	"tender/vault"
)

// The test program is run again as a process that rotates and can be killed.
const (
	rotateKeyEnv = "TENDER_VAULT_TEST_KEY"
	rotateURLEnv = "TENDER_VAULT_TEST_URL"
	firstBatch   = "the first batch is done"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(rotateKeyEnv); path != "" {
		if err := rotateUntilKilled(path, os.Getenv(rotateURLEnv)); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// rotateUntilKilled stops after the first batch, and waits for its end.
func rotateUntilKilled(path, url string) error {
	keys, err := vault.LoadMasterKey(path)
	if err != nil {
		return err
	}
	v, err := vault.Open(context.Background(), url, keys)
	if err != nil {
		return err
	}
	_, err = v.Rotate(context.Background(), func(vault.Progress) {
		fmt.Println(firstBatch)
		_, _ = io.Copy(io.Discard, os.Stdin)
	})
	return err
}

// A rotation that is killed in the middle leaves everything readable and nothing
// to retire; the next one completes it.
func TestRotationIsKilled(t *testing.T) {
	t.Parallel()
	b := setup(t)
	m := newMachine(t, b.db, "")
	const owners = 450
	refs := people(t, m.vault, owners)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), program)
	child.Env = append(os.Environ(), rotateKeyEnv+"="+m.path, rotateURLEnv+"="+b.db.VaultURL)
	child.Stderr = os.Stderr
	input, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer input.Close()
	output, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(output).ReadString('\n'); line != firstBatch+"\n" {
		t.Fatalf("the other process says %q, %v", line, err)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()

	old, young := b.wrappedBy(t, 1), b.wrappedBy(t, 2)
	if old == 0 || young == 0 || old+young != owners {
		t.Fatalf("%d keys by the old version, %d by the new one", old, young)
	}
	b.readable(t, m.vault, refs)
	if _, err := m.vault.Retire(t.Context()); !errors.Is(err, vault.ErrMasterKeyInUse) {
		t.Errorf("retired in the middle: %v", err)
	}
	newcomer, err := m.vault.Put(t.Context(), "cus_new", card, secret)
	if err != nil {
		t.Fatal(err)
	}
	refs["cus_new"] = newcomer
	var told []vault.Progress
	r, err := m.vault.Rotate(t.Context(), func(p vault.Progress) { told = append(told, p) })
	if err != nil || r.Added || r.Version != 2 || r.Moved != old {
		t.Errorf("completed: %+v, %v; want %d moved", r, err, old)
	}
	if len(told) == 0 || told[len(told)-1] != (vault.Progress{Done: old, Total: old}) {
		t.Errorf("progress %+v", told)
	}
	m.retire(t, 1)
	b.readable(t, open(t, b.db, ring(t, m.path)), refs)
}
