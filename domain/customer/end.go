package customer

import "slices"

// EndMandate returns what happens to the customer when a mandate of theirs has
// ended: nothing, where that is known.
func (s State) EndMandate(mandateID string) []Event {
	if !slices.ContainsFunc(s.Mandates, func(m Mandate) bool { return m.ID == mandateID }) {
		return nil
	}
	return []Event{MandateEnded{MandateID: mandateID}}
}

// EndSubscription returns what happens to the customer when a subscription of
// theirs has ended: nothing, where that is known.
func (s State) EndSubscription(subscriptionID string) []Event {
	if !slices.Contains(s.Subscriptions, subscriptionID) {
		return nil
	}
	return []Event{SubscriptionEnded{SubscriptionID: subscriptionID}}
}

// Erase forgets the person. It is refused while a payment of theirs is in flight
// or capturable: whoever paid must be reachable until the money has come to rest.
// What is theirs ends with it; see package collect.
func (s State) Erase() ([]Event, error) {
	if err := s.Available(); err != nil {
		return nil, err
	}
	if len(s.Open) > 0 {
		return nil, ErrHasOpenPayments
	}
	return []Event{Erased{}}, nil
}
