package demo_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Test cards.
const (
	visa          = "4242424242424242"
	declines      = "4000000000000002"
	declinesLater = "4000000000000341" // without the customer
	captureFails  = "4000000000000457"
	refundFails   = "4000000000000507"
)

// TestFlows drives every sale to its end, against the engine and the simulator, and
// waits for its webhooks.
func TestFlows(t *testing.T) {
	t.Parallel()
	h := open(t)
	for name, sale := range map[string]func(*testing.T, *house){
		"pay": paysOnce, "pay by telephone": paysByTelephone, "declined": triesAgain, "save": savesACard, "later declined": declinedLater, "subscribe": subscribes,
		"reserve": reserves, "capture refused": captureRefused, "verify": verifies, "refund": refunds, "refund refused": refundRefused,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sale(t, h)
		})
	}
}

func paysOnce(t *testing.T, h *house) {
	o := h.begins(t, "pay")
	o.tells("payment_session.created")
	o.pays(visa)
	o.tells("payment_session.completed", "payment.succeeded")
	page := o.shows("Paid with VISA •••• 4242.", "The coffee can go out.", "The customer comes back from the checkout", "Ask what became of the session")
	if strings.Contains(page, h.key) {
		t.Error("the secret key is shown")
	}
	for _, want := range []string{"Authorization</span>: Bearer sk_test_•", "Idempotency-Key</span>: demo-", `-H &#34;Authorization: Bearer $TENDER_SECRET_KEY&#34;`, "webhook-signature</span>: v1,"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not show %s", want)
		}
	}
}

func paysByTelephone(t *testing.T, h *house) {
	o := h.begins(t, "pay")
	o.shows("an approval on their telephone")
	o.attemptsWith(`{"payment_method":{"type":"capitec_pay","capitec_pay":{"phone":"082 123 0001"}}}`) // which approves by itself
	o.tells("payment_session.completed", "payment.succeeded")
	o.shows("Paid with Capitec Pay, •••• 0001.", " · Capitec Pay, •••• 0001")
}

func triesAgain(t *testing.T, h *house) {
	o := h.begins(t, "pay")
	o.attempts(declines)
	o.tells("payment.attempt_failed", "payment_session.updated")
	o.shows("Not paid yet. The card was declined: ")
	o.pays(visa)
	o.shows("Paid with VISA •••• 4242.")
}

func savesACard(t *testing.T, h *house) {
	o := h.begins(t, "save")
	o.pays(visa)
	o.tells("payment_method.saved", "mandate.created")
	o.does("charge")
	o.shows(`<th scope="row">№ 1</th>`)
	o.does("charge")
	o.shows(`<th scope="row">№ 2</th>`)
	o.does("overcharge")
	o.shows("mandate violation", `role="alert"`)
	o.does("visit")
	o.attempts(visa)
	o.shows("Paid with VISA •••• 4242.", "Sell them a bag")
	if page := o.page(); strings.Count(page, `<span class="state good">paid</span>`) != 2 {
		t.Errorf("two cups are not paid:\n%s", page)
	}
}

func declinedLater(t *testing.T, h *house) {
	o := h.begins(t, "save")
	o.pays(declinesLater)
	o.does("charge")
	o.tells("payment.failed")
	o.shows("The card was declined: ")
}

func subscribes(t *testing.T, h *house) {
	o := h.begins(t, "subscribe")
	o.pays(visa)
	o.tells("subscription.created", "mandate.created")
	for month := 1; month <= 3; month++ {
		o.does("clock")
		o.shows(fmt.Sprintf(`<th scope="row">№ %d</th>`, month))
	}
	o.eventually("three months are paid", func() bool {
		return strings.Count(o.page(), `<span class="state good">paid</span>`) == 3
	})
	o.does("cancel")
	o.tells("subscription.updated")
	page := o.shows("Cancelled. The agreement ended with it.")
	if strings.Contains(page, "Turn the clock to next month") {
		t.Error("there is still a button for the next month")
	}
}

func reserves(t *testing.T, h *house) {
	o := h.begins(t, "reserve")
	o.pays(visa)
	o.shows("Reserved with VISA •••• 4242.")
	form := o.does("capture")
	o.shows("ZAR 320.00 captured.")
	o.tells("payment.captured")
	o.post(t, o.path+"/capture", form) // a second click
	o.does("void")
	o.tells("payment.voided")
	page := o.shows("ZAR 320.00 voided. Nothing is held any more.")
	if n := strings.Count(page, `/captures</span>`); n != 1 {
		t.Errorf("it was captured %d times", n)
	}
}

func captureRefused(t *testing.T, h *house) {
	o := h.begins(t, "reserve")
	o.pays(captureFails)
	o.does("capture")
	o.tells("payment.capture_failed")
	o.shows(`role="alert"`, "capture declined")
	first := o.does("capture") // a new try, not a replay
	if first.Get("turn") != "1" {
		t.Errorf("the second try is turn %q", first.Get("turn"))
	}
}

func verifies(t *testing.T, h *house) {
	o := h.begins(t, "verify")
	o.pays(visa)
	o.tells("payment_method.saved", "payment.succeeded")
	o.shows("Verified with VISA •••• 4242.")
	o.does("visit")
	o.attempts(visa)
	o.shows("Paid with VISA •••• 4242.")
}

func refunds(t *testing.T, h *house) {
	o := h.begins(t, "refund")
	o.pays(visa)
	o.does("refund")
	o.tells("payment.refunded")
	o.shows("ZAR 150.00 refunded.")
	o.does("refund-rest")
	o.shows("All ZAR 890.00 went back.")
}

func refundRefused(t *testing.T, h *house) {
	o := h.begins(t, "refund")
	o.pays(refundFails)
	o.does("refund")
	o.tells("payment.refund_failed")
	o.shows(`role="alert"`)
}

// TestTheShopFindsItselfAgain starts the shop again, elsewhere: its orders come from
// the API, and webhooks come to where it is now.
func TestTheShopFindsItselfAgain(t *testing.T) {
	t.Parallel()
	h := open(t)
	o := h.begins(t, "reserve")
	o.pays(visa)
	o.does("capture")
	o.tells("payment.captured")
	file := filepath.Join(h.dir, "demo-shop.json")
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the endpoint's secret is kept as %v: %v", info, err)
	}
	before := h.url

	h.stop()
	h.start()
	if h.url == before {
		t.Fatal("it listens where it did; the test needs another place")
	}
	h.eventually("the order is on the shelf", func() bool { return strings.Contains(h.get(t, "/demo"), o.path) })
	o.shows("ZAR 320.00 captured.")
	h.begins(t, "pay").tells("payment_session.created") // the endpoint leads here now
	o.does("void")
	o.tells("payment.voided")

	// A lost secret is replaced; the endpoint stays the one it was.
	h.stop()
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	h.start()
	again := h.begins(t, "refund")
	again.tells("payment_session.created")
	again.pays(visa)
	again.tells("payment.succeeded")
	if shelf := h.get(t, "/demo"); !strings.Contains(shelf, "Replace a secret that was lost") || strings.Contains(shelf, "Make a webhook endpoint") {
		t.Errorf("the endpoint was not found again:\n%s", shelf)
	}
}
