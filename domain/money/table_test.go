package money

import (
	"regexp"
	"slices"
	"testing"

	"golang.org/x/text/currency"
)

func TestRowsAreWellFormed(t *testing.T) {
	t.Parallel()
	var (
		code    = regexp.MustCompile(`^[A-Z]{3}$`)
		numeric = regexp.MustCompile(`^([0-9]{3})?$`)
		kinds   = []Kind{KindOrdinary, KindFund, KindNoMinorUnit, KindTesting, KindNone}
	)
	check := func(c Currency) {
		if !code.MatchString(c.Code) || !numeric.MatchString(c.Numeric) || !slices.Contains(kinds, c.Kind) {
			t.Errorf("malformed: %+v", c)
		}
		if c.Exponent < 0 || c.Exponent > 4 || !c.HasMinorUnit() && c.Exponent != 0 {
			t.Errorf("%s has %d decimals", c.Code, c.Exponent)
		}
		for _, d := range []string{c.ValidFrom, c.WithdrawnOn} {
			if d != "" && day(t, d).Format(dateLayout) != d {
				t.Errorf("%s: %q is no date", c.Code, d)
			}
		}
		if c.ValidFrom != "" && c.WithdrawnOn != "" && c.ValidFrom >= c.WithdrawnOn {
			t.Errorf("%s was withdrawn before it was valid", c.Code)
		}
	}
	for _, c := range currentCurrencies {
		check(c)
		if c.Numeric == "" || c.WithdrawnOn != "" {
			t.Errorf("%s doesn't belong among the current codes", c.Code)
		}
	}
	for _, c := range withdrawnCurrencies {
		check(c)
		if c.WithdrawnOn == "" {
			t.Errorf("%s doesn't belong among the withdrawn codes", c.Code)
		}
	}
}

func TestCodesStandOnceAndInOrder(t *testing.T) {
	t.Parallel()
	for name, table := range map[string][]Currency{"current": currentCurrencies, "withdrawn": withdrawnCurrencies} {
		for i := 1; i < len(table); i++ {
			if table[i-1].Code >= table[i].Code {
				t.Errorf("%s: %s stands before %s", name, table[i-1].Code, table[i].Code)
			}
		}
	}
	if want := len(currentCurrencies) + len(withdrawnCurrencies); len(byCode) != want {
		t.Errorf("%d codes in %d rows: one is both current and withdrawn", len(byCode), want)
	}
}

// The counts are those reported of the published lists; a row lost or a decimal
// mistyped shows here.
func TestCountsAreThoseOfTheLists(t *testing.T) {
	t.Parallel()
	decimals := map[int]int{}
	without := 0
	for _, c := range currentCurrencies {
		if c.HasMinorUnit() {
			decimals[c.Exponent]++
		} else {
			without++
		}
	}
	for exponent, want := range map[int]int{0: 17, 2: 139, 3: 7, 4: 2} {
		if decimals[exponent] != want {
			t.Errorf("%d current codes have %d decimals, want %d", decimals[exponent], exponent, want)
		}
	}
	if without != 13 {
		t.Errorf("%d current codes have no minor unit, want 13", without)
	}
	if len(withdrawnCurrencies) != 129 {
		t.Errorf("%d withdrawn codes, want 129", len(withdrawnCurrencies))
	}
}

func TestLookupTable(t *testing.T) {
	t.Parallel()
	tests := []struct {
		code     string
		known    bool
		exponent int
		kind     Kind
	}{
		{"ZAR", true, 2, KindOrdinary},
		{"JPY", true, 0, KindOrdinary},
		{"BHD", true, 3, KindOrdinary},
		{"ISK", true, 0, KindOrdinary},
		{"HUF", true, 2, KindOrdinary},
		{"UGX", true, 0, KindOrdinary},
		{"MGA", true, 2, KindOrdinary},
		{"MRU", true, 2, KindOrdinary},
		{"CLF", true, 4, KindFund},
		{"XAU", true, 0, KindNoMinorUnit},
		{"XTS", true, 0, KindTesting},
		{"XXX", true, 0, KindNone},
		{"HRK", true, 2, KindOrdinary},
		{"BGN", true, 2, KindOrdinary},
		{"DEM", true, 2, KindOrdinary},
		{"ITL", true, 0, KindOrdinary},
		{"zar", false, 0, ""},
		{"QQQ", false, 0, ""},
		{"", false, 0, ""},
	}
	for _, tt := range tests {
		t.Run(tt.code, func(t *testing.T) {
			t.Parallel()
			c, known := Lookup(tt.code)
			if known != tt.known || c.Exponent != tt.exponent || c.Kind != tt.kind {
				t.Errorf("got %+v, %t", c, known)
			}
			if known && c.Code != tt.code {
				t.Errorf("found %s", c.Code)
			}
		})
	}
}

// An independent table, older than ours: CLDR 32 of 2017. For some current codes
// CLDR has, on purpose, the decimals that people write (none) and not those of ISO.
// Amounts in an interface are in ISO's minor units, so there ISO's are ours.
func TestTheTableAgreesWithCLDR(t *testing.T) {
	t.Parallel()
	customary := []string{
		"AFN", "ALL", "AMD", "COP", "GYD", "IDR", "IQD", "IRR", "KPW", "LAK", "LBP",
		"MGA", "MMK", "MNT", "MUR", "PKR", "RSD", "SOS", "SYP", "TZS", "UZS", "YER",
	}
	newer := []string{"MRU", "SLE", "VED", "VES", "XCG", "ZWG"}

	var differ, unknown []string
	for _, c := range currentCurrencies {
		if c.Kind != KindOrdinary {
			continue
		}
		unit, err := currency.ParseISO(c.Code)
		if err != nil {
			unknown = append(unknown, c.Code)
			continue
		}
		digits, _ := currency.Standard.Rounding(unit)
		if digits == c.Exponent {
			continue
		}
		differ = append(differ, c.Code)
		if digits != 0 {
			t.Errorf("%s: %d decimals, CLDR has %d", c.Code, c.Exponent, digits)
		}
	}
	if !slices.Equal(differ, customary) {
		t.Errorf("the decimals of %q differ from CLDR's, want those of %q", differ, customary)
	}
	if !slices.Equal(unknown, newer) {
		t.Errorf("CLDR doesn't know %q, want %q", unknown, newer)
	}
}

func TestEveryTenderThatCLDRKnowsIsInTheTable(t *testing.T) {
	t.Parallel()
	seen := 0
	for it := currency.Query(); it.Next(); {
		seen++
		if _, ok := Lookup(it.Unit().String()); !ok {
			t.Errorf("%s, tender in %s, is not in the table", it.Unit(), it.Region())
		}
	}
	if seen < 200 {
		t.Errorf("only %d tenders were looked at", seen)
	}
}
