package main_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// misbehaving is how an endpoint with bad manners is seen.
type misbehaving struct {
	manner      string
	status      int64  // of the answer; 0: none
	class       string // of the error; "": the status tells it
	delivery    string // what becomes of the delivery
	next        time.Duration
	endpointIs  string
	answerBytes int // at most so many are kept
}

// An endpoint that misbehaves is seen as what it is, and tried again when that is
// due: after 5 seconds, give or take a fifth, or when it asked for.
func TestListenMisbehaves(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.start()
	const soon = 5 * time.Second
	var looks []func()
	for _, want := range []misbehaving{
		{manner: "hang", class: "too_slow", delivery: "pending", next: soon, endpointIs: "enabled"},
		{manner: "slow-body", status: 200, class: "too_slow", delivery: "pending", next: soon, endpointIs: "enabled"},
		{manner: "reset", class: "reset", delivery: "pending", next: soon, endpointIs: "enabled"},
		{manner: "500", status: 500, delivery: "pending", next: soon, endpointIs: "enabled"},
		{manner: "redirect", status: 302, delivery: "pending", next: soon, endpointIs: "enabled"},
		{manner: "429", status: 429, delivery: "pending", next: time.Minute, endpointIs: "enabled"},
		{manner: "410", status: 410, delivery: "exhausted", endpointIs: "disabled"},
		{manner: "huge", status: 200, delivery: "delivered", endpointIs: "enabled", answerBytes: 16 << 10},
	} {
		printed := i.listens("--misbehave", want.manner)
		_, rest, _ := strings.Cut(printed.String(), "(")
		endpointID, _, _ := strings.Cut(rest, ")")
		looks = append(looks, func() { i.misbehaves(endpointID, want) })
	}
	if out, err := i.run("trigger", "payment_session.created"); err != nil {
		t.Fatalf("%v, and it says:\n%s", err, out)
	}
	for _, look := range looks {
		look()
	}
}

// misbehaves waits for the first try of an endpoint's only delivery, and holds it to
// what was to be expected.
func (i *installation) misbehaves(endpointID string, want misbehaving) {
	var whole, tried object
	i.eventually(startTimeout, want.manner+" was tried and the delivery is "+want.delivery, func() bool {
		list := i.must(http.StatusOK, http.MethodGet, "/webhooks/deliveries?endpoint_id="+endpointID, "", "")
		data, _ := list["data"].([]any)
		if len(data) == 0 {
			return false
		}
		delivery, _ := data[0].(map[string]any)
		whole = i.must(http.StatusOK, http.MethodGet, "/webhooks/deliveries/"+object(delivery).text("id"), "", "")
		tries, _ := whole["attempts"].([]any)
		if len(tries) == 0 || whole.text("status") != want.delivery {
			return false
		}
		tried, _ = tries[0].(map[string]any)
		return true
	})
	if tried.number("status") != want.status || tried.text("error_class") != want.class {
		i.t.Errorf("%s was seen as %v", want.manner, tried)
	}
	if kept := len(tried.text("response")); want.answerBytes > 0 && kept != want.answerBytes {
		i.t.Errorf("%s: %d bytes of the answer are kept, not %d", want.manner, kept, want.answerBytes)
	}
	i.planned(tried, want)
	if e := i.must(http.StatusOK, http.MethodGet, "/webhooks/endpoints/"+endpointID, "", ""); e.text("status") != want.endpointIs {
		i.t.Errorf("%s: the endpoint is %s, not %s", want.manner, e.text("status"), want.endpointIs)
	}
	out, err := i.run("webhooks", "deliveries", "--endpoint", endpointID)
	if err != nil || !strings.Contains(out, "payment_session.created") {
		i.t.Errorf("%v, and it lists:\n%s", err, out)
	}
	out, err = i.run("webhooks", "show", whole.text("id"))
	if err != nil || !strings.Contains(out, "#1 ") || !strings.Contains(out, want.class) {
		i.t.Errorf("%v, and it shows:\n%s", err, out)
	}
}

// planned checks when a try that failed is to be followed by the next.
func (i *installation) planned(tried object, want misbehaving) {
	if want.next == 0 {
		if next := tried.text("next_attempt_at"); next != "" {
			i.t.Errorf("%s is tried again at %s", want.manner, next)
		}
		return
	}
	began, err := time.Parse(time.RFC3339, tried.text("started_at"))
	if err != nil {
		i.t.Error(err)
	}
	next, err := time.Parse(time.RFC3339, tried.text("next_attempt_at"))
	if err != nil {
		i.t.Error(err)
	}
	wait := next.Sub(began.Add(time.Duration(tried.number("duration_ms")) * time.Millisecond))
	// When a try ended is written down once its end is in the log; the machine may
	// be slow meanwhile.
	if wait < want.next*79/100 || wait > want.next*121/100+3*time.Second {
		i.t.Errorf("%s is tried again %s after its end, not after %s", want.manner, wait, want.next)
	}
}

func TestListenWantsOneManner(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	for _, args := range [][]string{{"--misbehave", "politely"}, {"--forward-to", "nowhere"}, {"--misbehave", "500", "--forward-to", "http://127.0.0.1:1"}} {
		if out, err := i.run(append([]string{"listen"}, args...)...); err == nil {
			t.Errorf("%v is taken: %s", args, out)
		}
	}
}
