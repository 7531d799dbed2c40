package main

import (
	"fmt"
	"slices"
	"time"

	logbench "tender/eventstore/bench"
)

// The names of the measurements of webhooks.
const (
	insertsName = "(a) bare one-row INSERTs"
	postsName   = "(b) signed and sent, without the engine"
	backlogName = "(c) a backlog delivered"
	liveName    = "(d) delivered as events come"
	hangingName = "(e) the same while others hang"
)

// What webhooks are to reach.
const (
	wantedPerSecond = 2000 // deliveries
	wantedP99       = 250 * time.Millisecond
	wantedRatio     = 1.5 // of healthy endpoints' p99 while others hang to that while none does
)

// webhookRow is one measurement.
type webhookRow struct {
	name string
	logbench.Figures
	// The processor time of the installation, of the receivers, and of the generator.
	serving, receiving, generating time.Duration
	again                          int // messages that came more than once
}

// of is a processor time for each message; "-": there was none.
func (r webhookRow) of(d time.Duration) string {
	if d == 0 || r.Count == 0 {
		return "-"
	}
	return (d / time.Duration(r.Count)).Round(time.Microsecond).String()
}

func shownLatency(d time.Duration) string {
	if d == 0 {
		return "-"
	}
	return d.Round(10 * time.Microsecond).String()
}

// note keeps a measurement, and prints it.
func (b *webhookBench) note(r webhookRow) {
	b.results = append(b.results, r)
	fmt.Fprintf(b.out, "  %-40s %4d at once %8.0f/s  p50 %8s  p99 %8s  CPU %s", r.name, r.Clients, r.PerSecond(),
		shownLatency(r.P50), shownLatency(r.P99), r.of(r.serving))
	if r.again > 0 {
		fmt.Fprintf(b.out, "  came again: %d", r.again)
	}
	fmt.Fprintln(b.out)
}

// report prints the median of each measurement, its ratio to the bare inserts, and
// what was wanted.
func (b *webhookBench) report() {
	fmt.Fprintf(b.out, "\n%-40s %8s %10s %10s %10s  %-31s %7s\n%83s  %-9s %-10s %-10s\n",
		"median", "at once", "per second", "p50", "p99", "CPU per message", "to (a)", "", "engine", "receivers", "generator")
	var base float64
	var done []string
	for _, r := range b.results {
		kind := fmt.Sprintf("%s at %d", r.name, r.Clients)
		if slices.Contains(done, kind) {
			continue
		}
		done = append(done, kind)
		m := b.median(r.name, r.Clients)
		if base == 0 {
			base = m.PerSecond()
		}
		fmt.Fprintf(b.out, "%-40s %8d %10.0f %10s %10s  %-9s %-10s %-10s %7.3f\n", m.name, m.Clients, m.PerSecond(),
			shownLatency(m.P50), shownLatency(m.P99), m.of(m.serving), m.of(m.receiving), m.of(m.generating), m.PerSecond()/base)
	}
	fmt.Fprintln(b.out)
	if b.wants(partThroughput) {
		fmt.Fprintf(b.out, "deliveries/s at %d endpoints: %.0f, wanted %d\n", b.endpoints,
			b.median(backlogName, b.endpoints).PerSecond(), wantedPerSecond)
	}
	if b.wants(partLatency) {
		steady, beside := b.median(liveName, b.endpoints), b.median(hangingName, b.endpoints-b.hanging())
		fmt.Fprintf(b.out, "p99 at %d events/s: %s, wanted below %s\n", b.rate, shownLatency(steady.P99), wantedP99)
		fmt.Fprintf(b.out, "healthy endpoints' p99 while %d hang, to that while none does: %.2f, wanted at most %.1f\n",
			b.hanging(), float64(beside.P99)/float64(steady.P99), wantedRatio)
	}
}

// median returns the measurement with the median rate or, where latencies were
// measured, with the median p99.
func (b *webhookBench) median(name string, clients int) webhookRow {
	var like []webhookRow
	for _, r := range b.results {
		if r.name == name && r.Clients == clients {
			like = append(like, r)
		}
	}
	slices.SortFunc(like, func(x, y webhookRow) int {
		if x.P99 != y.P99 {
			return int(x.P99 - y.P99)
		}
		return int(x.PerSecond() - y.PerSecond())
	})
	return like[len(like)/2]
}
