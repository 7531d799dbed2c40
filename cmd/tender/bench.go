package main

import (
	"context"
	"io"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"tender/cmd/tender/internal/bench"
	"tender/cmd/tender/internal/devenv"
	"tender/eventstore"
	logbench "tender/eventstore/bench"
)

// Limits of a benchmark run.
const (
	benchStart = 2 * time.Minute
	benchDrain = 2 * time.Minute
	baseCount  = 64 // clients of the bare inserts that everything is compared with
)

// payers is how many clients payments are measured with.
var payers = []int{1, 16, 64}

// benchmark is one run: an installation of its own, and what measures it.
type benchmark struct {
	out      io.Writer
	seconds  time.Duration
	only     string
	dir      string
	server   *exec.Cmd
	env      []devenv.Entry
	hooks    atomic.Int64 // messages that the receiver got
	merchant *bench.Merchant
	rows     []benchRow
}

// benchParts are what can be measured alone, beside the bare inserts.
var benchParts = []struct {
	name    string
	measure func(*benchmark, context.Context) error
}{
	{"appends", (*benchmark).appends},
	{"payments", (*benchmark).payments},
	{"series", (*benchmark).series},
}

// runBench measures bare inserts, appends and whole payments in one run on one
// PostgreSQL, and prints them beside each other.
func runBench(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var names []string
	for _, p := range benchParts {
		names = append(names, p.name)
	}
	fs := newFlags("bench", stderr)
	runs := fs.Int("runs", 3, "how often everything is measured; the median counts")
	seconds := fs.Int("seconds", 8, "how long each measurement takes")
	only := fs.String("only", "", "measure nothing else beside the bare inserts: "+strings.Join(names, ", "))
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	if *only != "" && !slices.Contains(names, *only) {
		return usageError("tender bench: --only is one of " + strings.Join(names, ", "))
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

// once measures everything once.
func (b *benchmark) once(ctx context.Context) error {
	f, err := logbench.Inserts(ctx, b.log(), b.name(devenv.DatabaseURL), baseCount, b.seconds)
	if err != nil {
		return err
	}
	b.add("(a) bare one-row INSERTs", f, 0)
	for _, p := range benchParts {
		if b.only != "" && b.only != p.name {
			continue
		}
		if err := p.measure(b, ctx); err != nil {
			return err
		}
	}
	return nil
}

// appends measures the log.
func (b *benchmark) appends(ctx context.Context) error {
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

// payments measures payments with the customer present.
func (b *benchmark) payments(ctx context.Context) error {
	return b.paid(ctx, "(c) create, pay, capture over HTTP", b.merchant.Payments)
}

// series measures payments without the customer.
func (b *benchmark) series(ctx context.Context) error {
	return b.paid(ctx, "(d) next_in_series, capture over HTTP", b.merchant.Series)
}

func (b *benchmark) paid(ctx context.Context, name string, measure func(context.Context, int, time.Duration) (bench.Figures, error)) error {
	for _, clients := range payers {
		f, err := measure(ctx, clients, b.seconds)
		if err != nil {
			return err
		}
		b.add(name, f.Figures, f.CPU)
	}
	return nil
}
