package webhooks_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"tender/domain"
	"tender/domain/id"
	"tender/domain/session"
	"tender/domain/webhook"
	"tender/eventstore"
	"tender/eventstore/feed"
	"tender/eventstore/lease"
	"tender/eventstore/storetest"
	"tender/handlers/engine"
	"tender/handlers/webhooks"
	"tender/handlers/webhooks/egress"
	"tender/projections"
	"tender/vault"
)

// patience bounds every wait of these tests: far more than any should take, on a
// machine that has other work.
const patience = 90 * time.Second

// system is a log with its read model of deliveries, and workers.
type system struct {
	t       *testing.T
	ctx     context.Context
	db      storetest.DB
	store   *eventstore.Store
	engine  *engine.Engine
	vault   *vault.Vault
	secrets *webhooks.Secrets
	cursors *projections.Cursors
	reader  *feed.Reader
}

func start(t *testing.T) *system {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	t.Cleanup(cancel)
	s := &system{t: t, ctx: ctx, db: storetest.Database(t, storetest.With("vault", vault.Migrate))}
	s.store = storetest.Open(t, s.db, "test")
	s.engine = engine.New(s.store, time.Now)
	keys, err := vault.LoadOrCreateMasterKey(filepath.Join(t.TempDir(), "master.key"))
	s.must(err)
	s.vault, err = vault.Open(ctx, s.db.VaultURL, keys)
	s.must(err)
	t.Cleanup(s.vault.Close)
	s.secrets = webhooks.NewSecrets(s.vault)
	s.cursors = projections.NewCursors(s.store)
	s.reader, err = feed.NewReader(s.store, nil)
	s.must(err)
	s.background(func(ctx context.Context) { _ = s.reader.Run(ctx) })
	s.project(projections.Deliveries(), projections.Recoveries("test"))
	return s
}

// project keeps read models from now on.
func (s *system) project(models ...projections.Projection) {
	s.t.Helper()
	runner, err := projections.NewRunner(s.store, s.reader, s.cursors, models...)
	s.must(err)
	s.must(runner.Prepare(s.ctx))
	s.background(func(ctx context.Context) { _ = runner.Run(ctx) })
}

func (s *system) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatalf("%+v", err)
	}
}

func (s *system) background(f func(ctx context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(s.ctx)
	done := make(chan struct{})
	go func() { defer close(done); f(ctx) }()
	stop = func() { cancel(); <-done }
	s.t.Cleanup(stop)
	return stop
}

// worker starts a worker with connections of its own, as another process has.
func (s *system) worker(options ...egress.Option) (stop func()) {
	s.t.Helper()
	store := storetest.Open(s.t, s.db, "test")
	w := webhooks.NewWorker(webhooks.WorkerConfig{
		Engine: engine.New(store, time.Now), Cursors: s.cursors, Leases: lease.New(store.Pool(), store.Log()),
		Secrets: webhooks.NewSecrets(s.vault), Egress: egress.New(egress.Policy{AllowLoopback: true}, options...),
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	return s.background(func(ctx context.Context) { _ = w.Run(ctx) })
}

func (s *system) origin(merchantID string) engine.Origin {
	return engine.Origin{
		CommandID: engine.NewID(), MerchantID: merchantID, RequestID: "req_1",
		Actor: domain.Actor{Kind: domain.ActorMerchant, ID: "key_1"},
	}
}

// endpoint creates an endpoint of a merchant.
func (s *system) endpoint(merchantID, url string, events ...string) (endpointID string, secret webhooks.Secret) {
	s.t.Helper()
	c := webhook.CreateEndpoint{ID: engine.NewID(), URL: url, Events: events}
	if len(events) == 0 {
		c.Events = []string{webhook.AllTypes}
	}
	var err error
	c.SecretRef, secret, err = s.secrets.Make(s.ctx, merchantID, c.EndpointID())
	s.must(err)
	_, err = s.engine.Do(s.ctx, engine.Command{Origin: s.origin(merchantID), Decide: func(_ context.Context, tx *engine.Tx) error {
		engine.Create(tx, s.engine.Endpoints, c.EndpointID())
		events, err := webhook.DecideEndpoint(webhook.Endpoint{}, c)
		engine.Write(tx, webhook.Codec, c.EndpointID(), events...)
		return err
	}})
	s.must(err)
	return c.EndpointID(), secret
}

func (s *system) change(merchantID, endpointID string, c webhook.EndpointCommand) {
	s.t.Helper()
	_, err := s.engine.Do(s.ctx, engine.Command{Origin: s.origin(merchantID), Decide: func(ctx context.Context, tx *engine.Tx) error {
		e, err := engine.Read(ctx, tx, s.engine.Endpoints, endpointID)
		if err != nil {
			return err
		}
		events, err := webhook.DecideEndpoint(e.Value, c)
		engine.Write(tx, webhook.Codec, endpointID, events...)
		return err
	}})
	s.must(err)
}

// resend has a delivery sent again, as the API does.
func (s *system) resend(merchantID, deliveryID string) {
	s.t.Helper()
	_, err := webhooks.NewResends(s.engine).Resend(s.ctx, s.origin(merchantID), nil, deliveryID, func(context.Context, *engine.Tx) error { return nil })
	s.must(err)
}

// sessions appends n sessions, each a public event, and returns the events' ids.
func (s *system) sessions(merchantID string, n int) []string {
	s.t.Helper()
	return s.sessionsAt(merchantID, n, time.Time{})
}

// sessionsAt is sessions by a test clock that stands at an instant; zero: by the wall's.
func (s *system) sessionsAt(merchantID string, n int, at time.Time) []string {
	s.t.Helper()
	ids := make([]string, n)
	for i := range n {
		stream := id.Format(id.Session, uuid.Must(uuid.NewV7()))
		_, err := s.engine.Do(s.ctx, engine.Command{Origin: s.origin(merchantID), Decide: func(_ context.Context, tx *engine.Tx) error {
			if !at.IsZero() {
				tx.Now.At = at
			}
			engine.Create(tx, s.engine.Sessions, stream)
			engine.Write[session.Event](tx, session.Codec, stream, session.Created{
				Kind: session.TypeOneTime, Amount: int64(i + 1), Currency: "EUR", ExpiresAt: tx.Now.At.Add(time.Hour),
			})
			return nil
		}})
		s.must(err)
		events, err := s.store.Stream(s.ctx, stream)
		s.must(err)
		ids[i] = id.Format(id.Event, events[0].ID)
	}
	return ids
}

// count counts rows of the log's own schemas: {read}, {work} and {log}.
func (s *system) count(sql string, args ...any) int {
	s.t.Helper()
	var n int
	s.must(s.store.Pool().QueryRow(s.ctx, sql, args...).Scan(&n))
	return n
}

func (s *system) exec(sql string, args ...any) {
	s.t.Helper()
	tag, err := s.store.Pool().Exec(s.ctx, sql, args...)
	s.must(err)
	if tag.RowsAffected() == 0 {
		s.t.Fatalf("%s: nothing changed", sql)
	}
}

func (s *system) eventually(what string, holds func() bool) {
	s.t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			s.t.Fatalf("never: %s", what)
		}
	}
}

// has waits until the read model has n deliveries of an endpoint with a status.
func (s *system) has(n int, endpointID string, status projections.DeliveryStatus) {
	s.t.Helper()
	s.eventually(strconv.Itoa(n)+" "+string(status), func() bool {
		return n == s.count(`SELECT count(*) FROM read_test.deliveries WHERE endpoint_id = $1 AND status = $2`, endpointID, string(status))
	})
}

// inbox is a receiver that keeps what it gets, and answers as it is told.
type inbox struct {
	*testing.T
	url    string
	mu     sync.Mutex
	got    []received
	answer http.HandlerFunc
}

type received struct {
	id     string
	header http.Header
	body   []byte
}

func receiver(t *testing.T, answer http.HandlerFunc) *inbox {
	t.Helper()
	in := &inbox{T: t, answer: answer}
	in.url = receive(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		in.mu.Lock()
		in.got = append(in.got, received{id: r.Header.Get("webhook-id"), header: r.Header, body: body})
		answer := in.answer
		in.mu.Unlock()
		answer(w, r)
	}).URL
	return in
}

func (in *inbox) answers(answer http.HandlerFunc) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.answer = answer
}

func (in *inbox) messages() []received {
	in.mu.Lock()
	defer in.mu.Unlock()
	return slices.Clone(in.got)
}

// has reports whether all of the events came.
func (in *inbox) has(ids []string) bool {
	came := map[string]bool{}
	for _, m := range in.messages() {
		came[m.id] = true
	}
	return !slices.ContainsFunc(ids, func(id string) bool { return !came[id] })
}

// exactly checks that each of the events came once, and nothing else.
func (in *inbox) exactly(ids []string) {
	in.Helper()
	var got []string
	for _, m := range in.messages() {
		got = append(got, m.id)
	}
	want := slices.Clone(ids)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		in.Errorf("%d messages came, want %d: %v", len(got), len(want), got)
	}
}

// receive starts a receiver on loopback, which ends with the test.
func receive(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

// status answers every message with a status.
func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// hang answers nothing until the caller has gone. The body is read, because only
// then the server notices.
func hang(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}
