package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"

	"tender/eventstore"
	logbench "tender/eventstore/bench"
)

// benchRow is one line of the report.
type benchRow struct {
	name string
	logbench.Figures
	cpu time.Duration
}

func (b *benchmark) add(name string, f logbench.Figures, cpu time.Duration) {
	b.rows = append(b.rows, benchRow{name, f, cpu})
	fmt.Fprintf(b.out, "  %-38s %s\n", name, f)
}

// report prints the median of each measurement, and its ratio to the bare inserts.
func (b *benchmark) report() {
	fmt.Fprintf(b.out, "\n%-38s %8s %10s %10s %10s %12s %9s\n", "median", "clients", "per second", "p50", "p99", "CPU/payment", "to (a)")
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
		fmt.Fprintf(b.out, "%-38s %8d %10.0f %10s %10s %12s %9.3f\n", m.name, m.Clients, m.PerSecond(),
			m.P50.Round(10*time.Microsecond), m.P99.Round(10*time.Microsecond), cpu, m.PerSecond()/base)
	}
	if scheduled := b.rate(schedulerName, schedulerWorkers); scheduled > 0 {
		fmt.Fprintf(b.out, "%s, to (d) at %d clients: %.2f\n", schedulerName, schedulerClients, scheduled/b.rate(seriesName, schedulerClients))
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

// rate is the median rate of a measurement with this many clients; 0: there was none.
func (b *benchmark) rate(name string, clients int) float64 {
	for _, r := range b.rows {
		if r.name == name && r.Clients == clients {
			return b.median(r).PerSecond()
		}
	}
	return 0
}

// drain prints how far the derived parts are behind, and how long they take to
// catch up.
func (b *benchmark) drain(ctx context.Context, store *eventstore.Store) error {
	head, _, err := store.Head(ctx)
	if err != nil {
		return err
	}
	rows, err := store.Pool().Query(ctx, `SELECT name, position FROM read_test.projections WHERE serving ORDER BY name`)
	if err != nil {
		return errors.Wrap(err, "read the cursors")
	}
	var behind []string
	var name string
	var position int64
	if _, err := pgx.ForEachRow(rows, []any{&name, &position}, func() error {
		behind = append(behind, fmt.Sprintf("%s %d", name, max(head-position, 0)))
		return nil
	}); err != nil {
		return errors.Wrap(err, "read the cursors")
	}
	fmt.Fprintf(b.out, "  events behind at the end: %s\n", strings.Join(behind, ", "))
	begun := time.Now()
	if err := b.delivered(ctx, store, begun.Add(benchDrain)); err != nil {
		return err
	}
	_, err = fmt.Fprintf(b.out, "  webhooks delivered: %d, the last %s after the last payment\n", b.hooks.Load(), time.Since(begun).Round(10*time.Millisecond))
	return err
}

// delivered waits until every webhook has arrived for what is in the log now, but not
// past the deadline.
func (b *benchmark) delivered(ctx context.Context, store *eventstore.Store, deadline time.Time) error {
	head, _, err := store.Head(ctx)
	if err != nil {
		return err
	}
	for time.Now().Before(deadline) {
		var waits bool
		if err := store.Pool().QueryRow(ctx, `
			SELECT EXISTS (SELECT FROM read_test.projections WHERE name = 'deliveries' AND serving AND position < $1)
			    OR EXISTS (SELECT FROM read_test.deliveries WHERE status = 'pending')`, head).Scan(&waits); err != nil {
			return errors.Wrap(err, "look for deliveries")
		}
		if !waits {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return nil
}
