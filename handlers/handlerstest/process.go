package handlerstest

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"tender/acquirers/simulator"
	"tender/eventstore/feed"
	"tender/eventstore/lease"
	"tender/eventstore/seal"
	"tender/handlers/api"
	"tender/handlers/audit"
	"tender/handlers/audit/proofs"
	"tender/handlers/brand"
	"tender/handlers/checkout"
	"tender/handlers/clocks"
	"tender/handlers/embed"
	"tender/handlers/engine"
	"tender/handlers/limits"
	"tender/handlers/ops"
	"tender/handlers/payments"
	"tender/handlers/people"
	"tender/handlers/staff"
	"tender/handlers/subscriptions"
	"tender/handlers/token"
	"tender/handlers/webhooks"
	"tender/handlers/webhooks/egress"
	"tender/handlers/worker"
	"tender/projections"
)

// Process is one serving process.
type Process struct {
	house *House
	URL   string
	// Line is the way to the acquirer, in both modes.
	Line *Line
	Test Mode
	Live Mode
	// Desk is where the staff is served; test mode is meant where a request names none.
	Desk *staff.Desk

	log     *slog.Logger
	started atomic.Pointer[clocks.Job] // hears of clocks that this process sends on their way
}

// Mode is what a process has of one log.
type Mode struct {
	Engine   *engine.Engine
	Payments *payments.Service
	People   *people.Service
	Cursors  *projections.Cursors
	// Subscriptions are what the platform collects by itself.
	Subscriptions *subscriptions.Service
	// Clocks are the test clocks; nil in live mode.
	Clocks *clocks.Service
}

func (h *House) newProcess(listener net.Listener) *Process {
	h.t.Helper()
	p := &Process{house: h, URL: "http://" + listener.Addr().String(), log: slog.New(slog.NewTextHandler(h.log, nil))}
	client := simulator.New(simulator.ClientConfig{BaseURL: h.simulatorURL, APIKey: simulatorKey, NotificationSecret: notificationSecret})
	p.Line = &Line{Acquirer: client, cut: h.ctx}
	p.Test, p.Live = p.mode("test"), p.mode("live")
	server := &httptest.Server{Listener: listener, Config: &http.Server{
		Handler: p.routes(), ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(p.log.Handler(), slog.LevelWarn),
	}}
	server.Start()
	h.t.Cleanup(func() {
		server.Close()
		p.Test.Payments.Drain()
		p.Live.Payments.Drain()
	})
	return p
}

func (p *Process) mode(mode string) Mode {
	p.house.t.Helper()
	store := p.house.open(mode)
	g := engine.New(store, p.house.Clock.Now)
	m := Mode{
		Engine: g, Cursors: projections.NewCursors(store),
		Payments: &payments.Service{
			Engine: g, Acquirer: p.Line, Cards: people.NewSafe(p.house.vault, p.house.keys), Guard: p.guard(mode, g), BaseURL: BaseURL, Log: p.log,
		},
	}
	if mode == "test" {
		m.Clocks = &clocks.Service{Engine: g, Permit: m.Payments.Permitted, Started: func(clockID string) {
			if job := p.started.Load(); job != nil {
				job.Started(clockID)
			}
		}}
	}
	m.People = &people.Service{Engine: g, Safe: m.Payments.Cards, Permit: m.Payments.Permitted, Log: p.log}
	m.Subscriptions = &subscriptions.Service{Engine: g, Payments: m.Payments}
	return m
}

// guard is what keeps a mode's checkout from abuse. It writes and judges while the
// process runs.
func (p *Process) guard(mode string, g *engine.Engine) *limits.Guard {
	h := p.house
	c := limits.Config{
		Limits: limits.Live(), Engine: g, CardKey: h.keys.Derive(limits.CardPurpose), AddressKey: h.keys.Derive(limits.AddressPurpose), Log: p.log,
	}
	if mode == "test" {
		c.Limits = h.testLimits
	}
	guard := limits.New(c)
	h.background(func(ctx context.Context) { _ = guard.Run(ctx) })
	return guard
}

// routes puts the handlers together as a process that serves everything does.
func (p *Process) routes() http.Handler {
	h := p.house
	accounts, services := map[string]*api.Account{}, map[string]*payments.Service{}
	for mode, m := range map[string]Mode{"test": p.Test, "live": p.Live} {
		services[mode] = m.Payments
		accounts[mode] = &api.Account{
			Engine: m.Engine, Payments: m.Payments, Clocks: m.Clocks, Secrets: webhooks.NewSecrets(h.vault), WebhookPolicy: egress.Policy{AllowLoopback: mode == "test"}, Cursors: m.Cursors,
			Lists:  projections.NewLists(m.Engine.Store.Pool(), m.Engine.Store.Log()),
			People: m.People, Subscriptions: m.Subscriptions, Resends: webhooks.NewResends(m.Engine), Recoveries: webhooks.NewRecoveries(m.Engine),
			Brands: &brand.Service{Engine: m.Engine, Permit: m.Payments.Permitted},
		}
	}
	notices := worker.NewNotifications(services, BaseURL, p.log)
	h.background(func(ctx context.Context) { _ = notices.Run(ctx) })
	mux := http.NewServeMux()
	mux.Handle("POST /acquirers/{name}/notifications", notices)
	mux.Handle("/", api.New(api.Config{
		Accounts: accounts, BaseURL: BaseURL, Sealer: h.sealer(), ClientTokens: h.signer(),
		FingerprintKey: h.keys.Derive("idempotency fingerprints"), Log: p.log,
	}))
	checkout.New(checkout.Config{
		Modes: services, BaseURL: BaseURL, FormKey: h.keys.Derive("checkout forms"), Proxies: h.proxies, Log: p.log,
	}).Register(mux)
	desk := staff.New(staff.Config{Live: p.Live.Engine, Modes: []string{"test", "live"}, Default: "test", BaseURL: BaseURL, Log: p.log})
	mux.Handle("/audit/", desk)
	mux.Handle("/ops/", desk)
	provers := proofs.Handlers{"test": seal.NewProofs(p.Test.Engine.Store), "live": seal.NewProofs(p.Live.Engine.Store)}
	provers.Register(desk)
	audit.New(map[string]audit.Mode{
		"test": {Store: p.Test.Engine.Store, Cursors: p.Test.Cursors, Proofs: provers["test"]},
		"live": {Store: p.Live.Engine.Store, Cursors: p.Live.Cursors, Proofs: provers["live"]},
	}).Register(desk)
	p.Desk = desk
	ops.New(map[string]ops.Mode{"test": p.steered(p.Test), "live": p.steered(p.Live)}).Register(desk)
	embed.New(embed.Config{Modes: services, Tokens: h.signer(), BaseURL: BaseURL, Log: p.log}).Register(mux)
	return api.Middleware(p.log, BaseURL, nil, mux)
}

func (h *House) sealer() *token.Sealer {
	h.t.Helper()
	sealer, err := token.NewSealer(h.keys.Derive("tokens"))
	h.must(err)
	return sealer
}

func (h *House) signer() *token.Signer {
	h.t.Helper()
	signer, err := token.NewSigner(h.keys.Derive("client tokens"))
	h.must(err)
	return signer
}

// Project keeps the read models of test mode in this process, from NATS where it
// was started, else from the log. Stop ends that; the test's end does, too.
func (p *Process) Project() (stop func()) {
	h := p.house
	h.t.Helper()
	store := p.Test.Engine.Store
	var conn *nats.Conn
	if h.nats != nil {
		relay, err := feed.NewRelay(store, p.connect(h.nats.RelayURL()), feed.RelayConfig{Lowest: p.Test.Cursors.Lowest})
		h.must(err)
		h.background(func(ctx context.Context) { _ = relay.Run(ctx) })
		conn = p.connect(h.nats.ReaderURL())
	}
	reader, err := feed.NewReader(store, conn, feed.Preparing(projections.Prepare))
	h.must(err)
	runner, err := projections.NewRunner(store, reader, p.Test.Cursors, readModels()...)
	h.must(err)
	h.must(runner.Prepare(h.ctx))
	stopReader := h.background(func(ctx context.Context) { _ = reader.Run(ctx) })
	stopRunner := h.background(func(ctx context.Context) { _ = runner.Run(ctx) })
	return func() {
		stopRunner()
		stopReader()
	}
}

// steered is what operators steer of a mode.
func (p *Process) steered(m Mode) ops.Mode {
	runner, err := projections.NewRunner(m.Engine.Store, nil, m.Cursors, readModels()...)
	p.house.must(err)
	return ops.Mode{Engine: m.Engine, Cursors: m.Cursors, Runner: runner, Payments: m.Payments}
}

// readModels are those that [Process.Project] keeps.
func readModels() []projections.Projection {
	return []projections.Projection{
		projections.Sessions("test"), projections.Payments("test"), projections.Due(),
		projections.Customers("test"), projections.Methods("test"), projections.Mandates("test"), projections.Subscriptions("test"),
		projections.Clocks("test"),
	}
}

func (p *Process) connect(url string) *nats.Conn {
	p.house.t.Helper()
	nc, err := feed.Connect(url, p.house.t.Name())
	p.house.must(err)
	p.house.t.Cleanup(nc.Close)
	return nc
}

// Work does what falls due in test mode, in this process, from now on. It needs
// the read model of what is due, which some process must keep.
func (p *Process) Work() (stop func()) {
	due := p.due()
	return p.house.background(func(ctx context.Context) { _ = due.Run(ctx) })
}

func (p *Process) due() *worker.Due {
	store := p.Test.Engine.Store
	return &worker.Due{Payments: p.Test.Payments, People: p.Test.People, Subscriptions: p.Test.Subscriptions, Cursors: p.Test.Cursors, Leases: lease.New(store.Pool(), store.Log()), Log: p.log}
}

// Clocks drives test clocks that are on their way, in this process, from now on. It
// needs the read models, which some process must keep.
func (p *Process) Clocks() (stop func()) {
	store := p.Test.Engine.Store
	c := clocks.JobConfig{
		Engine: p.Test.Engine, Cursors: p.Test.Cursors, Leases: lease.New(store.Pool(), store.Log()),
		Act: p.due().Act, Log: p.log,
	}
	for _, m := range readModels() {
		c.Lists = append(c.Lists, m.Definition().Name)
	}
	job := clocks.NewJob(c)
	p.started.Store(job)
	return p.house.background(func(ctx context.Context) { _ = job.Run(ctx) })
}
