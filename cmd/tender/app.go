package main

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/nats-io/nats.go"
	"golang.org/x/sync/errgroup"

	"tender/acquirers"
	"tender/acquirers/simulator"
	"tender/cmd/tender/internal/metrics"
	"tender/eventstore"
	"tender/eventstore/feed"
	"tender/eventstore/lease"
	"tender/eventstore/seal"
	"tender/handlers/api"
	"tender/handlers/brand"
	"tender/handlers/checkout"
	"tender/handlers/clocks"
	"tender/handlers/embed"
	"tender/handlers/engine"
	"tender/handlers/limits"
	"tender/handlers/openapi"
	"tender/handlers/payments"
	"tender/handlers/people"
	"tender/handlers/subscriptions"
	"tender/handlers/token"
	"tender/handlers/webhooks"
	"tender/handlers/webhooks/egress"
	"tender/handlers/worker"
	"tender/projections"
	"tender/vault"
)

// Limits of the HTTP server.
const (
	headerTimeout   = 10 * time.Second
	requestTimeout  = 60 * time.Second
	idleTimeout     = 2 * time.Minute
	headerBytesMax  = 8 * api.HeaderBytesMax
	shutdownTimeout = 4 * time.Second
)

// app is a serving process: the logs that it works on, and the roles it plays.
type app struct {
	config  config
	log     *slog.Logger
	logs    map[string]*logApp // by mode
	vault   *vault.Vault
	keys    vault.KeyRing
	secrets *webhooks.Secrets
	safe    *people.Safe
	sealing *seal.Keys // nil: this process doesn't seal
	nats    *nats.Conn
	relay   *nats.Conn

	handler  http.Handler
	listener net.Listener
	staff    *door // of the staff's own; nil: it comes in with everybody
	scraped  *door // where metrics are shown without a key; nil: nowhere
	metrics  *metrics.Metrics
	loops    []loop
	draining atomic.Bool
}

// door is an address that something is served at.
type door struct {
	listener net.Listener
	handler  http.Handler
}

// loop is something that runs for as long as the process serves.
type loop struct {
	name string
	run  func(context.Context) error
}

// logApp is what works on one log.
type logApp struct {
	store    *eventstore.Store
	engine   *engine.Engine
	payments *payments.Service
	people   *people.Service
	subs     *subscriptions.Service
	clocks   *clocks.Service // nil: there are none in live mode
	recovers *webhooks.Recoveries
	cursors  *projections.Cursors
	leases   *lease.Leases
	reader   *feed.Reader
	runner   *projections.Runner
	relay    *feed.Relay // nil: this process doesn't relay
}

// newApp connects everything. It starts no loop and serves nothing yet.
func newApp(ctx context.Context, c config, log *slog.Logger) (_ *app, err error) {
	a := &app{config: c, log: log, logs: map[string]*logApp{}, metrics: metrics.New(version)}
	defer func() {
		if err != nil {
			a.close()
		}
	}()
	if a.keys, err = vault.LoadOrCreateMasterKey(c.masterKey); err != nil {
		return nil, err
	}
	if a.vault, err = vault.Open(ctx, c.vaultURL, a.keys); err != nil {
		return nil, err
	}
	if err = a.vault.CheckMasterKey(ctx); errors.Is(err, vault.ErrUnknownMasterKey) {
		return nil, errors.Newf("the vault was sealed under another master key than the one in %s: put the file back that was there, or what the vault holds is lost", c.masterKey)
	} else if err != nil {
		return nil, err
	}
	a.secrets = webhooks.NewSecrets(a.vault)
	a.safe = people.NewSafe(a.vault, a.keys)
	if a.sealing, err = sealingKeys(c.sealKey); err != nil {
		return nil, err
	}
	if a.nats, err = feed.Connect(c.natsURL, "tender"); err != nil {
		return nil, err
	}
	if c.publishes() {
		if a.relay, err = feed.Connect(c.relayNATSURL, "tender-relay"); err != nil {
			return nil, err
		}
	}
	for _, mode := range []string{"test", "live"} {
		if a.logs[mode], err = a.openLog(ctx, mode); err != nil {
			return nil, err
		}
	}
	if _, err = people.Forget(ctx, a.vault, a.engines()...); err != nil {
		return nil, err
	}
	if a.handler, err = a.routes(); err != nil {
		return nil, err
	}
	if err = a.addLoops(); err != nil {
		return nil, err
	}
	if err = a.serveMetrics(); err != nil {
		return nil, err
	}
	if a.listener = c.listener; a.listener != nil {
		return a, nil
	}
	if a.listener, err = net.Listen("tcp", c.listen); err != nil {
		return nil, errors.Wrapf(err, "can't listen on %s: choose another address with --listen", c.listen)
	}
	return a, nil
}

func (a *app) openLog(ctx context.Context, mode string) (*logApp, error) {
	store, err := eventstore.Open(ctx, eventstore.Log{Mode: mode}, a.config.databaseURL, eventstore.WithObserver(a.metrics.Appends(mode)))
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
	if l.reader, err = feed.NewReader(store, a.nats); err != nil {
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
	return a.metrics.Acquirer(mode, simulator.New(simulator.ClientConfig{
		BaseURL: a.config.simulatorURL, APIKey: a.config.simulatorKey, NotificationSecret: a.config.simulatorSecret,
	}))
}

// routes puts the handlers of the roles together.
func (a *app) routes() (http.Handler, error) {
	sealer, err := token.NewSealer(a.keys.Derive("tokens"))
	if err != nil {
		return nil, err
	}
	clientTokens, err := token.NewSigner(a.keys.Derive("client tokens"))
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	accounts, services := map[string]*api.Account{}, map[string]*payments.Service{}
	for mode, l := range a.logs {
		services[mode] = l.payments
		accounts[mode] = &api.Account{
			Engine: l.engine, Payments: l.payments, People: l.people, Subscriptions: l.subs, Clocks: l.clocks, Secrets: a.secrets, Cursors: l.cursors,
			Lists:         projections.NewLists(l.store.Pool(), l.store.Log()),
			WebhookPolicy: a.webhookPolicy(mode), Resends: webhooks.NewResends(l.engine), Recoveries: l.recovers,
			Brands: &brand.Service{Engine: l.engine, Permit: l.payments.Permitted},
		}
	}
	merchants := api.New(api.Config{
		Accounts: accounts, BaseURL: a.config.baseURL, Sealer: sealer, ClientTokens: clientTokens,
		FingerprintKey: a.keys.Derive("idempotency fingerprints"), Log: a.log, Root: mux,
	})
	a.health(mux)
	if a.config.plays(roleAPI) {
		notices := worker.NewNotifications(services, a.config.baseURL, a.log)
		mux.Handle("POST /acquirers/{name}/notifications", notices)
		a.loops = append(a.loops, loop{"notifications", notices.Run})
		pages, err := openapi.New()
		if err != nil {
			return nil, err
		}
		pages.Register(mux)
		mux.Handle("/", merchants)
		if err := a.serveStaff(mux); err != nil {
			return nil, err
		}
	}
	if a.config.plays(roleCheckout) {
		checkout.New(checkout.Config{
			Modes: services, BaseURL: a.config.baseURL, FormKey: a.keys.Derive("checkout forms"), Proxies: a.config.proxies, Log: a.log,
		}).Register(mux)
		embed.New(embed.Config{Modes: services, Tokens: clientTokens, BaseURL: a.config.baseURL, Log: a.log}).Register(mux)
	}
	return api.Middleware(a.log, a.config.baseURL, a.metrics.Served, mux), nil
}

// webhookPolicy says where a mode's webhooks may go: never to this machine in
// live mode.
func (a *app) webhookPolicy(mode string) egress.Policy {
	return egress.Policy{AllowLoopback: a.config.loopbackWebhooks && mode == "test"}
}

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
			var err error
			if l.relay, err = feed.NewRelay(l.store, a.relay, feed.RelayConfig{Lowest: l.cursors.Lowest, Leases: l.leases}); err != nil {
				return err
			}
			add("relay", l.relay.Run)
		}
		if a.sealing != nil {
			sealer, err := a.sealer(l)
			if err != nil {
				return err
			}
			add("sealing", sealer.Run)
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

// gcPercent trades memory for processor time: most of what a request allocates is
// garbage at its end, and the heap that stays is small.
const gcPercent = 400

// run serves until ctx ends, then drains: no new requests, running ones and
// their calls to acquirers to the end, loops last.
func (a *app) run(ctx context.Context, ready func()) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	loopsCtx, stopLoops := context.WithCancel(context.WithoutCancel(ctx))
	defer stopLoops()
	group, groupCtx := errgroup.WithContext(loopsCtx)
	for _, l := range a.loops {
		group.Go(func() error {
			err := l.run(groupCtx)
			if err != nil && loopsCtx.Err() == nil {
				a.log.ErrorContext(loopsCtx, "a loop has ended", "loop", l.name, "error", err)
				return errors.Wrap(err, l.name)
			}
			return nil
		})
	}
	doors := a.doors()
	served := make(chan error, len(doors))
	var servers []*http.Server
	for _, d := range doors {
		server := newServer(d.handler, a.log)
		servers = append(servers, server)
		go func() { served <- server.Serve(d.listener) }()
	}
	a.log.InfoContext(ctx, "ready", a.config.logged()...)
	ready()
	var failed error
	select {
	case <-ctx.Done():
	case <-groupCtx.Done():
		failed = errors.New("a background loop has ended")
	case failed = <-served:
	}
	a.draining.Store(true)
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	for _, server := range servers {
		if err := server.Shutdown(stopping); err != nil {
			_ = server.Close()
		}
	}
	a.drain(stopping)
	stopLoops()
	if err := group.Wait(); err != nil {
		return err
	}
	return failed
}

// doors are all addresses that something is served at.
func (a *app) doors() []door {
	doors := []door{{a.listener, a.handler}}
	for _, own := range []*door{a.staff, a.scraped} {
		if own != nil {
			doors = append(doors, *own)
		}
	}
	return doors
}

func newServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: headerTimeout, ReadTimeout: requestTimeout,
		WriteTimeout: requestTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: headerBytesMax,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}

// drain waits for calls to acquirers that are under way, as long as it may.
// What it leaves behind, a worker settles.
func (a *app) drain(ctx context.Context) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, l := range a.logs {
			l.payments.Drain()
		}
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// close gives back every connection.
func (a *app) close() {
	for _, d := range a.doors() {
		if d.listener != nil {
			_ = d.listener.Close()
		}
	}
	for _, l := range a.logs {
		if l != nil && l.store != nil {
			l.store.Close()
		}
	}
	for _, nc := range []*nats.Conn{a.nats, a.relay} {
		if nc != nil {
			nc.Close()
		}
	}
	if a.vault != nil {
		a.vault.Close()
	}
}
