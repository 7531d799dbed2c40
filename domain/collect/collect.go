// Package collect holds the rules that span several aggregates: a session, its
// payment, and the customer, method, mandate and subscription that these concern.
// Each function looks at the states of all and returns what happens to each. The
// caller appends all of it in one go, with the version of every stream it read.
//
// Erasure, the removal of a method and the choice of a mandate rest on streams
// alone, never on a read model: what begins or ends is therefore said in every
// stream that has to know of it.
package collect

import (
	"errors"
	"slices"

	"tender/domain/codec"
	"tender/domain/customer"
	"tender/domain/mandate"
	"tender/domain/method"
	"tender/domain/payment"
	"tender/domain/session"
	"tender/domain/subscription"
)

// Changes are the events of one decision, per stream. A stream without events
// takes no part in it.
type Changes struct {
	Session       Stream[session.Event]
	Payment       Stream[payment.Event]
	Customer      Stream[customer.Event]
	Methods       []Stream[method.Event]
	Mandates      []Stream[mandate.Event]
	Subscriptions []Stream[subscription.Event]
}

// Stream is what happens to one stream, in order.
type Stream[E codec.Named] struct {
	ID string
	// New: the events are the first of their stream, and must hold only if there
	// is no such stream yet.
	New    bool
	Events []E
}

// Empty reports whether there was nothing to do.
func (c Changes) Empty() bool {
	return len(c.Session.Events)+len(c.Payment.Events)+len(c.Customer.Events) == 0 &&
		len(c.Methods)+len(c.Mandates)+len(c.Subscriptions) == 0
}

// Completed returns the session's end with an outcome, where the changes hold one.
func (c Changes) Completed() (session.Completed, bool) {
	for _, e := range c.Session.Events {
		if done, ok := e.(session.Completed); ok {
			return done, true
		}
	}
	return session.Completed{}, false
}

// WithSubscription returns c with what happens to a subscription, and what others
// have to know of that: the customer when it begins or ends, and the session whether
// and when a failed charge is tried again.
func (c Changes) WithSubscription(owner customer.State, subscriptionID string, events ...subscription.Event) Changes {
	c.Subscriptions = slices.Clone(c.Subscriptions)
	c.Customer.Events = slices.Clone(c.Customer.Events)
	for _, e := range events {
		_, began := e.(subscription.Created)
		c.Subscriptions = on(c.Subscriptions, subscriptionID, began, e)
		var known []customer.Event
		switch e := e.(type) {
		case subscription.Created:
			known = []customer.Event{customer.SubscriptionAdded{SubscriptionID: subscriptionID}}
		case subscription.Cancelled, subscription.Completed:
			known = owner.EndSubscription(subscriptionID)
		case subscription.ChargeFailed:
			c.Session.Events = triedAgain(c.Session.Events, e.Occurrence)
		case subscription.ChargeStarted, subscription.ChargeSucceeded, subscription.OccurrenceSkipped, subscription.OccurrenceUncollected,
			subscription.OverdueClaimed, subscription.OverdueReleased, subscription.BecamePastDue, subscription.Recovered,
			subscription.PaymentMethodRequired, subscription.MethodReplaced, subscription.Paused, subscription.Resumed:
		}
		if len(known) > 0 {
			c.Customer.ID = owner.ID
			c.Customer.Events = append(c.Customer.Events, known...)
		}
		for _, k := range known {
			owner = customer.Evolve(owner, owner.ID, k)
		}
	}
	return c
}

// triedAgain returns events in which the session's end says what becomes of the
// occurrence that it failed to collect.
func triedAgain(events []session.Event, o subscription.Occurrence) []session.Event {
	events = slices.Clone(events)
	for i, e := range events {
		if done, ok := e.(session.Completed); ok {
			done.Occurrence = &o
			events[i] = done
		}
	}
	return events
}

// on returns streams in which events happen to one of them.
func on[E codec.Named](streams []Stream[E], id string, isNew bool, events ...E) []Stream[E] {
	if len(events) == 0 {
		return streams
	}
	i := slices.IndexFunc(streams, func(s Stream[E]) bool { return s.ID == id })
	if i < 0 {
		return append(streams, Stream[E]{ID: id, New: isNew, Events: slices.Clone(events)})
	}
	streams[i].Events = append(slices.Clip(streams[i].Events), events...)
	return streams
}

// Parties are the states of what a session and its payment concern beside
// themselves. Whatever has no part in them is zero.
type Parties struct {
	Customer customer.State // whose session or payment it is
	Method   method.State   // the saved method that pays
	Mandate  mandate.State  // that is charged
	// Replaced is the mandate whose place a new one takes, with the method that it
	// is for.
	Replaced Replaced
}

// Replaced is a mandate with its method.
type Replaced struct {
	Mandate mandate.State
	Method  method.State
}

// ErrIncomplete says that a stream which the decision rests on was not read: a
// mistake in the program, and no answer to anybody.
var ErrIncomplete = errors.New("collect: a stream that the decision rests on was not read")

// of refuses to decide about a payment without those whom it concerns.
func (w Parties) of(p payment.State) error {
	if w.Customer.ID != p.CustomerID || w.Mandate.ID != p.MandateID || w.Method.ID != p.Attempt.PaymentMethodID {
		return ErrIncomplete
	}
	return nil
}
