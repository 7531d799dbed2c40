package money

import "time"

// Kind says what a code of the table stands for.
type Kind string

// Only KindOrdinary can be paid with.
const (
	KindOrdinary    Kind = "ordinary"      // money that somebody can pay with
	KindFund        Kind = "fund"          // a fund code or unit of account that books use beside a currency
	KindNoMinorUnit Kind = "no_minor_unit" // metals, baskets and bond units: no decimals are defined
	KindTesting     Kind = "testing"       // XTS
	KindNone        Kind = "no_currency"   // XXX
)

// dateLayout is that of ValidFrom and WithdrawnOn; such dates compare as strings.
const dateLayout = "2006-01-02"

// Currency is one row of the table.
type Currency struct {
	Code     string // three capital letters
	Numeric  string // three digits, or empty where none was assigned; not unique, XCG took over ANG's
	Exponent int    // decimals of the minor unit, 0 to 4; 0 also where there is no minor unit
	Kind     Kind

	// ValidFrom is the first day of validity, YYYY-MM-DD. It is given for codes that
	// came into use after 1999; empty means that no log can be older.
	ValidFrom string
	// WithdrawnOn is the first day on which the code is no longer valid, YYYY-MM-DD;
	// empty while it is current.
	WithdrawnOn string
}

// HasMinorUnit reports whether amounts of the currency can be written in minor
// units at all, so whether Exponent means anything.
func (c Currency) HasMinorUnit() bool {
	return c.Kind == KindOrdinary || c.Kind == KindFund
}

// Lookup returns the row of a code in capital letters, whatever its kind and even
// if it was withdrawn long ago. It is for folds and reports, which must be able to
// read everything that was ever accepted; requests go through Accept.
func Lookup(code string) (Currency, bool) {
	c, ok := byCode[code]
	return c, ok
}

// Codes in which a CurrencyError says why a currency is refused.
const (
	CodeUnknownCurrency     = "unknown_currency"       // ISO 4217 has no such code
	CodeCurrencyNotPayable  = "currency_not_payable"   // the code exists but nobody can pay with it
	CodeCurrencyNotYetValid = "currency_not_yet_valid" // the code comes into use later
	CodeCurrencyWithdrawn   = "currency_withdrawn"     // the code was withdrawn
)

// CurrencyError is the refusal of a currency by Accept: a value that compares with
// ==. Its text never repeats more of the input than a code of three letters.
type CurrencyError struct {
	Code   string // one of the Code constants
	Detail string // a sentence for whoever sent the request
}

func (e CurrencyError) Error() string { return e.Detail }

// Accept returns the currency that a request may use on the day (in UTC) of on.
// The code may be written in any case; the returned one is in capital letters.
// Spaces are not trimmed. Refused are codes that ISO 4217 does not have, fund
// codes, codes without a minor unit, testing codes, and codes that are not valid
// on that day; the error is then a CurrencyError.
func Accept(code string, on time.Time) (Currency, error) {
	upper, ok := upperCode(code)
	if !ok {
		return Currency{}, CurrencyError{CodeUnknownCurrency,
			"A currency is a code of three letters from ISO 4217, such as ZAR."}
	}
	c, ok := Lookup(upper)
	if !ok {
		return Currency{}, CurrencyError{CodeUnknownCurrency, upper + " is not a currency code of ISO 4217."}
	}
	if reason := notPayable(c.Kind); reason != "" {
		return Currency{}, CurrencyError{CodeCurrencyNotPayable, upper + reason}
	}
	day := on.UTC().Format(dateLayout)
	if c.ValidFrom != "" && day < c.ValidFrom {
		return Currency{}, CurrencyError{CodeCurrencyNotYetValid, upper + " is valid only from " + c.ValidFrom + " on."}
	}
	if c.WithdrawnOn != "" && day >= c.WithdrawnOn {
		return Currency{}, CurrencyError{CodeCurrencyWithdrawn,
			upper + " was withdrawn and has not been valid since " + c.WithdrawnOn + "."}
	}
	return c, nil
}

// notPayable returns the rest of the sentence that says why a kind of code can't be
// paid with, or "" if it can.
func notPayable(k Kind) string {
	switch k {
	case KindOrdinary:
		return ""
	case KindFund:
		return " is a fund code or unit of account, in which nobody can pay."
	case KindNoMinorUnit:
		return " has no minor unit, so no amount of it can be named."
	case KindTesting:
		return " is reserved for testing and is no currency; test mode uses real codes, too."
	case KindNone:
		return " says that no currency is involved, so nobody can pay in it."
	}
	return " can't be paid with."
}

// codeLength is that of every code of ISO 4217.
const codeLength = 3

// upperCode returns three ASCII letters in capitals. It leaves Unicode alone: a
// letter such as "ſ", which Unicode folds to "S", is no part of any code.
func upperCode(code string) (string, bool) {
	if len(code) != codeLength {
		return "", false
	}
	var upper [codeLength]byte
	for i := range upper {
		b := code[i]
		if 'a' <= b && b <= 'z' {
			b -= 'a' - 'A'
		}
		if b < 'A' || b > 'Z' {
			return "", false
		}
		upper[i] = b
	}
	return string(upper[:]), true
}
