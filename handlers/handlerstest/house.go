// Package handlerstest runs an installation within a test: both logs in a
// database of the test's own, the simulator as the acquirer, and any number of
// serving processes side by side. A process here is what it is in operation,
// servers and caches of its own on a log that is shared, less the process itself.
//
// Tests call it over HTTP, as merchants and customers do, and every exchange is
// compared with openapi.yaml. It is for tests only.
package handlerstest

import (
	"context"
	"log/slog"
	"net"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"tender/acquirers/simulator"
	"tender/eventstore"
	"tender/eventstore/feed"
	"tender/eventstore/storetest"
	"tender/handlers/engine"
	"tender/handlers/limits"
	"tender/vault"
)

// Patience bounds every wait: far more than any should take, on a machine that
// has other work.
const Patience = 4 * time.Minute

// BaseURL is the address that every process of a house says it has: they stand
// behind one name. Where a process really listens is its URL.
const BaseURL = "https://pay.example"

const (
	simulatorKey       = "simulator-key-of-tests"
	notificationSecret = "notification-secret-of-tests"
	// delayFactor makes the faults of the test cards quick: a request that is
	// 30 s late comes after 300 ms.
	delayFactor = 100
	// connectionsMax keeps many houses within one server.
	connectionsMax = 4
)

// House is an installation.
type House struct {
	t   testing.TB
	ctx context.Context

	DB    storetest.DB
	Clock *Clock
	// First is the process that the acquirer's notifications go to.
	First *Process

	simulatorURL string
	keys         vault.KeyRing
	vault        *vault.Vault
	log          *logBuffer
	testLimits   limits.Limits
	proxies      limits.Proxies
	commandLine  map[string]*engine.Engine // by mode; caches of its own, as tender keys has

	nats    *feed.Server
	natsCfg feed.ServerConfig
}

// Option changes how a house is built.
type Option func(*House)

// At starts the house's clock that far from the present: before it with a
// negative d. PostgreSQL's own clock, by which workers claim what is due, stays.
func At(d time.Duration) Option { return func(h *House) { h.Clock.Advance(d) } }

// Limits are what test mode bears at the checkout, in place of a thousand times what
// live mode does.
func Limits(l limits.Limits) Option { return func(h *House) { h.testLimits = l } }

// BehindProxy makes this machine, where all calls of tests come from, a proxy that is
// believed when it says for whom it asks: see [From].
func BehindProxy() Option {
	return func(h *House) {
		var err error
		h.proxies, err = limits.ParseProxies("127.0.0.1", limits.HeaderXForwardedFor)
		h.must(err)
	}
}

// New builds an installation with one process.
func New(t testing.TB, options ...Option) *House {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	h := &House{t: t, ctx: ctx, Clock: &Clock{}, log: &logBuffer{}, testLimits: limits.Test(), commandLine: map[string]*engine.Engine{}}
	for _, o := range options {
		o(h)
	}
	h.DB = storetest.Database(t, storetest.With("vault", vault.Migrate), storetest.With("simulator", simulator.Migrate))
	t.Cleanup(func() { h.log.inspect(t) })
	var err error
	h.keys, err = vault.LoadOrCreateMasterKey(filepath.Join(t.TempDir(), "master.key"))
	h.must(err)
	h.vault, err = vault.Open(ctx, h.DB.VaultURL, h.keys)
	h.must(err)
	t.Cleanup(h.vault.Close)
	for _, mode := range storetest.Modes {
		h.commandLine[mode] = engine.New(h.open(mode), h.Clock.present)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	h.must(err)
	h.startSimulator("http://" + listener.Addr().String())
	t.Cleanup(cancel)
	h.First = h.newProcess(listener)
	return h
}

// Process adds a process.
func (h *House) Process() *Process {
	h.t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	h.must(err)
	return h.newProcess(listener)
}

func (h *House) open(mode string) *eventstore.Store {
	h.t.Helper()
	return storetest.Open(h.t, h.DB, mode, eventstore.WithReadConnections(connectionsMax))
}

// startSimulator starts the acquirer, which notifies the process at url.
func (h *House) startSimulator(url string) {
	h.t.Helper()
	listener := httptest.NewUnstartedServer(nil)
	h.simulatorURL = "http://" + listener.Listener.Addr().String()
	server, err := simulator.NewServer(h.ctx, simulator.ServerConfig{
		DatabaseURL: h.DB.SimulatorURL, PublicURL: h.simulatorURL, APIKey: simulatorKey,
		NotifyURL:          url + "/acquirers/" + simulator.Name + "/notifications",
		NotificationSecret: notificationSecret, NotifyRetry: 20 * time.Millisecond,
		Delay: simulator.Faster(delayFactor), Now: h.Clock.Now, ConnectionsMax: connectionsMax,
		Logger: slog.New(slog.NewTextHandler(h.log, nil)),
	})
	h.must(err)
	listener.Config.Handler = server
	listener.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelWarn) // cut connections are its trade
	listener.Start()
	h.background(func(ctx context.Context) { _ = server.Run(ctx) })
	h.t.Cleanup(func() {
		server.Close()
		listener.CloseClientConnections()
		listener.Close()
	})
}

// StartNATS starts a nats-server, or starts it again with its files. It ends with
// the test.
func (h *House) StartNATS() {
	h.t.Helper()
	if h.natsCfg.StoreDir == "" {
		h.natsCfg = feed.ServerConfig{StoreDir: h.t.TempDir(), NoSync: true, RelayPassword: "relay", ReaderPassword: "reader"}
		h.t.Cleanup(func() { h.StopNATS() })
	}
	var err error
	h.nats, err = feed.StartServer(h.natsCfg)
	h.must(err)
	h.natsCfg.Port = h.nats.Port()
}

// StopNATS takes NATS away.
func (h *House) StopNATS() {
	if h.nats != nil {
		h.nats.Stop()
		h.nats = nil
	}
}

// background runs f, and ends it with the test at the latest.
func (h *House) background(f func(ctx context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(h.ctx)
	var running sync.WaitGroup
	running.Go(func() { f(ctx) })
	stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
	})
	h.t.Cleanup(stop)
	return stop
}

func (h *House) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatalf("%+v", err)
	}
}

// Eventually waits for what nothing signals.
func Eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	limit := time.NewTimer(Patience)
	defer limit.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-limit.C:
			t.Fatalf("waited %s in vain until %s", Patience, what)
		case <-tick.C:
		}
	}
}
