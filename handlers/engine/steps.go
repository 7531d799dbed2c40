package engine

import (
	"github.com/cockroachdb/errors"

	"tender/domain/codec"
	"tender/domain/id"
	"tender/eventstore"
)

// Step takes a stream's next event, with what it says. An error says that it can't
// follow what came before.
type Step func(e eventstore.Event, said codec.Named) error

// Steps fold streams into the states that the rules read, event by event: for whoever
// has decoded the events already, and wants no more than to know that they can be
// folded. It looks at nothing but events.
type Steps struct{ begin map[id.Prefix]func() Step }

// Steps returns the engine's folds of what the rules read.
func (g *Engine) Steps() *Steps {
	return &Steps{begin: map[id.Prefix]func() Step{
		id.Session: stepping(g.Sessions), id.Payment: stepping(g.Payments), id.Merchant: stepping(g.Merchants),
		id.Logo: stepping(g.Logos), id.Staff: stepping(g.Staff), id.Access: stepping(g.Looks), id.Endpoint: stepping(g.Endpoints),
		id.Delivery: stepping(g.Deliveries), id.Customer: stepping(g.Customers), id.Method: stepping(g.Methods),
		id.Mandate: stepping(g.Mandates), id.Subscription: stepping(g.Subscriptions), id.Clock: stepping(g.Clocks),
		id.Recovery: stepping(g.Recoveries), id.ReadModel: stepping(g.ReadModels),
	}}
}

// Begin begins the fold of one stream. One of a kind that this build doesn't know gives
// [ErrUnknownKind].
func (s *Steps) Begin(stream string) (Step, error) {
	begin, known := s.begin[id.PrefixOf(stream)]
	if !known {
		return nil, errors.Wrapf(ErrUnknownKind, "%s", stream)
	}
	return begin(), nil
}

func stepping[T any](v *View[T]) func() Step {
	return func() Step {
		var state T
		return func(e eventstore.Event, said codec.Named) (err error) {
			state, err = v.folded(state, e, said)
			return err
		}
	}
}
