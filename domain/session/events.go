package session

import (
	"time"

	"tender/domain/codec"
	"tender/domain/mandate"
	"tender/domain/payment"
	"tender/domain/subscription"
)

// Event is something that happened to a session.
type Event interface {
	codec.Named
	sessionEvent()
}

// Created: a merchant asks for a payment.
type Created struct {
	CheckoutID        string                `json:"checkout_id,omitempty"`
	Kind              Type                  `json:"type"`
	Amount            int64                 `json:"amount"`
	Currency          string                `json:"currency"`
	Country           string                `json:"country"`
	CaptureMethod     payment.CaptureMethod `json:"capture_method"`
	ExternalReference string                `json:"external_reference,omitempty"`
	Metadata          map[string]string     `json:"metadata,omitempty"`
	Options           *Options              `json:"options,omitempty"`
	ReturnURL         string                `json:"return_url,omitempty"`
	SessionURL        string                `json:"session_url,omitempty"`
	ExpiresAt         time.Time             `json:"expires_at,omitzero"` // never for next_in_series
	CustomerID        string                `json:"customer_id,omitempty"`
	ClockID           string                `json:"clock_id,omitempty"` // of the customer
	Save              Save                  `json:"save,omitempty"`
	Series            *Series               `json:"series,omitempty"` // with first_in_series
	Charge            *Charge               `json:"charge,omitempty"` // with next_in_series
}

// Series is what a first_in_series session begins, once it succeeds.
type Series struct {
	Terms mandate.Terms      `json:"terms"`
	Plan  *subscription.Plan `json:"plan,omitempty"` // with a subscription
	// SubscriptionID names a subscription that gets a new method by this session.
	SubscriptionID string `json:"subscription_id,omitempty"`
}

// Charge is what a next_in_series session is made under.
type Charge struct {
	PaymentMethodID string                   `json:"payment_method_id"`
	MandateID       string                   `json:"mandate_id"`
	SubscriptionID  string                   `json:"subscription_id,omitempty"`
	Occurrence      *subscription.Occurrence `json:"occurrence,omitempty"`
}

// AttemptStarted: the customer tries to pay.
type AttemptStarted struct {
	PaymentID string `json:"payment_id"`
	AttemptID string `json:"attempt_id"`
	Number    int    `json:"number"`
	// CardFingerprint is equal for equal cards of this session, and says nothing else.
	CardFingerprint string `json:"card_fingerprint,omitempty"`
}

// AttemptFailed: the try did not succeed; see the payment for more.
type AttemptFailed struct {
	PaymentID string  `json:"payment_id"`
	AttemptID string  `json:"attempt_id"`
	Failure   Failure `json:"failure"`
}

// Completed: an attempt succeeded; or, of a next_in_series session, the only one
// has had its outcome.
type Completed struct {
	PaymentID string   `json:"payment_id"`
	Outcome   Outcome  `json:"outcome"`
	Failure   *Failure `json:"failure,omitempty"` // with unpaid
	// What the session has made, or used.
	CustomerID      string `json:"customer_id,omitempty"`
	PaymentMethodID string `json:"payment_method_id,omitempty"`
	MandateID       string `json:"mandate_id,omitempty"`
	SubscriptionID  string `json:"subscription_id,omitempty"`
	// Occurrence says whether and when an unpaid one is tried again.
	Occurrence *subscription.Occurrence `json:"occurrence,omitempty"`
}

// CancelRequested: given up while the customer is away to authenticate.
type CancelRequested struct {
	By CancelledBy `json:"by"`
	// CommandID names the request, so that the outcome can answer it.
	CommandID string `json:"command_id"`
}

// Cancelled: given up before an attempt succeeded.
type Cancelled struct {
	By CancelledBy `json:"by"`
}

// Expired: out of time, or out of attempts.
type Expired struct {
	Reason ExpiryReason `json:"reason"`
}

// ExpiryReason says why a session ended on its own.
type ExpiryReason string

// Why a session may end on its own.
const (
	ExpiredByTime     ExpiryReason = "time"
	ExpiredByAttempts ExpiryReason = "attempts"
)

func (Created) Type() string         { return "session.created" }
func (AttemptStarted) Type() string  { return "session.attempt_started" }
func (AttemptFailed) Type() string   { return "session.attempt_failed" }
func (Completed) Type() string       { return "session.completed" }
func (CancelRequested) Type() string { return "session.cancel_requested" }
func (Cancelled) Type() string       { return "session.cancelled" }
func (Expired) Type() string         { return "session.expired" }

func (Created) sessionEvent()         {}
func (AttemptStarted) sessionEvent()  {}
func (AttemptFailed) sessionEvent()   {}
func (Completed) sessionEvent()       {}
func (CancelRequested) sessionEvent() {}
func (Cancelled) sessionEvent()       {}
func (Expired) sessionEvent()         {}

// Codec reads and writes every event of a session.
var Codec = codec.New(
	codec.Define("session.created", 1, func(e Created) Event { return e }),
	codec.Define("session.attempt_started", 1, func(e AttemptStarted) Event { return e }),
	codec.Define("session.attempt_failed", 1, func(e AttemptFailed) Event { return e }),
	codec.Define("session.completed", 1, func(e Completed) Event { return e }),
	codec.Define("session.cancel_requested", 1, func(e CancelRequested) Event { return e }),
	codec.Define("session.cancelled", 1, func(e Cancelled) Event { return e }),
	codec.Define("session.expired", 1, func(e Expired) Event { return e }),
)
