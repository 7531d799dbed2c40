package main_test

import (
	"bytes"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"tender/cmd/tender/internal/devenv"
	"tender/eventstore"
)

// person is somebody whose every trace can be found.
type person struct{ name, email, phone, card string }

// secrets are what nobody may find of them, the phone number also without its blanks.
func (p person) secrets() []string {
	return []string{p.name, p.email, p.phone, strings.ReplaceAll(p.phone, " ", ""), p.card}
}

func (p person) profile() string {
	return `{"name":"` + p.name + `","email":"` + p.email + `","phone":"` + p.phone + `"}`
}

// agrees pays a first_in_series session of theirs, and returns it as it is then.
func (i *installation) agrees(key string, p person, options string) object {
	i.t.Helper()
	s := i.must(http.StatusCreated, http.MethodPost, "/collect/payment_sessions", key,
		`{"amount":1000,"currency":"ZAR","type":"first_in_series","options":`+options+`}`)
	i.must(http.StatusOK, http.MethodPost, "/checkout/"+s.text("checkout_session_id")+"/attempts", "", `{"accept_mandate":true,"payment_method":{"type":"card",
		"card":{"number":"`+p.card+`","exp_month":12,"exp_year":2034,"cvc":"123","name":"`+p.name+`"}}}`)
	return i.must(http.StatusOK, http.MethodGet, "/collect/payment_sessions/"+s.text("id"), "", "")
}

// received keeps what webhooks were sent.
type received struct {
	mu   sync.Mutex
	kept bytes.Buffer
}

func (r *received) ServeHTTP(_ http.ResponseWriter, q *http.Request) {
	body, _ := io.ReadAll(q.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.kept.Write(body)
}

func (r *received) bytes() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return bytes.Clone(r.kept.Bytes())
}

// TestErasureLeavesNothing makes customers, charges them and erases one: who they
// are stands nowhere in the clear, before or after, and the log is as good as it was.
func TestErasureLeavesNothing(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.start("--log-level", "debug")
	hooks := &received{}
	server := httptest.NewServer(hooks)
	t.Cleanup(server.Close)
	i.must(http.StatusCreated, http.MethodPost, "/webhooks/endpoints", "hook", `{"url":"`+server.URL+`","events":["*"]}`)

	gone := person{"Zebedee Quillfeather", "zebedee@quillfeather.example", "+27 82 777 0199", "4242424242424242"}
	stays := person{"Wilhelmina Ostrander", "wilhelmina@ostrander.example", "+27 82 777 0188", "5555555555554444"}
	made := i.must(http.StatusCreated, http.MethodPost, "/collect/customers", "made", gone.profile())
	customerID := made.text("id")
	first := i.agrees("first", gone, `{"customer_id":"`+customerID+`"}`)
	other := i.agrees("other", stays, `{"customer":`+stays.profile()+`}`)
	next := `{"amount":700,"currency":"ZAR","type":"next_in_series","options":{"customer_id":"` + customerID + `","payment_method_id":"` + first.text("payment_method_id") + `"}}`
	paid := i.must(http.StatusCreated, http.MethodPost, "/collect/payment_sessions", "next", next)
	if paid.text("payment_outcome") != "paid" {
		t.Fatalf("it is not paid: %v", paid)
	}
	// What is refused must not be written down either.
	for n, body := range []string{
		`{"name":"` + gone.name + `","email":"` + gone.email + `","phone":"` + gone.phone + `","age":40}`, gone.profile()[1:],
		`{"email":"` + strings.ReplaceAll(gone.email, "@", " ") + `","name":["` + gone.name + `"]}`,
	} {
		if status, _, err := i.call(t.Context(), http.MethodPost, "/collect/customers", "refused", body); err != nil || status != http.StatusBadRequest {
			t.Errorf("body %d is answered %d, %v", n, status, err)
		}
	}
	i.eventually(startTimeout, "the webhooks have told of the payment", func() bool {
		return bytes.Contains(hooks.bytes(), []byte(paid.text("payment_id")))
	})
	both := append(gone.secrets(), stays.secrets()...)
	i.searchSees()
	i.search("before", both, hooks)

	i.must(http.StatusNoContent, http.MethodDelete, "/collect/customers/"+customerID, "erase", "")
	i.must(http.StatusNoContent, http.MethodDelete, "/collect/customers/"+customerID, "erase", "")
	for _, path := range []string{"/collect/customers/" + customerID, "/collect/customers/" + customerID + "/payment_methods"} {
		i.must(http.StatusNotFound, http.MethodGet, path, "", "")
	}
	if o := i.must(http.StatusGone, http.MethodPost, "/collect/customers", "made", gone.profile()); o.text("code") != "erased" {
		t.Errorf("a replay says %v", o)
	}
	if o := i.must(http.StatusOK, http.MethodGet, "/collect/customers/"+other.text("customer_id"), "", ""); o.text("name") != stays.name {
		t.Errorf("the other is %v", o)
	}
	i.must(http.StatusOK, http.MethodPost, "/collect/payments/"+paid.text("payment_id")+"/refunds", "refund", `{}`)
	i.verifyLog()
	i.search("after", both, hooks)

	i.stop()
	i.searchFiles(both)
}

// searchSees makes sure that the searches would find something: what is no secret
// stands in events, which the database and the messages hold.
func (i *installation) searchSees() {
	i.t.Helper()
	const canary = "Quetzalcoatlus"
	i.must(http.StatusCreated, http.MethodPost, "/collect/payment_sessions", "canary", `{"amount":1000,"currency":"ZAR","metadata":{"bird":"`+canary+`"}}`)
	for place, text := range map[string][]byte{
		"a dump": dump(i.t, i.env[devenv.DatabaseAdminURL]), "the messages": messages(i.t, i.env[devenv.NATSURL]),
	} {
		found := false
		for _, form := range formsOf(canary) {
			found = found || bytes.Contains(text, []byte(form))
		}
		if !found {
			i.t.Errorf("%s does not show what is in an event", place)
		}
	}
}

// search looks for secrets in the database, the messages and what was sent.
func (i *installation) search(when string, secrets []string, hooks *received) {
	i.t.Helper()
	log, err := os.ReadFile(filepath.Join(i.dir, "tender.log"))
	if err != nil {
		i.t.Fatal(err)
	}
	for place, text := range map[string][]byte{
		"the database": dump(i.t, i.env[devenv.DatabaseAdminURL]), "the messages": messages(i.t, i.env[devenv.NATSURL]),
		"the log": log, "the webhooks": hooks.bytes(),
	} {
		if len(text) < 100 {
			i.t.Errorf("%s: %s is empty: nothing was searched", when, place)
		}
		lower := bytes.ToLower(text)
		for _, secret := range secrets {
			for how, form := range formsOf(secret) {
				if bytes.Contains(text, []byte(form)) || !strings.HasPrefix(how, "base64") && bytes.Contains(lower, []byte(strings.ToLower(form))) {
					i.t.Errorf("%s: %s holds %s as %s", when, place, secret, how)
				}
			}
		}
	}
}

// searchFiles looks for secrets in every file of an installation that has ended:
// what a copy of the disk would tell.
func (i *installation) searchFiles(secrets []string) {
	i.t.Helper()
	searched := 0
	err := filepath.WalkDir(i.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		searched += len(content)
		for _, secret := range secrets {
			if bytes.Contains(content, []byte(secret)) {
				i.t.Errorf("the file %s holds %s", path, secret)
			}
		}
		return err
	})
	if err != nil || searched < 1<<20 {
		i.t.Errorf("%d bytes were searched: %v", searched, err)
	}
}

// verifyLog checks the whole log by its chain.
func (i *installation) verifyLog() {
	i.t.Helper()
	store, err := eventstore.Open(i.t.Context(), eventstore.Log{Mode: "test"}, i.env[devenv.DatabaseURL])
	if err != nil {
		i.t.Fatal(err)
	}
	defer store.Close()
	head, last, err := store.Head(i.t.Context())
	if err != nil {
		i.t.Fatal(err)
	}
	var position int64
	var hash [32]byte
	erased := 0
	for position < head {
		events, err := store.After(i.t.Context(), position, 100)
		if err != nil || len(events) == 0 {
			i.t.Fatalf("%d events after %d: %v", len(events), position, err)
		}
		for _, e := range events {
			if hash = eventstore.ChainHash(hash, e); hash != e.Hash || e.Position != position+1 {
				i.t.Fatalf("the chain is broken at %d", e.Position)
			}
			position = e.Position
			if e.Type == "customer.erased" {
				erased++
			}
			if position == head && hash != last {
				i.t.Error("the head is another than the chain's end")
			}
		}
	}
	if erased != 1 {
		i.t.Errorf("the log says %d times that somebody was erased", erased)
	}
}
