package collect

import (
	"slices"

	"tender/domain/customer"
	"tender/domain/mandate"
	"tender/domain/method"
	"tender/domain/subscription"
)

// RemoveMethod takes a saved method out of use and revokes its mandates, which are
// those that its stream names. What that means to subscriptions the caller adds; see
// [Changes.WithSubscription]. A payment in flight is not cut off.
func RemoveMethod(owner customer.State, m method.State, mandates []mandate.State) (Changes, error) {
	events, err := m.Remove()
	if err != nil {
		return Changes{}, err
	}
	if owner.ID != m.CustomerID {
		return Changes{}, ErrIncomplete
	}
	changes := Changes{
		Customer: Stream[customer.Event]{ID: owner.ID, Events: []customer.Event{customer.MethodRemoved{PaymentMethodID: m.ID}}},
		Methods:  []Stream[method.Event]{{ID: m.ID, Events: events}},
	}
	// The method says that it is gone; its mandates' ends need not be told to it.
	gone := m
	for _, e := range events {
		gone = method.Evolve(gone, m.ID, e)
	}
	for _, mandateID := range m.Mandates {
		i := slices.IndexFunc(mandates, func(one mandate.State) bool { return one.ID == mandateID })
		if i < 0 {
			return Changes{}, ErrIncomplete
		}
		w := Parties{Customer: owner, Method: gone, Mandate: mandates[i]}
		if err := changes.decideMandate(w, mandate.Revoke{By: mandate.BySystem, Reason: ReasonMethodRemoved}); err != nil {
			return Changes{}, err
		}
	}
	return changes, nil
}

// Belongings is everything of a customer's that has not ended.
type Belongings struct {
	Methods  []method.State
	Mandates []mandate.State
	// Subscriptions holds, for each, the events that cancel it.
	Subscriptions []Stream[subscription.Event]
}

// EraseCustomer forgets a customer: mandates are revoked, subscriptions cancelled,
// methods removed, and the customer erased. It is refused while a payment of theirs
// is in flight or capturable. The key that their data is encrypted with is destroyed
// once this is in the log.
func EraseCustomer(c customer.State, b Belongings) (Changes, error) {
	events, err := c.Erase()
	if err != nil {
		return Changes{}, err
	}
	changes := Changes{Customer: Stream[customer.Event]{ID: c.ID, Events: events}}
	for _, methodID := range c.Methods {
		i := slices.IndexFunc(b.Methods, func(m method.State) bool { return m.ID == methodID })
		if i < 0 {
			return Changes{}, ErrIncomplete
		}
		removed, err := b.Methods[i].Remove()
		if err != nil {
			return Changes{}, err
		}
		changes.Methods = on(changes.Methods, methodID, false, removed...)
	}
	for _, theirs := range c.Mandates {
		i := slices.IndexFunc(b.Mandates, func(m mandate.State) bool { return m.ID == theirs.ID })
		if i < 0 {
			return Changes{}, ErrIncomplete
		}
		revoked, err := mandate.Decide(b.Mandates[i], mandate.Revoke{By: mandate.BySystem, Reason: ReasonCustomerErased})
		if err != nil {
			return Changes{}, err
		}
		changes.Mandates = on(changes.Mandates, theirs.ID, false, revoked...)
	}
	for _, subscriptionID := range c.Subscriptions {
		i := slices.IndexFunc(b.Subscriptions, func(s Stream[subscription.Event]) bool { return s.ID == subscriptionID })
		if i < 0 {
			return Changes{}, ErrIncomplete
		}
		changes.Subscriptions = on(changes.Subscriptions, subscriptionID, false, b.Subscriptions[i].Events...)
	}
	return changes, nil
}
