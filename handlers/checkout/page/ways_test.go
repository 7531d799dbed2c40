package page_test

import (
	"regexp"
	"strings"
	"testing"

	"tender/handlers/checkout/page"
)

// What the customer agrees to stands on the page to the letter, a sentence each, and
// again on the receipt; the box is theirs to tick.
func TestTermsAreShownWhole(t *testing.T) {
	t.Parallel()
	form, receipt := render(t, everyPage()["series"]), render(t, everyPage()["succeeded_series"])
	for _, sentence := range terms {
		if want := "<p>" + sentence + "</p>"; !strings.Contains(form, want) || !strings.Contains(receipt, want) {
			t.Errorf("%q is not on the page", sentence)
		}
	}
	box := regexp.MustCompile(`<input id="accept_mandate"[^>]*>`).FindString(form)
	if box == "" || !strings.Contains(box, " required ") || strings.Contains(box, " checked") {
		t.Errorf("the box is %q", box)
	}
	if !strings.Contains(form, `<label for="accept_mandate">I agree</label>`) || !strings.Contains(form, `name="terms" value="token-of-the-terms"`) {
		t.Error("the box has no label, or the form does not name the terms")
	}
	html := render(t, everyPage()["series_errors"])
	for _, want := range []string{
		`<li><a href="#accept_mandate">[^<]+</a></li>`, `<p class="error" id="accept_mandate-error">[^<]+</p>`,
		`<input id="accept_mandate"[^>]* aria-describedby="terms-text accept_mandate-error" aria-invalid="true"`,
	} {
		if !regexp.MustCompile(want).MatchString(html) {
			t.Errorf("without the tick there is no %s", want)
		}
	}
	if html := render(t, everyPage()["form"]); strings.Contains(html, `name="accept_mandate"`) || strings.Contains(html, `name="save_payment_method"`) || strings.Contains(html, `type="radio"`) {
		t.Error("a single payment asks for more than a card")
	}
}

func TestSavedCards(t *testing.T) {
	t.Parallel()
	radio := func(html, value string) string {
		return regexp.MustCompile(`<label[^>]*><input type="radio"[^>]* value="` + value + `"[^>]*>`).FindString(html)
	}
	html := render(t, everyPage()["saved"])
	v := everyPage()["saved"]
	good, amex, old := radio(html, v.SavedMethods[0].ID), radio(html, v.SavedMethods[1].ID), radio(html, v.SavedMethods[2].ID)
	if !strings.Contains(good, " checked") || !strings.Contains(good, `data-cvc="3"`) || strings.Contains(good, "disabled") {
		t.Errorf("the latest is %q", good)
	}
	if strings.Contains(amex, " checked") || !strings.Contains(amex, `data-cvc="4"`) {
		t.Errorf("the second is %q", amex)
	}
	if !strings.Contains(old, " disabled") || !strings.Contains(html, "Expired 02 / 25") {
		t.Errorf("the expired one is %q", old)
	}
	for _, want := range []string{"Visa ending in 4242", "Expires 12 / 31", "Amex ending in 0005", `<legend class="spoken">Pay with</legend>`, "Another card", "Save this card for my next payments to Karoo Coffee Roasters"} {
		if !strings.Contains(html, want) {
			t.Errorf("%q is not on the page", want)
		}
	}
	if n := strings.Count(html, " checked"); n != 1 {
		t.Errorf("%d boxes are ticked", n)
	}
	for _, name := range []string{"saved_gone", "saved_declined"} {
		html := render(t, everyPage()[name])
		if another := radio(html, page.AnotherCard); !strings.Contains(another, " checked") {
			t.Errorf("%s: another card is %q", name, another)
		}
	}
	if html := render(t, everyPage()["saved_gone"]); !strings.Contains(html, `<a href="#payment_method">`) || !strings.Contains(html, `id="payment_method-error">This is no longer offered`) {
		t.Error("it is not said that the saved card is gone")
	}
}

// Each way to pay asks for what it needs, and the chosen one alone is marked.
func TestWaysToPay(t *testing.T) {
	t.Parallel()
	for name, wants := range map[string][]string{
		"ways": {
			`value="card" checked data-asks="card" data-saves>`, `value="instant_eft" data-asks="bank"`, `value="capitec_pay" data-asks="phone" data-saves>`,
			`value="mtn_momo" data-asks="phone">`, "<h1>Choose how to pay</h1>", ">Capitec Pay<", `type="tel" inputmode="tel" autocomplete="tel"`,
		},
		"ways_saved_phone": {
			`value="pmt_01hzy3v7q8e4xk2m9c5b7d6f0d" checked data-asks="nothing">`, ">Capitec Pay, •••• 4567</span></label>", ">Capitec Pay, another number<", ">MTN MoMo<", "Another card",
		},
		"ways_bank":  {`value="instant_eft" checked`, `<a href="#bank">Choose your bank</a>`, `role="radiogroup" aria-required="true" aria-invalid="true"`},
		"ways_phone": {`value="capitec_pay" checked`, `<a href="#phone">Check the mobile number`, `value="082 12"`},
		"ways_declined": {
			`name="bank" value="fnb" checked`, "You did not approve the payment. No money was taken.",
		},
		"one_way_bank":     {"<h1>Pay with Instant EFT</h1>", `<input type="hidden" name="payment_method" value="instant_eft" data-asks="bank">`},
		"one_way_phone":    {"<h1>Pay with Capitec Pay</h1>", `<input type="hidden" name="payment_method" value="capitec_pay" data-asks="phone">`},
		"one_way_new":      {"<h1>Pay with New Wallet</h1>", `<input type="hidden" name="payment_method" value="new_wallet" data-asks="nothing">`},
		"approving":        {"We sent a request to the number •••• 4567.", `id="phone" href="https://acs.bank.example/phone?id=1"`, "2026-11-22T17:08:00Z"},
		"redirecting_bank": {"<h1>Continue at FNB</h1>", "Continue to FNB"},
		"succeeded_bank":   {"<dt>Paid with</dt><dd>Instant EFT, FNB</dd>"},
		"succeeded_phone":  {"<dt>Paid with</dt><dd>Capitec Pay, •••• 4567</dd>", "may take later payments in the same way"},
	} {
		html := render(t, everyPage()[name])
		for _, want := range wants {
			if !strings.Contains(html, want) {
				t.Errorf("%s lacks %s", name, want)
			}
		}
		if n := strings.Count(html, `name="payment_method"`); strings.HasPrefix(name, "one_way") && n != 1 {
			t.Errorf("%s has %d ways", name, n)
		}
	}
	for name, field := range map[string]string{"one_way_bank": "number", "one_way_phone": "cvc", "approving_live": "next", "form": "phone"} {
		if strings.Contains(render(t, everyPage()[name]), `id="`+field+`"`) {
			t.Errorf("%s has the field %s", name, field)
		}
	}
	if html := render(t, view(page.StateForm, func(v *page.View) {
		v.Methods = []page.Method{{Kind: "new_wallet", Name: "<Wallet>"}, {Kind: page.AnotherCard}}
	})); !strings.Contains(html, `<span class="kind" aria-hidden="true">&lt;</span> <span class="choice-name">&lt;Wallet&gt;</span>`) {
		t.Error("a way without a mark does not get its initial")
	}
}

// Whatever a text leaves room for is filled in: nobody reads a name in braces. What
// the script fills in stands in attributes.
func TestNoTextIsShownWithGaps(t *testing.T) {
	t.Parallel()
	gap := regexp.MustCompile(`>[^<]*\{[a-z_]+\}[^<]*<`)
	bulk := regexp.MustCompile(`(?s)<(style|script) .*?</(style|script)>`)
	for name, v := range everyPage() {
		for _, v.Lang = range []string{"en", "fr"} {
			if found := gap.FindString(bulk.ReplaceAllString(render(t, v), "")); found != "" {
				t.Errorf("%s in %s shows %q", name, v.Lang, found)
			}
		}
	}
}
