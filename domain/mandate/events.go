package mandate

import (
	"time"

	"tender/domain/codec"
	"tender/domain/decline"
)

// Event is something that happened to a mandate.
type Event interface {
	codec.Named
	mandateEvent()
}

// Created: the customer agreed to the terms.
type Created struct {
	CustomerID      string  `json:"customer_id"`
	PaymentMethodID string  `json:"payment_method_id"`
	SessionID       string  `json:"session_id"`
	SubscriptionID  string  `json:"subscription_id,omitempty"`
	Terms           Terms   `json:"terms"`
	Consent         Consent `json:"consent"`
	// Later payments refer to the first one: by the acquirer's reference, and with a
	// card by the id that its scheme gave.
	Reference            string `json:"reference,omitempty"`
	NetworkTransactionID string `json:"network_transaction_id,omitempty"`
	// Carried is what was used of the mandate that this one takes the place of.
	Carried *Usage `json:"carried,omitempty"`
	ClockID string `json:"clock_id,omitempty"`
}

// Consent is the evidence that the customer agreed.
type Consent struct {
	AcceptedAt        time.Time `json:"accepted_at"`
	Text              string    `json:"text"`
	TextVersion       string    `json:"text_version"`
	Locale            string    `json:"locale"`
	CheckoutSessionID string    `json:"checkout_session_id"`
}

// Usage is what counts against the limits of a mandate that another takes the
// place of: all of it, by window where there are period limits.
type Usage struct {
	Count         int       `json:"count"`
	Amount        int64     `json:"amount"` // minor units
	Currency      string    `json:"currency"`
	LastPaymentAt time.Time `json:"last_payment_at,omitzero"`
	WindowStart   string    `json:"window_start,omitempty"` // of the window that Window… count, YYYY-MM-DD
	WindowCount   int       `json:"window_count,omitempty"`
	WindowAmount  int64     `json:"window_amount,omitempty"`
	// Items are the fixed items that were paid, from 0.
	Items []int `json:"items,omitempty"`
}

// ChargeStarted is the intent of a payment under the mandate; from here on it
// counts.
type ChargeStarted struct {
	PaymentID string `json:"payment_id"`
	SessionID string `json:"session_id"`
	Amount    int64  `json:"amount"`
	Currency  string `json:"currency"`
	// Date is the day in the mandate's zone that the payment counts for.
	Date string `json:"date"`
	// Item is which fixed item it pays, from 0; nil with all other terms.
	Item *int `json:"item,omitempty"`
}

// ChargeSucceeded: the payment was paid, or reserved where it is captured later.
type ChargeSucceeded struct {
	PaymentID string `json:"payment_id"`
	Amount    int64  `json:"amount"`
	Currency  string `json:"currency"`
	// Reserved says that part of it may still be given back by a void or an expiry.
	Reserved bool `json:"reserved,omitempty"`
}

// ChargeFailed: the payment failed and counts no longer.
type ChargeFailed struct {
	PaymentID string          `json:"payment_id"`
	Amount    int64           `json:"amount"`
	Currency  string          `json:"currency"`
	Failure   decline.Failure `json:"failure"`
}

// ChargeReduced: part of a reserved payment was given back by a void or an expiry.
// Whole says that with this all of it was given back, so that it counts no longer;
// Final that nothing of it can come back any more.
type ChargeReduced struct {
	PaymentID string `json:"payment_id"`
	Amount    int64  `json:"amount"` // given back; 0: captured to the end
	Currency  string `json:"currency"`
	Whole     bool   `json:"whole,omitempty"`
	Final     bool   `json:"final,omitempty"`
}

// Revoked: no payment is made under it any more.
type Revoked struct {
	By     RevokedBy `json:"by"`
	Reason string    `json:"reason,omitempty"`
}

// Expired: its validity is over.
type Expired struct{}

// Exhausted: its limits let nothing more through, ever.
type Exhausted struct{}

// RevokedBy says who ended a mandate.
type RevokedBy string

// Who may end a mandate.
const (
	ByMerchant RevokedBy = "merchant"
	ByIssuer   RevokedBy = "issuer"   // the cardholder told the bank
	BySystem   RevokedBy = "system"   // its method or customer is gone
	ByReplaced RevokedBy = "replaced" // a new mandate took its place
)

func (Created) Type() string         { return "mandate.created" }
func (ChargeStarted) Type() string   { return "mandate.charge_started" }
func (ChargeSucceeded) Type() string { return "mandate.charge_succeeded" }
func (ChargeFailed) Type() string    { return "mandate.charge_failed" }
func (ChargeReduced) Type() string   { return "mandate.charge_reduced" }
func (Revoked) Type() string         { return "mandate.revoked" }
func (Expired) Type() string         { return "mandate.expired" }
func (Exhausted) Type() string       { return "mandate.exhausted" }

func (Created) mandateEvent()         {}
func (ChargeStarted) mandateEvent()   {}
func (ChargeSucceeded) mandateEvent() {}
func (ChargeFailed) mandateEvent()    {}
func (ChargeReduced) mandateEvent()   {}
func (Revoked) mandateEvent()         {}
func (Expired) mandateEvent()         {}
func (Exhausted) mandateEvent()       {}

// Codec reads and writes every event of a mandate.
var Codec = codec.New(
	codec.Define("mandate.created", 1, func(e Created) Event { return e }),
	codec.Define("mandate.charge_started", 1, func(e ChargeStarted) Event { return e }),
	codec.Define("mandate.charge_succeeded", 1, func(e ChargeSucceeded) Event { return e }),
	codec.Define("mandate.charge_failed", 1, func(e ChargeFailed) Event { return e }),
	codec.Define("mandate.charge_reduced", 1, func(e ChargeReduced) Event { return e }),
	codec.Define("mandate.revoked", 1, func(e Revoked) Event { return e }),
	codec.Define("mandate.expired", 1, func(e Expired) Event { return e }),
	codec.Define("mandate.exhausted", 1, func(e Exhausted) Event { return e }),
)
