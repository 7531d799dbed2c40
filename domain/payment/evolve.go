package payment

import (
	"fmt"
	"slices"
)

// Evolve returns the state after e. It panics on an event type that this build
// was compiled with and forgot to handle.
func Evolve(s State, id string, e Event) State {
	switch e := e.(type) {
	case Initiated:
		return State{
			ID: id, SessionID: e.SessionID, Amount: e.Amount, Currency: e.Currency,
			Acquirer: e.Acquirer, CaptureMethod: e.CaptureMethod, Status: StatusProcessing,
			Attempt: Attempt{Settled: true},
		}
	case AttemptStarted:
		s.Status = StatusProcessing
		s.Attempt = Attempt{ID: e.AttemptID, Number: e.Number, Key: e.Key, AnswerBy: e.AnswerBy}
	case ActionRequired:
		s.Status = StatusPendingAction
		s.Attempt.ActionBy = e.ActionBy
	case Authorised:
		s = s.approved(e.Amount, e.Reference)
		s.AuthorisationExpiresAt = e.ExpiresAt
	case Paid:
		s = s.approved(e.Amount, e.Reference)
		s.Captured = e.Amount
	case AttemptFailed:
		s.Attempt.Settled = true
		s.Failed = with(s.Failed, s.Attempt.Key)
		s.Status = StatusDraft
		if e.Final {
			s.Status = StatusFailed
		}
	case Contradicted:
		s.Contradicted = with(s.Contradicted, e.Key)
	case Cancelled:
		s.Status = StatusCancelled
	case Expired:
		s.Status = StatusExpired
	case CaptureRequested, Captured, CaptureFailed, VoidRequested, Voided, VoidFailed,
		AuthorisationExpired, ReversalRequested, Reversed, ReversalFailed:
		return evolveOperation(s, e)
	default:
		panic(fmt.Sprintf("payment: %T is not handled", e))
	}
	return s
}

// evolveOperation folds what happens to an authorisation once it stands.
func evolveOperation(s State, e Event) State {
	switch e := e.(type) {
	case CaptureRequested:
		return s.asked(Operation{ID: e.CaptureID, Kind: OperationCapture, Amount: e.Amount, Key: e.Key, AnswerBy: e.AnswerBy, Reference: s.Attempt.Reference})
	case VoidRequested:
		return s.asked(Operation{ID: e.VoidID, Kind: OperationVoid, Amount: e.Amount, Key: e.Key, AnswerBy: e.AnswerBy, Reference: s.Attempt.Reference})
	case ReversalRequested:
		return s.asked(Operation{ID: e.ReversalID, Kind: OperationReversal, Amount: e.Amount, Key: e.Key, AnswerBy: e.AnswerBy, Reference: e.Reference})
	case Captured:
		s = s.answered(e.CaptureID, true)
		s.Captured += e.Amount
	case Voided:
		s = s.answered(e.VoidID, true)
		s.Voided += e.Amount
	case Reversed:
		s = s.answered(e.ReversalID, true)
	case CaptureFailed:
		s = s.answered(e.CaptureID, false)
	case VoidFailed:
		s = s.answered(e.VoidID, false)
	case ReversalFailed:
		s = s.answered(e.ReversalID, false)
	case AuthorisationExpired:
		s.Expired += e.Amount
	case Initiated, AttemptStarted, ActionRequired, Authorised, Paid, AttemptFailed, Contradicted, Cancelled, Expired:
		panic(fmt.Sprintf("payment: %T is no operation", e))
	}
	return s
}

func (s State) approved(amount int64, reference string) State {
	s.Status = StatusSucceeded
	s.Attempt.Settled = true
	s.Attempt.Approved = true
	s.Attempt.Reference = reference
	s.Done = with(s.Done, s.Attempt.Key)
	s.Authorised = amount
	return s
}

func (s State) asked(op Operation) State {
	s.Pending = append(slices.Clone(s.Pending), op)
	s.Operations++
	return s
}

func (s State) answered(id string, performed bool) State {
	op, _ := s.PendingOperation(id)
	s.Pending = slices.DeleteFunc(slices.Clone(s.Pending), func(op Operation) bool { return op.ID == id })
	if performed {
		s.Done = with(s.Done, op.Key)
	} else {
		s.Failed = with(s.Failed, op.Key)
	}
	return s
}

// with returns keys and key in a slice of its own, because states are values
// that several holders share.
func with(keys []string, key string) []string { return append(slices.Clone(keys), key) }
