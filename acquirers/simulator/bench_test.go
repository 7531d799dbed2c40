package simulator_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"tender/acquirers"
	"tender/acquirers/simulator"
)

// BenchmarkPayment measures, over HTTP, with 64 callers: a sale (one operation)
// and a payment with a capture (two). "asynchronous" does not wait for
// PostgreSQL's disk.
func BenchmarkPayment(b *testing.B) {
	for _, asynchronous := range []bool{false, true} {
		for _, sale := range []bool{true, false} {
			name := map[bool]string{true: "sale", false: "capture"}[sale] +
				map[bool]string{true: "/asynchronous", false: "/synchronous"}[asynchronous]
			b.Run(name, func(b *testing.B) { benchmarkPayment(b, sale, asynchronous) })
		}
	}
}

func benchmarkPayment(b *testing.B, sale, asynchronous bool) {
	s := setup(b, func(cfg *simulator.ServerConfig) { cfg.AsynchronousCommit = asynchronous })
	var n atomic.Int64
	model := s.authorisation("4242424242424242")
	model.Capture = sale
	operations := int64(1)
	if !sale {
		operations = 2
	}
	b.SetParallelism(32) // on two processors
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			a := model
			a.Key = fmt.Sprintf("bench-%d", n.Add(1))
			answer, err := s.client.Authorise(b.Context(), a)
			if err == nil && !sale {
				answer, err = s.client.Capture(b.Context(), acquirers.Capture{
					Key: a.Key + "-c", Reference: answer.Reference, Amount: a.Amount, Currency: a.Currency})
			}
			if err != nil || answer.Status != acquirers.StatusApproved {
				b.Errorf("%+v: %v", answer, err)
				return
			}
		}
	})
	b.ReportMetric(float64(operations*int64(b.N))/b.Elapsed().Seconds(), "ops/s")
}
