// Package session holds the rules of a payment session: what a merchant asks a
// customer to pay, until it is paid, given up or out of time.
//
// The money itself moves in the session's payment (package payment); what
// concerns both is decided in package collect.
package session

import (
	"slices"
	"time"

	"tender/domain/decline"
	"tender/domain/payment"
)

// Type says who is present and what becomes of the payment method.
type Type string

// TypeOneTime: the customer is present and pays once.
const TypeOneTime Type = "one_time"

// Status is where a session stands. All but active are final.
type Status string

// Where a session may stand.
const (
	StatusActive    Status = "active"
	StatusCompleted Status = "completed"
	StatusExpired   Status = "expired"
	StatusCancelled Status = "cancelled"
)

// Outcome is what became of the payment that the session is for.
type Outcome string

// What may become of the payment.
const (
	OutcomeNotStarted Outcome = "not_started"
	OutcomePending    Outcome = "pending"
	OutcomePaid       Outcome = "paid"
	OutcomeReserved   Outcome = "reserved"
	OutcomeUnpaid     Outcome = "unpaid"
)

// Limits of a session's life.
const (
	ExpiresAfterMin     = 5 * time.Minute
	ExpiresAfterMax     = 30 * 24 * time.Hour
	ExpiresAfterDefault = 24 * time.Hour
)

// CancelledBy says who gave a session up.
type CancelledBy string

// Who may give a session up.
const (
	ByCustomer CancelledBy = "customer"
	ByMerchant CancelledBy = "merchant"
)

// State is what the rules need to know of a session. The zero State does not
// exist yet.
type State struct {
	ID                string
	CheckoutID        string
	MerchantID        string
	Type              Type
	Amount            int64 // minor units
	Currency          string
	Country           string
	CaptureMethod     payment.CaptureMethod
	ExternalReference string
	Metadata          map[string]string
	Status            Status
	ExpiresAt         time.Time
	PaymentID         string   // from the first attempt on
	AttemptIDs        []string // in order
	// CancelRequested: given up while the customer was away to authenticate; it
	// takes effect when the acquirer has closed the attempt.
	CancelRequested CancelledBy
	// CancelCommand names the request that asked for it, by the id made from it.
	CancelCommand string
}

// Exists reports whether the session was ever created.
func (s State) Exists() bool { return s.ID != "" }

// Attempted reports whether the attempt with this id was started before.
func (s State) Attempted(attemptID string) bool { return slices.Contains(s.AttemptIDs, attemptID) }

// Failure is why the last attempt failed.
type Failure = decline.Failure

// Options are what the merchant asked for beyond the amount, as given.
type Options struct {
	CheckoutOptions      *CheckoutOptions      `json:"checkout_options,omitempty"`
	PaymentMethodOptions *PaymentMethodOptions `json:"payment_method_options,omitempty"`
}

// CheckoutOptions shape the checkout.
type CheckoutOptions struct {
	ReturnURL         string            `json:"return_url,omitempty"`
	SavePaymentMethod string            `json:"save_payment_method,omitempty"`
	PresentationMode  *PresentationMode `json:"presentation_mode,omitempty"`
	ExpiresAt         *time.Time        `json:"expires_at,omitempty"`
	Locale            string            `json:"locale,omitempty"`
}

// PresentationMode says how the customer gets to see the checkout.
type PresentationMode struct {
	Mode string `json:"mode"`
}

// PaymentMethodOptions shape how each kind of method is used.
type PaymentMethodOptions struct {
	Card *CardOptions `json:"card,omitempty"`
}

// CardOptions shape card payments.
type CardOptions struct {
	CaptureMethod payment.CaptureMethod `json:"capture_method,omitempty"`
}
