package journal

import "tender/domain/payment"

// Postings returns what an event e of a payment puts on which account; s is the state
// before it. They add up to zero. Nothing is put on an account by what moves no money
// and reserves none.
func Postings(s State, e payment.Event) []Posting {
	switch e := e.(type) {
	case payment.Authorised:
		return move(MemoAuthorisations, MemoContra, e.Amount)
	case payment.Paid:
		return move(AcquirerReceivable, MerchantPayable, e.Amount)
	case payment.Captured:
		return append(move(AcquirerReceivable, MerchantPayable, e.Amount), released(e.Amount)...)
	case payment.Voided:
		return released(e.Amount)
	case payment.AuthorisationExpired:
		return released(e.Amount)
	case payment.RefundRequested:
		return move(MerchantPayable, RefundsInTransit, e.Amount)
	case payment.Refunded:
		return move(RefundsInTransit, AcquirerReceivable, e.Amount)
	case payment.RefundFailed:
		if e.Late {
			return move(AcquirerReceivable, MerchantPayable, e.Amount)
		}
		return move(RefundsInTransit, MerchantPayable, e.Amount)
	case payment.ReversalRequested:
		if e.Refund {
			return move(Suspense, RefundsInTransit, e.Amount)
		}
	case payment.Reversed:
		if s.paysBack(e.ReversalID) {
			return move(RefundsInTransit, AcquirerReceivable, e.Amount)
		}
	case payment.ReversalFailed:
		if s.paysBack(e.ReversalID) {
			return move(RefundsInTransit, Suspense, e.Amount)
		}
	case payment.Contradicted:
		return contradicted(s.called(e.Key).Way, e)
	case payment.Initiated, payment.AttemptStarted, payment.ActionRequired, payment.Verified, payment.AttemptFailed,
		payment.CaptureRequested, payment.CaptureFailed, payment.VoidRequested, payment.VoidFailed,
		payment.ResolutionProposed, payment.ResolutionConfirmed, payment.ResolutionRejected,
		payment.Cancelled, payment.Expired:
	default:
		panic("journal: " + e.Type() + " is not handled")
	}
	return nil
}

// contradicted is what the acquirer's other word does: the record says one thing of
// the money, the acquirer now the opposite, and the difference matches nothing.
func contradicted(way Direction, e payment.Contradicted) []Posting {
	switch {
	case way == Nowhere:
		return nil // a reservation is nobody's money
	case (way == In) == e.Performed: // the acquirer holds more than the record knows of
		return move(AcquirerReceivable, Suspense, e.Amount)
	default:
		return move(Suspense, AcquirerReceivable, e.Amount)
	}
}

// released takes what is no longer reserved out of the memorandum.
func released(amount int64) []Posting { return move(MemoContra, MemoAuthorisations, amount) }

func move(debit, credit Account, amount int64) []Posting {
	if amount == 0 {
		return nil
	}
	return []Posting{{Account: debit, Amount: amount}, {Account: credit, Amount: -amount}}
}

// about returns the operation that an event is about, and the acquirer's reference in
// it.
func about(s State, e payment.Event) (operation, reference string) {
	switch e := e.(type) {
	case payment.Authorised:
		return e.AttemptID, e.Reference
	case payment.Paid:
		return e.AttemptID, e.Reference
	case payment.Captured:
		return e.CaptureID, e.Reference
	case payment.Voided:
		return e.VoidID, e.Reference
	case payment.RefundRequested:
		return e.RefundID, ""
	case payment.Refunded:
		return e.RefundID, e.Reference
	case payment.RefundFailed:
		return e.RefundID, ""
	case payment.ReversalRequested:
		return e.ReversalID, e.Reference
	case payment.Reversed:
		return e.ReversalID, e.Reference
	case payment.ReversalFailed:
		return e.ReversalID, ""
	case payment.Contradicted:
		if op := s.called(e.Key); op.ID != "" {
			return op.ID, e.Reference
		}
		return e.Key, e.Reference
	case payment.Initiated, payment.AttemptStarted, payment.ActionRequired, payment.Verified, payment.AttemptFailed,
		payment.CaptureRequested, payment.CaptureFailed, payment.VoidRequested, payment.VoidFailed,
		payment.AuthorisationExpired, payment.ResolutionProposed, payment.ResolutionConfirmed, payment.ResolutionRejected,
		payment.Cancelled, payment.Expired:
	}
	return "", ""
}
