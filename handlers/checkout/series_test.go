package checkout_test

import (
	"html"
	"slices"
	"strings"
	"testing"
	"time"

	"tender/domain/catalogue"
	"tender/domain/mandate"
	"tender/domain/merchant"
	"tender/domain/method"
	"tender/handlers/engine"
	"tender/handlers/handlerstest"
	"tender/handlers/payments"
	"tender/handlers/problem"
)

// monthly begins a series on the first of each month.
func monthly(locale string) object {
	return object{"type": "first_in_series", "options": object{
		"checkout_options": object{"locale": locale},
		"mandate_options": object{
			"type": "scheduled", "amount": object{"max": 5000}, "recurrence": object{"type": "monthly", "interval_count": 1, "on": object{"type": "day_of_month", "days": []int{1}}},
			"validity_period": object{"start_date": "2030-01-01", "end_date": "2030-12-31"},
		},
	}}
}

// consent is the evidence as the log has it.
func (h *house) consent(t *testing.T, mandateID string) mandate.Consent {
	t.Helper()
	events, err := h.First.Test.Engine.Store.Stream(t.Context(), mandateID)
	if err != nil || len(events) == 0 {
		t.Fatalf("the mandate %s has %d events, %v", mandateID, len(events), err)
	}
	d, err := catalogue.Decode(events[0].Type, events[0].SchemaVersion, events[0].Payload)
	if err != nil {
		t.Fatal(err)
	}
	created, ok := d.(mandate.Created)
	if !ok {
		t.Fatalf("the mandate begins with %s", events[0].Type)
	}
	return created.Consent
}

// agrees fails the test unless the session has made a mandate whose evidence is what
// the customer was shown.
func (c *purchase) agrees(text, locale string) {
	c.t.Helper()
	s := c.session().Shows(object{"status": "completed"})
	got := c.consent(c.t, s.Text("mandate_id"))
	if got.Text != text || got.Locale != locale || got.TextVersion == "" || got.CheckoutSessionID != c.id {
		c.t.Errorf("the evidence is %+v, the customer saw %q", got, text)
	}
	if age := c.Clock.Now().Sub(got.AcceptedAt); age < 0 || age > handlerstest.Patience {
		c.t.Errorf("it was accepted %s ago", age)
	}
	c.merchant.Get(handlerstest.MandatesPath + "/" + s.Text("mandate_id")).Is(200).Shows(object{
		"status": "active", "consent.text": text, "customer_id": s.At("customer_id"), "payment_method_id": s.At("payment_method_id"),
	})
	receipt := c.page().Is(200)
	for sentence := range strings.SplitSeq(text, "\n") {
		says(c.t, receipt, "<p>"+html.EscapeString(sentence)+"</p>")
	}
	discreet(c.t, receipt)
}

// The first of a series is not paid before the customer has agreed; what they were
// shown is what is kept.
func TestFirstInSeries(t *testing.T) {
	t.Parallel()
	h := open(t)
	for _, amount := range []int64{5000, 0} {
		k := h.asks(t, amount, monthly("en-ZA"))
		terms := k.state().Shows(object{"prompts_to_save": nil}).Text("mandate_terms")
		for _, part := range []string{"You allow Corner Shop to charge up to ZAR 50.00", "1 January 2030", "31 December 2030"} {
			if !strings.Contains(terms, part) {
				t.Errorf("%q is not in the terms: %s", part, terms)
			}
		}
		for _, accepted := range []any{nil, false} {
			attempt := k.attempt(visa)
			if accepted != nil {
				attempt["accept_mandate"] = accepted
			}
			if got := wrong(k.pays(attempt).Problem(400, "invalid_request")); !slices.Equal(got, []string{"/accept_mandate: required"}) {
				t.Errorf("it blames %q", got)
			}
		}
		mistyped := k.attempt("4242424242424241")
		if got := wrong(k.pays(mistyped).Problem(400, "invalid_request")); !slices.Equal(got, []string{"/accept_mandate: required", "/payment_method/card/number: invalid_card_number"}) {
			t.Errorf("all at once it blames %q", got)
		}
		k.session().Shows(object{"version": 1, "payment_id": nil})

		attempt := k.attempt(declines)
		attempt["accept_mandate"] = true
		k.pays(attempt).Is(200).Shows(refusedWith("card_declined")).Shows(object{"mandate_terms": terms})
		k.session().Shows(object{"mandate_id": nil, "payment_method_id": nil})

		attempt = k.attempt(visa)
		attempt["accept_mandate"] = true
		k.pays(attempt).Is(200).Shows(object{"status": "completed", "mandate_terms": nil})
		k.agrees(terms, "en-ZA")
		says(t, k.page(), "Corner Shop may charge your card later, as you agreed.")
	}
}

// Elsewhere there is nothing to agree to, and saying so does no harm.
func TestAcceptanceIsIgnoredElsewhere(t *testing.T) {
	t.Parallel()
	h := open(t)
	k := h.sells(t)
	k.pays(card(visa, object{"accept_mandate": true})).Is(200).Shows(object{"payment_outcome": "paid"})
	k.session().Shows(object{"mandate_id": nil, "payment_method_id": nil})
}

// Without JavaScript: a box to tick, beside the terms.
func TestFirstInSeriesByForm(t *testing.T) {
	t.Parallel()
	h := open(t)
	k := h.asks(t, 5000, monthly("en"))
	terms := k.state().Text("mandate_terms")
	page := k.page().Is(200)
	for sentence := range strings.SplitSeq(terms, "\n") {
		says(t, page, "<p>"+html.EscapeString(sentence)+"</p>")
	}
	says(t, page, `name="accept_mandate"`, `<label for="accept_mandate">I agree</label>`)

	form := k.form(visa)
	refused := k.posts("attempts", form).Is(400)
	says(t, refused, "Tick the box to agree to the later payments", `value="12 / 31"`, `value="A Customer"`)
	hides(t, refused, visa)
	k.session().Shows(object{"version": 1})

	form.Set("accept_mandate", "yes")
	form.Set("cvc", "")
	says(t, k.posts("attempts", form).Is(400), "Enter the security code", ` checked data-required=`) // what was ticked stays so
	form.Set("cvc", "737")
	k.leadsBack(k.posts("attempts", form))
	k.agrees(terms, "en")
}

// The merchant has another name by the time that the form arrives: the customer saw
// other terms than those that would be kept, and is asked again.
func TestTermsThatHaveChanged(t *testing.T) {
	t.Parallel()
	h := open(t)
	m := h.Merchant("test")
	h.merchant = h.First.Caller(t, m.Secret)
	k := h.asks(t, 5000, monthly("en"))
	form := k.form(visa)
	form.Set("accept_mandate", "yes")
	m.Change(merchant.Settings{Name: "Corner Shop & Sons", Country: "ZA", TimeZone: "UTC"})
	asked := k.posts("attempts", form).Is(400)
	says(t, asked, "The terms of the later payments have changed; read them again", "Corner Shop &amp; Sons")
	hides(t, asked, " checked data-required=")
	k.session().Shows(object{"version": 1})

	form = k.form(visa)
	form.Set("accept_mandate", "yes")
	k.leadsBack(k.posts("attempts", form))
	k.agrees(k.terms("Corner Shop & Sons"), "en")
}

// The same, where the name changes after the form was looked at: what is kept is
// decided where it is appended.
func TestTermsThatChangeMeanwhile(t *testing.T) {
	t.Parallel()
	h := open(t)
	k := h.asks(t, 5000, monthly("en"))
	typed, details, _ := method.CheckCard(method.CardInput{Number: visa, ExpMonth: 12, ExpYear: 2031, CVC: "737"}, time.Now())
	attempt := payments.Attempt{SessionID: k.sessionID, Card: typed, Details: method.CardOf(details), AcceptMandate: true, TermsShown: "You allow somebody else to charge nothing."}
	pay := func() error {
		return h.First.Test.Payments.Pay(t.Context(), engine.Origin{CommandID: engine.NewID()}, attempt)
	}
	if p := problem.From(pay()); p.Code != problem.InvalidRequest || len(p.Errors) != 1 || p.Errors[0].Pointer != "/accept_mandate" {
		t.Fatalf("it is answered by %+v", p)
	}
	k.session().Shows(object{"version": 1})
	if n := h.authorisations(); n != 0 {
		t.Errorf("the acquirer was asked %d times", n)
	}
	attempt.TermsShown = k.state().Text("mandate_terms")
	if err := pay(); err != nil {
		t.Fatal(err)
	}
	k.agrees(attempt.TermsShown, "en")
}

// terms is the text that the session's customer agrees to, by what the log says.
func (c *purchase) terms(name string) string {
	c.t.Helper()
	ref := c.First.Test.Engine.Sessions.Ref(c.sessionID)
	if err := c.First.Test.Engine.Refresh(c.t.Context(), ref); err != nil {
		c.t.Fatal(err)
	}
	text, _ := mandate.TermsText(ref.Value.Series.Terms, name, "en")
	return text
}

// A customer who lives on a test clock pays at its time, whatever the wall says.
func TestAPageOnATestClock(t *testing.T) {
	t.Parallel()
	h := open(t)
	clock := h.merchant.Post("/test/clocks", object{"frozen_time": "2031-02-01T00:00:00Z"}).Is(201)
	k := h.sells(t, object{"options": object{"customer": object{"test_clock_id": clock.Text("id")}}})
	says(t, k.page().Is(200), `name="number"`, "2 Feb 2031, 00:00 UTC")
	k.leadsBack(k.posts("attempts", k.form(visa)))
	if paid := k.session().Shows(object{"payment_outcome": "paid"}).Text("updated_at"); !strings.HasPrefix(paid, "2031-02-01T00:00:00") {
		t.Errorf("it was paid at %s", paid)
	}
}
