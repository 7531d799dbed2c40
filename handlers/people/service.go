package people

import (
	"context"
	"log/slog"
	"net/http"

	"tender/domain"
	"tender/domain/collect"
	"tender/domain/customer"
	"tender/domain/mandate"
	"tender/domain/merchant"
	"tender/domain/method"
	"tender/domain/subscription"
	"tender/eventstore"
	"tender/handlers/engine"
	"tender/handlers/problem"
)

// Service is the application's one way to customers, saved methods and mandates of
// one log.
type Service struct {
	Engine *engine.Engine
	Safe   *Safe
	// Permit checks that the key which the caller came with is still good.
	Permit func(ctx context.Context, tx *engine.Tx) (merchant.State, error)
	Log    *slog.Logger
}

// Create makes a customer. The profile enters the vault before the event that
// names it.
func (s *Service) Create(ctx context.Context, origin engine.Origin, k *eventstore.IdempotencyKey, p Profile, clockID string) (engine.Done, string, error) {
	c := customer.Create{ID: origin.CommandID, ClockID: clockID}
	customerID := c.CustomerID()
	ref, err := s.Safe.KeepProfile(ctx, customerID, p)
	if err != nil {
		return engine.Done{}, customerID, err
	}
	c.ProfileRef = ref
	done, err := s.Engine.Do(ctx, engine.Command{
		Origin: origin, Key: k.About(customerID), Subject: customerID,
		Decide: func(ctx context.Context, tx *engine.Tx) error {
			if _, err := s.Permit(ctx, tx); err != nil {
				return err
			}
			if err := s.clockExists(ctx, tx, clockID); err != nil {
				return err
			}
			engine.Create(tx, s.Engine.Customers, customerID)
			engine.Write(tx, customer.Codec, customerID, customer.DecideCreate(c)...)
			tx.Answer(origin.CommandID, http.StatusCreated, customerID)
			return nil
		},
	})
	return done, customerID, err
}

// Erase forgets a customer: one append that ends everything theirs, then the key of
// their data is destroyed. If that fails a worker repeats it.
func (s *Service) Erase(ctx context.Context, origin engine.Origin, k *eventstore.IdempotencyKey, customerID string) (engine.Done, error) {
	done, err := s.Engine.Do(ctx, engine.Command{
		Origin: origin, Key: k.About(customerID), Subject: customerID,
		Decide: func(ctx context.Context, tx *engine.Tx) error {
			if _, err := s.Permit(ctx, tx); err != nil {
				return err
			}
			c, err := s.readCustomer(ctx, tx, customerID)
			if err != nil {
				return err
			}
			b, err := s.belongings(ctx, tx, c)
			if err != nil {
				return err
			}
			changes, err := collect.EraseCustomer(c, b)
			if err != nil {
				return err
			}
			Write(tx, s.Engine, changes)
			tx.Answer(origin.CommandID, http.StatusNoContent, customerID)
			return nil
		},
	})
	if err != nil {
		return done, err
	}
	if err := s.Safe.Forget(context.WithoutCancel(ctx), customerID); err != nil {
		s.Log.ErrorContext(ctx, "an erased customer's key is not destroyed yet; a worker repeats it", "customer", customerID, "error", err)
	}
	return done, nil
}

// belongings reads all that is a customer's and has not ended.
func (s *Service) belongings(ctx context.Context, tx *engine.Tx, c customer.State) (collect.Belongings, error) {
	var b collect.Belongings
	for _, methodID := range c.Methods {
		m, err := engine.Read(ctx, tx, s.Engine.Methods, methodID)
		if err != nil {
			return b, err
		}
		b.Methods = append(b.Methods, m.Value)
	}
	for _, theirs := range c.Mandates {
		m, err := engine.Read(ctx, tx, s.Engine.Mandates, theirs.ID)
		if err != nil {
			return b, err
		}
		b.Mandates = append(b.Mandates, m.Value)
	}
	for _, subscriptionID := range c.Subscriptions {
		theirs, err := engine.Read(ctx, tx, s.Engine.Subscriptions, subscriptionID)
		if err != nil {
			return b, err
		}
		events, err := subscription.Decide(theirs.Value, subscription.Cancel{
			By: subscription.BySystem, Reason: collect.ReasonCustomerErased, Now: tx.Now,
		})
		if err != nil {
			return b, err
		}
		b.Subscriptions = append(b.Subscriptions, collect.Stream[subscription.Event]{ID: subscriptionID, Events: events})
	}
	return b, nil
}

// RemoveMethod takes a saved method out of use, and deletes what the vault has of it.
func (s *Service) RemoveMethod(ctx context.Context, origin engine.Origin, k *eventstore.IdempotencyKey, methodID string) (engine.Done, error) {
	var removed method.State
	done, err := s.Engine.Do(ctx, engine.Command{
		Origin: origin, Key: k.About(methodID), Subject: methodID,
		Decide: func(ctx context.Context, tx *engine.Tx) error {
			if _, err := s.Permit(ctx, tx); err != nil {
				return err
			}
			m, owner, err := s.readMethod(ctx, tx, methodID)
			if err != nil {
				return err
			}
			var mandates []mandate.State
			for _, mandateID := range m.Mandates {
				one, err := engine.Read(ctx, tx, s.Engine.Mandates, mandateID)
				if err != nil {
					return err
				}
				mandates = append(mandates, one.Value)
			}
			changes, err := collect.RemoveMethod(owner, m, mandates)
			if err != nil {
				return err
			}
			if changes, err = EndSubscriptions(ctx, tx, s.Engine, owner, changes); err != nil {
				return err
			}
			removed = m
			// In doubt first: whoever dies before it is deleted leaves it to the
			// sweep.
			if err := s.Safe.Doubt(ctx, m); err != nil {
				return err
			}
			Write(tx, s.Engine, changes)
			tx.Answer(origin.CommandID, http.StatusNoContent, methodID)
			return nil
		},
	})
	if err != nil {
		return done, err
	}
	if err := s.Safe.DeleteMethod(context.WithoutCancel(ctx), removed); err != nil {
		s.Log.WarnContext(ctx, "what a removed method was saved with is left to the sweep", "payment_method", methodID, "error", err)
	}
	return done, nil
}

// RevokeMandate ends a mandate.
func (s *Service) RevokeMandate(ctx context.Context, origin engine.Origin, k *eventstore.IdempotencyKey, mandateID, reason string) (engine.Done, error) {
	return s.Engine.Do(ctx, engine.Command{
		Origin: origin, Key: k.About(mandateID), Subject: mandateID,
		Decide: func(ctx context.Context, tx *engine.Tx) error {
			if _, err := s.Permit(ctx, tx); err != nil {
				return err
			}
			m, err := engine.Read(ctx, tx, s.Engine.Mandates, mandateID)
			if err != nil {
				return err
			}
			if !m.Value.Exists() || m.MerchantID != tx.Origin.MerchantID {
				return mandate.ErrNotFound
			}
			if err := tx.OnClock(ctx, m.Value.ClockID); err != nil {
				return err
			}
			if err := s.end(ctx, tx, m.Value, mandate.Revoke{By: mandate.ByMerchant, Reason: reason}); err != nil {
				return err
			}
			tx.Answer(origin.CommandID, http.StatusOK, mandateID)
			return nil
		},
	})
}

// ExpireMandate ends a mandate whose validity is over. Nothing happens if it is not,
// or if the mandate has ended before.
func (s *Service) ExpireMandate(ctx context.Context, origin engine.Origin, mandateID string) (engine.Done, error) {
	return s.Engine.Do(ctx, engine.Command{
		Origin: origin, Subject: mandateID, Unbounded: true,
		Decide: func(ctx context.Context, tx *engine.Tx) error {
			m, err := engine.Read(ctx, tx, s.Engine.Mandates, mandateID)
			if err != nil {
				return err
			}
			tx.Origin.MerchantID = m.MerchantID
			if err := tx.OnClock(ctx, m.Value.ClockID); err != nil {
				return err
			}
			tx.Because(mandateID, mandate.Created{}.Type())
			return s.end(ctx, tx, m.Value, mandate.Expire{Now: tx.Now})
		},
	})
}

// end ends a mandate, with everything that this means to others.
func (s *Service) end(ctx context.Context, tx *engine.Tx, m mandate.State, c mandate.Command) error {
	w, err := s.parties(ctx, tx, m)
	if err != nil {
		return err
	}
	changes, err := collect.EndMandate(w, c)
	if err != nil {
		return err
	}
	if changes, err = EndSubscriptions(ctx, tx, s.Engine, w.Customer, changes); err != nil {
		return err
	}
	Write(tx, s.Engine, changes)
	return nil
}

func (s *Service) parties(ctx context.Context, tx *engine.Tx, m mandate.State) (collect.Parties, error) {
	w := collect.Parties{Mandate: m}
	owner, err := engine.Read(ctx, tx, s.Engine.Customers, m.CustomerID)
	if err != nil {
		return w, err
	}
	saved, err := engine.Read(ctx, tx, s.Engine.Methods, m.PaymentMethodID)
	w.Customer, w.Method = owner.Value, saved.Value
	return w, err
}

// readCustomer reads a customer who must be the caller's, and takes their time.
func (s *Service) readCustomer(ctx context.Context, tx *engine.Tx, customerID string) (customer.State, error) {
	c, err := engine.Read(ctx, tx, s.Engine.Customers, customerID)
	if err != nil {
		return customer.State{}, err
	}
	if !c.Value.Exists() || c.MerchantID != tx.Origin.MerchantID || c.Value.Erased {
		return customer.State{}, customer.ErrUnknown
	}
	return c.Value, tx.OnClock(ctx, c.Value.ClockID)
}

func (s *Service) readMethod(ctx context.Context, tx *engine.Tx, methodID string) (method.State, customer.State, error) {
	m, err := engine.Read(ctx, tx, s.Engine.Methods, methodID)
	if err != nil {
		return method.State{}, customer.State{}, err
	}
	if !m.Value.Exists() || m.MerchantID != tx.Origin.MerchantID || m.Value.Removed {
		return method.State{}, customer.State{}, method.ErrUnknown
	}
	owner, err := s.readCustomer(ctx, tx, m.Value.CustomerID)
	return m.Value, owner, err
}

// clockExists takes the time of the clock that a new customer shall live on.
func (s *Service) clockExists(ctx context.Context, tx *engine.Tx, clockID string) error {
	if clockID == "" {
		return nil
	}
	c, err := engine.Read(ctx, tx, s.Engine.ClockObjects, clockID)
	if err != nil {
		return err
	}
	if c.Value.ID == "" || c.MerchantID != tx.Origin.MerchantID {
		return &domain.Refusal{Code: problem.Invalid, Field: "/test_clock_id", Detail: "There is no such test clock."}
	}
	return tx.OnClock(ctx, clockID)
}
