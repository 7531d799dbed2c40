//go:build browser

package checkout_test

import (
	"strings"
	"testing"
	"time"

	"tender/domain"
	"tender/domain/payment"
	"tender/domain/session"
	"tender/handlers/checkout/browsertest"
	"tender/handlers/engine"
)

// looks are those in which every payment is driven from its start to its end.
var looks = []browsertest.Look{
	{}, {NoScript: true}, {Phone: true, Dark: true}, {Phone: true, NoScript: true},
}

// inEveryLook runs a customer's way through the checkout once per look, each
// with a session of its own.
func inEveryLook(t *testing.T, way func(t *testing.T, s sale, tab *browsertest.Tab), changes ...func(*session.Create)) {
	t.Helper()
	t.Parallel()
	b, browser := setup(t), browsertest.Start(t)
	for _, look := range looks {
		t.Run(look.String(), func(t *testing.T) {
			s, tab := b.sell(t, changes...), browser.Open(t, look)
			s.browser = browser
			tab.Go(s.url)
			tab.WaitState("form")
			way(t, s, tab)
			b.quiet(t, tab)
		})
	}
}

func wantSession(t *testing.T, s sale, status session.Status, attempts int) {
	t.Helper()
	st := s.session(t)
	if st.Status != status || len(st.AttemptIDs) != attempts {
		t.Errorf("the session is %s after %d attempts, want %s after %d", st.Status, len(st.AttemptIDs), status, attempts)
	}
}

func wantText(t *testing.T, tab *browsertest.Tab, parts ...string) {
	t.Helper()
	shown := strings.ReplaceAll(tab.Text(), "\u00a0", " ")
	for _, part := range parts {
		if !strings.Contains(shown, part) {
			t.Errorf("the page does not say %q but:\n%s", part, shown)
		}
	}
	if strings.ContainsAny(shown, "{}") {
		t.Errorf("the page has a blank that nobody filled in:\n%s", shown)
	}
}

func TestPay(t *testing.T) {
	inEveryLook(t, func(t *testing.T, s sale, tab *browsertest.Tab) {
		wantText(t, tab, "ZAR 1,249.00", "Karoo Coffee Roasters", "ORDER-10442")
		tab.Shot("pay-1-form")
		fill(tab, goodCard)
		tab.WaitState("succeeded")
		tab.Shot("pay-2-succeeded")
		wantText(t, tab, "Payment complete", "ZAR 1,249.00", "Visa ending in 4242", "pay_")
		wantSession(t, s, session.StatusCompleted, 1)
		s.arrives(t, tab) // by itself

		tab.Go(s.url + "?stay=1") // the receipt stays where it was
		tab.WaitState("succeeded")
		tab.Click("#back")
		s.arrives(t, tab)
	})
}

func TestDeclineAndTryAgain(t *testing.T) {
	inEveryLook(t, func(t *testing.T, s sale, tab *browsertest.Tab) {
		fill(tab, declinedCard)
		tab.WaitState("declined")
		tab.Shot("declined")
		wantText(t, tab, "The payment did not go through", "No money was taken")
		if html := browsertest.Eval[string](tab, "document.documentElement.outerHTML"); strings.Contains(html, "generic_decline") {
			t.Error("the customer sees the decline code")
		}
		if at := browsertest.Eval[string](tab, "document.activeElement.id"); at != "declined" {
			t.Errorf("the focus is on %q, not on what went wrong", at)
		}
		if left := browsertest.Eval[string](tab, `document.getElementById("number").value`); left != "" {
			t.Error("the card number is sent back")
		}
		fill(tab, otherGoodCard)
		tab.WaitState("succeeded")
		wantText(t, tab, "Mastercard ending in 4444")
		wantSession(t, s, session.StatusCompleted, 2)
	})
}

func TestChallengeApproved(t *testing.T) {
	inEveryLook(t, func(t *testing.T, s sale, tab *browsertest.Tab) {
		fill(tab, challengedCard)
		tab.Wait(`document.querySelector("button[value=approve]")`)
		if !strings.HasPrefix(tab.URL(), s.bank) {
			t.Errorf("the challenge is at %s", tab.URL())
		}
		tab.Shot("challenge")
		tab.Click("button[value=approve]")
		tab.WaitState("succeeded")
		wantSession(t, s, session.StatusCompleted, 1)
		atBank := 0
		for _, to := range tab.Requests() {
			if strings.HasPrefix(to, s.bank+"/acs/") {
				atBank++
			}
		}
		if atBank != 2 { // the question and the answer
			t.Errorf("the customer was sent to the bank again: %d requests there", atBank)
		}
		tab.Click("#back")
		s.arrives(t, tab)
	})
}

func TestChallengeRefused(t *testing.T) {
	inEveryLook(t, func(t *testing.T, s sale, tab *browsertest.Tab) {
		fill(tab, challengedCard)
		tab.Wait(`document.querySelector("button[value=refuse]")`)
		tab.Click("button[value=refuse]")
		tab.WaitState("declined")
		wantText(t, tab, "No money was taken")
		tab.Shot("refused")
		fill(tab, goodCard)
		tab.WaitState("succeeded")
		wantSession(t, s, session.StatusCompleted, 2)
	})
}

func TestCancel(t *testing.T) {
	inEveryLook(t, func(t *testing.T, s sale, tab *browsertest.Tab) {
		tab.Click(".cancel summary")
		tab.Shot("cancel-1-asked")
		tab.Click("#cancel button")
		tab.WaitState("cancelled")
		tab.Shot("cancel-2-cancelled")
		wantText(t, tab, "Payment cancelled", "No money was taken")
		wantSession(t, s, session.StatusCancelled, 0)
		s.arrives(t, tab)
	})
}

// TestOutcomeUnknown loses the acquirer's answer: the page waits, says so, and
// moves on once a worker has found out.
func TestOutcomeUnknown(t *testing.T) {
	inEveryLook(t, func(t *testing.T, s sale, tab *browsertest.Tab) {
		fill(tab, lostCard)
		tab.WaitState("processing")
		tab.Shot("processing")
		wantText(t, tab, "don't pay again")
		if browsertest.Eval[bool](tab, `document.getElementById("pay") !== null`) {
			t.Error("the page takes another card while the outcome is unknown")
		}
		s.settle(t)
		tab.WaitState("succeeded") // by itself
		wantSession(t, s, session.StatusCompleted, 1)
	})
}

func TestMistypedWithoutScript(t *testing.T) {
	t.Parallel()
	b, browser := setup(t), browsertest.Start(t)
	s, tab := b.sell(t), browser.Open(t, browsertest.Look{Phone: true, NoScript: true})
	tab.Go(s.url)
	tab.Type("#number", "4242424242424241")
	tab.Type("#exp", "1230")
	tab.Type("#name", "Ama Mensah")
	tab.Click("#submit")
	tab.Wait(`document.querySelectorAll("#problems li").length === 2`)
	tab.Shot("mistyped")
	wantText(t, tab, "Check the card number", "Enter the security code")
	if exp := browsertest.Eval[string](tab, `document.getElementById("exp").value`); exp != "1230" {
		t.Errorf("the expiry date was lost: %q", exp)
	}
	if html := browsertest.Eval[string](tab, "document.documentElement.outerHTML"); strings.Contains(html, "4242424242424241") {
		t.Error("the card number is sent back")
	}
	wantSession(t, s, session.StatusActive, 0)
	tab.Type("#number", goodCard)
	tab.Type("#cvc", "123")
	tab.Click("#submit")
	tab.WaitState("succeeded")
	wantSession(t, s, session.StatusCompleted, 1)
}

// TestExpired lets the session's time pass while its page is open.
func TestExpired(t *testing.T) {
	t.Parallel()
	b, browser := setup(t), browsertest.Start(t)
	open, late := b.sell(t), b.sell(t)
	waiting, noScript := browser.Open(t, browsertest.Look{Phone: true}), browser.Open(t, browsertest.Look{NoScript: true})
	waiting.Go(open.url)
	waiting.WaitState("form")
	noScript.Go(late.url)
	noScript.WaitState("form")

	b.ahead.Store(int64(25 * time.Hour))
	fill(noScript, goodCard) // too late
	noScript.WaitState("expired")
	noScript.Shot("expired")
	wantText(t, noScript, "This payment has expired", "No money was taken")
	late.arrives(t, noScript)
	if st := late.session(t); len(st.AttemptIDs) != 0 {
		t.Error("an expired session was paid")
	}

	_, err := b.service.ExpireSession(t.Context(), engine.Origin{
		CommandID: engine.NewID(), MerchantID: b.merchantID, Actor: domain.Actor{Kind: domain.ActorSystem, ID: "due"},
	}, open.id)
	if err != nil {
		t.Fatal(err)
	}
	waiting.WaitState("expired") // by itself
	waiting.Shot("expired")
	wantSession(t, open, session.StatusExpired, 0)
	open.arrives(t, waiting)
}

// TestNoTriesLeft fails until the session ends.
func TestNoTriesLeft(t *testing.T) {
	t.Parallel()
	b, browser := setup(t), browsertest.Start(t)
	s, tab := b.sell(t), browser.Open(t, browsertest.Look{Phone: true})
	tab.Go(s.url)
	for left := payment.AttemptsMax - 1; left > 0; left-- {
		fill(tab, declinedCard)
		tab.Wait(`document.body.dataset.state === "declined" && document.getElementById("number").value === ""`)
		if left == 1 {
			wantText(t, tab, "This is the last try.")
			tab.Shot("last-try")
		}
	}
	fill(tab, declinedCard)
	tab.WaitState("failed")
	tab.Shot("failed")
	wantSession(t, s, session.StatusExpired, payment.AttemptsMax)
	s.arrives(t, tab)
}

// TestATabFollowsTheOther pays in one window; the other, untouched, moves on. A tab of
// the same browser does so at once, even in the background, where it never looks; but
// it doesn't go to the bank, too.
func TestATabFollowsTheOther(t *testing.T) {
	t.Parallel()
	b, browser := setup(t), browsertest.Start(t)
	s := b.sell(t)
	one, two := browser.Open(t, browsertest.Look{}), browser.Open(t, browsertest.Look{Phone: true})
	two.Go(s.url)
	two.WaitState("form")
	behind := one.Beside()
	behind.Go(s.url)
	behind.WaitState("form")
	browsertest.Eval[any](behind, `void Object.defineProperty(document, "hidden", { value: true })`)
	one.Go(s.url)
	fill(one, challengedCard)
	one.Wait(`document.querySelector("button[value=approve]")`)
	behind.WaitState("redirecting")
	one.Click("button[value=approve]")
	one.WaitState("succeeded")
	behind.Wait(`["succeeded", "shop"].includes(document.body.dataset.state)`)
	for _, to := range behind.Requests() {
		if strings.HasPrefix(to, s.bank) {
			t.Errorf("the tab in the background goes to %s", to)
		}
	}
	two.WaitState("succeeded")
	b.quiet(t, two)
}

// TestAnotherSitesForm sends a form from the shop's own page.
func TestAnotherSitesForm(t *testing.T) {
	t.Parallel()
	b, browser := setup(t), browsertest.Start(t)
	s, tab := b.sell(t), browser.Open(t, browsertest.Look{})
	tab.Go(b.shop + "/?post_to=" + s.url + "/attempts")
	tab.Click("#across")
	tab.WaitState("problem")
	tab.Shot("another-sites-form")
	wantText(t, tab, "That came from another site")
	wantSession(t, s, session.StatusActive, 0)
}

func TestNoSuchCheckout(t *testing.T) {
	t.Parallel()
	b, browser := setup(t), browsertest.Start(t)
	tab := browser.Open(t, browsertest.Look{Phone: true})
	for _, path := range []string{"/checkout/ckt_00000000000000000000000000", "/checkout/nonsense", "/checkout/a/b/c"} {
		tab.Go(b.url + path)
		tab.WaitState("not_found")
	}
	wantText(t, tab, "There is no payment here")
}
