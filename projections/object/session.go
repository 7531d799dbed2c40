package object

import (
	"tender/domain/codec"
	"tender/domain/decline"
	"tender/domain/session"
	"tender/eventstore"
)

// Session is a payment session as clients see it. Amounts are minor units.
type Session struct {
	ID                string            `json:"id"`
	Type              session.Type      `json:"type"`
	Amount            int64             `json:"amount"`
	Currency          string            `json:"currency"`
	Status            session.Status    `json:"status"`
	PaymentOutcome    session.Outcome   `json:"payment_outcome"`
	PaymentStatus     string            `json:"payment_status"`
	CheckoutSessionID string            `json:"checkout_session_id"`
	PaymentID         string            `json:"payment_id,omitempty"`
	SessionURL        string            `json:"session_url"`
	ReturnURL         string            `json:"return_url,omitempty"`
	LastPaymentError  *PaymentError     `json:"last_payment_error,omitempty"`
	Mode              string            `json:"mode"`
	ExternalReference string            `json:"external_reference,omitempty"`
	Metadata          map[string]string `json:"metadata,omitempty"`
	Options           *session.Options  `json:"options,omitempty"`
	ExpiresAt         Time              `json:"expires_at"`
	Version           int               `json:"version"`
	CreatedAt         Time              `json:"created_at"`
	UpdatedAt         Time              `json:"updated_at"`
}

// Apply returns the session after one more event of its stream. Events of other
// aggregates change nothing.
func (s Session) Apply(mode string, e eventstore.Event, d codec.Named) Session {
	switch d := d.(type) {
	case session.Created:
		s = Session{
			ID: e.Stream, Type: d.Kind, Amount: d.Amount, Currency: d.Currency,
			Status: session.StatusActive, CheckoutSessionID: d.CheckoutID,
			SessionURL: d.SessionURL, ReturnURL: d.ReturnURL, Mode: mode,
			ExternalReference: d.ExternalReference, Metadata: d.Metadata, Options: d.Options,
			ExpiresAt: Time(d.ExpiresAt), CreatedAt: Time(e.At),
		}.outcome(session.OutcomeNotStarted)
	case session.AttemptStarted:
		s.PaymentID = d.PaymentID
		s = s.outcome(session.OutcomePending)
	case session.AttemptFailed:
		s.LastPaymentError = paymentError(d.Failure, e)
	case session.Completed:
		s.Status = session.StatusCompleted
		s.LastPaymentError = nil
		s = s.outcome(d.Outcome)
	case session.Cancelled:
		s.Status = session.StatusCancelled
		s = s.outcome(session.OutcomeUnpaid)
	case session.Expired:
		s.Status = session.StatusExpired
		s = s.outcome(session.OutcomeUnpaid)
	case session.CancelRequested:
	default:
		return s
	}
	s.Version, s.UpdatedAt = e.Version, Time(e.At)
	return s
}

// outcome sets the outcome, and the deprecated field that says less.
func (s Session) outcome(o session.Outcome) Session {
	s.PaymentOutcome = o
	switch o {
	case session.OutcomePaid, session.OutcomeReserved:
		s.PaymentStatus = "paid"
	case session.OutcomePending:
		s.PaymentStatus = "pending"
	case session.OutcomeNotStarted, session.OutcomeUnpaid:
		s.PaymentStatus = "unpaid"
	}
	return s
}

func paymentError(f decline.Failure, e eventstore.Event) *PaymentError {
	return &PaymentError{
		ErrorCode: string(f.ErrorCode), DeclineCode: string(f.DeclineCode),
		Message: f.Message, Timestamp: Time(e.At),
	}
}
