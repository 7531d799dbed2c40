package limits

import (
	"fmt"
	"net/netip"
	"syscall"
	"testing"
	"time"
)

// BenchmarkAttempts measures what the guard costs an attempt that succeeds, one at a
// time: while the copy of who has failed speaks for it, and when it is looked up. The
// processor time is this process's, without PostgreSQL's.
func BenchmarkAttempts(b *testing.B) {
	for name, held := range map[string]bool{"in the clear": true, "looked up": false} {
		b.Run(name, func(b *testing.B) {
			s := setup(b)
			if held {
				s.first.readSuspects(b.Context())
			}
			before := processorTime(b)
			for b.Loop() {
				n := s.tried.Add(1)
				f, err := s.first.Admit(b.Context(), Attempt{
					MerchantID: "mer_1", SessionID: "ps_1", Address: netip.MustParseAddr(honest), Card: "4242424242424242",
				})
				if err != nil {
					b.Fatal(err)
				}
				f.Under(fmt.Sprint("pay_", n))
				s.first.Count(b.Context(), "mer_1", f.key, Succeeded)
				f.End(b.Context())
			}
			b.ReportMetric(float64((processorTime(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
			b.ReportMetric(float64(s.first.looks.Load())/float64(b.N), "look-ups/op")
		})
	}
}

// processorTime is what this process has used.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
