package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/cockroachdb/errors"

	"tender/domain/id"
	"tender/domain/webhook"
	"tender/eventstore"
	"tender/handlers/engine"
	"tender/handlers/problem"
	"tender/handlers/query"
	"tender/handlers/token"
	"tender/projections"
	"tender/projections/object"
)

// deliveryJSON is a webhook delivery as clients see it.
type deliveryJSON struct {
	ID            string                     `json:"id"`
	EndpointID    string                     `json:"endpoint_id"`
	EventID       string                     `json:"event_id"`
	EventType     string                     `json:"event_type"`
	Status        projections.DeliveryStatus `json:"status"`
	NextAttemptAt *object.Time               `json:"next_attempt_at,omitempty"`
	Attempts      *[]attemptJSON             `json:"attempts,omitempty"` // nil: in a list
	Mode          string                     `json:"mode"`
	Version       int                        `json:"version"`
	CreatedAt     object.Time                `json:"created_at"`
	UpdatedAt     object.Time                `json:"updated_at"`
}

// attemptJSON is one try to deliver.
type attemptJSON struct {
	Number        int          `json:"number"`
	StartedAt     object.Time  `json:"started_at"`
	DurationMS    int          `json:"duration_ms"`
	Status        int          `json:"status,omitempty"`
	ErrorClass    string       `json:"error_class,omitempty"`
	Address       string       `json:"address,omitempty"`
	Response      string       `json:"response,omitempty"`
	NextAttemptAt *object.Time `json:"next_attempt_at,omitempty"`
}

func deliveryOf(d projections.DeliveryRow, mode string) deliveryJSON {
	return deliveryJSON{
		ID: d.ID, EndpointID: d.EndpointID, EventID: d.EventID, EventType: d.EventType, Status: d.Status,
		Mode: mode, Version: d.Version, CreatedAt: object.Time(d.CreatedAt), UpdatedAt: object.Time(d.UpdatedAt),
	}
}

func (s *Server) listDeliveries(ctx context.Context, r *readRequest) (shown, error) {
	p := query.New(r.URL.Query())
	q := projections.DeliveryQuery{
		MerchantID: r.merchant.ID, Limit: p.Limit(), EndpointID: p.Text("endpoint_id"),
		Status: projections.DeliveryStatus(p.Option("status", []string{
			string(projections.DeliveryPending), string(projections.DeliveryDelivered), string(projections.DeliveryExhausted),
		})),
		EventType: p.Option("event_type", append(webhook.Types(), webhook.TestType)),
	}
	if q.EndpointID != "" && !id.Valid(id.Endpoint, q.EndpointID) {
		p.Wrong("endpoint_id", problem.InvalidFormat, "This is not the id of a webhook endpoint.")
	}
	filter := token.NewFilter(projections.DeliveriesName, q.EndpointID, string(q.Status), q.EventType)
	before := s.cursor(p, r, filter)
	if err := s.readyToList(ctx, r, p, projections.DeliveriesName); err != nil {
		return shown{}, err
	}
	q.Before, q.BeforeID = before.BeforePosition, before.AfterID
	page, err := r.account.Lists.Deliveries(ctx, q)
	if err != nil {
		return shown{}, err
	}
	out := list{Data: []json.RawMessage{}, HasMore: page.More}
	for _, d := range page.Rows {
		encoded, err := json.Marshal(deliveryOf(d, r.mode))
		if err != nil {
			return shown{}, errors.Wrap(err, "show a delivery")
		}
		out.Data = append(out.Data, encoded)
	}
	if page.More {
		out.NextCursor = s.Sealer.Cursor(r.merchant.ID, r.mode, token.Cursor{
			BeforePosition: page.Last, AfterID: page.Rows[len(page.Rows)-1].ID, Filter: filter,
		})
	}
	return shown{object: out, position: max(page.Position, 1)}, nil
}

func (s *Server) getDelivery(ctx context.Context, r *readRequest) (shown, error) {
	missing := problem.New(problem.NotFound, "There is no such delivery.")
	if err := query.None(r.URL.Query()); err != nil {
		return shown{}, err
	}
	if !id.Valid(id.Delivery, r.PathValue("id")) {
		return shown{}, missing
	}
	d, attempts, known, err := r.delivery(ctx, r.PathValue("id"))
	if err != nil {
		return shown{}, err
	}
	if !known {
		return shown{}, missing
	}
	out := deliveryOf(d, r.mode)
	tries := []attemptJSON{}
	for _, a := range attempts {
		tries = append(tries, attemptOf(a))
	}
	out.Attempts = &tries
	if n := len(tries); n > 0 && d.Status == projections.DeliveryPending {
		out.NextAttemptAt = tries[n-1].NextAttemptAt
	}
	return shown{object: out}, nil
}

// delivery reads one of the merchant's deliveries. A read model that does not show
// what the log already says of it, or does not know it at all, is waited for.
func (r *readRequest) delivery(ctx context.Context, deliveryID string) (
	d projections.DeliveryRow, attempts []projections.DeliveryAttempt, known bool, err error,
) {
	g := r.account.Engine
	said := g.Deliveries.Ref(deliveryID)
	if err := g.Refresh(ctx, r.merchant, said); err != nil {
		return d, nil, false, err
	}
	if err := r.stillGood(); err != nil {
		return d, nil, false, err
	}
	d, attempts, known, err = r.account.Lists.Delivery(ctx, r.merchant.ID, deliveryID)
	if err != nil || known && d.Version >= said.Version {
		return d, attempts, known, err
	}
	head, _, err := g.Store.Head(ctx)
	if err != nil {
		return d, nil, false, err
	}
	err = r.account.Cursors.WaitFor(ctx, projections.DeliveriesName, head)
	if errors.Is(err, projections.ErrBehind) {
		return d, nil, false, problem.New(problem.ServiceUnavailable, "Deliveries are not shown as they are now yet.")
	}
	if err != nil {
		return d, nil, false, err
	}
	return r.account.Lists.Delivery(ctx, r.merchant.ID, deliveryID)
}

func (s *Server) resendDelivery(ctx context.Context, r *writeRequest, fingerprint func(any)) (written, error) {
	deliveryID, err := r.named(id.Delivery, "delivery", fingerprint)
	if err != nil {
		return written{}, err
	}
	done, err := r.account.Resends.Resend(ctx, r.origin, r.key, deliveryID, func(ctx context.Context, tx *engine.Tx) error {
		_, err := r.account.Payments.Permitted(ctx, tx)
		return err
	})
	return written{status: http.StatusOK, stream: deliveryID, done: done}, err
}

// deliveryAt is a delivery as it was when it was sent again; see [Server.objectAt].
func (s *Server) deliveryAt(ctx context.Context, r *writeRequest, stream string, version int) (any, int64, error) {
	e, said, err := saidAt(ctx, r.account.Engine, stream, version)
	if err != nil {
		return nil, 0, err
	}
	resent, ok := said.(webhook.Resent)
	if !ok {
		return nil, 0, errors.AssertionFailedf("version %d of stream %s is no resending", version, stream)
	}
	return deliveryJSON{
		ID: stream, EndpointID: resent.EndpointID, EventID: resent.EventID, EventType: resent.EventType,
		Status: projections.DeliveryPending, Mode: r.mode, Version: version,
		CreatedAt: object.Time(resent.EventAt), UpdatedAt: object.Time(e.At),
	}, e.Position, nil
}

// testDelivery is the delivery of a test message as the endpoint's test made it.
func testDelivery(e eventstore.Event, mode string) deliveryJSON {
	eventID := id.Format(id.Event, e.ID)
	return deliveryJSON{
		ID: webhook.DeliveryID(eventID, e.Stream), EndpointID: e.Stream, EventID: eventID, EventType: webhook.TestType,
		Status: projections.DeliveryPending, Mode: mode, CreatedAt: object.Time(e.At), UpdatedAt: object.Time(e.At),
	}
}

// saidAt is one event of an endpoint's or a delivery's stream.
func saidAt(ctx context.Context, g *engine.Engine, stream string, version int) (eventstore.Event, webhook.Event, error) {
	events, err := g.Store.Stream(ctx, stream)
	if err != nil {
		return eventstore.Event{}, nil, err
	}
	if len(events) < version {
		return eventstore.Event{}, nil, errors.AssertionFailedf("stream %s ends at version %d, not %d", stream, len(events), version)
	}
	e := events[version-1]
	said, err := webhook.Codec.Decode(e.Type, e.SchemaVersion, e.Payload)
	return e, said, err
}

func attemptOf(a projections.DeliveryAttempt) attemptJSON {
	out := attemptJSON{
		Number: a.Number, StartedAt: object.Time(a.StartedAt), DurationMS: a.DurationMS, ErrorClass: a.ErrorClass,
		Address: a.Address, Response: strings.ToValidUTF8(string(a.Response), "\uFFFD"),
	}
	if a.Status != nil {
		out.Status = *a.Status
	}
	if a.NextAt != nil {
		next := object.Time(a.NextAt.Truncate(time.Millisecond))
		out.NextAttemptAt = &next
	}
	return out
}
