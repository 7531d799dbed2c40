package audit

import (
	"math/big"
	"strings"

	"tender/domain/money"
)

// exponentOf is how many decimals a currency has; nil where that is not known.
func exponentOf(currency string) *int {
	c, known := money.Lookup(currency)
	if !known || !c.HasMinorUnit() {
		return nil
	}
	return &c.Exponent
}

// decimal writes minor units as a decimal number, exactly; "" where nobody knows where
// the point stands. Sums outgrow 64 bits, so they are never numbers on the wire.
func decimal(minor *big.Int, currency string) string {
	exponent := exponentOf(currency)
	if exponent == nil {
		return ""
	}
	digits := new(big.Int).Abs(minor).String()
	if missing := *exponent + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	whole, fraction := digits[:len(digits)-*exponent], digits[len(digits)-*exponent:]
	if *exponent > 0 {
		whole += "." + fraction
	}
	if minor.Sign() < 0 {
		whole = "-" + whole
	}
	return whole
}

// sum is an amount on the wire: minor units and their decimal form, both as text.
type sum struct {
	AmountMinor string `json:"amount_minor"`
	Exponent    *int   `json:"exponent,omitempty"`
	Amount      string `json:"amount,omitempty"`
	Currency    string `json:"currency"`
}

func sumOf(minor *big.Int, currency string) sum {
	return sum{AmountMinor: minor.String(), Exponent: exponentOf(currency), Amount: decimal(minor, currency), Currency: currency}
}
