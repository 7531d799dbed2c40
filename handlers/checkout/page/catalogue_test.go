package page

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"tender/domain/method"
)

// TestEveryTextIsUsed and its counterpart, the golden pages, hold catalogue and
// pages together: a page that asks for a missing text can't be rendered at all.
func TestEveryTextIsUsed(t *testing.T) {
	t.Parallel()
	var source strings.Builder
	for _, pattern := range []string{"templates/*.html", "*.go"} {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			t.Fatalf("no %s: %v", pattern, err)
		}
		for _, name := range names {
			raw, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			source.Write(raw)
		}
	}
	// Families of keys that are put together where the page is made.
	families := regexp.MustCompile(`^(field|declined|method|test\.does|problem|succeeded|redirecting|approving|processing|expired|cancelled|failed|not_found|saved)\.`)
	for key := range catalogues[defaultLanguage].texts {
		if first, plain, _ := strings.Cut(key, "."); (first == "verify" || first == "account") && catalogues[defaultLanguage].has(plain) {
			continue // that one's other form
		}
		if !families.MatchString(key) && !strings.Contains(source.String(), `"`+key+`"`) {
			t.Errorf("no page shows %q", key)
		}
	}
}

func TestEveryProblemHasAText(t *testing.T) {
	t.Parallel()
	wanted := map[string][]string{
		"number": {method.CodeRequired, method.CodeInvalid, method.CodeInvalidLength, method.CodeInvalidNumber, method.CodeUnknownScheme},
		"exp":    {method.CodeRequired, method.CodeInvalid, method.CodeExpired, method.CodeTooFarAhead},
		"cvc":    {method.CodeRequired, method.CodeInvalid, method.CodeInvalidLength},
		"name":   {method.CodeInvalid, method.CodeTooLong, method.CodeCardNumber},

		"bank": {method.CodeRequired, CodeUnknown}, "phone": {method.CodeRequired, CodeInvalid},
		"payment_method": {CodeGone}, "accept_mandate": {method.CodeRequired, CodeChanged},
	}
	for field, codes := range wanted {
		for _, code := range codes {
			if !catalogues[defaultLanguage].has("field." + field + "." + code) {
				t.Errorf("no text for %s of %s", code, field)
			}
		}
	}
	for _, code := range []string{
		"card_declined", "authentication_failed", "processing_error", "expired_card", "incorrect_cvc",
		"payment_method_unavailable", "customer_cancelled", "timed_out",
	} {
		for _, key := range []string{"declined." + code, "account.declined." + code} {
			cards := code == "expired_card" || code == "incorrect_cvc"
			if !catalogues[defaultLanguage].has(key) && !(cards && strings.HasPrefix(key, "account")) {
				t.Errorf("no text for error_code %s: %s", code, key)
			}
		}
	}
}

// TestALanguageIsAFile shows a second language that lacks a text.
func TestALanguageIsAFile(t *testing.T) {
	t.Parallel()
	all, err := readCatalogues(fstest.MapFS{
		"locales/en.json":    {Data: []byte(`{"pay":"Pay {amount}","only":"Only here"}`)},
		"locales/fr.json":    {Data: []byte(`{"pay":"Payer {amount}"}`)},
		"locales/fr-CA.json": {Data: []byte(`{"pay":"Régler {amount}"}`)},
	}, "locales")
	if err != nil {
		t.Fatal(err)
	}
	for tag, want := range map[string]string{
		"": "Pay 5", "en": "Pay 5", "de": "Pay 5", "fr": "Payer 5", "FR": "Payer 5", "fr-BE": "Payer 5", "fr_FR": "Payer 5",
		"fr-ca": "Régler 5", "fr-CA-x-private": "Régler 5", "-": "Pay 5", "fra": "Pay 5",
	} {
		if got, err := pick(all, tag).text("pay", "amount", "5"); got != want || err != nil {
			t.Errorf("%q: %q, %v; want %q", tag, got, err, want)
		}
	}
	if got, err := pick(all, "fr").text("only"); got != "Only here" || err != nil {
		t.Errorf("a missing text = %q, %v", got, err)
	}
	if _, err := pick(all, "fr").text("neither"); err == nil {
		t.Error("a text that nobody has is no error")
	}
}

// TestTextsNameTheSameParameters holds every language to the parameters of the
// English text.
func TestTextsNameTheSameParameters(t *testing.T) {
	t.Parallel()
	parameter := regexp.MustCompile(`\{[a-z0-9_]+\}`)
	base := catalogues[defaultLanguage].texts
	for lang, c := range catalogues {
		for key, text := range c.texts {
			english, ok := base[key]
			if !ok {
				t.Errorf("%s has %q, which English lacks", lang, key)
			}
			for _, name := range parameter.FindAllString(text, -1) {
				if !strings.Contains(english, name) {
					t.Errorf("%s: %q names %s", lang, key, name)
				}
			}
		}
	}
}
