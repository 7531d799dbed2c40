package checkout_test

import (
	"net/http"
	"strings"
	"testing"

	"tender/handlers/handlerstest"
)

func accepts(languages string) handlerstest.Header {
	return handlerstest.Header{Name: "Accept-Language", Value: languages}
}

// reads opens a page with a browser that speaks languages.
func (h *house) reads(t *testing.T, path, languages string) *handlerstest.Answer {
	t.Helper()
	a, err := h.customer.Send("GET", path, nil, accepts(languages))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// The page is in the merchant's language, else in the browser's; the JSON, which is
// read by programs, in the merchant's alone.
func TestLanguageOfThePage(t *testing.T) {
	t.Parallel()
	h := open(t)
	for _, tt := range []struct{ merchants, browsers, lang, heading, amount string }{
		{"", "", "en", "Choose how to pay", "ZAR\u00a0100.00"},
		{"", "de,fr-FR;q=0.8,en;q=0.5", "fr-FR", "Choisissez comment payer", "100,00\u00a0ZAR"},
		{"en-ZA", "fr", "en-ZA", "Choose how to pay", "R\u00a0100.00"},
		{"xh", "fr", "fr", "Choisissez comment payer", "100,00\u00a0ZAR"},
	} {
		options := object{}
		if tt.merchants != "" {
			options["locale"] = tt.merchants
		}
		k := h.sells(t, object{"options": object{"checkout_options": options}})
		page := string(h.reads(t, "/checkout/"+k.id, tt.browsers).Is(200).Body)
		for _, want := range []string{`<html lang="` + tt.lang + `"`, "<h1>" + tt.heading + "</h1>", `<p class="amount">` + tt.amount + "</p>"} {
			if !strings.Contains(page, want) {
				t.Errorf("%q, %q: %s is not on the page", tt.merchants, tt.browsers, want)
			}
		}
	}
	if page := string(h.reads(t, "/checkout/ckt_nothing", "fr").Is(404).Body); !strings.Contains(page, "Il n’y a pas de paiement ici") {
		t.Error("nobody's page is not in the browser's language")
	}
}

// Who agrees in French has agreed to French words, and these are kept.
func TestFirstInSeriesInFrench(t *testing.T) {
	t.Parallel()
	h := open(t)
	k := h.asks(t, 5000, monthly("xh"))
	if terms := k.state().Text("mandate_terms"); !strings.HasPrefix(terms, "You allow Corner Shop to charge") {
		t.Errorf("a program is shown %q", terms)
	}
	form := k.form(visa) // in English
	page := string(h.reads(t, "/checkout/"+k.id, "fr-CI").Is(200).Body)
	_, token, _ := strings.Cut(page, `name="terms" value="`)
	token, _, _ = strings.Cut(token, `"`)
	if form.Get("terms") == token || token == "" {
		t.Errorf("the terms in two languages have one name, %q", token)
	}
	form.Set("accept_mandate", "yes")
	again := k.posts("attempts", form, accepts("fr-CI")).Is(http.StatusBadRequest)
	if !strings.Contains(string(again.Body), "Les conditions des paiements ultérieurs ont changé") {
		t.Error("terms in another language than that of the page are agreed to")
	}
	form.Set("terms", token)
	k.leadsBack(k.posts("attempts", form, accepts("fr-CI")))
	got := h.consent(t, k.session().Shows(object{"status": "completed"}).Text("mandate_id"))
	if got.Locale != "fr-CI" || got.TextVersion != "fr-1" || !strings.HasPrefix(got.Text, "Vous autorisez Corner Shop à débiter jusqu’à 50,00\u00a0ZAR à chaque fois") {
		t.Errorf("the evidence is %+v", got)
	}
}
