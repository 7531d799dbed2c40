package session

import (
	"fmt"
	"slices"
)

// Evolve returns the state after e. It panics on an event type that this build
// was compiled with and forgot to handle.
func Evolve(s State, id, merchantID string, e Event) State {
	switch e := e.(type) {
	case Created:
		return State{
			ID: id, CheckoutID: e.CheckoutID, MerchantID: merchantID, Type: e.Kind,
			Amount: e.Amount, Currency: e.Currency, Country: e.Country, CaptureMethod: e.CaptureMethod,
			ExternalReference: e.ExternalReference, Metadata: e.Metadata,
			Status: StatusActive, ExpiresAt: e.ExpiresAt,
			CustomerID: e.CustomerID, ClockID: e.ClockID, Save: e.Save, Series: e.Series, Charge: e.Charge,
		}
	case AttemptStarted:
		s.PaymentID = e.PaymentID
		s.AttemptIDs = append(slices.Clone(s.AttemptIDs), e.AttemptID)
		if e.CardFingerprint != "" && !slices.Contains(s.Cards, e.CardFingerprint) {
			s.Cards = append(slices.Clone(s.Cards), e.CardFingerprint)
		}
	case AttemptFailed:
	case Completed:
		s.Status = StatusCompleted
	case CancelRequested:
		s.CancelRequested, s.CancelCommand = e.By, e.CommandID
	case Cancelled:
		s.Status = StatusCancelled
	case Expired:
		s.Status = StatusExpired
	default:
		panic(fmt.Sprintf("session: %T is not handled", e))
	}
	return s
}
