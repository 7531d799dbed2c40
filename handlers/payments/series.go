package payments

import (
	"context"
	"slices"

	"tender/domain"
	"tender/domain/collect"
	"tender/domain/customer"
	"tender/domain/payment"
	"tender/domain/session"
	"tender/domain/subscription"
	"tender/handlers/engine"
	"tender/handlers/people"
)

// errSubscriptionUnknown refuses a session for a subscription that there is not, or
// that is somebody else's.
var errSubscriptionUnknown = &domain.Refusal{
	Code: "not_found", Detail: "There is no such subscription.", Field: "/options/subscription_id",
}

// replaces completes a session that gives a subscription another method: it is the
// customer's whose subscription it is, and under the constraints that they agreed to
// before. It must collect nothing, or what is overdue.
func (s *Service) replaces(ctx context.Context, tx *engine.Tx, c session.Create) (session.Create, error) {
	if c.Series == nil || c.Series.SubscriptionID == "" {
		return c, nil
	}
	sub, err := engine.Read(ctx, tx, s.Engine.Subscriptions, c.Series.SubscriptionID)
	if err != nil {
		return c, err
	}
	if !sub.Value.Exists() || sub.MerchantID != tx.Origin.MerchantID || c.CustomerID != "" && c.CustomerID != sub.Value.CustomerID {
		return c, errSubscriptionUnknown
	}
	if err := sub.Value.CheckReplacement(c.Amount); err != nil {
		return c, err
	}
	m, err := engine.Read(ctx, tx, s.Engine.Mandates, sub.Value.MandateID)
	if err != nil {
		return c, err
	}
	series := *c.Series
	series.Terms = m.Value.Terms
	c.Series, c.CustomerID = &series, sub.Value.CustomerID
	return c, nil
}

// replaced reads the mandate whose place the session's new one takes, with its
// method.
func (s *Service) replaced(ctx context.Context, tx *engine.Tx, st session.State) (collect.Replaced, error) {
	var was collect.Replaced
	if st.Series == nil || st.Series.SubscriptionID == "" {
		return was, nil
	}
	sub, err := engine.Read(ctx, tx, s.Engine.Subscriptions, st.Series.SubscriptionID)
	if err != nil {
		return was, err
	}
	m, err := engine.Read(ctx, tx, s.Engine.Mandates, sub.Value.MandateID)
	if err != nil {
		return was, err
	}
	saved, err := engine.Read(ctx, tx, s.Engine.Methods, m.Value.PaymentMethodID)
	was.Mandate, was.Method = m.Value, saved.Value
	return was, err
}

// claimOverdue reserves for an attempt what its session is to pay of a subscription.
func (s *Service) claimOverdue(ctx context.Context, tx *engine.Tx, st session.State, owner customer.State, changes collect.Changes) (collect.Changes, error) {
	if st.Series == nil || st.Series.SubscriptionID == "" {
		return changes, nil
	}
	return people.DecideSubscription(ctx, tx, s.Engine, owner, changes, st.Series.SubscriptionID,
		subscription.ClaimOverdue{SessionID: st.ID, Amount: st.Amount})
}

// subscribed adds what an attempt's outcome means to subscriptions.
func (s *Service) subscribed(ctx context.Context, tx *engine.Tx, st session.State, owner customer.State, o collect.Outcome, changes collect.Changes) (collect.Changes, error) {
	subscriptionID, command := follows(st, o, changes)
	if command != nil {
		var err error
		if changes, err = people.DecideSubscription(ctx, tx, s.Engine, owner, changes, subscriptionID, command); err != nil {
			return changes, err
		}
	}
	return people.EndSubscriptions(ctx, tx, s.Engine, owner, changes)
}

// follows returns what an attempt's outcome asks of the session's own subscription;
// nil: nothing, or it has none.
func follows(st session.State, o collect.Outcome, changes collect.Changes) (subscriptionID string, c subscription.Command) {
	done, completed := changes.Completed()
	switch {
	case st.Charge != nil:
		if st.Charge.SubscriptionID == "" || st.Charge.Occurrence == nil || !completed {
			return "", nil
		}
		return st.Charge.SubscriptionID, subscription.Settle{
			Number: st.Charge.Occurrence.Number, Attempt: st.Charge.Occurrence.Attempt, Failure: done.Failure, Now: o.Now,
		}
	case st.Series == nil:
		return "", nil
	case completed && st.Series.SubscriptionID != "":
		return done.SubscriptionID, subscription.ReplaceMethod{
			SessionID: st.ID, PaymentMethodID: done.PaymentMethodID, MandateID: done.MandateID, Now: o.Now,
		}
	case completed && st.Series.Plan != nil:
		return done.SubscriptionID, subscription.Create{
			ID: o.ID, CustomerID: done.CustomerID, PaymentMethodID: done.PaymentMethodID, MandateID: done.MandateID,
			SessionID: st.ID, Plan: *st.Series.Plan, ClockID: st.ClockID, Now: o.Now,
		}
	case st.Series.SubscriptionID != "" && attemptFailed(changes):
		return st.Series.SubscriptionID, subscription.ReleaseOverdue{SessionID: st.ID, Now: o.Now}
	}
	return "", nil
}

func attemptFailed(changes collect.Changes) bool {
	return slices.ContainsFunc(changes.Payment.Events, func(e payment.Event) bool { _, ok := e.(payment.AttemptFailed); return ok })
}
