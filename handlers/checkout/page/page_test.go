package page_test

import (
	"bytes"
	"flag"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/errors"

	"tender/domain/method"
	"tender/handlers/checkout/page"
)

var update = flag.Bool("update", false, "write the golden files anew")

const (
	nonce    = "bm9uY2Utb2YtYS10ZXN0LTE"
	sizeMax  = 60_000 // bytes of a whole page: nothing else is loaded
	checkout = "/checkout/ckt_7v3k9m2x5q8w1r4t6y0zabcdef"
)

// view is the card form of a test session; tests change what they are about.
func view(state page.State, change func(*page.View)) page.View {
	v := page.View{
		State: state, Nonce: nonce, Test: true,
		Merchant: "Karoo Coffee Roasters", Amount: 124900, Currency: "ZAR", Reference: "ORDER-10442",
		ExpiresAt: time.Date(2026, time.November, 23, 16, 50, 0, 0, time.UTC),
		PageURL:   checkout, PayURL: checkout + "/attempts", CancelURL: checkout + "/cancel", StateURL: checkout + "/state",
		ReturnURL: "https://karoo.example/thanks?basket=7&session_id=ps_01hzy3v7q8e4xk2m9c5b7d6f0a#done",
		CSRF:      "csrf-of-a-test", AttemptID: "att_01hzy3v7q8e4xk2m9c5b7d6f0a",
		Shown: page.Shown{Status: "active", Outcome: "not_started"},
	}
	if change != nil {
		change(&v)
	}
	return v
}

// everyPage has one view per page that a customer can meet, by golden file.
func everyPage() map[string]page.View {
	receipt := func(v *page.View) {
		v.LeadOn, v.StateURL = true, ""
		v.Receipt = page.Receipt{
			PaymentID: "pay_01hzy3v7q8e4xk2m9c5b7d6f0a", Scheme: "VISA", Last4: "4242",
			At: time.Date(2026, time.November, 22, 16, 53, 0, 0, time.UTC),
		}
	}
	lead := func(v *page.View) { v.LeadOn = true }
	all := map[string]page.View{
		"form":      view(page.StateForm, nil),
		"form_live": view(page.StateForm, func(v *page.View) { v.Test, v.Reference, v.CancelURL = false, "", "" }),
		"form_errors": view(page.StateForm, func(v *page.View) {
			v.Values = page.Values{Exp: "10 / 26", Name: `Ama "Nana" <Mensah>`}
			v.Problems = []method.FieldProblem{
				{Field: method.FieldNumber, Code: method.CodeInvalidNumber},
				{Field: method.FieldExpYear, Code: method.CodeExpired},
				{Field: method.FieldCVC, Code: method.CodeRequired},
			}
		}),
		"declined": view(page.StateDeclined, func(v *page.View) {
			v.LastError, v.AttemptsLeft = "card_declined", 2
			v.Shown = page.Shown{Status: "active", Outcome: "pending", LastErrorAt: "2026-11-22T16:53:00.000Z"}
		}),
		"ways":       view(page.StateForm, ways),
		"ways_saved": view(page.StateForm, func(v *page.View) { saved(v); ways(v) }),
		"ways_bank": view(page.StateForm, func(v *page.View) {
			ways(v)
			v.Values.Method = "instant_eft"
			v.Problems = []method.FieldProblem{{Field: page.FieldBank, Code: method.CodeRequired}}
		}),
		"ways_phone": view(page.StateForm, func(v *page.View) {
			ways(v)
			v.Values.Method, v.Values.Phone = "capitec_pay", "082 12"
			v.Problems = []method.FieldProblem{{Field: page.FieldPhone, Code: page.CodeInvalid}}
		}),
		"ways_declined": view(page.StateDeclined, func(v *page.View) {
			ways(v)
			v.LastError, v.Kind, v.Values = "customer_cancelled", "instant_eft", page.Values{Method: "instant_eft", Bank: "fnb"}
		}),
		"one_way_bank":  view(page.StateForm, func(v *page.View) { ways(v); v.Methods = v.Methods[1:2] }),
		"one_way_phone": view(page.StateForm, func(v *page.View) { ways(v); series(v); v.Saves, v.Methods = true, v.Methods[2:3] }),
		"one_way_new": view(page.StateForm, func(v *page.View) {
			v.Methods = []page.Method{{Kind: "new_wallet", Name: "New Wallet"}}
		}),
		"approving": view(page.StateApproving, func(v *page.View) {
			v.Kind, v.PhoneMasked, v.NextURL = "capitec_pay", "•••• 4567", "https://acs.bank.example/phone?id=1"
			v.ApproveBy = time.Date(2026, time.November, 22, 17, 8, 0, 0, time.UTC)
			v.Shown = page.Shown{Status: "active", Outcome: "pending", NextActionURL: v.NextURL}
		}),
		"approving_live": view(page.StateApproving, func(v *page.View) {
			v.Kind, v.PhoneMasked, v.Test, v.CancelURL = "mtn_momo", "•••• 4567", false, ""
		}),
		"redirecting_bank": view(page.StateRedirecting, func(v *page.View) {
			v.Kind, v.BankName, v.NextURL = "instant_eft", "FNB", "https://acs.bank.example/pay?id=1"
		}),
		"processing_bank": view(page.StateProcessing, func(v *page.View) { v.Kind, v.Shown.Outcome = "instant_eft", "pending" }),
		"succeeded_bank": view(page.StateSucceeded, func(v *page.View) {
			receipt(v)
			v.Outcome, v.Receipt.Kind, v.Receipt.BankName, v.Receipt.Scheme, v.Receipt.Last4 = "paid", "instant_eft", "FNB", "", ""
		}),
		"succeeded_phone": view(page.StateSucceeded, func(v *page.View) {
			receipt(v)
			v.Outcome, v.Saved, v.Agreed = "paid", true, terms
			v.Receipt.Kind, v.Receipt.Phone, v.Receipt.Scheme, v.Receipt.Last4 = "capitec_pay", "•••• 4567", "", ""
		}),
		"redirecting": view(page.StateRedirecting, func(v *page.View) {
			v.NextURL, v.LeadOn = "https://acs.bank.example/challenge?id=1&lang=en", true
		}),
		"redirecting_back": view(page.StateRedirecting, func(v *page.View) { v.NextURL = "https://acs.bank.example/challenge?id=1" }),
		"processing":       view(page.StateProcessing, func(v *page.View) { v.Shown.Outcome = "pending" }),
		"succeeded": view(page.StateSucceeded, func(v *page.View) {
			receipt(v)
			v.Outcome = "paid"
		}),
		"succeeded_receipt": view(page.StateSucceeded, func(v *page.View) {
			receipt(v)
			v.Outcome, v.ReturnURL, v.Test = "paid", "", false
		}),
		"reserved": view(page.StateSucceeded, func(v *page.View) {
			receipt(v)
			v.Outcome, v.ReturnURL = "reserved", "karoo-app://paid/ps_1?session_id=ps_1"
		}),
		"series": view(page.StateForm, func(v *page.View) { series(v); v.Saves = true }),
		"series_errors": view(page.StateForm, func(v *page.View) {
			series(v)
			v.Values.Exp = "10 / 30"
			v.Problems = []method.FieldProblem{
				{Field: method.FieldNumber, Code: method.CodeRequired}, {Field: method.FieldCVC, Code: method.CodeRequired},
				{Field: page.FieldAccept, Code: method.CodeRequired},
			}
		}),
		"saved": view(page.StateForm, saved),
		"saved_gone": view(page.StateForm, func(v *page.View) {
			saved(v)
			v.Values = page.Values{Method: "pmt_gone", Save: true}
			v.Problems = []method.FieldProblem{{Field: page.FieldMethod, Code: page.CodeGone}}
		}),
		"saved_declined": view(page.StateDeclined, func(v *page.View) {
			saved(v)
			v.LastError, v.Values.Method, v.SavedNeedCVC, v.AsksToSave = "card_declined", page.AnotherCard, false, false
		}),
		"saved_series": view(page.StateForm, func(v *page.View) {
			saved(v)
			series(v)
			v.AsksToSave, v.Verifies = false, true
		}),
		"verify": view(page.StateForm, func(v *page.View) { v.Verifies, v.Saves = true, true }),
		"verify_declined": view(page.StateDeclined, func(v *page.View) {
			v.Verifies, v.Saves, v.LastError = true, true, "card_declined"
		}),
		"verify_redirecting": view(page.StateRedirecting, func(v *page.View) {
			v.Verifies, v.NextURL = true, "https://acs.bank.example/challenge?id=1"
		}),
		"verified": view(page.StateSucceeded, func(v *page.View) {
			receipt(v)
			v.Verifies, v.Outcome, v.Saved = true, "payment_method_verified", true
		}),
		"succeeded_series": view(page.StateSucceeded, func(v *page.View) {
			receipt(v)
			v.Outcome, v.Saved, v.Agreed = "paid", true, terms
		}),
		"succeeded_saved": view(page.StateSucceeded, func(v *page.View) {
			receipt(v)
			v.Outcome, v.Saved = "paid", true
		}),
		"branded":           view(page.StateForm, branded),
		"branded_succeeded": view(page.StateSucceeded, func(v *page.View) { receipt(v); branded(v); v.Outcome, v.Logo.OnDark = "paid", true }),
		"branded_expired":   view(page.StateExpired, func(v *page.View) { branded(v); v.Logo, v.SupportURL = page.Logo{}, "tel:+27215550100" }),

		"expired":   view(page.StateExpired, lead),
		"cancelled": view(page.StateCancelled, lead),
		"failed":    view(page.StateFailed, func(v *page.View) { v.ReturnURL = "" }),
		"not_found": {State: page.StateNotFound, Nonce: nonce},
	}
	for _, p := range []page.Problem{
		page.ProblemFormToken, page.ProblemCrossSite, page.ProblemBadForm,
		page.ProblemAttemptInProgress, page.ProblemTooManyRequests, page.ProblemUnavailable,
	} {
		all["problem_"+string(p)] = page.View{
			State: page.StateProblem, Nonce: nonce, Problem: p, PageURL: checkout, Merchant: "Karoo Coffee Roasters",
		}
	}
	return all
}

// ways offers all kinds of ways to pay.
func ways(v *page.View) {
	v.Methods = []page.Method{
		{Kind: page.AnotherCard, Saves: true},
		{Kind: "instant_eft", Banks: []page.Bank{
			{ID: "absa", Name: "Absa"}, {ID: "african_bank", Name: "African Bank"}, {ID: "capitec", Name: "Capitec"}, {ID: "discovery", Name: "Discovery Bank"},
			{ID: "fnb", Name: "FNB"}, {ID: "investec", Name: "Investec"}, {ID: "nedbank", Name: "Nedbank"}, {ID: "standard_bank", Name: "Standard Bank"}, {ID: "tyme", Name: "TymeBank"},
		}},
		{Kind: "capitec_pay", Phone: true, Saves: true},
		{Kind: "mtn_momo", Phone: true},
	}
}

// branded gives the page a merchant's looks.
func branded(v *page.View) {
	v.Colour, v.SupportURL, v.LegalText = "#8a3b12", "https://karoo.example/help", "Karoo Coffee Roasters (Pty) Ltd\nReg. <2009>"
	v.Logo = page.Logo{URL: "/logos/lgo_0xy7p4c2m1vt4b12sn0vnfjn74.png", Width: 320, Height: 96}
}

// terms are the sentences of a monthly mandate.
var terms = []string{
	"You allow Karoo Coffee Roasters to charge up to ZAR 50.00 at a time to the payment method that you use now, without asking you again.",
	"Payments are planned for the 1st of every month.",
	"This holds from 1 January 2027 to 31 December 2027.",
	"Dates are days in the time zone Africa/Johannesburg.",
}

// series asks the customer to agree to later payments.
func series(v *page.View) { v.Terms, v.TermsToken = terms, "token-of-the-terms" }

// saved offers two saved cards and one that has expired.
func saved(v *page.View) {
	v.AsksToSave, v.SavedNeedCVC = true, true
	v.SavedCards = []page.SavedCard{
		{ID: "pmt_01hzy3v7q8e4xk2m9c5b7d6f0a", Scheme: "VISA", Last4: "4242", ExpMonth: 12, ExpYear: 2031, CVCDigits: 3},
		{ID: "pmt_01hzy3v7q8e4xk2m9c5b7d6f0b", Scheme: "AMEX", Last4: "0005", ExpMonth: 4, ExpYear: 2028, CVCDigits: 4},
		{ID: "pmt_01hzy3v7q8e4xk2m9c5b7d6f0c", Scheme: "MASTERCARD", Last4: "4444", ExpMonth: 2, ExpYear: 2025, CVCDigits: 3, Expired: true},
	}
	v.Values.Method = v.SavedCards[0].ID
}

func render(t *testing.T, v page.View) string {
	t.Helper()
	var b bytes.Buffer
	if err := page.Render(&b, v); err != nil {
		t.Fatalf("Render(%s): %+v", v.State, err)
	}
	return b.String()
}

// forEveryPage runs check on each page's HTML.
func forEveryPage(t *testing.T, check func(t *testing.T, name, html string)) {
	t.Helper()
	for name, v := range everyPage() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, name, render(t, v))
		})
	}
}

// TestGolden holds the markup. Style and script are the same on every page and
// held by their own files, so they are left out.
func TestGolden(t *testing.T) {
	t.Parallel()
	bulk := regexp.MustCompile(`(?s)(<(?:style|script) nonce="[^"]*">).*?(</(?:style|script)>)`)
	ranges := regexp.MustCompile(`data-ranges="[^"]*"`)
	forEveryPage(t, func(t *testing.T, name, html string) {
		got := ranges.ReplaceAllString(bulk.ReplaceAllString(html, "$1…$2"), `data-ranges="…"`)
		file := filepath.Join("testdata", name+".html")
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("the page is not the one in %s; run the test with -update and read the difference", file)
		}
	})
}

func TestEveryPageIsSmall(t *testing.T) {
	t.Parallel()
	forEveryPage(t, func(t *testing.T, _, html string) {
		if len(html) > sizeMax {
			t.Errorf("%d bytes, more than %d", len(html), sizeMax)
		}
	})
}

// TestThePolicyLetsEveryPageWork holds pages to the Content-Security-Policy:
// whatever it forbids must not be in them, or they would break in a browser only.
func TestThePolicyLetsEveryPageWork(t *testing.T) {
	t.Parallel()
	tag := regexp.MustCompile(`<(script|style)\b[^>]*>`)
	forbidden := map[string]*regexp.Regexp{
		"an inline handler":  regexp.MustCompile(`(?i)<[a-z][^>]*\son[a-z]+\s*=`),
		"a style attribute":  regexp.MustCompile(`(?i)<[a-z][^>]*\sstyle\s*=`),
		"a javascript: link": regexp.MustCompile(`(?i)javascript:`),
		"something loaded":   regexp.MustCompile(`(?i)<[a-z][^>]*\s(srcset|poster|background)\s*=|\ssrc="[^/]|\ssrc="/[^l]|@import|url\(`),
		"a frame or plug-in": regexp.MustCompile(`(?i)<(iframe|object|embed|base)\b`),
	}
	forEveryPage(t, func(t *testing.T, _, html string) {
		inline := tag.FindAllString(html, -1)
		if len(inline) != 2 {
			t.Errorf("%d inline elements, want a style and a script", len(inline))
		}
		for _, element := range inline {
			if !strings.Contains(element, ` nonce="`+nonce+`"`) {
				t.Errorf("no nonce on %s", element)
			}
		}
		for what, pattern := range forbidden {
			if found := pattern.FindString(html); found != "" {
				t.Errorf("%s: %s", what, found)
			}
		}
	})
}

// TestNoPageLeavesTheOrigin allows two addresses on other origins, both links
// that the customer follows: the bank's and the merchant's.
func TestNoPageLeavesTheOrigin(t *testing.T) {
	t.Parallel()
	address := regexp.MustCompile(`(?i)[a-z][a-z0-9+.-]*://[^"' <]*`)
	forEveryPage(t, func(t *testing.T, name, html string) {
		for _, found := range address.FindAllString(html, -1) {
			known := strings.HasPrefix(found, "https://karoo.example/") || strings.HasPrefix(found, "https://acs.bank.example/") ||
				strings.HasPrefix(found, "karoo-app://") || found == "http://www.w3.org/2000/svg"
			if !known {
				t.Errorf("address %s", found)
			}
		}
		for _, action := range regexp.MustCompile(`action="[^"]*"`).FindAllString(html, -1) {
			if !strings.HasPrefix(action, `action="/checkout/`) {
				t.Errorf("a form leaves: %s", action)
			}
		}
	})
}

func TestSetHeaders(t *testing.T) {
	t.Parallel()
	answer := httptest.NewRecorder()
	one, two := page.NewNonce(), page.NewNonce()
	page.SetHeaders(answer.Header(), one, nil)
	if one == two || len(one) < 22 {
		t.Errorf("nonces %q and %q", one, two)
	}
	policy := answer.Header().Get("Content-Security-Policy")
	for _, part := range []string{
		"default-src 'none'", "script-src 'nonce-" + one + "'", "style-src 'nonce-" + one + "'",
		"form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'", "connect-src 'self'", "img-src 'self' data:;",
	} {
		if !strings.Contains(policy, part) {
			t.Errorf("the policy lacks %s: %s", part, policy)
		}
	}
	if strings.Contains(policy, "unsafe") || strings.Contains(policy, "http") {
		t.Errorf("the policy is too wide: %s", policy)
	}
	for name, want := range map[string]string{
		"Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
	} {
		if got := answer.Header().Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
}

func TestWhatTheCustomerTypedIsNeverSentBackInNumberOrCode(t *testing.T) {
	t.Parallel()
	html := render(t, everyPage()["form_errors"])
	for _, field := range []string{"number", "cvc"} {
		input := regexp.MustCompile(`<input id="` + field + `"[^>]*>`).FindString(html)
		if input == "" || strings.Contains(input, " value=") {
			t.Errorf("input %s: %q", field, input)
		}
	}
	if !strings.Contains(html, `value="10 / 26"`) || !strings.Contains(html, `value="Ama &#34;Nana&#34; &lt;Mensah&gt;"`) {
		t.Error("expiry date or name is not filled in again")
	}
}

func TestErrorsAreLinkedToTheirFields(t *testing.T) {
	t.Parallel()
	html := render(t, everyPage()["form_errors"])
	for _, field := range []string{"number", "exp", "cvc"} {
		for what, pattern := range map[string]string{
			"link":        `<li><a href="#` + field + `">[^<]+</a></li>`,
			"label":       `<label for="` + field + `">`,
			"description": `<input id="` + field + `"[^>]* aria-describedby="[^"]*` + field + `-error"[^>]* aria-invalid="true"`,
			"text":        `<p class="error" id="` + field + `-error">[^<]+</p>`,
		} {
			if !regexp.MustCompile(pattern).MatchString(html) {
				t.Errorf("%s has no %s", field, what)
			}
		}
	}
	if !strings.Contains(html, "<title>Error: ") {
		t.Error("the title does not say that there is an error")
	}
	if regexp.MustCompile(`<input id="name"[^>]*aria-invalid`).MatchString(html) {
		t.Error("the name is blamed for nothing")
	}
}

func TestTheDeclineCodeNeverShows(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"insufficient_funds", "lost_card", "card_declined", "made_up"} {
		html := render(t, view(page.StateDeclined, func(v *page.View) { v.LastError = code }))
		if strings.Contains(html, code) {
			t.Errorf("%q shows", code)
		}
		if !strings.Contains(html, "No money was taken.") {
			t.Errorf("%q: the customer does not learn that no money was taken", code)
		}
	}
}

func TestThePageGoesOnWithoutScript(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, page, want string // want: the refresh's content; "" for none
	}{
		{"waits", "processing", `5; url=` + checkout},
		{"to the bank", "redirecting", `0; url=https://acs.bank.example/challenge?id=1&amp;lang=en`},
		{"not to the bank twice", "redirecting_back", ``},
		{"to the merchant", "succeeded", `5; url=https://karoo.example/thanks?basket=7&amp;session_id=ps_01hzy3v7q8e4xk2m9c5b7d6f0a#done`},
		{"to an app", "reserved", `5; url=karoo-app://paid/ps_1?session_id=ps_1`},
		{"after expiry", "expired", `5; url=https://karoo.example/thanks?basket=7&amp;session_id=ps_01hzy3v7q8e4xk2m9c5b7d6f0a#done`},
		{"stays on a receipt", "succeeded_receipt", ``},
		{"stays on the form", "form", ``},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			html := render(t, everyPage()[tt.page])
			refresh := regexp.MustCompile(`<noscript><meta http-equiv="refresh" content="([^"]*)"></noscript>`).FindStringSubmatch(html)
			if tt.want == "" {
				if strings.Contains(html, `http-equiv="refresh"`) {
					t.Errorf("refreshes: %v", refresh)
				}
				return
			}
			if len(refresh) != 2 || refresh[1] != tt.want {
				t.Errorf("refresh = %v, want %q", refresh, tt.want)
			}
		})
	}
}

func TestACustomerCanStay(t *testing.T) {
	t.Parallel()
	html := render(t, everyPage()["succeeded"])
	if !strings.Contains(html, `href="`+checkout+`?stay=1"`) {
		t.Error("there is no way to stop the page from leading on")
	}
	html = render(t, view(page.StateSucceeded, func(v *page.View) { v.LeadOn = false }))
	if strings.Contains(html, "http-equiv") || strings.Contains(html, "data-lead-on=") {
		t.Error("the page leads on all the same")
	}
	if !strings.Contains(html, `id="back" href="https://karoo.example/thanks`) {
		t.Error("the way back is gone")
	}
}

func TestUnsafeAddressesAreRefused(t *testing.T) {
	t.Parallel()
	changes := map[string]func(*page.View){
		"return by script":      func(v *page.View) { v.ReturnURL = "javascript:alert(1)" },
		"return by script, big": func(v *page.View) { v.ReturnURL = "JavaScript:alert(1)" },
		"return to data":        func(v *page.View) { v.ReturnURL = "data:text/html,x" },
		"return to intent":      func(v *page.View) { v.ReturnURL = "intent://x" },
		"return nowhere":        func(v *page.View) { v.ReturnURL = "karoo.example" },
		"return, broken":        func(v *page.View) { v.ReturnURL = "https://%zz" },
		"bank as app":           func(v *page.View) { v.NextURL = "bank-app://x" },
		"bank by script":        func(v *page.View) { v.NextURL = "javascript:alert(1)" },
		"form abroad":           func(v *page.View) { v.PayURL = "https://thief.example/" },
		"form abroad, short":    func(v *page.View) { v.CancelURL = "//thief.example/" },
		"state abroad":          func(v *page.View) { v.StateURL = `/\thief.example/` },
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			err := page.Render(&b, view(page.StateRedirecting, change))
			if !errors.Is(err, page.ErrUnsafeURL) || b.Len() > 0 {
				t.Errorf("err = %v, %d bytes written", err, b.Len())
			}
		})
	}
}

func TestWhatOthersChoseIsEscaped(t *testing.T) {
	t.Parallel()
	const evil = `"><script>alert(1)</script>{{.}}{amount}`
	html := render(t, view(page.StateDeclined, func(v *page.View) {
		v.Merchant, v.Currency, v.Reference, v.LastError, v.CSRF, v.AttemptID, v.Lang = evil, evil, evil, evil, evil, evil, evil
		v.Values = page.Values{Exp: evil, Name: evil}
		v.Problems = []method.FieldProblem{{Field: evil, Code: evil, Detail: evil}, {Field: page.FieldExp, Code: evil, Detail: evil}}
		v.Shown = page.Shown{Status: evil, Outcome: evil, LastErrorAt: evil, NextActionURL: evil}
	}))
	if strings.Contains(html, "<script>") || strings.Contains(html, `""&gt;`) {
		t.Error("a name got out of its place")
	}
	if !strings.Contains(html, "Check this field") {
		t.Error("a problem without a text of its own shows none")
	}
}

func TestAnUnknownStateIsAnError(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := page.Render(&b, page.View{State: "lost"}); err == nil || b.Len() > 0 {
		t.Errorf("err = %v, %d bytes written", err, b.Len())
	}
}

// Where nothing is charged no amount shows, and nothing speaks of paying.
func TestAVerificationShowsNoAmount(t *testing.T) {
	t.Parallel()
	for _, state := range []page.State{
		page.StateForm, page.StateDeclined, page.StateRedirecting, page.StateProcessing, page.StateSucceeded, page.StateExpired,
		page.StateCancelled, page.StateFailed,
	} {
		html := render(t, view(state, func(v *page.View) {
			v.Verifies, v.Outcome, v.LastError, v.NextURL = true, "payment_method_verified", "card_declined", "https://acs.bank.example/"
		}))
		if body := html[strings.Index(html, "<body"):]; strings.Contains(body, "ZAR") {
			t.Errorf("%s: an amount shows", state)
		}
		heading := regexp.MustCompile(`<h1>([^<]*)</h1>`).FindStringSubmatch(html)
		if len(heading) != 2 || regexp.MustCompile(`(?i)\bpay`).MatchString(heading[1]) {
			t.Errorf("%s: the heading is %q", state, heading)
		}
	}
	html := render(t, everyPage()["verify"])
	for _, want := range []string{"<h1>Verify your card</h1>", `<span id="submit-text">Verify card</span>`, "Your card will be saved for your next payments to Karoo Coffee Roasters."} {
		if !strings.Contains(html, want) {
			t.Errorf("%q is not on the page", want)
		}
	}
}

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
	good, amex, old := radio(html, v.SavedCards[0].ID), radio(html, v.SavedCards[1].ID), radio(html, v.SavedCards[2].ID)
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
