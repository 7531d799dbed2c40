package api_test

import (
	"testing"

	"tender/domain/merchant"
	"tender/domain/staff"
	"tender/handlers/handlerstest"
)

func TestWhoCalls(t *testing.T) {
	t.Parallel()
	b := setup(t)
	finance, operator := b.StaffKey(staff.RoleFinance), b.StaffKey(staff.RoleOperator)
	revoked, revokedID := b.merchant.Key(merchant.KeySecret)
	b.merchant.Revoke(revokedID)
	for _, c := range []struct {
		name, authorization string
		status              int
		code                string
	}{
		{"nobody", "", 401, "unauthorised"},
		{"another scheme", "Basic " + b.merchant.Secret, 401, "unauthorised"},
		{"the key alone", b.merchant.Secret, 401, "unauthorised"},
		{"the scheme alone", "Bearer", 401, "unauthorised"},
		{"the scheme and a blank", "Bearer ", 401, "unauthorised"},
		{"the scheme in small letters", "bearer " + b.merchant.Secret, 200, ""},
		{"an unknown key", "Bearer sk_test_abcdefghijklmnopqrstuvwxyz", 401, "invalid_api_key"},
		{"an unknown public key", "Bearer pk_test_abcdefghijklmnopqrstuvwxyz", 401, "invalid_api_key"},
		{"an unknown live key", "Bearer sk_abcdefghijklmnopqrstuvwxyz", 401, "invalid_api_key"},
		{"a word", "Bearer secret", 401, "invalid_api_key"},
		{"a key cut short", "Bearer " + b.merchant.Secret[:len(b.merchant.Secret)-1], 401, "invalid_api_key"},
		{"a key with more", "Bearer " + b.merchant.Secret + " x", 401, "invalid_api_key"},
		{"a test key as a live one", "Bearer sk_" + b.merchant.Secret[len("sk_test_"):], 401, "invalid_api_key"},
		{"the key's id", "Bearer " + b.merchant.SecretID, 401, "invalid_api_key"},
		{"a revoked key", "Bearer " + revoked, 403, "forbidden"},
		{"a public key", "Bearer " + b.merchant.Public, 403, "forbidden"},
		{"finance", "Bearer " + finance, 403, "forbidden"},
		{"an operator", "Bearer " + operator, 403, "forbidden"},
		{"a staff key that nobody has", "Bearer fin_abcdefghijklmnopqrstuvwxyz", 401, "invalid_api_key"},
		{"a secret key", "Bearer " + b.merchant.Secret, 200, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			caller := b.First.Caller(t, "")
			a, err := caller.Send("GET", payments+"/pay_01hzy3v7q8e4xk2m9c5b7d6f0a", nil, handlerstest.Header{Name: "Authorization", Value: c.authorization})
			if err != nil {
				t.Fatal(err)
			}
			if c.status == 200 {
				a.Problem(404, "not_found") // who calls is known, the payment is not
				return
			}
			a.Problem(c.status, c.code)
			if challenged := a.Header.Get("WWW-Authenticate") != ""; challenged != (c.status == 401) {
				t.Errorf("WWW-Authenticate is %q", a.Header.Get("WWW-Authenticate"))
			}
		})
	}
}

// Every route asks who calls before it says anything else.
func TestEveryRouteNeedsAKey(t *testing.T) {
	t.Parallel()
	b := setup(t)
	nobody := b.First.Caller(t, "")
	sessionID, paymentID := "/ps_01hzy3v7q8e4xk2m9c5b7d6f0a", "/pay_01hzy3v7q8e4xk2m9c5b7d6f0a"
	for _, path := range []string{sessions, sessions + sessionID, payments, payments + paymentID} {
		nobody.Get(path).Problem(401, "unauthorised")
	}
	for _, path := range []string{sessions, sessions + sessionID + "/cancel", payments + paymentID + "/captures", payments + paymentID + "/voids"} {
		nobody.Post(path, "{broken").Problem(401, "unauthorised")
	}
}

func TestPublicKeys(t *testing.T) {
	t.Parallel()
	b := setup(t)
	shop := b.Merchant("test", returnURLs("https://shop.example/thanks", "https://shop.example/orders/"))
	secret, public := b.First.Caller(t, shop.Secret), b.First.Caller(t, shop.Public)
	sessionID, paymentID := secret.Paid(10_000, goodCard, manual())

	// What a browser gets to see of the session that it made.
	a := public.Post(sessions, with(object{"metadata": object{"k": "v"}})).Is(201)
	for name := range a.At("").(map[string]any) {
		switch name {
		case "id", "status", "session_url", "expires_at":
		default:
			t.Errorf("a public key is shown %s", name)
		}
	}
	a.Shows(object{"status": "active"})
	if a.Header.Get("Event-Position") == "" {
		t.Error("no Event-Position")
	}

	for _, c := range []struct {
		url  string
		good bool
	}{
		{"https://shop.example/thanks", true},
		{"https://shop.example/thanks?x=1", false},
		{"https://shop.example/orders/1?x=1", true},
		{"https://shop.example/orders/../admin", false},
		{"https://shop.example/orders/%2e%2E/admin", false},
		{"https://evil.example/thanks", false},
		{"https://shop.example.evil.example/thanks", false},
	} {
		a := public.Post(sessions, with(returnURL(c.url)))
		if c.good {
			a.Is(201)
			continue
		}
		blames(t, a, "/options/checkout_options/return_url: not_allowed")
	}
	secret.Post(sessions, with(returnURL("https://other.example/"))).Is(201) // a server may lead anywhere

	// Nothing else.
	for _, path := range []string{sessions, sessions + "/" + sessionID, payments, payments + "/" + paymentID} {
		public.Get(path).Problem(403, "forbidden")
	}
	for _, path := range []string{sessions + "/" + sessionID + "/cancel", payments + "/" + paymentID + "/captures", payments + "/" + paymentID + "/voids"} {
		public.Post(path, nil).Problem(403, "forbidden")
	}
	public.Capture(paymentID, 1).Problem(403, "forbidden")
	secret.Payment(paymentID).Shows(object{"capturable_amount": 10_000, "version": secret.Payment(paymentID).At("version")})
}

// A public and a secret key have their own idempotency keys.
func TestKindsOfKeysAreApart(t *testing.T) {
	t.Parallel()
	b := setup(t)
	public := b.First.Caller(t, b.merchant.Public)
	one := b.Post(sessions, with(nil), key("the same")).Is(201).Text("id")
	other := public.Post(sessions, with(nil), key("the same")).Is(201).Text("id")
	if one == other {
		t.Error("a public key joined in what a secret one did")
	}
	if again := public.Post(sessions, with(nil), key("the same")).Is(201); again.Text("id") != other || again.Len("") > 4 {
		t.Errorf("replayed it is %s", again.Body)
	}
}

func TestPublicKeysCanBeSwitchedOff(t *testing.T) {
	t.Parallel()
	b := setup(t)
	closed := merchant.Settings{Name: "Shop", Country: "ZA", TimeZone: "UTC"}
	open := closed
	open.PublicKeys = true
	public := b.First.Caller(t, b.merchant.Public)
	elsewhere := public.On(b.Process())
	for range 2 {
		// Both processes remember the merchant as it was before each change.
		b.merchant.Change(open)
		public.Post(sessions, with(nil), key("k")).Is(201)
		elsewhere.Post(sessions, with(nil)).Is(201)
		b.merchant.Change(closed)
		public.Post(sessions, with(nil)).Problem(403, "forbidden")
		elsewhere.Post(sessions, with(nil), key("k")).Problem(403, "forbidden")
		elsewhere.Post(sessions, with(nil), key("k")).Problem(403, "forbidden")
	}
	// A 403 uses up no key.
	b.merchant.Change(open)
	elsewhere.Post(sessions, with(nil), key("fresh")).Is(201)
	b.merchant.Change(closed)
	elsewhere.Post(sessions, with(nil), key("fresher")).Problem(403, "forbidden")
	b.merchant.Change(open)
	elsewhere.Post(sessions, with(nil), key("fresher")).Is(201)
}

// The list of return URLs may grow and shrink behind a process's back.
func TestReturnURLsChangeElsewhere(t *testing.T) {
	t.Parallel()
	b := setup(t)
	public := b.First.Caller(t, b.merchant.Public)
	body := with(returnURL("https://shop.example/thanks"))
	s := merchant.Settings{Name: "Shop", Country: "ZA", TimeZone: "UTC", PublicKeys: true}
	for range 2 {
		b.merchant.Change(s)
		blames(t, public.Post(sessions, body), "/options/checkout_options/return_url: not_allowed")
		allowed := s
		allowed.AllowedReturnURLs = []string{"https://shop.example/thanks"}
		b.merchant.Change(allowed)
		public.Post(sessions, body).Is(201)
	}
}

// A revocation holds from its commit on: for whatever comes next, in a process
// that remembers the key as good as well.
func TestRevocationHoldsEverywhere(t *testing.T) {
	t.Parallel()
	b := setup(t)
	processes := []*handlerstest.Process{b.First, b.Process()}
	b.First.Project()
	for _, c := range []struct {
		name string
		call func(c *handlerstest.Caller, sessionID, paymentID string) *handlerstest.Answer
	}{
		{"read a session", func(c *handlerstest.Caller, sessionID, _ string) *handlerstest.Answer {
			return c.Get(sessions + "/" + sessionID)
		}},
		{"read a payment", func(c *handlerstest.Caller, _, paymentID string) *handlerstest.Answer {
			return c.Get(payments + "/" + paymentID)
		}},
		{"list sessions", func(c *handlerstest.Caller, _, _ string) *handlerstest.Answer { return c.Get(sessions) }},
		{"list payments", func(c *handlerstest.Caller, _, _ string) *handlerstest.Answer { return c.Get(payments) }},
		{"create", func(c *handlerstest.Caller, _, _ string) *handlerstest.Answer { return c.Post(sessions, with(nil)) }},
		{"create again", func(c *handlerstest.Caller, _, _ string) *handlerstest.Answer {
			return c.Post(sessions, with(nil), key("before"))
		}},
		{"cancel", func(c *handlerstest.Caller, sessionID, _ string) *handlerstest.Answer {
			return c.Post(sessions+"/"+sessionID+"/cancel", nil)
		}},
		{"capture", func(c *handlerstest.Caller, _, paymentID string) *handlerstest.Answer { return c.Capture(paymentID, 1) }},
		{"void", func(c *handlerstest.Caller, _, paymentID string) *handlerstest.Answer { return c.Void(paymentID) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			secret, keyID := b.merchant.Key(merchant.KeySecret)
			sessionID, _ := b.of(t).Create(10_000)
			paymentID := b.of(t).Reserved(10_000, goodCard)
			var warm []*handlerstest.Caller
			for _, p := range processes {
				caller := p.Caller(t, secret)
				caller.Get(sessions + "/" + sessionID).Is(200)
				caller.Payment(paymentID)
				caller.Post(sessions, with(nil), key("before")).Is(201)
				warm = append(warm, caller)
			}
			b.merchant.Revoke(keyID)
			for _, caller := range warm {
				c.call(caller, sessionID, paymentID).Problem(403, "forbidden")
				c.call(caller, sessionID, paymentID).Problem(403, "forbidden")
			}
			b.of(t).Get(sessions + "/" + sessionID).Is(200).Shows(object{"status": "active"})
			b.of(t).Payment(paymentID).Shows(object{"capturable_amount": 10_000})
		})
	}
}

// A key that was issued after a process had learnt of its merchant is good there
// at once.
func TestNewKeysAreGoodAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Create(10_000)
	secret, _ := b.merchant.Key(merchant.KeySecret)
	b.First.Caller(t, secret).Create(10_000)
	b.First.Caller(t, secret).On(b.Process()).Create(10_000)
}

// Nothing of another merchant or mode is visible: it is as if it did not exist.
func TestStrangersSeeNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.First.Project()
	sessionID, _ := b.Create(10_000)
	paymentID := b.Reserved(10_000, goodCard)
	version := b.Payment(paymentID).At("version")
	live := b.Merchant("live")
	for name, secret := range map[string]string{"another merchant": b.Merchant("test").Secret, "a live key": live.Secret} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stranger := b.First.Caller(t, secret)
			for _, id := range []string{paymentID, "pay_01hzy3v7q8e4xk2m9c5b7d6f0a", "pay_1", sessionID, "%2e%2e", "pay_01hzy3v7q8e4xk2m9c5b7d6f0a%00"} {
				stranger.Get(payments+"/"+id).Problem(404, "not_found")
				stranger.Capture(id, 1, key("mine")).Problem(404, "not_found")
				stranger.Void(id, key("mine")).Problem(404, "not_found")
			}
			for _, id := range []string{sessionID, "ps_01hzy3v7q8e4xk2m9c5b7d6f0a", "x", paymentID} {
				stranger.Get(sessions+"/"+id).Problem(404, "not_found")
				stranger.Post(sessions+"/"+id+"/cancel", nil, key("mine")).Problem(404, "not_found")
			}
			// A 404 uses up no key.
			stranger.Post(sessions, with(nil), key("mine")).Is(201)
		})
	}
	t.Cleanup(func() {
		b.Get(sessions + "/" + sessionID).Is(200).Shows(object{"status": "active", "version": 1})
		b.Payment(paymentID).Shows(object{"version": version})
	})
}

// The same merchant id in both logs is two accounts that know nothing of each
// other, keys of idempotency among it.
func TestModesAreApart(t *testing.T) {
	t.Parallel()
	b := setup(t)
	live := b.First.Caller(t, b.Merchant("live").Secret)
	a := live.Post(sessions, with(nil), key("k")).Is(201).Shows(object{"mode": "live"})
	b.Post(sessions, with(nil), key("k")).Is(201).Shows(object{"mode": "test"})
	b.Get(sessions+"/"+a.Text("id")).Problem(404, "not_found")
	live.Get(sessions + "/" + a.Text("id")).Is(200)
	blames(t, live.Post(sessions, with(returnURL("http://localhost/ok"))), "/options/checkout_options/return_url: invalid_format")
	// One checkout serves both.
	b.First.Caller(t, "").Pay(a.Text("checkout_session_id"), goodCard).Is(200).Shows(object{"payment_outcome": "paid"})
	live.Get(sessions + "/" + a.Text("id")).Is(200).Shows(object{"payment_outcome": "paid"})
}

// Without an acquirer live mode refuses, decided and for good.
func TestLiveWithoutAnAcquirer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.First.Live.Payments.Acquirer = nil
	live := b.First.Caller(t, b.Merchant("live").Secret)
	live.Post(sessions, with(nil), key("k")).Problem(422, "no_acquirer")
	again := live.Post(sessions, with(nil), key("k")).Problem(422, "no_acquirer")
	if again.Header.Get("Idempotent-Replayed") != "true" {
		t.Error("the refusal is not remembered")
	}
	// There is no object that the key stands for.
	if other := live.Post(sessions, with(object{"amount": 1}), key("k")).Problem(422, "idempotency_key_reused"); other.At("conflicting_resource_id") != nil {
		t.Errorf("it names %v", other.At("conflicting_resource_id"))
	}
}
