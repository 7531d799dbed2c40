package people

import (
	"context"
	"slices"

	"tender/domain/collect"
	"tender/domain/customer"
	"tender/domain/mandate"
	"tender/domain/method"
	"tender/domain/subscription"
	"tender/handlers/engine"
)

// DecideSubscription returns changes with what happens when a command is asked of a
// subscription in the same decision. It is judged by its state with what changes hold
// of it already. Owner is its customer, as they were before the decision.
func DecideSubscription(
	ctx context.Context, tx *engine.Tx, g *engine.Engine, owner customer.State, changes collect.Changes,
	subscriptionID string, command subscription.Command,
) (collect.Changes, error) {
	l, err := engine.Read(ctx, tx, g.Subscriptions, subscriptionID)
	if err != nil {
		return changes, err
	}
	state := l.Value
	for _, stream := range changes.Subscriptions {
		if stream.ID != subscriptionID {
			continue
		}
		for _, e := range stream.Events {
			state = subscription.Evolve(state, subscriptionID, tx.Now.At, e)
		}
	}
	events, err := subscription.Decide(state, command)
	if err != nil || len(events) == 0 {
		return changes, err
	}
	return changes.WithSubscription(ownerAfter(owner, changes), subscriptionID, events...), nil
}

// ownerAfter is a customer after a decision, as far as it has been made.
func ownerAfter(owner customer.State, changes collect.Changes) customer.State {
	for _, e := range changes.Customer.Events {
		owner = customer.Evolve(owner, changes.Customer.ID, e)
	}
	return owner
}

// EndSubscriptions returns changes with what they mean to the subscriptions whose
// mandates they end, or whose method they show to be unusable.
func EndSubscriptions(ctx context.Context, tx *engine.Tx, g *engine.Engine, owner customer.State, changes collect.Changes) (collect.Changes, error) {
	for _, stream := range changes.Mandates {
		cause, ends := causeOf(stream.Events)
		if !ends {
			continue
		}
		m, err := mandateIn(ctx, tx, g, stream)
		if err != nil {
			return changes, err
		}
		if changes, err = endOf(ctx, tx, g, owner, changes, m, cause); err != nil {
			return changes, err
		}
	}
	for _, stream := range changes.Methods {
		if !slices.ContainsFunc(stream.Events, func(e method.Event) bool { _, ok := e.(method.BecameUnusable); return ok }) {
			continue
		}
		saved, err := engine.Read(ctx, tx, g.Methods, stream.ID)
		if err != nil {
			return changes, err
		}
		for _, mandateID := range saved.Value.Mandates {
			m, err := engine.Read(ctx, tx, g.Mandates, mandateID)
			if err != nil {
				return changes, err
			}
			if changes, err = endOf(ctx, tx, g, owner, changes, m.Value, subscription.CauseMethodUnusable); err != nil {
				return changes, err
			}
		}
	}
	return changes, nil
}

// endOf adds what the end of a mandate means to its subscription, if it has one.
func endOf(
	ctx context.Context, tx *engine.Tx, g *engine.Engine, owner customer.State, changes collect.Changes,
	m mandate.State, cause subscription.Cause,
) (collect.Changes, error) {
	if m.SubscriptionID == "" {
		return changes, nil
	}
	return DecideSubscription(ctx, tx, g, owner, changes, m.SubscriptionID, subscription.End{MandateID: m.ID, Cause: cause, Now: tx.Now})
}

// mandateIn is the mandate that a stream's events happen to; one that begins with
// them is made of them.
func mandateIn(ctx context.Context, tx *engine.Tx, g *engine.Engine, stream collect.Stream[mandate.Event]) (mandate.State, error) {
	if !stream.New {
		m, err := engine.Read(ctx, tx, g.Mandates, stream.ID)
		return m.Value, err
	}
	var m mandate.State
	for _, e := range stream.Events {
		m = mandate.Evolve(m, stream.ID, tx.Now.At, e)
	}
	return m, nil
}

// causeOf says with what events end a mandate, if they do.
func causeOf(events []mandate.Event) (cause subscription.Cause, ends bool) {
	for _, e := range events {
		switch e.(type) {
		case mandate.Revoked:
			return subscription.CauseRevoked, true
		case mandate.Expired:
			return subscription.CauseExpired, true
		case mandate.Exhausted:
			return subscription.CauseExhausted, true
		}
	}
	return "", false
}
