// Package bench measures the engine and prints what it measured beside what it
// compares with, all in one run on one PostgreSQL: a figure by itself says more
// about the machine than about the engine.
package bench

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Figure is what one measurement came to.
type Figure struct {
	Name      string
	Callers   int
	PerSecond float64
	P50, P99  time.Duration
	CPU       time.Duration // per operation, of all server processes; 0: not measured
}

// Print writes figures as a table, with the ratio to the first one named base.
func Print(w io.Writer, figures []Figure, base float64) {
	fmt.Fprintf(w, "%-44s %8s %11s %10s %10s %11s %8s\n", "", "callers", "per second", "p50", "p99", "CPU each", "ratio")
	for _, f := range figures {
		cpu := "-"
		if f.CPU > 0 {
			cpu = f.CPU.Round(time.Microsecond).String()
		}
		fmt.Fprintf(w, "%-44s %8d %11.0f %10s %10s %11s %8.3f\n", f.Name, f.Callers, f.PerSecond,
			f.P50.Round(10*time.Microsecond), f.P99.Round(10*time.Microsecond), cpu, f.PerSecond/base)
	}
}

// measure calls f from callers goroutines at once for about d, and says how often
// it returned and how long it took. The first error ends it.
func measure(ctx context.Context, name string, callers int, d time.Duration, f func(ctx context.Context, caller, n int) error) (Figure, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		group  sync.WaitGroup
		failed atomic.Pointer[error]
		taken  = make([][]time.Duration, callers)
		begun  = time.Now()
	)
	for caller := range callers {
		group.Go(func() {
			for n := 0; time.Since(begun) < d && ctx.Err() == nil; n++ {
				at := time.Now()
				if err := f(ctx, caller, n); err != nil {
					failed.CompareAndSwap(nil, &err)
					cancel()
					return
				}
				taken[caller] = append(taken[caller], time.Since(at))
			}
		})
	}
	group.Wait()
	elapsed := time.Since(begun)
	if err := failed.Load(); err != nil {
		return Figure{}, *err
	}
	all := slices.Concat(taken...)
	slices.Sort(all)
	if len(all) == 0 {
		return Figure{}, fmt.Errorf("%s: nothing was done in %s", name, d)
	}
	return Figure{
		Name: name, Callers: callers, PerSecond: float64(len(all)) / elapsed.Seconds(),
		P50: all[len(all)/2], P99: all[len(all)*99/100],
	}, nil
}

// median returns the figure with the median rate.
func median(figures []Figure) Figure {
	slices.SortFunc(figures, func(a, b Figure) int {
		switch {
		case a.PerSecond < b.PerSecond:
			return -1
		case a.PerSecond > b.PerSecond:
			return 1
		}
		return 0
	})
	return figures[len(figures)/2]
}
