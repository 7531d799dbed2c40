package collect

import (
	"slices"

	"tender/domain"
	"tender/domain/customer"
	"tender/domain/mandate"
	"tender/domain/method"
)

// Reasons that are kept with a mandate which ends because something else does.
const (
	ReasonMethodRemoved  = "payment_method_removed"
	ReasonCustomerErased = "customer_erased"
)

// Refusals of the choice of a mandate.
var (
	ErrMandateUnknown   = &domain.Refusal{Code: "not_found", Detail: "There is no such mandate for the payment method.", Field: "/options/mandate_id"}
	ErrMandateAmbiguous = &domain.Refusal{Code: "mandate_ambiguous", Detail: "Several mandates for the payment method are active. Name the one that is meant.", Field: "/options/mandate_id"}
	ErrNoMandate        = &mandate.Violations{Broken: []mandate.Violation{{
		Code: mandate.NotActive, Detail: "The customer has agreed to no payments with this payment method, or no longer does.",
	}}}
)

// ChooseMandate returns the mandate that a payment without the customer is made
// under: the one that is named, or else the only active one for the method. The
// mandates are those that the method's stream names, and with them the one that was
// asked for. Whether it allows the payment is its own to say.
func ChooseMandate(owner customer.State, m method.State, mandates []mandate.State, named string) (mandate.State, error) {
	if err := owner.Available(); err != nil {
		return mandate.State{}, err
	}
	if err := owns(owner, m); err != nil {
		return mandate.State{}, err
	}
	var active []mandate.State
	for _, one := range mandates {
		switch {
		case one.PaymentMethodID != m.ID:
		case named != "" && one.ID == named:
			return one, nil
		case one.Active():
			active = append(active, one)
		}
	}
	switch {
	case named != "":
		return mandate.State{}, ErrMandateUnknown
	case len(active) == 0:
		return mandate.State{}, ErrNoMandate
	case len(active) > 1:
		return mandate.State{}, ErrMandateAmbiguous
	}
	return active[0], nil
}

// EndMandate ends a mandate, by [mandate.Revoke] or [mandate.Expire], at its method
// and its customer, too. A payment in flight is not cut off. Nothing happens if the
// mandate has ended before.
func EndMandate(w Parties, c mandate.Command) (Changes, error) {
	var changes Changes
	if err := changes.decideMandate(w, c); err != nil {
		return Changes{}, err
	}
	return changes, nil
}

// decideMandate adds what happens to a mandate when c is asked of it. Where that
// ends it, whatever the reason, its customer and its method are told.
func (c *Changes) decideMandate(w Parties, command mandate.Command) error {
	m := w.Mandate
	if w.Customer.ID != m.CustomerID || w.Method.ID != m.PaymentMethodID {
		return ErrIncomplete
	}
	events, err := mandate.Decide(m, command)
	if err != nil {
		return err
	}
	c.Mandates = on(c.Mandates, m.ID, false, events...)
	if ends(events) {
		c.Customer.ID = w.Customer.ID
		c.Customer.Events = append(c.Customer.Events, w.Customer.EndMandate(m.ID)...)
		c.Methods = on(c.Methods, m.PaymentMethodID, false, w.Method.EndMandate(m.ID)...)
	}
	return nil
}

// ends reports whether a mandate has ended with events.
func ends(events []mandate.Event) bool {
	return slices.ContainsFunc(events, func(e mandate.Event) bool {
		switch e.(type) {
		case mandate.Revoked, mandate.Expired, mandate.Exhausted:
			return true
		}
		return false
	})
}
