// Package payment holds the rules of one payment: attempts to authorise it, what
// may be captured, voided or expire of what was authorised, and what may be
// refunded of what was captured.
//
// A payment belongs to one session, which may need several attempts until one
// succeeds. The rules that span both live in package collect.
//
// What was asked of the acquirer and not yet answered counts as gone: it is
// available to nobody else until the acquirer says that it failed.
package payment

import (
	"slices"
	"time"

	"tender/domain/decline"
	"tender/domain/method"
)

// CaptureMethod says when authorised money is taken.
type CaptureMethod string

// The capture methods.
const (
	CaptureAutomatic CaptureMethod = "automatic" // at once, in one step: a sale
	CaptureManual    CaptureMethod = "manual"    // later, by captures
)

// Intent says what a payment is for.
type Intent string

// What a payment may be for: money is to move, or a method is to be verified.
const (
	IntentPayment      Intent = "payment"
	IntentVerification Intent = "payment_method_verification"
)

// Status is where a payment stands. Captures and voids don't change it.
type Status string

// Where a payment may stand.
const (
	StatusDraft         Status = "draft"          // the last attempt failed, another may follow
	StatusPendingAction Status = "pending_action" // the customer has to act elsewhere
	StatusProcessing    Status = "processing"     // with the acquirer, or its answer is unknown
	StatusSucceeded     Status = "succeeded"
	StatusFailed        Status = "failed" // no attempt is left
	StatusCancelled     Status = "cancelled"
	StatusExpired       Status = "expired"
)

// Limits of a payment.
const (
	// AttemptsMax is how often one session may try to pay.
	AttemptsMax = 10
	// OperationsMax bounds captures and voids of one payment, failed ones
	// included, so that its history stays short enough to fold at any time.
	OperationsMax = 200
	// RefundsMax bounds refunds of one payment, failed ones included. They have a
	// count of their own: who has captured in many parts can still pay back.
	RefundsMax = 200
	// VoidsBeyondMax is how many voids there may be on top of OperationsMax: a
	// payment that has used it up must still be able to give the rest back.
	VoidsBeyondMax = 10
	// CallTimeout is how long the acquirer may take to answer a call.
	CallTimeout = 5 * time.Second
	// AnswerWindow is how long only the process that appended an intent acts on
	// it. Afterwards any worker may find out what became of it.
	AnswerWindow = 15 * time.Second
	// UnresolvedAfter is how long workers alone ask the acquirer what became of a call
	// whose window is over. Afterwards people are told, and may say so themselves.
	UnresolvedAfter = 24 * time.Hour
	// ResolutionsMax bounds what people may say of one payment's calls.
	ResolutionsMax = 50
	// ReasonCharactersMax bounds why they say so.
	ReasonCharactersMax = 500
	// ReferenceBytesMax bounds the names that an acquirer or a scheme has for things.
	ReferenceBytesMax = 255

	cardDigitsMin, cardDigitsMax = 12, 19 // of any card number, ISO/IEC 7812-1
)

// OperationKind tells the operations on an approved payment apart.
type OperationKind string

// The kinds of operations.
const (
	OperationCapture  OperationKind = "capture"
	OperationVoid     OperationKind = "void"
	OperationRefund   OperationKind = "refund"
	OperationReversal OperationKind = "reversal" // ours, when an authorisation expires or should not stand
)

// Operation is an intent whose outcome is not known yet.
type Operation struct {
	ID       string
	Kind     OperationKind
	Amount   int64 // minor units
	Key      string
	AnswerBy time.Time // wall time
	// Reference is the authorisation that the operation is about.
	Reference string
	// PaysBack says of a reversal that money was taken and is paid back, not a
	// reservation released.
	PaysBack bool
}

// Attempt is the latest try to authorise.
type Attempt struct {
	ID       string
	Number   int // from 1
	Key      string
	AnswerBy time.Time // wall time
	// ActionBy is when the customer's part elsewhere, if it is not done, is given up;
	// zero: nothing is asked of them.
	ActionBy time.Time
	Settled  bool
	Approved bool
	// Reference is the acquirer's, once approved.
	Reference string
	// Details are what may be known of what pays.
	Details method.Details
	// PaymentMethodID is the saved method that pays; Save is what is saved if it
	// succeeds.
	PaymentMethodID string
	Save            *Save
}

// State is what the rules need to know of a payment. The zero State does not
// exist yet.
type State struct {
	ID            string
	SessionID     string
	Amount        int64
	Currency      string
	Acquirer      string
	CaptureMethod CaptureMethod
	Intent        Intent
	CustomerID    string // whose payment it is; "": nobody's that is known
	ClockID       string // of the customer
	MandateID     string // that it is made under, without the customer
	Status        Status
	Attempt       Attempt

	Authorised int64 // minor units, as all amounts here
	Captured   int64
	Voided     int64
	Expired    int64
	Refunded   int64 // falls again where a refund fails late

	Pending    []Operation
	Operations int // ever asked for, refunds aside
	Refunds    int // ever asked for
	// Answered holds the operations whose outcome is recorded: a later word about
	// one names its key alone.
	Answered []Operation

	AuthorisationExpiresAt time.Time
	// Failed holds the keys of attempts and operations that were recorded as
	// not performed, to recognise an answer that contradicts the record. The key of
	// a refund that failed late stands in Done, too.
	Failed []string
	// Done holds the keys of operations that were recorded as performed.
	Done []string
	// Contradicted holds the keys whose contradiction is recorded already.
	Contradicted []string
	// Resolutions are what people have said of calls that went unanswered.
	Resolutions []Resolution
}

// Exists reports whether the payment was ever initiated.
func (s State) Exists() bool { return s.ID != "" }

// PendingAmount is what captures and voids not yet answered ask for.
func (s State) PendingAmount() int64 {
	var sum int64
	for _, op := range s.Pending {
		if op.Kind == OperationCapture || op.Kind == OperationVoid {
			sum += op.Amount
		}
	}
	return sum
}

// Capturable is what may still be captured or voided.
func (s State) Capturable() int64 {
	return s.Authorised - s.Captured - s.Voided - s.Expired - s.PendingAmount()
}

// Refundable is what may still be refunded.
func (s State) Refundable() int64 {
	left := s.Captured - s.Refunded
	for _, op := range s.Pending {
		if op.Kind == OperationRefund {
			left -= op.Amount
		}
	}
	return left
}

// InFlight reports whether an attempt was started whose outcome is not known.
func (s State) InFlight() bool { return s.Exists() && !s.Attempt.Settled }

// WaitsForCustomer reports whether the attempt in flight waits for the customer to
// do their part: at a bank's page, or on their telephone.
func (s State) WaitsForCustomer() bool { return s.InFlight() && !s.Attempt.ActionBy.IsZero() }

// Reserves reports whether what pays reserves money, if only for the moment in which
// it is taken. Of what doesn't, nothing is ever authorised, captured or voided.
func (s State) Reserves() bool {
	w, known := s.Attempt.Details.Type.Way()
	return !known || w.Reserves
}

// operation returns the pending operation with this key.
func (s State) operation(key string) (Operation, bool) {
	i := slices.IndexFunc(s.Pending, func(op Operation) bool { return op.Key == key })
	if i < 0 {
		return Operation{}, false
	}
	return s.Pending[i], true
}

// PendingOperation returns the pending operation with this id.
func (s State) PendingOperation(id string) (Operation, bool) {
	i := slices.IndexFunc(s.Pending, func(op Operation) bool { return op.ID == id })
	if i < 0 {
		return Operation{}, false
	}
	return s.Pending[i], true
}

// outcomeUnknown reports whether any call went unanswered for longer than its
// window: from then on nothing is decided until it is settled.
func (s State) outcomeUnknown(wall time.Time) bool {
	return slices.ContainsFunc(s.Pending, func(op Operation) bool { return !wall.Before(op.AnswerBy) })
}

// authorisedManually reports whether captures and voids make sense at all.
func (s State) authorisedManually() bool {
	return s.Status == StatusSucceeded && s.CaptureMethod == CaptureManual && s.Authorised > 0
}

// authorisationExpired reports whether the authorisation is no longer good at t,
// whether that is recorded yet or not.
func (s State) authorisationExpired(t time.Time) bool {
	return s.Expired > 0 || !s.AuthorisationExpiresAt.IsZero() && !t.Before(s.AuthorisationExpiresAt)
}

// Failure is why an attempt or an operation was not performed.
type Failure = decline.Failure
