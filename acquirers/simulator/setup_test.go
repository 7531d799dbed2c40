package simulator_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tender/acquirers"
	"tender/acquirers/simulator"
	"tender/eventstore/storetest"
)

const (
	apiKey = "sim_key_for_tests"
	secret = "notification secret for tests"
)

// A delay of the simulator's is over a thousand times as fast here.
var quick = simulator.Faster(1000)

// withBook has the simulator's schema in a test's database.
var withBook = storetest.With("simulator", simulator.Migrate)

// bundle is a simulator of a test's own, with its adapter and a receiver of its
// notifications.
type bundle struct {
	t        *testing.T
	db       storetest.DB
	cfg      simulator.ServerConfig
	server   *simulator.Server
	url      string
	client   *simulator.Client
	received *receiver
	log      *logBuffer
	keys     atomic.Int64
}

// setup starts a simulator on a database of its own; with changes its
// configuration beforehand.
func setup(t testing.TB, with ...func(*simulator.ServerConfig)) *bundle {
	t.Helper()
	return setupOn(t, storetest.Database(t, withBook), with...)
}

// setupOn is setup on a given database.
func setupOn(t testing.TB, db storetest.DB, with ...func(*simulator.ServerConfig)) *bundle {
	t.Helper()
	b := &bundle{db: db, received: newReceiver(t), log: new(logBuffer)}
	b.t, _ = t.(*testing.T)
	b.cfg = simulator.ServerConfig{
		DatabaseURL: b.db.SimulatorURL, APIKey: apiKey, NotificationSecret: secret,
		NotifyURL: b.received.url, NotifyRetry: 5 * time.Millisecond, Delay: quick,
		Logger: slog.New(slog.NewTextHandler(b.log, nil)),
	}
	for _, change := range with {
		change(&b.cfg)
	}
	b.start(t)
	return b
}

// start starts a server with the bundle's configuration; the one before it, if
// any, must have been closed.
func (b *bundle) start(t testing.TB) {
	t.Helper()
	listener := httptest.NewUnstartedServer(nil)
	b.url = "http://" + listener.Listener.Addr().String()
	b.cfg.PublicURL = b.url
	server, err := simulator.NewServer(t.Context(), b.cfg)
	if err != nil {
		t.Fatalf("start the simulator: %v", err)
	}
	b.server = server
	listener.Config.Handler = server
	listener.Config.ErrorLog = slog.NewLogLogger(b.cfg.Logger.Handler(), slog.LevelWarn)
	listener.Start()
	t.Cleanup(func() {
		server.Close()
		listener.CloseClientConnections()
		listener.Close()
	})
	b.client = simulator.New(simulator.ClientConfig{BaseURL: b.url, APIKey: apiKey, NotificationSecret: secret})
}

// run sends the outbox until the test ends or stop is called.
func (b *bundle) run(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.server.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// key returns a fresh operation key.
func (b *bundle) key() string { return fmt.Sprintf("key-%06d", b.keys.Add(1)) }

// authorisation asks for ZAR 100.00 by a card, the customer present.
func (b *bundle) authorisation(number string) acquirers.Authorisation {
	cvc := "737"
	if strings.HasPrefix(number, "37") {
		cvc = "7373"
	}
	return acquirers.Authorisation{
		Key: b.key(), Amount: 10_000, Currency: "ZAR", Country: "ZA",
		Initiator: acquirers.InitiatorCustomer, StoredCredential: acquirers.StoredCredentialNone,
		Authentication: acquirers.AuthenticationIfRequired,
		Card: acquirers.Card{Number: number, ExpMonth: 12, ExpYear: time.Now().Year() + 3, CVC: cvc,
			Holder: "Ada Lovelace"},
		ReturnURL: "https://shop.example/back?session=1",
	}
}

// authorise demands an answer.
func (b *bundle) authorise(a acquirers.Authorisation) acquirers.Answer {
	b.t.Helper()
	answer, err := b.client.Authorise(b.t.Context(), a)
	if err != nil {
		b.t.Fatalf("authorise: %v", err)
	}
	return answer
}

// approved returns an approved authorisation of a card.
func (b *bundle) approved(number string) acquirers.Answer {
	b.t.Helper()
	answer := b.authorise(b.authorisation(number))
	want(b.t, "status", answer.Status, acquirers.StatusApproved)
	return answer
}

func (b *bundle) capture(reference string, amount int64) acquirers.Answer {
	b.t.Helper()
	answer, err := b.client.Capture(b.t.Context(), acquirers.Capture{
		Key: b.key(), Reference: reference, Amount: amount, Currency: "ZAR"})
	if err != nil {
		b.t.Fatalf("capture: %v", err)
	}
	return answer
}

func (b *bundle) void(reference string, amount int64) acquirers.Answer {
	b.t.Helper()
	answer, err := b.client.Void(b.t.Context(), acquirers.Void{
		Key: b.key(), Reference: reference, Amount: amount, Currency: "ZAR"})
	if err != nil {
		b.t.Fatalf("void: %v", err)
	}
	return answer
}

func (b *bundle) refund(reference string, amount int64) acquirers.Answer {
	b.t.Helper()
	answer, err := b.client.Refund(b.t.Context(), acquirers.Refund{
		Key: b.key(), Reference: reference, Amount: amount, Currency: "ZAR"})
	if err != nil {
		b.t.Fatalf("refund: %v", err)
	}
	return answer
}

// sold returns an approved sale by a card.
func (b *bundle) sold(number string) acquirers.Answer {
	b.t.Helper()
	a := b.authorisation(number)
	a.Capture = true
	answer := b.authorise(a)
	want(b.t, "status", answer.Status, acquirers.StatusApproved)
	return answer
}

func (b *bundle) settle(key string) acquirers.Answer {
	b.t.Helper()
	answer, err := b.client.Settle(b.t.Context(), key)
	if err != nil {
		b.t.Fatalf("settle: %v", err)
	}
	return answer
}

// entries reads the whole book.
func (b *bundle) entries() map[string]simulator.Entry {
	b.t.Helper()
	conn, err := pgx.Connect(b.t.Context(), b.db.SimulatorURL)
	if err != nil {
		b.t.Fatalf("connect: %v", err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	all := make(map[string]simulator.Entry)
	for e, err := range simulator.Book(b.t.Context(), conn, "") {
		if err != nil {
			b.t.Fatalf("read the book: %v", err)
		}
		all[e.Key] = e
	}
	return all
}

// checkSums holds every authorisation's sums against the operations on it.
func (b *bundle) checkSums() {
	b.t.Helper()
	all := b.entries()
	captured, voided, refunded := make(map[string]int64), make(map[string]int64), make(map[string]int64)
	for _, e := range all {
		switch {
		case e.Status != acquirers.StatusApproved:
		case e.Kind == "capture":
			captured[e.Authorisation] += e.Amount
		case e.Kind == "void":
			voided[e.Authorisation] += e.Amount
		case e.Kind == "refund":
			refunded[e.Authorisation] += e.Amount
		case e.Sale:
			captured[e.Reference] += e.Amount
		}
	}
	for _, e := range all {
		if e.Kind != "authorisation" {
			continue
		}
		if e.Captured != captured[e.Reference] || e.Voided != voided[e.Reference] || e.Refunded != refunded[e.Reference] ||
			e.Captured+e.Voided > e.Amount || e.Refunded > e.Captured {
			b.t.Errorf("authorisation of %d has captured %d, voided %d and refunded %d; its operations say %d, %d and %d",
				e.Amount, e.Captured, e.Voided, e.Refunded, captured[e.Reference], voided[e.Reference], refunded[e.Reference])
		}
	}
}

// receiver takes notifications as the engine would.
type receiver struct {
	url    string
	status atomic.Int64 // what is answered

	mu       sync.Mutex
	all      []acquirers.Notification
	read     int           // how many next has returned
	arrivals chan struct{} // one for every message, good or bad
}

func newReceiver(t testing.TB) *receiver {
	r := &receiver{arrivals: make(chan struct{}, 1000)}
	r.status.Store(http.StatusNoContent)
	reader := simulator.New(simulator.ClientConfig{NotificationSecret: secret})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			t.Errorf("read a notification: %v", err)
		}
		n, err := reader.ReadNotification(req.Header, body)
		if err != nil {
			t.Errorf("understand a notification: %v", err)
		}
		r.mu.Lock()
		r.all = append(r.all, n)
		r.mu.Unlock()
		w.WriteHeader(int(r.status.Load()))
		r.arrivals <- struct{}{}
	}))
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

// next waits for the first message that it has not returned yet.
func (r *receiver) next(t *testing.T) acquirers.Notification {
	t.Helper()
	select {
	case <-r.arrivals:
	case <-time.After(20 * time.Second):
		t.Fatal("no notification came")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.read++
	return r.all[r.read-1]
}

func (r *receiver) messages() []acquirers.Notification {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.all)
}

// logBuffer is the process's output.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func connect(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// eventually polls where nothing signals.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-deadline:
			t.Fatalf("never: %s", what)
		case <-tick.C:
		}
	}
}

func want[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// post sends a raw request to the simulator and returns status and body.
func (b *bundle) post(path, body string) (int, string) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.url+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+apiKey)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return res.StatusCode, string(answer)
}

func toJSON(t *testing.T, v any) string {
	t.Helper()
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
