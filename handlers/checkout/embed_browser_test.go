//go:build browser

package checkout_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"tender/domain"
	"tender/domain/session"
	"tender/handlers/checkout/browsertest"
	"tender/handlers/engine"
	"tender/handlers/token"
)

// cartPage is a merchant's page with a checkout in it. It notes what it is called back
// with, and what it can read of the messages that come by.
const cartPage = `<!doctype html><html lang="en"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Cart</title><link rel="icon" href="data:,"><style>body{font:16px/1.5 system-ui;margin:2rem auto;max-width:40rem;padding:0 1rem}</style>
<body data-state="cart"><h1>Your cart</h1><p>Two bags of coffee, ZAR 1,249.00</p><button id="buy">Buy</button><button id="own">Pay now</button>
<div id="here"></div><div style="height:1500px"></div>
<script src="%s/embed.js"></script>
<script>
window.calls = []; window.heard = [];
const note = (name) => (result) => (window.calledAfter = performance.now() - window.bought) && calls.push([name, result.status, result.paymentOutcome, result.sessionId, result.code || ""].join(" "));
addEventListener("message", (event) => heard.push(JSON.stringify(event.data)));
const query = new URLSearchParams(location.search);
document.getElementById("buy").addEventListener("click", () => {
  window.bought = performance.now();
  window.checkout = Tender.open({ clientToken: query.get("token"), container: "#here",
    onSuccess: note("success"), onFailure: note("failure"), onExpired: note("expired"), onCancel: note("cancel") });
});
document.getElementById("own").addEventListener("click", () => checkout.submit());
</script>`

// embedded has a session presented so.
func embedded(mode session.Presentation, button bool) func(*session.Create) {
	return func(c *session.Create) {
		c.Options.CheckoutOptions.PresentationMode = &session.PresentationMode{Mode: mode, DisplayPayButton: &button}
	}
}

// clientToken is what the merchant's server got when it made the session.
func (s sale) clientToken(t *testing.T) string {
	t.Helper()
	st := s.session(t)
	return s.tokens.Client(token.Client{
		SessionID: s.id, Mode: "test", Presentation: string(s.shown(t).Presentation().Mode), ExpiresAt: st.ExpiresAt,
	})
}

// cart opens the merchant's page at an origin and lets the customer buy.
func (s sale) cart(t *testing.T, tab *browsertest.Tab, origin string) {
	t.Helper()
	s.buys(tab, origin, s.clientToken(t))
}

// frame waits for the checkout within the merchant's page.
func (s sale) frame(tab *browsertest.Tab) *browsertest.Tab {
	tab.Wait(`document.querySelector("iframe")`)
	frame := tab.Within("iframe", s.bundle.url+"/checkout/")
	frame.Wait(`document.body.dataset.parent`)
	return frame
}

// called waits for the callback, and holds that there is no second one.
func (s sale) called(t *testing.T, tab *browsertest.Tab, want string) {
	t.Helper()
	tab.Wait(`calls.length > 0`)
	want = strings.ReplaceAll(want, "ID", s.id)
	if got := browsertest.Eval[string](tab, `calls.join("; ")`); strings.TrimSpace(got) != want {
		t.Errorf("the page is called back with %q, not %q", got, want)
	}
	heard := browsertest.Eval[string](tab, `heard.join("\n")`)
	for _, secret := range []string{"ckt_", "ct_", goodCard, "4242", "csrf", "customer"} {
		if strings.Contains(heard, secret) {
			t.Errorf("the page hears %s: %s", secret, heard)
		}
	}
}

var embeddedLooks = []browsertest.Look{{}, {Phone: true, Dark: true}}

func inBothForms(t *testing.T, way func(t *testing.T, s sale, tab, frame *browsertest.Tab, mode session.Presentation)) {
	t.Helper()
	t.Parallel()
	b, browser := setup(t), browsertest.Start(t)
	for i, mode := range []session.Presentation{session.PresentModal, session.PresentInline} {
		t.Run(string(mode), func(t *testing.T) {
			s, tab := b.sell(t, embedded(mode, true)), browser.Open(t, embeddedLooks[i])
			s.cart(t, tab, s.shop)
			way(t, s, tab, s.frame(tab), mode)
			b.quiet(t, tab)
		})
	}
}

func TestEmbeddedPay(t *testing.T) {
	inBothForms(t, func(t *testing.T, s sale, tab, frame *browsertest.Tab, mode session.Presentation) {
		frame.WaitState("form")
		wantText(t, frame, "ZAR 1,249.00")
		tab.Wait(`Math.abs(document.querySelector("iframe").getBoundingClientRect().height - 480) > 1`) // it has grown
		tab.Shot(string(mode) + "-1-form")
		if modal := browsertest.Eval[bool](tab, `document.querySelector("dialog:modal") !== null`); modal != (mode == session.PresentModal) {
			t.Errorf("there is a modal dialog: %t", modal)
		}
		if mode == session.PresentModal {
			if locked := browsertest.Eval[string](tab, `getComputedStyle(document.documentElement).overflow`); locked != "hidden" {
				t.Errorf("the page behind scrolls: %s", locked)
			}
		}
		fill(frame, declinedCard)
		frame.WaitState("declined")
		tab.Shot(string(mode) + "-2-declined")
		fill(frame, goodCard)
		frame.WaitState("succeeded")
		s.called(t, tab, "success completed paid ID")
		tab.Shot(string(mode) + "-3-succeeded")
		wantSession(t, s, session.StatusCompleted, 2)
		browsertest.Eval[bool](tab, `checkout.close(), checkout.close(), true`)
		tab.Wait(`!document.querySelector("iframe") && !document.querySelector("dialog") && document.documentElement.style.overflow === ""`)
		s.called(t, tab, "success completed paid ID")
	})
}

func TestEmbeddedCancel(t *testing.T) {
	inBothForms(t, func(t *testing.T, s sale, tab, frame *browsertest.Tab, _ session.Presentation) {
		giveUp(frame)
		frame.WaitState("cancelled")
		s.called(t, tab, "cancel cancelled unpaid ID")
		wantSession(t, s, session.StatusCancelled, 0)
	})
}

func TestEmbeddedExpired(t *testing.T) {
	inBothForms(t, func(t *testing.T, s sale, tab, frame *browsertest.Tab, _ session.Presentation) {
		before := s.ahead.Load()
		s.ahead.Add(int64(25 * time.Hour))
		defer s.ahead.Store(before)
		_, err := s.service.ExpireSession(t.Context(), engine.Origin{
			CommandID: engine.NewID(), MerchantID: s.merchantID, Actor: domain.Actor{Kind: domain.ActorSystem, ID: "due"},
		}, s.id)
		if err != nil {
			t.Fatal(err)
		}
		frame.WaitState("expired") // by itself
		s.called(t, tab, "expired expired unpaid ID")
	})
}

// TestEmbeddedChallenge confirms at the bank, whose page refuses frames: in a window of
// its own, while the shop's page stays.
func TestEmbeddedChallenge(t *testing.T) {
	inBothForms(t, func(t *testing.T, s sale, tab, frame *browsertest.Tab, mode session.Presentation) {
		fill(frame, challengedCard)
		frame.WaitState("redirecting")
		tab.Shot(string(mode) + "-challenge")
		frame.Click("#next")
		bank := tab.Within("page", s.bank+"/acs/")
		bank.Wait(`document.querySelector("button[value=approve]")`)
		if browsertest.Eval[bool](bank, `window.opener !== null`) {
			t.Error("the bank's page can reach the checkout")
		}
		bank.Click("button[value=approve]")
		frame.WaitState("succeeded")
		s.called(t, tab, "success completed paid ID")
		wantSession(t, s, session.StatusCompleted, 1)
		wait(t, "the bank's window is closed", func() bool { return !tab.Has("page", s.bundle.url+"/checkout/") && !tab.Has("page", s.bank) })
	})
}

// TestEmbeddedDismissed puts the dialog away, from within the frame and from outside.
func TestEmbeddedDismissed(t *testing.T) {
	t.Parallel()
	b, browser := setup(t), browsertest.Start(t)
	for name, away := range map[string]func(tab, frame *browsertest.Tab){
		"Escape in the frame": func(_, frame *browsertest.Tab) {
			frame.Click("#number")
			frame.Keys(kb.Escape)
		},
		"Escape outside": func(tab, _ *browsertest.Tab) { tab.Keys(kb.Escape) },
		"the button":     func(tab, _ *browsertest.Tab) { tab.Click("dialog button") },
	} {
		t.Run(name, func(t *testing.T) {
			s, tab := b.sell(t, embedded(session.PresentModal, true)), browser.Open(t, browsertest.Look{})
			s.cart(t, tab, s.shop)
			away(tab, s.frame(tab))
			s.called(t, tab, "cancel active not_started ID")
			tab.Wait(`!document.querySelector("dialog") && document.activeElement.id === "buy"`)
			wantSession(t, s, session.StatusActive, 0)
		})
	}
}

// TestEmbeddedOwnButton pays by the merchant's own button.
func TestEmbeddedOwnButton(t *testing.T) {
	t.Parallel()
	b, browser := setup(t), browsertest.Start(t)
	s, tab := b.sell(t, embedded(session.PresentInline, false)), browser.Open(t, browsertest.Look{})
	s.cart(t, tab, s.shop)
	frame := s.frame(tab)
	if browsertest.Eval[bool](frame, `document.getElementById("submit").checkVisibility()`) {
		t.Error("the frame shows a button")
	}
	tab.Shot("inline-own-button")
	tab.Click("#own")
	frame.Wait(`document.querySelectorAll("#problems li").length === 3`) // nothing was typed
	frame.Type("#number", goodCard)
	frame.Type("#exp", "1230")
	frame.Type("#cvc", "123")
	press(tab, "#own")
	frame.WaitState("succeeded")
	s.called(t, tab, "success completed paid ID")
}

// TestEmbeddedElsewhere has a page frame the checkout that the merchant has not
// allowed, by hand, saying that it were another.
func TestEmbeddedElsewhere(t *testing.T) {
	t.Parallel()
	b, browser := setup(t), browsertest.Start(t)
	foreign := strings.Replace(b.shop, "localhost", "127.0.0.1", 1)
	s, redirect := b.sell(t, embedded(session.PresentModal, true)), b.sell(t)
	for name, address := range map[string]string{
		"by the token":         b.url + "/embed/" + s.clientToken(t),
		"in another's name":    b.url + "/embed/" + s.clientToken(t) + "?parent=" + url.QueryEscape(b.shop),
		"the session's URL":    s.url + "?parent=" + url.QueryEscape(b.shop),
		"a session to lead to": redirect.url,
	} {
		t.Run(name, func(t *testing.T) {
			tab := browser.Open(t, browsertest.Look{})
			from := foreign
			if address == redirect.url {
				from = b.shop // nobody's page frames it
			}
			tab.Go(from + "/cart")
			browsertest.Eval[bool](tab, fmt.Sprintf(`(() => { const f = document.createElement("iframe"); f.src = %q; document.getElementById("here").append(f); return true })()`, address))
			wait(t, "the browser refuses the frame", func() bool {
				return strings.Contains(strings.Join(tab.Complaints(), "\n"), "frame-ancestors")
			})
			if heard := browsertest.Eval[int](tab, `heard.length`); heard != 0 {
				t.Errorf("it hears %d messages", heard)
			}
		})
	}
}

// TestForeignMessages are not for us: from another window, of another origin, of
// another version.
func TestForeignMessages(t *testing.T) {
	t.Parallel()
	b, browser := setup(t), browsertest.Start(t)
	s, tab := b.sell(t, embedded(session.PresentModal, true)), browser.Open(t, browsertest.Look{})
	s.cart(t, tab, s.shop)
	frame := s.frame(tab)
	const paid = `{tender: 1, type: "state", state: "succeeded", status: "completed", payment_outcome: "paid", session_id: "ps_forged"}`
	browsertest.Eval[bool](tab, `window.postMessage(`+paid+`, "*"), true`)
	browsertest.Eval[bool](tab, `(() => {
		const f = document.createElement("iframe");
		f.srcdoc = "<script>parent.postMessage({tender: 1, type: 'state', state: 'succeeded', session_id: 'ps_forged'}, '*'); parent.frames[0].postMessage({tender: 1, type: 'submit'}, '*')<\/script>";
		document.body.append(f);
		return true;
	})()`)
	browsertest.Eval[bool](frame, `parent.postMessage({tender: 2, type: "state", state: "succeeded", session_id: "ps_forged"}, "*"), true`)
	tab.Wait(`heard.filter((m) => m.includes("ps_forged")).length === 3`)
	if calls := browsertest.Eval[int](tab, `calls.length`); calls != 0 {
		t.Errorf("a forged message calls back: %s", browsertest.Eval[string](tab, `calls.join("; ")`))
	}
	if wrong := browsertest.Eval[int](frame, `document.querySelectorAll("#problems li").length`); wrong != 0 {
		t.Error("another frame's message sends the form")
	}
	giveUp(frame)
	s.called(t, tab, "cancel cancelled unpaid ID")
}

func giveUp(frame *browsertest.Tab) {
	frame.Click(".cancel summary")
	press(frame, "#cancel button")
}

// press presses a button by the keyboard: where the frame grows or scrolls, a press of
// the mouse may come to where it was.
func press(tab *browsertest.Tab, selector string) {
	browsertest.Eval[bool](tab, `document.querySelector("`+selector+`").focus(), true`)
	tab.Keys(kb.Enter)
}

// wait waits for what no page says.
func wait(t *testing.T, what string, holds func() bool) {
	t.Helper()
	limit, look := time.After(time.Minute), time.NewTicker(50*time.Millisecond)
	defer look.Stop()
	for !holds() {
		select {
		case <-look.C:
		case <-limit:
			t.Fatalf("waited in vain until %s", what)
		}
	}
}
