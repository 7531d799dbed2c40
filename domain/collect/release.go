package collect

import (
	"tender/domain/customer"
	"tender/domain/mandate"
	"tender/domain/payment"
)

// Operate returns what happens when events happen to a payment that stands: intents
// and outcomes of captures, voids and refunds, or the end of the authorisation. What
// is given back of a payment under a mandate counts no longer; once nothing of it
// is capturable it is closed at its customer.
//
// The parties are the payment's: its customer, its method and its mandate, where it
// has them.
func Operate(p payment.State, w Parties, events []payment.Event) (Changes, error) {
	changes := Changes{Payment: Stream[payment.Event]{ID: p.ID, Events: events}}
	after := p
	for _, e := range events {
		after = payment.Evolve(after, p.ID, e)
	}
	if w.Customer.ID != p.CustomerID || w.Mandate.ID != p.MandateID {
		return Changes{}, ErrIncomplete
	}
	if p.MandateID != "" {
		over := p.Open() && !after.Open()
		if back := after.Voided + after.Expired - p.Voided - p.Expired; over || back > 0 {
			if err := changes.decideMandate(w, mandate.Reduce{PaymentID: p.ID, Amount: back, Final: over}); err != nil {
				return Changes{}, err
			}
		}
	}
	changes.rest(p, w, after.Open())
	return changes, nil
}

// rest closes a payment at its customer once nothing of it is in flight or
// capturable; and opens one there that stays capturable, where the customer was not
// known before.
func (c *Changes) rest(p payment.State, w Parties, open bool) {
	if c.Customer.New {
		if open {
			c.Customer.Events = append(c.Customer.Events, customer.PaymentOpened{PaymentID: p.ID})
		}
		return
	}
	c.Customer.ID = p.CustomerID
	if p.CustomerID != "" && !open {
		c.Customer.Events = append(c.Customer.Events, w.Customer.ClosePayment(p.ID)...)
	}
}
