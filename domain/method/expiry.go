package method

import (
	"strconv"
	"strings"
)

// expiryLengthMax bounds what is read of an expiry date, in bytes.
const expiryLengthMax = 24

// ParseExpiry reads an expiry date as people write it in one field: 12/30,
// 12 / 2030, 1-30, 1230, 122030, and 2030-12 as browsers fill it in. The year
// comes back as it was written, with two or four digits; whether the month exists
// and the date lies ahead is for CheckCard. ok is false if it is no date at all.
func ParseExpiry(typed string) (month, year int, ok bool) {
	if len(typed) > expiryLengthMax {
		return 0, 0, false
	}
	parts := strings.FieldsFunc(typed, func(r rune) bool { return strings.ContainsRune(" /-.\u00a0\u202f", r) })
	switch {
	case len(parts) == 1 && (len(parts[0]) == 4 || len(parts[0]) == 6):
		parts = []string{parts[0][:2], parts[0][2:]}
	case len(parts) == 1 && len(parts[0]) == 3:
		parts = []string{parts[0][:1], parts[0][1:]}
	case len(parts) != 2:
		return 0, 0, false
	}
	if len(parts[0]) == 4 {
		parts[0], parts[1] = parts[1], parts[0]
	}
	if len(parts[0]) > 2 || len(parts[1]) != 2 && len(parts[1]) != 4 {
		return 0, 0, false
	}
	month, okMonth := digitsToInt(parts[0])
	year, okYear := digitsToInt(parts[1])
	if !okMonth || !okYear {
		return 0, 0, false
	}
	return month, year, true
}

func digitsToInt(s string) (int, bool) {
	if strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	return n, err == nil
}
