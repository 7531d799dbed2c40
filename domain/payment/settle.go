package payment

import (
	"slices"
	"time"

	"tender/domain/id"

	"github.com/google/uuid"
)

// settleOperation records the acquirer's word on an operation. The same word
// again changes nothing; the opposite word is a contradiction.
func (s State) settleOperation(c SettleOperation) ([]Event, error) {
	op, pending := s.operation(c.Key)
	if !pending {
		return s.Contradiction(c.Key, c.Performed, 0, c.Reference), nil
	}
	switch op.Kind {
	case OperationCapture:
		if c.Performed {
			return []Event{Captured{CaptureID: op.ID, Amount: op.Amount, Reference: c.Reference}}, nil
		}
		return []Event{CaptureFailed{CaptureID: op.ID, Amount: op.Amount, Failure: c.Failure}}, nil
	case OperationVoid:
		if c.Performed {
			return []Event{Voided{VoidID: op.ID, Amount: op.Amount, Reference: c.Reference}}, nil
		}
		return []Event{VoidFailed{VoidID: op.ID, Amount: op.Amount, Failure: c.Failure}}, nil
	case OperationReversal:
		if c.Performed {
			return []Event{Reversed{ReversalID: op.ID, Amount: op.Amount, Reference: c.Reference}}, nil
		}
		return []Event{ReversalFailed{ReversalID: op.ID, Amount: op.Amount, Failure: c.Failure}}, nil
	}
	panic("payment: operation kind " + string(op.Kind) + " is not handled")
}

// Contradiction returns the event for an answer that says the opposite of what
// is recorded for key, once; nothing where the answer only repeats the record or
// the key is not this payment's.
func (s State) Contradiction(key string, performed bool, amount int64, reference string) []Event {
	recorded := s.Failed
	if !performed {
		recorded = s.Done
	}
	if !slices.Contains(recorded, key) || slices.Contains(s.Contradicted, key) {
		return nil
	}
	return []Event{Contradicted{Key: key, Performed: performed, Amount: amount, Reference: reference}}
}

// ReverseContradicted returns the intent that releases an authorisation which
// the acquirer performed although it was recorded as failed.
func (s State) ReverseContradicted(command uuid.UUID, amount int64, reference string, wall time.Time) Event {
	return s.requestReversal(operationID(id.Reversal, command), amount, reference, wall)
}

func (s State) requestReversal(reversalID string, amount int64, reference string, wall time.Time) Event {
	return ReversalRequested{
		ReversalID: reversalID, Amount: amount, Reference: reference,
		Key: s.operationKey(reversalID), AnswerBy: answerBy(wall),
	}
}
