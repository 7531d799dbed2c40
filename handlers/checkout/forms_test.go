package checkout_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"tender/handlers/handlerstest"
)

// Without JavaScript: the form pays, and its answer leads on to our own page.
func TestFormPays(t *testing.T) {
	t.Parallel()
	h := open(t)
	k := h.sells(t, object{"options": object{"checkout_options": object{"return_url": "https://shop.example/thanks?basket=7#top"}}})
	k.leadsBack(k.posts("attempts", k.form(declines)))
	k.state().Shows(refusedWith("card_declined"))
	discreet(t, k.page().Is(200))
	k.leadsBack(k.posts("attempts", k.form(visa)))
	k.session().Shows(object{"status": "completed", "payment_outcome": "paid"})

	// The completed session's page shows the outcome and the way back.
	page := k.page().Is(200)
	discreet(t, page)
	want := "https://shop.example/thanks?basket=7&amp;session_id=" + k.sessionID + "#top"
	if !strings.Contains(string(page.Body), want) {
		t.Errorf("the way back, %s, is not on the page:\n%s", want, page.Body)
	}
}

// The form's fields that were mistyped are shown again, without card or CVC.
func TestFormIsMistyped(t *testing.T) {
	t.Parallel()
	h := open(t)
	k := h.sells(t)
	form := k.form("4242424242424241")
	form.Set("exp", "13/31")
	page := k.posts("attempts", form).Is(400)
	discreet(t, page)
	if s := string(page.Body); strings.Contains(s, "4242424242424241") || !strings.Contains(s, "13/31") || !strings.Contains(s, `aria-invalid="true"`) {
		t.Errorf("it shows\n%s", s)
	}
	k.session().Shows(object{"version": 1})
}

// Two tabs hold the same attempt: both are led on, and one payment is made.
func TestTwoFormsPayOnce(t *testing.T) {
	t.Parallel()
	h := open(t)
	k := h.sells(t)
	forms := []url.Values{k.form(visa), k.form("5555555555554444")}
	answers := make(chan *handlerstest.Answer, len(forms))
	for _, form := range forms {
		go func() {
			a, err := k.customer.Send("POST", "/checkout/"+k.id+"/attempts", form.Encode(),
				handlerstest.Header{Name: "Content-Type", Value: "application/x-www-form-urlencoded"})
			if err != nil {
				t.Error(err)
			}
			answers <- a
		}()
	}
	for range forms {
		k.leadsBack(<-answers)
	}
	eventually(t, "it is paid", func() bool { return k.session().Text("payment_outcome") == "paid" })
	if n := h.authorisations(); n != 1 {
		t.Errorf("the acquirer was asked %d times", n)
	}
	// A third tab that was left open is led to the receipt.
	k.leadsBack(k.posts("attempts", forms[0]))
}

// A form that our page did not make is not taken.
func TestForeignForms(t *testing.T) {
	t.Parallel()
	h := open(t)
	k, other := h.sells(t), h.sells(t)
	good := k.form(visa)
	change := func(name, value string) url.Values {
		v := url.Values{}
		for n, values := range good {
			v[n] = values
		}
		if v.Set(name, value); value == "" {
			v.Del(name)
		}
		return v
	}
	crossSite := handlerstest.Header{Name: "Sec-Fetch-Site", Value: "cross-site"}
	for _, what := range []string{"attempts", "cancel"} {
		for name, a := range map[string]*handlerstest.Answer{
			"no token":                 k.posts(what, change("csrf_token", "")),
			"another token":            k.posts(what, change("csrf_token", "x")),
			"another checkout's token": k.posts(what, change("csrf_token", other.form(visa).Get("csrf_token"))),
			"another site":             k.posts(what, good, crossSite),
		} {
			if a.Is(403); !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
				t.Errorf("%s, %s: a person is shown %s", what, name, a.Body)
			}
			discreet(t, a)
		}
	}
	k.posts("attempts", url.Values{"number": {strings.Repeat("4", 70<<10)}}).Is(400)
	k.session().Shows(object{"version": 1})
	k.leadsBack(k.posts("attempts", good))
	k.session().Shows(object{"payment_outcome": "paid"})
}

func TestFormCancels(t *testing.T) {
	t.Parallel()
	h := open(t)
	k := h.sells(t)
	form := k.form(visa)
	k.leadsBack(k.posts("cancel", url.Values{"csrf_token": form["csrf_token"]}))
	k.session().Shows(object{"status": "cancelled"})
	discreet(t, k.page().Is(200))
	k.leadsBack(k.posts("cancel", url.Values{"csrf_token": form["csrf_token"]})) // the page says what is
	k.leadsBack(k.posts("attempts", form))
	if n := h.authorisations(); n != 0 {
		t.Errorf("the acquirer was asked %d times", n)
	}
}

// Each state has its page, with 200, and none of them shows what is not the
// customer's to know.
func TestPages(t *testing.T) {
	t.Parallel()
	h := open(t, handlerstest.At(-25*time.Hour))
	for name, k := range map[string]*purchase{
		"new":       h.sells(t),
		"declined":  h.after(t, "4000000000009987"),
		"challenge": h.after(t, asks),
		"unknown":   h.after(t, "4000000000000408"),
		"paid":      h.after(t, visa),
	} {
		a := k.page().Is(200)
		discreet(t, a)
		if !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") || a.Header.Get("Content-Security-Policy") == "" {
			t.Errorf("%s: the headers are %v", name, a.Header)
		}
	}
	k := h.sells(t)
	h.Clock.Advance(24 * time.Hour)
	if page := string(k.page().Is(200).Body); strings.Contains(page, `name="number"`) {
		t.Error("past its time the page still asks for a card")
	}
}

// after makes a session with one attempt.
func (h *house) after(t *testing.T, number string) *purchase {
	t.Helper()
	k := h.sells(t)
	k.pays(card(number)).Is(200)
	return k
}
