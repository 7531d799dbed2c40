package customer

import (
	"fmt"
	"slices"
)

// Evolve returns the state after e. It panics on an event type that this build
// was compiled with and forgot to handle.
func Evolve(s State, id string, e Event) State {
	switch e := e.(type) {
	case Created:
		return State{ID: id, ClockID: e.ClockID}
	case MethodSaved:
		s.Methods = with(s.Methods, e.PaymentMethodID)
	case MethodRemoved:
		s.Methods = without(s.Methods, e.PaymentMethodID)
	case MandateAdded:
		s.Mandates = with(s.Mandates, Mandate{ID: e.MandateID, PaymentMethodID: e.PaymentMethodID})
	case MandateEnded:
		s.Mandates = slices.DeleteFunc(slices.Clone(s.Mandates), func(m Mandate) bool { return m.ID == e.MandateID })
	case SubscriptionAdded:
		s.Subscriptions = with(s.Subscriptions, e.SubscriptionID)
	case SubscriptionEnded:
		s.Subscriptions = without(s.Subscriptions, e.SubscriptionID)
	case PaymentOpened:
		s.Open = with(s.Open, OpenPayment{ID: e.PaymentID, Brings: e.Brings})
	case PaymentClosed:
		s.Open = slices.DeleteFunc(slices.Clone(s.Open), func(p OpenPayment) bool { return p.ID == e.PaymentID })
	case Erased:
		// Nothing of theirs is left: that each of it has ended, its own stream says.
		return State{ID: s.ID, ClockID: s.ClockID, Erased: true}
	default:
		panic(fmt.Sprintf("customer: %T is not handled", e))
	}
	return s
}

// with and without return slices of their own, because states are values that
// several holders share.
func with[T comparable](list []T, one T) []T { return append(slices.Clone(list), one) }

func without(list []string, one string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(x string) bool { return x == one })
}
