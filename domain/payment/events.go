package payment

import (
	"time"

	"tender/domain/codec"
	"tender/domain/mandate"
	"tender/domain/method"
)

// Event is something that happened to a payment.
type Event interface {
	codec.Named
	paymentEvent()
}

// Initiated: the payment exists; its first attempt follows in the same append.
type Initiated struct {
	SessionID         string            `json:"session_id"`
	Amount            int64             `json:"amount"`
	Currency          string            `json:"currency"`
	Country           string            `json:"country"`
	CaptureMethod     CaptureMethod     `json:"capture_method"`
	Intent            Intent            `json:"intent"`
	Acquirer          string            `json:"acquirer"`
	ExternalReference string            `json:"external_reference,omitempty"`
	Metadata          map[string]string `json:"metadata,omitempty"`
	CustomerID        string            `json:"customer_id,omitempty"`
	MandateID         string            `json:"mandate_id,omitempty"` // of a payment without the customer
	SubscriptionID    string            `json:"subscription_id,omitempty"`
	ClockID           string            `json:"clock_id,omitempty"`
}

// AttemptStarted is the intent of an authorisation: appended before the acquirer
// is called, with the key that it gets.
type AttemptStarted struct {
	AttemptID string         `json:"attempt_id"`
	Number    int            `json:"number"`
	Key       string         `json:"key"`
	AnswerBy  time.Time      `json:"answer_by"`
	Details   method.Details `json:"details"`
	// PaymentMethodID is the saved method that pays; Save is what would be saved.
	PaymentMethodID string `json:"payment_method_id,omitempty"`
	Save            *Save  `json:"save,omitempty"`
}

// Save is a card or an account that is kept if the attempt succeeds. It lies in the
// vault already; if the attempt fails no event comes to name it, and it is swept.
// Where a method pays that was saved before, only a mandate is made for it: then
// nothing in the vault is named.
type Save struct {
	CustomerID      string `json:"customer_id"`
	NewCustomer     bool   `json:"new_customer,omitempty"` // the customer is made along with it
	PaymentMethodID string `json:"payment_method_id"`
	VaultRef        string `json:"vault_ref,omitempty"`
	Fingerprint     string `json:"fingerprint,omitempty"`
	// Consent is the text that the customer confirmed, with first_in_series.
	Consent *mandate.Consent `json:"consent,omitempty"`
}

// ActionRequired: the customer has to do their part elsewhere.
type ActionRequired struct {
	AttemptID string     `json:"attempt_id"`
	Action    ActionKind `json:"action"`
	// URL is where they go. Where they approve on their telephone it is, if anything,
	// the page that plays the telephone.
	URL      string    `json:"url,omitempty"`
	ActionBy time.Time `json:"action_by"`
}

// ActionKind is what a customer has to do.
type ActionKind string

// What a customer may have to do.
const (
	ActionRedirect ActionKind = "redirect" // go to a page of the bank's
	ActionApprove  ActionKind = "approve"  // approve on their telephone
)

// Authorised: the amount is reserved and waits for captures.
type Authorised struct {
	AttemptID            string    `json:"attempt_id"`
	Amount               int64     `json:"amount"`
	Currency             string    `json:"currency"`
	Reference            string    `json:"reference"`
	NetworkTransactionID string    `json:"network_transaction_id,omitempty"`
	ThreeDSecure         string    `json:"three_d_secure,omitempty"`
	ExpiresAt            time.Time `json:"expires_at"`
	// What the payment was made with, or has made.
	CustomerID      string `json:"customer_id,omitempty"`
	PaymentMethodID string `json:"payment_method_id,omitempty"`
	MandateID       string `json:"mandate_id,omitempty"`
}

// Paid: the amount was authorised and captured in one step, a sale.
type Paid struct {
	AttemptID            string `json:"attempt_id"`
	Amount               int64  `json:"amount"`
	Currency             string `json:"currency"`
	Reference            string `json:"reference"`
	NetworkTransactionID string `json:"network_transaction_id,omitempty"`
	ThreeDSecure         string `json:"three_d_secure,omitempty"`
	// What the payment was made with, or has made.
	CustomerID      string `json:"customer_id,omitempty"`
	PaymentMethodID string `json:"payment_method_id,omitempty"`
	MandateID       string `json:"mandate_id,omitempty"`
}

// Verified: the acquirer has checked the method, and no money moved.
type Verified struct {
	AttemptID            string `json:"attempt_id"`
	Reference            string `json:"reference"`
	NetworkTransactionID string `json:"network_transaction_id,omitempty"`
	ThreeDSecure         string `json:"three_d_secure,omitempty"`
	// What the payment was made with, or has made.
	CustomerID      string `json:"customer_id,omitempty"`
	PaymentMethodID string `json:"payment_method_id,omitempty"`
	MandateID       string `json:"mandate_id,omitempty"`
}

// AttemptFailed: the attempt was not performed, and never will be. Final says
// that no other may follow.
type AttemptFailed struct {
	AttemptID string  `json:"attempt_id"`
	Failure   Failure `json:"failure"`
	Final     bool    `json:"final,omitempty"`
}

// CaptureRequested is the intent of a capture.
type CaptureRequested struct {
	CaptureID string            `json:"capture_id"`
	Amount    int64             `json:"amount"`
	Currency  string            `json:"currency"`
	Key       string            `json:"key"`
	AnswerBy  time.Time         `json:"answer_by"`
	Metadata  map[string]string `json:"metadata,omitempty"`
}

// Captured: reserved money was taken.
type Captured struct {
	CaptureID string `json:"capture_id"`
	Amount    int64  `json:"amount"`
	Currency  string `json:"currency"`
	Reference string `json:"reference"`
}

// CaptureFailed: the capture was not performed; its amount is free again.
type CaptureFailed struct {
	CaptureID string  `json:"capture_id"`
	Amount    int64   `json:"amount"`
	Currency  string  `json:"currency"`
	Failure   Failure `json:"failure"`
}

// VoidRequested is the intent of a void, always of all that remains.
type VoidRequested struct {
	VoidID   string            `json:"void_id"`
	Amount   int64             `json:"amount"`
	Currency string            `json:"currency"`
	Key      string            `json:"key"`
	AnswerBy time.Time         `json:"answer_by"`
	Metadata map[string]string `json:"metadata,omitempty"`
}

// Voided: reserved money was given back.
type Voided struct {
	VoidID    string `json:"void_id"`
	Amount    int64  `json:"amount"`
	Currency  string `json:"currency"`
	Reference string `json:"reference"`
}

// VoidFailed: the void was not performed; its amount is free again.
type VoidFailed struct {
	VoidID   string  `json:"void_id"`
	Amount   int64   `json:"amount"`
	Currency string  `json:"currency"`
	Failure  Failure `json:"failure"`
}

// RefundRequested is the intent of a refund, of part or all of what was captured.
type RefundRequested struct {
	RefundID string            `json:"refund_id"`
	Amount   int64             `json:"amount"`
	Currency string            `json:"currency"`
	Key      string            `json:"key"`
	AnswerBy time.Time         `json:"answer_by"`
	Reason   string            `json:"reason,omitempty"`
	Metadata map[string]string `json:"metadata,omitempty"`
}

// Refunded: captured money is on its way back to the customer.
type Refunded struct {
	RefundID  string `json:"refund_id"`
	Amount    int64  `json:"amount"`
	Currency  string `json:"currency"`
	Reference string `json:"reference"`
}

// RefundFailed: the refund was not performed; its amount is free again. Late
// says that it counted as performed before: the money came back to the acquirer.
type RefundFailed struct {
	RefundID string  `json:"refund_id"`
	Amount   int64   `json:"amount"`
	Currency string  `json:"currency"`
	Failure  Failure `json:"failure"`
	Late     bool    `json:"late,omitempty"`
}

// AuthorisationExpired: what was neither captured nor voided can't be any more.
type AuthorisationExpired struct {
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
}

// ReversalRequested is the intent to give money back on our own account: after
// an expiry, or where an authorisation or a capture should not stand. What the
// record never counted as paid it doesn't count as refunded either.
type ReversalRequested struct {
	ReversalID string    `json:"reversal_id"`
	Amount     int64     `json:"amount"`
	Currency   string    `json:"currency"`
	Reference  string    `json:"reference"` // of the authorisation
	Key        string    `json:"key"`
	AnswerBy   time.Time `json:"answer_by"`
	// Refund says that the money was taken and is paid back; else a reservation
	// is released.
	Refund bool `json:"refund,omitempty"`
}

// Reversed: the acquirer has given back what the reversal was about.
type Reversed struct {
	ReversalID string `json:"reversal_id"`
	Amount     int64  `json:"amount"`
	Currency   string `json:"currency"`
	Reference  string `json:"reference"`
}

// ReversalFailed: the acquirer would not give it back; people have to look.
type ReversalFailed struct {
	ReversalID string  `json:"reversal_id"`
	Amount     int64   `json:"amount"`
	Currency   string  `json:"currency"`
	Failure    Failure `json:"failure"`
}

// Contradicted: the acquirer says the opposite of what it, or the closing of
// its key, made us record before. The record stands; people have to look.
type Contradicted struct {
	Key       string `json:"key"`
	Performed bool   `json:"performed"` // what the acquirer says now
	Amount    int64  `json:"amount"`
	Currency  string `json:"currency"`
	Reference string `json:"reference,omitempty"`
}

// ResolutionProposed: a person says what became of a call that the acquirer has not
// answered. Nothing comes of it until another person agrees.
type ResolutionProposed struct {
	ResolutionID string `json:"resolution_id"`
	Verdict
	Reason string `json:"reason"`
	By     string `json:"by"` // the person
}

// ResolutionConfirmed: another person agrees. The outcome follows in the same append.
type ResolutionConfirmed struct {
	ResolutionID string `json:"resolution_id"`
	By           string `json:"by"` // the person
}

// ResolutionRejected: what was proposed was turned down, or taken back.
type ResolutionRejected struct {
	ResolutionID string `json:"resolution_id"`
	Reason       string `json:"reason,omitempty"`
	By           string `json:"by"` // the person
}

// Cancelled: the session was cancelled before an attempt succeeded.
type Cancelled struct{}

// Expired: the session expired before an attempt succeeded.
type Expired struct{}

func (Initiated) Type() string            { return "payment.initiated" }
func (AttemptStarted) Type() string       { return "payment.attempt_started" }
func (ActionRequired) Type() string       { return "payment.action_required" }
func (Authorised) Type() string           { return "payment.authorised" }
func (Paid) Type() string                 { return "payment.paid" }
func (Verified) Type() string             { return "payment.verified" }
func (AttemptFailed) Type() string        { return "payment.attempt_failed" }
func (CaptureRequested) Type() string     { return "payment.capture_requested" }
func (Captured) Type() string             { return "payment.captured" }
func (CaptureFailed) Type() string        { return "payment.capture_failed" }
func (VoidRequested) Type() string        { return "payment.void_requested" }
func (Voided) Type() string               { return "payment.voided" }
func (VoidFailed) Type() string           { return "payment.void_failed" }
func (RefundRequested) Type() string      { return "payment.refund_requested" }
func (Refunded) Type() string             { return "payment.refunded" }
func (RefundFailed) Type() string         { return "payment.refund_failed" }
func (AuthorisationExpired) Type() string { return "payment.authorisation_expired" }
func (ReversalRequested) Type() string    { return "payment.reversal_requested" }
func (Reversed) Type() string             { return "payment.reversed" }
func (ReversalFailed) Type() string       { return "payment.reversal_failed" }
func (Contradicted) Type() string         { return "payment.contradicted" }
func (ResolutionProposed) Type() string   { return "payment.resolution_proposed" }
func (ResolutionConfirmed) Type() string  { return "payment.resolution_confirmed" }
func (ResolutionRejected) Type() string   { return "payment.resolution_rejected" }
func (Cancelled) Type() string            { return "payment.cancelled" }
func (Expired) Type() string              { return "payment.expired" }

func (Initiated) paymentEvent()            {}
func (AttemptStarted) paymentEvent()       {}
func (ActionRequired) paymentEvent()       {}
func (Authorised) paymentEvent()           {}
func (Paid) paymentEvent()                 {}
func (Verified) paymentEvent()             {}
func (AttemptFailed) paymentEvent()        {}
func (CaptureRequested) paymentEvent()     {}
func (Captured) paymentEvent()             {}
func (CaptureFailed) paymentEvent()        {}
func (VoidRequested) paymentEvent()        {}
func (Voided) paymentEvent()               {}
func (VoidFailed) paymentEvent()           {}
func (RefundRequested) paymentEvent()      {}
func (Refunded) paymentEvent()             {}
func (RefundFailed) paymentEvent()         {}
func (AuthorisationExpired) paymentEvent() {}
func (ReversalRequested) paymentEvent()    {}
func (Reversed) paymentEvent()             {}
func (ReversalFailed) paymentEvent()       {}
func (Contradicted) paymentEvent()         {}
func (ResolutionProposed) paymentEvent()   {}
func (ResolutionConfirmed) paymentEvent()  {}
func (ResolutionRejected) paymentEvent()   {}
func (Cancelled) paymentEvent()            {}
func (Expired) paymentEvent()              {}

// Codec reads and writes every event of a payment.
var Codec = codec.New(
	codec.Define("payment.initiated", 1, func(e Initiated) Event { return e }),
	codec.Define("payment.attempt_started", 1, func(e AttemptStarted) Event { return e }),
	codec.Define("payment.action_required", 1, func(e ActionRequired) Event { return e }),
	codec.Define("payment.authorised", 1, func(e Authorised) Event { return e }),
	codec.Define("payment.paid", 1, func(e Paid) Event { return e }),
	codec.Define("payment.verified", 1, func(e Verified) Event { return e }),
	codec.Define("payment.attempt_failed", 1, func(e AttemptFailed) Event { return e }),
	codec.Define("payment.capture_requested", 1, func(e CaptureRequested) Event { return e }),
	codec.Define("payment.captured", 1, func(e Captured) Event { return e }),
	codec.Define("payment.capture_failed", 1, func(e CaptureFailed) Event { return e }),
	codec.Define("payment.void_requested", 1, func(e VoidRequested) Event { return e }),
	codec.Define("payment.voided", 1, func(e Voided) Event { return e }),
	codec.Define("payment.void_failed", 1, func(e VoidFailed) Event { return e }),
	codec.Define("payment.refund_requested", 1, func(e RefundRequested) Event { return e }),
	codec.Define("payment.refunded", 1, func(e Refunded) Event { return e }),
	codec.Define("payment.refund_failed", 1, func(e RefundFailed) Event { return e }),
	codec.Define("payment.authorisation_expired", 1, func(e AuthorisationExpired) Event { return e }),
	codec.Define("payment.reversal_requested", 1, func(e ReversalRequested) Event { return e }),
	codec.Define("payment.reversed", 1, func(e Reversed) Event { return e }),
	codec.Define("payment.reversal_failed", 1, func(e ReversalFailed) Event { return e }),
	codec.Define("payment.contradicted", 1, func(e Contradicted) Event { return e }),
	codec.Define("payment.resolution_proposed", 1, func(e ResolutionProposed) Event { return e }),
	codec.Define("payment.resolution_confirmed", 1, func(e ResolutionConfirmed) Event { return e }),
	codec.Define("payment.resolution_rejected", 1, func(e ResolutionRejected) Event { return e }),
	codec.Define("payment.cancelled", 1, func(e Cancelled) Event { return e }),
	codec.Define("payment.expired", 1, func(e Expired) Event { return e }),
)
