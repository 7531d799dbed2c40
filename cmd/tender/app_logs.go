package main

import (
	"context"
	"time"

	"tender/acquirers"
	"tender/acquirers/simulator"
	"tender/cmd/tender/internal/tracing"
	"tender/eventstore"
	"tender/eventstore/feed"
	"tender/eventstore/lease"
	"tender/handlers/clocks"
	"tender/handlers/engine"
	"tender/handlers/limits"
	"tender/handlers/payments"
	"tender/handlers/people"
	"tender/handlers/subscriptions"
	"tender/handlers/webhooks"
	"tender/projections"
)

func (a *app) openLog(ctx context.Context, mode string) (*logApp, error) {
	store, err := eventstore.Open(ctx, eventstore.Log{Mode: mode}, a.config.databaseURL, eventstore.WithObserver(a.batches(mode)))
	if err != nil {
		return nil, err
	}
	l := &logApp{store: store, engine: engine.New(store, time.Now)}
	l.payments = &payments.Service{
		Engine: l.engine, Acquirer: a.acquirer(mode), Cards: a.safe, Guard: a.guard(mode, l.engine), BaseURL: a.config.baseURL, Log: a.log,
	}
	l.people = &people.Service{Engine: l.engine, Safe: a.safe, Permit: l.payments.Permitted, Log: a.log}
	l.subs = &subscriptions.Service{Engine: l.engine, Payments: l.payments}
	if mode == "test" {
		l.clocks = &clocks.Service{Engine: l.engine, Permit: l.payments.Permitted}
	}
	l.recovers = webhooks.NewRecoveries(l.engine)
	l.cursors = projections.NewCursors(store)
	l.leases = lease.New(store.Pool(), store.Log())
	if l.reader, err = feed.NewReader(store, a.nats, feed.Preparing(projections.Prepare)); err != nil {
		return l, err
	}
	if l.runner, err = projections.NewRunner(store, l.reader, l.cursors, readModels(mode)...); err != nil {
		return l, err
	}
	if a.config.plays(roleProjector) {
		// Before anything is served, so that lists have something to show.
		return l, l.runner.Prepare(ctx)
	}
	return l, nil
}

// batches is told of each batch of a mode's log.
func (a *app) batches(mode string) func(eventstore.Batch) {
	count := a.metrics.Appends(mode)
	if a.tracing == nil {
		return count
	}
	trace := a.tracing.Batches(mode)
	return func(b eventstore.Batch) {
		count(b)
		trace(b)
	}
}

// guard keeps a mode's checkout from abuse.
func (a *app) guard(mode string, g *engine.Engine) *limits.Guard {
	c := limits.Config{
		Limits: limits.Live(), Engine: g, CardKey: a.keys.Derive(limits.CardPurpose), AddressKey: a.keys.Derive(limits.AddressPurpose), Log: a.log,
	}
	if mode == "test" && !a.config.liveLimits {
		c.Limits = limits.Test()
	}
	return limits.New(c)
}

// readModels are those of one log.
func readModels(mode string) []projections.Projection {
	return []projections.Projection{
		projections.Sessions(mode), projections.Payments(mode), projections.Endpoints(mode), projections.Due(),
		projections.Customers(mode), projections.Methods(mode), projections.Mandates(mode), projections.Deliveries(),
		projections.Subscriptions(mode),
		projections.Clocks(mode), projections.Recoveries(mode), projections.Journal(),
	}
}

// acquirer is the one for a mode; nil: none is configured. The simulator never
// serves live mode.
func (a *app) acquirer(mode string) acquirers.Acquirer {
	if mode != "test" || a.config.simulatorURL == "" {
		return nil
	}
	return tracing.Acquirer(mode, a.metrics.Acquirer(mode, simulator.New(simulator.ClientConfig{
		BaseURL: a.config.simulatorURL, APIKey: a.config.simulatorKey, NotificationSecret: a.config.simulatorSecret,
	})))
}
