package checkout_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tender/domain/merchant"
	"tender/handlers/handlerstest"
)

const amex = "378282246310005"

// of are the options of a session for a customer.
func of(customerID string) object { return object{"options": object{"customer_id": customerID}} }

// savedCard is a try to pay with a saved card; cvc "" leaves it out.
func savedCard(methodID, cvc string) object {
	m := object{"type": "saved", "payment_method_id": methodID}
	if cvc != "" {
		m["cvc"] = cvc
	}
	return object{"payment_method": m}
}

// again saves another card for a customer.
func (h *house) again(t *testing.T, customerID, number string, more ...object) string {
	t.Helper()
	return h.merchant.Saved(100, number, append(more, object{"customer_id": customerID})...).MethodID
}

// offers lists the ids of the cards that the state offers, in order.
func (c *purchase) offers() []string {
	c.t.Helper()
	a := c.state()
	var ids []string
	for i := range a.Len("saved_payment_methods") {
		ids = append(ids, a.Text("saved_payment_methods."+string(rune('0'+i))+".id"))
	}
	return ids
}

// radio is the choice of a saved card, as the page has it; "" if it has none.
func radio(a *handlerstest.Answer, value string) string {
	return regexp.MustCompile(`<input type="radio"[^>]* value="` + value + `"[^>]*>`).FindString(string(a.Body))
}

// A customer pays with one of their saved cards, and its security code.
func TestSavedCardPays(t *testing.T) {
	t.Parallel()
	h := open(t)
	first := h.merchant.Saved(100, visa)
	second := h.again(t, first.CustomerID, amex)
	k := h.sells(t, of(first.CustomerID))
	k.state().Shows(object{
		"saved_payment_methods.0.id": second, "saved_payment_methods.0.card.scheme": "AMEX",
		"saved_payment_methods.1.id": first.MethodID, "saved_payment_methods.1.type": "card", "saved_payment_methods.1.cvc_required": true,
		"saved_payment_methods.1.card.last4": "4242", "saved_payment_methods.1.card.exp_month": 12, "saved_payment_methods.1.card.exp_year": 2031,
		"saved_payment_methods.1.card.bin": nil, "saved_payment_methods.1.card.fingerprint": nil,
	})
	for _, c := range []struct{ methodID, cvc, want string }{
		{first.MethodID, "", "required"}, {first.MethodID, "7373", "invalid_format"}, {first.MethodID, "73x", "invalid_format"},
		{second, "737", "invalid_format"},
	} {
		if got := wrong(k.pays(savedCard(c.methodID, c.cvc)).Problem(400, "invalid_request")); !slices.Equal(got, []string{"/payment_method/cvc: " + c.want}) {
			t.Errorf("with the code %q it blames %q", c.cvc, got)
		}
	}
	k.session().Shows(object{"version": 1})
	discreet(t, k.pays(savedCard(first.MethodID, "737")).Is(200).Shows(object{"status": "completed", "payment_outcome": "paid", "saved_payment_methods": nil}))
	k.payment().Shows(object{"payment_method_id": first.MethodID, "customer_id": first.CustomerID, "payment_method_details.card.last4": "4242", "paid_amount": 10_000})
	k.session().Shows(object{"payment_method_id": first.MethodID})
	page := k.page().Is(200)
	says(t, page, "Visa ending in 4242")
	hides(t, page, "Your card is saved")

	// American Express has four digits.
	k = h.sells(t, of(first.CustomerID))
	k.pays(savedCard(second, "7373")).Is(200).Shows(object{"payment_outcome": "paid"})
	k.payment().Shows(object{"payment_method_details.card.scheme": "AMEX"})

	// Who names no customer has nothing to choose from.
	k = h.sells(t)
	if ids := k.offers(); ids != nil {
		t.Errorf("strangers are offered %q", ids)
	}
	hides(t, k.page(), `value="pmt_`)
}

// Only the session's own customer's cards can be named, and only while they are there.
func TestForeignCards(t *testing.T) {
	t.Parallel()
	h := open(t)
	mine, theirs := h.merchant.Saved(100, visa), h.merchant.Saved(100, visa)
	elsewhere := h.First.Caller(t, h.Merchant("test").Secret).Saved(100, visa)
	removed := h.again(t, mine.CustomerID, "5555555555554444")
	h.merchant.Delete(handlerstest.MethodsPath + "/" + removed).Is(204)
	k, nobodys := h.sells(t, of(mine.CustomerID)), h.sells(t)
	for name, methodID := range map[string]string{
		"another customer's": theirs.MethodID, "another merchant's": elsewhere.MethodID, "removed": removed, "unknown": "pmt_01kjpy64c8ej6tkhd7mh6hksbe",
	} {
		a := k.pays(savedCard(methodID, "737")).Problem(404, "not_found")
		if !strings.Contains(a.Text("detail"), "payment method") {
			t.Errorf("%s: %s", name, a.Body)
		}
		form := k.form("")
		form.Set("payment_method", methodID)
		says(t, k.posts("attempts", form).Is(400), "This is no longer offered; choose another way to pay")
	}
	nobodys.pays(savedCard(mine.MethodID, "737")).Problem(404, "not_found")
	if ids := k.offers(); !slices.Equal(ids, []string{mine.MethodID}) {
		t.Errorf("offered are %q", ids)
	}
	hides(t, k.page(), removed)
	k.session().Shows(object{"version": 1})
	nobodys.session().Shows(object{"version": 1})
}

// Equal cards are offered once.
func TestACardThatWasSavedTwice(t *testing.T) {
	t.Parallel()
	h := open(t)
	first := h.merchant.Saved(100, visa)
	again := h.again(t, first.CustomerID, visa)
	k := h.sells(t, of(first.CustomerID))
	if ids := k.offers(); !slices.Equal(ids, []string{again}) {
		t.Errorf("offered are %q, not the latest alone", ids)
	}
	k.pays(savedCard(first.MethodID, "737")).Is(200).Shows(object{"payment_outcome": "paid"}) // a client that knows it may name it
}

// Without JavaScript: the saved cards are there to choose from, the latest is chosen,
// and another card is as good.
func TestSavedCardByForm(t *testing.T) {
	t.Parallel()
	h := open(t)
	customer := h.merchant.Saved(100, visa)
	k := h.sells(t, of(customer.CustomerID))
	page := k.page().Is(200)
	says(t, page, "Visa ending in 4242", "Expires 12 / 31", "Another card")
	if !strings.Contains(radio(page, customer.MethodID), " checked") || strings.Contains(radio(page, "card"), " checked") {
		t.Errorf("chosen is not the saved card: %s", page.Body)
	}
	form := k.form("")
	form.Set("payment_method", customer.MethodID)
	form.Set("exp", "")
	form.Set("cvc", "")
	asked := k.posts("attempts", form).Is(400)
	says(t, asked, "Enter the security code")
	hides(t, asked, `<a href="#number">`)
	if !strings.Contains(radio(asked, customer.MethodID), " checked") {
		t.Error("the choice is forgotten")
	}
	form.Set("cvc", "737")
	k.leadsBack(k.posts("attempts", form))
	k.session().Shows(object{"payment_outcome": "paid", "payment_method_id": customer.MethodID})

	k = h.sells(t, of(customer.CustomerID))
	form = k.form("5555555555554444")
	form.Set("payment_method", "card")
	k.leadsBack(k.posts("attempts", form))
	k.payment().Shows(object{"payment_method_details.card.last4": "4444", "payment_method_id": nil})
}

// A saved card that is declined: the customer is told to take another one, which is
// what is chosen then.
func TestSavedCardDeclined(t *testing.T) {
	t.Parallel()
	h := open(t)
	const noCapture = "4000000000000457" // it authorises, and declines what is captured at once
	customer := h.merchant.Saved(100, noCapture, handlerstest.Later())
	k := h.sells(t, of(customer.CustomerID))
	k.pays(savedCard(customer.MethodID, "737")).Is(200).Shows(refusedWith("card_declined"))
	page := k.page().Is(200)
	discreet(t, page)
	says(t, page, "The payment did not go through", "Try another card, or ask your bank.", "Visa ending in 0457")
	if strings.Contains(radio(page, customer.MethodID), " checked") || !strings.Contains(radio(page, "card"), " checked") {
		t.Error("the card that was declined is chosen again")
	}
	form := k.form(visa)
	form.Set("payment_method", "card")
	k.leadsBack(k.posts("attempts", form))
	k.session().Shows(object{"payment_outcome": "paid"})
}

// A merchant may do without the security code.
func TestSavedCardWithoutCVC(t *testing.T) {
	t.Parallel()
	h := open(t)
	m := h.Merchant("test", func(s *merchant.Settings) { s.SavedCardsWithoutCVC = true })
	h.merchant = h.First.Caller(t, m.Secret)
	customer := h.merchant.Saved(100, visa)
	k := h.sells(t, of(customer.CustomerID))
	k.state().Shows(object{"saved_payment_methods.0.cvc_required": false})
	if got := wrong(k.pays(savedCard(customer.MethodID, "7")).Problem(400, "invalid_request")); !slices.Equal(got, []string{"/payment_method/cvc: invalid_format"}) {
		t.Errorf("it blames %q", got)
	}
	k.pays(savedCard(customer.MethodID, "")).Is(200).Shows(object{"payment_outcome": "paid"})
	k = h.sells(t, of(customer.CustomerID))
	form := k.form("")
	form.Set("payment_method", customer.MethodID)
	form.Set("cvc", "")
	k.leadsBack(k.posts("attempts", form))
	k.session().Shows(object{"payment_outcome": "paid"})
}

// A series may begin with a saved card.
func TestASeriesWithASavedCard(t *testing.T) {
	t.Parallel()
	h := open(t)
	customer := h.merchant.Saved(100, visa)
	request := monthly("en")
	request["options"].(object)["customer_id"] = customer.CustomerID
	k := h.asks(t, 0, request)
	terms := k.state().Text("mandate_terms")
	attempt := savedCard(customer.MethodID, "")
	if got := wrong(k.pays(attempt).Problem(400, "invalid_request")); !slices.Equal(got, []string{"/accept_mandate: required", "/payment_method/cvc: required"}) {
		t.Errorf("it blames %q", got)
	}
	attempt = savedCard(customer.MethodID, "737")
	attempt["accept_mandate"] = true
	k.pays(attempt).Is(200).Shows(object{"payment_outcome": "payment_method_verified"})
	k.session().Shows(object{"payment_method_id": customer.MethodID, "customer_id": customer.CustomerID})
	k.agrees(terms, "en")
}

// A card that is past its month is shown, and can't be chosen.
func TestAnExpiredSavedCard(t *testing.T) {
	t.Parallel()
	h := open(t)
	customer := h.merchant.Saved(100, visa)
	const sixYears = 6 * 366 * 24 * time.Hour
	h.Clock.Advance(sixYears)
	page := h.sells(t, of(customer.CustomerID)).page().Is(200)
	says(t, page, "Expired 12 / 31")
	if old := radio(page, customer.MethodID); !strings.Contains(old, " disabled") || strings.Contains(old, " checked") || !strings.Contains(radio(page, "card"), " checked") {
		t.Errorf("the expired card is %q", old)
	}
}

// Nobody can pay for one who was erased, and the page asks nobody to.
func TestTheSessionOfOneWhoWasErased(t *testing.T) {
	t.Parallel()
	h := open(t)
	customer := h.merchant.Saved(100, visa)
	k := h.sells(t, object{"options": object{"customer_id": customer.CustomerID, "checkout_options": object{"save_payment_method": "always"}}})
	form := k.form(visa)
	h.merchant.Delete(handlerstest.CustomersPath + "/" + customer.CustomerID).Is(204)
	k.pays(card(visa)).Problem(409, "session_not_active")
	k.pays(savedCard(customer.MethodID, "737")).Problem(404, "not_found")
	k.leadsBack(k.posts("attempts", form))
	page := k.page().Is(200)
	hides(t, page, `name="number"`, "ending in 4242")
	says(t, page, "This payment has expired")
	if ids := k.offers(); ids != nil {
		t.Errorf("offered are %q", ids)
	}
}
