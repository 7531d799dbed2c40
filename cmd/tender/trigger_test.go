package main_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// listens starts tender listen, and returns what it prints once it is ready.
func (i *installation) listens(args ...string) *output {
	i.t.Helper()
	var printed output
	cmd := exec.Command(i.binary, append([]string{"listen"}, args...)...)
	cmd.Env = i.environment()
	cmd.Stdout, cmd.Stderr = &printed, &printed
	if err := cmd.Start(); err != nil {
		i.t.Fatal(err)
	}
	i.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	i.eventually(30*time.Second, "it listens", func() bool { return strings.Contains(printed.String(), "Ctrl-C ends that") })
	return &printed
}

// inbox is a merchant's own receiver, which counts what comes by type.
type inbox struct {
	mu    sync.Mutex
	types map[string]int
	wrong []string
	// verify is what the merchant checks each message with; nil: nothing, the
	// secret is somebody else's.
	verify func(body []byte, headers http.Header) error
}

func (b *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var message struct{ ID, Type string }
	if err == nil {
		err = json.Unmarshal(body, &message)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err == nil && b.verify != nil {
		err = b.verify(body, r.Header)
	}
	if err != nil || r.Header.Get("webhook-id") != message.ID || !strings.HasPrefix(r.Header.Get("webhook-signature"), "v1,") {
		b.wrong = append(b.wrong, string(body))
	}
	b.types[message.Type]++
	w.WriteHeader(http.StatusAccepted)
}

func (b *inbox) count(name string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.types[name]
}

func (b *inbox) has(types []string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, t := range types {
		if b.types[t] == 0 {
			return false
		}
	}
	return true
}

// verified gives the merchant an endpoint whose messages are checked by the official
// library of Standard Webhooks.
func (i *installation) verified() *inbox {
	i.t.Helper()
	b := &inbox{types: map[string]int{}}
	receiver := httptest.NewServer(b)
	i.t.Cleanup(receiver.Close)
	b.mu.Lock() // nothing is looked at before the secret is known
	defer b.mu.Unlock()
	made := i.must(http.StatusCreated, http.MethodPost, "/webhooks/endpoints", "verified", `{"url":"`+receiver.URL+`/","events":["*"]}`)
	official, err := standardwebhooks.NewWebhook(made.text("secret"))
	if err != nil {
		i.t.Fatal(err)
	}
	b.verify = official.Verify
	return b
}

// Of every type that there is, tender trigger either makes it happen or says why not.
func TestTriggerKnowsAllTypes(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	file, err := os.ReadFile("../../docs/events/endpoint_events.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var schema struct{ Items struct{ Enum []string } }
	if err := json.Unmarshal(file, &schema); err != nil || len(schema.Items.Enum) < 20 {
		t.Fatalf("%v, the schema has %d types", err, len(schema.Items.Enum))
	}
	out, _ := i.run("trigger")
	_, list, _ := strings.Cut(out, "out of:")
	made := strings.Fields(list)
	for _, name := range schema.Items.Enum {
		if name == "*" || slices.Contains(made, name) {
			continue
		}
		if out, err := i.run("trigger", name); err == nil || !strings.Contains(out, name+`" can't be made to happen: `) {
			t.Errorf("of %s it says %s", name, out)
		}
	}
}

// Everything that can be triggered really happens, is told in a message that the
// official library verifies, and to a receiver that it is handed on to.
func TestTriggerAndForward(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.start()
	out, err := i.run("trigger")
	_, list, found := strings.Cut(out, "out of:")
	types := strings.Fields(list)
	if err == nil || !found || len(types) < 20 {
		t.Fatalf("%v, and it says:\n%s", err, out)
	}
	got := inbox{types: map[string]int{}}
	receiver := httptest.NewServer(&got)
	t.Cleanup(receiver.Close)
	own := i.verified()
	printed := i.listens("--forward-to", receiver.URL)
	_, rest, _ := strings.Cut(printed.String(), "(")
	endpointID, _, _ := strings.Cut(rest, ")")
	if out, err := i.run(append([]string{"trigger"}, types...)...); err != nil || strings.Count(out, "\n") != len(types) {
		t.Fatalf("%v, and it says:\n%s", err, out)
	}
	i.eventually(time.Minute, "all of it is told", func() bool { return got.has(types) && own.has(types) })
	list, _ = i.run("webhooks", "deliveries", "--endpoint", endpointID, "--type", "payment.voided", "--status", "delivered")
	deliveryID, _, _ := strings.Cut(list[max(strings.Index(list, "whd_"), 0):], " ")
	again, err := i.run("webhooks", "resend", deliveryID)
	if err != nil || !strings.Contains(again, "#1 ") {
		t.Fatalf("%v, and of\n%s it says:\n%s", err, list, again)
	}
	i.eventually(time.Minute, "it comes again", func() bool { return got.count("payment.voided") == 2 })
	// What comes while the endpoint is disabled is missed, and recovered.
	since := time.Now().UTC().Format(time.RFC3339Nano)
	endpoint := "/webhooks/endpoints/" + endpointID
	i.must(http.StatusOK, http.MethodPatch, endpoint, "", `{"status": "disabled"}`)
	if out, err := i.run("trigger", "payment.captured"); err != nil {
		t.Fatalf("%v, and it says:\n%s", err, out)
	}
	if out, err := i.run("webhooks", "recover", endpointID, "--since", since); err == nil || !strings.Contains(out, "endpoint_disabled") {
		t.Errorf("%v, and it says:\n%s", err, out)
	}
	i.must(http.StatusOK, http.MethodPatch, endpoint, "", `{"status": "enabled"}`)
	before := got.count("payment.captured")
	recovered, err := i.run("webhooks", "recover", endpointID, "--since", since, "--wait")
	if err != nil || !strings.Contains(recovered, "completed") || !strings.Contains(recovered, " 0 pending") {
		t.Fatalf("%v, and it says:\n%s", err, recovered)
	}
	i.eventually(time.Minute, "what was missed comes", func() bool { return got.count("payment.captured") == before+1 })
	if out, err := i.run("webhooks", "recover", endpointID); err == nil || !strings.Contains(out, "--since") {
		t.Errorf("%v, and it says:\n%s", err, out)
	}
	if len(got.wrong) > 0 {
		t.Errorf("handed on without what it came with: %s", got.wrong)
	}
	if len(own.wrong) > 0 {
		t.Errorf("the official library does not verify: %s", own.wrong)
	}
	if !strings.Contains(printed.String(), receiver.URL+" answers 202 Accepted") {
		t.Errorf("it says\n%s", printed)
	}
	if out, err := i.run("trigger", "payment.imagined"); err == nil || !strings.Contains(out, "payment.captured") {
		t.Errorf("%v, and it says:\n%s", err, out)
	}
}
