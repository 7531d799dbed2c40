// Package bench measures the log against what it stands on: appends with every
// guarantee beside bare one-row inserts in the same PostgreSQL.
package bench

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// latenciesMax bounds how many latencies each client keeps; later ones are counted only.
const latenciesMax = 1 << 20

// Figures is what one measurement came to.
type Figures struct {
	Clients  int
	Count    int
	Elapsed  time.Duration
	P50, P99 time.Duration
}

// PerSecond is the throughput.
func (f Figures) PerSecond() float64 { return float64(f.Count) / f.Elapsed.Seconds() }

func (f Figures) String() string {
	return fmt.Sprintf("%4d clients  %8.0f/s  p50 %8s  p99 %8s", f.Clients, f.PerSecond(),
		f.P50.Round(10*time.Microsecond), f.P99.Round(10*time.Microsecond))
}

// Measure lets a number of clients each do their work over and over for as long
// as d lasts, and fails with the first error of any. work gets the client's
// number and its turn, both from 0.
func Measure(ctx context.Context, clients int, d time.Duration, work func(ctx context.Context, client, turn int) error) (Figures, error) {
	group, gctx := errgroup.WithContext(ctx)
	var mu sync.Mutex
	var all []time.Duration
	count := 0
	begin := time.Now()
	for client := range clients {
		group.Go(func() error {
			var mine []time.Duration
			turn := 0
			for ; time.Since(begin) < d; turn++ {
				start := time.Now()
				if err := work(gctx, client, turn); err != nil {
					return err
				}
				if len(mine) < latenciesMax {
					mine = append(mine, time.Since(start))
				}
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, mine...)
			count += turn
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return Figures{}, err
	}
	f := Figures{Clients: clients, Count: count, Elapsed: time.Since(begin)}
	f.P50, f.P99 = Percentiles(all)
	return f, nil
}

// Percentiles sorts latencies, and returns the median and the 99th percentile; of
// none, zeros.
func Percentiles(all []time.Duration) (p50, p99 time.Duration) {
	if len(all) == 0 {
		return 0, 0
	}
	slices.Sort(all)
	return all[len(all)/2], all[len(all)*99/100]
}
