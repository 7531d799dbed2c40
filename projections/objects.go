package projections

import (
	"encoding/json"
	"time"

	"tender/domain/catalogue"
	"tender/domain/codec"
	"tender/domain/id"
	"tender/domain/subscription"
	"tender/eventstore"
	"tender/projections/object"
)

// Names of the read models of objects, as their views and cursors are called.
const (
	SessionsName  = "sessions"
	PaymentsName  = "payments"
	EndpointsName = "endpoints"
	CustomersName = "customers"
	MethodsName   = "payment_methods"
	MandatesName  = "mandates"
	// SubscriptionsName lists what the platform collects by itself.
	SubscriptionsName = "subscriptions"
	ClocksName        = "clocks"
	// RecoveriesName lists the jobs that send endpoints again what did not arrive.
	RecoveriesName = "recoveries"
)

// kept is what a row of an object holds: the object, and whose it is.
type kept[T any] struct {
	MerchantID string `json:"merchant_id"`
	Object     T      `json:"object"`
}

// objectColumns are what lists of objects select by.
var objectColumns = []Column{
	{Name: "merchant_id", Type: "text", NotNull: true},
	{Name: "status", Type: "text"},
	{Name: "external_reference", Type: "text"},
	{Name: "customer_id", Type: "text"},
	{Name: "metadata", Type: "jsonb"},
	{Name: "created_at", Type: "timestamptz", NotNull: true},
}

var objectIndexes = []string{
	"(merchant_id, first_position DESC)",
	"(merchant_id, status, first_position DESC)",
	"(merchant_id, external_reference, first_position DESC) WHERE external_reference IS NOT NULL",
	"(merchant_id, customer_id, first_position DESC) WHERE customer_id IS NOT NULL",
	"USING gin (metadata jsonb_path_ops) WHERE metadata IS NOT NULL",
}

// listed is what lists select an object by.
type listed struct {
	status            string
	externalReference string
	customerID        string
	metadata          map[string]string
	createdAt         object.Time
}

// Sessions is the read model of payment sessions.
func Sessions(mode string) Projection {
	return objects(mode, SessionsName, id.Session, object.Session.Apply, func(o object.Session) (listed, bool) {
		return listed{string(o.Status), o.ExternalReference, o.CustomerID, o.Metadata, o.CreatedAt}, true
	})
}

// Payments is the read model of payments.
func Payments(mode string) Projection {
	return objects(mode, PaymentsName, id.Payment, object.Payment.Apply, func(o object.Payment) (listed, bool) {
		return listed{string(o.Status), o.ExternalReference, o.CustomerID, o.Metadata, o.CreatedAt}, true
	})
}

// Endpoints is the read model of webhook endpoints. Deleted ones are not in it.
func Endpoints(mode string) Projection {
	p := objects(mode, EndpointsName, id.Endpoint, object.Endpoint.Apply, func(o object.Endpoint) (listed, bool) {
		return listed{status: string(o.Status), createdAt: o.CreatedAt}, o.ID != ""
	})
	p.Version = 2
	return p
}

// Customers is the read model of customers: of what the log knows of them. Erased
// ones are not in it.
func Customers(mode string) Projection {
	return objects(mode, CustomersName, id.Customer, object.Customer.Apply, func(o object.Customer) (listed, bool) {
		return listed{createdAt: o.CreatedAt}, o.ID != ""
	})
}

// Methods is the read model of saved payment methods. Removed ones are not in it.
func Methods(mode string) Projection {
	return objects(mode, MethodsName, id.Method, object.PaymentMethod.Apply, func(o object.PaymentMethod) (listed, bool) {
		return listed{customerID: o.CustomerID, createdAt: o.CreatedAt}, o.ID != ""
	})
}

// Mandates is the read model of mandates.
func Mandates(mode string) Projection {
	return objects(mode, MandatesName, id.Mandate, object.Mandate.Apply, func(o object.Mandate) (listed, bool) {
		return listed{status: string(o.Status), customerID: o.CustomerID, createdAt: o.CreatedAt}, true
	})
}

// Clocks is the read model of test clocks. Deleted ones are not in it.
func Clocks(mode string) Projection {
	return objects(mode, ClocksName, id.Clock, object.Clock.Apply, func(o object.Clock) (listed, bool) {
		return listed{status: o.Status, createdAt: o.CreatedAt}, o.ID != ""
	})
}

// Recoveries is the read model of recoveries.
func Recoveries(mode string) Projection {
	return objects(mode, RecoveriesName, id.Recovery, object.Recovery.Apply, func(o object.Recovery) (listed, bool) {
		return listed{status: string(o.Status), createdAt: o.CreatedAt}, true
	})
}

// keptSubscription is [kept] with what the object's next event builds on.
type keptSubscription struct {
	MerchantID string              `json:"merchant_id"`
	Object     object.Subscription `json:"object"`
	State      subscription.State  `json:"state"`
}

// Subscriptions is the read model of subscriptions.
func Subscriptions(mode string) Projection {
	return Keyed[keptSubscription]{
		Name: SubscriptionsName, Version: 1, Policy: ParkStream,
		Table:   Table{Name: SubscriptionsName, Columns: objectColumns, Indexes: objectIndexes},
		Streams: []id.Prefix{id.Subscription},
		Fold: func(k keptSubscription, _ string, e eventstore.Event) (keptSubscription, error) {
			d, err := decoded(e)
			if err != nil {
				return k, err
			}
			o := k.Object.WithState(k.State).Apply(mode, e, d)
			return keptSubscription{MerchantID: e.MerchantID, Object: o, State: o.State()}, nil
		},
		Row: func(_ string, k keptSubscription) []any {
			return listed{status: string(k.Object.Status), customerID: k.Object.CustomerID, createdAt: k.Object.CreatedAt}.row(k.MerchantID)
		},
	}
}

// Prepare decodes an event for all projections that it will be handed to. What can't be
// decoded, even if it panics, they find out themselves, each by its policy.
func Prepare(e *eventstore.Event) {
	defer func() { _ = recover() }()
	if said, err := catalogue.Decode(e.Type, e.SchemaVersion, e.Payload); err == nil {
		e.Said = said
	}
}

// decoded returns what an event says.
func decoded(e eventstore.Event) (codec.Named, error) {
	if said, ok := e.Said.(codec.Named); ok {
		return said, nil
	}
	return catalogue.Decode(e.Type, e.SchemaVersion, e.Payload)
}

// row is what stands in the columns of a merchant's object.
func (l listed) row(merchantID string) []any {
	return []any{
		merchantID, orNull(l.status), orNull(l.externalReference), orNull(l.customerID), jsonOrNull(l.metadata),
		time.Time(l.createdAt),
	}
}

// objects is a read model with one row per stream of one kind.
func objects[T any](
	mode, name string, prefix id.Prefix,
	apply func(T, string, eventstore.Event, codec.Named) T, list func(T) (listed, bool),
) Keyed[kept[T]] {
	return Keyed[kept[T]]{
		Name: name, Version: 1, Policy: ParkStream,
		Table:   Table{Name: name, Columns: objectColumns, Indexes: objectIndexes},
		Streams: []id.Prefix{prefix},
		Fold: func(k kept[T], _ string, e eventstore.Event) (kept[T], error) {
			d, err := decoded(e)
			if err != nil {
				return k, err
			}
			return kept[T]{MerchantID: e.MerchantID, Object: apply(k.Object, mode, e, d)}, nil
		},
		Keep: func(k kept[T]) bool { _, keep := list(k.Object); return keep },
		Row: func(_ string, k kept[T]) []any {
			l, _ := list(k.Object)
			return l.row(k.MerchantID)
		},
	}
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func jsonOrNull(pairs map[string]string) any {
	if len(pairs) == 0 {
		return nil
	}
	b, err := json.Marshal(pairs)
	if err != nil {
		panic(err) // a map of strings
	}
	return string(b)
}
