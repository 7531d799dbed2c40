//go:build browser

package checkout_test

import (
	"testing"

	"tender/domain/session"
	"tender/handlers/checkout/browsertest"
)

// TestInFrench pays in French from the form to the receipt: because the browser asks
// for it, or because the merchant does of a browser that speaks English.
func TestInFrench(t *testing.T) {
	t.Parallel()
	b, browser := setup(t), browsertest.Start(t)
	for name, c := range map[string]struct {
		look   browsertest.Look
		locale string // the merchant's
		lang   string // the page's
		amount string // as CLDR writes it there
	}{
		"the browser's":                 {browsertest.Look{Phone: true, French: true}, "", "fr-FR", "1\u202f249,00 "},
		"the browser's, without script": {browsertest.Look{NoScript: true, French: true}, "", "fr-FR", "1\u202f249,00 "},
		"the merchant's":                {browsertest.Look{Dark: true}, "fr-CA", "fr-CA", "1 249,00 "},
	} {
		t.Run(name, func(t *testing.T) {
			s := b.sell(t, func(c2 *session.Create) { c2.Options.CheckoutOptions.Locale = c.locale })
			tab := browser.Open(t, c.look)
			is := func(state string, texts ...string) {
				t.Helper()
				tab.WaitState(state)
				if lang := browsertest.Eval[string](tab, "document.documentElement.lang"); lang != c.lang {
					t.Errorf("%s is in %s", state, lang)
				}
				wantText(t, tab, texts...)
				accessible(t, tab, !c.look.NoScript)
				tab.Shot("french-" + state)
			}
			tab.Go(s.url)
			is("form", "Choisissez comment payer", c.amount, "Numéro de carte", "Payer 1")
			fill(tab, declinedCard)
			is("declined", "Le paiement n’a pas abouti", "Votre banque a refusé la carte. Rien n’a été débité.")
			fill(tab, lostCard)
			is("processing", "En attente de votre banque", "Ne payez pas une seconde fois", "Vérifier maintenant")
			s.settle(t)
			tab.WaitState("succeeded") // by itself
			tab.Go(s.url + "?stay=1")
			is("succeeded", "Paiement effectué", "Karoo Coffee Roasters a reçu votre paiement", "Reçu")
			wantSession(t, s, session.StatusCompleted, 2)
			b.quiet(t, tab)
		})
	}
}
