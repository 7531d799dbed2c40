package payment

import "tender/domain/id"

// capture decides a capture. The order of the refusals is the contract's; an
// amount that no request may hold never gets as far as that.
func (s State) capture(c Capture) ([]Event, error) {
	switch {
	case c.Amount < 0:
		return nil, ErrCaptureAmountInvalid
	case !s.authorisedManually(), s.Captured+s.Voided == s.Authorised:
		return nil, ErrCaptureNotAllowed
	case s.authorisationExpired(c.Now.At):
		return nil, ErrAuthorisationExpired
	case s.outcomeUnknown(c.Now.Wall), s.inFlight(OperationVoid), s.inFlight(OperationReversal):
		return nil, ErrOperationInProgress
	case s.Capturable() == 0:
		// All that remains is asked for already. Whether it was taken, only the
		// acquirer's answer will tell.
		return nil, ErrOperationInProgress
	case c.Amount > s.Capturable():
		return nil, ErrCaptureTooHigh
	case s.Operations >= OperationsMax:
		return nil, ErrTooManyOperations
	}
	amount := c.Amount
	if amount == 0 {
		amount = s.Capturable()
	}
	captureID := operationID(id.Capture, c.ID)
	return []Event{CaptureRequested{
		CaptureID: captureID, Amount: amount, Currency: s.Currency, Key: s.operationKey(captureID),
		AnswerBy: answerBy(c.Now.Wall), Metadata: c.Metadata,
	}}, nil
}

func (s State) inFlight(kind OperationKind) bool {
	for _, op := range s.Pending {
		if op.Kind == kind {
			return true
		}
	}
	return false
}
