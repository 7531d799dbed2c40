package method

import (
	"slices"
	"strings"
)

// Limits of a telephone number.
const (
	phoneLengthMax = 40 // bytes as typed, with separators
	phoneDigitsMin = 7  // in international form
	phoneDigitsMax = 15 // ITU-T E.164
	phoneShown     = 4  // digits that may be known
)

// plan is a country's numbering plan, as far as telephones with an application or a
// wallet on them are concerned.
type plan struct {
	code  string   // that the country is called by
	trunk string   // that stands before the number within the country; ""
	long  int      // digits of a number, without either
	begin []string // that mobile numbers begin with
}

// plans are those of the countries in the table of ways. Source: the national
// numbering plans that the ITU publishes (https://www.itu.int/oth/T0202.aspx?parent=T0202).
// They err on the side of letting a number through: whether somebody answers there,
// only the acquirer can tell.
var plans = map[string]plan{
	"BJ": {code: "229", long: 10, begin: []string{"01"}},
	"CG": {code: "242", long: 9, begin: []string{"0"}},
	"CI": {code: "225", long: 10, begin: []string{"0"}},
	"CM": {code: "237", long: 9, begin: []string{"6"}},
	"GH": {code: "233", trunk: "0", long: 9, begin: []string{"2", "5"}},
	"GN": {code: "224", long: 9, begin: []string{"6"}},
	"LR": {code: "231", trunk: "0", long: 9, begin: []string{"5", "7", "8"}},
	"RW": {code: "250", trunk: "0", long: 9, begin: []string{"7"}},
	"SZ": {code: "268", long: 8, begin: []string{"7"}},
	"UG": {code: "256", trunk: "0", long: 9, begin: []string{"3", "7"}},
	"ZA": {code: "27", trunk: "0", long: 9, begin: []string{"6", "7", "8"}},
	"ZM": {code: "260", trunk: "0", long: 9, begin: []string{"7", "9"}},
}

// international is what people dial in place of the plus sign.
const international = "00"

// checkPhone reads a mobile number of a country as people type it: with the
// country's code after + or 00, or as it is dialled at home. It comes back in the
// form of E.164, with the plus sign.
func checkPhone(typed, country string) (string, *FieldProblem) {
	if strings.TrimSpace(typed) == "" {
		return "", &FieldProblem{FieldPhone, CodeRequired, "The telephone number is missing."}
	}
	p, known := plans[country]
	digits, abroad, ok := dialled(typed)
	switch {
	case !known, !ok:
		return "", &FieldProblem{FieldPhone, CodeInvalid, "This is not a telephone number."}
	case len(digits) < phoneDigitsMin, len(digits) > phoneDigitsMax:
		return "", &FieldProblem{FieldPhone, CodeInvalid, "The telephone number has too few or too many digits."}
	}
	number, ok := p.national(digits, abroad)
	switch {
	case !ok:
		return "", &FieldProblem{FieldPhone, CodeInvalid, "The telephone number is not one of the merchant's country."}
	case len(number) != p.long:
		return "", &FieldProblem{FieldPhone, CodeInvalid, "The telephone number has too few or too many digits."}
	case !slices.ContainsFunc(p.begin, func(b string) bool { return strings.HasPrefix(number, b) }):
		return "", &FieldProblem{FieldPhone, CodeInvalid, "The telephone number is not that of a mobile telephone."}
	}
	return "+" + p.code + number, nil
}

// national returns a number as it is within the country, without what stands before
// it; false where it is another country's. The zero that some write after the
// country's code, in brackets or not, is dropped, too.
func (p plan) national(digits string, abroad bool) (string, bool) {
	switch rest, ours := strings.CutPrefix(digits, p.code); {
	case abroad && !ours:
		return "", false
	case abroad, ours && len(rest) >= p.long:
		digits = rest
	}
	return strings.TrimPrefix(digits, p.trunk), true
}

// dialled drops what people put between the digits of a telephone number; ok is
// false if anything else stands there. Abroad: it begins with a country's code.
func dialled(typed string) (digits string, abroad, ok bool) {
	if len(typed) > phoneLengthMax {
		return "", false, false
	}
	var b strings.Builder
	for _, r := range strings.TrimSpace(typed) {
		switch {
		case r >= '0' && r <= '9':
			b.WriteByte(byte(r))
		case r == '+' && b.Len() == 0 && !abroad:
			abroad = true
		case strings.ContainsRune(" \t-./()\u00a0\u202f\u2010\u2011\u2013", r):
		default:
			return "", false, false
		}
	}
	digits = b.String()
	if rest, dials := strings.CutPrefix(digits, international); dials && !abroad {
		return rest, true, true
	}
	return digits, abroad, true
}

// MaskPhone returns what may be known of a telephone number outside the vault: its
// last digits, with as many dots before them whatever its length.
func MaskPhone(e164 string) string {
	return "•••• " + e164[max(0, len(e164)-phoneShown):]
}
