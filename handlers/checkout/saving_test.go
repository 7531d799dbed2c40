package checkout_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"tender/handlers/handlerstest"
)

// saves are the options of a session that saves the card, or asks whether it shall.
func saves(how string) object {
	return object{"options": object{"checkout_options": object{"save_payment_method": how}}}
}

// tidy is a text in one line.
func tidy(s string) string { return strings.Join(strings.Fields(s), " ") }

// says fails the test unless a page holds these texts.
func says(t *testing.T, a *handlerstest.Answer, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(tidy(string(a.Body)), tidy(text)) {
			t.Errorf("%q is not on the page:\n%s", text, a.Body)
		}
	}
}

// hides fails the test if a page holds one of these texts.
func hides(t *testing.T, a *handlerstest.Answer, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(string(a.Body), text) {
			t.Errorf("%q is on the page", text)
		}
	}
}

// Whether the card is saved the merchant says, or leaves to the customer.
func TestSaving(t *testing.T) {
	t.Parallel()
	h := open(t)
	yes, no := object{"save_payment_method": true}, object{"save_payment_method": false}
	for _, c := range []struct {
		name  string
		how   string // "": the session does not say
		asked object
		saved bool
		wrong bool // what the customer says contradicts the session
	}{
		{"nothing is said", "", nil, false, false},
		{"never", "never", nil, false, false},
		{"never, as the customer wants it", "never", no, false, false},
		{"never, against the customer's wish", "never", yes, false, true},
		{"always", "always", nil, true, false},
		{"always, as the customer wants it", "always", yes, true, false},
		{"always, against the customer's wish", "always", no, true, true},
		{"asked, no answer", "prompt", nil, false, false},
		{"asked, no", "prompt", no, false, false},
		{"asked, yes", "prompt", yes, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var more []object
			if c.how != "" {
				more = append(more, saves(c.how))
			}
			k := h.sells(t, more...)
			var prompts any
			if c.how == "prompt" {
				prompts = true
			}
			k.state().Shows(object{"prompts_to_save": prompts, "mandate_terms": nil, "saved_payment_methods": nil})
			attempt := k.attempt(visa)
			for name, value := range c.asked {
				attempt[name] = value
			}
			if c.wrong {
				if got := wrong(k.pays(attempt).Problem(400, "invalid_request")); !slices.Equal(got, []string{"/save_payment_method: contradiction"}) {
					t.Errorf("it blames %q", got)
				}
				k.session().Shows(object{"version": 1})
				return
			}
			k.pays(attempt).Is(200).Shows(object{"status": "completed", "payment_outcome": "paid", "prompts_to_save": nil})
			k.kept(c.saved)
		})
	}
}

// kept fails the test unless the session has saved its card, or has not.
func (c *purchase) kept(want bool) (methodID string) {
	c.t.Helper()
	s := c.session().Shows(object{"payment_outcome": "paid"})
	methodID = s.Text("payment_method_id")
	if !want {
		if methodID != "" || s.Text("customer_id") != "" {
			c.t.Errorf("something is saved: %s", s.Body)
		}
		hides(c.t, c.page().Is(200), "Your card is saved")
		return ""
	}
	c.merchant.Get(handlerstest.MethodsPath + "/" + methodID).Is(200).Shows(object{
		"customer_id": s.At("customer_id"), "card.last4": "4242", "card.scheme": "VISA", "usable": true,
	})
	says(c.t, c.page().Is(200), "Your card is saved for your next payments to Corner Shop.")
	return methodID
}

// The same without JavaScript: there is a box where the customer is asked, and a
// sentence where they are not.
func TestSavingByForm(t *testing.T) {
	t.Parallel()
	h := open(t)
	const box, sentence = `name="save_payment_method"`, "will be saved for your next payments"
	k := h.sells(t, saves("prompt"))
	says(t, k.page(), box)
	hides(t, k.page(), sentence)
	form := k.form(visa)
	form.Set("save_payment_method", "yes")
	form.Set("number", "4242424242424241")
	says(t, k.posts("attempts", form).Is(400), box+` type="checkbox" value="yes" checked`) // what was ticked stays so
	form.Set("number", visa)
	k.leadsBack(k.posts("attempts", form))
	k.kept(true)

	k = h.sells(t, saves("prompt"))
	k.leadsBack(k.posts("attempts", k.form(visa)))
	k.kept(false)

	k = h.sells(t, saves("always"))
	says(t, k.page(), sentence)
	hides(t, k.page(), box)
	k.leadsBack(k.posts("attempts", k.form(visa)))
	k.kept(true)

	k = h.sells(t)
	hides(t, k.page(), box, sentence)
	form = k.form(visa)
	form.Set("save_payment_method", "yes") // which the page did not ask
	k.leadsBack(k.posts("attempts", form))
	k.kept(false)
}

// With an amount of 0 the card is verified and saved; nothing is charged, and no
// page speaks of an amount.
func TestVerification(t *testing.T) {
	t.Parallel()
	h := open(t)
	verified := object{"status": "completed", "payment_outcome": "payment_method_verified"}
	noAmount := func(t *testing.T, k *purchase) *handlerstest.Answer {
		t.Helper()
		a := k.page().Is(200)
		hides(t, a, "ZAR", "Pay by card")
		discreet(t, a)
		return a
	}
	isKept := func(t *testing.T, k *purchase) {
		t.Helper()
		k.payment().Shows(object{"intent": "payment_method_verification", "status": "succeeded", "amount": 0, "authorised_amount": 0, "paid_amount": 0})
		s := k.session().Shows(verified)
		h.merchant.Get(handlerstest.MethodsPath + "/" + s.Text("payment_method_id")).Is(200).Shows(object{"customer_id": s.At("customer_id")})
		says(t, noAmount(t, k), "<h1>Your card is saved</h1>", "No money was taken.")
	}
	t.Run("good", func(t *testing.T) {
		t.Parallel()
		k := h.asks(t, 0)
		says(t, noAmount(t, k), "<h1>Verify your card</h1>", "Verify card", "Nothing", "Save a card for Corner Shop")
		k.pays(k.attempt(visa)).Is(200).Shows(verified)
		isKept(t, k)
	})
	t.Run("by form", func(t *testing.T) {
		t.Parallel()
		k := h.asks(t, 0, saves("always"))
		k.leadsBack(k.posts("attempts", k.form(visa)))
		isKept(t, k)
	})
	t.Run("declined", func(t *testing.T) {
		t.Parallel()
		k := h.asks(t, 0)
		k.pays(k.attempt(declines)).Is(200).Shows(refusedWith("card_declined"))
		says(t, noAmount(t, k), "The card was not verified", "Your bank declined the card. No money was taken.")
		if s := k.session(); s.At("payment_method_id") != nil {
			t.Errorf("something is saved: %s", s.Body)
		}
		k.pays(k.attempt(visa)).Is(200).Shows(verified)
		isKept(t, k)
	})
	t.Run("the bank asks", func(t *testing.T) {
		t.Parallel()
		k := h.asks(t, 0)
		a := k.pays(k.attempt(asks)).Is(200).Shows(object{"status": "active", "next_action.type": "redirect"})
		noAmount(t, k)
		h.Decide(t, a.Text("next_action.url"), "approve")
		eventually(t, "the outcome is known", func() bool { return k.state().At("next_action") == nil })
		k.state().Shows(verified)
		isKept(t, k)
	})
	t.Run("cancelled", func(t *testing.T) {
		t.Parallel()
		k := h.asks(t, 0)
		k.leadsBack(k.posts("cancel", url.Values{"csrf_token": k.form(visa)["csrf_token"]}))
		says(t, noAmount(t, k), "Your card is not saved.")
	})
}
