package page

import (
	"strings"
	"testing"
	"time"
)

func TestLanguage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ merchants, accepted, want string }{
		{"", "", "en"},
		{"fr", "en-GB", "fr"},
		{"fr-CA", "", "fr-CA"},
		{"FR_ci", "", "fr-CI"},
		{"en-ZA", "fr", "en-ZA"},
		{"fr-Latn-CH-x-private", "", "fr-Latn-CH"},
		{"xh", "", "en"},
		{"xh", "fr-BE,en;q=0.5", "fr-BE"}, // the next best thing
		{"", "de,en-ZA;q=0.8,fr;q=0.9", "fr"},
		{"", "fr;q=0.1, en-GB;q=0.7", "en-GB"},
		{"", "de-AT, zu", "en"},
		{"", "*", "en"},
		{"", "fr;q=0", "en"},
		{"", "not a header ;;;", "en"},
		{"", strings.Repeat("fr,", 1000), "en"},
		{`"><script>`, `"><script>`, "en"},
	} {
		if got := Language(tt.merchants, tt.accepted); got != tt.want {
			t.Errorf("%q, %q: %q, want %q", tt.merchants, tt.accepted, got, tt.want)
		}
	}
}

// Amounts are the locale's, with the decimals of their currency; ~ stands for a
// no-break space and _ for a narrow one.
func TestFormatAmount(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		amount                 int64
		currency, locale, want string
	}{
		{123450, "ZAR", "en-ZA", "R~1~234.50"},
		{123450, "ZAR", "en", "ZAR~1,234.50"},
		{123450, "ZAR", "en-GB", "ZAR~1,234.50"},
		{123450, "ZAR", "fr", "1_234,50~ZAR"},
		{123450, "EUR", "fr", "1_234,50~€"},
		{123450, "EUR", "fr-BE", "1_234,50~€"},
		{123450, "EUR", "fr-CH", "1_234.50~€"},
		{123450, "CAD", "fr-CA", "1~234,50~$"},
		{123450, "USD", "fr-CA", "1~234,50~$~US"},
		{123450, "EUR", "en", "€1,234.50"},
		{123450, "USD", "en-US", "$1,234.50"},
		{123450, "USD", "en-ZA", "US$1~234.50"},
		{1250, "JPY", "en", "JPY~1,250"},
		{1250, "JPY", "en-US", "¥1,250"},
		{1250, "JPY", "en-ZA", "JPY~1~250"},
		{1250, "JPY", "fr", "1_250~JPY"},
		{1234567, "BHD", "en", "BHD~1,234.567"},
		{1234567, "BHD", "en-ZA", "BHD~1~234.567"},
		{1234567, "BHD", "fr", "1_234,567~BHD"},
		{5, "BHD", "fr", "0,005~BHD"},
		{0, "ZAR", "en-ZA", "R~0.00"},
		{99, "ZAR", "en-ZA", "R~0.99"},
		{100000, "ZAR", "en-ZA", "R~1~000.00"},
		{999999999999, "JPY", "fr", "999_999_999_999~JPY"},
		{9007199254740993, "ZAR", "en", "ZAR~90,071,992,547,409.93"}, // more than a float holds
		{-150, "EUR", "fr", "-1,50~€"},
		{150, "QQQ", "fr", "QQQ 150 minor units"},
		{123450, "EUR", "xx", "€1,234.50"},
	} {
		got := strings.NewReplacer(noBreak, "~", noBreakNarrow, "_").Replace(formatAmount(tt.amount, tt.currency, tt.locale))
		if got != tt.want {
			t.Errorf("%d %s in %s: %q, want %q", tt.amount, tt.currency, tt.locale, got, tt.want)
		}
	}
}

func TestTimesAndNumbers(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, time.August, 3, 18, 5, 0, 0, time.FixedZone("", 2*3600))
	for _, tt := range []struct{ lang, language, time, one, two string }{
		{"", "en", "3 Aug 2026, 16:05 UTC", "This is the last try.", "2 tries are left."},
		{"en-ZA", "en-ZA", "3 Aug 2026, 16:05 UTC", "This is the last try.", "2 tries are left."},
		{"fr", "fr", "3 août 2026, 16:05 UTC", "Il reste un seul essai.", "Il reste 2 essais."},
		{"fr-CA", "fr-CA", "3 août 2026, 16:05 UTC", "Il reste un seul essai.", "Il reste 2 essais."},
		{"xh-ZA", "en", "3 Aug 2026, 16:05 UTC", "This is the last try.", "2 tries are left."},
	} {
		s := shown{View: View{Lang: tt.lang}, texts: nearest(catalogues, tt.lang, defaultLanguage)}
		if got := s.Language(); got != tt.language {
			t.Errorf("%s: the page says that it is in %s", tt.lang, got)
		}
		if got, err := s.Time(at); got != tt.time || err != nil {
			t.Errorf("%s: %q, %v; want %q", tt.lang, got, err, tt.time)
		}
		one, err := s.Plural("declined.left", 1)
		two, err2 := s.Plural("declined.left", 2)
		if one != tt.one || two != tt.two || err != nil || err2 != nil {
			t.Errorf("%s: %q, %q, %v, %v", tt.lang, one, two, err, err2)
		}
	}
}
