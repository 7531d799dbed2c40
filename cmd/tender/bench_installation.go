package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/cockroachdb/errors"

	"tender/cmd/tender/internal/bench"
	"tender/cmd/tender/internal/devenv"
	"tender/eventstore"
	"tender/eventstore/pgserver"
)

// start starts an installation that plays these roles.
func (b *benchmark) start(ctx context.Context, roles []string) (err error) {
	if b.self, err = os.Executable(); err != nil {
		return errors.Wrap(err, "find the binary")
	}
	if b.dir, err = os.MkdirTemp("", "tender-bench-"); err != nil {
		return errors.Wrap(err, "make a directory")
	}
	// Others may pass through: as root, PostgreSQL runs as another user.
	if err := os.Chmod(b.dir, 0o711); err != nil { //nolint:gosec // what is secret has a mode of its own
		return errors.Wrap(err, "make a directory")
	}
	if err := b.startDev(ctx, "127.0.0.1:0", roles); err != nil {
		return err
	}
	return eventstore.Migrate(ctx, b.name(devenv.DatabaseAdminURL), b.log())
}

// startDev starts tender dev with these roles as a process of its own, and returns
// once it takes requests.
func (b *benchmark) startDev(ctx context.Context, listen string, roles []string) error {
	path := filepath.Join(b.dir, devenv.FileName)
	before, _ := os.Stat(path)
	dev := exec.Command(b.self, "dev", "--data-dir", b.dir, "--listen", listen, "--log-level", "warn", "--roles", strings.Join(roles, ",")) //nolint:gosec // ourselves
	if err := dev.Start(); err != nil {
		return errors.Wrap(err, "start tender dev")
	}
	b.servers = append(b.servers, dev)
	for begun := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		now, err := os.Stat(path)
		if err == nil && (before == nil || now.ModTime().After(before.ModTime())) {
			break
		}
		if time.Since(begun) > benchStart || ctx.Err() != nil {
			return errors.New("tender dev did not get ready")
		}
	}
	var err error
	b.env, err = devenv.Read(path)
	return err
}

// split starts the installation anew with its work on time and answers in worker
// processes of their own.
func (b *benchmark) split(ctx context.Context, workers int) error {
	at, err := url.Parse(b.name(devenv.URL))
	if err != nil {
		return errors.Wrap(err, "read the installation's address")
	}
	b.stopServers()
	if err := b.startDev(ctx, at.Host, rolesBesideWorkers()); err != nil {
		return err
	}
	return b.startWorkers(workers)
}

// rolesBesideWorkers are those of an installation that leaves work to others.
func rolesBesideWorkers() []string {
	return slices.DeleteFunc(slices.Clone(allRoles), func(r string) bool { return r == roleWorker })
}

// environment is ours with what dev.env says.
func (b *benchmark) environment() []string {
	all := os.Environ()
	for _, e := range b.env {
		all = append(all, e.Name+"="+e.Value)
	}
	return all
}

// startWorkers starts worker processes beside the installation.
func (b *benchmark) startWorkers(n int) error {
	for range n {
		worker := exec.Command(b.self, "serve", "--roles", roleWorker, "--listen", "127.0.0.1:0", "--log-level", "warn") //nolint:gosec // ourselves
		worker.Env = b.environment()
		worker.Stderr = b.out
		if err := worker.Start(); err != nil {
			return errors.Wrap(err, "start a worker")
		}
		b.servers = append(b.servers, worker)
	}
	return nil
}

// cpu is the processor time that the installation has used, PostgreSQL included.
func (b *benchmark) cpu() (time.Duration, error) {
	var all time.Duration
	for _, s := range b.servers {
		used, err := bench.CPUOf(s.Process.Pid)
		if err != nil {
			return 0, err
		}
		all += used
	}
	return all, nil
}

func (b *benchmark) name(name string) string { v, _ := devenv.Lookup(b.env, name); return v }

// log is the one that appends are measured on, beside the installation's own.
func (b *benchmark) log() eventstore.Log { return eventstore.Log{Mode: "bench"} }

// receive takes the installation's webhooks, all of them.
func (b *benchmark) receive(ctx context.Context) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return errors.Wrap(err, "listen for webhooks")
	}
	receiver := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		b.hooks.Add(1)
		w.WriteHeader(http.StatusNoContent)
	})}
	go func() { _ = receiver.Serve(l) }()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, b.name(devenv.URL)+"/webhooks/endpoints",
		strings.NewReader(`{"url":"http://`+l.Addr().String()+`/","events":["*"]}`))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+b.name(devenv.SecretKey))
	r.Header.Set("Idempotency-Key", "bench")
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return errors.Wrap(err, "create an endpoint")
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusCreated {
		return errors.Newf("create an endpoint: %s", answer.Status)
	}
	return nil
}

// stopServers ends the processes, the last one first: what works on the database
// before the database.
func (b *benchmark) stopServers() {
	for _, s := range slices.Backward(b.servers) {
		_ = s.Process.Signal(syscall.SIGTERM)
		_ = s.Wait()
	}
	b.servers = nil
}

func (b *benchmark) stop() {
	b.stopServers()
	if b.dir == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), benchDrain)
	defer cancel()
	if err := pgserver.Remove(ctx, filepath.Join(b.dir, postgresDir)); err != nil {
		fmt.Fprintln(b.out, err)
	}
	_ = os.RemoveAll(b.dir)
}
