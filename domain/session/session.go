// Package session holds the rules of a payment session: what a merchant asks a
// customer to pay, until it is paid, given up or out of time.
//
// The money itself moves in the session's payment (package payment); what
// concerns both is decided in package collect.
package session

import (
	"encoding/json"
	"slices"
	"time"

	"tender/domain/decline"
	"tender/domain/payment"
)

// Type says who is present and what becomes of the payment method.
type Type string

// The types of sessions.
const (
	TypeOneTime       Type = "one_time"        // the customer is present and pays once
	TypeFirstInSeries Type = "first_in_series" // the customer is present and agrees to later payments
	TypeNextInSeries  Type = "next_in_series"  // nobody is present; a mandate allows it
)

// Save says whether the method that pays a one_time session is saved.
type Save string

// Whether a method is saved. An empty Save is SaveNever.
const (
	SaveNever  Save = "never"
	SaveAlways Save = "always"
	SavePrompt Save = "prompt" // the customer is asked
)

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
	OutcomeVerified   Outcome = "payment_method_verified"
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
	CustomerID        string // "": nobody that is known
	ClockID           string // of the customer
	Save              Save
	Series            *Series // with first_in_series
	Charge            *Charge // with next_in_series
	Status            Status
	ExpiresAt         time.Time // zero: never
	PaymentID         string    // from the first attempt on
	AttemptIDs        []string  // in order
	// Cards are the fingerprints of the different cards that were tried.
	Cards []string
	// CancelRequested: given up while the customer was away to authenticate; it
	// takes effect when the acquirer has closed the attempt.
	CancelRequested CancelledBy
	// CancelCommand names the request that asked for it, by the id made from it.
	CancelCommand string
}

// Exists reports whether the session was ever created.
func (s State) Exists() bool { return s.ID != "" }

// Attended reports whether the customer is there to pay. A session without them
// has one attempt, made as it is created; it never expires, nor can it be given up.
func (s State) Attended() bool { return s.Type != TypeNextInSeries }

// Expired reports whether the session is past its time at t.
func (s State) Expired(t time.Time) bool { return s.Attended() && !t.Before(s.ExpiresAt) }

// SavesMethod reports whether the method that pays is saved. Asked says whether
// the customer wants it, and counts where they are prompted.
func (s State) SavesMethod(asked bool) bool {
	switch s.Type {
	case TypeFirstInSeries:
		return true
	case TypeOneTime:
		return s.Save == SaveAlways || s.Save == SavePrompt && asked
	case TypeNextInSeries:
	}
	return false
}

// Attempted reports whether the attempt with this id was started before.
func (s State) Attempted(attemptID string) bool { return slices.Contains(s.AttemptIDs, attemptID) }

// Failure is why the last attempt failed.
type Failure = decline.Failure

// Options are what the merchant asked for beyond the amount, as given.
type Options struct {
	CheckoutOptions      *CheckoutOptions      `json:"checkout_options,omitempty"`
	PaymentMethodOptions *PaymentMethodOptions `json:"payment_method_options,omitempty"`
	CustomerID           string                `json:"customer_id,omitempty"`
	PaymentMethodID      string                `json:"payment_method_id,omitempty"`
	MandateID            string                `json:"mandate_id,omitempty"`
	MandateOptions       json.RawMessage       `json:"mandate_options,omitempty"`
	SubscriptionOptions  json.RawMessage       `json:"subscription_options,omitempty"`
	SubscriptionID       string                `json:"subscription_id,omitempty"`
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
	Mode Presentation `json:"mode"`
	// DisplayPayButton is said with the embedded modes only; nil: it is displayed.
	DisplayPayButton *bool `json:"display_pay_button,omitempty"`
}

// Presentation is where the checkout is shown.
type Presentation string

// Where the checkout may be shown.
const (
	PresentRedirect Presentation = "redirect"        // the customer is sent to its page
	PresentModal    Presentation = "embedded_modal"  // in a dialog over the merchant's page
	PresentInline   Presentation = "embedded_inline" // within the merchant's page
)

// Presentation is how the session is shown; without options the customer is sent to
// its page.
func (o *Options) Presentation() PresentationMode {
	if o == nil || o.CheckoutOptions == nil || o.CheckoutOptions.PresentationMode == nil {
		return PresentationMode{Mode: PresentRedirect}
	}
	return *o.CheckoutOptions.PresentationMode
}

// Embedded reports whether the checkout is shown within the merchant's page.
func (p PresentationMode) Embedded() bool { return p.Mode == PresentModal || p.Mode == PresentInline }

// PayButton reports whether the embedded checkout has a button of its own; else the
// merchant's page has one.
func (p PresentationMode) PayButton() bool { return p.DisplayPayButton == nil || *p.DisplayPayButton }

// PaymentMethodOptions shape how each kind of method is used.
type PaymentMethodOptions struct {
	Card *CardOptions `json:"card,omitempty"`
}

// CardOptions shape card payments.
type CardOptions struct {
	CaptureMethod payment.CaptureMethod `json:"capture_method,omitempty"`
}
