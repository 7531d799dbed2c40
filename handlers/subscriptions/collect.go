package subscriptions

import (
	"context"
	"time"

	"github.com/cockroachdb/errors"

	"tender/domain"
	"tender/domain/collect"
	"tender/domain/mandate"
	"tender/domain/subscription"
	"tender/handlers/engine"
	"tender/handlers/payments"
	"tender/handlers/people"
)

// stepsMax bounds how much is done for one subscription at a time. What is left is due
// at once again.
const stepsMax = 32

// Collect does what a subscription's schedule wants now: it skips, gives up, and makes
// payments, one at a time, each with its outcome if the acquirer answers in time. It
// returns the position of the last event that this brought; 0: none.
//
// Any number of workers may do so at once, and die at any point: each try's session
// has one id for ever, and is created where there is none.
func (s *Service) Collect(ctx context.Context, subscriptionID string) (int64, error) {
	var last int64
	for step := range stepsMax {
		if step > 0 && s.idle(subscriptionID) {
			break
		}
		done, payment, err := s.step(ctx, subscriptionID)
		last = max(last, done.Position)
		taken := done.Duplicate || errors.Is(err, mandate.ErrOutOfOrder)
		if !taken && (err != nil || done.Position == 0) {
			return last, err
		}
		if taken {
			// Another worker began it, and makes the call. What this process knows of the
			// subscription is older than that.
			if err := s.Engine.Refresh(ctx, s.Engine.Subscriptions.Ref(subscriptionID)); err != nil {
				return last, err
			}
			continue
		}
		if payment == nil {
			continue
		}
		outcome, settled := s.Payments.SendScheduled(ctx, *payment)
		last = max(last, outcome.Position)
		if !settled {
			break // a worker ends the doubt
		}
	}
	return last, nil
}

// step does one thing that the schedule wants; the payment is to be sent, if there is
// one.
func (s *Service) step(ctx context.Context, subscriptionID string) (engine.Done, *payments.Scheduled, error) {
	var begun *payments.Scheduled
	done, err := s.Engine.Do(ctx, engine.Command{
		Origin: engine.Origin{
			CommandID: engine.NewID(), Actor: domain.Actor{Kind: domain.ActorSystem, ID: "schedule"},
		},
		Subject: subscriptionID,
		Decide: func(ctx context.Context, tx *engine.Tx) error {
			begun = nil
			sub, owner, err := s.read(ctx, tx, subscriptionID)
			if err != nil {
				return err
			}
			tx.Because(sub.ID, subscription.Created{}.Type())
			work := sub.Due(tx.Now.At)
			if work.Charge != nil {
				begun, err = s.Payments.StartScheduled(ctx, tx, sub, *work.Charge)
				return err
			}
			if len(work.Events) > 0 {
				people.Write(tx, s.Engine, collect.Changes{}.WithSubscription(owner, sub.ID, work.Events...))
			}
			return nil
		},
	})
	return done, begun, err
}

// idle reports whether there is nothing more to do, as far as this process knows.
func (s *Service) idle(subscriptionID string) bool {
	sub := s.Engine.Subscriptions.Ref(subscriptionID)
	now := s.Engine.Now().At
	if clockID := sub.Value.ClockID; clockID != "" {
		now = time.Time(s.Engine.ClockObjects.Ref(clockID).Value.FrozenTime)
	}
	return sub.Version > 0 && sub.Value.Due(now).Empty()
}
