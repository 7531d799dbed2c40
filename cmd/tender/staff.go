package main

import (
	"net"
	"net/http"

	"github.com/cockroachdb/errors"

	"tender/eventstore/seal"
	"tender/handlers/api"
	"tender/handlers/audit"
	"tender/handlers/audit/proofs"
	"tender/handlers/ops"
	"tender/handlers/staff"
)

// desk is what finance and operators are served at.
func (a *app) desk() *staff.Desk {
	c := staff.Config{
		Live: a.logs["live"].engine, Modes: []string{"test", "live"}, Default: "live", BaseURL: a.config.baseURL, Log: a.log,
	}
	if a.logs["live"].payments.Acquirer == nil {
		c.Default = "test"
	}
	desk := staff.New(c)
	provers, audited, steered := proofs.Handlers{}, map[string]audit.Mode{}, map[string]ops.Mode{}
	for mode, l := range a.logs {
		provers[mode] = seal.NewProofs(l.store)
		audited[mode] = audit.Mode{Store: l.store, Cursors: l.cursors, Proofs: provers[mode]}
		steered[mode] = ops.Mode{Engine: l.engine, Cursors: l.cursors, Runner: l.runner, Payments: l.payments}
	}
	provers.Register(desk)
	audit.New(audited).Register(desk)
	ops.New(steered).Register(desk)
	return desk
}

// serveStaff puts the desk beside the merchants' API, or at an address of its own,
// which a network can keep from everybody else.
func (a *app) serveStaff(mux *http.ServeMux) error {
	desk := a.desk()
	a.showMetrics(desk)
	if a.config.staffListen == "" {
		mux.Handle("/audit/", desk)
		mux.Handle("/ops/", desk)
		mux.Handle("GET /metrics", desk)
		return nil
	}
	listener, err := net.Listen("tcp", a.config.staffListen)
	if err != nil {
		return errors.Wrapf(err, "can't listen on %s: choose another address with --staff-listen", a.config.staffListen)
	}
	a.staff = &door{listener, api.Middleware(a.log, a.config.baseURL, a.metrics.Served, desk)}
	return nil
}
