//go:build browser

package checkout_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"tender/domain"
	"tender/domain/session"
	"tender/handlers/checkout/browsertest"
	"tender/handlers/engine"
	"tender/handlers/token"
)

// buys opens the merchant's page at an origin, with a token, and buys there.
func (b *bundle) buys(tab *browsertest.Tab, origin, token string) {
	b.t.Helper()
	tab.Go(origin + "/cart?token=" + url.QueryEscape(token))
	tab.Click("#buy")
}

// TestEmbeddedRefused tells the shop at once that there will be no checkout, and why.
func TestEmbeddedRefused(t *testing.T) {
	t.Parallel()
	b, browser := setup(t), browsertest.Start(t)
	good, redirect := b.sell(t, embedded(session.PresentModal, true)), b.sell(t)
	for name, c := range map[string]struct{ origin, token, want string }{
		"an invalid token": {b.shop, strings.Replace(good.clientToken(t), ".", ".A", 1), "failure  not_started  invalid_token"},
		"an origin that is not allowed": {
			strings.Replace(b.shop, "localhost", "127.0.0.1", 1), good.clientToken(t), "failure  not_started  origin_not_allowed",
		},
		// A page that the browser refuses, as it does where the shop's own policy is against it.
		"a page of its own": {b.shop, b.tokens.Client(token.Client{
			SessionID: redirect.id, Mode: "test", Presentation: string(session.PresentModal), ExpiresAt: time.Now().Add(time.Hour),
		}), "failure  not_started  not_loaded"},
	} {
		t.Run(name, func(t *testing.T) {
			tab := browser.Open(t, browsertest.Look{Phone: true})
			b.buys(tab, c.origin, c.token)
			good.called(t, tab, c.want)
			if after := browsertest.Eval[float64](tab, `calledAfter`); after > 15_000 {
				t.Errorf("it is told after %.0f ms, and nothing loads so slowly", after)
			}
			tab.Shot("refused")
			tab.Click("dialog button") // the customer closes it, and nothing more is told
			tab.Wait(`!document.querySelector("dialog")`)
			good.called(t, tab, c.want)
			if heard := browsertest.Eval[string](tab, `heard.join()`); strings.Contains(heard, "ps_") {
				t.Errorf("the page hears %s", heard)
			}
		})
	}
	wantSession(t, good, session.StatusActive, 0)
}

// TestEmbeddedTooLate opens the checkout with a token whose time is over.
func TestEmbeddedTooLate(t *testing.T) {
	t.Parallel()
	b, browser := setup(t), browsertest.Start(t)
	s, tab := b.sell(t, embedded(session.PresentInline, true)), browser.Open(t, browsertest.Look{})
	tok := s.clientToken(t)
	b.ahead.Store(int64(25 * time.Hour))
	_, err := b.service.ExpireSession(t.Context(), engine.Origin{
		CommandID: engine.NewID(), MerchantID: b.merchantID, Actor: domain.Actor{Kind: domain.ActorSystem, ID: "due"},
	}, s.id)
	if err != nil {
		t.Fatal(err)
	}
	b.buys(tab, b.shop, tok)
	frame := s.frame(tab)
	frame.WaitState("expired")
	s.called(t, tab, "expired expired unpaid ID")
	accessible(t, frame, true)
}

// TestEmbeddedAtBank pays at a bank, whose page is a window beside the shop.
func TestEmbeddedAtBank(t *testing.T) {
	inBothForms(t, func(t *testing.T, s sale, tab, frame *browsertest.Tab, mode session.Presentation) {
		accessible(t, frame, true)
		frame.Click(`input[value="instant_eft"]`)
		frame.Click(`input[name="bank"][value="nedbank"]`)
		accessible(t, frame, true)
		tab.Shot(string(mode) + "-eft-1-banks")
		press(frame, "#submit")
		bank := s.bankOf(tab, frame)
		accessible(t, frame, true)
		bank.Click("button[value=refuse]")
		frame.WaitState("declined")
		if at := browsertest.Eval[string](frame, "document.activeElement.id"); at != "declined" {
			t.Errorf("the focus is on %q, not on what went wrong", at)
		}
		accessible(t, frame, true)
		s.windowCloses(t, tab)

		frame.Click(`input[name="bank"][value="fnb"]`)
		press(frame, "#submit")
		bank = s.bankOf(tab, frame)
		wantText(t, bank, "FNB", "1,249.00", "Karoo Coffee Roasters")
		bank.Click("button[value=approve]")
		frame.WaitState("succeeded")
		s.called(t, tab, "success completed paid ID")
		s.windowCloses(t, tab)
		wantText(t, frame, "Instant EFT, FNB")
		wantSession(t, s, session.StatusCompleted, 2)
		accessible(t, frame, true)
		tab.Shot(string(mode) + "-eft-2-succeeded")
		s.quiet(t, frame)
	})
}

// bankOf follows from the frame to the bank's window.
func (s sale) bankOf(tab, frame *browsertest.Tab) *browsertest.Tab {
	frame.WaitState("redirecting")
	press(frame, "#next")
	bank := tab.Within("page", s.bank+"/")
	bank.Wait(`document.querySelector("button[value=approve]")`)
	return bank
}

// windowCloses waits until there is no window beside the shop's.
func (s sale) windowCloses(t *testing.T, tab *browsertest.Tab) {
	t.Helper()
	wait(t, "the bank's window is closed", func() bool { return !tab.Has("page", s.bundle.url+"/checkout/") && !tab.Has("page", s.bank) })
}

// TestEmbeddedByPhone approves on the telephone; the frame moves on by itself.
func TestEmbeddedByPhone(t *testing.T) {
	inBothForms(t, func(t *testing.T, s sale, tab, frame *browsertest.Tab, mode session.Presentation) {
		frame.Click(`input[value="capitec_pay"]`)
		frame.Type("#phone", telephone)
		accessible(t, frame, true)
		press(frame, "#submit")
		frame.WaitState("approving")
		wantText(t, frame, "Approve it on your phone", "•••• 4567")
		accessible(t, frame, true)
		tab.Shot(string(mode) + "-phone-approving")
		press(frame, "#phone") // in test mode a tab plays the telephone
		phone := tab.Within("page", s.bank+"/")
		phone.Click("button[value=approve]")
		phone.Wait(`document.querySelector("section.good")`)
		phone.Close()
		frame.WaitState("succeeded")
		s.called(t, tab, "success completed paid ID")
		wantText(t, frame, "Capitec Pay, •••• 4567")
		wantSession(t, s, session.StatusCompleted, 1)
	})
}

// TestEmbeddedTabClosed closes the shop's page in mid-way: at the bank's the payment
// goes on, and what is under way comes to its end; who buys again sees it.
func TestEmbeddedTabClosed(t *testing.T) {
	t.Parallel()
	b, browser := setup(t), browsertest.Start(t)
	t.Run("at the bank", func(t *testing.T) {
		s, first := b.sell(t, embedded(session.PresentModal, true)), browser.Open(t, browsertest.Look{})
		tab := first.Beside()
		s.cart(t, tab, s.shop)
		frame := s.frame(tab)
		fill(frame, challengedCard)
		frame.WaitState("redirecting")
		press(frame, "#next")
		bank := first.Within("page", s.bank+"/acs/")
		tab.Close()
		bank.Click("button[value=approve]")
		bank.WaitState("succeeded") // in the window that is left, which closes itself
		wantText(t, bank, "Payment complete", "ZAR 1,249.00")
		s.windowCloses(t, first)
		wantSession(t, s, session.StatusCompleted, 1)
	})
	t.Run("while the outcome is unknown", func(t *testing.T) {
		s, first := b.sell(t, embedded(session.PresentModal, true)), browser.Open(t, browsertest.Look{})
		tab := first.Beside()
		s.cart(t, tab, s.shop)
		frame := s.frame(tab)
		fill(frame, lostCard)
		frame.WaitState("processing")
		accessible(t, frame, true)
		tab.Close()
		s.cart(t, first, s.shop)
		again := s.frame(first)
		again.WaitState("processing")
		if browsertest.Eval[bool](again, `document.getElementById("pay") !== null`) {
			t.Error("the page takes another card while the outcome is unknown")
		}
		s.settle(t)
		again.WaitState("succeeded")
		s.called(t, first, "success completed paid ID")
		wantSession(t, s, session.StatusCompleted, 1)
		if all := s.sales(t); len(all) != 1 {
			t.Errorf("the bank has taken %+v", all)
		}
	})
}
