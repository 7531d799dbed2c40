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

// A page is all that is loaded, the merchant's logo aside; also one that asks for
// everything at once.
func TestEveryPageIsSmall(t *testing.T) {
	t.Parallel()
	all := everyPage()
	all["everything"] = view(page.StateDeclined, func(v *page.View) {
		saved(v)
		series(v)
		ways(v)
		branded(v)
		v.Saves, v.LastError, v.AttemptsLeft, v.Now = true, "card_declined", 1, v.ExpiresAt.Add(-time.Minute)
	})
	for name, v := range all {
		for _, v.Lang = range []string{"en", "fr"} {
			if n := len(render(t, v)); n > sizeMax {
				t.Errorf("%s in %s has %d bytes, more than %d", name, v.Lang, n, sizeMax)
			}
		}
	}
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
