package payment

import (
	"slices"
	"time"

	"tender/domain/id"

	"github.com/google/uuid"
)

// settleOperation records the acquirer's word on an operation. The same word
// again changes nothing; for the opposite word see [State.settleAgain].
func (s State) settleOperation(c SettleOperation) ([]Event, error) {
	c.Failure.Account = s.Attempt.Details.Type.IsAccount()
	op, pending := s.operation(c.Key)
	if !pending {
		return s.settleAgain(c), nil
	}
	switch op.Kind {
	case OperationCapture:
		if c.Performed {
			return []Event{Captured{CaptureID: op.ID, Amount: op.Amount, Currency: s.Currency, Reference: c.Reference}}, nil
		}
		return []Event{CaptureFailed{CaptureID: op.ID, Amount: op.Amount, Currency: s.Currency, Failure: c.Failure}}, nil
	case OperationVoid:
		if c.Performed {
			return []Event{Voided{VoidID: op.ID, Amount: op.Amount, Currency: s.Currency, Reference: c.Reference}}, nil
		}
		return []Event{VoidFailed{VoidID: op.ID, Amount: op.Amount, Currency: s.Currency, Failure: c.Failure}}, nil
	case OperationRefund:
		if c.Performed {
			return []Event{Refunded{RefundID: op.ID, Amount: op.Amount, Currency: s.Currency, Reference: c.Reference}}, nil
		}
		return []Event{RefundFailed{RefundID: op.ID, Amount: op.Amount, Currency: s.Currency, Failure: c.Failure}}, nil
	case OperationReversal:
		if c.Performed {
			return []Event{Reversed{ReversalID: op.ID, Amount: op.Amount, Currency: s.Currency, Reference: c.Reference}}, nil
		}
		return []Event{ReversalFailed{ReversalID: op.ID, Amount: op.Amount, Currency: s.Currency, Failure: c.Failure}}, nil
	}
	panic("payment: operation kind " + string(op.Kind) + " is not handled")
}

// settleAgain records a later word on an operation. A refund that was performed
// may still fail; any other word that says the opposite is a contradiction. A
// capture that was recorded as failed and performed all the same is paid back:
// nobody knows of that money, and the merchant may have captured anew.
func (s State) settleAgain(c SettleOperation) []Event {
	var op Operation
	if i := slices.IndexFunc(s.Answered, func(op Operation) bool { return op.Key == c.Key }); i >= 0 {
		op = s.Answered[i]
	}
	if !c.Performed && s.mayFailLate(op) {
		return []Event{RefundFailed{RefundID: op.ID, Amount: op.Amount, Currency: s.Currency, Failure: c.Failure, Late: true}}
	}
	events := s.Contradiction(c.Key, c.Performed, op.Amount, c.Reference)
	if len(events) > 0 && c.Performed && op.Kind == OperationCapture {
		payBack := s.requestReversal(operationID(id.Reversal, c.ID), op.Amount, op.Reference, c.Now.Wall)
		payBack.Refund = true
		events = append(events, payBack)
	}
	return events
}

// Contradiction returns the event for an answer that says the opposite of what
// is recorded for key, once; nothing where the answer only repeats what was
// recorded, now or before, or the key is not this payment's.
func (s State) Contradiction(key string, performed bool, amount int64, reference string) []Event {
	heard, opposite := s.Failed, s.Done
	if performed {
		heard, opposite = s.Done, s.Failed
	}
	if !slices.Contains(opposite, key) || slices.Contains(heard, key) || slices.Contains(s.Contradicted, key) {
		return nil
	}
	return []Event{Contradicted{Key: key, Performed: performed, Amount: amount, Currency: s.Currency, Reference: reference}}
}

// ReverseContradicted returns the intent that gives back an authorisation which
// the acquirer performed although it was recorded as failed: what was reserved is
// released, what was taken at once is paid back.
func (s State) ReverseContradicted(command uuid.UUID, amount int64, reference string, wall time.Time) Event {
	reversal := s.requestReversal(operationID(id.Reversal, command), amount, reference, wall)
	reversal.Refund = s.CaptureMethod == CaptureAutomatic
	return reversal
}

func (s State) requestReversal(reversalID string, amount int64, reference string, wall time.Time) ReversalRequested {
	return ReversalRequested{
		ReversalID: reversalID, Amount: amount, Currency: s.Currency, Reference: reference,
		Key: s.operationKey(reversalID), AnswerBy: answerBy(wall),
	}
}
