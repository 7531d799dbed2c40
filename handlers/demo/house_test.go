package demo_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tender/eventstore/pgserver"
)

// patience bounds every wait of these tests: far more than any should take, on a
// machine that has other work.
const patience = 3 * time.Minute

// build builds the binary once for all tests: the shop is tried as newcomers meet
// it, in a tender dev of the test's own.
var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "tender-binary-")
	if err != nil {
		return "", err
	}
	binary := filepath.Join(dir, "tender")
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-o", binary, "tender/cmd/tender").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return binary, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if binary, err := build(); err == nil {
		_ = os.RemoveAll(filepath.Dir(binary))
	}
	os.Exit(code)
}

// house is a tender dev with its demo shop, and a browser without JavaScript.
type house struct {
	t      *testing.T
	dir    string
	url    string
	key    string // the merchant's secret key
	cmd    *exec.Cmd
	output *bytes.Buffer
	exited chan error
}

// open starts a house, which ends with the test.
func open(t *testing.T) *house {
	t.Helper()
	dir, err := os.MkdirTemp("", "tender-demo-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o711); err != nil { // PostgreSQL's user has to pass
		t.Fatal(err)
	}
	h := &house{t: t, dir: dir}
	t.Cleanup(func() {
		h.stop()
		if err := pgserver.Remove(context.Background(), filepath.Join(dir, "postgres")); err != nil {
			t.Errorf("remove PostgreSQL's files: %v", err)
		}
		if t.Failed() {
			log, _ := os.ReadFile(filepath.Join(dir, "tender.log"))
			t.Logf("the end of tender.log:\n%s", log[max(0, len(log)-4000):])
		}
		_ = os.RemoveAll(dir)
	})
	h.start()
	return h
}

// start starts tender dev, and returns when it takes requests.
func (h *house) start() {
	h.t.Helper()
	binary, err := build()
	if err != nil {
		h.t.Fatal(err)
	}
	env := filepath.Join(h.dir, "dev.env")
	before, _ := os.Stat(env)
	h.output = &bytes.Buffer{}
	h.cmd = exec.Command(binary, "dev", "--data-dir", h.dir, "--listen", "127.0.0.1:0")
	h.cmd.Stdout, h.cmd.Stderr = h.output, h.output
	if err := h.cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	h.exited = make(chan error, 1)
	go func(cmd *exec.Cmd, exited chan error) { exited <- cmd.Wait() }(h.cmd, h.exited)
	h.eventually("dev.env is written", func() bool {
		select {
		case err := <-h.exited:
			h.t.Fatalf("tender dev ended at its start: %v\n%s", err, h.output)
		default:
		}
		now, err := os.Stat(env)
		return err == nil && (before == nil || now.ModTime().After(before.ModTime()))
	})
	text, err := os.ReadFile(env)
	if err != nil {
		h.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		switch name, value, _ := strings.Cut(strings.TrimSpace(line), "="); name {
		case "TENDER_URL":
			h.url = value
		case "TENDER_SECRET_KEY":
			h.key = value
		}
	}
}

// stop asks it to end, and waits until it has.
func (h *house) stop() {
	if h.cmd == nil {
		return
	}
	_ = h.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-h.exited:
	case <-time.After(patience):
		_ = h.cmd.Process.Kill()
		h.t.Errorf("tender dev did not end\n%s", h.output)
	}
	h.cmd = nil
}

// eventually waits for something that nothing signals.
func (h *house) eventually(what string, holds func() bool) {
	h.t.Helper()
	limit, tick := time.NewTimer(patience), time.NewTicker(50*time.Millisecond)
	defer limit.Stop()
	defer tick.Stop()
	for !holds() {
		select {
		case <-limit.C:
			h.t.Fatalf("waited %s in vain until %s", patience, what)
		case <-tick.C:
		}
	}
}

// request sends a request as it is, and returns the answer with its body.
func (h *house) request(t *testing.T, r *http.Request) (*http.Response, string) {
	t.Helper()
	// Where it leads to is for the test to see.
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

// post sends a form of the shop's, and returns where its answer leads to.
func (h *house) post(t *testing.T, path string, form url.Values) string {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, h.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	res, body := h.request(t, r)
	if res.StatusCode != http.StatusSeeOther {
		t.Fatalf("POST %s: %d\n%s", path, res.StatusCode, body)
	}
	return res.Header.Get("Location")
}

// get opens a page of the shop's.
func (h *house) get(t *testing.T, path string) string {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, h.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, body := h.request(t, r)
	if res.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %d\n%s", path, res.StatusCode, body)
	}
	return body
}

// order is one run of a flow, as its visitor sees it.
type order struct {
	*house
	t    *testing.T
	path string
}

// begins chooses something from the shelf.
func (h *house) begins(t *testing.T, flow string) *order {
	t.Helper()
	path := h.post(t, "/demo/orders", url.Values{"flow": {flow}})
	if !strings.HasPrefix(path, "/demo/orders/demo-") {
		t.Fatalf("the order is at %q", path)
	}
	return &order{house: h, t: t, path: path}
}

func (o *order) page() string { return o.get(o.t, o.path) }

// shows waits until the page says all of this.
func (o *order) shows(parts ...string) string {
	o.t.Helper()
	page := ""
	for _, part := range parts {
		o.eventually("the page says "+part, func() bool {
			page = o.page()
			return strings.Contains(page, part)
		})
	}
	return page
}

// tells waits until webhooks of these types have come, their signatures good.
func (o *order) tells(types ...string) {
	o.t.Helper()
	for _, name := range types {
		o.shows(`<b class="what">` + name + `</b>`)
	}
	if page := o.page(); strings.Contains(page, `class="hook bad"`) {
		o.t.Errorf("a webhook was refused:\n%s", page)
	}
}

var (
	checkoutLink = regexp.MustCompile(`id="checkout" href="http://[^"/]+(/checkout/ckt_[0-9a-z]+)"`)
	turnField    = `/%s"><input type="hidden" name="turn" value="([0-9]*)">`
	sessionID    = regexp.MustCompile(`ps_[0-9a-z]{20,}`)
)

// pays is the customer at the checkout, with a card, who then comes back.
func (o *order) pays(number string) {
	o.t.Helper()
	o.attempts(number)
	page := o.page()
	back := o.path + "?session_id=" + sessionID.FindString(page[strings.Index(page, `id="wire"`):])
	r, err := http.NewRequest(http.MethodGet, o.url+back, nil)
	if err != nil {
		o.t.Fatal(err)
	}
	if res, body := o.request(o.t, r); res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != o.path {
		o.t.Fatalf("the way back: %d to %q\n%s", res.StatusCode, res.Header.Get("Location"), body)
	}
}

// attempts is a try at the checkout that the page leads to.
func (o *order) attempts(number string) {
	o.t.Helper()
	o.attemptsWith(`{"accept_mandate":true,"payment_method":{"type":"card","card":{"number":"` + number + `","exp_month":12,"exp_year":2034,"cvc":"123"}}}`)
}

// attemptsWith is such a try with whatever is sent.
func (o *order) attemptsWith(body string) {
	o.t.Helper()
	found := checkoutLink.FindStringSubmatch(o.page())
	if found == nil {
		o.t.Fatalf("there is no way to the checkout:\n%s", o.page())
	}
	res, err := http.Post(o.url+found[1]+"/attempts", "application/json", strings.NewReader(body))
	if err != nil {
		o.t.Fatal(err)
	}
	defer res.Body.Close()
	if text, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusOK {
		o.t.Fatalf("the attempt: %d %s", res.StatusCode, text)
	}
}

// does presses a button, once it is there, and returns what the button sent.
func (o *order) does(action string) url.Values {
	o.t.Helper()
	field := regexp.MustCompile(fmt.Sprintf(turnField, regexp.QuoteMeta(action)))
	var form url.Values
	o.eventually("there is a button "+action, func() bool {
		found := field.FindStringSubmatch(o.page())
		if found != nil {
			form = url.Values{"turn": {found[1]}}
		}
		return found != nil
	})
	if to := o.post(o.t, o.path+"/"+action, form); to != o.path {
		o.t.Fatalf("%s leads to %q", action, to)
	}
	return form
}
