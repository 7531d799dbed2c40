package main

import (
	"context"
	"log/slog"
	"time"

	"tender/eventstore/feed"
	"tender/handlers/clocks"
	"tender/handlers/engine"
	"tender/handlers/people"
	"tender/handlers/webhooks"
	"tender/handlers/webhooks/egress"
	"tender/handlers/worker"
	"tender/projections"
	"tender/vault"
)

// The vault's sweep: how often, and for how long an entry must have been in doubt
// that no event names. A card that a payment was to save and didn't is gone after
// both.
const (
	sweepEvery = 10 * time.Minute
	sweepGrace = 30 * time.Minute
)

// sweepVault removes what no event names: what was put into the vault for an append
// that never came, or for a payment that did not succeed.
func (a *app) sweepVault(ctx context.Context) error {
	judges := people.Judges(a.engines()...)
	judges[webhooks.SecretKind] = webhooks.Named(a.engines()...)
	judge := vault.Judges(judges)
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if _, err := a.vault.Sweep(ctx, sweepGrace, judge); err != nil && ctx.Err() == nil {
			a.log.WarnContext(ctx, "the vault is swept later", "error", err)
		}
		if _, err := people.Forget(ctx, a.vault, a.engines()...); err != nil && ctx.Err() == nil {
			a.log.WarnContext(ctx, "the keys of erased customers are destroyed later", "error", err)
		}
	}
}

// engines are those of all logs.
func (a *app) engines() []*engine.Engine {
	var all []*engine.Engine
	for _, l := range a.logs {
		all = append(all, l.engine)
	}
	return all
}

// addLoops collects what runs in the background for the roles.
func (a *app) addLoops() error {
	if a.config.plays(roleWorker) {
		a.loops = append(a.loops, loop{"vault sweep", a.sweepVault})
	}
	for mode, l := range a.logs {
		add := func(name string, run func(context.Context) error) {
			a.loops = append(a.loops, loop{name + " " + mode, run})
		}
		add("announcements", func(ctx context.Context) error { feed.Announce(ctx, l.store, a.nats); return nil })
		add("idempotency partitions", l.keepPartitions)
		add("limits", l.payments.Guard.Run)
		if a.config.plays(roleRelay) {
			replicas, err := a.config.replicas()
			if err != nil {
				return err
			}
			if l.relay, err = feed.NewRelay(l.store, a.relay, feed.RelayConfig{
				Limits: feed.Limits{Replicas: replicas}, Lowest: l.cursors.Lowest, Leases: l.leases,
			}); err != nil {
				return err
			}
			add("relay", l.relay.Run)
		}
		if a.sealing != nil {
			var err error
			if l.sealer, err = a.sealer(l); err != nil {
				return err
			}
			add("sealing", l.sealer.Run)
		}
		if a.config.plays(roleProjector) {
			add("feed", l.reader.Run)
			add("projections", l.runner.Run)
		}
		if a.config.plays(roleWorker) {
			due := &worker.Due{
				Payments: l.payments, People: l.people, Subscriptions: l.subs, Cursors: l.cursors, Leases: l.leases, Log: a.log,
			}
			add("due", due.Run)
			if l.clocks != nil {
				job := l.clockJob(due, readModels(mode), a.log)
				add("test clocks", job.Run)
			}
			deliveries := webhooks.NewWorker(webhooks.WorkerConfig{
				Engine: l.engine, Cursors: l.cursors, Leases: l.leases, Secrets: a.secrets,
				Egress: egress.New(a.webhookPolicy(mode)), Tried: a.metrics.Deliveries(mode), Log: a.log,
			})
			add("deliveries", deliveries.Run)
			recoveries := webhooks.NewRecoveryJob(webhooks.RecoveryConfig{
				Engine: l.engine, Cursors: l.cursors, Leases: l.leases, Log: a.log,
			})
			l.recovers.Started = recoveries.Started
			add("webhook recoveries", recoveries.Run)
		}
	}
	return nil
}

// clockJob drives the log's test clocks, and hears of those that this process sends
// on their way.
func (l *logApp) clockJob(due *worker.Due, lists []projections.Projection, log *slog.Logger) *clocks.Job {
	c := clocks.JobConfig{Engine: l.engine, Cursors: l.cursors, Leases: l.leases, Act: due.Act, Log: log}
	for _, p := range lists {
		c.Lists = append(c.Lists, p.Definition().Name)
	}
	job := clocks.NewJob(c)
	l.clocks.Started = job.Started
	return job
}

// partitionsEvery is how often the idempotency partitions are looked after.
const partitionsEvery = time.Hour

// keepPartitions makes the partitions of the days ahead, and drops those whose
// keys are free again.
func (l *logApp) keepPartitions(ctx context.Context) error {
	tick := time.NewTicker(partitionsEvery)
	defer tick.Stop()
	for {
		if _, _, err := l.store.KeepPartitions(ctx); err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "idempotency partitions wait", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
