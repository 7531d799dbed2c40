package engine

import (
	"github.com/cockroachdb/errors"

	"tender/domain/id"
	"tender/eventstore"
)

// ErrUnknownKind says that this build folds no streams of a kind.
var ErrUnknownKind = errors.New("this build knows no streams of this kind")

// Replayer folds whole streams by everything that this build folds streams of
// their kind with. It looks at nothing but events.
type Replayer struct {
	folds map[id.Prefix]map[string]func([]eventstore.Event) (any, error)
}

// Replayer returns the engine's folds, for whoever goes through the log as a whole.
func (g *Engine) Replayer() *Replayer { return &Replayer{folds: g.folds()} }

// Replay folds one stream, from its first event on: the state that the rules read,
// and the object that clients see, by their names. A stream of a kind that this
// build doesn't know gives [ErrUnknownKind].
func (r *Replayer) Replay(events []eventstore.Event) (map[string]any, error) {
	kind := id.PrefixOf(events[0].Stream)
	folds, known := r.folds[kind]
	if !known {
		return nil, errors.Wrapf(ErrUnknownKind, "%s", events[0].Stream)
	}
	out := make(map[string]any, len(folds))
	for name, fold := range folds {
		v, err := fold(events)
		if err != nil {
			return nil, errors.Wrapf(err, "the %s of %s", name, events[0].Stream)
		}
		out[name] = v
	}
	return out, nil
}

// folds are all folds, by the kind of stream and what they make of it.
func (g *Engine) folds() map[id.Prefix]map[string]func([]eventstore.Event) (any, error) {
	return map[id.Prefix]map[string]func([]eventstore.Event) (any, error){
		id.Session:      {"state": folding(g.Sessions), "object": folding(g.SessionObjects)},
		id.Payment:      {"state": folding(g.Payments), "object": folding(g.PaymentObjects), "action": folding(g.Actions)},
		id.Merchant:     {"state": folding(g.Merchants), "brand": folding(g.BrandObjects)},
		id.Logo:         {"state": folding(g.Logos)},
		id.Staff:        {"state": folding(g.Staff)},
		id.Access:       {"state": folding(g.Looks)},
		id.Endpoint:     {"state": folding(g.Endpoints), "object": folding(g.EndpointObjects)},
		id.Delivery:     {"state": folding(g.Deliveries)},
		id.Customer:     {"state": folding(g.Customers), "object": folding(g.CustomerObjects)},
		id.Method:       {"state": folding(g.Methods), "object": folding(g.MethodObjects)},
		id.Mandate:      {"state": folding(g.Mandates), "object": folding(g.MandateObjects)},
		id.Subscription: {"state": folding(g.Subscriptions), "object": folding(g.SubscriptionObjects)},
		id.Clock:        {"state": folding(g.Clocks), "object": folding(g.ClockObjects)},
		id.Recovery:     {"state": folding(g.Recoveries), "object": folding(g.RecoveryObjects)},
		id.ReadModel:    {"state": folding(g.ReadModels)},
	}
}

func folding[T any](v *View[T]) func([]eventstore.Event) (any, error) {
	return func(events []eventstore.Event) (any, error) {
		l, err := v.Fold(events)
		return l.Value, err
	}
}
