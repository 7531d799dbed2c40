package projections

import (
	"encoding/json"
	"time"

	"tender/domain/id"
	"tender/domain/webhook"
)

// deliveryEndpoint is what of an endpoint decides which deliveries are made.
type deliveryEndpoint struct {
	MerchantID string         `json:"merchant_id"`
	Events     []string       `json:"events"`
	Status     webhook.Status `json:"status"`
	Delivered  time.Time      `json:"delivered_at,omitzero"`

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
	recoveryID                                 string

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
	owned      map[string][]string // the endpoints' ids, by merchant
	deliveries map[string]*delivery
	stored     map[string]bool // those of them that the table has
	ended      []ended
	public     []Row
}

func (b *deliveryBatch) fold(e told) {
	switch d := e.said.(type) {
	case webhook.EndpointCreated:
		b.add(e.Stream, &deliveryEndpoint{
			MerchantID: e.MerchantID, Events: d.Events, Status: webhook.StatusEnabled, first: e.Position, position: e.Position, dirty: true,
		})
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
	case webhook.EndpointTested:
		b.test(e)
	case webhook.Delivered:
		b.settle(e, DeliveryDelivered)
		if o := b.endpoints[d.EndpointID]; o != nil && e.At.Sub(o.Delivered) > deliveredEvery {
			o.Delivered, o.dirty = e.At, true // the endpoint itself hasn't changed
		}
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

func (b *deliveryBatch) add(endpointID string, o *deliveryEndpoint) {
	b.endpoints[endpointID] = o
	b.owned[o.MerchantID] = append(b.owned[o.MerchantID], endpointID)
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
	for _, endpointID := range b.owned[e.MerchantID] {
		o := b.endpoints[endpointID]
		if o.deleted || o.Status == webhook.StatusDisabled || !webhook.Wants(o.Events, e.public) {
			continue
		}
		b.deliver(e, eventID, e.public, endpointID)
	}
}

// test makes the delivery of a test message: to the endpoint that is tested, and to
// no other. It is no public event.
func (b *deliveryBatch) test(e told) {
	if o := b.endpoints[e.Stream]; o == nil || o.deleted || o.Status == webhook.StatusDisabled {
		return
	}
	b.deliver(e, id.Format(id.Event, e.ID), webhook.TestType, e.Stream)
}

func (b *deliveryBatch) deliver(e told, eventID, eventType, endpointID string) {
	b.deliveries[webhook.DeliveryID(eventID, endpointID)] = &delivery{
		merchantID: e.MerchantID, endpointID: endpointID, eventID: eventID, eventType: eventType,
		source: e.Stream, sourceVersion: e.Version, status: DeliveryPending,
		createdAt: e.At, updatedAt: e.At, first: e.Position, position: e.Position, due: e.Position,
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
	if d.RecoveryID != "" {
		o.recoveryID = d.RecoveryID
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
