package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/errors"

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

// clientsMax bounds with how many at once payments can be measured.
const clientsMax = 1024

// payersDefault is how many clients payments are measured with.
var payersDefault = []int{1, 16, 64}

// benchmark is one run: an installation of its own, and what measures it.
type benchmark struct {
	out      io.Writer
	seconds  time.Duration
	only     string // "": everything
	payers   []int  // how many clients payments are measured with, one after the other
	self     string // the binary
	dir      string
	servers  []*exec.Cmd
	env      []devenv.Entry
	hooks    atomic.Int64 // messages that the receiver got
	merchant *bench.Merchant
	rows     []benchRow

	subscriptions int
}

// What can be measured alone, beside the bare inserts. The scheduler is compared with
// series, which are measured with it.
const (
	partAppends   = "appends"
	partPayments  = "payments"
	partSeries    = "series"
	partScheduler = "scheduler"
)

var benchParts = []string{partAppends, partPayments, partSeries, partScheduler}

// wants reports whether a part is to be measured.
func (b *benchmark) wants(part string) bool {
	return b.only == "" || b.only == part || b.only == partScheduler && part == partSeries
}

// What has a command of its own below bench: webhooks, with the processes that it starts
// for the other sides, and what reads a log as a whole.
const (
	benchRebuild   = "rebuild"
	benchWebhooks  = "webhooks"
	benchReceiver  = "receiver"
	benchGenerator = "generator"
)

// runBench measures bare inserts, appends, whole payments and the scheduler in one run
// on one PostgreSQL, and prints them beside each other.
func runBench(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) > 0 {
		switch args[0] {
		case benchRebuild:
			return runBenchRebuild(ctx, args[1:], stdout, stderr)
		case benchWebhooks:
			return runBenchWebhooks(ctx, args[1:], stdout, stderr)
		case benchReceiver:
			return runBenchReceiver(ctx, args[1:], os.Stdin, stdout, stderr)
		case benchGenerator:
			return runBenchGenerator(ctx, args[1:], stderr)
		}
	}
	b := &benchmark{out: stdout, payers: payersDefault}
	fs := newFlags("bench", stderr)
	runs := fs.Int("runs", 3, "how often everything but the scheduler is measured; the median counts")
	seconds := fs.Int("seconds", 8, "how long each measurement takes")
	fs.IntVar(&b.subscriptions, "subscriptions", 10_000, "how many fall due at once for the scheduler")
	fs.StringVar(&b.only, "only", "", "measure nothing else beside the bare inserts: "+strings.Join(benchParts, ", "))
	fs.Func("clients", "how many at once payments are measured with, as in 1,16,64 (the default)", b.setPayers)
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	if b.only != "" && !slices.Contains(benchParts, b.only) {
		return usageError("tender bench: --only is one of " + strings.Join(benchParts, ", "))
	}
	if b.wants(partScheduler) && !slices.Contains(b.payers, schedulerClients) {
		return usageError(fmt.Sprintf("tender bench: the scheduler is compared with %d clients: leave them among --clients, or it out with --only", schedulerClients))
	}
	b.seconds = time.Duration(*seconds) * time.Second
	defer b.stop()
	if err := b.start(ctx, allRoles); err != nil {
		return err
	}
	b.merchant = bench.NewMerchant(b.name(devenv.URL), b.name(devenv.SecretKey), b.cpu)
	if err := b.receive(ctx); err != nil {
		return err
	}
	for range *runs {
		if err := b.once(ctx); err != nil {
			return err
		}
	}
	if err := b.after(ctx); err != nil {
		return err
	}
	b.report()
	return nil
}

// setPayers reads the flag --clients.
func (b *benchmark) setPayers(list string) error {
	b.payers = nil
	for n := range strings.SplitSeq(list, ",") {
		clients, err := strconv.Atoi(n)
		if err != nil || clients < 1 || clients > clientsMax {
			return errors.Newf("numbers from 1 to %d with commas between them", clientsMax)
		}
		b.payers = append(b.payers, clients)
	}
	return nil
}

// once measures everything once that is measured several times.
func (b *benchmark) once(ctx context.Context) error {
	if err := b.rest(ctx); err != nil {
		return err
	}
	f, err := logbench.Inserts(ctx, b.log(), b.name(devenv.DatabaseURL), baseCount, b.seconds)
	if err != nil {
		return err
	}
	b.add("(a) bare one-row INSERTs", f, 0)
	for _, p := range []struct {
		name    string
		measure func(context.Context) error
	}{{partAppends, b.appends}, {partPayments, b.payments}, {partSeries, b.series}} {
		if !b.wants(p.name) {
			continue
		}
		if err := p.measure(ctx); err != nil {
			return err
		}
	}
	return nil
}

// after says how far the rest is behind the measurements, and measures the scheduler
// once that has caught up.
func (b *benchmark) after(ctx context.Context) error {
	store, err := b.openLog(ctx)
	if err != nil {
		return err
	}
	err = b.drain(ctx, store)
	store.Close() // the scheduler's PostgreSQL is started anew
	if err != nil || !b.wants(partScheduler) {
		return err
	}
	return b.scheduler(ctx)
}

// rest waits until the messages of what was measured before have arrived.
func (b *benchmark) rest(ctx context.Context) error {
	store, err := b.openLog(ctx)
	if err != nil {
		return err
	}
	defer store.Close()
	deadline := time.Now().Add(benchDrain)
	if err := b.delivered(ctx, store, deadline); err != nil {
		return err
	}
	if time.Now().After(deadline) {
		return errors.Newf("messages of what was measured before are still on their way after %s", benchDrain)
	}
	return nil
}

// openLog opens the log that the installation's payments are in.
func (b *benchmark) openLog(ctx context.Context) (*eventstore.Store, error) {
	return eventstore.Open(ctx, eventstore.Log{Mode: "test"}, b.name(devenv.DatabaseURL))
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

// seriesName is what is measured of series, which the scheduler is compared with.
const seriesName = "(d) next_in_series, capture over HTTP"

// series measures payments without the customer.
func (b *benchmark) series(ctx context.Context) error {
	return b.paid(ctx, seriesName, b.merchant.Series)
}

func (b *benchmark) paid(ctx context.Context, name string, measure func(context.Context, int, time.Duration) (bench.Figures, error)) error {
	for _, clients := range b.payers {
		if err := b.rest(ctx); err != nil {
			return err
		}
		f, err := measure(ctx, clients, b.seconds)
		if err != nil {
			return err
		}
		b.add(name, f.Figures, f.CPU)
	}
	return nil
}
