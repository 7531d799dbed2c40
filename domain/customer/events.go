package customer

import "tender/domain/codec"

// Event is something that happened to a customer.
type Event interface {
	codec.Named
	customerEvent()
}

// Created: the merchant has this customer. The person's name, e-mail and phone
// lie in the vault under the customer's own key.
type Created struct {
	ProfileRef string `json:"profile_ref,omitempty"` // "": nothing is known of the person
	ClockID    string `json:"clock_id,omitempty"`
}

// MethodSaved: the customer has a saved method.
type MethodSaved struct {
	PaymentMethodID string `json:"payment_method_id"`
}

// MethodRemoved: the method is gone.
type MethodRemoved struct {
	PaymentMethodID string `json:"payment_method_id"`
}

// MandateAdded: the customer agreed to a mandate.
type MandateAdded struct {
	MandateID       string `json:"mandate_id"`
	PaymentMethodID string `json:"payment_method_id"`
}

// MandateEnded: nothing is charged under the mandate any more.
type MandateEnded struct {
	MandateID string `json:"mandate_id"`
}

// SubscriptionAdded: the customer has a subscription.
type SubscriptionAdded struct {
	SubscriptionID string `json:"subscription_id"`
}

// SubscriptionEnded: the subscription was cancelled or has come to its end.
type SubscriptionEnded struct {
	SubscriptionID string `json:"subscription_id"`
}

// PaymentOpened: a payment of the customer's is in flight or capturable.
type PaymentOpened struct {
	PaymentID string `json:"payment_id"`
	// Brings is what comes of it if it succeeds. While it is open, that counts
	// against what a customer may have.
	Brings Brings `json:"brings,omitzero"`
}

// Brings is what of the customer's may come of a payment.
type Brings struct {
	Method       bool `json:"payment_method,omitempty"`
	Mandate      bool `json:"mandate,omitempty"`
	Subscription bool `json:"subscription,omitempty"`
}

// PaymentClosed: nothing of the payment is in flight or capturable any more.
type PaymentClosed struct {
	PaymentID string `json:"payment_id"`
}

// Erased: the person is forgotten. The key that their data is sealed with is
// destroyed after this event, as often as it takes.
type Erased struct{}

func (Created) Type() string           { return "customer.created" }
func (MethodSaved) Type() string       { return "customer.method_saved" }
func (MethodRemoved) Type() string     { return "customer.method_removed" }
func (MandateAdded) Type() string      { return "customer.mandate_added" }
func (MandateEnded) Type() string      { return "customer.mandate_ended" }
func (SubscriptionAdded) Type() string { return "customer.subscription_added" }
func (SubscriptionEnded) Type() string { return "customer.subscription_ended" }
func (PaymentOpened) Type() string     { return "customer.payment_opened" }
func (PaymentClosed) Type() string     { return "customer.payment_closed" }
func (Erased) Type() string            { return "customer.erased" }

func (Created) customerEvent()           {}
func (MethodSaved) customerEvent()       {}
func (MethodRemoved) customerEvent()     {}
func (MandateAdded) customerEvent()      {}
func (MandateEnded) customerEvent()      {}
func (SubscriptionAdded) customerEvent() {}
func (SubscriptionEnded) customerEvent() {}
func (PaymentOpened) customerEvent()     {}
func (PaymentClosed) customerEvent()     {}
func (Erased) customerEvent()            {}

// Codec reads and writes every event of a customer.
var Codec = codec.New(
	codec.Define("customer.created", 1, func(e Created) Event { return e }),
	codec.Define("customer.method_saved", 1, func(e MethodSaved) Event { return e }),
	codec.Define("customer.method_removed", 1, func(e MethodRemoved) Event { return e }),
	codec.Define("customer.mandate_added", 1, func(e MandateAdded) Event { return e }),
	codec.Define("customer.mandate_ended", 1, func(e MandateEnded) Event { return e }),
	codec.Define("customer.subscription_added", 1, func(e SubscriptionAdded) Event { return e }),
	codec.Define("customer.subscription_ended", 1, func(e SubscriptionEnded) Event { return e }),
	codec.Define("customer.payment_opened", 1, func(e PaymentOpened) Event { return e }),
	codec.Define("customer.payment_closed", 1, func(e PaymentClosed) Event { return e }),
	codec.Define("customer.erased", 1, func(e Erased) Event { return e }),
)
