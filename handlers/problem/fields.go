package problem

import (
	"encoding/json"
	"fmt"
	"strings"

	"tender/domain"
)

// The codes that say what is wrong with one field. They stand in a problem's
// errors, never as a problem of their own. A [domain.Refusal] with one of them
// and a Field becomes an invalid_request that names that field.
const (
	Required          domain.Code = "required"
	Unknown           domain.Code = "unknown"
	WrongType         domain.Code = "wrong_type"
	TooSmall          domain.Code = "too_small"
	TooLarge          domain.Code = "too_large"
	TooShort          domain.Code = "too_short"
	TooLong           domain.Code = "too_long"
	TooFew            domain.Code = "too_few"
	TooMany           domain.Code = "too_many"
	InvalidFormat     domain.Code = "invalid_format"
	NotAnOption       domain.Code = "not_an_option"
	UnknownCurrency   domain.Code = "unknown_currency"
	Contradiction     domain.Code = "contradiction"
	NotAllowed        domain.Code = "not_allowed"
	Duplicate         domain.Code = "duplicate"
	Invalid           domain.Code = "invalid"
	Malformed         domain.Code = "malformed"
	InvalidToken      domain.Code = "invalid_token"
	InvalidCardNumber domain.Code = "invalid_card_number"
	CardExpired       domain.Code = "card_expired"
	Differs           domain.Code = "differs"

	// What a payment without the customer may break of its mandate.
	AmountNotAllowed      domain.Code = "amount_not_allowed"
	OutsideValidityPeriod domain.Code = "outside_validity_period"
	MaxOccurrencesReached domain.Code = "max_occurrences_reached"
	PeriodLimitExceeded   domain.Code = "period_limit_exceeded"
	CurrencyMismatch      domain.Code = "currency_mismatch"
	MandateNotActive      domain.Code = "mandate_not_active"
)

// FieldKind is one row of the table of field errors.
type FieldKind struct {
	Code domain.Code
	Says string // what is wrong with the field
}

// fieldTable holds every field error.
var fieldTable = []FieldKind{
	{Required, "The field must be present."},
	{Unknown, "There is no such field."},
	{WrongType, "The value is of the wrong JSON type, or a number is not a whole one."},
	{TooSmall, "The number is below its least value, or the time is too early."},
	{TooLarge, "The number is above its greatest value, or the time is too late."},
	{TooShort, "The string is shorter than it may be."},
	{TooLong, "The string is longer than it may be."},
	{TooFew, "The list or object has fewer members than it must have."},
	{TooMany, "The list or object has more members than it may have."},
	{InvalidFormat, "The string does not look as it must: an id, a time, a URL, a pattern."},
	{NotAnOption, "The value is none of those that are allowed."},
	{UnknownCurrency, "The value is no ISO 4217 currency that payments can be made in today."},
	{Contradiction, "The field can't stand beside another that was sent."},
	{NotAllowed, "The value is well formed, but the merchant, the mode or the kind of key does not allow it."},
	{Duplicate, "The member, or the element, stands there twice."},
	{Invalid, "The value can't be accepted; the detail says why."},
	{Malformed, "What stands here can't be read as JSON, or the header or parameter can't be read."},
	{InvalidToken, "The cursor or position token was not issued to this merchant for this list, or was changed."},
	{InvalidCardNumber, "The card number's check digit is wrong."},
	{CardExpired, "The card's expiry date has passed."},
	{Differs, "The field differs from the request that first used the Idempotency-Key."},
	{AmountNotAllowed, "The amount is not one that the mandate allows."},
	{OutsideValidityPeriod, "The day lies outside the mandate's validity period."},
	{MaxOccurrencesReached, "As many payments were made as the mandate allows."},
	{PeriodLimitExceeded, "The payment goes beyond what the mandate allows in this day, week, month or year."},
	{CurrencyMismatch, "The mandate is for another currency."},
	{MandateNotActive, "The mandate is revoked, expired or exhausted."},
}

// FieldKinds returns the table of field errors, in its order.
func FieldKinds() []FieldKind { return append([]FieldKind(nil), fieldTable...) }

var fieldKinds = indexFieldKinds()

func indexFieldKinds() map[domain.Code]FieldKind {
	index := make(map[domain.Code]FieldKind, len(fieldTable))
	for _, k := range fieldTable {
		index[k.Code] = k
	}
	return index
}

// FieldError says what is wrong with one part of a request. Exactly one of
// Header, Parameter and Pointer says where: Pointer is a JSON pointer (RFC 6901)
// into the body, "" the whole of it, and counts when the other two are empty.
type FieldError struct {
	Pointer   string
	Header    string // a request header's name
	Parameter string // a query or path parameter's name
	Code      domain.Code
	Detail    string // one sentence for people
}

// fieldErrorJSON is a [FieldError] on the wire and in a record.
type fieldErrorJSON struct {
	Pointer   *string     `json:"pointer,omitempty"`
	Header    string      `json:"header,omitempty"`
	Parameter string      `json:"parameter,omitempty"`
	Code      domain.Code `json:"code"`
	Detail    string      `json:"detail"`
}

// MarshalJSON writes the one place that f names, its code and its detail.
func (f FieldError) MarshalJSON() ([]byte, error) { return json.Marshal(f.wire()) }

func (f FieldError) wire() fieldErrorJSON {
	out := fieldErrorJSON{Code: f.Code, Detail: f.Detail}
	switch {
	case f.Header != "":
		out.Header = f.Header
	case f.Parameter != "":
		out.Parameter = f.Parameter
	default:
		out.Pointer = &f.Pointer
	}
	return out
}

// UnmarshalJSON reads what [FieldError.MarshalJSON] wrote.
func (f *FieldError) UnmarshalJSON(b []byte) error {
	var in fieldErrorJSON
	if err := json.Unmarshal(b, &in); err != nil {
		return err
	}
	*f = FieldError{Header: in.Header, Parameter: in.Parameter, Code: in.Code, Detail: in.Detail}
	if in.Pointer != nil {
		f.Pointer = *in.Pointer
	}
	return nil
}

// Place names what f is about, for people and logs.
func (f FieldError) Place() string {
	switch {
	case f.Header != "":
		return "header " + f.Header
	case f.Parameter != "":
		return "parameter " + f.Parameter
	case f.Pointer == "":
		return "the body"
	}
	return f.Pointer
}

// FieldErrors is everything that is wrong with a request, found in one reading.
// As an error it becomes an invalid_request; an empty list is no error, see
// [FieldErrors.Err].
type FieldErrors []FieldError

// Add appends an error about the body's field at pointer.
func (e *FieldErrors) Add(pointer string, code domain.Code, detail string) {
	*e = append(*e, FieldError{Pointer: pointer, Code: code, Detail: detail})
}

// AddParameter appends an error about a query or path parameter.
func (e *FieldErrors) AddParameter(name string, code domain.Code, detail string) {
	*e = append(*e, FieldError{Parameter: name, Code: code, Detail: detail})
}

// AddHeader appends an error about a request header.
func (e *FieldErrors) AddHeader(name string, code domain.Code, detail string) {
	*e = append(*e, FieldError{Header: name, Code: code, Detail: detail})
}

// Err returns the list as an error, or nil if it is empty.
func (e FieldErrors) Err() error {
	if len(e) == 0 {
		return nil
	}
	return e
}

// Error lists the fields and their codes, without their values.
func (e FieldErrors) Error() string {
	parts := make([]string, len(e))
	for i, f := range e {
		parts[i] = fmt.Sprintf("%s: %s", f.Place(), f.Code)
	}
	return "invalid request: " + strings.Join(parts, ", ")
}

// Pointer makes a JSON pointer (RFC 6901) of the names and indices of members,
// escaping what must be escaped.
func Pointer(members ...string) string {
	var b strings.Builder
	for _, m := range members {
		b.WriteByte('/')
		b.WriteString(pointerEscaper.Replace(m))
	}
	return b.String()
}

var pointerEscaper = strings.NewReplacer("~", "~0", "/", "~1")
