package checkout_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"tender/handlers/handlerstest"
	"tender/handlers/limits"
)

// with is a try to pay whose card differs; nil takes a field away.
func with(changes object) object {
	body := card(visa)
	o := body["payment_method"].(object)["card"].(object)
	for name, value := range changes {
		if value == nil {
			delete(o, name)
			continue
		}
		o[name] = value
	}
	return body
}

// What is mistyped is refused by field, before anything is appended.
func TestAttemptFields(t *testing.T) {
	t.Parallel()
	h := open(t)
	const at = "/payment_method/card/"
	for _, c := range []struct {
		name string
		body any
		want []string
	}{
		{"nothing", nil, []string{"/payment_method: required"}},
		{"an empty object", "{}", []string{"/payment_method: required"}},
		{"a method that is none", object{"payment_method": "card"}, []string{"/payment_method: wrong_type"}},
		{"no type", object{"payment_method": object{"card": object{"number": visa, "exp_month": 1, "exp_year": 2031, "cvc": "737"}}}, []string{"/payment_method/type: required"}},
		{"another type", object{"payment_method": object{"type": "zapper"}}, []string{"/payment_method/type: not_an_option"}},
		{"a saved method that is none", object{"payment_method": object{"type": "saved", "payment_method_id": "pmt_1", "cvc": "737"}}, []string{"/payment_method/payment_method_id: invalid_format"}},
		{"a saved method without its name", object{"payment_method": object{"type": "saved", "cvc": 737}}, []string{"/payment_method/payment_method_id: required", "/payment_method/cvc: wrong_type"}},
		{"a saved method and a card", object{"payment_method": object{"type": "saved", "payment_method_id": 1, "card": object{}}}, []string{"/payment_method/payment_method_id: wrong_type", "/payment_method/card: unknown"}},
		{"a card and a saved method", object{"payment_method": object{"type": "card", "payment_method_id": "pmt_1", "card": object{"number": visa, "exp_month": 1, "exp_year": 2031, "cvc": "737"}}}, []string{"/payment_method/payment_method_id: unknown"}},
		{"no card", object{"payment_method": object{"type": "card"}}, []string{"/payment_method/card: required"}},
		{"an empty card", object{"payment_method": object{"type": "card", "card": object{}}},
			[]string{at + "number: required", at + "exp_month: required", at + "exp_year: required", at + "cvc: required"}},
		{"an unknown field", card(visa, object{"amount": 1}), []string{"/amount: unknown"}},
		{"one in the card", with(object{"pin": "1234"}), []string{at + "pin: unknown"}},
		{"to be saved", card(visa, object{"save_payment_method": true}), []string{"/save_payment_method: contradiction"}},
		{"save it, perhaps", card(visa, object{"save_payment_method": "yes"}), []string{"/save_payment_method: wrong_type"}},
		{"a mandate, perhaps", card(visa, object{"accept_mandate": 1}), []string{"/accept_mandate: wrong_type"}},
		{"an attempt that is a number", card(visa, object{"attempt_id": 1}), []string{"/attempt_id: wrong_type"}},
		{"a number as a number", with(object{"number": 4242424242424242}), []string{at + "number: wrong_type"}},
		{"a digit wrong", with(object{"number": "4242424242424241"}), []string{at + "number: invalid_card_number"}},
		{"a digit missing", with(object{"number": "424242424242424"}), []string{at + "number: invalid_format"}},
		{"letters", with(object{"number": "4242 4242 4242 424x"}), []string{at + "number: invalid_format"}},
		{"no scheme", with(object{"number": "9999999999999995"}), []string{at + "number: invalid_format"}},
		{"a number without end", with(object{"number": strings.Repeat("4", 10_000)}), []string{at + "number: invalid_format"}},
		{"month 0", with(object{"exp_month": 0}), []string{at + "exp_month: required"}},
		{"month 13", with(object{"exp_month": 13}), []string{at + "exp_month: invalid_format"}},
		{"a month as text", with(object{"exp_month": "12"}), []string{at + "exp_month: wrong_type"}},
		{"half a month", with(object{"exp_month": 1.5}), []string{at + "exp_month: wrong_type"}},
		{"an absurd month", with(object{"exp_month": json.RawMessage("1e400")}), []string{at + "exp_month: wrong_type"}},
		{"a month beyond 64 bits", with(object{"exp_month": json.RawMessage("99999999999999999999")}), []string{at + "exp_month: too_large"}},
		{"last year", with(object{"exp_year": 2020}), []string{at + "exp_year: card_expired"}},
		{"far ahead", with(object{"exp_year": 2999}), []string{at + "exp_year: too_large"}},
		{"three digits of a year", with(object{"exp_year": 203}), []string{at + "exp_year: invalid_format"}},
		{"a CVC too short", with(object{"cvc": "73"}), []string{at + "cvc: invalid_format"}},
		{"a CVC too long", with(object{"cvc": "7373"}), []string{at + "cvc: invalid_format"}},
		{"three digits for AMEX", with(object{"number": "378282246310005"}), []string{at + "cvc: invalid_format"}},
		{"an empty CVC", with(object{"cvc": ""}), []string{at + "cvc: required"}},
		{"a CVC as a number", with(object{"cvc": 737}), []string{at + "cvc: wrong_type"}},
		{"a name too long", with(object{"name": strings.Repeat("n", 101)}), []string{at + "name: too_long"}},
		{"the number for a name", with(object{"name": "4242 4242 4242 4242"}), []string{at + "name: invalid_format"}},
		{"everything at once", with(object{"number": "1", "exp_month": 13, "cvc": "x", "name": strings.Repeat("n", 101)}),
			[]string{at + "number: invalid_format", at + "exp_month: invalid_format", at + "cvc: invalid_format", at + "name: too_long"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			k := h.sells(t)
			a := k.pays(c.body).Problem(400, "invalid_request")
			discreet(t, a)
			slices.Sort(c.want)
			if got := wrong(a); !slices.Equal(got, c.want) {
				t.Errorf("it blames %q, not %q", got, c.want)
			}
			k.session().Shows(object{"version": 1, "payment_id": nil})
		})
	}
}

func TestAttemptBodies(t *testing.T) {
	t.Parallel()
	h := open(t)
	k := h.sells(t)
	contentType := func(s string) handlerstest.Header { return handlerstest.Header{Name: "Content-Type", Value: s} }
	k.pays("{broken").Problem(400, "malformed_request")
	k.pays(`{"attempt_id":"a","attempt_id":"b"}`).Problem(400, "malformed_request")
	k.pays("\xff").Problem(400, "malformed_request")
	k.pays(`{"attempt_id":"`+strings.Repeat("x", 65<<10)+`"}`).Problem(413, "payload_too_large")
	k.pays(card(visa), contentType("text/plain")).Problem(415, "unsupported_media_type")
	k.pays(card(visa), contentType("")).Problem(415, "unsupported_media_type")
	k.customer.Post("/checkout/"+k.id+"/cancel", object{"reason": "x"}).Problem(400, "invalid_request")
	k.session().Shows(object{"version": 1})
}

func TestUnknownCheckouts(t *testing.T) {
	t.Parallel()
	h := open(t)
	k := h.sells(t)
	for _, id := range []string{"ckt_00000000000000000000000000", "ckt_1", "x", k.sessionID, strings.ToUpper(k.id), k.id + "0", "%2e%2e", k.id + "%00"} {
		h.customer.Get("/checkout/"+id+"/state").Problem(404, "not_found")
		h.customer.Post("/checkout/"+id+"/attempts", card(visa)).Problem(404, "not_found")
		h.customer.Post("/checkout/"+id+"/cancel", nil).Problem(404, "not_found")
		if a := h.customer.Get("/checkout/" + id).Is(404); !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
			t.Errorf("%s: a person is shown %s", id, a.Header.Get("Content-Type"))
		}
	}
	if n := h.authorisations(); n != 0 {
		t.Errorf("the acquirer was asked %d times", n)
	}
}

func TestStateOfANewSession(t *testing.T) {
	t.Parallel()
	h := open(t)
	k := h.sells(t)
	a := k.state().Shows(object{"status": "active", "payment_outcome": "not_started", "last_payment_error": nil, "next_action": nil})
	if !strings.HasPrefix(a.Text("attempt_id"), "att_") {
		t.Errorf("the state is %s", a.Body)
	}
	discreet(t, a)
	other := h.customer.On(h.Process()).Get("/checkout/" + k.id + "/state").Is(200)
	if string(other.Body) != string(a.Body) {
		t.Errorf("another process says %s, not %s", other.Body, a.Body)
	}
}

// What this process remembers of a session, others may have changed: it is paid once,
// and refused by what the log says.
func TestAttemptsRestOnTheLog(t *testing.T) {
	t.Parallel()
	h := open(t)
	other := h.Process()
	paid, cancelled := h.sells(t), h.sells(t)
	attempt := paid.attempt(visa)
	first := h.customer.On(other).Post("/checkout/"+paid.id+"/attempts", attempt).Is(200).Shows(object{"payment_outcome": "paid"})
	h.customer.On(other).Post("/checkout/"+cancelled.id+"/cancel", nil).Is(200)
	if joined := paid.pays(attempt).Is(200); string(joined.Body) != string(first.Body) {
		t.Errorf("the same click here is told %s, not %s", joined.Body, first.Body)
	}
	paid.pays(card(visa)).Problem(409, "session_not_active")
	cancelled.pays(card(visa)).Problem(409, "session_not_active")
	if n := h.authorisations() + other.Line.Calls(handlerstest.CallAuthorise); n != 1 {
		t.Errorf("the acquirer was asked %d times", n)
	}
}

// A click that is repeated here joins the attempt that another process has made, even
// where the address may not pay any more.
func TestAttemptsJoinBeforeTheyWait(t *testing.T) {
	t.Parallel()
	l := limits.Test()
	l.FailuresPerAddress = 1
	h := open(t, handlerstest.Limits(l))
	c, failing := h.sells(t), h.sells(t)
	attempt := c.attempt(visa)
	h.customer.On(h.Process()).Post("/checkout/"+c.id+"/attempts", attempt).Is(200).Shows(object{"payment_outcome": "paid"})
	failing.pays(card(declines)).Is(200)
	failing.pays(card(declines)).Is(429)
	c.pays(attempt).Is(200).Shows(object{"payment_outcome": "paid"})
}

// The same attempt_id joins the same attempt, in whatever state it is: a click
// that is repeated pays once, and a decline is told, not tried again.
func TestAttemptIDsAreSingleUse(t *testing.T) {
	t.Parallel()
	h := open(t)
	k := h.sells(t)
	attempt := k.attempt(declines)
	first := k.pays(attempt).Is(200)
	second := k.state().Text("attempt_id")
	if second == attempt["attempt_id"] || second != first.Text("attempt_id") {
		t.Errorf("the next attempt is %s", second)
	}
	again := k.pays(card(visa, object{"attempt_id": attempt["attempt_id"]})).Is(200)
	if string(again.Body) != string(first.Body) {
		t.Errorf("joined it is %s, not %s", again.Body, first.Body)
	}
	for _, unknown := range []string{"att_01hzy3v7q8e4xk2m9c5b7d6f0a", "x", strings.Repeat("a", 5000)} {
		k.pays(card(visa, object{"attempt_id": unknown})).Problem(409, "attempt_id_unknown")
	}
	// An empty one is none.
	k.pays(card(visa, object{"attempt_id": second})).Is(200).Shows(object{"payment_outcome": "paid"})
	k.pays(card(visa, object{"attempt_id": second})).Is(200).Shows(object{"payment_outcome": "paid"})
	k.pays(card(visa)).Problem(409, "session_not_active")
	if n := h.authorisations(); n != 2 {
		t.Errorf("the acquirer was asked %d times", n)
	}
}

// After ten attempts the payment has failed and the session is over.
func TestTenAttempts(t *testing.T) {
	t.Parallel()
	h := open(t)
	k := h.sells(t)
	seen := map[string]bool{}
	for i := range 10 {
		seen[k.state().Text("attempt_id")] = true
		a := k.pays(card(declines)).Is(200)
		if i < 9 {
			a.Shows(refusedWith("card_declined"))
			k.payment().Shows(object{"status": "draft"})
			continue
		}
		a.Shows(object{"status": "expired", "payment_outcome": "unpaid", "attempt_id": nil, "last_payment_error.error_code": "card_declined"})
	}
	if len(seen) != 10 {
		t.Errorf("the attempts were %v", seen)
	}
	k.payment().Shows(object{"status": "failed", "last_payment_error.decline_code": "generic_decline"})
	k.session().Shows(object{"status": "expired", "payment_outcome": "unpaid", "payment_status": "unpaid"})
	k.pays(card(visa)).Problem(409, "session_not_active")
	discreet(t, k.page().Is(200))
	if n := h.authorisations(); n != 10 {
		t.Errorf("the acquirer was asked %d times", n)
	}
}

func TestCancelByTheCustomer(t *testing.T) {
	t.Parallel()
	h := open(t)
	k := h.sells(t)
	k.customer.Post("/checkout/"+k.id+"/cancel", nil).Is(200).Shows(object{"status": "cancelled", "payment_outcome": "unpaid", "attempt_id": nil})
	k.customer.Post("/checkout/"+k.id+"/cancel", object{}).Problem(409, "session_not_active")
	k.session().Shows(object{"status": "cancelled"})
	k.pays(card(visa)).Problem(409, "session_not_active")

	// On the way to the bank: the acquirer closes the attempt first.
	k = h.sells(t)
	challenge := k.pays(card(asks)).Is(200).Text("next_action.url")
	k.customer.Post("/checkout/"+k.id+"/cancel", nil).Is(200).Shows(object{
		"status": "cancelled", "payment_outcome": "unpaid", "next_action": nil, "last_payment_error.error_code": "customer_cancelled",
	})
	h.Decide(t, challenge, "approve") // too late
	k.session().Shows(object{"status": "cancelled", "payment_outcome": "unpaid"})
	k.payment().Shows(object{"status": "cancelled", "authorised_amount": 0})
}

// Two who pay at the same moment pay once.
func TestPayingAtTheSameMoment(t *testing.T) {
	t.Parallel()
	h := open(t)
	other := h.customer.On(h.Process())
	both := []*handlerstest.Caller{h.customer, other}
	for _, c := range []struct {
		name   string
		body   func(k *purchase) object
		joined int // how many are told the state
	}{
		{"with the same attempt_id", func(k *purchase) object { return k.attempt(visa) }, 6},
		{"without attempt_id", func(*purchase) object { return card(visa) }, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			k := h.sells(t)
			body := c.body(k)
			answers := make(chan *handlerstest.Answer, 6)
			for i := range 6 {
				go func() {
					a, err := both[i%2].Send("POST", "/checkout/"+k.id+"/attempts", body)
					if err != nil {
						t.Error(err)
					}
					answers <- a
				}()
			}
			told := 0
			for range 6 {
				switch a := <-answers; {
				case a.Status == 200:
					told++
				case a.Status != 409 || a.Text("code") != "attempt_in_progress" && a.Text("code") != "session_not_active":
					t.Errorf("one is told %d: %s", a.Status, a.Body)
				}
			}
			if told != c.joined {
				t.Errorf("%d are told the state, not %d", told, c.joined)
			}
			k.session().Shows(object{"status": "completed", "payment_outcome": "paid", "version": 3})
			k.payment().Shows(object{"paid_amount": 10_000})
		})
	}
}

// Another site's page may not pay, or cancel.
func TestCrossSiteJSON(t *testing.T) {
	t.Parallel()
	h := open(t)
	k := h.sells(t)
	from := func(site string) handlerstest.Header { return handlerstest.Header{Name: "Sec-Fetch-Site", Value: site} }
	k.pays(card(visa), from("cross-site")).Problem(403, "forbidden")
	k.customer.Post("/checkout/"+k.id+"/cancel", nil, from("cross-site")).Problem(403, "forbidden")
	k.session().Shows(object{"version": 1})
	for _, site := range []string{"same-origin", "none"} {
		k := h.sells(t)
		k.pays(card(visa), from(site)).Is(200).Shows(object{"payment_outcome": "paid"})
	}
}
