package money

import (
	"math"
	"math/big"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestFormatTable(t *testing.T) {
	t.Parallel()
	tests := []struct {
		amount       int64
		code         string
		pretty, file string
	}{
		{100_000, "ZAR", "ZAR 1,000.00", "1000.00"},
		{0, "ZAR", "ZAR 0.00", "0.00"},
		{5, "ZAR", "ZAR 0.05", "0.05"},
		{-5, "ZAR", "ZAR -0.05", "-0.05"},
		{-99_999, "ZAR", "ZAR -999.99", "-999.99"},
		{-100_000, "ZAR", "ZAR -1,000.00", "-1000.00"},
		{AmountMax, "ZAR", "ZAR 9,999,999,999.99", "9999999999.99"},
		{1_000, "JPY", "JPY 1,000", "1000"},
		{0, "JPY", "JPY 0", "0"},
		{-1, "JPY", "JPY -1", "-1"},
		{AmountMax, "JPY", "JPY 999,999,999,999", "999999999999"},
		{1_000, "BHD", "BHD 1.000", "1.000"},
		{5, "BHD", "BHD 0.005", "0.005"},
		{1_234_567, "BHD", "BHD 1,234.567", "1234.567"},
		{12_345, "CLF", "CLF 1.2345", "1.2345"},
		{100, "HRK", "HRK 1.00", "1.00"}, // withdrawn, but a log may have it
		{math.MaxInt64, "JPY", "JPY 9,223,372,036,854,775,807", "9223372036854775807"},
		{math.MinInt64, "JPY", "JPY -9,223,372,036,854,775,808", "-9223372036854775808"},
		{math.MinInt64, "ZAR", "ZAR -92,233,720,368,547,758.08", "-92233720368547758.08"},
		{math.MinInt64, "BHD", "BHD -9,223,372,036,854,775.808", "-9223372036854775.808"},
		{1_000, "XAU", "XAU 1,000 minor units", "1000 minor units"},
		{-1_000, "QQQ", "QQQ -1,000 minor units", "-1000 minor units"},
		{1_000, "zar", "zar 1,000 minor units", "1000 minor units"},
	}
	for _, tt := range tests {
		t.Run(tt.pretty, func(t *testing.T) {
			t.Parallel()
			if got := Format(tt.amount, tt.code); got != tt.pretty {
				t.Errorf("Format(%d, %q) = %q, want %q", tt.amount, tt.code, got, tt.pretty)
			}
			if got := FormatPlain(tt.amount, tt.code); got != tt.file {
				t.Errorf("FormatPlain(%d, %q) = %q, want %q", tt.amount, tt.code, got, tt.file)
			}
		})
	}
}

var (
	plainShape  = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`)
	prettyShape = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,2}(,[0-9]{3})*)(\.[0-9]+)?$`)
)

func TestFormatReadsBackToTheSameAmount(t *testing.T) {
	t.Parallel()
	codes := codesWithMinorUnit()
	rapid.Check(t, func(t *rapid.T) {
		amount := anyInt64().Draw(t, "amount")
		code := rapid.SampledFrom(codes).Draw(t, "code")

		plain := FormatPlain(amount, code)
		if !plainShape.MatchString(plain) {
			t.Fatalf("%q is not a plain decimal number", plain)
		}
		if back := minorUnits(t, plain, byCode[code].Exponent); back.Cmp(big.NewInt(amount)) != 0 {
			t.Fatalf("%q reads back as %s minor units of %s, not %d", plain, back, code, amount)
		}

		number, ok := strings.CutPrefix(Format(amount, code), code+" ")
		if !ok || !prettyShape.MatchString(number) {
			t.Fatalf("Format(%d, %s) = %q has another shape", amount, code, Format(amount, code))
		}
		if strings.ReplaceAll(number, ",", "") != plain {
			t.Fatalf("Format and FormatPlain differ: %q, %q", number, plain)
		}
	})
}

// minorUnits reads a decimal number back in a way of its own, by rational numbers.
func minorUnits(t *rapid.T, number string, exponent int) *big.Int {
	value, ok := new(big.Rat).SetString(number)
	if !ok {
		t.Fatalf("%q is not a number", number)
	}
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(exponent)), nil)
	value.Mul(value, new(big.Rat).SetInt(scale))
	if !value.IsInt() {
		t.Fatalf("%q has more than %d decimals", number, exponent)
	}
	if _, decimals, _ := strings.Cut(number, "."); len(decimals) != exponent {
		t.Fatalf("%q has not exactly %d decimals", number, exponent)
	}
	return value.Num()
}

func codesWithMinorUnit() []string {
	var codes []string
	for _, table := range [][]Currency{currentCurrencies, withdrawnCurrencies} {
		for _, c := range table {
			if c.HasMinorUnit() {
				codes = append(codes, c.Code)
			}
		}
	}
	return codes
}
