//go:build browser

package page_test

import (
	"testing"

	"tender/handlers/checkout/browsertest"
)

// Numbers are pasted as people keep them, and the keypads are numeric.
func TestPasting(t *testing.T) {
	t.Parallel()
	browser, server := browsertest.Start(t), newSite(t)
	tab := browser.Open(t, browsertest.Look{Phone: true})
	tab.Go(server.URL + "/form")
	for _, paste := range []struct{ id, text, want string }{
		{"number", " 4242-4242-4242-4242 ", "4242 4242 4242 4242"},
		{"number", "4242\u00a04242\u00a04242\u00a04242", "4242 4242 4242 4242"},
		{"number", "3782.822463.10005", "3782 822463 10005"},
		{"exp", "2031-04", "04 / 31"}, {"exp", "4/2031", "04 / 31"},
		{"cvc", " 123 ", "123"},
	} {
		browsertest.Eval[any](tab, `void document.getElementById("`+paste.id+`").focus()`)
		browsertest.Eval[any](tab, `document.activeElement.select()`)
		tab.Paste(paste.text)
		if got := value(tab, paste.id); got != paste.want {
			t.Errorf("%q becomes %q", paste.text, got)
		}
	}
	for id, want := range map[string]string{
		"number": "numeric cc-number", "exp": "numeric cc-exp", "cvc": "numeric cc-csc", "name": " cc-name",
	} {
		if got := browsertest.Eval[string](tab, `(e => e.inputMode + " " + e.autocomplete)(document.getElementById("`+id+`"))`); got != want {
			t.Errorf("%s: %q", id, got)
		}
	}
}

func TestTypingACard(t *testing.T) {
	t.Parallel()
	browser, server := browsertest.Start(t), newSite(t)
	tests := []struct{ typed, shown, scheme, hint string }{
		{"4242424242424242", "4242 4242 4242 4242", "Visa", "3 digits, on the back"},
		{"4242 4242 4242 4242", "4242 4242 4242 4242", "Visa", "3 digits, on the back"},
		{"378282246310005", "3782 822463 10005", "Amex", "4 digits, on the front"},
		{"2221", "2221", "Mastercard", "3 digits, on the back"},
		{"1", "1", "", "3 or 4 digits"},
		{"555555555555444499", "5555 5555 5555 4444", "Mastercard", "3 digits, on the back"},
	}
	tab := browser.Open(t, browsertest.Look{Phone: true})
	for _, tt := range tests {
		tab.Go(server.URL + "/form")
		tab.Type("#number", tt.typed)
		if got := value(tab, "number"); got != tt.shown {
			t.Errorf("%s: number = %q, want %q", tt.typed, got, tt.shown)
		}
		if got := text(tab, "scheme"); got != tt.scheme {
			t.Errorf("%s: scheme = %q, want %q", tt.typed, got, tt.scheme)
		}
		if got := text(tab, "cvc-hint"); got != tt.hint {
			t.Errorf("%s: hint = %q, want %q", tt.typed, got, tt.hint)
		}
	}
	for typed, shown := range map[string]string{
		"1230": "12 / 30", "12/30": "12 / 30", "12/2030": "12 / 30", "122030": "12 / 30", "430": "04 / 30", "4/30": "04 / 30",
		"1/30": "01 / 30", "12 / 30": "12 / 30",
	} {
		tab.Go(server.URL + "/form")
		tab.Type("#exp", typed)
		if got := value(tab, "exp"); got != shown {
			t.Errorf("%s: exp = %q, want %q", typed, got, shown)
		}
	}
}

func TestCorrectingACard(t *testing.T) {
	t.Parallel()
	browser, server := browsertest.Start(t), newSite(t)
	tab := browser.Open(t, browsertest.Look{})
	tab.Go(server.URL + "/form")
	tab.Type("#number", "4242424242424")
	browsertest.Eval[any](tab, `document.getElementById("number").setSelectionRange(5, 5)`)
	tab.Keys("9") // in the middle: 4242 9424 2424 24
	if got := value(tab, "number"); got != "4242 9424 2424 24" {
		t.Errorf("number = %q", got)
	}
	if at := browsertest.Eval[int](tab, `document.getElementById("number").selectionStart`); at != 6 {
		t.Errorf("the caret jumped to %d", at)
	}
	tab.Keys("\b")
	if got := value(tab, "number"); got != "4242 4242 4242 4" {
		t.Errorf("number = %q", got)
	}
	tab.Type("#exp", "12/3")
	tab.Keys("\b\b\b\b\b\b\b")
	if got := value(tab, "exp"); got != "" {
		t.Errorf("the expiry date can't be cleared: %q", got)
	}
}

func TestMistakesAreNamedBeforeTheFormLeaves(t *testing.T) {
	t.Parallel()
	browser, server := browsertest.Start(t), newSite(t)
	tab := browser.Open(t, browsertest.Look{Phone: true})
	tab.Go(server.URL + "/form")
	tab.Type("#number", "4242424242424241")
	tab.Type("#exp", "0120")
	tab.Click("#submit")
	tab.Wait(`!document.getElementById("problems").hidden`)
	if got := browsertest.Eval[int](tab, `document.querySelectorAll("#problems li a").length`); got != 3 {
		t.Errorf("%d problems, want 3", got)
	}
	if got := browsertest.Eval[string](tab, `document.activeElement.id`); got != "problems" {
		t.Errorf("the focus is on %q", got)
	}
	tab.Shot("mistakes")
	tab.Click(`#problems a[href="#cvc"]`)
	if got := browsertest.Eval[string](tab, `document.activeElement.id`); got != "cvc" {
		t.Errorf("the link leads to %q", got)
	}
	if got := value(tab, "number"); got != "4242 4242 4242 4241" {
		t.Errorf("what was typed is gone: %q", got)
	}
	if server.forms.Load() != 0 {
		t.Error("the form left with mistakes")
	}
	tab.Type("#cvc", "123")
	tab.Type("#number", "\b2")
	browsertest.Eval[any](tab, `document.getElementById("exp").value = ""`)
	tab.Type("#exp", "1230")
	if browsertest.Eval[bool](tab, `document.querySelector("[aria-invalid]") !== null`) {
		t.Error("a mended field is still marked")
	}
	tab.Click("#submit")
	tab.WaitState("succeeded")
	if n := server.forms.Load(); n != 1 {
		t.Errorf("%d forms arrived", n)
	}
}

func TestATestCardFillsTheForm(t *testing.T) {
	t.Parallel()
	browser, server := browsertest.Start(t), newSite(t)
	tab := browser.Open(t, browsertest.Look{Phone: true})
	tab.Go(server.URL + "/form")
	tab.Click(".test summary")
	tab.Shot("test-cards")
	tab.Click(`[data-fill="4000 0000 0000 3220"]`)
	if got := value(tab, "number"); got != "4000 0000 0000 3220" {
		t.Errorf("number = %q", got)
	}
	tab.Click("#submit")
	tab.WaitState("succeeded")
}
