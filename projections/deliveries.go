package projections

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"

	"tender/domain/catalogue"
	"tender/domain/codec"
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

// deliveredEvery is how often it is noted that messages arrive at an endpoint: its
// row isn't to be written for each.
const deliveredEvery = time.Minute

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
		{Name: "recovery_id", Type: "text", NotNull: true}, // the last that sent it again; empty: none
	},
	Indexes: []string{
		"(merchant_id, first_position DESC)",
		"(due_position) WHERE status = 'pending'",
		"(recovery_id) WHERE status = 'pending' AND recovery_id <> ''",
	},
	Lookups: []string{"(endpoint_id, due_position) WHERE status = 'pending'"},
}

// deliveryEndpointsTable has a row for each endpoint that is not deleted. Delivered_at
// is when a message arrived there last, to the minute: none arrived more than
// [deliveredEvery] later.
var deliveryEndpointsTable = Table{
	Name: DeliveryEndpointsName,
	Columns: []Column{
		{Name: "merchant_id", Type: "text", NotNull: true},
		{Name: "status", Type: "text", NotNull: true},
		{Name: "delivered_at", Type: "timestamptz"},
	},
	Lookups: []string{"(merchant_id)"},
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

// deliveriesEvery is short, as messages are sent by this read model.
const deliveriesEvery = 50 * time.Millisecond

// Deliveries is the read model of public events and of webhook deliveries: what is
// to be sent follows from the log alone. It lists; it sends nothing, and neither
// does its rebuild.
func Deliveries() Projection { return deliveries{} }

type deliveries struct{}

func (deliveries) Definition() Definition {
	return Definition{
		Name: DeliveriesName, Version: 3, Policy: ParkStream, Every: deliveriesEvery,
		Tables: []Table{deliveriesTable, deliveryEndpointsTable, publicEventsTable},
	}
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

// told is an event with what it says, of those that concern deliveries.
type told struct {
	eventstore.Event
	said   codec.Named
	public string // its public type; "": none
}

// private are the types of events that concern no delivery, whatever they say: they
// need not be read.
var private = sync.OnceValue(func() map[string]bool {
	all := map[string]bool{}
	for _, name := range catalogue.Names() {
		said, err := catalogue.Decode(name, 1, json.RawMessage(`{}`))
		_, ours := said.(webhook.Event)
		_, public := object.PublicType(said)
		all[name] = err == nil && !ours && !public
	}
	return all
})

func concerningDeliveries(events []eventstore.Event) ([]told, error) {
	var all []told
	for _, e := range events {
		if private()[e.Type] {
			continue
		}
		said, err := decoded(e)
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
