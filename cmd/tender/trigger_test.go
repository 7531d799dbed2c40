package main_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
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
}

func (b *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var message struct{ ID, Type string }
	if err == nil {
		err = json.Unmarshal(body, &message)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
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

// Everything that can be triggered really happens, and is told to a receiver that it
// is handed on to.
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
	printed := i.listens("--forward-to", receiver.URL)
	_, rest, _ := strings.Cut(printed.String(), "(")
	endpointID, _, _ := strings.Cut(rest, ")")
	if out, err := i.run(append([]string{"trigger"}, types...)...); err != nil || strings.Count(out, "\n") != len(types) {
		t.Fatalf("%v, and it says:\n%s", err, out)
	}
	i.eventually(time.Minute, "all of it is told", func() bool { return got.has(types) })
	list, _ = i.run("webhooks", "deliveries", "--endpoint", endpointID, "--type", "payment.voided", "--status", "delivered")
	deliveryID, _, _ := strings.Cut(list[max(strings.Index(list, "whd_"), 0):], " ")
	again, err := i.run("webhooks", "resend", deliveryID)
	if err != nil || !strings.Contains(again, "#1 ") {
		t.Fatalf("%v, and of\n%s it says:\n%s", err, list, again)
	}
	i.eventually(time.Minute, "it comes again", func() bool { return got.count("payment.voided") == 2 })
	if len(got.wrong) > 0 {
		t.Errorf("handed on without what it came with: %s", got.wrong)
	}
	if !strings.Contains(printed.String(), receiver.URL+" answers 202 Accepted") {
		t.Errorf("it says\n%s", printed)
	}
	if out, err := i.run("trigger", "payment.imagined"); err == nil || !strings.Contains(out, "payment.captured") {
		t.Errorf("%v, and it says:\n%s", err, out)
	}
}

// An endpoint that misbehaves is seen as what it is.
func TestListenMisbehaves(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.start()
	for manner, want := range map[string]struct {
		status int64
		class  string
	}{
		"500": {status: 500}, "429": {status: 429}, "410": {status: 410}, "redirect": {status: 302}, "reset": {class: "reset"},
	} {
		printed := i.listens("--misbehave", manner)
		_, rest, _ := strings.Cut(printed.String(), "(")
		endpointID, _, _ := strings.Cut(rest, ")")
		if out, err := i.run("trigger", "payment_session.created"); err != nil {
			t.Fatalf("%v, and it says:\n%s", err, out)
		}
		var tried object
		i.eventually(30*time.Second, manner+" was tried", func() bool {
			list := i.must(http.StatusOK, http.MethodGet, "/webhooks/deliveries?endpoint_id="+endpointID, "", "")
			data, _ := list["data"].([]any)
			if len(data) == 0 {
				return false
			}
			delivery, _ := data[0].(map[string]any)
			whole := i.must(http.StatusOK, http.MethodGet, "/webhooks/deliveries/"+object(delivery).text("id"), "", "")
			tries, _ := whole["attempts"].([]any)
			if len(tries) == 0 {
				return false
			}
			tried, _ = tries[0].(map[string]any)
			return true
		})
		out, err := i.run("webhooks", "deliveries", "--endpoint", endpointID)
		id, _, _ := strings.Cut(out[strings.Index(out, "whd_"):], " ")
		if err != nil || !strings.Contains(out, "payment_session.created") {
			t.Errorf("%v, and it lists:\n%s", err, out)
		}
		if out, err := i.run("webhooks", "show", id); err != nil || !strings.Contains(out, "#1 ") || want.class != "" && !strings.Contains(out, want.class) {
			t.Errorf("%v, and it shows:\n%s", err, out)
		}
		if tried.number("status") != want.status || tried.text("error_class") != want.class {
			t.Errorf("%s was seen as %v", manner, tried)
		}
	}
	for _, args := range [][]string{{"--misbehave", "politely"}, {"--forward-to", "nowhere"}, {"--misbehave", "500", "--forward-to", "http://127.0.0.1:1"}} {
		if out, err := i.run(append([]string{"listen"}, args...)...); err == nil {
			t.Errorf("%v is taken: %s", args, out)
		}
	}
}
