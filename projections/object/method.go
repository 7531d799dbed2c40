package object

import (
	"encoding/json"

	"github.com/cockroachdb/errors"

	"tender/domain/codec"
	"tender/domain/method"
	"tender/eventstore"
)

// PaymentMethod is a saved way to pay as clients see it. In JSON what is known of it
// stands in a member that is named after its type.
type PaymentMethod struct {
	ID         string      `json:"id"`
	CustomerID string      `json:"customer_id"`
	Type       method.Kind `json:"type"`
	// Card or Account is what may be known of it.
	Card    *MethodCard    `json:"-"`
	Account *MethodAccount `json:"-"`
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

// MethodAccount is what may be known of a saved account.
type MethodAccount struct {
	method.AccountDetails
	// Fingerprint is equal for equal accounts of one kind and one merchant.
	Fingerprint string `json:"fingerprint"`
}

// Details are what may be known of the method, as it stands with payments.
func (o PaymentMethod) Details() method.Details {
	d := method.Details{Type: o.Type}
	if o.Card != nil {
		d.Card = &o.Card.CardDetails
	}
	if o.Account != nil {
		d.Account = &o.Account.AccountDetails
	}
	return d
}

// Fingerprint is equal for what is equal among a merchant's methods.
func (o PaymentMethod) Fingerprint() string {
	switch {
	case o.Card != nil:
		return o.Card.Fingerprint
	case o.Account != nil:
		return o.Account.Fingerprint
	}
	return ""
}

// plainMethod is a method without its member of many names.
type plainMethod PaymentMethod

// MarshalJSON writes the method, and the member that its type names.
func (o PaymentMethod) MarshalJSON() ([]byte, error) {
	switch {
	case o.Card != nil:
		return method.MarshalKind(plainMethod(o), o.Type, o.Card)
	case o.Account != nil:
		return method.MarshalKind(plainMethod(o), o.Type, o.Account)
	}
	return json.Marshal(plainMethod(o))
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (o *PaymentMethod) UnmarshalJSON(b []byte) error {
	var plain plainMethod
	var members map[string]json.RawMessage
	if err := errors.CombineErrors(json.Unmarshal(b, &plain), json.Unmarshal(b, &members)); err != nil {
		return errors.Wrap(err, "read a payment method")
	}
	inner, given := members[string(plain.Type)]
	var err error
	switch {
	case !given:
	case plain.Type == method.KindCard:
		err = json.Unmarshal(inner, &plain.Card)
	default:
		err = json.Unmarshal(inner, &plain.Account)
	}
	*o = PaymentMethod(plain)
	return errors.Wrap(err, "read a payment method")
}

// Apply returns the method after one more event of its stream. Events of other
// aggregates change nothing. One that was removed has no id.
func (o PaymentMethod) Apply(mode string, e eventstore.Event, d codec.Named) PaymentMethod {
	switch d := d.(type) {
	case method.Saved:
		o = PaymentMethod{
			ID: e.Stream, CustomerID: d.CustomerID, Type: d.Details.Type, Usable: true, Mode: mode, CreatedAt: Time(e.At),
		}
		if d.Details.Card != nil {
			o.Card = &MethodCard{CardDetails: *d.Details.Card, Fingerprint: d.Fingerprint}
		}
		if d.Details.Account != nil {
			o.Account = &MethodAccount{AccountDetails: *d.Details.Account, Fingerprint: d.Fingerprint}
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
