package main_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tender/cmd/tender/internal/devenv"
)

// TestTheLogIsProvenFromOutside goes the way of docs/proofs.md: a checkpoint is kept,
// more happens, proofs are verified with no database, and a change by somebody with
// every right is found.
func TestTheLogIsProvenFromOutside(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	verifier := filepath.Join(t.TempDir(), "tender-verify")
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-o", verifier, "../tender-verify").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	i.start()
	dir := t.TempDir()
	keep := func(name string, args ...string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(i.mustRun(args...)), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	verify := func(want string, args ...string) {
		t.Helper()
		out, err := exec.Command(verifier, args...).CombinedOutput()
		if good := !strings.HasPrefix(want, "WRONG"); (err == nil) != good || !strings.Contains(string(out), want) {
			t.Errorf("tender-verify %v: %v\n%s", args, err, out)
		}
	}
	sealed := func() {
		t.Helper()
		i.eventually(30*time.Second, "all is sealed", func() bool { return strings.Contains(i.mustRun("seal", "status"), ", 0 not yet") })
	}
	keys := keep("keys.txt", "seal", "keys")
	i.pay(i.session("first", 10000), "4242424242424242")
	sealed()
	kept := keep("kept.txt", "audit", "checkpoint")
	i.pay(i.session("second", 20000), "4242424242424242")
	sealed()
	text, err := os.ReadFile(kept)
	if err != nil {
		t.Fatal(err)
	}
	size := strings.Split(string(text), "\n")[1]
	verify("all of them unchanged", "consistency", "--keys", keys, "--from", kept, keep("later.json", "audit", "proof", "consistency", "--from", size))
	verify("position 5 is in the log", "inclusion", "--keys", keys, keep("event.json", "audit", "proof", "inclusion", "--position", "5"))
	verify("are whole", "events", "--keys", keys, "--checkpoint", kept, keep("events.jsonl", "audit", "proof", "events", "--from", "1"))
	files := filepath.Join(i.dir, "checkpoints", "log_test.checkpoints")
	verify("log_test", "checkpoint", "--keys", keys, files)
	if out := i.mustRun("audit", "verify", "--log-only", "--checkpoints", kept, "--checkpoints", files); !strings.Contains(out, "The test log holds") {
		t.Errorf("audit verify says\n%s", out)
	}

	conn, err := pgx.Connect(t.Context(), i.env[devenv.DatabaseAdminURL])
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	if _, err := conn.Exec(t.Context(), `SET ROLE tender_owner; ALTER TABLE log_test.events DISABLE TRIGGER immutable;
		UPDATE log_test.events SET payload = (payload::text || ' ')::json WHERE position = 6;
		ALTER TABLE log_test.events ENABLE ALWAYS TRIGGER immutable`); err != nil {
		t.Fatal(err)
	}
	if out, err := i.run("audit", "verify", "--log-only"); err == nil || !strings.Contains(out, "WRONG at position 6: changed") {
		t.Errorf("audit verify says %v\n%s", err, out)
	}
	verify("WRONG: position 6: changed", "events", "--keys", keys, keep("forged.jsonl", "audit", "proof", "events", "--from", "1"))
	if out := i.mustRun("seal", "rotate"); !strings.Contains(out, "A new key") {
		t.Errorf("seal rotate says\n%s", out)
	}
}
