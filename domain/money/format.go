package money

import "strconv"

// digitsPerGroup is how many digits stand between two separators in Format.
const digitsPerGroup = 3

// Format writes an amount in minor units for people: the code, a space, and the
// decimal number with "," between thousands and "." before the minor units, as in
// "ZAR 1,000.00", "JPY 1,000", "BHD -0.005". It is the same for every reader; the
// symbols and separators of a locale are the business of the page.
//
// A code outside the table, or one without a minor unit, has no decimal point to
// set: the amount is then written as "ABC 1,000 minor units", so that nobody takes
// it for a decimal number.
func Format(amount int64, code string) string {
	currency, ok := Lookup(code)
	if !ok || !currency.HasMinorUnit() {
		return code + " " + decimal(amount, 0, ",") + unscaled
	}
	return code + " " + decimal(amount, currency.Exponent, ",")
}

// FormatPlain writes an amount in minor units as a decimal number for files:
// "1000.00", "1000", "-0.005", always with exactly the currency's decimals, without
// the code and without separators of thousands.
//
// For a code outside the table, or one without a minor unit, the answer is
// "1000 minor units": a program that reads a number fails on that, which is
// better than being wrong by a power of ten.
func FormatPlain(amount int64, code string) string {
	currency, ok := Lookup(code)
	if !ok || !currency.HasMinorUnit() {
		return decimal(amount, 0, "") + unscaled
	}
	return decimal(amount, currency.Exponent, "")
}

// unscaled marks a number whose decimal point is unknown.
const unscaled = " minor units"

// decimal writes amount / 10^exponent exactly, with the separator between
// thousands of the whole part.
func decimal(amount int64, exponent int, separator string) string {
	negative := amount < 0
	magnitude := uint64(amount)
	if negative {
		// Two's complement: right for math.MinInt64, too, which has no int64 opposite.
		magnitude = -magnitude
	}
	digits := strconv.FormatUint(magnitude, 10)
	for len(digits) <= exponent {
		digits = "0" + digits
	}
	whole, fraction := digits[:len(digits)-exponent], digits[len(digits)-exponent:]

	out := make([]byte, 0, 2*len(digits)+2)
	if negative {
		out = append(out, '-')
	}
	for i := range len(whole) {
		if i > 0 && (len(whole)-i)%digitsPerGroup == 0 {
			out = append(out, separator...)
		}
		out = append(out, whole[i])
	}
	if exponent > 0 {
		out = append(out, '.')
		out = append(out, fraction...)
	}
	return string(out)
}
