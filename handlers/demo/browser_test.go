//go:build browser

package demo_test

import (
	"strconv"
	"strings"
	"testing"

	"tender/handlers/checkout/browsertest"
)

// looks are those in which the shop is visited.
var looks = []browsertest.Look{{}, {Phone: true, Dark: true}, {Dark: true}, {Phone: true}, {NoScript: true}}

// visit is a browser's way through the shop.
type visit struct {
	*browsertest.Tab
	t    *testing.T
	look browsertest.Look
}

// inEveryLook has visitors come to the shelf, one per look, and holds at their end
// that the browser had nothing to complain about and asked nobody but tender dev.
func inEveryLook(t *testing.T, way func(v visit)) {
	t.Helper()
	t.Parallel()
	h, browser := open(t), browsertest.Start(t)
	for _, look := range looks {
		t.Run(look.String(), func(t *testing.T) {
			v := visit{browser.Open(t, look), t, look}
			v.Go(h.url + "/demo")
			way(v)
			for _, complaint := range v.Complaints() {
				t.Errorf("the browser complains: %s", complaint)
			}
			for _, to := range v.Requests() {
				if !strings.HasPrefix(to, h.url+"/") && !strings.HasPrefix(to, "data:") {
					t.Errorf("request to %s", to)
				}
			}
		})
	}
}

// says waits until the page says all of this. Without JavaScript it is looked at
// again for that.
func (v visit) says(parts ...string) {
	v.t.Helper()
	for _, part := range parts {
		holds := "document.body.innerText.includes(" + strconv.Quote(part) + ")"
		for v.look.NoScript && !browsertest.Eval[bool](v.Tab, holds) {
			v.Go(v.URL())
		}
		v.Wait(holds)
	}
}

// presses presses a button. Without JavaScript that leads to another page.
func (v visit) presses(selector string) {
	v.t.Helper()
	if v.look.NoScript {
		browsertest.Eval[string](v.Tab, `document.body.dataset.left = "yes"`)
	}
	v.Click(selector)
	if v.look.NoScript {
		v.Wait("!document.body.dataset.left")
	}
}

// pays fills the checkout's form in, and comes back.
func (v visit) pays(agrees bool) {
	v.t.Helper()
	v.Click("#checkout")
	v.WaitState("form")
	v.Type("#number", visa)
	v.Type("#exp", "1234")
	v.Type("#cvc", "123")
	v.Type("#name", "Thandi Nkosi")
	if agrees {
		v.Click("#accept_mandate")
	}
	v.Click("#submit")
	v.WaitState("succeeded")
	v.Click("#back")
	v.Wait(`document.querySelector(".story")`)
}

func TestBrowserPaysOnce(t *testing.T) {
	inEveryLook(t, func(v visit) {
		v.Wait(`document.querySelector("#flow-pay")`)
		v.Shot("demo-1-shelf")
		v.presses("#flow-pay")
		v.says("The customer pays", "payment_session.created")
		v.Shot("demo-2-order")
		v.pays(false)
		v.says("Paid with VISA •••• 4242.", "The coffee can go out.", "payment.succeeded", "The customer comes back")
		v.Click("#e1 summary")
		v.Wait(`document.querySelector("#e1 pre").checkVisibility()`)
		v.Shot("demo-3-paid")
	})
}

func TestBrowserSubscribes(t *testing.T) {
	inEveryLook(t, func(v visit) {
		v.presses("#flow-subscribe")
		v.says("The customer agrees and pays the first month")
		v.pays(true)
		v.says("Turn the clock to next month")
		for _, month := range []string{"№ 1", "№ 2"} {
			v.presses("#do-clock")
			v.says(month, "Turn the clock to next month")
		}
		v.Shot("demo-4-months")
		v.presses("#do-cancel")
		v.says("Cancelled. The agreement ended with it.")
	})
}

// TestBrowserStaysWhereTheReaderIs holds that what comes in meanwhile neither closes
// what was opened nor takes the focus away, and that all of it is there for the
// keyboard.
func TestBrowserStaysWhereTheReaderIs(t *testing.T) {
	t.Parallel()
	h, browser := open(t), browsertest.Start(t)
	o := h.begins(t, "reserve")
	v := visit{browser.Open(t, browsertest.Look{}), t, browsertest.Look{}}
	v.Go(h.url + o.path)
	v.says("payment_session.created")
	browsertest.Eval[bool](v.Tab, `(document.querySelector("#e1 summary").focus(), true)`)
	v.Keys("\r")
	v.Wait(`document.querySelector("#e1 details").open`)
	o.pays(visa)
	v.says("Reserved with VISA •••• 4242.", "payment.succeeded")
	if !browsertest.Eval[bool](v.Tab, `document.querySelector("#e1 details").open && document.activeElement === document.querySelector("#e1 summary")`) {
		t.Error("what the reader had opened is closed, or the focus is gone")
	}
	v.Click("#do-capture")
	v.says("ZAR 320.00 captured.")
	if at := browsertest.Eval[string](v.Tab, "document.activeElement.id"); at != "do-void" {
		t.Errorf("after a step the focus is on %q, not on the next", at)
	}
	v.Keys("\r")
	v.says("ZAR 320.00 voided.", "payment.voided")
}
