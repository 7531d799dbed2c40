package method

import (
	"slices"
	"time"

	"tender/domain"
	"tender/domain/decline"
)

// Refusals of what is asked of a saved method.
var (
	ErrUnknown  = domain.Refuse("not_found", "There is no such payment method.")
	ErrUnusable = domain.Refuse("payment_method_unusable", "The customer's bank has said that nothing more is to be sent for this payment method without the customer, who has to verify it again or give another one.")
	ErrExpired  = domain.Refuse("payment_method_unusable", "The card has expired. The customer has to give another one.")
)

// State is what the rules need to know of a saved method. The zero State does not
// exist yet.
type State struct {
	ID         string
	CustomerID string
	ClockID    string
	Details    Details
	// VaultRef names the card or the account in the vault, where it lies under
	// SessionID, the session that saved it.
	VaultRef, SessionID string
	// NetworkTransactionID is that of the payment which saved it, "" if it had none.
	NetworkTransactionID string
	// Unusable: nothing is sent for it without the customer.
	Unusable bool
	Removed  bool
	Mandates []string // that have not ended
}

// Exists reports whether the method was ever saved.
func (s State) Exists() bool { return s.ID != "" }

// Available refuses a method that was never saved or has been removed.
func (s State) Available() error {
	if !s.Exists() || s.Removed {
		return ErrUnknown
	}
	return nil
}

// UsableAlone refuses what must not be sent without the customer at t: anything
// after the issuer has said so for good, and anything with a card whose month is
// over. Whether a card that is past its month may still be used with the customer
// present is the issuer's to say.
func (s State) UsableAlone(t time.Time) error {
	switch err := s.Available(); {
	case err != nil:
		return err
	case s.Unusable:
		return ErrUnusable
	case s.Details.Card != nil && s.Details.Card.ExpiredAt(t):
		return ErrExpired
	}
	return nil
}

// ForbidsUse reports whether a failure says that nothing more may be sent for the
// method without the customer: a hard decline, one that asks for the customer, or
// an expired card.
func ForbidsUse(f decline.Failure) bool {
	switch f.DeclineCode.Class() {
	case decline.ClassHard, decline.ClassAuthentication:
		return true
	case decline.ClassSoft, decline.ClassRevoked:
	}
	return f.ErrorCode == decline.ExpiredCard
}

// Failed returns what happens to the method when a payment with it has failed.
func (s State) Failed(paymentID string, f decline.Failure) []Event {
	if s.Available() != nil || s.Unusable || !ForbidsUse(f) {
		return nil
	}
	return []Event{BecameUnusable{PaymentID: paymentID, Failure: f}}
}

// Succeeded returns what happens to the method when the customer, being present,
// has used it with success: one that had become unusable is good again.
func (s State) Succeeded(paymentID string) []Event {
	if s.Available() != nil || !s.Unusable {
		return nil
	}
	return []Event{Verified{PaymentID: paymentID}}
}

// EndMandate returns what happens to the method when a mandate for it has ended:
// nothing, where that is known or the method is gone.
func (s State) EndMandate(mandateID string) []Event {
	if !slices.Contains(s.Mandates, mandateID) {
		return nil
	}
	return []Event{MandateEnded{MandateID: mandateID}}
}

// Remove takes the method out of use. Its mandates end with it; see package
// collect.
func (s State) Remove() ([]Event, error) {
	if err := s.Available(); err != nil {
		return nil, err
	}
	return []Event{Removed{}}, nil
}
