package payment

import "tender/domain/id"

// void decides a void, always of all that remains. The order of the refusals is
// the contract's.
func (s State) void(c Void) ([]Event, error) {
	switch {
	case !s.authorisedManually():
		return nil, ErrVoidNotAllowed
	case s.Voided == s.Authorised:
		return nil, ErrAlreadyVoided
	case s.Captured+s.Voided+s.Expired == s.Authorised, s.authorisationExpired(c.Now.At):
		return nil, ErrNothingToVoid
	case len(s.Pending) > 0:
		return nil, ErrOperationInProgress
	case s.Operations >= OperationsMax+VoidsBeyondMax:
		return nil, ErrTooManyOperations
	}
	voidID := operationID(id.Void, c.ID)
	return []Event{VoidRequested{
		VoidID: voidID, Amount: s.Capturable(), Currency: s.Currency, Key: s.operationKey(voidID),
		AnswerBy: answerBy(c.Now.Wall), Metadata: c.Metadata,
	}}, nil
}
