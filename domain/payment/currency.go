package payment

// currencyOf returns the currency of the amount that e holds, where it holds one
// that has to be in the payment's. What the payment's is, [Initiated] says.
func currencyOf(e Event) (currency string, holds bool) {
	switch e := e.(type) {
	case Authorised:
		return e.Currency, true
	case Paid:
		return e.Currency, true
	case CaptureRequested:
		return e.Currency, true
	case Captured:
		return e.Currency, true
	case CaptureFailed:
		return e.Currency, true
	case VoidRequested:
		return e.Currency, true
	case Voided:
		return e.Currency, true
	case VoidFailed:
		return e.Currency, true
	case RefundRequested:
		return e.Currency, true
	case Refunded:
		return e.Currency, true
	case RefundFailed:
		return e.Currency, true
	case AuthorisationExpired:
		return e.Currency, true
	case ReversalRequested:
		return e.Currency, true
	case Reversed:
		return e.Currency, true
	case ReversalFailed:
		return e.Currency, true
	case Contradicted:
		return e.Currency, true
	case Initiated, AttemptStarted, ActionRequired, Verified, AttemptFailed, Cancelled, Expired,
		ResolutionProposed, ResolutionConfirmed, ResolutionRejected:
	}
	return "", false
}
