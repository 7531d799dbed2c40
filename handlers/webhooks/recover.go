package webhooks

import (
	"context"
	"time"

	"tender/domain/recovery"
	"tender/domain/webhook"
	"tender/eventstore"
	"tender/handlers/engine"
	"tender/handlers/problem"
	"tender/projections/object"
)

// Recoveries begins recoveries of one log, and tells how far they are. A
// [RecoveryJob] does the rest. It is safe for concurrent use.
type Recoveries struct {
	engine *engine.Engine
	look   recoveryQueries

	// Started, if any, hears of each recovery that was begun, so that a job in the same
	// process need not look for it.
	Started func(recoveryID string)
}

// NewRecoveries returns the recoveries of one log.
func NewRecoveries(g *engine.Engine) *Recoveries {
	return &Recoveries{engine: g, look: newRecoveryQueries(g.Store.Pool(), g.Store.Log())}
}

// RecoveryRange is the time that a recovery looks at.
type RecoveryRange struct {
	Since time.Time
	Until time.Time // zero: all there is
}

// Start begins the recovery of a merchant's endpoint, and returns its id. The request is
// outstanding until the recovery has ended. Permitted looks, within the command, at
// whether the caller still may.
func (s *Recoveries) Start(
	ctx context.Context, origin engine.Origin, key *eventstore.IdempotencyKey, endpointID string, over RecoveryRange,
	permitted func(context.Context, *engine.Tx) error,
) (engine.Done, string, error) {
	c := recovery.Start{ID: origin.CommandID, EndpointID: endpointID, Since: over.Since, Until: over.Until}
	recoveryID := c.RecoveryID()
	done, err := s.engine.Do(ctx, engine.Command{
		Origin: origin, Key: key.About(recoveryID), Subject: recoveryID,
		Decide: func(ctx context.Context, tx *engine.Tx) error {
			if err := permitted(ctx, tx); err != nil {
				return err
			}
			endpoint, err := engine.Read(ctx, tx, s.engine.Endpoints, endpointID)
			if err != nil {
				return err
			}
			if endpoint.Version == 0 || endpoint.MerchantID != origin.MerchantID {
				return problem.New(problem.NotFound, webhook.ErrEndpointNotFound.Detail)
			}
			c.Now = tx.Now.Wall
			engine.Create(tx, s.engine.Recoveries, recoveryID)
			begun, err := recovery.Decide(recovery.State{}, c)
			if err != nil {
				return err
			}
			noted, err := webhook.DecideEndpoint(endpoint.Value, webhook.StartRecovery{RecoveryID: recoveryID})
			if err != nil {
				return err
			}
			engine.Write(tx, recovery.Codec, recoveryID, begun...)
			engine.Write(tx, webhook.Codec, endpointID, noted...)
			return nil
		},
	})
	if err == nil && s.Started != nil {
		s.Started(recoveryID)
	}
	return done, recoveryID, err
}

// Progress adds to a recovery what is not in the log: how far it is while it runs, and
// how much of what it has sent again is on its way. Both are as new as the job's last
// step and the read model.
func (s *Recoveries) Progress(ctx context.Context, o object.Recovery) (object.Recovery, error) {
	if o.Status == recovery.StatusRunning {
		at, err := s.look.place(ctx, o.ID)
		if err != nil {
			return o, err
		}
		o.Examined, o.Resent = at.sums.Examined, at.sums.Resent
	}
	pending, err := s.look.pending(ctx, o.ID)
	o.Pending = &pending
	return o, err
}
