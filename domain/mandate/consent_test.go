package mandate_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tender/domain/mandate"
)

// texts are the terms whose words are kept in testdata/consent, a folder for each
// version of the words. Another version adds a folder and changes none.
var texts = map[string]string{
	"unconstrained":   ``,
	"ceiling":         `{}`,
	"exact":           `{"amount":5000}`,
	"range":           `{"amount":{"min":1000,"max":5000}}`,
	"least":           `{"amount":{"min":1000},"max_occurrences":1}`,
	"daily":           `{"type":"scheduled","amount":500,"recurrence":{"type":"daily","interval_count":1},"validity_period":{"start_date":"2026-01-01","end_date":"2026-12-31"}}`,
	"monthly":         `{"type":"scheduled","amount":2000,"max_occurrences":12,"time_zone":"Africa/Johannesburg","recurrence":{"type":"monthly","interval_count":1,"on":{"type":"day_of_month","days":[1],"adjustment":"nearest_weekday"}},"validity_period":{"start_date":"2026-01-01"}}`,
	"yearly":          `{"type":"scheduled","amount":24000,"recurrence":{"type":"yearly","interval_count":1},"validity_period":{"start_date":"2026-01-01","end_date":"2028-12-31"}}`,
	"open-cadence":    `{"recurrence":{"type":"weekly","interval_count":2},"validity_period":{"end_date":"2026-12-31"}}`,
	"limited-count":   `{"period_limits":{"period":"day","max_count":1}}`,
	"limited-sum":     `{"period_limits":{"period":"week","max_amount":50000,"window":{"mode":"cycle","anchor":{"type":"day_of_week","day":"fri"}}}}`,
	"limited":         `{"amount":{"max":50000},"max_occurrences":100,"time_zone":"Asia/Tokyo","period_limits":{"period":"month","max_count":2,"max_amount":50000,"window":{"mode":"cycle","anchor":{"type":"day_of_month","day":15}}}}`,
	"periodic":        `{"type":"installment","total_amount":120000,"terms":{"type":"periodic","amount":10000,"max_occurrences":12,"recurrence":{"type":"monthly","interval_count":1,"on":{"type":"day_of_month","days":[31]}}}}`,
	"fixed":           `{"type":"installment","total_amount":60000,"terms":{"type":"fixed","items":[{"amount":10000,"date":"2026-01-10"},{"amount":20000,"date":"2026-02-10"},{"amount":30000,"date":"2026-03-10"}]}}`,
	"fixed-within":    `{"type":"installment","total_amount":10000,"validity_period":{"start_date":"2026-01-01","end_date":"2026-12-31"},"terms":{"type":"fixed","items":[{"amount":10000,"date":"2026-01-10"}]}}`,
	"merchant-hungry": `{"amount":{"max":999999999999}}`,
}

func TestTermsText(t *testing.T) {
	t.Parallel()
	for locale, words := range map[string]string{"en": "en-1", "fr": "fr-1"} {
		seen := map[string]string{}
		for name, options := range texts {
			got, version := mandate.TermsText(terms(t, options), "Acme", locale)
			if version != words {
				t.Errorf("%s in %s is of version %s", name, locale, version)
			}
			want := string(golden(t, filepath.Join("consent", words, name+".txt")))
			if got != want {
				t.Errorf("%s is worded\n%s\nnot\n%s", name, got, want)
			}
			if other, twice := seen[got]; twice {
				t.Errorf("%s and %s have the same words in %s", name, other, locale)
			}
			seen[got] = name
			if english, _ := mandate.TermsText(terms(t, options), "Acme", "en"); strings.Count(got, "\n") != strings.Count(english, "\n") {
				t.Errorf("%s has another number of sentences in %s", name, locale)
			}
		}
		files, err := os.ReadDir(filepath.Join("testdata/consent", words))
		if err != nil || len(files) != len(texts) {
			t.Errorf("there are %d files for %d terms, %v", len(files), len(texts), err)
		}
	}
}

func TestTermsTextNames(t *testing.T) {
	t.Parallel()
	for merchant, want := range map[string]string{
		"Acme":              "You allow Acme to charge ",
		" Müller &\n Söhne": "You allow Müller & Söhne to charge ",
		" ":                 "You allow the merchant to charge ",
	} {
		for _, locale := range []string{"en", "en-ZA", "xh", ""} {
			text, version := mandate.TermsText(terms(t, ``), merchant, locale)
			if !strings.HasPrefix(text, want) || version != "en-1" {
				t.Errorf("%q in %q is worded %q, %s", merchant, locale, text, version)
			}
		}
	}
}

func TestTermsTextLanguage(t *testing.T) {
	t.Parallel()
	for _, locale := range []string{"fr", "fr-CA", "FR_ci"} {
		text, version := mandate.TermsText(terms(t, ``), " ", locale)
		if !strings.HasPrefix(text, "Vous autorisez le marchand à débiter ") || version != "fr-1" {
			t.Errorf("in %q it is worded %q, %s", locale, text, version)
		}
	}
	for _, locale := range []string{"frr", "x-fr", "de"} {
		if _, version := mandate.TermsText(terms(t, ``), "Acme", locale); version != "en-1" {
			t.Errorf("in %q it is worded in %s", locale, version)
		}
	}
	for currency, want := range map[string]string{"JPY": "5\u202f000\u00a0JPY", "BHD": "5,000\u00a0BHD", "ZAR": "50,00\u00a0ZAR"} {
		s := mandate.Terms{Kind: mandate.KindOnDemand, Currency: currency, TimeZone: "UTC", Amount: &mandate.Amount{Max: 5000}}
		if text, _ := mandate.TermsText(s, "Acme", "fr"); !strings.Contains(text, "jusqu’à "+want+" à chaque fois") {
			t.Errorf("%s is worded %q", currency, text)
		}
	}
}

// Amounts are written with their own currency's decimals.
func TestTermsTextCurrency(t *testing.T) {
	t.Parallel()
	for currency, want := range map[string]string{"JPY": "JPY 5,000 at a time", "BHD": "BHD 5.000 at a time", "ZAR": "ZAR 50.00 at a time"} {
		s := mandate.Terms{Kind: mandate.KindOnDemand, Currency: currency, TimeZone: "UTC", Amount: &mandate.Amount{Max: 5000}}
		if text, _ := mandate.TermsText(s, "Acme", "en"); !strings.Contains(text, "up to "+want) {
			t.Errorf("%s is worded %q", currency, text)
		}
	}
}
