// Package engine is the one way in which anything changes: load the streams,
// let the domain decide, append, and answer. It also serves reads that show
// every write that was answered before them.
//
// States and objects are cached, but no answer rests on a cache alone: an append
// carries the version of every stream that was read, a refusal too, and a read
// asks for the heads of what it shows.
package engine

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"tender/domain"
	"tender/domain/clock"
	"tender/domain/codec"
	"tender/domain/customer"
	"tender/domain/logo"
	"tender/domain/mandate"
	"tender/domain/merchant"
	"tender/domain/method"
	"tender/domain/payment"
	"tender/domain/readmodel"
	"tender/domain/recovery"
	"tender/domain/session"
	"tender/domain/staff"
	"tender/domain/subscription"
	"tender/domain/webhook"
	"tender/eventstore"
	"tender/projections/object"
)

// Limits of the engine.
const (
	// triesMax is how often a command is decided again after another one came
	// first. Outcomes of calls to the outside are tried for ever.
	triesMax = 12
	// cachedMax is how many streams of each kind a process remembers.
	cachedMax = 20_000
	// appendLinger is how long an append is waited for after its caller has left.
	appendLinger = 5 * time.Second
)

// Engine runs commands and reads on one log.
type Engine struct {
	Store *eventstore.Store

	// States, which the rules read.
	Sessions      *View[session.State]
	Payments      *View[payment.State]
	Merchants     *View[merchant.State]
	Logos         *View[logo.State]
	Staff         *View[staff.State]
	Looks         *View[staff.Looks]
	Endpoints     *View[webhook.Endpoint]
	Deliveries    *View[webhook.Delivery]
	Customers     *View[customer.State]
	Methods       *View[method.State]
	Mandates      *View[mandate.State]
	Subscriptions *View[subscription.State]
	Clocks        *View[clock.State]
	Recoveries    *View[recovery.State]
	ReadModels    *View[readmodel.State]

	// Objects, which clients see.
	SessionObjects      *View[object.Session]
	PaymentObjects      *View[object.Payment]
	BrandObjects        *View[object.Brand]
	EndpointObjects     *View[object.Endpoint]
	CustomerObjects     *View[object.Customer]
	MethodObjects       *View[object.PaymentMethod]
	MandateObjects      *View[object.Mandate]
	SubscriptionObjects *View[object.Subscription]
	ClockObjects        *View[object.Clock]
	RecoveryObjects     *View[object.Recovery]
	Actions             *View[object.Action]

	now   func() time.Time
	turns turns
}

// New returns an engine on store. The clock is read at the edge only: here.
func New(store *eventstore.Store, now func() time.Time) *Engine {
	mode := store.Log().Mode
	return &Engine{
		Store: store,
		now:   now,
		Sessions: newView(func(s session.State, e eventstore.Event, d codec.Named) session.State {
			return session.Evolve(s, e.Stream, e.MerchantID, d.(session.Event))
		}).withCauses(),
		Payments: newView(func(s payment.State, e eventstore.Event, d codec.Named) payment.State {
			return payment.Evolve(s, e.Stream, d.(payment.Event))
		}).withCauses(),
		Merchants: newView(func(s merchant.State, e eventstore.Event, d codec.Named) merchant.State {
			return merchant.Evolve(s, e.Stream, d.(merchant.Event))
		}),
		Logos: newView(func(s logo.State, _ eventstore.Event, d codec.Named) logo.State {
			return logo.Evolve(s, d.(logo.Event))
		}),
		Staff: newView(func(s staff.State, e eventstore.Event, d codec.Named) staff.State {
			return staff.Evolve(s, e.Stream, d.(staff.Event))
		}),
		Looks: newView(func(s staff.Looks, _ eventstore.Event, d codec.Named) staff.Looks {
			return staff.EvolveLooks(s, d.(staff.Event))
		}),
		Endpoints: newView(func(s webhook.Endpoint, e eventstore.Event, d codec.Named) webhook.Endpoint {
			return webhook.EvolveEndpoint(s, e.Stream, e.MerchantID, e.At, d.(webhook.Event))
		}),
		Deliveries: newView(func(s webhook.Delivery, e eventstore.Event, d codec.Named) webhook.Delivery {
			return webhook.EvolveDelivery(s, e.Stream, d.(webhook.Event))
		}),
		Customers: newView(func(s customer.State, e eventstore.Event, d codec.Named) customer.State {
			return customer.Evolve(s, e.Stream, d.(customer.Event))
		}),
		Methods: newView(func(s method.State, e eventstore.Event, d codec.Named) method.State {
			return method.Evolve(s, e.Stream, d.(method.Event))
		}),
		Mandates: newView(func(s mandate.State, e eventstore.Event, d codec.Named) mandate.State {
			return mandate.Evolve(s, e.Stream, e.At, d.(mandate.Event))
		}).withCauses(),
		Subscriptions: newView(func(s subscription.State, e eventstore.Event, d codec.Named) subscription.State {
			return subscription.Evolve(s, e.Stream, e.At, d.(subscription.Event))
		}).withCauses(),
		Clocks: newView(func(s clock.State, e eventstore.Event, d codec.Named) clock.State {
			return clock.Evolve(s, e.Stream, d.(clock.Event))
		}),
		Recoveries: newView(func(s recovery.State, e eventstore.Event, d codec.Named) recovery.State {
			return recovery.Evolve(s, e.Stream, d.(recovery.Event))
		}),
		ReadModels: newView(func(s readmodel.State, _ eventstore.Event, d codec.Named) readmodel.State {
			return readmodel.Evolve(s, d.(readmodel.Event))
		}),
		SessionObjects:      objects(mode, object.Session.Apply),
		PaymentObjects:      objects(mode, object.Payment.Apply),
		BrandObjects:        objects(mode, object.Brand.Apply),
		EndpointObjects:     objects(mode, object.Endpoint.Apply),
		CustomerObjects:     objects(mode, object.Customer.Apply),
		MethodObjects:       objects(mode, object.PaymentMethod.Apply),
		MandateObjects:      objects(mode, object.Mandate.Apply),
		SubscriptionObjects: objects(mode, object.Subscription.Apply),
		ClockObjects:        objects(mode, object.Clock.Apply),
		RecoveryObjects:     objects(mode, object.Recovery.Apply),
		Actions:             objects(mode, object.Action.Apply),
	}
}

// objects is a view of what clients see.
func objects[T any](mode string, apply func(T, string, eventstore.Event, codec.Named) T) *View[T] {
	return newView(func(o T, e eventstore.Event, d codec.Named) T { return apply(o, mode, e, d) })
}

// Mode is the log's mode.
func (g *Engine) Mode() string { return g.Store.Log().Mode }

// Now is the present as commands carry it: whole milliseconds, UTC.
func (g *Engine) Now() domain.Moment {
	t := g.now().UTC().Truncate(time.Millisecond)
	return domain.Moment{At: t, Wall: t}
}

// NewID draws the id of a command.
func NewID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

// Origin is where a command comes from.
type Origin struct {
	CommandID  uuid.UUID
	MerchantID string
	RequestID  string
	Actor      domain.Actor
	Page       string    // the web origin of the page that a browser says it sends for; "": it is none
	Causation  uuid.UUID // the event that led to the command; zero: none, or see [Tx.Because]
}

// Refresh brings what refs hold up to the log, with one query.
func (g *Engine) Refresh(ctx context.Context, refs ...Ref) error {
	after := make([]eventstore.StreamAfter, len(refs))
	for i, r := range refs {
		after[i] = r.after()
	}
	tails, err := g.Store.Streams(ctx, after...)
	if err != nil {
		return err
	}
	for i, r := range refs {
		if err := r.extend(tails[i]); err != nil {
			return err
		}
	}
	return nil
}

// Recall is [Engine.Refresh] for those of refs alone whose stream nothing is remembered
// of, or of which one of them has more than another. The rest are as old as what this
// process last read or appended: good enough to show what its own command has just come
// to, and for nothing that is decided.
func (g *Engine) Recall(ctx context.Context, refs ...Ref) error {
	known, unclear := map[string]int{}, map[string]bool{}
	for _, r := range refs {
		at := r.after()
		if v, seen := known[at.Stream]; at.Version == 0 || seen && v != at.Version {
			unclear[at.Stream] = true
		}
		known[at.Stream] = at.Version
	}
	if len(unclear) == 0 {
		return nil
	}
	return g.Refresh(ctx, slices.DeleteFunc(slices.Clone(refs), func(r Ref) bool { return !unclear[r.after().Stream] })...)
}

type requestIDKey struct{}

// WithRequestID returns a context that carries the id of the request in hand.
func WithRequestID(ctx context.Context, requestID string) context.Context {
	return context.WithValue(ctx, requestIDKey{}, requestID)
}

// RequestID returns the id of the request in hand; "" outside of any.
func RequestID(ctx context.Context) string {
	s, _ := ctx.Value(requestIDKey{}).(string)
	return s
}
