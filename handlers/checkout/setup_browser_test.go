//go:build browser

package checkout_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tender/acquirers/simulator"
	"tender/domain"
	"tender/domain/customer"
	"tender/domain/id"
	"tender/domain/merchant"
	"tender/domain/payment"
	"tender/domain/session"
	"tender/eventstore/storetest"
	"tender/handlers/checkout"
	"tender/handlers/checkout/browsertest"
	"tender/handlers/embed"
	"tender/handlers/engine"
	"tender/handlers/limits"
	"tender/handlers/payments"
	"tender/handlers/people"
	"tender/handlers/token"
	"tender/handlers/worker"
	projected "tender/projections/object"
	"tender/vault"
)

const (
	goodCard       = "4242424242424242"
	otherGoodCard  = "5555555555554444"
	declinedCard   = "4000000000000002"
	challengedCard = "4000000000003220"
	lostCard       = "4000000000000408" // performed, but the answer is lost
)

// withBook and withVault have the simulator's schema and the vault's in a test's
// database.
var (
	withBook  = storetest.With("simulator", simulator.Migrate)
	withVault = storetest.With("vault", vault.Migrate)
)

// bundle is a checkout with everything behind it: a log, the simulator and its
// notifications. What a worker would do in time a test does at its own moment.
type bundle struct {
	t          *testing.T
	url        string // of the checkout
	bank       string // the simulator's origin
	shop       string // the merchant's origin, to which customers return
	service    *payments.Service
	merchantID string
	tokens     *token.Signer
	db         storetest.DB
	ahead      atomic.Int64                   // by how much the engine's clock is ahead, in nanoseconds
	word       chan struct{}                  // the bank says what it keeps to itself
	meeting    atomic.Pointer[sync.WaitGroup] // of forms that are to be taken at the same moment
	overtaking atomic.Pointer[overtaking]     // of a form that pays by one that cancels
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{t: t, word: make(chan struct{})}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	db := storetest.Database(t, withBook, withVault)
	b.db = db
	store := storetest.Open(t, db, "test")

	front := httptest.NewUnstartedServer(nil)
	b.url = "http://" + front.Listener.Addr().String()
	var err error
	if b.tokens, err = token.NewSigner(bytes.Repeat([]byte("k"), 32)); err != nil {
		t.Fatal(err)
	}
	b.startBank(db, log)
	b.startShop()

	g := engine.New(store, func() time.Time { return time.Now().Add(time.Duration(b.ahead.Load())) })
	b.service = &payments.Service{
		Engine: g,
		Acquirer: simulator.New(simulator.ClientConfig{
			BaseURL: b.bank, APIKey: "sim_key", NotificationSecret: "notification secret",
		}),
		Cards: b.openSafe(db), BaseURL: b.url, Log: log,
		Guard: limits.New(limits.Config{
			Limits: limits.Test(), Engine: g, CardKey: []byte("the key of cards"), AddressKey: []byte("the key of addresses"), Log: log,
		}),
	}
	modes := map[string]*payments.Service{"test": b.service}
	notices := worker.NewNotifications(modes, b.url, log)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = notices.Run(ctx) }()

	mux := http.NewServeMux()
	mux.Handle("POST /acquirers/{name}/notifications", notices)
	checkout.New(checkout.Config{
		Modes: modes, BaseURL: b.url, FormKey: []byte("the key of the forms' tokens"), Log: log,
	}).Register(mux)
	embed.New(embed.Config{Modes: modes, Tokens: b.tokens, BaseURL: b.url, Log: log}).Register(mux)
	front.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if all := b.meeting.Load(); all != nil && r.Method == http.MethodPost && strings.HasPrefix(r.URL.Path, "/checkout/") {
			all.Done()
			all.Wait()
		}
		b.overtake(w, r, mux)
	})
	front.Start()
	t.Cleanup(func() {
		front.Close()
		cancel()
		<-ended
		b.service.Drain()
	})
	b.merchantID = b.createMerchant("Karoo Coffee Roasters")
	return b
}

// openSafe opens the vault, where cards are saved.
func (b *bundle) openSafe(db storetest.DB) *people.Safe {
	b.t.Helper()
	keys, err := vault.LoadOrCreateMasterKey(filepath.Join(b.t.TempDir(), "master.key"))
	if err != nil {
		b.t.Fatalf("make a master key: %+v", err)
	}
	v, err := vault.Open(context.Background(), db.VaultURL, keys)
	if err != nil {
		b.t.Fatalf("open the vault: %+v", err)
	}
	b.t.Cleanup(v.Close)
	return people.NewSafe(v, keys)
}

// toldAfter is for how long the simulator's late bank keeps a decision to itself.
const toldAfter = 30 * time.Second

// passes is the simulator's time. What is told late is told when a test says so.
func (b *bundle) passes(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	over := timer.C
	if d == toldAfter {
		over = nil
	}
	select {
	case <-b.word:
	case <-over:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// tells has the late bank say its word.
func (b *bundle) tells(t *testing.T) {
	t.Helper()
	select {
	case b.word <- struct{}{}:
	case <-time.After(time.Minute):
		t.Fatal("the bank has nothing to say")
	}
}

// startBank starts the simulator, with the pages of banks and telephones.
func (b *bundle) startBank(db storetest.DB, log *slog.Logger) {
	b.t.Helper()
	listener := httptest.NewUnstartedServer(nil)
	b.bank = "http://" + listener.Listener.Addr().String()
	server, err := simulator.NewServer(context.Background(), simulator.ServerConfig{
		DatabaseURL: db.SimulatorURL, PublicURL: b.bank, APIKey: "sim_key", NotificationSecret: "notification secret",
		NotifyURL: b.url + "/acquirers/simulator/notifications", NotifyRetry: 50 * time.Millisecond, Logger: log,
		Delay: b.passes,
	})
	if err != nil {
		b.t.Fatalf("start the simulator: %+v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = server.Run(ctx) }()
	listener.Config.Handler = server
	listener.Start()
	b.t.Cleanup(func() {
		listener.Close()
		cancel()
		<-ended
		server.Close()
	})
}

// startShop starts the merchant's site: another site than the checkout's, whose
// page posts a form across if it is asked to.
func (b *bundle) startShop() {
	b.t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		if r.URL.Path == "/cart" {
			_, _ = fmt.Fprintf(w, cartPage, b.url)
			return
		}
		_, _ = io.WriteString(w, `<!doctype html><title>Shop</title><link rel="icon" href="data:,"><body data-state="shop"><h1>The shop</h1>`)
		if target := r.URL.Query().Get("post_to"); strings.HasPrefix(target, b.url) {
			_, _ = fmt.Fprintf(w, `<form method="post" action="%s"><input name="number" value="%s"><button id="across">Win a prize</button></form>`, target, goodCard)
		}
	}))
	b.t.Cleanup(server.Close)
	b.shop = strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
}

func (b *bundle) createMerchant(name string) string {
	b.t.Helper()
	g, command := b.service.Engine, engine.NewID()
	merchantID := id.Format(id.Merchant, command)
	_, err := g.Do(b.t.Context(), engine.Command{
		Origin:  engine.Origin{CommandID: command, MerchantID: merchantID, Actor: domain.Actor{Kind: domain.ActorStaff, ID: "test"}},
		Subject: merchantID,
		Decide: func(ctx context.Context, tx *engine.Tx) error {
			m, err := engine.Read(ctx, tx, g.Merchants, merchantID)
			if err != nil {
				return err
			}
			events, err := merchant.Decide(m.Value, merchant.Create{Settings: merchant.Settings{Name: name, Country: "ZA", TimeZone: "UTC", AllowedOrigins: []string{b.shop}}})
			if err != nil {
				return err
			}
			engine.Write(tx, merchant.Codec, merchantID, events...)
			return nil
		},
	})
	if err != nil {
		b.t.Fatalf("create a merchant: %+v", err)
	}
	return merchantID
}

// sale is a session that waits to be paid.
type sale struct {
	*bundle
	id, url string
	browser *browsertest.Browser // in which it is paid, for who needs a second tab
}

// sell makes a session, changed as a test needs it. One that names no customer gets
// a new one if it needs one.
func (b *bundle) sell(t *testing.T, changes ...func(*session.Create)) sale {
	t.Helper()
	command := engine.NewID()
	c := session.Create{
		ID: command, CheckoutID: id.Format(id.Checkout, engine.NewID()), Type: session.TypeOneTime,
		Amount: 124900, Currency: "ZAR", CaptureMethod: payment.CaptureAutomatic, ExternalReference: "ORDER-10442",
		ReturnURL: b.shop + "/thanks?basket=7",
		Options:   &session.Options{CheckoutOptions: &session.CheckoutOptions{ReturnURL: b.shop + "/thanks?basket=7"}},
	}
	c.SessionURL = b.url + "/checkout/" + c.CheckoutID
	for _, change := range changes {
		change(&c)
	}
	var newcomer *customer.Create
	if c.Type == session.TypeFirstInSeries && c.CustomerID == "" {
		newcomer = &customer.Create{ID: command}
	}
	_, err := b.service.CreateSession(t.Context(), engine.Origin{
		CommandID: command, MerchantID: b.merchantID, Actor: domain.Actor{Kind: domain.ActorSystem, ID: "test"},
	}, nil, newcomer, c)
	if err != nil {
		t.Fatalf("create a session: %+v", err)
	}
	return sale{bundle: b, id: c.SessionID(), url: c.SessionURL}
}

// session is the session as the log has it.
func (s sale) session(t *testing.T) session.State {
	t.Helper()
	ref := s.service.Engine.Sessions.Ref(s.id)
	if err := s.service.Engine.Refresh(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	return ref.Value
}

// shown is the session as its merchant sees it.
func (s sale) shown(t *testing.T) projected.Session {
	t.Helper()
	ref := s.service.Engine.SessionObjects.Ref(s.id)
	if err := s.service.Engine.Refresh(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	return ref.Value
}

// settle asks the acquirer what became of the attempt, as a worker does.
func (s sale) settle(t *testing.T) {
	t.Helper()
	g := s.service.Engine
	ref := g.Payments.Ref(s.session(t).PaymentID)
	if err := g.Refresh(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	if _, err := s.service.Settle(t.Context(), ref.Value.Attempt.Key); err != nil {
		t.Fatalf("settle: %+v", err)
	}
}

// fill types a card into the form and sends it off.
func fill(tab *browsertest.Tab, number string) {
	tab.Type("#number", number)
	tab.Type("#exp", "1230")
	tab.Type("#cvc", "123")
	tab.Type("#name", "Ama Mensah")
	tab.Click("#submit")
}

// arrives waits until the customer is back at the shop, with the session's id.
func (s sale) arrives(t *testing.T, tab *browsertest.Tab) {
	t.Helper()
	tab.WaitState("shop")
	at, err := url.Parse(tab.URL())
	if err != nil {
		t.Fatal(err)
	}
	if q := at.Query(); at.Path != "/thanks" || q.Get("basket") != "7" || q.Get("session_id") != s.id {
		t.Errorf("the customer came back to %s", at)
	}
}

// quiet holds that the browser had nothing to complain about, asked nobody but
// the checkout, the bank and the shop, and named no card in an address.
func (b *bundle) quiet(t *testing.T, tab *browsertest.Tab) {
	t.Helper()
	for _, complaint := range tab.Complaints() {
		t.Errorf("the browser complains: %s", complaint)
	}
	for _, to := range tab.Requests() {
		known := strings.HasPrefix(to, "data:")
		for _, origin := range []string{b.url, b.bank, b.shop} {
			known = known || strings.HasPrefix(to, origin+"/")
		}
		if !known {
			t.Errorf("request to %s", to)
		}
		for _, card := range []string{goodCard, otherGoodCard, declinedCard, challengedCard, lostCard} {
			if strings.Contains(to, card) {
				t.Errorf("a card number stands in an address")
			}
		}
	}
	for _, to := range tab.Loads() {
		if !strings.HasPrefix(to, b.url+"/") && !strings.HasPrefix(to, "data:") {
			t.Errorf("a page asks another origin: %s", to)
		}
	}
}
