package projections

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"

	"tender/domain/catalogue"
	"tender/domain/codec"
	"tender/domain/id"
	"tender/domain/webhook"
	"tender/eventstore"
	"tender/projections/object"
)

// Names of the read model of webhook deliveries and of its tables.
const (
	DeliveriesName        = "deliveries"
	DeliveryEndpointsName = "delivery_endpoints"
	PublicEventsName      = "public_events"
)

// DeliveryStatus is what became of a delivery.
type DeliveryStatus string

const (
	// DeliveryPending: it was not sent yet, or will be tried again.
	DeliveryPending DeliveryStatus = "pending"
	// DeliveryDelivered: the endpoint accepted it.
	DeliveryDelivered DeliveryStatus = "delivered"
	// DeliveryExhausted: the last try failed, or its endpoint was disabled or
	// deleted before it arrived.
	DeliveryExhausted DeliveryStatus = "exhausted"
)

// deliveriesTable has a row for each public event at each endpoint that asked for
// it. All of a row stands in its columns. Source and source_version name the
// stream and version of the event that is told; due_position is that of the event
// that made the delivery pending last: the told one, or its being sent again.
var deliveriesTable = Table{
	Name: DeliveriesName,
	Columns: []Column{
		{Name: "merchant_id", Type: "text", NotNull: true},
		{Name: "endpoint_id", Type: "text", NotNull: true},
		{Name: "event_id", Type: "text", NotNull: true},
		{Name: "event_type", Type: "text", NotNull: true},
		{Name: "source", Type: "text", NotNull: true},
		{Name: "source_version", Type: "integer", NotNull: true},
		{Name: "status", Type: "text", NotNull: true},
		{Name: "version", Type: "integer", NotNull: true},
		{Name: "created_at", Type: "timestamptz", NotNull: true},
		{Name: "updated_at", Type: "timestamptz", NotNull: true},
		{Name: "due_position", Type: "bigint", NotNull: true},
	},
	Indexes: []string{
		"(merchant_id, first_position DESC)",
		"(endpoint_id, due_position) WHERE status = 'pending'",
		"(due_position) WHERE status = 'pending'",
	},
}

// deliveryEndpointsTable has a row for each endpoint that is not deleted.
var deliveryEndpointsTable = Table{
	Name: DeliveryEndpointsName,
	Columns: []Column{
		{Name: "merchant_id", Type: "text", NotNull: true},
		{Name: "status", Type: "text", NotNull: true},
	},
	Indexes: []string{"(merchant_id)"},
}

// publicEventsTable has a row for each public event, whether anybody asked for it
// or not. It belongs to this read model, so that an event which was delivered can
// be looked up by whoever got it.
var publicEventsTable = Table{
	Name: PublicEventsName,
	Columns: []Column{
		{Name: "merchant_id", Type: "text", NotNull: true},
		{Name: "event_type", Type: "text", NotNull: true},
		{Name: "source", Type: "text", NotNull: true},
		{Name: "source_version", Type: "integer", NotNull: true},
		{Name: "created_at", Type: "timestamptz", NotNull: true},
	},
	Indexes: []string{
		"(merchant_id, first_position DESC)",
		"(merchant_id, event_type, first_position DESC)",
	},
}

// Deliveries is the read model of public events and of webhook deliveries: what is to be sent follows
// from the log alone. It lists; it sends nothing, and neither does its rebuild.
func Deliveries() Projection { return deliveries{} }

type deliveries struct{}

func (deliveries) Definition() Definition {
	return Definition{
		Name: DeliveriesName, Version: 2, Policy: ParkStream,
		Tables: []Table{deliveriesTable, deliveryEndpointsTable, publicEventsTable},
	}
}

// deliveryEndpoint is what of an endpoint decides which deliveries are made.
type deliveryEndpoint struct {
	MerchantID string         `json:"merchant_id"`
	Events     []string       `json:"events"`
	Status     webhook.Status `json:"status"`

	first, position int64
	deleted, dirty  bool
}

type delivery struct {
	merchantID, endpointID, eventID, eventType string
	source                                     string
	sourceVersion                              int
	status                                     DeliveryStatus
	version                                    int
	createdAt, updatedAt                       time.Time

	first, position, due int64
}

// ended says that an endpoint stopped taking deliveries at an event.
type ended struct {
	endpointID string
	position   int64
	at         time.Time
}

// deliveryBatch is what a batch of events concerns, and makes of it.
type deliveryBatch struct {
	endpoints  map[string]*deliveryEndpoint
	deliveries map[string]*delivery
	ended      []ended
	public     []Row
}

// told is an event with what it says, of those that concern deliveries.
type told struct {
	eventstore.Event
	said   codec.Named
	public string // its public type; "": none
}

// Apply implements [Projection].
func (p deliveries) Apply(ctx context.Context, tx pgx.Tx, g Generation, events []eventstore.Event) error {
	all, err := concerningDeliveries(events)
	if err != nil || len(all) == 0 {
		return err
	}
	b, err := loadDeliveryBatch(ctx, tx, g, all)
	if err != nil {
		return err
	}
	for _, e := range all {
		b.fold(e)
	}
	return b.write(ctx, tx, g)
}

func concerningDeliveries(events []eventstore.Event) ([]told, error) {
	var all []told
	for _, e := range events {
		said, err := catalogue.Decode(e.Type, e.SchemaVersion, e.Payload)
		if err != nil {
			return nil, errors.Wrapf(err, "event %d", e.Position)
		}
		public, _ := object.PublicType(said)
		if _, ours := said.(webhook.Event); ours || public != "" {
			all = append(all, told{Event: e, said: said, public: public})
		}
	}
	return all, nil
}

func loadDeliveryBatch(ctx context.Context, tx pgx.Tx, g Generation, all []told) (*deliveryBatch, error) {
	merchants, ids := map[string]bool{}, map[string]bool{}
	for _, e := range all {
		merchants[e.MerchantID] = true
		if id.PrefixOf(e.Stream) == id.Delivery {
			ids[e.Stream] = true
		}
	}
	b := &deliveryBatch{endpoints: map[string]*deliveryEndpoint{}, deliveries: map[string]*delivery{}}
	if err := b.loadEndpoints(ctx, tx, g, slices.Collect(maps.Keys(merchants))); err != nil {
		return nil, err
	}
	return b, b.loadDeliveries(ctx, tx, g, slices.Collect(maps.Keys(ids)))
}

func (b *deliveryBatch) loadEndpoints(ctx context.Context, tx pgx.Tx, g Generation, merchants []string) error {
	rows, err := tx.Query(ctx, `SELECT id, first_position, position, state FROM `+g.Table(deliveryEndpointsTable)+`
		WHERE merchant_id = ANY ($1)`, merchants)
	if err != nil {
		return errors.Wrap(err, "load endpoints")
	}
	var endpointID string
	var first, position int64
	var state []byte
	_, err = pgx.ForEachRow(rows, []any{&endpointID, &first, &position, &state}, func() error {
		o := &deliveryEndpoint{first: first, position: position}
		b.endpoints[endpointID] = o
		return json.Unmarshal(state, o)
	})
	return errors.Wrap(err, "load endpoints")
}

func (b *deliveryBatch) loadDeliveries(ctx context.Context, tx pgx.Tx, g Generation, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	rows, err := tx.Query(ctx, `SELECT id, first_position, position, merchant_id, endpoint_id, event_id, event_type,
			source, source_version, status, version, created_at, updated_at, due_position
		FROM `+g.Table(deliveriesTable)+` WHERE id = ANY ($1)`, ids)
	if err != nil {
		return errors.Wrap(err, "load deliveries")
	}
	var deliveryID string
	var d delivery
	_, err = pgx.ForEachRow(rows, []any{
		&deliveryID, &d.first, &d.position, &d.merchantID, &d.endpointID, &d.eventID, &d.eventType,
		&d.source, &d.sourceVersion, &d.status, &d.version, &d.createdAt, &d.updatedAt, &d.due,
	}, func() error {
		row := d
		b.deliveries[deliveryID] = &row
		return nil
	})
	return errors.Wrap(err, "load deliveries")
}

func (b *deliveryBatch) fold(e told) {
	switch d := e.said.(type) {
	case webhook.EndpointCreated:
		b.endpoints[e.Stream] = &deliveryEndpoint{
			MerchantID: e.MerchantID, Events: d.Events, Status: webhook.StatusEnabled, first: e.Position, position: e.Position, dirty: true,
		}
	case webhook.EndpointUpdated:
		b.change(e, func(o *deliveryEndpoint) {
			if d.Events != nil {
				o.Events = d.Events
			}
		})
	case webhook.EndpointPaused:
		b.change(e, func(o *deliveryEndpoint) { o.Status = webhook.StatusPaused })
	case webhook.EndpointResumed:
		b.change(e, func(o *deliveryEndpoint) { o.Status = webhook.StatusEnabled })
	case webhook.EndpointDisabled:
		b.change(e, func(o *deliveryEndpoint) { o.Status = webhook.StatusDisabled })
		b.end(e)
	case webhook.EndpointDeleted:
		b.change(e, func(o *deliveryEndpoint) { o.deleted = true })
		b.end(e)
	case webhook.Delivered:
		b.settle(e, DeliveryDelivered)
	case webhook.Exhausted:
		b.settle(e, DeliveryExhausted)
	case webhook.Resent:
		b.resend(e, d)
	default:
		if e.public != "" {
			b.tell(e)
		}
	}
}

func (b *deliveryBatch) change(e told, change func(*deliveryEndpoint)) {
	o := b.endpoints[e.Stream]
	if o == nil || o.deleted {
		return
	}
	change(o)
	o.position, o.dirty = e.Position, true
}

// tell notes a public event and makes its deliveries. A paused endpoint's wait.
func (b *deliveryBatch) tell(e told) {
	eventID := id.Format(id.Event, e.ID)
	b.public = append(b.public, Row{
		ID: eventID, First: e.Position, Position: e.Position, State: json.RawMessage(`{}`),
		Values: []any{e.MerchantID, e.public, e.Stream, e.Version, e.At},
	})
	for endpointID, o := range b.endpoints {
		if o.deleted || o.MerchantID != e.MerchantID || o.Status == webhook.StatusDisabled || !webhook.Wants(o.Events, e.public) {
			continue
		}
		b.deliveries[webhook.DeliveryID(eventID, endpointID)] = &delivery{
			merchantID: e.MerchantID, endpointID: endpointID, eventID: eventID, eventType: e.public,
			source: e.Stream, sourceVersion: e.Version, status: DeliveryPending,
			createdAt: e.At, updatedAt: e.At, first: e.Position, position: e.Position, due: e.Position,
		}
	}
}

// settle records an outcome. What has arrived once has arrived.
func (b *deliveryBatch) settle(e told, status DeliveryStatus) {
	d := b.deliveries[e.Stream]
	if d == nil {
		return
	}
	if d.status != DeliveryDelivered {
		d.status = status
	}
	d.version, d.updatedAt, d.position = e.Version, e.At, e.Position
}

// resend makes a delivery pending again; or makes it, where that was missed.
func (b *deliveryBatch) resend(e told, d webhook.Resent) {
	o := b.deliveries[e.Stream]
	if o == nil {
		o = &delivery{
			merchantID: e.MerchantID, endpointID: d.EndpointID, eventID: d.EventID, eventType: d.EventType,
			source: d.Source, sourceVersion: d.SourceVersion, createdAt: d.EventAt, first: e.Position,
		}
		b.deliveries[e.Stream] = o
	}
	o.status, o.version, o.updatedAt, o.position, o.due = DeliveryPending, e.Version, e.At, e.Position, e.Position
}

// end gives up what is still pending for an endpoint.
func (b *deliveryBatch) end(e told) {
	b.ended = append(b.ended, ended{endpointID: e.Stream, position: e.Position, at: e.At})
	for _, d := range b.deliveries {
		if d.endpointID == e.Stream && d.status == DeliveryPending {
			d.status, d.updatedAt, d.position = DeliveryExhausted, e.At, e.Position
		}
	}
}

// write gives up first and puts afterwards: what the batch has in hand knows
// better than the statement that gives up what lies in the table.
func (b *deliveryBatch) write(ctx context.Context, tx pgx.Tx, g Generation) error {
	for _, end := range b.ended {
		_, err := tx.Exec(ctx, `UPDATE `+g.Table(deliveriesTable)+`
			SET status = 'exhausted', updated_at = $2, position = $3
			WHERE endpoint_id = $1 AND status = 'pending'`, end.endpointID, end.at, end.position)
		if err != nil {
			return errors.Wrap(err, "give deliveries up")
		}
	}
	var gone []string
	var put []Row
	for _, endpointID := range slices.Sorted(maps.Keys(b.endpoints)) {
		o := b.endpoints[endpointID]
		switch {
		case o.deleted:
			gone = append(gone, endpointID)
		case o.dirty:
			state, err := json.Marshal(o)
			if err != nil {
				return errors.Wrapf(err, "state of endpoint %s", endpointID)
			}
			put = append(put, Row{
				ID: endpointID, First: o.first, Position: o.position, State: state, Values: []any{o.MerchantID, string(o.Status)},
			})
		}
	}
	if err := deliveryEndpointsTable.Delete(ctx, tx, g, gone); err != nil {
		return err
	}
	if err := deliveryEndpointsTable.Put(ctx, tx, g, put); err != nil {
		return err
	}
	if err := publicEventsTable.Put(ctx, tx, g, b.public); err != nil {
		return err
	}
	return deliveriesTable.Put(ctx, tx, g, b.rows())
}

func (b *deliveryBatch) rows() []Row {
	rows := make([]Row, 0, len(b.deliveries))
	for _, deliveryID := range slices.Sorted(maps.Keys(b.deliveries)) {
		d := b.deliveries[deliveryID]
		rows = append(rows, Row{
			ID: deliveryID, First: d.first, Position: d.position, State: json.RawMessage(`{}`),
			Values: []any{
				d.merchantID, d.endpointID, d.eventID, d.eventType, d.source, d.sourceVersion,
				string(d.status), d.version, d.createdAt, d.updatedAt, d.due,
			},
		})
	}
	return rows
}
