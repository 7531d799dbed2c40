package mandate

import (
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"tender/domain"
	"tender/domain/decline"
	"tender/domain/money"
)

// CodeViolation is the code of [ErrViolation].
const CodeViolation domain.Code = "mandate_violation"

// Refusals of what is asked of a mandate.
var (
	ErrNotFound = domain.Refuse("not_found", "There is no such mandate.")
	ErrExists   = domain.Refuse("mandate_exists", "The mandate exists already.")
	// ErrViolation is what every [Violations] unwraps to.
	ErrViolation     = domain.Refuse(CodeViolation, "The mandate does not allow this payment.")
	ErrAmountInvalid = &domain.Refusal{
		Code: "invalid_request", Detail: fmt.Sprintf("A payment's amount is between 1 and %d.", int64(money.AmountMax)), Field: "/amount",
	}
	ErrReasonTooLong = &domain.Refusal{
		Code: "invalid_request", Detail: fmt.Sprintf("reason may have at most %d characters.", ReasonCharactersMax), Field: "/reason",
	}
	ErrTooManyOpen = domain.RefuseForNow("operation_in_progress",
		"Too many payments under this mandate are in flight or wait for their capture. Try again later.")
)

// ErrOutOfOrder says that a payment is not at the point at which what is asked for
// can happen to it. It is no refusal: whoever asks has mixed something up.
var ErrOutOfOrder = errors.New("mandate: the payment is not at that point")

// Command is something that may be asked of a mandate.
//
//sumtype:decl
type Command interface{ mandateCommand() }

// Create makes a mandate. Its terms come from [Read] or [Unconstrained].
type Create struct{ Created Created }

// Charge asks to begin a payment. Where it is allowed, it counts from then on.
type Charge struct {
	PaymentID string
	SessionID string
	Amount    int64 // minor units
	Currency  string
	Now       domain.Moment
}

// Settle records what became of a payment in flight.
type Settle struct {
	PaymentID string
	Succeeded bool
	Reserved  bool            // it succeeded, and is captured or given back later
	Failure   decline.Failure // where it did not succeed
}

// Reduce records that part of a reserved payment, or all of it, was given back by
// a void or an expiry; or that nothing of it can come back any more.
type Reduce struct {
	PaymentID string
	Amount    int64 // given back, minor units; 0: none
	// Final: nothing is capturable any more, and no capture or void is in flight.
	Final bool
}

// Revoke ends a mandate.
type Revoke struct {
	By     RevokedBy
	Reason string
}

// Expire ends a mandate whose validity is over.
type Expire struct{ Now domain.Moment }

func (Create) mandateCommand() {}
func (Charge) mandateCommand() {}
func (Settle) mandateCommand() {}
func (Reduce) mandateCommand() {}
func (Revoke) mandateCommand() {}
func (Expire) mandateCommand() {}

// Decide returns what happens when c is asked of a mandate in state s: events,
// none if there is nothing left to do, or a refusal. [Exhausted] comes along with
// what exhausts the mandate, and the revocation with a decline by which the
// cardholder says no to all further payments.
//
// What is said of a payment that the mandate does not know, or knows to be over,
// changes nothing: the first payment of a series counts towards nothing.
func Decide(s State, c Command) ([]Event, error) {
	events, err := s.decide(c)
	if err != nil || len(events) == 0 {
		return nil, err
	}
	after := s
	for _, e := range events {
		after = Evolve(after, s.ID, time.Time{}, e)
	}
	if after.spent() {
		events = append(events, Exhausted{})
	}
	return events, nil
}

func (s State) decide(c Command) ([]Event, error) {
	if _, create := c.(Create); !create && !s.Exists() {
		return nil, ErrNotFound
	}
	switch c := c.(type) {
	case Create:
		return s.create(c)
	case Charge:
		return s.charged(c)
	case Settle:
		return s.settle(c)
	case Reduce:
		return s.reduce(c)
	case Revoke:
		return s.revoke(c)
	case Expire:
		return s.expire(c)
	default:
		panic(fmt.Sprintf("mandate: %T is not handled", c))
	}
}

func (s State) create(c Create) ([]Event, error) {
	if s.Exists() {
		return nil, ErrExists
	}
	return []Event{c.Created}, nil
}

// revoke ends a mandate that has not ended yet. A payment in flight is not cut
// off.
func (s State) revoke(c Revoke) ([]Event, error) {
	switch {
	case utf8.RuneCountInString(c.Reason) > ReasonCharactersMax:
		return nil, ErrReasonTooLong
	case !s.Active():
		return nil, nil
	}
	return []Event{Revoked(c)}, nil
}

// expire ends a mandate whose validity is over. A payment in flight is not cut
// off.
func (s State) expire(c Expire) ([]Event, error) {
	day, err := s.Terms.DayOf(c.Now.At)
	if err != nil {
		return nil, err
	}
	if !s.Active() || !s.Terms.Validity.ended(day) {
		return nil, nil
	}
	return []Event{Expired{}}, nil
}
