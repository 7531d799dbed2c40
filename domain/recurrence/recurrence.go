// Package recurrence holds what the engine knows about calendar dates and
// schedules: which days a rule such as "every month on the 1st and 15th" means,
// at which instant a day's time comes in a time zone, and in which window of a
// period limit a day lies.
//
// Everything is a value. A [Rule], a [Date], a [TimeOfDay] and a [Window] compare
// with ==, are valid by construction, and write the same bytes whenever they are
// equal; they stand in events as they are.
//
// The package knows no clock, no holidays and no money. [Zone] alone touches the
// machine: it reads the time zone database, once per name.
package recurrence

import "tender/domain"

// FieldProblem is one thing that is wrong with one part of what was sent.
type FieldProblem struct {
	Pointer string // JSON pointer (RFC 6901), relative to the value that was read; "" is all of it
	Code    domain.Code
	Detail  string // one sentence for people
}

// Codes in which a FieldProblem says what is wrong. They are those that every
// field of a request is refused with.
const (
	CodeRequired      domain.Code = "required"
	CodeUnknown       domain.Code = "unknown"
	CodeWrongType     domain.Code = "wrong_type"
	CodeTooSmall      domain.Code = "too_small"
	CodeTooLarge      domain.Code = "too_large"
	CodeTooFew        domain.Code = "too_few"
	CodeTooMany       domain.Code = "too_many"
	CodeNotAnOption   domain.Code = "not_an_option"
	CodeContradiction domain.Code = "contradiction"
	CodeDuplicate     domain.Code = "duplicate"
	CodeMalformed     domain.Code = "malformed"
)
