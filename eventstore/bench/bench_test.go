package bench_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"tender/eventstore"
	"tender/eventstore/bench"
	"tender/eventstore/storetest"
)

var testLog = eventstore.Log{Mode: "test"}

func TestTheFiguresAreOfWhatWasDone(t *testing.T) {
	t.Parallel()
	db := storetest.Database(t)
	store := storetest.Open(t, db, "test")
	ctx := context.Background()
	f, err := bench.Appends(ctx, store, 8, 100*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if head, _, err := store.Head(ctx); err != nil || head != int64(f.Count) || f.Count == 0 {
		t.Errorf("%d appends, %d events, %v", f.Count, head, err)
	}
	if f.P50 <= 0 || f.P99 < f.P50 || f.Clients != 8 || f.PerSecond() <= 0 {
		t.Errorf("figures %+v", f)
	}
	if f, err = bench.Inserts(ctx, testLog, db.AppURL, 8, 100*time.Millisecond); err != nil || f.Count == 0 {
		t.Errorf("inserts: %+v, %v", f, err)
	}
	ended, end := context.WithCancel(ctx)
	end()
	if _, err := bench.Appends(ended, store, 2, time.Minute); err == nil {
		t.Error("no error although the context has ended")
	}
}

// BenchmarkLog compares bare inserts and appends on one server that syncs to disk:
//
//	go test -run xxx -bench Log -benchtime 10s ./eventstore/bench
//
// The unit is commands per second; the length of each measurement is -benchtime.
func BenchmarkLog(b *testing.B) {
	server := storetest.Server(b)
	ctx := context.Background()
	store, err := eventstore.Open(ctx, testLog, server.AppURL)
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	run := func(name string, measure func(d time.Duration) (bench.Figures, error)) {
		b.Run(name, func(b *testing.B) {
			f, err := measure(duration(b))
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(f.PerSecond(), "commands/s")
			b.ReportMetric(float64(f.P50.Microseconds()), "p50-µs")
			b.ReportMetric(float64(f.P99.Microseconds()), "p99-µs")
		})
	}
	run("insert/64", func(d time.Duration) (bench.Figures, error) {
		return bench.Inserts(ctx, testLog, server.AppURL, 64, d)
	})
	for _, callers := range []int{1, 64, 256} {
		run(fmt.Sprint("append/", callers), func(d time.Duration) (bench.Figures, error) {
			return bench.Appends(ctx, store, callers, d)
		})
	}
}

// duration is how long a measurement takes: about a tenth of a millisecond for
// each of the rounds that the framework asks for, and no more than ten seconds.
func duration(b *testing.B) time.Duration {
	return min(max(time.Duration(b.N)*100*time.Microsecond, 100*time.Millisecond), 10*time.Second)
}
