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
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cockroachdb/errors"

	"tender/cmd/tender/internal/bench"
	"tender/cmd/tender/internal/devenv"
	"tender/eventstore"
	logbench "tender/eventstore/bench"
	"tender/eventstore/pgserver"
)

// Limits of a benchmark run.
const (
	benchStart = 2 * time.Minute
	benchDrain = 2 * time.Minute
	baseCount  = 64 // clients of the bare inserts that everything is compared with
)

// benchmark is one run: an installation of its own, and what measures it.
type benchmark struct {
	out      io.Writer
	seconds  time.Duration
	only     string
	dir      string
	server   *exec.Cmd
	env      []devenv.Entry
	hooks    atomic.Int64 // messages that the receiver got
	payments *bench.Payments
	rows     []benchRow
}

// benchRow is one line of the report.
type benchRow struct {
	name string
	logbench.Figures
	cpu time.Duration
}

// runBench measures bare inserts, appends and whole payments in one run on one
// PostgreSQL, and prints them beside each other.
func runBench(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	fs := newFlags("bench", stderr)
	runs := fs.Int("runs", 3, "how often everything is measured; the median counts")
	seconds := fs.Int("seconds", 8, "how long each measurement takes")
	only := fs.String("only", "", "measure nothing else: appends, with the bare inserts beside them, or payments")
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	if !slices.Contains([]string{"", "appends", "payments"}, *only) {
		return usageError("tender bench: --only is appends or payments")
	}
	b := &benchmark{out: stdout, seconds: time.Duration(*seconds) * time.Second, only: *only}
	defer b.stop()
	if err := b.start(ctx); err != nil {
		return err
	}
	for range *runs {
		if err := b.once(ctx); err != nil {
			return err
		}
	}
	b.report()
	return b.drain(ctx)
}

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
	b.payments = bench.NewPayments(b.name(devenv.URL), b.name(devenv.SecretKey), func() (time.Duration, error) {
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

// once measures everything once.
func (b *benchmark) once(ctx context.Context) error {
	if b.only != "payments" {
		if err := b.appends(ctx); err != nil {
			return err
		}
	}
	if b.only == "appends" {
		return nil
	}
	for _, clients := range []int{1, 16, 64} {
		f, err := b.payments.Measure(ctx, clients, b.seconds)
		if err != nil {
			return err
		}
		b.add("(c) create, pay, capture over HTTP", f.Figures, f.CPU)
	}
	return nil
}

// appends measures the log beside bare inserts.
func (b *benchmark) appends(ctx context.Context) error {
	f, err := logbench.Inserts(ctx, b.log(), b.name(devenv.DatabaseURL), baseCount, b.seconds)
	if err != nil {
		return err
	}
	b.add("(a) bare one-row INSERTs", f, 0)
	store, err := eventstore.Open(ctx, b.log(), b.name(devenv.DatabaseURL))
	if err != nil {
		return err
	}
	defer store.Close()
	for _, callers := range []int{1, 64, 256} {
		f, err := logbench.Appends(ctx, store, callers, b.seconds)
		if err != nil {
			return err
		}
		b.add("(b) append", f, 0)
	}
	return nil
}

func (b *benchmark) add(name string, f logbench.Figures, cpu time.Duration) {
	b.rows = append(b.rows, benchRow{name, f, cpu})
	fmt.Fprintf(b.out, "  %-36s %s\n", name, f)
}

// report prints the median of each measurement, and its ratio to the bare inserts.
func (b *benchmark) report() {
	fmt.Fprintf(b.out, "\n%-36s %8s %10s %10s %10s %12s %9s\n", "median", "clients", "per second", "p50", "p99", "CPU/payment", "to (a)")
	var base float64
	var done []string
	for _, r := range b.rows {
		kind := fmt.Sprintf("%s at %d", r.name, r.Clients)
		if slices.Contains(done, kind) {
			continue
		}
		done = append(done, kind)
		m := b.median(r)
		if base == 0 {
			base = m.PerSecond()
		}
		cpu := "-"
		if m.cpu > 0 {
			cpu = m.cpu.Round(10 * time.Microsecond).String()
		}
		fmt.Fprintf(b.out, "%-36s %8d %10.0f %10s %10s %12s %9.3f\n", m.name, m.Clients, m.PerSecond(),
			m.P50.Round(10*time.Microsecond), m.P99.Round(10*time.Microsecond), cpu, m.PerSecond()/base)
	}
}

// median returns the run with the median rate among those like r.
func (b *benchmark) median(r benchRow) benchRow {
	var like []benchRow
	for _, other := range b.rows {
		if other.name == r.name && other.Clients == r.Clients {
			like = append(like, other)
		}
	}
	slices.SortFunc(like, func(x, y benchRow) int {
		return int(x.PerSecond() - y.PerSecond())
	})
	return like[len(like)/2]
}

// drain prints how far the derived parts are behind, and how long they take to
// catch up.
func (b *benchmark) drain(ctx context.Context) error {
	store, err := eventstore.Open(ctx, eventstore.Log{Mode: "test"}, b.name(devenv.DatabaseURL))
	if err != nil {
		return err
	}
	defer store.Close()
	head, _, err := store.Head(ctx)
	if err != nil {
		return err
	}
	rows, err := store.Pool().Query(ctx, `SELECT name, position FROM read_test.projections WHERE serving ORDER BY name`)
	if err != nil {
		return errors.Wrap(err, "read the cursors")
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var position int64
		if err := rows.Scan(&name, &position); err != nil {
			return errors.Wrap(err, "read the cursors")
		}
		fmt.Fprintf(b.out, "behind at the end: %-12s %8d events\n", name, max(head-position, 0))
	}
	begun := time.Now()
	for time.Since(begun) < benchDrain {
		var waiting int64
		if err := store.Pool().QueryRow(ctx, `SELECT count(*) FROM read_test.deliveries WHERE status = 'pending'`).Scan(&waiting); err != nil {
			return errors.Wrap(err, "count deliveries")
		}
		if waiting == 0 {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	_, err = fmt.Fprintf(b.out, "webhooks delivered: %d, the last %s after the last payment\n", b.hooks.Load(), time.Since(begun).Round(10*time.Millisecond))
	return err
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
