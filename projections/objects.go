package projections

import (
	"strings"
	"time"

	"tender/domain/catalogue"
	"tender/domain/codec"
	"tender/domain/id"
	"tender/eventstore"
	"tender/projections/object"
)

// Names of the read models of objects, as their views and cursors are called.
const (
	SessionsName  = "sessions"
	PaymentsName  = "payments"
	EndpointsName = "endpoints"
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
	{Name: "created_at", Type: "timestamptz", NotNull: true},
}

var objectIndexes = []string{
	"(merchant_id, first_position DESC)",
	"(merchant_id, status, first_position DESC)",
	"(merchant_id, external_reference, first_position DESC) WHERE external_reference IS NOT NULL",
}

// Sessions is the read model of payment sessions.
func Sessions(mode string) Projection {
	return objects(SessionsName, id.Session, func(o object.Session, e eventstore.Event, d codec.Named) object.Session {
		return o.Apply(mode, e, d)
	}, func(o object.Session) (listed, bool) {
		return listed{string(o.Status), o.ExternalReference, time.Time(o.CreatedAt)}, true
	})
}

// Payments is the read model of payments.
func Payments(mode string) Projection {
	return objects(PaymentsName, id.Payment, func(o object.Payment, e eventstore.Event, d codec.Named) object.Payment {
		return o.Apply(mode, e, d)
	}, func(o object.Payment) (listed, bool) {
		return listed{string(o.Status), o.ExternalReference, time.Time(o.CreatedAt)}, true
	})
}

// Endpoints is the read model of webhook endpoints. Deleted ones are not in it.
func Endpoints(mode string) Projection {
	return objects(EndpointsName, id.Endpoint, func(o object.Endpoint, e eventstore.Event, d codec.Named) object.Endpoint {
		return o.Apply(mode, e, d)
	}, func(o object.Endpoint) (listed, bool) {
		return listed{string(o.Status), "", time.Time(o.CreatedAt)}, o.ID != ""
	})
}

// listed is what lists select an object by.
type listed struct {
	status            string
	externalReference string
	createdAt         time.Time
}

// objects is a read model with one row per stream of one kind.
func objects[T any](
	name string, prefix id.Prefix,
	fold func(T, eventstore.Event, codec.Named) T, list func(T) (listed, bool),
) Projection {
	return Keyed[kept[T]]{
		Name: name, Version: 1, Policy: ParkStream,
		Table: Table{Name: name, Columns: objectColumns, Indexes: objectIndexes},
		Keys: func(e eventstore.Event) ([]string, error) {
			if strings.HasPrefix(e.Stream, string(prefix)+"_") {
				return []string{e.Stream}, nil
			}
			return nil, nil
		},
		Fold: func(k kept[T], _ string, e eventstore.Event) (kept[T], error) {
			d, err := catalogue.Decode(e.Type, e.SchemaVersion, e.Payload)
			if err != nil {
				return k, err
			}
			return kept[T]{MerchantID: e.MerchantID, Object: fold(k.Object, e, d)}, nil
		},
		Keep: func(k kept[T]) bool { _, keep := list(k.Object); return keep },
		Row: func(_ string, k kept[T]) []any {
			l, _ := list(k.Object)
			return []any{k.MerchantID, l.status, orNull(l.externalReference), l.createdAt}
		},
	}
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}
