package payment

import (
	"slices"

	"tender/domain/id"
)

// refund decides a refund. While anything is in flight it is not known what there
// is to refund. The order of the refusals is the contract's; an amount that no
// request may hold never gets as far as that.
func (s State) refund(c Refund) ([]Event, error) {
	switch {
	case c.Amount < 0:
		return nil, ErrRefundAmountInvalid
	case len(s.Pending) > 0:
		return nil, ErrOperationInProgress
	case s.Refundable() == 0:
		return nil, ErrNothingToRefund
	case c.Amount > s.Refundable():
		return nil, ErrRefundTooHigh
	case s.Refunds >= RefundsMax:
		return nil, ErrTooManyRefunds
	}
	amount := c.Amount
	if amount == 0 {
		amount = s.Refundable()
	}
	refundID := operationID(id.Refund, c.ID)
	return []Event{RefundRequested{
		RefundID: refundID, Amount: amount, Currency: s.Currency, Key: s.operationKey(refundID),
		AnswerBy: answerBy(c.Now.Wall), Reason: c.Reason, Metadata: c.Metadata,
	}}, nil
}

// refundFailed folds the failure of a refund: of one that was in flight, or of one
// that counted as performed.
func (s State) refundFailed(e RefundFailed) State {
	if !e.Late {
		return s.answered(e.RefundID, false)
	}
	s.Refunded -= e.Amount
	s.Failed = with(s.Failed, s.operationKey(e.RefundID))
	return s
}

// mayFailLate reports whether op is a refund that counts as performed. Money that
// was sent to a customer may come back, days later: that contradicts nothing.
func (s State) mayFailLate(op Operation) bool {
	return op.Kind == OperationRefund && slices.Contains(s.Done, op.Key) && !slices.Contains(s.Failed, op.Key)
}
