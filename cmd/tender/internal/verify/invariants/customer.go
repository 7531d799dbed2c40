package invariants

import "tender/domain/customer"

// customerNotes is what is noted of a customer.
type customerNotes struct {
	methods, mandates, subscriptions, open once
	erased                                 bool
}

func noteCustomer(n *customerNotes, e *Event) {
	switch d := e.Said.(type) {
	case customer.MethodSaved:
		n.methods.add(d.PaymentMethodID)
	case customer.MethodRemoved:
		n.methods.end(d.PaymentMethodID)
	case customer.MandateAdded:
		n.mandates.add(d.MandateID)
	case customer.MandateEnded:
		n.mandates.end(d.MandateID)
	case customer.SubscriptionAdded:
		n.subscriptions.add(d.SubscriptionID)
	case customer.SubscriptionEnded:
		n.subscriptions.end(d.SubscriptionID)
	case customer.PaymentOpened:
		n.open.add(d.PaymentID)
	case customer.PaymentClosed:
		n.open.end(d.PaymentID)
	case customer.Erased:
		n.erased = true
	}
}

var customerRules = []rule[customerNotes]{
	when("customer-belongings", "A method, a mandate and a subscription come to a customer once, and go once, after that.", func(n *customerNotes, e *Event) string {
		switch d := e.Said.(type) {
		case customer.MethodSaved:
			return n.methods.joins("method", d.PaymentMethodID)
		case customer.MethodRemoved:
			return n.methods.leaves("method", d.PaymentMethodID)
		case customer.MandateAdded:
			return n.mandates.joins("mandate", d.MandateID)
		case customer.MandateEnded:
			return n.mandates.leaves("mandate", d.MandateID)
		case customer.SubscriptionAdded:
			return n.subscriptions.joins("subscription", d.SubscriptionID)
		case customer.SubscriptionEnded:
			return n.subscriptions.leaves("subscription", d.SubscriptionID)
		}
		return ""
	}),
	when("customer-payments", "A payment is opened at its customer only while it is closed there, and closed while it is open.", func(n *customerNotes, e *Event) string {
		switch d := e.Said.(type) {
		case customer.PaymentOpened:
			if n.open.live(d.PaymentID) {
				return "payment " + d.PaymentID + " is open already"
			}
		case customer.PaymentClosed:
			return n.open.leaves("payment", d.PaymentID)
		}
		return ""
	}),
	when("customer-erased", "A customer is erased with no payment open, and nothing more becomes of them.", func(n *customerNotes, e *Event) string {
		_, erases := e.Said.(customer.Erased)
		switch {
		case n.erased:
			return "the customer was erased"
		case erases && n.open.count() > 0:
			return "a payment of theirs is in flight or can be captured"
		}
		return ""
	}),
}
