package api_test

import (
	"strings"
	"testing"

	"tender/domain/merchant"
	"tender/handlers/handlerstest"
)

const shopOrigin = "https://shop.example"

func origins(list ...string) func(*merchant.Settings) {
	return func(s *merchant.Settings) { s.AllowedOrigins = list }
}

// from is the header by which a browser says whose page it sends for.
func from(origin string) handlerstest.Header {
	return handlerstest.Header{Name: "Origin", Value: origin}
}

// readable fails the test unless an answer may be read by a page of the origin, and of
// no other; "": by no page at all.
func readable(t *testing.T, a *handlerstest.Answer, origin string) {
	t.Helper()
	if got := a.Header.Get("Access-Control-Allow-Origin"); got != origin {
		t.Errorf("the answer is for pages of %q, not %q: %d %s", got, origin, a.Status, a.Body)
	}
	if a.Header.Get("Access-Control-Allow-Credentials") != "" {
		t.Error("credentials are asked for")
	}
	if a.Header.Get("Vary") != "Origin" {
		t.Errorf("Vary is %q", a.Header.Get("Vary"))
	}
	exposed := a.Header.Get("Access-Control-Expose-Headers")
	for _, name := range []string{"Event-Position", "Idempotent-Replayed", "Request-Id", "Retry-After"} {
		if strings.Contains(exposed, name) != (origin != "") {
			t.Errorf("exposed are %q", exposed)
		}
	}
}

func TestPagesCallWithPublicKeys(t *testing.T) {
	t.Parallel()
	b := setup(t)
	shop := b.Merchant("test", origins(shopOrigin, "http://localhost:*"))
	public, secret := b.First.Caller(t, shop.Public), b.First.Caller(t, shop.Secret)

	readable(t, public.Post(sessions, with(nil), from(shopOrigin)).Is(201), shopOrigin)
	readable(t, public.Post(sessions, with(nil), from("http://localhost:3000")).Is(201), "http://localhost:3000")
	readable(t, public.Post(sessions, with(nil)).Is(201), "") // no page
	readable(t, secret.Post(sessions, with(nil), from(shopOrigin)).Is(201), "")

	// What goes wrong a page may read, too, if the key was a public one.
	readable(t, public.Post(sessions, with(object{"amount": 0}), from(shopOrigin)).Is(400), shopOrigin)
	readable(t, public.Post(sessions, "{broken", from(shopOrigin)).Is(400), shopOrigin)
	readable(t, public.Post(sessions, with(nil), from(shopOrigin), key("")).Problem(400, "idempotency_key_missing"), shopOrigin)
	public.Post(sessions, with(nil), from(shopOrigin), key("once")).Is(201)
	readable(t, public.Post(sessions, with(nil), from(shopOrigin), key("once")).Is(201), shopOrigin)
	readable(t, public.Post(sessions, with(object{"amount": 7}), from(shopOrigin), key("once")).Problem(422, "idempotency_key_reused"), shopOrigin)
	readable(t, secret.Post(sessions, with(object{"amount": -1}), from(shopOrigin)).Is(400), "")
	readable(t, secret.Post(sessions, "{broken", from(shopOrigin)).Is(400), "")
	for _, stranger := range []string{"", "pk_test_abcdefghijklmnopqrstuvwxyz", "sk_test_abcdefghijklmnopqrstuvwxyz"} {
		readable(t, b.First.Caller(t, stranger).Post(sessions, with(nil), from(shopOrigin)).Is(401), "")
	}
}

// A page that is not the merchant's creates nothing, and uses up no key.
func TestForeignPagesAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	shop := b.Merchant("test", origins(shopOrigin))
	public := b.First.Caller(t, shop.Public)
	for _, origin := range []string{
		"null", "https://evil.example", "http://shop.example", "https://shop.example:8443", "https://shop.example.evil.example",
		"https://SHOP.example", "https://shop.example/", "http://localhost:3000", "https://www.shop.example",
	} {
		readable(t, public.Post(sessions, with(nil), from(origin), key("one")).Problem(403, "forbidden"), "")
	}
	if replayed := public.Post(sessions, with(nil), from(shopOrigin), key("one")).Is(201).Header.Get("Idempotent-Replayed"); replayed != "" {
		t.Error("a foreign page's request was carried out")
	}
	readable(t, public.Post(sessions, with(nil), from("https://evil.example"), key("one")).Problem(403, "forbidden"), "")
	// A secret key stays on servers, where nothing says whose page it is for.
	readable(t, b.First.Caller(t, shop.Secret).Post(sessions, with(nil), from("https://evil.example")).Is(201), "")
}

// Both ways at once, and in a process that remembers the merchant as it was.
func TestAllowedOriginsChangeElsewhere(t *testing.T) {
	t.Parallel()
	b := setup(t)
	public := b.First.Caller(t, b.merchant.Public)
	closed := merchant.Settings{Name: "Shop", Country: "ZA", TimeZone: "UTC", PublicKeys: true}
	open := closed
	open.AllowedOrigins = []string{shopOrigin}
	embedded := with(checkoutOptions(object{"presentation_mode": object{"mode": "embedded_modal"}}))
	for range 2 {
		b.merchant.Change(open)
		readable(t, public.Post(sessions, with(nil), from(shopOrigin), key("k")).Is(201), shopOrigin)
		b.Post(sessions, embedded).Is(201)
		b.merchant.Change(closed)
		readable(t, public.Post(sessions, with(nil), from(shopOrigin)).Problem(403, "forbidden"), "")
		readable(t, public.Post(sessions, with(nil), from(shopOrigin), key("k")).Problem(403, "forbidden"), "")
		blames(t, b.Post(sessions, embedded), "/options/checkout_options/presentation_mode/mode: not_allowed")
	}
}

// A revoked key says so to the page that it was for.
func TestRevokedPublicKeysSaySo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	shop := b.Merchant("test", origins(shopOrigin))
	public := b.First.Caller(t, shop.Public)
	shop.Revoke(shop.PublicID)
	readable(t, public.Post(sessions, with(nil), from(shopOrigin)).Problem(403, "forbidden"), shopOrigin)
}

func TestPreflight(t *testing.T) {
	t.Parallel()
	b := setup(t)
	nobody := b.First.Caller(t, "")
	ask := func(path, origin string) *handlerstest.Answer {
		t.Helper()
		a, err := nobody.Send("OPTIONS", path, nil, from(origin), handlerstest.Header{Name: "Access-Control-Request-Method", Value: "POST"},
			handlerstest.Header{Name: "Access-Control-Request-Headers", Value: "authorization,content-type,idempotency-key"})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	for _, origin := range []string{shopOrigin, "https://other.example:8443", "http://localhost:3000", "http://127.0.0.1"} {
		a := ask(sessions, origin).Is(204)
		for name, want := range map[string]string{
			"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Methods": "POST", "Vary": "Origin",
			"Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key", "Access-Control-Allow-Credentials": "",
		} {
			if got := a.Header.Get(name); got != want {
				t.Errorf("%s is %q for %s", name, got, origin)
			}
		}
	}
	for _, origin := range []string{"null", "http://shop.example", "file://", "https://shop.example/path", "http://localhost:*", "*", "chrome-extension://abc"} {
		if got := ask(sessions, origin).Is(204).Header.Get("Access-Control-Allow-Origin"); got != "" {
			t.Errorf("pages of %s may send: %q", origin, got)
		}
	}
	// Nothing else is for pages, and not every OPTIONS is a preflight.
	for _, path := range []string{sessions + "/ps_01hzy3v7q8e4xk2m9c5b7d6f0a/cancel", payments, "/collect/customers", "/webhooks/endpoints", "/brand"} {
		a := ask(path, shopOrigin).Problem(405, "method_not_allowed")
		if a.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("pages may call %s", path)
		}
	}
	a, err := nobody.Send("OPTIONS", sessions, nil, from(shopOrigin), handlerstest.Header{Name: "Access-Control-Request-Method"})
	if err != nil {
		t.Fatal(err)
	}
	a.Problem(405, "method_not_allowed")
}
