package payment

// Verifies reports whether the payment only checks a method, and moves no money.
func (s State) Verifies() bool { return s.Intent == IntentVerification }

// Open reports whether anything of the payment is in flight or capturable: an
// attempt, or reserved money that may still be taken or given back. What was paid
// and what is being released on our own account is at rest.
func (s State) Open() bool { return s.InFlight() || s.Capturable() > 0 || s.PendingAmount() > 0 }

// PaymentMethodID is the saved method that the last attempt was made with, or that
// has come of it; "": there is none.
func (s State) PaymentMethodID() string {
	if s.Attempt.PaymentMethodID == "" && s.Attempt.Approved && s.Attempt.Save != nil {
		return s.Attempt.Save.PaymentMethodID
	}
	return s.Attempt.PaymentMethodID
}
