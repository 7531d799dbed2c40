package main

import (
	"net"
	"net/http"

	"github.com/cockroachdb/errors"

	"tender/cmd/tender/internal/metrics"
	domainstaff "tender/domain/staff"
	"tender/handlers/staff"
)

// showMetrics lets operators see the metrics at the desk. A look every few seconds
// shows nothing of any merchant, and leaves no record.
func (a *app) showMetrics(desk *staff.Desk) {
	show := a.metrics.Handler()
	desk.Handle(staff.Route{
		Pattern: "GET /metrics", Role: domainstaff.RoleOperator, Unrecorded: true, Wide: true,
		Handler: func(w http.ResponseWriter, r *staff.Request) error {
			if err := r.Done(); err != nil {
				return err
			}
			show.ServeHTTP(w, r.Request)
			return nil
		},
	})
}

// serveMetrics tells the metrics what to look at, and opens the address at which they
// are shown without a key, where there is to be one.
func (a *app) serveMetrics() error {
	a.metrics.WatchPool("vault", a.vault.Stat)
	for mode, l := range a.logs {
		watched := metrics.Log{Store: l.store, Cursors: l.cursors}
		if l.relay != nil {
			watched.Relay = l.relay.State
		}
		if l.sealer != nil {
			watched.Sealer = l.sealer.State
		}
		a.metrics.Watch(watched)
		for name, stat := range l.store.Stats() {
			a.metrics.WatchPool(mode+" "+name, stat)
		}
	}
	a.metrics.WatchConnection("feed", a.nats)
	if a.relay != nil {
		a.metrics.WatchConnection("relay", a.relay)
	}
	if a.config.metricsListen == "" {
		return nil
	}
	listener, err := net.Listen("tcp", a.config.metricsListen)
	if err != nil {
		return errors.Wrapf(err, "can't listen on %s: choose another address with --metrics-listen", a.config.metricsListen)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", a.metrics.Handler())
	a.scraped = &door{listener, mux}
	return nil
}
