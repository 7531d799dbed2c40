package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tender/cmd/tender/internal/devenv"
	"tender/domain/payment"
	"tender/eventstore"
	"tender/eventstore/pgserver"
)

// build compiles the binary once for all tests.
var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "tender-binary-")
	if err != nil {
		return "", err
	}
	binary := filepath.Join(dir, "tender")
	out, err := exec.Command("go", "build", "-buildvcs=false", "-o", binary, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return binary, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if binary, err := build(); err == nil {
		_ = os.RemoveAll(filepath.Dir(binary))
	}
	os.Exit(code)
}

// installation is a tender dev of a test's own.
type installation struct {
	t      *testing.T
	binary string
	dir    string
	env    map[string]string
	also   []string // environment of tender dev, besides ours
	cmd    *exec.Cmd
	output *bytes.Buffer
	exited chan error
}

// newInstallation returns one that is not started yet. PostgreSQL does not run as
// root, so the directory is one that its user can reach, and what it puts
// elsewhere all the same goes with the test.
func newInstallation(t *testing.T) *installation {
	t.Helper()
	binary, err := build()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "tender-test-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	i := &installation{t: t, binary: binary, dir: dir}
	t.Cleanup(func() {
		if i.cmd != nil {
			i.stop()
		}
		if err := pgserver.Remove(context.Background(), filepath.Join(dir, "postgres")); err != nil {
			t.Errorf("remove PostgreSQL's files: %v", err)
		}
		if t.Failed() {
			log, _ := os.ReadFile(filepath.Join(dir, "tender.log"))
			t.Logf("the end of tender.log:\n%s", log[max(0, len(log)-4000):])
		}
		_ = os.RemoveAll(dir)
	})
	return i
}

const startTimeout = 90 * time.Second

// start starts it, and returns when it takes requests.
func (i *installation) start(args ...string) {
	i.t.Helper()
	_ = os.Remove(filepath.Join(i.dir, "ready"))
	before, _ := os.Stat(filepath.Join(i.dir, devenv.FileName))
	i.output = &bytes.Buffer{}
	i.cmd = exec.Command(i.binary, append([]string{"dev", "--data-dir", i.dir, "--listen", "127.0.0.1:0"}, args...)...)
	i.cmd.Stdout, i.cmd.Stderr = i.output, i.output
	i.cmd.Env = append(os.Environ(), i.also...)
	if err := i.cmd.Start(); err != nil {
		i.t.Fatal(err)
	}
	i.exited = make(chan error, 1)
	go func(cmd *exec.Cmd, exited chan error) { exited <- cmd.Wait() }(i.cmd, i.exited)
	i.eventually(startTimeout, "dev.env is written", func() bool {
		select {
		case err := <-i.exited:
			i.t.Fatalf("tender dev ended at its start: %v\n%s", err, i.output)
		default:
		}
		now, err := os.Stat(filepath.Join(i.dir, devenv.FileName))
		return err == nil && (before == nil || now.ModTime().After(before.ModTime()))
	})
	entries, err := devenv.Read(filepath.Join(i.dir, devenv.FileName))
	if err != nil {
		i.t.Fatal(err)
	}
	i.env = map[string]string{}
	for _, e := range entries {
		i.env[e.Name] = e.Value
	}
}

// stop asks it to end, and returns how long that took.
func (i *installation) stop() time.Duration {
	i.t.Helper()
	begun := time.Now()
	_ = i.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-i.exited:
	case <-time.After(20 * time.Second):
		_ = i.cmd.Process.Kill()
		i.t.Errorf("tender dev did not end\n%s", i.output)
	}
	i.cmd = nil
	return time.Since(begun)
}

// kill ends it as a power failure would.
func (i *installation) kill() {
	i.t.Helper()
	_ = i.cmd.Process.Kill()
	<-i.exited
	i.cmd = nil
}

// run runs another command of the binary with the names of dev.env.
func (i *installation) run(args ...string) (string, error) {
	cmd := exec.Command(i.binary, args...)
	cmd.Env = i.environment()
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// environment is ours with the names of dev.env.
func (i *installation) environment() []string {
	all := os.Environ()
	for name, value := range i.env {
		all = append(all, name+"="+value)
	}
	return all
}

// eventually waits for something that nothing signals.
func (i *installation) eventually(limit time.Duration, what string, holds func() bool) {
	i.t.Helper()
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-deadline.C:
			i.t.Fatalf("waited %s in vain until %s", limit, what)
		case <-tick.C:
		}
	}
}

// object is a decoded JSON object.
type object map[string]any

func (o object) text(name string) string { s, _ := o[name].(string); return s }
func (o object) number(name string) int64 {
	f, _ := o[name].(float64)
	return int64(f)
}

// call sends a request and returns the status and the decoded answer.
func (i *installation) call(ctx context.Context, method, path, key, body string) (int, object, error) {
	r, err := http.NewRequestWithContext(ctx, method, i.env[devenv.URL]+path, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Authorization", "Bearer "+i.env[devenv.SecretKey])
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, nil, err
	}
	var o object
	if len(text) > 0 {
		if err := json.Unmarshal(text, &o); err != nil {
			return 0, nil, fmt.Errorf("%d %q: %w", answer.StatusCode, text, err)
		}
	}
	return answer.StatusCode, o, nil
}

// must is call for what has to succeed.
func (i *installation) must(want int, method, path, key, body string) object {
	i.t.Helper()
	status, o, err := i.call(i.t.Context(), method, path, key, body)
	if err != nil {
		i.t.Fatal(err)
	}
	if status != want {
		i.t.Fatalf("%s %s: %d instead of %d: %v", method, path, status, want, o)
	}
	return o
}

// session creates a session with manual capture.
func (i *installation) session(key string, amount int64) object {
	i.t.Helper()
	return i.must(http.StatusCreated, http.MethodPost, "/collect/payment_sessions", key, fmt.Sprintf(
		`{"amount":%d,"currency":"ZAR","options":{"payment_method_options":{"card":{"capture_method":"manual"}}}}`, amount))
}

// card is the body of an attempt with a card.
func card(number string) string {
	return `{"payment_method":{"type":"card","card":{"number":"` + number + `","exp_month":12,"exp_year":2034,"cvc":"123","name":"A. Customer"}}}`
}

// pay pays a session with a card, and returns its payment's id.
func (i *installation) pay(s object, number string) string {
	i.t.Helper()
	i.must(http.StatusOK, http.MethodPost, "/checkout/"+s.text("checkout_session_id")+"/attempts", "", card(number))
	return i.must(http.StatusOK, http.MethodGet, "/collect/payment_sessions/"+s.text("id"), "", "").text("payment_id")
}

// states folds every payment in the log.
func (i *installation) states() map[string]payment.State {
	i.t.Helper()
	store, err := eventstore.Open(i.t.Context(), eventstore.Log{Mode: "test"}, i.env[devenv.DatabaseURL])
	if err != nil {
		i.t.Fatal(err)
	}
	defer store.Close()
	all := map[string]payment.State{}
	var hash [32]byte
	for position := int64(0); ; {
		events, err := store.After(i.t.Context(), position, 1000)
		if err != nil {
			i.t.Fatal(err)
		}
		if len(events) == 0 {
			return all
		}
		for _, e := range events {
			if e.Position != position+1 {
				i.t.Fatalf("position %d follows %d", e.Position, position)
			}
			if hash = eventstore.ChainHash(hash, e); hash != e.Hash {
				i.t.Fatalf("the chain breaks at position %d", e.Position)
			}
			position = e.Position
			if len(e.Type) > 8 && e.Type[:8] == "payment." {
				d, err := payment.Codec.Decode(e.Type, e.SchemaVersion, e.Payload)
				if err != nil {
					i.t.Fatal(err)
				}
				all[e.Stream] = payment.Evolve(all[e.Stream], e.Stream, d)
			}
		}
	}
}
