package object

import (
	"tender/domain/codec"
	"tender/domain/decline"
	"tender/domain/session"
	"tender/domain/subscription"
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
	PaymentStatus     PaymentStatus     `json:"payment_status"`
	CustomerID        string            `json:"customer_id,omitempty"`
	PaymentMethodID   string            `json:"payment_method_id,omitempty"`
	CheckoutSessionID string            `json:"checkout_session_id,omitempty"`
	PaymentID         string            `json:"payment_id,omitempty"`
	MandateID         string            `json:"mandate_id,omitempty"`
	SubscriptionID    string            `json:"subscription_id,omitempty"`
	Occurrence        *Occurrence       `json:"occurrence,omitempty"`
	SessionURL        string            `json:"session_url,omitempty"`
	ReturnURL         string            `json:"return_url,omitempty"`
	LastPaymentError  *PaymentError     `json:"last_payment_error,omitempty"`
	Mode              string            `json:"mode"`
	ExternalReference string            `json:"external_reference,omitempty"`
	Metadata          map[string]string `json:"metadata,omitempty"`
	Options           *Options          `json:"options,omitempty"`
	ExpiresAt         *Time             `json:"expires_at,omitempty"`
	Version           int               `json:"version"`
	CreatedAt         Time              `json:"created_at"`
	UpdatedAt         Time              `json:"updated_at"`
}

// PaymentStatus is the deprecated form of [session.Outcome].
type PaymentStatus string

// What a payment status may be.
const (
	paymentUnpaid  PaymentStatus = "unpaid"
	paymentPending PaymentStatus = "pending"
	paymentPaid    PaymentStatus = "paid"
)

// Apply returns the session after one more event of its stream. Events of other
// aggregates change nothing.
func (s Session) Apply(mode string, e eventstore.Event, d codec.Named) Session {
	switch d := d.(type) {
	case session.Created:
		s = Session{
			ID: e.Stream, Type: d.Kind, Amount: d.Amount, Currency: d.Currency,
			Status: session.StatusActive, CheckoutSessionID: d.CheckoutID,
			SessionURL: d.SessionURL, ReturnURL: d.ReturnURL, Mode: mode,
			ExternalReference: d.ExternalReference, Metadata: d.Metadata, Options: optionsOf(d.Options),
			ExpiresAt: timeOf(d.ExpiresAt), CreatedAt: Time(e.At), CustomerID: d.CustomerID,
		}.outcome(session.OutcomeNotStarted).begins(d)
	case session.AttemptStarted:
		s.PaymentID = d.PaymentID
		s = s.outcome(session.OutcomePending)
	case session.AttemptFailed:
		s.LastPaymentError = paymentError(d.Failure, e)
	case session.Completed:
		s.Status = session.StatusCompleted
		s = s.completed(e, d)
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
	case session.OutcomePaid, session.OutcomeReserved, session.OutcomeVerified:
		s.PaymentStatus = paymentPaid
	case session.OutcomePending:
		s.PaymentStatus = paymentPending
	case session.OutcomeNotStarted, session.OutcomeUnpaid:
		s.PaymentStatus = paymentUnpaid
	}
	return s
}

func paymentError(f decline.Failure, e eventstore.Event) *PaymentError {
	return &PaymentError{
		ErrorCode: f.ErrorCode, DeclineCode: f.DeclineCode, Message: f.Message(), Timestamp: Time(e.At),
	}
}

// begins takes over what the session was created for.
func (s Session) begins(d session.Created) Session {
	if d.Charge != nil {
		s.PaymentMethodID, s.MandateID = d.Charge.PaymentMethodID, d.Charge.MandateID
		s.SubscriptionID, s.Occurrence = d.Charge.SubscriptionID, occurrenceOf(d.Charge.Occurrence)
	}
	if d.Series != nil {
		s.SubscriptionID = d.Series.SubscriptionID
	}
	return s
}

// completed takes over what the session has made or used.
func (s Session) completed(e eventstore.Event, d session.Completed) Session {
	s.LastPaymentError = nil
	if d.Failure != nil {
		s.LastPaymentError = paymentError(*d.Failure, e)
	}
	for _, made := range []struct {
		field *string
		id    string
	}{
		{&s.CustomerID, d.CustomerID}, {&s.PaymentMethodID, d.PaymentMethodID},
		{&s.MandateID, d.MandateID}, {&s.SubscriptionID, d.SubscriptionID},
	} {
		if made.id != "" {
			*made.field = made.id
		}
	}
	if d.Occurrence != nil {
		s.Occurrence = occurrenceOf(d.Occurrence)
	}
	return s.outcome(d.Outcome)
}

// Occurrence is the try of a subscription's occurrence that a session is.
type Occurrence struct {
	Number        int   `json:"number"`
	ScheduledFor  Time  `json:"scheduled_for"`
	Attempt       int   `json:"attempt"` // from 1
	WillRetry     bool  `json:"will_retry"`
	NextAttemptAt *Time `json:"next_attempt_at,omitempty"`
}

func occurrenceOf(o *subscription.Occurrence) *Occurrence {
	if o == nil {
		return nil
	}
	return &Occurrence{
		Number: o.Number, ScheduledFor: Time(o.ScheduledFor), Attempt: o.Attempt,
		WillRetry: o.WillRetry, NextAttemptAt: timeOf(o.NextAttemptAt),
	}
}
