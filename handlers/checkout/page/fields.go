package page

import (
	"fmt"

	"tender/domain/method"
)

// fieldError is what is wrong with one field of the form, for its customer.
type fieldError struct {
	Field string // the id of its input
	Text  string
}

// FieldErrors are the problems in the order of the form, one per field.
func (s shown) FieldErrors() []fieldError {
	var all []fieldError
	for _, field := range []string{FieldMethod, FieldBank, FieldPhone, FieldNumber, FieldExp, FieldCVC, FieldName, FieldAccept} {
		if text := s.FieldError(field); text != "" {
			all = append(all, fieldError{field, text})
		}
	}
	return all
}

// FieldError is the first problem of one field, or "". A code without a text of
// its own gets the general one: a customer is never shown a code.
func (s shown) FieldError(field string) string {
	for _, p := range s.Problems {
		if formField(p.Field) != field {
			continue
		}
		text, err := s.T("field." + field + "." + p.Code)
		if err != nil {
			text, _ = s.T("field.other")
		}
		return text
	}
	return ""
}

// formField is the input in which a card's field is typed: month and year are one.
func formField(field string) string {
	if field == method.FieldExpMonth || field == method.FieldExpYear {
		return FieldExp
	}
	return field
}

// expiry says until when a saved card is good, or was.
func (s shown) expiry(m SavedMethod) (string, error) {
	key := "saved.good"
	if m.Expired {
		key = "saved.expired"
	}
	return s.T(key, "date", fmt.Sprintf("%02d / %02d", m.ExpMonth, m.ExpYear%100))
}

// testCard is a card that the ribbon of test mode offers.
type testCard struct {
	Number string
	Does   string // key of the text that says what it does
}

// TestCards are a few of the documented ones, each for one way that a payment
// can go.
func (s shown) TestCards() []testCard {
	return []testCard{
		{"4242 4242 4242 4242", "succeeds"},
		{"4000 0000 0000 3220", "challenges"},
		{"4000 0000 0000 0002", "declines"},
		{"4000 0000 0000 9995", "lacks_funds"},
		{"4000 0000 0000 0408", "loses_answer"},
	}
}
