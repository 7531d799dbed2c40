package page

import (
	"strings"

	"tender/domain/money"
)

// numerals is how a locale writes amounts. The table follows CLDR 48 (common/main,
// the standard currency format), with these differences: a currency has a sign only
// where no reader could take it for another one, and en-ZA has the point before the
// cents that banks, shops and price tags there print, where CLDR has a comma.
type numerals struct {
	group, point string
	after        bool              // the currency stands after the number
	signs        map[string]string // by code; the code itself where there is none
}

const (
	noBreak       = "\u00a0"
	noBreakNarrow = "\u202f"
)

// numeralsOf has a row per locale that writes amounts in a way of its own.
var numeralsOf = map[string]numerals{
	"en":    {group: ",", point: ".", signs: map[string]string{"EUR": "€", "GBP": "£", "USD": "US$"}},
	"en-us": {group: ",", point: ".", signs: map[string]string{"EUR": "€", "GBP": "£", "USD": "$", "JPY": "¥"}},
	"en-za": {group: noBreak, point: ".", signs: map[string]string{"EUR": "€", "GBP": "£", "USD": "US$", "ZAR": "R" + noBreak}},
	"fr":    {group: noBreakNarrow, point: ",", after: true, signs: map[string]string{"EUR": "€", "GBP": "£GB", "USD": "$US"}},
	"fr-ca": {group: noBreak, point: ",", after: true, signs: map[string]string{"EUR": "€", "GBP": "£", "USD": "$" + noBreak + "US", "CAD": "$"}},
	"fr-ch": {group: noBreakNarrow, point: ".", after: true, signs: map[string]string{"EUR": "€", "GBP": "£GB", "USD": "$US"}},
}

// formatAmount writes an amount in minor units as the locale does. It is exact: only
// digits are moved. What has no decimal point, as a currency that nobody knows, is
// written as package money does.
func formatAmount(amount int64, currency, locale string) string {
	known, ok := money.Lookup(currency)
	if !ok || !known.HasMinorUnit() {
		return money.Format(amount, currency)
	}
	n := nearest(numeralsOf, locale, defaultLanguage)
	number, negative := strings.CutPrefix(money.FormatPlain(amount, currency), "-")
	whole, cents, _ := strings.Cut(number, ".")
	var out strings.Builder
	if negative {
		out.WriteString("-")
	}
	sign, signed := n.signs[currency]
	if !n.after {
		out.WriteString(sign)
		if !signed {
			out.WriteString(currency + noBreak)
		}
	}
	for i, digit := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			out.WriteString(n.group)
		}
		out.WriteRune(digit)
	}
	if cents != "" {
		out.WriteString(n.point + cents)
	}
	if n.after {
		if !signed {
			sign = currency
		}
		out.WriteString(noBreak + sign)
	}
	return out.String()
}
