package metrics

import "github.com/prometheus/client_golang/prometheus"

// Described lists all that the process may ever show.
func (m *Metrics) Described() []string {
	all := make(chan *prometheus.Desc)
	go func() {
		defer close(all)
		m.registry.Describe(all)
	}()
	var out []string
	for d := range all {
		out = append(out, d.String())
	}
	return out
}
