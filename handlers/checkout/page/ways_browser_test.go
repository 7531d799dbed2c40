//go:build browser

package page_test

import (
	"testing"

	"github.com/chromedp/chromedp/kb"

	"tender/handlers/checkout/browsertest"
)

// Each way to pay shows the fields that it needs, with the script and without.
func TestChoosingAWay(t *testing.T) {
	t.Parallel()
	browser, server := browsertest.Start(t), newSite(t)
	for _, look := range []browsertest.Look{{}, {Phone: true, NoScript: true}} {
		t.Run(look.String(), func(t *testing.T) {
			tab := browser.Open(t, look)
			tab.Go(server.URL + "/ways_saved")
			for _, way := range []struct{ chosen, shows string }{
				{"card", "number exp cvc name save_payment_method"}, {"instant_eft", "bank"}, {"capitec_pay", "phone save_payment_method"}, {"mtn_momo", "phone"},
				{"pmt_01hzy3v7q8e4xk2m9c5b7d6f0a", "cvc"},
			} {
				tab.Click(`input[value="` + way.chosen + `"]`)
				shown := browsertest.Eval[string](tab, `["bank", "phone", "number", "exp", "cvc", "name", "save_payment_method"].filter(id => document.getElementById(id).offsetParent).join(" ")`)
				if shown != way.shows {
					t.Errorf("%s asks for %s", way.chosen, shown)
				}
				tab.Shot("choosing-" + way.chosen)
			}
			tab.Click(`input[value="instant_eft"]`)
			if !look.NoScript {
				tab.Click("#submit")
				tab.Wait(`document.activeElement.id === "problems"`)
				tab.Click(`#problems a[href="#bank"]`)
				tab.Keys(" ")
				if text := browsertest.Eval[string](tab, `document.getElementById("bank-error").textContent`); text != "" {
					t.Errorf("once a bank is chosen it says %q", text)
				}
				tab.Click(`input[value="capitec_pay"]`)
				for _, typed := range []string{"12", "345 ab"} {
					tab.Type("#phone", typed)
					tab.Click("#submit")
					tab.Wait(`document.getElementById("phone-error").textContent.startsWith("Check the mobile number")`)
				}
				browsertest.Eval[any](tab, `document.getElementById("phone").value = ""`)
			} else {
				tab.Click(`input[value="capitec_pay"]`)
			}
			tab.Type("#phone", "082 123-4567")
			before := server.forms.Load()
			tab.Click("#submit")
			tab.WaitState("succeeded")
			if server.forms.Load() != before+1 {
				t.Error("no form arrived")
			}
		})
	}
}

// The ways to pay are chosen with the arrows, as radio buttons are.
func TestChoosingByKeyboard(t *testing.T) {
	t.Parallel()
	browser, server := browsertest.Start(t), newSite(t)
	tab := browser.Open(t, browsertest.Look{})
	focus := func() string {
		return browsertest.Eval[string](tab, `document.activeElement.value || document.activeElement.id || document.activeElement.tagName`)
	}
	tab.Go(server.URL + "/ways")
	browsertest.Eval[any](tab, `void document.querySelector("[name=payment_method]").focus()`)
	for _, step := range []struct{ keys, at string }{
		{kb.ArrowDown, "instant_eft"}, {"\t", "absa"}, {kb.ArrowDown, "african_bank"}, {kb.ArrowDown, "capitec"},
		{"\t", "SUMMARY"}, {"\t", "submit"}, // past the banks that misbehave
	} {
		tab.Keys(step.keys)
		if got := focus(); got != step.at {
			t.Fatalf("the focus is on %q, want %q", got, step.at)
		}
		if !browsertest.Eval[bool](tab, `[document.activeElement, document.activeElement.closest("label")].some(e => e && getComputedStyle(e).outlineStyle === "solid")`) {
			t.Errorf("the focus on %s does not show", step.at)
		}
		tab.Shot("keyboard-" + step.at)
	}
	tab.Keys("\r")
	tab.WaitState("succeeded")
}
