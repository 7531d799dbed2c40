//go:build browser

package checkout_test

import (
	"strings"
	"testing"

	"tender/domain/session"
	"tender/handlers/checkout/browsertest"
)

const telephone = "082 123 4567"

// atBank chooses a bank in the form, and follows to its page.
func (s sale) atBank(t *testing.T, tab *browsertest.Tab, bank string) {
	t.Helper()
	tab.Click(`input[value="instant_eft"]`)
	if strings.HasPrefix(bank, "test_") && !browsertest.Eval[bool](tab, `document.querySelector(".more").open`) {
		tab.Click(".more summary")
	}
	tab.Click(`input[name="bank"][value="` + bank + `"]`)
	tab.Click("#submit")
	tab.Wait(`document.querySelector("button[value=approve]")`)
	if !strings.HasPrefix(tab.URL(), s.bank+"/") {
		t.Errorf("the customer is sent to %s", tab.URL())
	}
}

// onPhone asks a telephone in the form for the payment, and returns what the telephone
// shows: a tab of its own.
func (s sale) onPhone(t *testing.T, tab *browsertest.Tab, kind string) *browsertest.Tab {
	t.Helper()
	tab.Click(`input[value="` + kind + `"]`)
	tab.Type("#phone", telephone)
	tab.Click("#submit")
	tab.WaitState("approving")
	phone := s.browser.Open(t, browsertest.Look{Phone: true})
	phone.Go(browsertest.Eval[string](tab, `document.querySelector("a#phone").href`))
	phone.Wait(`document.querySelector("button[value=approve]")`)
	if !strings.HasPrefix(phone.URL(), s.bank+"/") {
		t.Errorf("the telephone is at %s", phone.URL())
	}
	return phone
}

// accessible holds that axe finds nothing on a page that runs its script.
func accessible(t *testing.T, tab *browsertest.Tab, script bool) {
	t.Helper()
	if !script {
		return
	}
	for _, wrong := range tab.Inaccessible() {
		if strings.Contains(wrong, "due to a background gradient") {
			continue // the telephone's wallpaper: axe can't judge what stands on it
		}
		t.Errorf("%s: %s", tab.URL(), wrong)
	}
}

// wantEvents holds what the payment's stream tells, in order.
func wantEvents(t *testing.T, s sale, events string) {
	t.Helper()
	if got := s.events(t); got != events {
		t.Errorf("the payment tells %q, not %q", got, events)
	}
}

const paidOnce = "initiated attempt_started action_required paid"

func TestInstantEFTApproved(t *testing.T) {
	inEveryLook(t, func(t *testing.T, s sale, tab *browsertest.Tab) {
		script := runsScript(tab)
		wantText(t, tab, "Choose how to pay", "Card", "Instant EFT", "Capitec Pay")
		accessible(t, tab, script)
		tab.Click(`input[value="instant_eft"]`)
		tab.Shot("eft-1-banks")
		accessible(t, tab, script)
		s.atBank(t, tab, "fnb")
		wantText(t, tab, "FNB", "1,249.00", "Karoo Coffee Roasters")
		tab.Shot("eft-2-bank")
		accessible(t, tab, script)
		tab.Click("button[value=approve]")
		tab.WaitState("succeeded")
		wantSession(t, s, session.StatusCompleted, 1)
		wantEvents(t, s, paidOnce)
		tab.Go(s.url + "?stay=1")
		tab.WaitState("succeeded")
		tab.Shot("eft-3-succeeded")
		wantText(t, tab, "Payment complete", "ZAR 1,249.00", "Instant EFT, FNB")
		accessible(t, tab, script)
		tab.Click("#back")
		s.arrives(t, tab)
	})
}

// TestInstantEFTRefused refuses at the bank, is refused by the bank, and pays by card.
func TestInstantEFTRefused(t *testing.T) {
	inEveryLook(t, func(t *testing.T, s sale, tab *browsertest.Tab) {
		script := runsScript(tab)
		s.atBank(t, tab, "nedbank")
		tab.Click("button[value=refuse]")
		tab.WaitState("declined")
		tab.Shot("eft-refused")
		wantText(t, tab, "The payment did not go through", "You did not approve the payment. No money was taken.")
		accessible(t, tab, script)
		if !browsertest.Eval[bool](tab, `document.querySelector("input[value=instant_eft]").checked`) {
			t.Error("the way to pay is no longer chosen")
		}
		s.atBank(t, tab, "test_bank_refuses")
		tab.Click("button[value=approve]")
		tab.WaitState("declined")
		wantText(t, tab, "The payment was declined. No money was taken.")
		if html := browsertest.Eval[string](tab, "document.documentElement.outerHTML"); strings.Contains(html, "insufficient_funds") {
			t.Error("the customer sees the decline code")
		}
		tab.Click(`input[value="card"]`)
		fill(tab, goodCard)
		tab.WaitState("succeeded")
		wantSession(t, s, session.StatusCompleted, 3)
	})
}

// TestInstantEFTAnswersLate comes back before the bank's word.
func TestInstantEFTAnswersLate(t *testing.T) {
	inEveryLook(t, func(t *testing.T, s sale, tab *browsertest.Tab) {
		script := runsScript(tab)
		s.atBank(t, tab, "test_bank_answers_late")
		tab.Click("button[value=approve]")
		tab.WaitState("processing")
		tab.Shot("eft-late")
		wantText(t, tab, "Waiting for the answer", "Please don't pay again", "Continue to Test: the bank answers late")
		accessible(t, tab, script)
		if browsertest.Eval[bool](tab, `document.getElementById("pay") !== null`) {
			t.Error("the page takes another payment while the outcome is unknown")
		}
		wantSession(t, s, session.StatusActive, 1)
		s.tells(t)
		tab.WaitState("succeeded") // by itself
		wantSession(t, s, session.StatusCompleted, 1)
		wantEvents(t, s, paidOnce)
	})
}

// TestInstantEFTCancelled leaves the bank, comes back to the checkout and gives up.
func TestInstantEFTCancelled(t *testing.T) {
	inEveryLook(t, func(t *testing.T, s sale, tab *browsertest.Tab) {
		script := runsScript(tab)
		s.atBank(t, tab, "absa")
		atBank := tab.URL()
		tab.Go(s.url + "?stay=1")
		tab.WaitState("redirecting")
		tab.Shot("eft-left")
		wantText(t, tab, "Continue to Absa")
		accessible(t, tab, script)
		tab.Click(".cancel summary")
		tab.Click("#cancel button")
		tab.WaitState("cancelled")
		wantSession(t, s, session.StatusCancelled, 1)
		s.arrives(t, tab)
		tab.Go(atBank) // where it is too late
		wantText(t, tab, "This request has ended")
		if browsertest.Eval[bool](tab, `document.querySelector("button[value=approve]") !== null`) {
			t.Error("the bank still asks")
		}
		wantEvents(t, s, "initiated attempt_started action_required attempt_failed cancelled")
	})
}

// TestApprovedOnThePhone approves on the telephone; the page moves on by itself.
func TestApprovedOnThePhone(t *testing.T) {
	inEveryLook(t, func(t *testing.T, s sale, tab *browsertest.Tab) {
		script := runsScript(tab)
		tab.Click(`input[value="capitec_pay"]`)
		tab.Shot("phone-1-number")
		accessible(t, tab, script)
		phone := s.onPhone(t, tab, "capitec_pay")
		tab.Shot("phone-2-approving")
		wantText(t, tab, "Approve it on your phone", "•••• 4567", "Capitec Pay", "Please approve by")
		accessible(t, tab, script)
		html := browsertest.Eval[string](tab, "document.documentElement.outerHTML")
		for _, number := range []string{"1234567", "123 4567"} {
			if strings.Contains(html, number) {
				t.Error("the page shows the whole number")
			}
		}
		wantText(t, phone, "Capitec Pay", "1,249.00", "Karoo Coffee Roasters", "•••• 4567")
		phone.Shot("phone-3-of-" + t.Name())
		accessible(t, phone, true)
		phone.Click("button[value=approve]")
		phone.Wait(`document.querySelector("section.good")`)
		tab.WaitState("succeeded") // by itself: by the script, or by the refresh
		wantSession(t, s, session.StatusCompleted, 1)
		wantEvents(t, s, paidOnce)
		tab.Go(s.url + "?stay=1")
		tab.WaitState("succeeded")
		tab.Shot("phone-4-succeeded")
		wantText(t, tab, "Payment complete", "Capitec Pay, •••• 4567")
		accessible(t, tab, script)
		s.quiet(t, phone)
	})
}

// TestRefusedOnThePhone refuses, and pays by another telephone's way.
func TestRefusedOnThePhone(t *testing.T) {
	inEveryLook(t, func(t *testing.T, s sale, tab *browsertest.Tab) {
		script := runsScript(tab)
		phone := s.onPhone(t, tab, "capitec_pay")
		phone.Click("button[value=refuse]")
		phone.Wait(`document.querySelector("section.bad")`)
		tab.WaitState("declined") // by itself
		tab.Shot("phone-refused")
		wantText(t, tab, "The payment did not go through", "You did not approve the payment. No money was taken.")
		accessible(t, tab, script)
		phone = s.onPhone(t, tab, "mtn_momo")
		phone.Click("button[value=approve]")
		tab.WaitState("succeeded")
		wantSession(t, s, session.StatusCompleted, 2)
		tab.Go(s.url + "?stay=1")
		tab.WaitState("succeeded")
		wantText(t, tab, "MTN MoMo, •••• 4567")
	})
}

// TestCancelledWhileApproving gives up at the checkout; the telephone is too late.
func TestCancelledWhileApproving(t *testing.T) {
	t.Parallel()
	b, browser := setup(t), browsertest.Start(t)
	s, tab := b.sell(t), browser.Open(t, browsertest.Look{Phone: true, Dark: true})
	s.browser = browser
	tab.Go(s.url)
	tab.WaitState("form")
	phone := s.onPhone(t, tab, "capitec_pay")
	tab.Click(".cancel summary")
	tab.Click("#cancel button")
	s.ends(tab, "cancelled")
	phone.Click("button[value=approve]")
	phone.Wait(`document.querySelector("section.quiet")`)
	wantText(t, phone, "This request has ended")
	wantSession(t, s, session.StatusCancelled, 1)
	wantEvents(t, s, "initiated attempt_started action_required attempt_failed cancelled")
	b.quiet(t, tab)
}
