package embed_test

import (
	"net/url"
	"strings"
	"testing"

	"tender/domain/merchant"
	"tender/handlers/handlerstest"
)

const (
	shopOrigin = "https://shop.example"
	inFrame    = "?parent=https%3A%2F%2Fshop.example"
)

type object = handlerstest.Object

type bundle struct {
	*handlerstest.House
	shop *handlerstest.Merchant
	// merchant calls with the secret key, customer with none.
	merchant, customer *handlerstest.Caller
}

func setup(t *testing.T) *bundle {
	t.Helper()
	h := handlerstest.New(t)
	shop := h.Merchant("test", func(s *merchant.Settings) {
		s.AllowedOrigins = []string{shopOrigin, "https://www.shop.example", "http://localhost:*"}
	})
	return &bundle{House: h, shop: shop, merchant: h.First.Caller(t, shop.Secret), customer: h.First.Caller(t, "")}
}

// embedded makes a session of that mode, and returns its checkout's id and its token.
func (b *bundle) embedded(mode string) (checkoutID, clientToken string) {
	a := b.merchant.Post(handlerstest.SessionsPath, handlerstest.Session(10_000, object{"options": object{
		"checkout_options": object{"presentation_mode": object{"mode": mode}, "return_url": "https://shop.example/thanks"},
	}})).Is(201)
	return a.Text("checkout_session_id"), a.Text("client_token")
}

func TestTheTokenLeadsToTheFrame(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, mode := range []string{"embedded_modal", "embedded_inline"} {
		checkoutID, token := b.embedded(mode)
		a := b.customer.Get("/embed/" + token + inFrame).Is(303)
		if got, want := a.Header.Get("Location"), "/checkout/"+checkoutID+inFrame; got != want {
			t.Errorf("it leads to %s, not %s", got, want)
		}
		if a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("the headers are %v", a.Header)
		}
		page := string(b.customer.Get(a.Header.Get("Location")).Is(200).Body)
		for _, part := range []string{
			`class="framed"`, `data-parent="https://shop.example"`, `/attempts?parent=https%3A%2F%2Fshop.example"`, `/cancel?parent=https%3A%2F%2Fshop.example"`,
		} {
			if !strings.Contains(page, part) {
				t.Errorf("the page lacks %s", part)
			}
		}
	}
}

func TestWhoMayFrame(t *testing.T) {
	t.Parallel()
	b := setup(t)
	embedded, _ := b.embedded("embedded_modal")
	_, redirect := b.merchant.Create(10_000)
	for _, query := range []string{"", inFrame, "?parent=https%3A%2F%2Fevil.example", "?parent=null"} {
		h := b.customer.Get("/checkout/" + embedded + query).Is(200).Header
		if policy := h.Get("Content-Security-Policy"); !strings.HasSuffix(policy, "; frame-ancestors https://shop.example https://www.shop.example http://localhost:*") {
			t.Errorf("%q: the policy is %s", query, policy)
		}
		if h.Get("X-Frame-Options") != "" {
			t.Errorf("%q: X-Frame-Options is %s", query, h.Get("X-Frame-Options"))
		}
		h = b.customer.Get("/checkout/" + redirect + query).Is(200).Header
		if policy := h.Get("Content-Security-Policy"); !strings.HasSuffix(policy, "; frame-ancestors 'none'") || h.Get("X-Frame-Options") != "DENY" {
			t.Errorf("%q: the policy is %s, X-Frame-Options %s", query, policy, h.Get("X-Frame-Options"))
		}
	}
	// Messages go to an allowed origin or nowhere, and only of an embedded session.
	for address, want := range map[string]string{
		embedded + inFrame: `data-parent="https://shop.example"`,
		embedded + "?parent=http%3A%2F%2Flocalhost%3A3000": `data-parent="http://localhost:3000"`,
		embedded + "?parent=https%3A%2F%2Fevil.example":    `data-parent=""`,
		embedded + "?parent=%2A":                           `data-parent=""`,
		embedded:                                           `data-parent=""`,
	} {
		if page := string(b.customer.Get("/checkout/" + address).Is(200).Body); !strings.Contains(page, want) {
			t.Errorf("%s lacks %s", address, want)
		}
	}
	if page := string(b.customer.Get("/checkout/" + redirect + inFrame).Is(200).Body); strings.Contains(page, "data-parent") {
		t.Error("a session that is not embedded is shown in a frame")
	}
	// The list is the merchant's as it is now.
	b.shop.Change(merchant.Settings{Name: "Shop", Country: "ZA", TimeZone: "UTC"})
	if policy := b.customer.Get("/checkout/" + embedded).Is(200).Header.Get("Content-Security-Policy"); !strings.HasSuffix(policy, "; frame-ancestors 'none'") {
		t.Errorf("after the origins were removed the policy is %s", policy)
	}
}

// A form that is sent in the frame leads on in the frame.
func TestFormsStayInTheFrame(t *testing.T) {
	t.Parallel()
	b := setup(t)
	checkoutID, _ := b.embedded("embedded_inline")
	page := string(b.customer.Get("/checkout/" + checkoutID + inFrame).Is(200).Body)
	_, rest, _ := strings.Cut(page, `name="csrf_token" value="`)
	csrf, _, _ := strings.Cut(rest, `"`)
	form := handlerstest.Header{Name: "Content-Type", Value: "application/x-www-form-urlencoded"}
	a := b.customer.Post("/checkout/"+checkoutID+"/cancel"+inFrame, url.Values{"csrf_token": {csrf}}.Encode(), form).Is(303)
	if got, want := a.Header.Get("Location"), "/checkout/"+checkoutID+inFrame; got != want {
		t.Errorf("it leads to %s, not %s", got, want)
	}
	ended := string(b.customer.Get("/checkout/" + checkoutID + inFrame).Is(200).Body)
	if !strings.Contains(ended, `data-state="cancelled"`) || strings.Contains(ended, "shop.example/thanks") {
		t.Error("the page leads out of the frame")
	}
}

// What opens nothing says so, to the page that asks, and to nobody else.
func TestWhatOpensNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	checkoutID, token := b.embedded("embedded_modal")
	refused := func(path string, status int, ancestor, code string) {
		t.Helper()
		a := b.customer.Get(path).Is(status)
		if policy := a.Header.Get("Content-Security-Policy"); !strings.HasSuffix(policy, "; frame-ancestors "+ancestor) {
			t.Errorf("%s: the policy is %s", path, policy)
		}
		page := string(a.Body)
		if told := strings.Contains(page, `data-refused="`+code+`"`); told != (code != "") {
			t.Errorf("%s: %q is told: %t", path, code, told)
		}
		for _, secret := range []string{checkoutID, "ps_", "Karoo", token} {
			if strings.Contains(page, secret) {
				t.Errorf("%s: the page tells %s", path, secret)
			}
		}
	}
	for _, bad := range []string{"ct_", "nonsense", token[:len(token)-2], token + "x", b.shop.Public, "ct_e30.e30"} {
		refused("/embed/"+bad, 404, "'none'", "")
		refused("/embed/"+bad+inFrame, 404, shopOrigin, "invalid_token")
		refused("/embed/"+bad+"?parent=https%3A%2F%2Fevil.example", 404, "https://evil.example", "invalid_token")
	}
	refused("/embed/"+token+"?parent=https%3A%2F%2Fevil.example", 403, "https://evil.example", "origin_not_allowed")
	for _, none := range []string{"null", "*", "http://shop.example", "https://evil.example;script-src *", "https://*.example", "https://shop.example:*", "'self'"} {
		refused("/embed/"+token+"?parent="+url.QueryEscape(none), 403, "'none'", "")
		refused("/embed/nonsense?parent="+url.QueryEscape(none), 404, "'none'", "")
	}
}

func TestTheScript(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.customer.Get("/embed.js").Is(200)
	script := string(a.Body)
	if !strings.Contains(script, `const origin = "`+handlerstest.BaseURL+`";`) || strings.Contains(script, "{{") {
		t.Error("the script does not know its origin")
	}
	const sizeMax = 10 << 10
	if len(script) > sizeMax {
		t.Errorf("the script has %d bytes", len(script))
	}
	tag := a.Header.Get("ETag")
	for path, want := range map[string]string{
		"/embed.js": "public, max-age=300", "/embed.js?v=" + strings.Trim(tag, `"`): "public, max-age=31536000, immutable", "/embed.js?v=older": "public, max-age=300",
	} {
		h := b.customer.Get(path).Is(200).Header
		if h.Get("Cache-Control") != want || h.Get("ETag") != tag || h.Get("Access-Control-Allow-Origin") != "*" || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: the headers are %v", path, h)
		}
	}
	again, err := b.customer.Send("GET", "/embed.js", nil, handlerstest.Header{Name: "If-None-Match", Value: tag})
	if err != nil {
		t.Fatal(err)
	}
	again.Is(304)
}
