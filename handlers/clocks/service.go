// Package clocks keeps test clocks: it makes them, sends them on their way, and
// does what falls due while they go. It decides nothing itself: what is due says the
// read model, what is to be done about it the rules of whatever it is.
//
// There are test clocks in test mode only; whoever wires this package sees to that.
package clocks

import (
	"context"
	"net/http"

	"tender/domain/clock"
	"tender/domain/merchant"
	"tender/eventstore"
	"tender/handlers/engine"
	"tender/handlers/problem"
)

// Service is the application's one way to the test clocks of one log.
type Service struct {
	Engine *engine.Engine
	// Permit checks that the key which the caller came with is still good.
	Permit func(ctx context.Context, tx *engine.Tx) (merchant.State, error)
	// Started, if any, hears of each clock that was sent on its way, so that a job in
	// the same process need not look for it.
	Started func(clockID string)
}

// Create makes a test clock, and returns its id.
func (s *Service) Create(ctx context.Context, origin engine.Origin, k *eventstore.IdempotencyKey, c clock.Create) (engine.Done, string, error) {
	c.ID = origin.CommandID
	clockID := c.ClockID()
	done, err := s.Engine.Do(ctx, engine.Command{
		Origin: origin, Key: k.About(clockID), Subject: clockID,
		Decide: func(ctx context.Context, tx *engine.Tx) error {
			if _, err := s.Permit(ctx, tx); err != nil {
				return err
			}
			engine.Create(tx, s.Engine.Clocks, clockID)
			events, err := clock.Decide(clock.State{}, c)
			if err != nil {
				return err
			}
			engine.Write(tx, clock.Codec, clockID, events...)
			tx.Answer(origin.CommandID, http.StatusCreated, clockID)
			return nil
		},
	})
	return done, clockID, err
}

// Advance sends a clock on its way. The job does the rest; the clock's status says
// when that is done.
func (s *Service) Advance(ctx context.Context, origin engine.Origin, k *eventstore.IdempotencyKey, clockID string, c clock.Advance) (engine.Done, error) {
	done, err := s.change(ctx, origin, k, clockID, c, http.StatusOK)
	if err == nil && s.Started != nil {
		s.Started(clockID)
	}
	return done, err
}

// Delete ends a clock. Whoever lives on it sees no time pass any more.
func (s *Service) Delete(ctx context.Context, origin engine.Origin, k *eventstore.IdempotencyKey, clockID string) (engine.Done, error) {
	return s.change(ctx, origin, k, clockID, clock.Delete{}, http.StatusNoContent)
}

// change asks something of a clock that must be the caller's.
func (s *Service) change(ctx context.Context, origin engine.Origin, k *eventstore.IdempotencyKey, clockID string, c clock.Command, status int) (engine.Done, error) {
	return s.Engine.Do(ctx, engine.Command{
		Origin: origin, Key: k.About(clockID), Subject: clockID,
		Decide: func(ctx context.Context, tx *engine.Tx) error {
			if _, err := s.Permit(ctx, tx); err != nil {
				return err
			}
			l, err := engine.Read(ctx, tx, s.Engine.Clocks, clockID)
			if err != nil {
				return err
			}
			if l.MerchantID != tx.Origin.MerchantID {
				return problem.New(problem.NotFound, clock.ErrNotFound.Detail)
			}
			events, err := clock.Decide(l.Value, c)
			if err != nil {
				return err
			}
			engine.Write(tx, clock.Codec, clockID, events...)
			tx.Answer(origin.CommandID, status, clockID)
			return nil
		},
	})
}
