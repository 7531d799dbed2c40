// Package catalogue knows every event of every aggregate: for those who read the
// log as a whole.
package catalogue

import (
	"encoding/json"
	"strings"

	"tender/domain/clock"
	"tender/domain/codec"
	"tender/domain/customer"
	"tender/domain/logo"
	"tender/domain/mandate"
	"tender/domain/merchant"
	"tender/domain/method"
	"tender/domain/payment"
	"tender/domain/readmodel"
	"tender/domain/recovery"
	"tender/domain/session"
	"tender/domain/staff"
	"tender/domain/subscription"
	"tender/domain/webhook"
)

// Decode reads an event of any aggregate. A type or version that this build does
// not know gives a [codec.NewerError].
func Decode(name string, version int, payload json.RawMessage) (codec.Named, error) {
	aggregate, _, _ := strings.Cut(name, ".")
	switch aggregate {
	case "session":
		return named(session.Codec.Decode(name, version, payload))
	case "payment":
		return named(payment.Codec.Decode(name, version, payload))
	case "merchant":
		return named(merchant.Codec.Decode(name, version, payload))
	case "webhook":
		return named(webhook.Codec.Decode(name, version, payload))
	case "recovery":
		return named(recovery.Codec.Decode(name, version, payload))
	case "staff":
		return named(staff.Codec.Decode(name, version, payload))
	case "customer":
		return named(customer.Codec.Decode(name, version, payload))
	case "method":
		return named(method.Codec.Decode(name, version, payload))
	case "mandate":
		return named(mandate.Codec.Decode(name, version, payload))
	case "subscription":
		return named(subscription.Codec.Decode(name, version, payload))
	case "logo":
		return named(logo.Codec.Decode(name, version, payload))
	case "read_model":
		return named(readmodel.Codec.Decode(name, version, payload))
	case "clock":
		return named(clock.Codec.Decode(name, version, payload))
	}
	return nil, &codec.NewerError{Type: name, SchemaVersion: version}
}

func named[E codec.Named](e E, err error) (codec.Named, error) {
	if err != nil {
		return nil, err
	}
	return e, nil
}

// Names lists every event type of every aggregate.
func Names() []string {
	var names []string
	for _, list := range [][]string{
		session.Codec.Names(), payment.Codec.Names(), merchant.Codec.Names(), webhook.Codec.Names(), staff.Codec.Names(),
		customer.Codec.Names(), method.Codec.Names(), mandate.Codec.Names(), subscription.Codec.Names(), clock.Codec.Names(),
		recovery.Codec.Names(), logo.Codec.Names(), readmodel.Codec.Names(),
	} {
		names = append(names, list...)
	}
	return names
}
