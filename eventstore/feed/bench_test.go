package feed_test

import (
	"context"
	"testing"
	"time"

	"tender/eventstore/feed"
	"tender/eventstore/storetest"
)

// BenchmarkFeed relays a log of 20 000 events, with every batch synced to disk.
func BenchmarkFeed(b *testing.B) {
	const n = 20_000
	ctx := b.Context()
	store := storetest.Open(b, storetest.Database(b), "test")
	fill(b, ctx, store, n)
	b.ResetTimer()
	for range b.N {
		b.StopTimer()
		server, err := feed.StartServer(feed.ServerConfig{StoreDir: b.TempDir()})
		if err != nil {
			b.Fatal(err)
		}
		nc, err := feed.Connect(server.RelayURL(), "bench")
		if err != nil {
			b.Fatal(err)
		}
		relay, err := feed.NewRelay(store, nc, feed.RelayConfig{Lowest: zero})
		if err != nil {
			b.Fatal(err)
		}
		running, cancel := context.WithCancel(ctx)
		done := make(chan struct{})
		b.StartTimer()
		go func() { defer close(done); _ = relay.Run(running) }()
		tick := time.NewTicker(time.Millisecond)
		for relay.State().Position < n {
			<-tick.C
		}
		b.StopTimer()
		tick.Stop()
		cancel()
		<-done
		nc.Close()
		server.Stop()
		b.StartTimer()
	}
	b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "events/s")
}
