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
	again := resending{
		deliveryID: deliveryID, status: row.Status, version: row.Version, position: row.Position,
		of: webhook.Resent{
			EndpointID: row.EndpointID, EventID: row.EventID, EventType: row.EventType,
			Source: row.Source, SourceVersion: row.SourceVersion, EventAt: milliseconds(row.CreatedAt),
		},
	}
	if n := len(tries); n > 0 {
		again.of.Attempts = tries[n-1].Number
	}
	if err := again.forget(ctx, s.leases); err != nil {
		return engine.Done{}, err
	}
	return s.engine.Do(ctx, engine.Command{
		Origin: origin, Key: key.About(deliveryID), Subject: deliveryID,
		Decide: func(ctx context.Context, tx *engine.Tx) error {
			if err := permitted(ctx, tx); err != nil {
				return err
			}
			d, err := engine.Read(ctx, tx, s.engine.Deliveries, deliveryID)
			if err != nil {
				return err
			}
			if err := again.decide(ctx, tx, s.engine, d); err != nil {
				return err
			}
			tx.Answer(origin.CommandID, http.StatusOK, deliveryID)
			return nil
		},
	})
}

// resending is a delivery that is to be sent again, as the read model has it.
type resending struct {
	deliveryID string
	of         webhook.Resent
	status     projections.DeliveryStatus // "": it was never made
	version    int
	position   int64
}

// forget removes what is left of the delivery's last schedule, so that it doesn't
// hold the next one up. Nobody takes a delivery that is not pending, so this may come
// first.
func (r resending) forget(ctx context.Context, leases *lease.Leases) error {
	if r.status == "" || r.status == projections.DeliveryPending {
		return nil
	}
	_, err := leases.Forget(ctx, leaseKind, r.deliveryID, r.position)
	return err
}

// decide appends, with this try, what comes of the wish. Whether the delivery is
// pending, the read model says as long as its stream, which is d, has not gone on
// since; then the stream says it.
func (r resending) decide(ctx context.Context, tx *engine.Tx, g *engine.Engine, d engine.Loaded[webhook.Delivery]) error {
	endpoint, err := engine.Read(ctx, tx, g.Endpoints, r.of.EndpointID)
	if err != nil {
		return err
	}
	pending := r.status == projections.DeliveryPending
	if d.Version > r.version {
		pending = !d.Value.Ended()
	}
	events, err := webhook.DecideDelivery(d.Value, webhook.Resend{Of: r.of, Endpoint: endpoint.Value, Pending: pending})
	if err != nil {
		return err
	}
	engine.Write(tx, webhook.Codec, r.deliveryID, events...)
	return nil
}
