package customer

import "slices"

// OpenPayment returns what happens to the customer when a payment of theirs is
// begun. For what comes of it if it succeeds there must be room, beside what other
// payments may bring meanwhile.
func (s State) OpenPayment(paymentID string, brings Brings) ([]Event, error) {
	if err := s.Available(); err != nil {
		return nil, err
	}
	if err := s.HasRoom(brings); err != nil {
		return nil, err
	}
	switch {
	case s.opened(paymentID) >= 0:
		return nil, nil
	case len(s.Open) >= OpenPaymentsMax:
		return nil, ErrTooManyOpenPayments
	}
	return []Event{PaymentOpened{PaymentID: paymentID, Brings: brings}}, nil
}

// ClosePayment returns what happens to the customer when nothing of a payment is
// in flight or capturable any more: nothing, where it was not open.
func (s State) ClosePayment(paymentID string) []Event {
	if s.opened(paymentID) < 0 {
		return nil
	}
	return []Event{PaymentClosed{PaymentID: paymentID}}
}

// HasRoom refuses what would bring a customer more than they may have, counting
// what is on its way.
func (s State) HasRoom(brings Brings) error {
	methods, mandates, subscriptions := len(s.Methods), len(s.Mandates), len(s.Subscriptions)
	for _, p := range s.Open {
		methods += one(p.Brings.Method)
		mandates += one(p.Brings.Mandate)
		subscriptions += one(p.Brings.Subscription)
	}
	switch {
	case brings.Method && methods >= MethodsMax:
		return ErrTooManyMethods
	case brings.Mandate && mandates >= MandatesMax:
		return ErrTooManyMandates
	case brings.Subscription && subscriptions >= SubscriptionsMax:
		return ErrTooManySubscriptions
	}
	return nil
}

func one(comes bool) int {
	if comes {
		return 1
	}
	return 0
}

func (s State) opened(paymentID string) int {
	return slices.IndexFunc(s.Open, func(p OpenPayment) bool { return p.ID == paymentID })
}
