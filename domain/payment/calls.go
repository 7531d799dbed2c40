package payment

import "time"

// Call is what the acquirer was asked and has not finally answered: the attempt, or
// an operation.
type Call struct {
	ID        string        // of the attempt or the operation
	Operation OperationKind // "": the attempt
	Key       string
	Amount    int64 // minor units; 0 of a verification
	// AnswerBy is until when the answer is waited for, by the wall: for the window
	// of the process that asked, or for a customer who is away.
	AnswerBy time.Time
}

// Unanswered reports whether anybody may find out what became of the call.
func (c Call) Unanswered(wall time.Time) bool { return !wall.Before(c.AnswerBy) }

// Unresolved reports whether the call has gone unanswered for so long that people
// look into it, and may say what became of it.
func (c Call) Unresolved(wall time.Time) bool { return !wall.Before(c.AnswerBy.Add(UnresolvedAfter)) }

// Calls returns everything that waits for the acquirer's final answer: the attempt
// first, operations as they were asked for.
func (s State) Calls() []Call {
	var calls []Call
	if s.InFlight() {
		c := Call{ID: s.Attempt.ID, Key: s.Attempt.Key, Amount: s.Amount, AnswerBy: s.Attempt.AnswerBy}
		if s.WaitsForCustomer() {
			c.AnswerBy = s.Attempt.ActionBy
		}
		calls = append(calls, c)
	}
	for _, op := range s.Pending {
		calls = append(calls, Call{ID: op.ID, Operation: op.Kind, Key: op.Key, Amount: op.Amount, AnswerBy: op.AnswerBy})
	}
	return calls
}
