// Package money holds what the engine knows about amounts and currencies: how
// large an amount may be, which currency codes exist and when, how many decimals
// each has, and how an amount is written for people and for files.
//
// An amount is an int64 in the currency's minor units, everywhere. The package
// knows no rates, no locales, no symbols and no floats, and it never rounds.
//
// The currencies are those of ISO 4217, List One of 2026-09-17 and List Three of
// 2026-01-01; table.go says how the table was made and what in it is unverified.
package money

// AmountMax is the largest amount that a request may name, in minor units; the
// smallest is 0. It leaves nine million such amounts to be added up before an
// int64 overflows, and it is exactly representable where JSON numbers are doubles.
const AmountMax = 999_999_999_999

// Add returns a + b and true, or 0 and false if the sum does not fit an int64.
// Sums of money wrap around nowhere: whoever adds must look at the bool.
func Add(a, b int64) (int64, bool) {
	sum := a + b
	// A sum is too large exactly if both operands have the sign that it lacks.
	if (a >= 0) == (b >= 0) && (sum >= 0) != (a >= 0) {
		return 0, false
	}
	return sum, true
}
