package payment

import (
	"fmt"
	"slices"
)

// Evolve returns the state after e. It panics on an event type that this build
// was compiled with and forgot to handle, and on an amount in another currency
// than the payment's: a sum of both would mean nothing.
func Evolve(s State, id string, e Event) State {
	if currency, holds := currencyOf(e); holds && currency != s.Currency {
		panic(fmt.Sprintf("payment: %s is in %q, and the payment in %q", e.Type(), currency, s.Currency))
	}
	switch e := e.(type) {
	case Initiated:
		return State{
			ID: id, SessionID: e.SessionID, Amount: e.Amount, Currency: e.Currency,
			Acquirer: e.Acquirer, CaptureMethod: e.CaptureMethod, Status: StatusProcessing,
			Intent: e.Intent, CustomerID: e.CustomerID, ClockID: e.ClockID, MandateID: e.MandateID,
			Attempt: Attempt{Settled: true},
		}
	case AttemptStarted:
		s.Status = StatusProcessing
		s.Attempt = Attempt{
			ID: e.AttemptID, Number: e.Number, Key: e.Key, AnswerBy: e.AnswerBy,
			Details: e.Details, PaymentMethodID: e.PaymentMethodID, Save: e.Save,
		}
	case ActionRequired:
		s.Status = StatusPendingAction
		s.Attempt.ActionBy = e.ActionBy
	case Authorised:
		s = s.approved(e.Amount, e.Reference)
		s.AuthorisationExpiresAt = e.ExpiresAt
	case Paid:
		s = s.approved(e.Amount, e.Reference)
		s.Captured = e.Amount
	case Verified:
		s = s.approved(0, e.Reference)
	case AttemptFailed:
		s.Attempt.Settled = true
		s.Failed = with(s.Failed, s.Attempt.Key)
		s = s.lapsed(s.Attempt.Key)
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
	case ResolutionProposed:
		s.Resolutions = append(slices.Clone(s.Resolutions), Resolution{
			ID: e.ResolutionID, Verdict: e.Verdict, Reason: e.Reason, By: e.By, Status: ResolutionStatusProposed,
		})
	case ResolutionConfirmed:
		return s.ended(e.ResolutionID, ResolutionStatusConfirmed, e.By)
	case ResolutionRejected:
		return s.ended(e.ResolutionID, ResolutionStatusRejected, e.By)
	case CaptureRequested, Captured, CaptureFailed, VoidRequested, Voided, VoidFailed,
		RefundRequested, Refunded, RefundFailed, AuthorisationExpired, ReversalRequested, Reversed, ReversalFailed:
		return evolveOperation(s, e)
	default:
		panic(fmt.Sprintf("payment: %T is not handled", e))
	}
	return s
}

// evolveOperation folds what happens to a payment once it was approved.
func evolveOperation(s State, e Event) State {
	switch e := e.(type) {
	case CaptureRequested:
		return s.asked(Operation{ID: e.CaptureID, Kind: OperationCapture, Amount: e.Amount, Key: e.Key, AnswerBy: e.AnswerBy, Reference: s.Attempt.Reference})
	case VoidRequested:
		return s.asked(Operation{ID: e.VoidID, Kind: OperationVoid, Amount: e.Amount, Key: e.Key, AnswerBy: e.AnswerBy, Reference: s.Attempt.Reference})
	case ReversalRequested:
		return s.asked(Operation{ID: e.ReversalID, Kind: OperationReversal, Amount: e.Amount, Key: e.Key, AnswerBy: e.AnswerBy, Reference: e.Reference, PaysBack: e.Refund})
	case RefundRequested:
		return s.asked(Operation{ID: e.RefundID, Kind: OperationRefund, Amount: e.Amount, Key: e.Key, AnswerBy: e.AnswerBy, Reference: s.Attempt.Reference})
	case Captured:
		s = s.answered(e.CaptureID, true)
		s.Captured += e.Amount
	case Voided:
		s = s.answered(e.VoidID, true)
		s.Voided += e.Amount
	case Refunded:
		s = s.answered(e.RefundID, true)
		s.Refunded += e.Amount
	case RefundFailed:
		return s.refundFailed(e)
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
	case Initiated, AttemptStarted, ActionRequired, Authorised, Paid, Verified, AttemptFailed, Contradicted, Cancelled, Expired,
		ResolutionProposed, ResolutionConfirmed, ResolutionRejected:
		panic(fmt.Sprintf("payment: %T is no operation", e))
	}
	return s
}

func (s State) approved(amount int64, reference string) State {
	s.Status = StatusSucceeded
	s.Attempt.Settled = true
	s.Attempt.Approved = true
	s.Attempt.Reference = reference
	if s.CustomerID == "" && s.Attempt.Save != nil {
		s.CustomerID = s.Attempt.Save.CustomerID
	}
	s.Done = with(s.Done, s.Attempt.Key)
	s.Authorised = amount
	return s.lapsed(s.Attempt.Key)
}

func (s State) asked(op Operation) State {
	s.Pending = append(slices.Clone(s.Pending), op)
	if op.Kind == OperationRefund {
		s.Refunds++
	} else {
		s.Operations++
	}
	return s
}

func (s State) answered(id string, performed bool) State {
	op, _ := s.PendingOperation(id)
	s.Pending = slices.DeleteFunc(slices.Clone(s.Pending), func(op Operation) bool { return op.ID == id })
	s.Answered = append(slices.Clone(s.Answered), op)
	if performed {
		s.Done = with(s.Done, op.Key)
	} else {
		s.Failed = with(s.Failed, op.Key)
	}
	return s.lapsed(op.Key)
}

// with returns keys and key in a slice of its own, because states are values
// that several holders share.
func with(keys []string, key string) []string { return append(slices.Clone(keys), key) }
