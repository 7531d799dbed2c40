package journal

import (
	"slices"

	"tender/domain/payment"
)

// Direction is where an operation moves money, if the acquirer performs it.
type Direction string

// The directions.
const (
	In  Direction = "in"  // from the customer to the acquirer: a sale, a capture
	Out Direction = "out" // back to the customer: a refund, a reversal that pays back
	// Nowhere is the direction of what only reserves money or releases it.
	Nowhere Direction = "nowhere"
)

// Operation is something that the acquirer was asked to do with a payment.
type Operation struct {
	ID  string    `json:"id"`
	Key string    `json:"key"`
	Way Direction `json:"way"`
}

// State is what has to be known of a payment to say what its next event does to the
// journal. The zero State is that of a payment which does not exist yet.
type State struct {
	Currency string `json:"currency"`
	// Attempts is the direction of the payment's attempts: a sale takes money, an
	// authorisation or a verification doesn't.
	Attempts Direction `json:"attempts"`
	// Operations are those that were ever asked for: a later word about one names its
	// key alone. The rules of a payment bound their number.
	Operations []Operation `json:"operations,omitempty"`
}

// Evolve returns the state after e.
func Evolve(s State, e payment.Event) State {
	switch e := e.(type) {
	case payment.Initiated:
		s = State{Currency: e.Currency, Attempts: Nowhere}
		if e.CaptureMethod == payment.CaptureAutomatic && e.Intent != payment.IntentVerification {
			s.Attempts = In
		}
	case payment.CaptureRequested:
		return s.with(Operation{ID: e.CaptureID, Key: e.Key, Way: In})
	case payment.VoidRequested:
		return s.with(Operation{ID: e.VoidID, Key: e.Key, Way: Nowhere})
	case payment.RefundRequested:
		return s.with(Operation{ID: e.RefundID, Key: e.Key, Way: Out})
	case payment.ReversalRequested:
		return s.with(Operation{ID: e.ReversalID, Key: e.Key, Way: reversalWay(e)})
	case payment.AttemptStarted, payment.ActionRequired, payment.Authorised, payment.Paid, payment.Verified,
		payment.AttemptFailed, payment.Captured, payment.CaptureFailed, payment.Voided, payment.VoidFailed,
		payment.Refunded, payment.RefundFailed, payment.AuthorisationExpired, payment.Reversed, payment.ReversalFailed,
		payment.Contradicted, payment.ResolutionProposed, payment.ResolutionConfirmed, payment.ResolutionRejected,
		payment.Cancelled, payment.Expired:
	default:
		panic("journal: " + e.Type() + " is not handled")
	}
	return s
}

func reversalWay(e payment.ReversalRequested) Direction {
	if e.Refund {
		return Out
	}
	return Nowhere
}

// with returns s with one more operation, in a slice of its own: states are values.
func (s State) with(op Operation) State {
	s.Operations = append(slices.Clone(s.Operations), op)
	return s
}

// operation finds the operation with this id.
func (s State) operation(id string) (Operation, bool) {
	i := slices.IndexFunc(s.Operations, func(op Operation) bool { return op.ID == id })
	if i < 0 {
		return Operation{}, false
	}
	return s.Operations[i], true
}

// called finds what was asked under a key. What is no operation is an attempt.
func (s State) called(key string) Operation {
	if i := slices.IndexFunc(s.Operations, func(op Operation) bool { return op.Key == key }); i >= 0 {
		return s.Operations[i]
	}
	return Operation{Key: key, Way: s.Attempts}
}

// paysBack reports whether the reversal with this id pays money back.
func (s State) paysBack(reversalID string) bool {
	op, _ := s.operation(reversalID)
	return op.Way == Out
}
