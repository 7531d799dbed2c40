//go:build browser

package page_test

import (
	"image"
	"image/png"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tender/handlers/checkout/browsertest"
	"tender/handlers/checkout/page"
)

// site serves every page of everyPage under its name, and counts the forms that
// reach it.
type site struct {
	*httptest.Server
	forms atomic.Int64
	state atomic.Pointer[string] // the JSON at the state's address
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{}
	initial := `{"status":"active","payment_outcome":"not_started"}`
	s.state.Store(&initial)
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+checkout+"/state", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(*s.state.Load()))
	})
	mux.HandleFunc("POST /", func(w http.ResponseWriter, r *http.Request) {
		s.forms.Add(1)
		http.Redirect(w, r, "/succeeded_receipt", http.StatusSeeOther)
	})
	mux.HandleFunc("GET /back", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<title>back</title><body data-state=elsewhere>back at the shop"))
	})
	mux.HandleFunc("GET /logos/{file}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "image/png")
		if err := png.Encode(w, image.NewGray(image.Rect(0, 0, 320, 96))); err != nil {
			t.Error(err)
		}
	})
	mux.HandleFunc("GET /{name}", func(w http.ResponseWriter, r *http.Request) {
		v, ok := everyPage()[r.PathValue("name")]
		if !ok {
			http.NotFound(w, r)
			return
		}
		v.Nonce, v.Lang = page.NewNonce(), page.Language("", r.Header.Get("Accept-Language"))
		if left, err := time.ParseDuration(r.URL.Query().Get("left")); err == nil {
			v.Now = v.ExpiresAt.Add(-left)
		}
		v.PageURL = "/" + r.PathValue("name")
		v.LeadOn = v.LeadOn && !r.URL.Query().Has(page.StayParam)
		if v.ReturnURL != "" {
			v.ReturnURL = s.URL + "/back"
		}
		if v.NextURL != "" {
			v.NextURL = s.URL + "/back"
		}
		page.SetHeaders(w.Header(), v.Nonce, nil)
		if err := page.Render(w, v); err != nil {
			t.Error(err)
		}
	})
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func value(tab *browsertest.Tab, id string) string {
	return browsertest.Eval[string](tab, `document.getElementById("`+id+`").value`)
}

func text(tab *browsertest.Tab, id string) string {
	return browsertest.Eval[string](tab, `document.getElementById("`+id+`").textContent`)
}

// looks are what every page is seen through.
var looks = []browsertest.Look{
	{}, {Phone: true, Dark: true, French: true}, {Dark: true, Contrast: true}, {Phone: true, French: true},
	{NoScript: true, Phone: true}, {Narrow: true, French: true}, {Forced: true},
}

// TestEveryPageInABrowser opens each page in every look: nothing may be refused
// by the policy, nothing may overflow, nothing may leave the origin, nothing that can
// be pressed may be too small, and axe must find nothing.
func TestEveryPageInABrowser(t *testing.T) {
	t.Parallel()
	browser, server := browsertest.Start(t), newSite(t)
	for _, look := range looks {
		tab := browser.Open(t, look)
		for name := range everyPage() {
			if name == "redirecting" {
				continue // goes away at once; see TestThePageLeadsOn
			}
			tab.Go(server.URL + "/" + name + "?stay=1")
			tab.Wait(`document.querySelector("h1")`)
			if lang := browsertest.Eval[string](tab, "document.documentElement.lang"); (lang == "fr-FR") != look.French {
				t.Errorf("%s, %s: the page is in %s", name, look, lang)
			}
			if browsertest.Eval[bool](tab, "document.documentElement.scrollWidth > innerWidth") {
				t.Errorf("%s, %s: wider than the window", name, look)
			}
			if !browsertest.Eval[bool](tab, `[...document.images].every(i => i.complete && i.naturalWidth === 320)`) {
				t.Errorf("%s, %s: the logo is not shown", name, look)
			}
			if small := browsertest.Eval[string](tab, tooSmall); small != "" {
				t.Errorf("%s, %s: too small to be pressed: %s", name, look, small)
			}
			if !look.NoScript {
				for _, wrong := range tab.Inaccessible() {
					if look.Forced && strings.HasPrefix(wrong, "color-contrast") {
						continue // axe reckons with our colours, and what shows are the system's
					}
					t.Errorf("%s, %s: %s", name, look, wrong)
				}
			}
			tab.Shot("page-" + name)
		}
		for _, complaint := range tab.Complaints() {
			t.Errorf("%s: the browser complains: %s", look, complaint)
		}
		for _, url := range tab.Requests() {
			if !strings.HasPrefix(url, server.URL) && !strings.HasPrefix(url, "data:") {
				t.Errorf("%s: request to %s", look, url)
			}
		}
	}
}

// The checker sees what is wrong: a field without a name, and text that can't be read.
func TestAxeFindsFaults(t *testing.T) {
	t.Parallel()
	browser, server := browsertest.Start(t), newSite(t)
	tab := browser.Open(t, browsertest.Look{})
	tab.Go(server.URL + "/form")
	browsertest.Eval[any](tab, `document.querySelector("label[for=name]").remove(), void(document.querySelector(".private").style.color = "#ddd")`)
	found := strings.Join(tab.Inaccessible(), "\n")
	for _, rule := range []string{"label: ", "color-contrast: "} {
		if !strings.Contains(found, rule) {
			t.Errorf("%s is not found, but %s", rule, found)
		}
	}
}

// tooSmall names what can be pressed and is smaller than 24 by 24 pixels, links within
// sentences aside (WCAG 2.2, 2.5.8).
const tooSmall = `[...document.querySelectorAll("button, summary, .button, label:has(input), input, .notice a")]
	.filter(e => e.offsetParent && !(e.tagName === "INPUT" && e.closest("label, .check")) && !(e.tagName === "A" && getComputedStyle(e).display === "inline"))
	.filter(e => { const r = e.getBoundingClientRect(); return r.width < 24 || r.height < 24; })
	.map(e => e.outerHTML.slice(0, 80)).join("; ")`

// The last hour counts down, is said aloud at few moments, and its end is looked at.
func TestCountdown(t *testing.T) {
	t.Parallel()
	browser, server := browsertest.Start(t), newSite(t)
	tab := browser.Open(t, browsertest.Look{Phone: true})
	tab.Go(server.URL + "/form?left=306s")
	tab.Wait(`document.querySelector(".left").textContent.startsWith("(5:0")`)
	tab.Wait(`document.querySelector("time ~ [role=status]").textContent === "5 minutes left"`)
	tab.Shot("countdown")
	tab.Go(server.URL + "/form?left=2h")
	if left := browsertest.Eval[string](tab, `document.querySelector(".left").textContent`); left != "" {
		t.Errorf("two hours before the end it says %q", left)
	}
	tab.Go(server.URL + "/form?left=2s")
	browsertest.Eval[any](tab, `void(window.old = true)`)
	tab.Wait(`!window.old`)
}

func TestTwoClicksSendOneForm(t *testing.T) {
	t.Parallel()
	browser, server := browsertest.Start(t), newSite(t)
	tab := browser.Open(t, browsertest.Look{})
	tab.Go(server.URL + "/form")
	tab.Click(".test summary")
	tab.Click(`[data-fill="4242 4242 4242 4242"]`)
	browsertest.Eval[any](tab, `(() => { const b = document.getElementById("submit"); b.click(); b.click(); b.click(); })()`)
	tab.WaitState("succeeded")
	if n := server.forms.Load(); n != 1 {
		t.Errorf("%d forms arrived", n)
	}
}

func TestThePageLeadsOn(t *testing.T) {
	t.Parallel()
	browser, server := browsertest.Start(t), newSite(t)
	for _, look := range []browsertest.Look{{}, {NoScript: true}} {
		for _, name := range []string{"redirecting", "succeeded", "cancelled"} {
			t.Run(name+"/"+look.String(), func(t *testing.T) {
				tab := browser.Open(t, look)
				// Not Go: the page may be gone before it has loaded.
				tab.Go(server.URL + "/not_found")
				browsertest.Eval[any](tab, `void(location.href = "/`+name+`")`)
				tab.WaitState("elsewhere")
			})
		}
		t.Run("stay/"+look.String(), func(t *testing.T) {
			tab := browser.Open(t, look)
			tab.Go(server.URL + "/succeeded")
			tab.Click("#stay")
			tab.Wait(`!document.getElementById("soon") || document.getElementById("soon").hidden`)
			tab.Click("#back")
			tab.WaitState("elsewhere")
		})
	}
}

func TestThePageMovesWithTheState(t *testing.T) {
	t.Parallel()
	browser, server := browsertest.Start(t), newSite(t)
	tab := browser.Open(t, browsertest.Look{})
	changed := `{"status":"completed","payment_outcome":"paid"}`
	tab.Go(server.URL + "/processing")
	browsertest.Eval[any](tab, `void(window.old = true)`)
	server.state.Store(&changed)
	tab.Wait(`!window.old`)

	unchanged := `{"status":"active","payment_outcome":"not_started"}`
	server.state.Store(&unchanged)
	tab.Go(server.URL + "/form")
	tab.Type("#number", "4242")
	server.state.Store(&changed)
	tab.Wait(`!document.getElementById("moved").hidden`)
	if got := value(tab, "number"); got != "4242" {
		t.Errorf("what was typed is gone: %q", got)
	}
	tab.Shot("moved")
}

// Who has opened something is not interrupted: neither by the way back to the bank, which
// is nothing new, nor by what is. Once it is closed the page moves on.
func TestThePageWaitsForWhoReads(t *testing.T) {
	t.Parallel()
	browser, server := browsertest.Start(t), newSite(t)
	tab := browser.Open(t, browsertest.Look{Phone: true})
	stays := func() {
		t.Helper()
		if !browsertest.Eval[bool](tab, `window.old && document.querySelector(".cancel").open`) {
			t.Fatal("the page has gone from under its reader")
		}
	}
	waiting := `{"status":"active","payment_outcome":"pending","next_action":{"type":"redirect","url":"https://acs.bank.example/pay?id=1"}}`
	server.state.Store(&waiting)
	tab.Go(server.URL + "/processing_back")
	browsertest.Eval[any](tab, `void(window.old = true)`)
	tab.Click(".cancel summary")
	tab.Wait(`performance.now() > 8500`) // when it would have been the bank's turn again
	stays()
	if browsertest.Eval[bool](tab, `!document.getElementById("moved").hidden`) {
		t.Error("it tells of news, and there are none")
	}
	tab.Click(".cancel summary")
	tab.Wait(`!window.old`)

	for _, name := range []string{"processing_back", "approving", "redirecting_back", "form"} {
		tab.Go(server.URL + "/" + name + "?stay=1")
		browsertest.Eval[any](tab, `void(window.old = true)`)
		tab.Click(".cancel summary")
		changed := `{"status":"completed","payment_outcome":"paid"}`
		server.state.Store(&changed)
		tab.Wait(`!document.getElementById("moved").hidden`)
		stays()
		tab.Shot("moved-" + name)
		tab.Click(".cancel summary")
		tab.Wait(`!window.old`)
	}
}

// What one tab shows anew the others look for at once, also in the background, where
// they don't look by themselves.
func TestTabsTellEachOther(t *testing.T) {
	t.Parallel()
	browser, server := browsertest.Start(t), newSite(t)
	one := browser.Open(t, browsertest.Look{})
	two, stranger := one.Beside(), browser.Open(t, browsertest.Look{})
	for _, tab := range []*browsertest.Tab{two, stranger} {
		tab.Go(server.URL + "/form")
		browsertest.Eval[any](tab, `void(window.old = true, window.heard = [], new BroadcastChannel("checkout").addEventListener("message", e => heard.push(e.data)),
			Object.defineProperty(document, "hidden", { value: true }))`)
	}
	one.Go(server.URL + "/form")
	two.Wait(`window.heard.join() === "look"`) // and no more than that
	if !browsertest.Eval[bool](two, `window.old`) {
		t.Error("it moves although nothing has happened")
	}
	changed := `{"status":"completed","payment_outcome":"paid"}`
	server.state.Store(&changed)
	one.Go(server.URL + "/succeeded?stay=1")
	two.Wait(`!window.old`)
	if !browsertest.Eval[bool](stranger, `window.old && heard.length === 0`) {
		t.Error("another customer's tab hears of it")
	}
}

// TestByKeyboardAlone walks through the form with Tab and pays with Enter; what
// has the focus must show it.
func TestByKeyboardAlone(t *testing.T) {
	t.Parallel()
	browser, server := browsertest.Start(t), newSite(t)
	tab := browser.Open(t, browsertest.Look{})
	tab.Go(server.URL + "/form_live")
	for _, step := range []struct{ id, keys string }{
		{"number", "5555555555554444"}, {"exp", "1230"}, {"cvc", "123"}, {"name", "Ama Mensah"}, {"submit", ""},
	} {
		tab.Keys("\t" + step.keys)
		if got := browsertest.Eval[string](tab, `document.activeElement.id`); got != step.id {
			t.Fatalf("the focus is on %q, want %q", got, step.id)
		}
		if got := browsertest.Eval[string](tab, `getComputedStyle(document.activeElement).outlineStyle`); got != "solid" {
			t.Errorf("the focus on %q does not show", step.id)
		}
	}
	tab.Shot("focus")
	tab.Keys("\r")
	tab.WaitState("succeeded")
}

func TestPayingWithoutScript(t *testing.T) {
	t.Parallel()
	browser, server := browsertest.Start(t), newSite(t)
	tab := browser.Open(t, browsertest.Look{Phone: true, NoScript: true})
	tab.Go(server.URL + "/form")
	tab.Type("#number", "4242424242424242")
	tab.Type("#exp", "1230")
	tab.Type("#cvc", "123")
	if browsertest.Eval[bool](tab, `document.body.classList.contains("js")`) {
		t.Fatal("the script ran")
	}
	tab.Click("#submit")
	tab.WaitState("succeeded")
	tab.Go(server.URL + "/form")
	tab.Click(".cancel summary")
	tab.Click("#cancel button")
	tab.WaitState("succeeded")
	if n := server.forms.Load(); n != 2 {
		t.Errorf("%d forms arrived", n)
	}
}
