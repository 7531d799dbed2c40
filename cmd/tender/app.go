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

	"tender/cmd/tender/internal/metrics"
	"tender/cmd/tender/internal/tracing"
	"tender/eventstore"
	"tender/eventstore/feed"
	"tender/eventstore/lease"
	"tender/eventstore/seal"
	"tender/eventstore/trace"
	"tender/handlers/api"
	"tender/handlers/clocks"
	"tender/handlers/engine"
	"tender/handlers/payments"
	"tender/handlers/people"
	"tender/handlers/subscriptions"
	"tender/handlers/webhooks"
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
	tracing  *tracing.Tracing // nil: nothing is traced
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
	relay    *feed.Relay  // nil: this process doesn't relay
	sealer   *seal.Sealer // nil: this process doesn't seal
}

// newApp connects everything. It starts no loop and serves nothing yet.
func newApp(ctx context.Context, c config, log *slog.Logger) (_ *app, err error) {
	a := &app{config: c, log: log, logs: map[string]*logApp{}, metrics: metrics.New(version)}
	defer func() {
		if err != nil {
			a.close()
		}
	}()
	if a.tracing, err = tracing.FromEnvironment(ctx, version, log); err != nil {
		return nil, err
	}
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

// gcPercent trades memory for processor time: most of what a request allocates is
// garbage at its end, and the heap that stays is small.
const gcPercent = 400

// run serves until ctx ends, then drains: no new requests, running ones and
// their calls to acquirers to the end, loops last.
func (a *app) run(ctx context.Context, ready func()) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if a.tracing != nil {
		ctx = trace.With(ctx, a.tracing)
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
		server := newServer(loopsCtx, d.handler, a.log)
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

// newServer serves h; what ctx holds, its requests' contexts hold, too.
func newServer(ctx context.Context, h http.Handler, log *slog.Logger) *http.Server {
	ctx = context.WithoutCancel(ctx)
	return &http.Server{
		BaseContext: func(net.Listener) context.Context { return ctx },
		Handler:     h, ReadHeaderTimeout: headerTimeout, ReadTimeout: requestTimeout,
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
	a.tracing.Close()
}
