package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/cockroachdb/errors"

	"tender/cmd/tender/internal/bench"
	"tender/cmd/tender/internal/devenv"
	"tender/eventstore"
	"tender/eventstore/pgserver"
)

// start starts tender dev as a process of its own, and a receiver of webhooks.
func (b *benchmark) start(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return errors.Wrap(err, "find the binary")
	}
	if b.dir, err = os.MkdirTemp("", "tender-bench-"); err != nil {
		return errors.Wrap(err, "make a directory")
	}
	// Others may pass through: as root, PostgreSQL runs as another user.
	if err := os.Chmod(b.dir, 0o711); err != nil { //nolint:gosec // what is secret has a mode of its own
		return errors.Wrap(err, "make a directory")
	}
	b.server = exec.Command(self, "dev", "--data-dir", b.dir, "--listen", "127.0.0.1:0", "--log-level", "warn") //nolint:gosec // ourselves
	if err := b.server.Start(); err != nil {
		return errors.Wrap(err, "start tender dev")
	}
	path := filepath.Join(b.dir, devenv.FileName)
	for begun := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		if _, err := os.Stat(path); err == nil {
			break
		}
		if time.Since(begun) > benchStart || ctx.Err() != nil {
			return errors.New("tender dev did not get ready")
		}
	}
	if b.env, err = devenv.Read(path); err != nil {
		return err
	}
	if err := eventstore.Migrate(ctx, b.name(devenv.DatabaseAdminURL), b.log()); err != nil {
		return err
	}
	b.merchant = bench.NewMerchant(b.name(devenv.URL), b.name(devenv.SecretKey), func() (time.Duration, error) {
		return bench.CPUOf(b.server.Process.Pid)
	})
	return b.receive(ctx)
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

func (b *benchmark) stop() {
	if b.server != nil && b.server.Process != nil {
		_ = b.server.Process.Signal(syscall.SIGTERM)
		_ = b.server.Wait()
	}
	if b.dir != "" {
		ctx, cancel := context.WithTimeout(context.Background(), benchDrain)
		defer cancel()
		if err := pgserver.Remove(ctx, filepath.Join(b.dir, postgresDir)); err != nil {
			fmt.Fprintln(b.out, err)
		}
		_ = os.RemoveAll(b.dir)
	}
}
