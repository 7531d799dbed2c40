package page

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"

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
		if got, err := nearest(all, tag, defaultLanguage).text("pay", "amount", "5"); got != want || err != nil {
			t.Errorf("%q: %q, %v; want %q", tag, got, err, want)
		}
	}
	if got, err := nearest(all, "fr", defaultLanguage).text("only"); got != "Only here" || err != nil {
		t.Errorf("a missing text = %q, %v", got, err)
	}
	if _, err := nearest(all, "fr", defaultLanguage).text("neither"); err == nil {
		t.Error("a text that nobody has is no error")
	}
}

// Every language has the same texts with the same parameters. Where a text goes with
// a number, each has the forms that it needs.
func TestEveryLanguageIsWhole(t *testing.T) {
	t.Parallel()
	if len(catalogues) < 2 {
		t.Fatal("there is one language only")
	}
	base := catalogues[defaultLanguage].texts
	for lang := range catalogues {
		raw, err := fs.ReadFile(localeFiles, "locales/"+lang+".json")
		if err != nil {
			t.Fatal(err)
		}
		var texts map[string]string // as the file has them, nothing filled in
		if err := json.Unmarshal(raw, &texts); err != nil {
			t.Fatal(err)
		}
		for key := range base {
			if _, ok := texts[key]; !ok && !numbered(key) {
				t.Errorf("%s lacks %q", lang, key)
			}
		}
		for key, text := range texts {
			english, ok := base[key]
			if numbered(key) {
				english, ok = base[key[:strings.LastIndexByte(key, '.')]+".other"]
			}
			if !ok {
				t.Errorf("%s has %q, which English lacks", lang, key)
			}
			if got, want := parameters(text), parameters(english); !slices.Equal(got, want) && !strings.HasSuffix(key, ".one") {
				t.Errorf("%s: %q names %v, not %v", lang, key, got, want)
			}
			if strings.TrimSpace(text) != text || text == "" {
				t.Errorf("%s: %q is %q", lang, key, text)
			}
		}
		for n := range 200 {
			form := pluralForms[plural.Cardinal.MatchPlural(language.Make(lang), n, 0, 0, 0, 0)]
			if _, ok := texts["declined.left."+form]; !ok {
				t.Fatalf("%s lacks the form %s, for %d", lang, form, n)
			}
		}
		if n := len(strings.Split(texts["time.months"], "|")); n != 12 {
			t.Errorf("%s names %d months", lang, n)
		}
	}
}

// numbered reports whether the text is one form of several that go with a number.
func numbered(key string) bool { return strings.HasPrefix(key, "declined.left.") }

func parameters(text string) []string {
	names := regexp.MustCompile(`\{[a-z0-9_]+\}`).FindAllString(text, -1)
	slices.Sort(names)
	return slices.Compact(names)
}
