package session

import (
	"time"

	"tender/domain/codec"
	"tender/domain/payment"
)

// Event is something that happened to a session.
type Event interface {
	codec.Named
	sessionEvent()
}

// Created: a merchant asks for a payment.
type Created struct {
	CheckoutID        string                `json:"checkout_id"`
	Kind              Type                  `json:"type"`
	Amount            int64                 `json:"amount"`
	Currency          string                `json:"currency"`
	Country           string                `json:"country"`
	CaptureMethod     payment.CaptureMethod `json:"capture_method"`
	ExternalReference string                `json:"external_reference,omitempty"`
	Metadata          map[string]string     `json:"metadata,omitempty"`
	Options           *Options              `json:"options,omitempty"`
	ReturnURL         string                `json:"return_url,omitempty"`
	SessionURL        string                `json:"session_url"`
	ExpiresAt         time.Time             `json:"expires_at"`
}

// AttemptStarted: the customer tries to pay.
type AttemptStarted struct {
	PaymentID string `json:"payment_id"`
	AttemptID string `json:"attempt_id"`
	Number    int    `json:"number"`
}

// AttemptFailed: the try did not succeed; see the payment for more.
type AttemptFailed struct {
	PaymentID string  `json:"payment_id"`
	AttemptID string  `json:"attempt_id"`
	Failure   Failure `json:"failure"`
}

// Completed: an attempt succeeded.
type Completed struct {
	PaymentID string  `json:"payment_id"`
	Outcome   Outcome `json:"outcome"`
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
