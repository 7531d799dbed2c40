package api_test

import (
	"strings"
	"testing"
)

func presented(mode object, more ...object) object {
	o := checkoutOptions(object{"presentation_mode": mode})
	for _, m := range more {
		for name, value := range m {
			o[name] = value
		}
	}
	return with(o)
}

// The client token comes with the answer that makes the session, and its replays, and
// with nothing else.
func TestClientToken(t *testing.T) {
	t.Parallel()
	b := setup(t)
	shop := b.Merchant("test", origins(shopOrigin))
	b.First.Project()
	secret, public := b.First.Caller(t, shop.Secret), b.First.Caller(t, shop.Public)
	for _, mode := range []string{"embedded_modal", "embedded_inline"} {
		body := presented(object{"mode": mode, "display_pay_button": mode == "embedded_modal"})
		first := secret.Post(sessions, body, key(mode)).Is(201)
		first.Shows(object{
			"options.checkout_options.presentation_mode.mode":               mode,
			"options.checkout_options.presentation_mode.display_pay_button": mode == "embedded_modal",
		})
		token := first.Text("client_token")
		if !strings.HasPrefix(token, "ct_") {
			t.Fatalf("the client token is %q", token)
		}
		again := secret.On(b.Process()).Post(sessions, body, key(mode)).Is(201)
		if again.Text("client_token") != token || again.Header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("replayed it is %s", again.Body)
		}
		sessionID := first.Text("id")
		if other := secret.Post(sessions, body).Is(201).Text("client_token"); other == token {
			t.Error("two sessions have one token")
		}
		for name, a := range map[string]string{
			"a GET":    string(secret.Get(sessions + "/" + sessionID).Is(200).Body),
			"a list":   string(secret.Get(sessions + "?min_position=" + first.Header.Get("Event-Position")).Is(200).Body),
			"a cancel": string(secret.Post(sessions+"/"+sessionID+"/cancel", nil).Is(200).Body),
		} {
			if strings.Contains(a, "client_token") || strings.Contains(a, "ct_") {
				t.Errorf("%s shows it: %s", name, a)
			}
		}
		a := public.Post(sessions, presented(object{"mode": mode}), from(shopOrigin)).Is(201)
		if a.Len("") != 5 || a.Text("client_token") == "" {
			t.Errorf("a page gets %s", a.Body)
		}
		// It is no key.
		b.First.Caller(t, token).Get(sessions+"/"+sessionID).Problem(401, "invalid_api_key")
	}
	for _, body := range []object{with(nil), presented(object{"mode": "redirect"})} {
		if a := secret.Post(sessions, body).Is(201); a.At("client_token") != nil {
			t.Errorf("a session that is not embedded has a token: %s", a.Body)
		}
	}
}

func TestPresentationIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const at = "/options/checkout_options/presentation_mode/"
	shop := b.First.Caller(t, b.Merchant("test", origins(shopOrigin)).Secret)
	for _, mode := range []string{"embedded_modal", "embedded_inline"} {
		blames(t, b.Post(sessions, presented(object{"mode": mode})), at+"mode: not_allowed")
		blames(t, shop.Post(sessions, presented(object{"mode": mode, "display_pay_button": "yes"})), at+"display_pay_button: wrong_type")
		blames(t, shop.Post(sessions, presented(object{"mode": mode}, object{"type": "next_in_series"})),
			at+"mode: contradiction", "/options/customer_id: required", "/options/payment_method_id: required")
	}
	blames(t, shop.Post(sessions, presented(object{"mode": "redirect", "display_pay_button": true})), at+"display_pay_button: contradiction")
	blames(t, shop.Post(sessions, presented(object{"mode": "popup"})), at+"mode: not_an_option")
}
