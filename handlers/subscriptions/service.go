// Package subscriptions carries out what merchants ask of subscriptions, and makes
// the payments that their schedules want. What is due, and whether it may be
// collected, the domain says.
package subscriptions

import (
	"context"
	"net/http"

	"tender/domain/collect"
	"tender/domain/customer"
	"tender/domain/subscription"
	"tender/eventstore"
	"tender/handlers/engine"
	"tender/handlers/payments"
	"tender/handlers/people"
	"tender/handlers/problem"
)

// Service is the application's one way to the subscriptions of one log.
type Service struct {
	Engine   *engine.Engine
	Payments *payments.Service
}

// Pause stops a subscription's schedule until it is resumed. A payment in flight is
// not cut off.
func (s *Service) Pause(ctx context.Context, origin engine.Origin, k *eventstore.IdempotencyKey, subscriptionID, reason string) (engine.Done, error) {
	return s.change(ctx, origin, k, subscriptionID, func(*engine.Tx) subscription.Command {
		return subscription.Pause{By: subscription.ByMerchant, Reason: reason}
	})
}

// Resume lets a paused schedule go on with what lies ahead. What fell into the pause
// is not collected.
func (s *Service) Resume(ctx context.Context, origin engine.Origin, k *eventstore.IdempotencyKey, subscriptionID string) (engine.Done, error) {
	return s.change(ctx, origin, k, subscriptionID, func(tx *engine.Tx) subscription.Command {
		return subscription.Resume{Now: tx.Now}
	})
}

// Cancel ends a subscription. Its mandate stays: the merchant may still charge under
// it, or revoke it.
func (s *Service) Cancel(ctx context.Context, origin engine.Origin, k *eventstore.IdempotencyKey, subscriptionID, reason string) (engine.Done, error) {
	return s.change(ctx, origin, k, subscriptionID, func(tx *engine.Tx) subscription.Command {
		return subscription.Cancel{By: subscription.ByMerchant, Reason: reason, Now: tx.Now}
	})
}

// change asks something of a merchant's subscription.
func (s *Service) change(
	ctx context.Context, origin engine.Origin, k *eventstore.IdempotencyKey, subscriptionID string,
	command func(*engine.Tx) subscription.Command,
) (engine.Done, error) {
	return s.Engine.Do(ctx, engine.Command{
		Origin: origin, Key: k.About(subscriptionID), Subject: subscriptionID,
		Decide: func(ctx context.Context, tx *engine.Tx) error {
			if _, err := s.Payments.Permitted(ctx, tx); err != nil {
				return err
			}
			sub, owner, err := s.read(ctx, tx, subscriptionID)
			if err != nil {
				return err
			}
			changes, err := people.DecideSubscription(ctx, tx, s.Engine, owner, collect.Changes{}, sub.ID, command(tx))
			if err != nil {
				return err
			}
			people.Write(tx, s.Engine, changes)
			tx.Answer(origin.CommandID, http.StatusOK, subscriptionID)
			return nil
		},
	})
}

// read reads a subscription with its customer, and takes their time. It must be the
// caller's, where the caller is a merchant.
func (s *Service) read(ctx context.Context, tx *engine.Tx, subscriptionID string) (subscription.State, customer.State, error) {
	sub, err := engine.Read(ctx, tx, s.Engine.Subscriptions, subscriptionID)
	if err != nil {
		return subscription.State{}, customer.State{}, err
	}
	if !sub.Value.Exists() || tx.Origin.MerchantID != "" && sub.MerchantID != tx.Origin.MerchantID {
		return subscription.State{}, customer.State{}, problem.New(problem.NotFound, "There is no such subscription.")
	}
	tx.Origin.MerchantID = sub.MerchantID
	owner, err := engine.Read(ctx, tx, s.Engine.Customers, sub.Value.CustomerID)
	if err != nil {
		return subscription.State{}, customer.State{}, err
	}
	return sub.Value, owner.Value, tx.OnClock(ctx, sub.Value.ClockID)
}
