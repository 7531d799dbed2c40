package simulator_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"tender/acquirers"
	"tender/acquirers/simulator"
	"tender/eventstore/storetest"
)

func TestMalformedRequests(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const card = `"card":{"number":"4242424242424242","exp_month":12,"exp_year":2099,"cvc":"737"}`
	authorisation := func(members string) string {
		return `{"key":"k","amount":1,"currency":"ZAR","initiator":"customer",` + card + members + `}`
	}
	without := func(member, instead string) string {
		return strings.Replace(authorisation(""), member, instead, 1)
	}
	cases := map[string]struct {
		path, body string
		status     int
	}{
		"empty":                {"/v1/authorisations", ``, 400},
		"no object":            {"/v1/authorisations", `[]`, 400},
		"broken":               {"/v1/authorisations", `{"key":`, 400},
		"two objects":          {"/v1/authorisations", authorisation("") + `{}`, 400},
		"unknown member":       {"/v1/authorisations", authorisation(`,"surprise":1`), 400},
		"wrong type":           {"/v1/authorisations", without(`"amount":1`, `"amount":"1"`), 400},
		"fraction":             {"/v1/authorisations", without(`"amount":1`, `"amount":1.5`), 400},
		"beyond 64 bits":       {"/v1/authorisations", without(`"amount":1`, `"amount":99999999999999999999`), 400},
		"negative":             {"/v1/authorisations", without(`"amount":1`, `"amount":-1`), 400},
		"too much":             {"/v1/authorisations", without(`"amount":1`, `"amount":1000000000000`), 400},
		"no key":               {"/v1/authorisations", without(`"key":"k",`, ``), 400},
		"key too long":         {"/v1/authorisations", without(`"k"`, `"`+strings.Repeat("k", 256)+`"`), 400},
		"NUL in the key":       {"/v1/authorisations", without(`"k"`, `"a\u0000b"`), 400},
		"currency":             {"/v1/authorisations", without(`ZAR`, `zar`), 400},
		"initiator":            {"/v1/authorisations", without(`"customer"`, `"nobody"`), 400},
		"NUL in a value":       {"/v1/authorisations", authorisation(`,"country":"\u0000"`), 400},
		"reason":               {"/v1/authorisations", authorisation(`,"reason":"because"`), 400},
		"stored credential":    {"/v1/authorisations", authorisation(`,"stored_credential":"maybe"`), 400},
		"authentication":       {"/v1/authorisations", authorisation(`,"authentication":"maybe"`), 400},
		"return URL":           {"/v1/authorisations", authorisation(`,"return_url":"javascript:alert(1)"`), 400},
		"NUL in a return URL":  {"/v1/authorisations", authorisation(`,"return_url":"https://a/\u0000"`), 400},
		"line in a return URL": {"/v1/authorisations", authorisation(`,"return_url":"https://a/\r\nb"`), 400},
		"too large":            {"/v1/authorisations", `{"key":"` + strings.Repeat("k", 70_000) + `"}`, 413},
		"capture of 0":         {"/v1/captures", `{"key":"k","authorisation":"a","amount":0,"currency":"ZAR"}`, 400},
		"capture of nothing":   {"/v1/captures", `{"key":"k","amount":1,"currency":"ZAR"}`, 400},
		"void of 0":            {"/v1/voids", `{"key":"k","authorisation":"a","currency":"ZAR"}`, 400},
		"NUL in a reference":   {"/v1/voids", `{"key":"k","authorisation":"\u0000","amount":1,"currency":"ZAR"}`, 400},
		"settle nothing":       {"/v1/settle", `{}`, 400},
		"NUL in a settle":      {"/v1/settle", `{"key":"\u0000"}`, 400},
		"invalid UTF-8":        {"/v1/settle", "{\"key\":\"\xff\"}", 400},
		"refund of 0":          {"/v1/refunds", `{"key":"k","authorisation":"a","currency":"ZAR"}`, 400},
		"refund of nothing":    {"/v1/refunds", `{"key":"k","amount":1,"currency":"ZAR"}`, 400},
		"nowhere":              {"/v1/chargebacks", `{}`, 404},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, body := b.post(c.path, c.body)
			if status != c.status {
				t.Errorf("answered %d, want %d: %s", status, c.status, body)
			}
		})
	}
	status, body := b.post("/v1/authorisations", authorisation(""))
	want(t, "status of the model of them all", status, http.StatusOK)
	contains(t, body, `"status":"approved"`)
	want(t, "operations", len(b.entries()), 1)
}

func TestOnlyCallersWithTheKey(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.authorisation("4242424242424242")
	for _, key := range []string{"", "wrong", apiKey + "x", apiKey[1:]} {
		stranger := simulator.New(simulator.ClientConfig{BaseURL: b.url, APIKey: key})
		if _, err := stranger.Authorise(t.Context(), a); !errors.Is(err, simulator.ErrRefused) {
			t.Errorf("with key %q: %v", key, err)
		}
		if _, err := stranger.Settle(t.Context(), a.Key); !errors.Is(err, simulator.ErrRefused) {
			t.Errorf("with key %q: %v", key, err)
		}
	}
	res, _ := visit(t, b.url+"/v1/book")
	want(t, "book", res.StatusCode, http.StatusUnauthorized)
	want(t, "operations", len(b.entries()), 0)
}

// What is no answer to the question is an error, and thereby unknown.
func TestAdapterTrustsNothingElse(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]http.HandlerFunc{
		"500":            func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) },
		"502 by a proxy": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>", http.StatusBadGateway) },
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		},
		"201":     func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(201) },
		"no JSON": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok")) },
		"empty":   func(http.ResponseWriter, *http.Request) {},
		"another key": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"key":"other","status":"approved"}`))
		},
		"unknown status": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"key":"k","status":"fine"}`)) },
		"cut in the middle": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte(`{"key":"k","status":"approved"}`))
			panic(http.ErrAbortHandler)
		},
	} {
		server := httptest.NewServer(handler)
		client := simulator.New(simulator.ClientConfig{BaseURL: server.URL})
		if answer, err := client.Settle(t.Context(), "k"); err == nil {
			t.Errorf("%s: took %+v for an answer", name, answer)
		}
		server.Close()
		if _, err := client.Settle(t.Context(), "k"); err == nil {
			t.Errorf("%s: a server that is gone answered", name)
		}
	}
}

func TestCapabilities(t *testing.T) {
	t.Parallel()
	var a acquirers.Acquirer = simulator.New(simulator.ClientConfig{})
	c := a.Capabilities()
	want(t, "name", a.Name(), "simulator")
	want(t, "live", c.Live, false)
	want(t, "closes keys", c.ClosesKeys, true)
	want(t, "refund", c.Refund, true)
	want(t, "accounts", strings.Join(c.Accounts, " "), "instant_eft capitec_pay mtn_momo")
	want(t, "accounts without the customer", strings.Join(c.AccountsAlone, " "), "capitec_pay")
	isID := regexp.MustCompile(`^[a-z0-9_]{1,40}$`)
	ids := map[string]bool{}
	for _, bank := range c.Banks {
		want(t, bank.ID+" is an id", isID.MatchString(bank.ID) && !ids[bank.ID], true)
		want(t, bank.ID+" says that it is for tests", strings.HasPrefix(bank.ID, "test_"), strings.HasPrefix(bank.Name, "Test: "))
		ids[bank.ID] = true
	}
	if c.KeyMemory < 24*time.Hour || c.RequestLifetime < 30*time.Second {
		t.Errorf("remembers %v, requests under way %v", c.KeyMemory, c.RequestLifetime)
	}
}

func TestCloseEndsWhatIsHeldBack(t *testing.T) {
	t.Parallel()
	g := newGate()
	b := setup(t, func(cfg *simulator.ServerConfig) { cfg.Delay = g.delay })
	ended := make(chan error, 2)
	for _, number := range []string{"4000000000000416", "4000000000000465"} {
		a := b.authorisation(number)
		go func() {
			_, err := b.client.Authorise(t.Context(), a)
			ended <- err
		}()
		<-g.begun
	}
	b.server.Close()
	for range 2 {
		if err := <-ended; err == nil {
			t.Error("a request that was under way got an answer")
		}
	}
	if _, err := b.client.Settle(t.Context(), "k"); err == nil {
		t.Error("a closed server answered")
	}
	b.server.Close() // once more does nothing
	want(t, "operations", len(b.entries()), 0)
}

func TestServeUntilToldToStop(t *testing.T) {
	t.Parallel()
	b := setup(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + listener.Addr().String()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.server.Serve(ctx, listener) }()
	client := simulator.New(simulator.ClientConfig{BaseURL: url, APIKey: apiKey})
	answer, err := client.Authorise(t.Context(), b.authorisation("4242424242424242"))
	if err != nil {
		t.Fatal(err)
	}
	want(t, "status", answer.Status, acquirers.StatusApproved)
	res, _ := visit(t, url+"/healthz")
	want(t, "health", res.StatusCode, http.StatusOK)
	stop()
	if err := <-ended; err != nil {
		t.Errorf("serve: %v", err)
	}
	if _, err := client.Settle(t.Context(), "k"); err == nil {
		t.Error("a stopped server answered")
	}
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	db := storetest.Database(t, withBook)
	good := simulator.ServerConfig{DatabaseURL: db.SimulatorURL, PublicURL: "http://localhost", APIKey: "k",
		NotifyURL: "http://localhost", NotificationSecret: "s"}
	for name, change := range map[string]func(*simulator.ServerConfig){
		"no database":   func(c *simulator.ServerConfig) { c.DatabaseURL = "" },
		"no public URL": func(c *simulator.ServerConfig) { c.PublicURL = "" },
		"no API key":    func(c *simulator.ServerConfig) { c.APIKey = "" },
		"no secret":     func(c *simulator.ServerConfig) { c.NotificationSecret = "" },
		"bad database":  func(c *simulator.ServerConfig) { c.DatabaseURL = "postgres://127.0.0.1:1/none" },
	} {
		bad := good
		change(&bad)
		if server, err := simulator.NewServer(t.Context(), bad); err == nil {
			server.Close()
			t.Errorf("%s: started", name)
		}
	}
	server, err := simulator.NewServer(t.Context(), good)
	if err != nil {
		t.Fatal(err)
	}
	server.Close()
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	db := storetest.Database(t) // with an empty schema, which tender_simulator owns
	cfg := simulator.ServerConfig{DatabaseURL: db.SimulatorURL, PublicURL: "http://localhost", APIKey: "k"}
	if _, err := simulator.NewServer(t.Context(), cfg); err == nil {
		t.Error("started without a schema")
	}
	together(t, 3, func(int) (struct{}, error) { return struct{}{}, simulator.Migrate(t.Context(), db.AdminURL) })

	server, err := simulator.NewServer(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	server.Close()

	conn := connect(t, db.SuperURL)
	if _, err := conn.Exec(t.Context(), `insert into simulator.migrations (version) values (99)`); err != nil {
		t.Fatal(err)
	}
	if err := simulator.Migrate(t.Context(), db.AdminURL); !errors.Is(err, simulator.ErrSchemaVersion) {
		t.Errorf("migrated backwards: %v", err)
	}
	if _, err := simulator.NewServer(t.Context(), cfg); !errors.Is(err, simulator.ErrSchemaVersion) {
		t.Errorf("started on a newer schema: %v", err)
	}
}
