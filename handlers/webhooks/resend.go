package webhooks

import (
	"context"
	"net/http"

	"tender/domain/webhook"
	"tender/eventstore"
	"tender/eventstore/lease"
	"tender/handlers/engine"
	"tender/handlers/problem"
	"tender/projections"
)

// Resends sends deliveries again that have ended. It is safe for concurrent use.
type Resends struct {
	engine *engine.Engine
	lists  *projections.Lists
	leases *lease.Leases
}

// NewResends returns the resends of one log.
func NewResends(g *engine.Engine) *Resends {
	pool, log := g.Store.Pool(), g.Store.Log()
	return &Resends{engine: g, lists: projections.NewLists(pool, log), leases: lease.New(pool, log)}
}

// Resend makes a merchant's delivery pending again, with a schedule that begins
// anew and the same message. Permitted looks, within the command, at whether the
// caller still may.
//
// Whether a delivery is pending, the read model says as long as the delivery's
// stream has not gone on since; then the stream says it.
func (s *Resends) Resend(
	ctx context.Context, origin engine.Origin, key *eventstore.IdempotencyKey, deliveryID string,
	permitted func(context.Context, *engine.Tx) error,
) (engine.Done, error) {
	row, tries, known, err := s.lists.Delivery(ctx, origin.MerchantID, deliveryID)
	if err != nil {
		return engine.Done{}, err
	}
	if !known {
		return engine.Done{}, problem.New(problem.NotFound, "There is no such delivery.")
	}
	if row.Status != projections.DeliveryPending {
		// What is left of its last schedule must not hold the next one up. Nobody
		// takes a delivery that is not pending, so this may come first.
		if _, err := s.leases.Forget(ctx, leaseKind, deliveryID, row.Position); err != nil {
			return engine.Done{}, err
		}
	}
	of := webhook.Resent{
		EndpointID: row.EndpointID, EventID: row.EventID, EventType: row.EventType,
		Source: row.Source, SourceVersion: row.SourceVersion, EventAt: milliseconds(row.CreatedAt),
	}
	if n := len(tries); n > 0 {
		of.Attempts = tries[n-1].Number
	}
	return s.engine.Do(ctx, engine.Command{
		Origin: origin, Key: key.About(deliveryID), Subject: deliveryID,
		Decide: func(ctx context.Context, tx *engine.Tx) error {
			if err := permitted(ctx, tx); err != nil {
				return err
			}
			endpoint, err := engine.Read(ctx, tx, s.engine.Endpoints, row.EndpointID)
			if err != nil {
				return err
			}
			d, err := engine.Read(ctx, tx, s.engine.Deliveries, deliveryID)
			if err != nil {
				return err
			}
			pending := row.Status == projections.DeliveryPending
			if d.Version > row.Version {
				pending = !d.Value.Ended()
			}
			of.Attempts = max(of.Attempts, d.Value.Attempts)
			events, err := webhook.DecideDelivery(d.Value, webhook.Resend{Of: of, Endpoint: endpoint.Value, Pending: pending})
			if err != nil {
				return err
			}
			engine.Write(tx, webhook.Codec, deliveryID, events...)
			tx.Answer(origin.CommandID, http.StatusOK, deliveryID)
			return nil
		},
	})
}
