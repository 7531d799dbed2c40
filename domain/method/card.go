// Package method knows ways to pay: what a card number says about itself, which
// of it may be known outside the vault, what a customer may have mistyped, and
// when a method that was saved may be used.
//
// It refuses to know whether a card exists or has money: that is the acquirer's
// to say. It keeps no card data.
package method

import (
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Limits of what a customer types.
const (
	numberLengthMax   = 64 // characters with separators; a pasted number has a few
	nameLengthMax     = 100
	expiryYearsMax    = 50 // ahead; no scheme issues cards for longer
	nameDigitsMax     = 8  // more in a name and it is a card number in the wrong field
	binLength         = 6
	lastLength        = 4
	cardNumberLenMin  = 12 // of any scheme, ISO/IEC 7812-1
	cardNumberLenMax  = 19
	centuryOfTwoDigit = 2000
)

// Types of card. An issuer's own table would know better; without one a card
// counts as a credit card.
const (
	TypeCredit = "CREDIT"
	TypeDebit  = "DEBIT"
)

// debitBINs are the issuer numbers that are known to be debit cards.
var debitBINs = map[string]bool{"527346": true}

// CardDetails is what may be known of a card outside the vault: nothing in it,
// or all of it together, lets anybody pay.
type CardDetails struct {
	Type     string `json:"type"`   // CREDIT, DEBIT
	Scheme   string `json:"scheme"` // a Scheme
	BIN      string `json:"bin"`    // the first six digits
	Last4    string `json:"last4"`
	ExpMonth int    `json:"exp_month"` // 1–12
	ExpYear  int    `json:"exp_year"`  // four digits
}

// CardInput is a card as a customer gave it. It lives in a request's memory: no
// way of printing, logging or marshalling it shows anything.
type CardInput struct {
	Number            string
	ExpMonth, ExpYear int // 0: missing; a year of two digits is one of this century
	CVC, Name         string
}

const hiddenCard = "[card]"

// String hides the card.
func (CardInput) String() string { return hiddenCard }

// GoString hides the card from %#v.
func (CardInput) GoString() string { return hiddenCard }

// Format hides the card from every verb: %d would print a struct's fields.
func (CardInput) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hiddenCard) }

// LogValue hides the card from log/slog.
func (CardInput) LogValue() slog.Value { return slog.StringValue(hiddenCard) }

// MarshalJSON hides the card from encoding/json.
func (CardInput) MarshalJSON() ([]byte, error) { return []byte(`"` + hiddenCard + `"`), nil }

// MarshalText hides the card from encoding/xml and from whatever writes text.
func (CardInput) MarshalText() ([]byte, error) { return []byte(hiddenCard), nil }

// Fields of a card, as FieldProblem names them.
const (
	FieldNumber   = "number"
	FieldExpMonth = "exp_month"
	FieldExpYear  = "exp_year"
	FieldCVC      = "cvc"
	FieldName     = "name"
)

// What may be wrong with a field of a card.
const (
	CodeRequired      = "required"
	CodeInvalid       = "invalid"        // characters that do not belong there, or a month that is none
	CodeInvalidLength = "invalid_length" // too few or too many digits for the scheme
	CodeInvalidNumber = "invalid_number" // the check digit is wrong: mistyped
	CodeUnknownScheme = "unknown_scheme" // no network that we know has such numbers
	CodeExpired       = "expired"
	CodeTooFarAhead   = "too_far_ahead"
	CodeTooLong       = "too_long"
	CodeCardNumber    = "card_number" // a card number where none belongs
)

// FieldProblem is one thing that is wrong with one field, of a card or an account.
// It never quotes what was typed.
type FieldProblem struct {
	Field  string // one of the Field constants
	Code   string // one of the Code constants
	Detail string // a sentence in English
}

// CheckCard judges a card by itself, at the instant now. It returns the card
// with its number and CVC as digits only and its year in four digits, what may be
// known of it, and all problems at once, in the order of the form's fields, one
// per field at most. With problems the first two results are not to be used.
func CheckCard(in CardInput, now time.Time) (CardInput, CardDetails, []FieldProblem) {
	var problems []FieldProblem
	note := func(p *FieldProblem) {
		if p != nil {
			problems = append(problems, *p)
		}
	}
	out := CardInput{
		ExpMonth: in.ExpMonth,
		ExpYear:  fourDigitYear(in.ExpYear),
		Name:     strings.Join(strings.Fields(in.Name), " "),
	}
	var known Range
	var p *FieldProblem
	out.Number, known, p = checkNumber(in.Number)
	note(p)
	note(checkExpiry(out.ExpMonth, out.ExpYear, now))
	out.CVC, p = checkCVC(in.CVC, known)
	note(p)
	note(checkName(out.Name))
	if len(problems) > 0 {
		return CardInput{}, CardDetails{}, problems
	}
	return out, details(out, known), nil
}

func details(c CardInput, r Range) CardDetails {
	d := CardDetails{
		Type:     TypeCredit,
		Scheme:   string(r.Scheme),
		BIN:      c.Number[:binLength],
		Last4:    c.Number[len(c.Number)-lastLength:],
		ExpMonth: c.ExpMonth,
		ExpYear:  c.ExpYear,
	}
	if debitBINs[d.BIN] {
		d.Type = TypeDebit
	}
	return d
}

func checkNumber(typed string) (string, Range, *FieldProblem) {
	digits, ok := digitsOf(typed)
	known, found := RangeOf(digits)
	switch {
	case strings.TrimSpace(typed) == "":
		return "", Range{}, &FieldProblem{FieldNumber, CodeRequired, "The card number is missing."}
	case !ok:
		return "", Range{}, &FieldProblem{FieldNumber, CodeInvalid, "The card number has characters other than digits."}
	case len(digits) < cardNumberLenMin || len(digits) > cardNumberLenMax:
		return "", known, &FieldProblem{FieldNumber, CodeInvalidLength, "The card number is too short or too long."}
	case !found:
		return "", Range{}, &FieldProblem{FieldNumber, CodeUnknownScheme, "The card number belongs to no card scheme that is accepted."}
	case !slices.Contains(known.Lengths, len(digits)):
		return "", known, &FieldProblem{FieldNumber, CodeInvalidLength, "The card number is too short or too long for its scheme."}
	case !Luhn(digits):
		return "", known, &FieldProblem{FieldNumber, CodeInvalidNumber, "The card number is not valid: a digit is wrong."}
	}
	return digits, known, nil
}

// ExpiredAt reports whether the card's month is over at t.
func (d CardDetails) ExpiredAt(t time.Time) bool { return expired(d.ExpMonth, d.ExpYear, t) }

// expired holds a card good until its month has ended everywhere on Earth: the
// issuer, who alone knows where the card lives, has the last word.
func expired(month, year int, t time.Time) bool {
	today := lastToday(t)
	return year < today.Year() || year == today.Year() && month < int(today.Month())
}

// lastToday shows at t the date of the time zone in which every day ends last.
func lastToday(t time.Time) time.Time {
	const lastTimeZone = 12 * time.Hour
	return t.UTC().Add(-lastTimeZone)
}

func checkExpiry(month, year int, now time.Time) *FieldProblem {
	switch {
	case month == 0:
		return &FieldProblem{FieldExpMonth, CodeRequired, "The expiry month is missing."}
	case month < 1 || month > 12:
		return &FieldProblem{FieldExpMonth, CodeInvalid, "The expiry month must be from 1 to 12."}
	case year == 0:
		return &FieldProblem{FieldExpYear, CodeRequired, "The expiry year is missing."}
	case year < 1000 || year > 9999:
		return &FieldProblem{FieldExpYear, CodeInvalid, "The expiry year must have two or four digits."}
	case expired(month, year, now):
		return &FieldProblem{FieldExpYear, CodeExpired, "The card has expired."}
	case year > lastToday(now).Year()+expiryYearsMax:
		return &FieldProblem{FieldExpYear, CodeTooFarAhead, "The expiry year is too far ahead."}
	}
	return nil
}

// CheckCVC judges the security code that a customer gives along with a saved card,
// and returns it as digits only.
func CheckCVC(typed string, card CardDetails) (string, *FieldProblem) {
	known, _ := RangeOf(card.BIN)
	return checkCVC(typed, known)
}

// CVCDigits is how many digits the card's security code has; 0 where its scheme is
// not known.
func (d CardDetails) CVCDigits() int {
	known, _ := RangeOf(d.BIN)
	return known.CVC
}

// checkCVC asks for three or four digits while the scheme is in doubt.
func checkCVC(typed string, known Range) (string, *FieldProblem) {
	cvc := strings.TrimSpace(typed)
	if cvc == "" {
		return "", &FieldProblem{FieldCVC, CodeRequired, "The security code is missing."}
	}
	if strings.Trim(cvc, "0123456789") != "" {
		return "", &FieldProblem{FieldCVC, CodeInvalid, "The security code has characters other than digits."}
	}
	fits := len(cvc) == known.CVC
	if known.CVC == 0 {
		fits = len(cvc) == 3 || len(cvc) == 4
	}
	if !fits {
		return "", &FieldProblem{FieldCVC, CodeInvalidLength, "The security code has too few or too many digits."}
	}
	return cvc, nil
}

// checkName lets a name be absent. One that holds a card number is refused: a
// name is kept and shown where a number must never be.
func checkName(name string) *FieldProblem {
	if utf8.RuneCountInString(name) > nameLengthMax {
		return &FieldProblem{FieldName, CodeTooLong, "The name has more than 100 characters."}
	}
	digits := 0
	for _, r := range name {
		if r < ' ' || r == utf8.RuneError {
			return &FieldProblem{FieldName, CodeInvalid, "The name has characters that are not letters."}
		}
		if r >= '0' && r <= '9' {
			digits++
		}
	}
	if digits > nameDigitsMax {
		return &FieldProblem{FieldName, CodeCardNumber, "The name looks like a card number."}
	}
	return nil
}

// digitsOf drops the spaces, hyphens and dots that people and browsers put
// between a number's groups; ok is false if anything else stands there.
func digitsOf(typed string) (digits string, ok bool) {
	if len(typed) > numberLengthMax {
		return "", false
	}
	var b strings.Builder
	for _, r := range typed {
		switch {
		case r >= '0' && r <= '9':
			b.WriteByte(byte(r))
		case r == ' ', r == '\u00a0', r == '\u202f', r == '\t', r == '-', r == '.':
		default:
			return "", false
		}
	}
	return b.String(), true
}

func fourDigitYear(year int) int {
	if year > 0 && year < 100 {
		return centuryOfTwoDigit + year
	}
	return year
}
