package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/cockroachdb/errors"

	"tender/cmd/tender/internal/bench"
	"tender/cmd/tender/internal/devenv"
	"tender/eventstore"
	logbench "tender/eventstore/bench"
	"tender/handlers/engine"
)

// What is measured of webhooks.
const (
	partThroughput = "throughput"
	partLatency    = "latency"

	// hangingShare is which part of the endpoints hang, where some do.
	hangingShare = 10
	// besideMax is how long that is measured which the rest is compared with.
	besideMax = 5 * time.Second
	// webhooksDrain is how long deliveries may take beyond what was expected of them.
	webhooksDrain = 5 * time.Minute
	// webhooksPoll is how exactly the end of a backlog is seen.
	webhooksPoll = 50 * time.Millisecond
)

var webhookParts = []string{partThroughput, partLatency}

// webhookBench is one run of the benchmark of webhooks: an installation of its own,
// and around it receivers and a generator in processes of theirs.
type webhookBench struct {
	benchmark
	engine  *engine.Engine
	store   *eventstore.Store // the engine's
	results []webhookRow

	endpoints  int // at most, each of a merchant of its own
	deliveries int // of a backlog
	rate       int // events a second
	workers    int // processes beside the installation
}

// runBenchWebhooks measures how fast webhooks are delivered, and how soon.
func runBenchWebhooks(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	b := &webhookBench{benchmark: benchmark{out: stdout}}
	fs := newFlags("bench webhooks", stderr)
	runs := fs.Int("runs", 3, "how often everything is measured; the median counts")
	seconds := fs.Int("seconds", 30, "how long events come while latencies are measured")
	fs.IntVar(&b.endpoints, "endpoints", 100, "how many there are at most, each of a merchant of its own; a tenth hangs where some do")
	fs.IntVar(&b.deliveries, "deliveries", 10_000, "how many wait when a backlog is let go")
	fs.IntVar(&b.rate, "rate", 500, "events a second while latencies are measured")
	fs.IntVar(&b.workers, "workers", 0, "worker processes beside the installation; 0: it delivers itself, in one process with all the rest")
	fs.StringVar(&b.only, "only", "", "measure nothing else beside what it is compared with: "+strings.Join(webhookParts, ", "))
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	if b.only != "" && !slices.Contains(webhookParts, b.only) {
		return usageError("tender bench webhooks: --only is one of " + strings.Join(webhookParts, ", "))
	}
	if b.endpoints < hangingShare {
		return usageError(fmt.Sprintf("tender bench webhooks: --endpoints is at least %d, of which one hangs", hangingShare))
	}
	b.seconds = time.Duration(*seconds) * time.Second
	defer b.stop()
	if err := b.open(ctx); err != nil {
		return err
	}
	defer b.store.Close()
	for range *runs {
		if err := b.once(ctx); err != nil {
			return err
		}
	}
	b.report()
	return nil
}

// open starts the installation, with its workers if they are to be beside it.
func (b *webhookBench) open(ctx context.Context) error {
	roles := allRoles
	if b.workers > 0 {
		roles = rolesBesideWorkers()
	}
	if err := b.start(ctx, roles); err != nil {
		return err
	}
	if err := b.startWorkers(b.workers); err != nil {
		return err
	}
	g, err := openEngine(ctx, b.name(devenv.DatabaseURL), "test")
	if err != nil {
		return err
	}
	b.engine, b.store = g, g.Store
	return nil
}

// hanging is how many endpoints hang where some do.
func (b *webhookBench) hanging() int { return b.endpoints / hangingShare }

// once measures everything once.
func (b *webhookBench) once(ctx context.Context) error {
	if err := b.beside(ctx); err != nil {
		return err
	}
	if b.wants(partThroughput) {
		for _, endpoints := range slices.Compact([]int{1, 10, b.endpoints}) {
			if err := b.backlog(ctx, endpoints); err != nil {
				return err
			}
		}
	}
	if !b.wants(partLatency) {
		return nil
	}
	for _, hanging := range []int{0, b.hanging()} {
		if err := b.live(ctx, hanging); err != nil {
			return err
		}
	}
	return nil
}

// beside measures what the rest is compared with: what PostgreSQL gives without any
// guarantee, and what signing and sending alone takes, without log and database.
func (b *webhookBench) beside(ctx context.Context) error {
	long := min(b.seconds, besideMax)
	f, err := logbench.Inserts(ctx, b.log(), b.name(devenv.DatabaseURL), baseCount, long)
	if err != nil {
		return err
	}
	b.note(webhookRow{name: insertsName, Figures: f})
	r, err := b.startReceiver(b.endpoints, 0)
	if err != nil {
		return err
	}
	defer r.kill()
	f, err = bench.Posts(ctx, r.urls, baseCount, long)
	if err != nil {
		return err
	}
	_, receiving, err := r.finish()
	b.note(webhookRow{name: postsName, Figures: f, receiving: receiving})
	return err
}

// backlog measures how fast deliveries that wait are made, to so many endpoints.
func (b *webhookBench) backlog(ctx context.Context, endpoints int) error {
	r, shops, err := b.setUp(ctx, endpoints, 0)
	if err != nil {
		return err
	}
	defer r.kill()
	if err := b.pauseAll(ctx, shops); err != nil {
		return err
	}
	seen := bench.NewDeliveries(shops.merchants())
	tail := benchTail{store: b.store}
	if tail.position, _, err = b.store.Head(ctx); err != nil {
		return err
	}
	if _, err := b.generate(ctx, shops.merchants(), b.deliveries, 0); err != nil {
		return err
	}
	if err := b.caughtUp(ctx); err != nil {
		return err
	}
	before, err := b.cpu()
	if err != nil {
		return err
	}
	if err := b.resumeAll(ctx, shops); err != nil {
		return err
	}
	if err := b.noneWaits(ctx, shops, webhooksDrain); err != nil {
		return err
	}
	end := time.Now()
	used, err := b.cpu()
	if err != nil {
		return err
	}
	arrived, receiving, err := b.closeDown(ctx, r, shops)
	if err != nil {
		return err
	}
	if err := tail.read(ctx, seen.Add); err != nil {
		return err
	}
	if err := seen.Check(arrived); err != nil {
		return err
	}
	b.note(webhookRow{
		name:    backlogName,
		Figures: logbench.Figures{Clients: endpoints, Count: seen.Count(), Elapsed: end.Sub(seen.First)},
		serving: used - before, receiving: receiving, again: arrived.Again(),
	})
	return nil
}

// live measures how soon messages arrive while events come at a steady rate and so
// many endpoints hang: those of the others.
func (b *webhookBench) live(ctx context.Context, hanging int) error {
	r, all, err := b.setUp(ctx, b.endpoints, hanging)
	if err != nil {
		return err
	}
	defer r.kill()
	healthy := all[hanging:]
	// Each has had a message before: connections and secrets are there.
	if err := produce(ctx, b.engine, healthy.merchants(), len(healthy), 0); err != nil {
		return err
	}
	if err := b.noneWaits(ctx, healthy, webhooksDrain); err != nil {
		return err
	}
	seen := bench.NewDeliveries(healthy.merchants())
	tail := benchTail{store: b.store}
	if tail.position, _, err = b.store.Head(ctx); err != nil {
		return err
	}
	before, err := b.cpu()
	if err != nil {
		return err
	}
	begun := time.Now()
	generating, err := b.generate(ctx, all.merchants(), b.rate*int(b.seconds.Seconds()), b.rate)
	if err != nil {
		return err
	}
	if err := b.noneWaits(ctx, healthy, webhooksDrain); err != nil {
		return err
	}
	elapsed := time.Since(begun)
	used, err := b.cpu()
	if err != nil {
		return err
	}
	arrived, receiving, err := b.closeDown(ctx, r, all)
	if err != nil {
		return err
	}
	if err := tail.read(ctx, seen.Add); err != nil {
		return err
	}
	if err := seen.Check(arrived); err != nil {
		return err
	}
	f := logbench.Figures{Clients: b.endpoints - hanging, Count: seen.Count(), Elapsed: elapsed}
	f.P50, f.P99 = logbench.Percentiles(seen.Latencies(arrived))
	name := liveName
	if hanging > 0 {
		name = hangingName
	}
	b.note(webhookRow{name: name, Figures: f, serving: used - before, receiving: receiving, generating: generating, again: arrived.Again()})
	return nil
}

// caughtUp waits until every read model has taken in what is in the log now.
func (b *webhookBench) caughtUp(ctx context.Context) error {
	head, _, err := b.store.Head(ctx)
	if err != nil {
		return err
	}
	return b.until(ctx, webhooksDrain, "the read models have caught up",
		`SELECT NOT EXISTS (SELECT FROM read_test.projections WHERE serving AND position < $1)`, head)
}

// noneWaits waits until nothing of what is in the log now is pending for these
// endpoints, as the read model says.
func (b *webhookBench) noneWaits(ctx context.Context, shops shops, limit time.Duration) error {
	head, _, err := b.store.Head(ctx)
	if err != nil {
		return err
	}
	return b.until(ctx, limit, "everything is delivered", `
		SELECT EXISTS (SELECT FROM read_test.projections WHERE name = 'deliveries' AND serving AND position >= $1)
		   AND NOT EXISTS (SELECT FROM read_test.deliveries WHERE status = 'pending' AND endpoint_id = ANY ($2))`, head, shops.endpoints())
}

// until asks the database again and again until it says yes.
func (b *webhookBench) until(ctx context.Context, limit time.Duration, what, sql string, args ...any) error {
	for begun := time.Now(); time.Since(begun) < limit; {
		var holds bool
		if err := b.store.Pool().QueryRow(ctx, sql, args...).Scan(&holds); err != nil {
			return errors.Wrapf(err, "wait until %s", what)
		}
		if holds {
			return nil
		}
		if err := pause(ctx, webhooksPoll); err != nil {
			return err
		}
	}
	return fmt.Errorf("waited %s in vain until %s", limit, what)
}
