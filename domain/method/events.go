package method

import (
	"tender/domain/codec"
	"tender/domain/decline"
)

// Event is something that happened to a saved method.
type Event interface {
	codec.Named
	methodEvent()
}

// Saved: what the customer paid with is kept for later payments. The number of the
// card, or of the telephone, lies in the vault under the customer's own key.
type Saved struct {
	CustomerID string  `json:"customer_id"`
	Details    Details `json:"details"`
	// Fingerprint is equal for equal cards of one merchant, and for equal accounts of
	// one kind; it says nothing else.
	Fingerprint string `json:"fingerprint"`
	VaultRef    string `json:"vault_ref"`
	SessionID   string `json:"session_id"`
	// NetworkTransactionID is that of the payment which saved it.
	NetworkTransactionID string `json:"network_transaction_id,omitempty"`
	ClockID              string `json:"clock_id,omitempty"`
}

// MandateAdded: payments without the customer may be made with it.
type MandateAdded struct {
	MandateID string `json:"mandate_id"`
}

// MandateEnded: the mandate lets nothing through any more.
type MandateEnded struct {
	MandateID string `json:"mandate_id"`
}

// BecameUnusable: nothing is sent for it without the customer until it is verified
// again.
type BecameUnusable struct {
	PaymentID string          `json:"payment_id"`
	Failure   decline.Failure `json:"failure"`
}

// Verified: the customer used it again with success.
type Verified struct {
	PaymentID string `json:"payment_id"`
}

// Removed: it is used no more, and what the vault has of it is deleted.
type Removed struct{}

func (Saved) Type() string          { return "method.saved" }
func (MandateAdded) Type() string   { return "method.mandate_added" }
func (MandateEnded) Type() string   { return "method.mandate_ended" }
func (BecameUnusable) Type() string { return "method.became_unusable" }
func (Verified) Type() string       { return "method.verified" }
func (Removed) Type() string        { return "method.removed" }

func (Saved) methodEvent()          {}
func (MandateAdded) methodEvent()   {}
func (MandateEnded) methodEvent()   {}
func (BecameUnusable) methodEvent() {}
func (Verified) methodEvent()       {}
func (Removed) methodEvent()        {}

// Codec reads and writes every event of a saved method.
var Codec = codec.New(
	codec.Define("method.saved", 1, func(e Saved) Event { return e }),
	codec.Define("method.mandate_added", 1, func(e MandateAdded) Event { return e }),
	codec.Define("method.mandate_ended", 1, func(e MandateEnded) Event { return e }),
	codec.Define("method.became_unusable", 1, func(e BecameUnusable) Event { return e }),
	codec.Define("method.verified", 1, func(e Verified) Event { return e }),
	codec.Define("method.removed", 1, func(e Removed) Event { return e }),
)
