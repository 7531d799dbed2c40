package money

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func day(t testing.TB, s string) time.Time {
	t.Helper()
	d, err := time.Parse(dateLayout, s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestAcceptTable(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, code, on string
		want           string // the accepted code, or
		refusal        string // the code of the refusal
		mentions       string // and what its sentence must say
	}{
		{name: "capitals", code: "ZAR", on: "2026-11-22", want: "ZAR"},
		{name: "small letters", code: "zar", on: "2026-11-22", want: "ZAR"},
		{name: "mixed", code: "jPy", on: "2026-11-22", want: "JPY"},
		{name: "three decimals", code: "bhd", on: "2026-11-22", want: "BHD"},
		{name: "the last day of the lev", code: "BGN", on: "2025-12-31", want: "BGN"},
		{name: "the first day without the lev", code: "BGN", on: "2026-01-01", refusal: CodeCurrencyWithdrawn, mentions: "2026-01-01"},
		{name: "the kuna", code: "hrk", on: "2026-11-22", refusal: CodeCurrencyWithdrawn, mentions: "HRK was withdrawn"},
		{name: "the day before the Caribbean guilder", code: "XCG", on: "2025-03-30", refusal: CodeCurrencyNotYetValid, mentions: "2025-03-31"},
		{name: "the first day of the Caribbean guilder", code: "XCG", on: "2025-03-31", want: "XCG"},
		{name: "the last day of the Antillean guilder", code: "ANG", on: "2025-03-30", want: "ANG"},
		{name: "the Antillean guilder after it", code: "ANG", on: "2025-03-31", refusal: CodeCurrencyWithdrawn},
		{name: "a Zimbabwean dollar", code: "ZWL", on: "2026-11-22", refusal: CodeCurrencyWithdrawn},
		{name: "the old leone", code: "SLL", on: "2026-11-22", refusal: CodeCurrencyWithdrawn},
		{name: "the convertible peso", code: "CUC", on: "2026-11-22", refusal: CodeCurrencyWithdrawn},
		{name: "gold", code: "XAU", on: "2026-11-22", refusal: CodeCurrencyNotPayable, mentions: "minor unit"},
		{name: "drawing rights", code: "XDR", on: "2026-11-22", refusal: CodeCurrencyNotPayable, mentions: "minor unit"},
		{name: "a fund", code: "USN", on: "2026-11-22", refusal: CodeCurrencyNotPayable, mentions: "fund code"},
		{name: "a withdrawn fund", code: "USS", on: "2026-11-22", refusal: CodeCurrencyNotPayable, mentions: "fund code"},
		{name: "an index unit", code: "UYW", on: "2026-11-22", refusal: CodeCurrencyNotPayable, mentions: "unit of account"},
		{name: "testing", code: "xts", on: "2026-11-22", refusal: CodeCurrencyNotPayable, mentions: "testing"},
		{name: "none", code: "XXX", on: "2026-11-22", refusal: CodeCurrencyNotPayable, mentions: "no currency"},
		{name: "never assigned", code: "QQQ", on: "2026-11-22", refusal: CodeUnknownCurrency, mentions: "QQQ"},
		{name: "empty", code: "", on: "2026-11-22", refusal: CodeUnknownCurrency},
		{name: "spaces", code: " ZAR", on: "2026-11-22", refusal: CodeUnknownCurrency},
		{name: "number", code: "710", on: "2026-11-22", refusal: CodeUnknownCurrency},
		{name: "symbol", code: "€", on: "2026-11-22", refusal: CodeUnknownCurrency}, // three bytes
		{name: "a letter that Unicode folds to S", code: "uſd", on: "2026-11-22", refusal: CodeUnknownCurrency},
		{name: "another of three bytes", code: "uſ", on: "2026-11-22", refusal: CodeUnknownCurrency},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := Accept(tt.code, day(t, tt.on))
			if tt.refusal == "" {
				if err != nil || got.Code != tt.want {
					t.Fatalf("got %v, %v; want %s", got, err, tt.want)
				}
				return
			}
			var refused CurrencyError
			if !errors.As(err, &refused) || refused.Code != tt.refusal {
				t.Fatalf("got %v, %#v; want a refusal %s", got, err, tt.refusal)
			}
			if got != (Currency{}) {
				t.Errorf("a refusal came with %v", got)
			}
			if !strings.Contains(refused.Detail, tt.mentions) || err.Error() != refused.Detail {
				t.Errorf("the sentence is %q, it should mention %q", refused.Detail, tt.mentions)
			}
		})
	}
}

func TestAcceptJudgesTheDayInUTC(t *testing.T) {
	t.Parallel()
	sofia := time.FixedZone("Sofia", 2*60*60)
	before := time.Date(2026, 1, 1, 1, 59, 59, 0, sofia) // 23:59:59 in UTC, the day before
	if _, err := Accept("BGN", before); err != nil {
		t.Errorf("refused while it was still 31 December in UTC: %v", err)
	}
	if _, err := Accept("BGN", before.Add(time.Second)); err == nil {
		t.Error("accepted on 1 January in UTC")
	}
}

func TestEveryCurrentOrdinaryCodeIsAcceptedAndNoOther(t *testing.T) {
	t.Parallel()
	today := day(t, "2026-11-22")
	accepted := 0
	for code, c := range byCode {
		got, err := Accept(strings.ToLower(code), today)
		want := c.Kind == KindOrdinary && c.WithdrawnOn == ""
		if (err == nil) != want {
			t.Errorf("%s: accepted is %t, want %t (%v)", code, err == nil, want, err)
		}
		if err == nil {
			accepted++
			if got != c {
				t.Errorf("%s: got %v, the table has %v", code, got, c)
			}
		}
	}
	const ordinaryCodes = 155 // 178 less 13 without a minor unit and 10 funds
	if accepted != ordinaryCodes {
		t.Errorf("%d codes are accepted, want %d", accepted, ordinaryCodes)
	}
}

func FuzzAccept(f *testing.F) {
	for _, code := range []string{"ZAR", "zar", "bgn", "XAU", "xts", "QQQ", "", "€", "uſd", "ZA\x00", "ZAR\n", strings.Repeat("Z", 300)} {
		f.Add(code, int64(1_795_305_600))
		f.Add(code, int64(0))
	}
	f.Fuzz(func(t *testing.T, code string, unix int64) {
		c, err := Accept(code, time.Unix(unix, 0))
		if err == nil {
			if !strings.EqualFold(c.Code, code) || len(code) != len(c.Code) || c.Code != strings.ToUpper(code) {
				t.Fatalf("%q was accepted as %q", code, c.Code)
			}
			if known, ok := Lookup(c.Code); !ok || known != c || c.Kind != KindOrdinary {
				t.Fatalf("%q was accepted as %v, which the table doesn't have as payable", code, c)
			}
			return
		}
		var refused CurrencyError
		if !errors.As(err, &refused) || refused.Code == "" {
			t.Fatalf("%q was refused with %#v", code, err)
		}
		const detailMax = 100
		if len(refused.Detail) > detailMax || !strings.HasSuffix(refused.Detail, ".") {
			t.Fatalf("the sentence is %q", refused.Detail)
		}
		for _, r := range refused.Detail {
			if r < ' ' || r > '~' {
				t.Fatalf("the sentence repeats %q", r)
			}
		}
	})
}
