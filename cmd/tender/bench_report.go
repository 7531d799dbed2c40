package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/cockroachdb/errors"

	"tender/cmd/tender/internal/devenv"
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
