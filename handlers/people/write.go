package people

import (
	"tender/domain/collect"
	"tender/domain/customer"
	"tender/domain/mandate"
	"tender/domain/method"
	"tender/domain/subscription"
	"tender/handlers/engine"
)

// Write adds to tx what a decision means to a customer, their methods, mandates and
// subscriptions.
// What happens to a session and its payment is for others to write, after it.
//
// What a request is answered with comes last, because the position that it is told
// must be the decision's end: a mandate after its subscription.
func Write(tx *engine.Tx, g *engine.Engine, c collect.Changes) {
	if c.Customer.New {
		engine.Create(tx, g.Customers, c.Customer.ID)
	}
	engine.Write(tx, customer.Codec, c.Customer.ID, c.Customer.Events...)
	for _, m := range c.Methods {
		if m.New {
			engine.Create(tx, g.Methods, m.ID)
		}
		engine.Write(tx, method.Codec, m.ID, m.Events...)
	}
	for _, sub := range c.Subscriptions {
		if sub.New {
			engine.Create(tx, g.Subscriptions, sub.ID)
		}
		engine.Write(tx, subscription.Codec, sub.ID, sub.Events...)
	}
	for _, m := range c.Mandates {
		if m.New {
			engine.Create(tx, g.Mandates, m.ID)
		}
		engine.Write(tx, mandate.Codec, m.ID, m.Events...)
	}
}
