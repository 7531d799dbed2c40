package method

import "slices"

// Scheme is a card network, as payment_method_details names it.
type Scheme string

// The schemes whose numbers are recognised. Which of them are accepted is the
// acquirer's to say.
const (
	Visa       Scheme = "VISA"
	Mastercard Scheme = "MASTERCARD"
	Amex       Scheme = "AMEX"
	Diners     Scheme = "DINERS"
	Discover   Scheme = "DISCOVER"
	JCB        Scheme = "JCB"
	UnionPay   Scheme = "UNIONPAY"
	Maestro    Scheme = "MAESTRO"
)

// Range is a run of issuer identification numbers (ISO/IEC 7812-1) that belongs
// to one scheme. A card number is in the range if its first len(From) digits lie
// between From and To, both included and equally long.
type Range struct {
	Scheme   Scheme
	From, To string
	Lengths  []int // of whole card numbers, ascending
	CVC      int   // digits of the security code
}

// ranges lists the schemes' blocks, narrow ones before the wide ones that
// surround them. Source: the table of issuer identification numbers, lengths and
// validation at https://en.wikipedia.org/wiki/Payment_card_number, which collects
// what the networks publish to acquirers; structure and check digit are those of
// ISO/IEC 7812-1. Networks share blocks by agreement (622126–622925 is both
// Discover's and UnionPay's), and the order here decides. It errs on the side of
// letting a card through: the acquirer, not this table, says whether it is good.
var ranges = []Range{
	{Amex, "34", "34", []int{15}, 4},
	{Amex, "37", "37", []int{15}, 4},
	{Diners, "300", "305", []int{14, 15, 16, 17, 18, 19}, 3},
	{Diners, "309", "309", []int{14, 15, 16, 17, 18, 19}, 3},
	{Diners, "36", "36", []int{14, 15, 16, 17, 18, 19}, 3},
	{Diners, "38", "39", []int{14, 15, 16, 17, 18, 19}, 3},
	{JCB, "3528", "3589", []int{16, 17, 18, 19}, 3},
	{Visa, "4", "4", []int{13, 16, 19}, 3},
	{Mastercard, "2221", "2720", []int{16}, 3},
	{Mastercard, "51", "55", []int{16}, 3},
	{Discover, "6011", "6011", []int{16, 17, 18, 19}, 3},
	{Discover, "622126", "622925", []int{16, 17, 18, 19}, 3},
	{Discover, "644", "649", []int{16, 17, 18, 19}, 3},
	{Discover, "65", "65", []int{16, 17, 18, 19}, 3},
	{UnionPay, "62", "62", []int{16, 17, 18, 19}, 3},
	{UnionPay, "8100", "8171", []int{16, 17, 18, 19}, 3},
	{Maestro, "50", "50", []int{12, 13, 14, 15, 16, 17, 18, 19}, 3},
	{Maestro, "56", "58", []int{12, 13, 14, 15, 16, 17, 18, 19}, 3},
	{Maestro, "63", "63", []int{12, 13, 14, 15, 16, 17, 18, 19}, 3},
	{Maestro, "67", "67", []int{12, 13, 14, 15, 16, 17, 18, 19}, 3},
}

// Ranges returns the table that RangeOf looks in, in its order, so that a page
// can recognise schemes by the same rule. The caller owns the outer slice only.
func Ranges() []Range { return slices.Clone(ranges) }

// RangeOf finds the range that a card number belongs to by its first digits. It
// needs up to six of them; with fewer it answers only what they settle already.
func RangeOf(digits string) (Range, bool) {
	for _, r := range ranges {
		n := len(r.From)
		if len(digits) >= n && digits[:n] >= r.From && digits[:n] <= r.To {
			return r, true
		}
	}
	return Range{}, false
}

// Luhn reports whether the last digit of a number is its check digit by ISO/IEC
// 7812-1 annex B. Anything but digits, and fewer than two of them, fails.
func Luhn(digits string) bool {
	if len(digits) < 2 {
		return false
	}
	sum := 0
	for i := range len(digits) {
		c := digits[len(digits)-1-i]
		if c < '0' || c > '9' {
			return false
		}
		d := int(c - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}
