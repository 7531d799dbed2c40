package metrics

import (
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
)

var (
	poolConnections = describe("tender_pool_connections", "How many connections to PostgreSQL a pool of this process holds, in use or idle.", labelPool, labelState)
	poolMax         = describe("tender_pool_connections_max", "How many connections a pool may hold.", labelPool)
	poolAcquired    = describe("tender_pool_acquires_total", "How often a connection was taken out of a pool.", labelPool)
	poolWaited      = describe("tender_pool_waits_total", "How often that had to wait, because all were in use or one had to be made.", labelPool)
)

// WatchPool has a pool looked at from the next scrape on.
func (m *Metrics) WatchPool(name string, stat func() *pgxpool.Stat) {
	m.standing.mu.Lock()
	defer m.standing.mu.Unlock()
	if m.standing.pools == nil {
		m.standing.pools = map[string]func() *pgxpool.Stat{}
	}
	m.standing.pools[name] = stat
}

// collectPool asks nobody: a pool knows.
func collectPool(to chan<- prometheus.Metric, name string, s *pgxpool.Stat) {
	to <- gauge(poolConnections, float64(s.AcquiredConns()), name, "used")
	to <- gauge(poolConnections, float64(s.IdleConns()), name, "idle")
	to <- gauge(poolMax, float64(s.MaxConns()), name)
	to <- counter(poolAcquired, float64(s.AcquireCount()), name)
	to <- counter(poolWaited, float64(s.EmptyAcquireCount()), name)
}

func counter(d *prometheus.Desc, value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(d, prometheus.CounterValue, value, labels...)
}
