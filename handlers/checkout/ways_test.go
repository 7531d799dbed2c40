package checkout_test

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"tender/acquirers"
	"tender/domain/merchant"
	"tender/domain/method"
	"tender/handlers/handlerstest"
)

// number is the telephone's of these tests, as somebody types it, and as it is whole.
const (
	number      = "082 123 4567"
	wholeNumber = "+27821234567"
)

func byBank(bank string, more ...object) object {
	return by("instant_eft", object{"bank": bank}, more...)
}

func byPhone(kind, phone string, more ...object) object {
	return by(kind, object{"phone": phone}, more...)
}

func by(kind string, asked object, more ...object) object {
	o := object{"payment_method": object{"type": kind, kind: asked}}
	for _, m := range more {
		for name, value := range m {
			o[name] = value
		}
	}
	return o
}

// every is a series that recurs so often.
func every(typ string, count int) object {
	return object{"type": "first_in_series", "options": object{"mandate_options": object{
		"type": "scheduled", "recurrence": object{"type": typ, "interval_count": count},
	}}}
}

// ways lists what the state offers.
func (c *purchase) ways() string {
	c.t.Helper()
	a := c.state()
	var all []string
	for i := range a.Len("payment_methods") {
		all = append(all, a.Text("payment_methods."+string(rune('0'+i))+".type"))
	}
	return strings.Join(all, " ")
}

// tells fails the test unless the payment's stream holds these events, in order, and
// nothing in the log knows the whole telephone number.
func (c *purchase) tells(want ...string) {
	c.t.Helper()
	var got []string
	for _, stream := range []string{c.session().Text("payment_id"), c.sessionID} {
		events, err := c.First.Test.Engine.Store.Stream(c.t.Context(), stream)
		if err != nil {
			c.t.Fatal(err)
		}
		for _, e := range events {
			if strings.Contains(string(e.Payload), wholeNumber[3:]) {
				c.t.Errorf("%s holds the telephone number: %s", e.Type, e.Payload)
			}
			if name, ok := strings.CutPrefix(e.Type, "payment."); ok {
				got = append(got, name)
			}
		}
	}
	if !slices.Equal(got, want) {
		c.t.Errorf("the payment tells %q, not %q", got, want)
	}
}

// theirPage is what the customer sees at their bank, or on their telephone.
func theirPage(t *testing.T, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	html, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(html)
}

// Offered is what fits the session, and nothing else is taken.
func TestWaysThatAreOffered(t *testing.T) {
	t.Parallel()
	h := open(t)
	manual := handlerstest.Manual()
	saving := func(how string) object {
		return object{"options": object{"checkout_options": object{"save_payment_method": how}}}
	}
	for name, c := range map[string]struct {
		amount int64
		ask    object
		want   string
	}{
		"plain":             {5000, nil, "card instant_eft capitec_pay mtn_momo"},
		"captured later":    {5000, manual, "card"},
		"verified":          {0, nil, "card"},
		"another currency":  {5000, object{"currency": "USD"}, "card"},
		"saved in any case": {5000, saving("always"), "card capitec_pay"},
		"saved perhaps":     {5000, saving("prompt"), "card instant_eft capitec_pay mtn_momo"},
		"monthly":           {5000, every("monthly", 1), "card capitec_pay"},
		"every other month": {5000, every("monthly", 2), "card"},
		"on demand":         {5000, object{"type": "first_in_series"}, "card"},
	} {
		k := h.asks(t, c.amount, c.ask)
		if got := k.ways(); got != c.want {
			t.Errorf("%s: offered are %q, not %q", name, got, c.want)
		}
		if !strings.Contains(c.want, "mtn_momo") {
			k.pays(byPhone("mtn_momo", number, object{"accept_mandate": true})).Problem(http.StatusUnprocessableEntity, "payment_method_not_offered")
		}
	}
	if n := h.authorisations(); n != 0 {
		t.Errorf("the acquirer was asked %d times", n)
	}
	k := h.asks(t, 5000, saving("prompt"))
	k.pays(byBank("fnb", object{"save_payment_method": true})).Problem(http.StatusBadRequest, "invalid_request").
		Shows(object{"errors.0.pointer": "/save_payment_method"})

	chosen := h.Merchant("test", func(s *merchant.Settings) { s.PaymentMethods = []method.Kind{method.KindInstantEFT} })
	seller := h.First.Caller(t, chosen.Secret)
	seller.Post(handlerstest.SessionsPath, handlerstest.Session(0)).Problem(http.StatusUnprocessableEntity, "payment_method_not_offered")
	_, checkoutID := seller.Create(5000)
	h.customer.Post("/checkout/"+checkoutID+"/attempts", card(visa)).Problem(http.StatusUnprocessableEntity, "payment_method_not_offered")
}

func TestWaysThatAreMistyped(t *testing.T) {
	t.Parallel()
	h := open(t)
	k := h.sells(t)
	for _, c := range []struct {
		body object
		want string
	}{
		{byBank("nobody"), "/payment_method/instant_eft/bank: not_an_option"},
		{byBank(""), "/payment_method/instant_eft/bank: required"},
		{byPhone("capitec_pay", "12"), "/payment_method/capitec_pay/phone: invalid_format"},
		{byPhone("mtn_momo", "+44 7700 900123"), "/payment_method/mtn_momo/phone: invalid_format"},
		{object{"payment_method": object{"type": "capitec_pay"}}, "/payment_method/capitec_pay: required"},
	} {
		if got := wrong(k.pays(c.body).Problem(http.StatusBadRequest, "invalid_request")); !slices.Equal(got, []string{c.want}) {
			t.Errorf("%v: wrong are %q, not %q", c.body, got, c.want)
		}
	}
	form := k.form("")
	form.Set("payment_method", "capitec_pay")
	form.Set("phone", "12")
	if a := k.posts("attempts", form).Is(http.StatusBadRequest); !strings.Contains(string(a.Body), `id="phone-error"`) {
		t.Errorf("the page does not say what is wrong: %s", a.Body)
	}
	k.session().Shows(object{"version": 1})
}

// At the bank, and back before its word.
func TestInstantEFT(t *testing.T) {
	t.Parallel()
	h := open(t)
	k := h.sells(t)
	form := k.form("")
	form.Set("payment_method", "instant_eft")
	form.Set("bank", "fnb")
	k.leadsBack(k.posts("attempts", form))
	a := k.state().Shows(object{"next_action.type": "redirect", "payment_methods": nil})
	k.payment().Shows(object{"status": "pending_action", "authorised_amount": nil, "paid_amount": nil, "refundable_amount": 0})
	back := "/checkout/" + k.id + "?back=" + a.Text("attempt_id")
	if page := h.customer.Get(back).Is(http.StatusOK); !strings.Contains(string(page.Body), `data-state="processing"`) || !strings.Contains(string(page.Body), a.Text("next_action.url")) {
		t.Errorf("back from the bank, the page is %s", page.Body)
	}
	if bank := theirPage(t, a.Text("next_action.url")); !strings.Contains(bank, "Corner Shop") {
		t.Errorf("the bank's page does not say who is paid: %s", bank)
	}
	if page := k.page().Is(http.StatusOK); !strings.Contains(string(page.Body), `data-state="redirecting"`) {
		t.Errorf("opened anew, the page is %s", page.Body)
	}
	if location := h.Decide(t, a.Text("next_action.url"), "approve"); location != handlerstest.BaseURL+back {
		t.Errorf("the customer is led to %s", location)
	}
	eventually(t, "it is paid", func() bool { return k.state().Text("payment_outcome") == "paid" })
	paid := k.payment().Shows(object{
		"status": "succeeded", "authorised_amount": nil, "paid_amount": nil, "capturable_amount": nil, "refundable_amount": 10_000,
		"payment_method_details.type": "instant_eft", "payment_method_details.instant_eft.bank": "fnb", "payment_method_details.instant_eft.bank_name": "FNB",
		"network_transaction_id": nil,
	})
	k.merchant.Capture(paid.Text("id"), 0).Problem(http.StatusConflict, "capture_not_allowed")
	k.merchant.Void(paid.Text("id")).Problem(http.StatusConflict, "void_not_allowed")
	k.merchant.Refund(paid.Text("id"), 4_000).Is(http.StatusOK).Shows(object{"refunded_amount": 4_000, "refundable_amount": 6_000, "paid_amount": nil})
	if page := k.page().Is(http.StatusOK); !strings.Contains(string(page.Body), "FNB") {
		t.Errorf("the receipt is %s", page.Body)
	}
}

// On the telephone: until the customer has approved nobody else can pay.
func TestApprovalOnTheTelephone(t *testing.T) {
	t.Parallel()
	h := open(t)
	for _, kind := range []string{"capitec_pay", "mtn_momo"} {
		k := h.sells(t)
		attempt := byPhone(kind, number, object{"attempt_id": k.state().Text("attempt_id")})
		a := k.pays(attempt).Is(http.StatusOK).Shows(object{"payment_outcome": "pending", "next_action.type": "approve"})
		if by, err := time.Parse(time.RFC3339, a.Text("next_action.expires_at")); err != nil || by.Sub(h.Clock.Now()) > 15*time.Minute || by.Sub(h.Clock.Now()) < 14*time.Minute {
			t.Errorf("%s: it is waited for until %s", kind, a.Text("next_action.expires_at"))
		}
		k.pays(attempt).Is(http.StatusOK).Shows(object{"next_action.type": "approve"}) // the other tab joins
		k.pays(card(visa)).Problem(http.StatusConflict, "attempt_in_progress")
		page := string(k.page().Is(http.StatusOK).Body)
		if !strings.Contains(page, `data-state="approving"`) || !strings.Contains(page, "•••• 4567") || strings.Contains(page, wholeNumber[3:]) {
			t.Errorf("%s: the page is %s", kind, page)
		}
		if phone := theirPage(t, a.Text("next_action.url")); !strings.Contains(phone, "Corner Shop") {
			t.Errorf("the telephone does not say who is paid: %s", phone)
		}
		h.Decide(t, a.Text("next_action.url"), "approve")
		eventually(t, "it is paid", func() bool { return k.state().Text("payment_outcome") == "paid" })
		k.payment().Shows(object{
			"status": "succeeded", "authorised_amount": nil, "refundable_amount": 10_000, "network_transaction_id": nil,
			"payment_method_details.type": kind, "payment_method_details." + kind + ".phone": "•••• 4567",
		})
		k.tells("initiated", "attempt_started", "action_required", "paid")
	}
	k := h.sells(t)
	a := k.pays(byPhone("capitec_pay", number)).Is(http.StatusOK)
	h.Decide(t, a.Text("next_action.url"), "refuse")
	eventually(t, "it is refused", func() bool { return k.state().At("last_payment_error") != nil })
	discreet(t, k.state().Shows(object{"status": "active", "last_payment_error.error_code": "customer_cancelled"}))
	k.pays(card(visa)).Is(http.StatusOK).Shows(object{"status": "completed"})
}

// Who gives up has the acquirer close the key first.
func TestGivenUpWhileApproving(t *testing.T) {
	t.Parallel()
	h := open(t)
	k := h.sells(t)
	a := k.pays(byPhone("capitec_pay", number)).Is(http.StatusOK)
	k.customer.Post("/checkout/"+k.id+"/cancel", object{}).Is(http.StatusOK).Shows(object{"status": "cancelled", "payment_outcome": "unpaid"})
	if n := h.First.Line.Calls(handlerstest.CallSettle); n != 1 {
		t.Errorf("the acquirer was asked %d times to close it", n)
	}
	k.payment().Shows(object{"last_payment_error.error_code": "customer_cancelled"})
	h.Decide(t, a.Text("next_action.url"), "approve") // too late: it is closed there
	k.tells("initiated", "attempt_started", "action_required", "attempt_failed", "cancelled")
}

// Where nobody approves in time the acquirer closes the key, and the customer may try
// again.
func TestNobodyApproves(t *testing.T) {
	t.Parallel()
	h := open(t, handlerstest.At(-time.Hour))
	k := h.sells(t)
	k.pays(byPhone("capitec_pay", number)).Is(http.StatusOK)
	h.Clock.Advance(15 * time.Minute)
	h.First.Project()
	h.First.Work()
	eventually(t, "it is timed out", func() bool { return k.state().Text("last_payment_error.error_code") == "timed_out" })
	k.pays(card(visa)).Is(http.StatusOK).Shows(object{"payment_outcome": "paid"})
}

// Money that comes after the session's end is recorded and paid back, never lost.
func TestMoneyAfterTheEnd(t *testing.T) {
	t.Parallel()
	h := open(t)
	k := h.sells(t)
	a := k.pays(byPhone("capitec_pay", number)).Is(http.StatusOK)
	h.First.Line.Between(func(_ context.Context, call string, send handlerstest.Send) (acquirers.Answer, error) {
		if call == handlerstest.CallSettle { // it says that it has closed it, and has not
			return acquirers.Answer{Status: acquirers.StatusClosed}, nil
		}
		return send()
	})
	k.customer.Post("/checkout/"+k.id+"/cancel", object{}).Is(http.StatusOK).Shows(object{"status": "cancelled"})
	h.First.Line.Between(nil)
	h.Decide(t, a.Text("next_action.url"), "approve")
	eventually(t, "it is paid back", func() bool { return h.First.Line.Calls(handlerstest.CallRefund) == 1 })
	h.First.Test.Payments.Drain()
	k.tells("initiated", "attempt_started", "action_required", "attempt_failed", "cancelled", "contradicted", "reversal_requested", "reversed")
	k.session().Shows(object{"status": "cancelled", "payment_outcome": "unpaid"})
	k.payment().Shows(object{"refunded_amount": 0, "refundable_amount": 0, "status": "cancelled"})
}

// A series by telephone: saved with the mandate, charged without the customer, known
// again, and gone when it is removed.
func TestASeriesByTelephone(t *testing.T) {
	t.Parallel()
	h := open(t)
	begins := func() *handlerstest.Answer {
		k := h.asks(t, 5000, every("monthly", 1))
		if a := k.state(); !strings.Contains(a.Text("mandate_terms"), "Corner Shop") {
			t.Errorf("the terms are %s", a.Body)
		}
		a := k.pays(byPhone("capitec_pay", number, object{"accept_mandate": true})).Is(http.StatusOK)
		h.Decide(t, a.Text("next_action.url"), "approve")
		eventually(t, "it is paid", func() bool { return k.state().Text("payment_outcome") == "paid" })
		k.tells("initiated", "attempt_started", "action_required", "paid")
		return k.session()
	}
	first, second := begins(), begins()
	methodPath := "/collect/payment_methods/" + first.Text("payment_method_id")
	saved := h.merchant.Get(methodPath).Is(http.StatusOK).Shows(object{"type": "capitec_pay", "capitec_pay.phone": "•••• 4567", "card": nil, "usable": true})
	again := h.merchant.Get("/collect/payment_methods/" + second.Text("payment_method_id")).Is(http.StatusOK)
	if saved.Text("capitec_pay.fingerprint") == "" || saved.Text("capitec_pay.fingerprint") != again.Text("capitec_pay.fingerprint") {
		t.Errorf("the same number is known as %s and %s", saved.Text("capitec_pay.fingerprint"), again.Text("capitec_pay.fingerprint"))
	}

	series := handlerstest.Series{CustomerID: first.Text("customer_id"), MethodID: first.Text("payment_method_id")}
	next := h.merchant.Post(handlerstest.SessionsPath, series.Next(2500)).Is(http.StatusCreated).Shows(object{"status": "completed", "payment_outcome": "paid"})
	h.merchant.Payment(next.Text("payment_id")).Shows(object{"payment_method_details.capitec_pay.phone": "•••• 4567", "authorised_amount": nil, "mandate_id": first.Text("mandate_id"), "network_transaction_id": nil})
	h.merchant.Post(handlerstest.SessionsPath, series.Next(2500, handlerstest.Later())).Problem(http.StatusUnprocessableEntity, "payment_method_not_offered")

	k := h.sells(t, of(series.CustomerID))
	k.state().Shows(object{"saved_payment_methods.0.capitec_pay.phone": "•••• 4567", "saved_payment_methods.0.cvc_required": false})
	if page := string(k.page().Is(http.StatusOK).Body); !strings.Contains(page, `value="`+series.MethodID+`" checked data-asks="nothing">`) || !strings.Contains(page, "Capitec Pay, •••• 4567<") {
		t.Errorf("the page does not offer what was saved: %s", page)
	}
	form := k.form("")
	form.Set("payment_method", series.MethodID)
	k.leadsBack(k.posts("attempts", form))
	a := k.state().Shows(object{"next_action.type": "approve"})
	h.Decide(t, a.Text("next_action.url"), "approve")
	eventually(t, "it is paid", func() bool { return k.state().Text("payment_outcome") == "paid" })

	h.merchant.Delete(methodPath).Is(http.StatusNoContent)
	h.merchant.Get(methodPath).Problem(http.StatusNotFound, "not_found")
	h.merchant.Post(handlerstest.SessionsPath, series.Next(2500)).Problem(http.StatusNotFound, "not_found")
	h.merchant.Delete("/collect/customers/" + second.Text("customer_id")).Is(http.StatusNoContent)
}
