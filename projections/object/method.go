package object

import (
	"tender/domain/codec"
	"tender/domain/method"
	"tender/eventstore"
)

// PaymentMethod is a saved way to pay as clients see it.
type PaymentMethod struct {
	ID         string      `json:"id"`
	CustomerID string      `json:"customer_id"`
	Type       string      `json:"type"`
	Card       *MethodCard `json:"card,omitempty"`
	// Usable says whether payments may be made with it without the customer.
	Usable    bool   `json:"usable"`
	Mode      string `json:"mode"`
	Version   int    `json:"version"`
	CreatedAt Time   `json:"created_at"`
	UpdatedAt Time   `json:"updated_at"`
}

// MethodCard is what may be known of a saved card.
type MethodCard struct {
	method.CardDetails
	// Fingerprint is equal for equal cards of one merchant.
	Fingerprint string `json:"fingerprint"`
}

// Apply returns the method after one more event of its stream. Events of other
// aggregates change nothing. One that was removed has no id.
func (o PaymentMethod) Apply(mode string, e eventstore.Event, d codec.Named) PaymentMethod {
	switch d := d.(type) {
	case method.Saved:
		o = PaymentMethod{
			ID: e.Stream, CustomerID: d.CustomerID, Type: d.Kind, Usable: true, Mode: mode, CreatedAt: Time(e.At),
			Card: &MethodCard{CardDetails: d.Card, Fingerprint: d.Fingerprint},
		}
	case method.BecameUnusable:
		o.Usable = false
	case method.Verified:
		o.Usable = true
	case method.Removed:
		return PaymentMethod{Version: e.Version}
	case method.MandateAdded, method.MandateEnded:
	default:
		return o
	}
	o.Version, o.UpdatedAt = e.Version, Time(e.At)
	return o
}
