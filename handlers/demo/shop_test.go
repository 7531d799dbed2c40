package demo_test

import (
	"bufio"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestTheShopIsForThisMachineOnly holds that pages of other sites can neither act in
// the shop nor read it, by whatever name they call it.
func TestTheShopIsForThisMachineOnly(t *testing.T) {
	t.Parallel()
	h := open(t)
	o := h.begins(t, "pay")
	for name, c := range map[string]struct {
		method, path string
		change       func(*http.Request)
		status       int
	}{
		"another host":        {http.MethodGet, "/demo", func(r *http.Request) { r.Host = "shop.example" }, http.StatusMisdirectedRequest},
		"another host's form": {http.MethodPost, "/demo/orders", func(r *http.Request) { r.Host = "shop.example:8080" }, http.StatusMisdirectedRequest},
		"another host's hook": {http.MethodPost, "/demo/webhooks", func(r *http.Request) { r.Host = "shop.example" }, http.StatusMisdirectedRequest},
		"cross-site form":     {http.MethodPost, "/demo/orders", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, http.StatusForbidden},
		"same-site form":      {http.MethodPost, o.path + "/capture", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") }, http.StatusForbidden},
		"old browser's form":  {http.MethodPost, "/demo/orders", func(r *http.Request) { r.Header.Set("Origin", "https://shop.example") }, http.StatusForbidden},
		"no such flow":        {http.MethodPost, "/demo/orders", func(*http.Request) {}, http.StatusNotFound},
		"no such order":       {http.MethodGet, "/demo/orders/demo-aaaaaaaa", func(*http.Request) {}, http.StatusNotFound},
		"no order's name":     {http.MethodGet, "/demo/orders/%3Cscript%3E", func(*http.Request) {}, http.StatusNotFound},
		"no such action":      {http.MethodPost, o.path + "/capture", func(*http.Request) {}, http.StatusNotFound},
		"no such page":        {http.MethodGet, "/demo/back-room", func(*http.Request) {}, http.StatusNotFound},
		"a hook unsigned":     {http.MethodPost, "/demo/webhooks", func(*http.Request) {}, http.StatusUnauthorized},
		"a hook with a bad signature": {http.MethodPost, "/demo/webhooks", func(r *http.Request) {
			r.Header.Set("webhook-id", "evt_1")
			r.Header.Set("webhook-timestamp", "1614265330")
			r.Header.Set("webhook-signature", "v1,aGFja2Vk")
		}, http.StatusUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := http.NewRequest(c.method, h.url+c.path, strings.NewReader(""))
			if err != nil {
				t.Fatal(err)
			}
			c.change(r)
			if res, body := h.request(t, r); res.StatusCode != c.status || strings.Contains(body, "<script>") {
				t.Errorf("%d instead of %d: %s", res.StatusCode, c.status, body)
			}
		})
	}
	if shelf := h.get(t, "/demo"); !strings.Contains(shelf, "A message that nobody signed") || !strings.Contains(shelf, "came 2 times") {
		t.Errorf("the shelf does not say that two messages were refused:\n%s", shelf)
	}
	if page := o.page(); strings.Contains(page, "evt_1") {
		t.Errorf("what nobody signed is shown:\n%s", page)
	}
}

func TestThePagesHeaders(t *testing.T) {
	t.Parallel()
	h := open(t)
	nonces := map[string]bool{}
	for range 2 {
		res, err := http.Get(h.url + "/demo")
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		policy := res.Header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'nonce-", "style-src 'nonce-", "frame-ancestors 'none'", "form-action 'self'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("the policy lacks %s: %s", want, policy)
			}
		}
		if strings.Contains(policy, "unsafe") || nonces[policy] {
			t.Errorf("the policy is %s", policy)
		}
		nonces[policy] = true
		for name, want := range map[string]string{"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin"} {
			if got := res.Header.Get(name); got != want {
				t.Errorf("%s is %q", name, got)
			}
		}
	}
}

// TestLive holds that a page is told of a change, and that nobody who listens keeps
// tender dev from ending.
func TestLive(t *testing.T) {
	t.Parallel()
	h := open(t)
	res, err := http.Get(h.url + "/demo/live")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if got := res.Header.Get("Content-Type"); res.StatusCode != http.StatusOK || got != "text/event-stream" {
		t.Fatalf("%d, %s", res.StatusCode, got)
	}
	words := bufio.NewScanner(res.Body)
	next := func() string {
		for words.Scan() {
			if revision, found := strings.CutPrefix(words.Text(), "data: "); found {
				return revision
			}
		}
		return ""
	}
	first := next()
	if first == "" {
		t.Fatal("nothing is said at first")
	}
	h.post(t, "/demo/orders", url.Values{"flow": {"pay"}})
	if then := next(); then == "" || then == first {
		t.Errorf("after %s it says %q", first, then)
	}
	h.stop()
	for next() != "" { // what was under way
	}
	if !strings.Contains(h.output.String(), h.url+"/demo") {
		t.Errorf("tender dev does not lead to the shop:\n%s", h.output)
	}
}
