//go:build browser

package checkout_test

import (
	"encoding/json"
	"testing"

	"tender/domain/mandate"
	"tender/domain/session"
	"tender/handlers/checkout/browsertest"
)

// monthly lets a merchant charge up to ZAR 50.00 a month, for a year.
const monthlyTerms = `{
	"type": "scheduled", "currency": "ZAR", "time_zone": "Africa/Johannesburg", "amount": {"max": 5000},
	"recurrence": {"type": "monthly", "interval_count": 1, "on": {"type": "day_of_month", "days": [1]}},
	"validity_period": {"start_date": "2030-01-01", "end_date": "2030-12-31"}
}`

// first makes the session the first of a series; amount 0 verifies the card.
func first(t *testing.T, amount int64) func(*session.Create) {
	t.Helper()
	var terms mandate.Terms
	if err := json.Unmarshal([]byte(monthlyTerms), &terms); err != nil {
		t.Fatal(err)
	}
	return func(c *session.Create) {
		c.Type, c.Amount, c.Series = session.TypeFirstInSeries, amount, &session.Series{Terms: terms}
	}
}

func runsScript(tab *browsertest.Tab) bool {
	return browsertest.Eval[bool](tab, `document.body.classList.contains("js")`)
}

// visible reports whether a customer sees the element.
func visible(tab *browsertest.Tab, id string) bool {
	return browsertest.Eval[bool](tab, `document.getElementById("`+id+`").offsetParent !== null`)
}

func TestAgreeToASeries(t *testing.T) {
	inEveryLook(t, func(t *testing.T, s sale, tab *browsertest.Tab) {
		wantText(t, tab, "Later payments", "You allow Karoo Coffee Roasters to charge up to ZAR 50.00 at a time", "1 January 2030", "I agree")
		tab.Shot("series-1-form")
		if runsScript(tab) {
			fill(tab, goodCard)
			tab.Wait(`document.activeElement.id === "problems"`)
			tab.Shot("series-2-not-agreed")
			wantText(t, tab, "Tick the box to agree to the later payments")
			wantSession(t, s, session.StatusActive, 0)
			tab.Click(`#problems a[href="#accept_mandate"]`)
			tab.Keys(" ") // which ticks the box that has the focus
			tab.Click("#submit")
		} else {
			tab.Click(`label[for="accept_mandate"]`)
			fill(tab, goodCard)
		}
		tab.WaitState("succeeded")
		tab.Shot("series-3-succeeded")
		wantText(t, tab, "Payment complete", "Karoo Coffee Roasters may charge your card later, as you agreed.", "What you agreed to", "up to ZAR 50.00 at a time")
		wantSession(t, s, session.StatusCompleted, 1)
		if o := s.shown(t); o.MandateID == "" || o.PaymentMethodID == "" {
			t.Errorf("nothing has come of it: %+v", o)
		}
	}, first(t, 124900))
}

// TestAgreeByPhone agrees to a series that the telephone pays for, now and later.
func TestAgreeByPhone(t *testing.T) {
	inEveryLook(t, func(t *testing.T, s sale, tab *browsertest.Tab) {
		script := runsScript(tab)
		tab.Click(`label[for="accept_mandate"]`)
		phone := s.onPhone(t, tab, "capitec_pay")
		accessible(t, tab, script)
		phone.Click("button[value=approve]")
		tab.WaitState("succeeded")
		tab.Go(s.url + "?stay=1")
		tab.WaitState("succeeded")
		tab.Shot("series-phone-succeeded")
		wantText(t, tab, "Payment complete", "Capitec Pay, •••• 4567", "What you agreed to", "up to ZAR 50.00 at a time")
		accessible(t, tab, script)
		wantSession(t, s, session.StatusCompleted, 1)
		wantEvents(t, s, paidOnce)
		o := s.shown(t)
		ref := s.service.Engine.Mandates.Ref(o.MandateID)
		if err := s.service.Engine.Refresh(t.Context(), ref); err != nil {
			t.Fatal(err)
		}
		if m := ref.Value; m.Status != mandate.StatusActive || m.PaymentMethodID != o.PaymentMethodID || m.PaymentMethodID == "" {
			t.Errorf("the mandate is %+v", m)
		}
	}, first(t, 124900))
}

func TestVerifyACard(t *testing.T) {
	inEveryLook(t, func(t *testing.T, s sale, tab *browsertest.Tab) {
		wantText(t, tab, "Verify your card", "Save a card for Karoo Coffee Roasters", "Nothing")
		tab.Click("#accept_mandate")
		fill(tab, declinedCard)
		tab.WaitState("declined")
		tab.Shot("verify-1-declined")
		wantText(t, tab, "The card was not verified", "No money was taken")
		tab.Click("#accept_mandate")
		fill(tab, challengedCard)
		tab.Wait(`document.querySelector("button[value=approve]")`)
		tab.Click("button[value=approve]")
		tab.WaitState("succeeded")
		tab.Shot("verify-2-succeeded")
		wantText(t, tab, "Your card is saved", "No money was taken")
		if o := s.shown(t); o.PaymentOutcome != session.OutcomeVerified {
			t.Errorf("the session is %s", o.PaymentOutcome)
		}
	}, first(t, 0))
}

func TestSaveACardAndPayWithIt(t *testing.T) {
	inEveryLook(t, func(t *testing.T, s sale, tab *browsertest.Tab) {
		tab.Click(`label[for="save_payment_method"]`)
		tab.Shot("saving-1-form")
		fill(tab, goodCard)
		tab.WaitState("succeeded")
		tab.Shot("saving-2-succeeded")
		wantText(t, tab, "Your card is saved for your next payments to Karoo Coffee Roasters.")

		again := s.sell(t, func(c *session.Create) { c.CustomerID = s.shown(t).CustomerID })
		tab.Go(again.url)
		tab.WaitState("form")
		wantText(t, tab, "Visa ending in 4242", "Expires 12 / 30", "Another card")
		if visible(tab, "number") || visible(tab, "name") || !visible(tab, "cvc") {
			t.Error("a saved card asks for more than its security code")
		}
		tab.Shot("saved-1-form")
		tab.Click("#payment_method") // another card
		if !visible(tab, "number") || !visible(tab, "exp") {
			t.Error("there is no place for another card")
		}
		tab.Shot("saved-2-another")
		tab.Click("input[data-asks=saved]")
		if runsScript(tab) {
			tab.Click("#submit")
			tab.Wait(`document.activeElement.id === "problems"`)
			if n := browsertest.Eval[int](tab, `document.querySelectorAll("#problems li").length`); n != 1 {
				t.Errorf("%d things are wrong, want the security code alone", n)
			}
			tab.Shot("saved-3-no-code")
		}
		tab.Type("#cvc", "123")
		tab.Click("#submit")
		tab.WaitState("succeeded")
		wantText(t, tab, "Payment complete", "Visa ending in 4242")
		wantSession(t, again, session.StatusCompleted, 1)
		if o := again.shown(t); o.PaymentMethodID != s.shown(t).PaymentMethodID {
			t.Errorf("it was paid with %q", o.PaymentMethodID)
		}
		again.arrives(t, tab)
	}, func(c *session.Create) { c.Save = session.SavePrompt })
}
