package subscriptions

import (
	"context"

	"tender/handlers/engine"
)

// Prepare reads what collecting these subscriptions will ask for, at most as many as
// fit one query of [engine.Engine.Refresh]: with a query for each kind of object
// instead of one for each object. It spares queries and nothing else. Whoever collects
// reads what is not there, and the log says what has changed meanwhile.
func (s *Service) Prepare(ctx context.Context, subscriptionIDs []string) error {
	g := s.Engine
	subs := make([]engine.Ref, len(subscriptionIDs))
	for i, id := range subscriptionIDs {
		subs[i] = g.Subscriptions.Ref(id)
	}
	if err := g.Refresh(ctx, subs...); err != nil {
		return err
	}
	var customers, methods, mandates []engine.Ref
	for _, id := range subscriptionIDs {
		sub := g.Subscriptions.Ref(id).Value
		if !sub.Exists() {
			continue
		}
		customers = append(customers, g.Customers.Ref(sub.CustomerID))
		methods = append(methods, g.Methods.Ref(sub.PaymentMethodID))
		mandates = append(mandates, g.Mandates.Ref(sub.MandateID))
	}
	for _, refs := range [][]engine.Ref{customers, methods, mandates} {
		if err := g.Refresh(ctx, refs...); err != nil {
			return err
		}
	}
	return nil
}
