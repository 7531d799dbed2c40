package biglog

import (
	"slices"
	"time"

	"github.com/cockroachdb/errors"
	"golang.org/x/sync/errgroup"

	"tender/domain"
	"tender/domain/codec"
	"tender/domain/id"
	"tender/domain/mandate"
	"tender/domain/payment"
	"tender/domain/session"
	"tender/domain/subscription"
	"tender/eventstore"
	"tender/projections/object"
)

// stream is what a lane knows of one.
type stream[S any] struct {
	state   S
	version int
	at      time.Time // of its last event
}

// book holds a lane's streams of one kind.
type book[S any, E codec.Named] struct {
	codec   codec.Codec[E]
	evolve  func(s S, id string, at time.Time, e E) S
	streams map[string]*stream[S]
}

func newBook[S any, E codec.Named](c codec.Codec[E], evolve func(S, string, time.Time, E) S) book[S, E] {
	return book[S, E]{codec: c, evolve: evolve, streams: map[string]*stream[S]{}}
}

func timeless[S any, E codec.Named](evolve func(S, string, E) S) func(S, string, time.Time, E) S {
	return func(s S, id string, _ time.Time, e E) S { return evolve(s, id, e) }
}

// of returns a stream's state; the zero one if it does not exist.
func (b book[S, E]) of(id string) (s S) {
	if one := b.streams[id]; one != nil {
		return one.state
	}
	return s
}

// command is an append on its way.
type command struct {
	eventstore.Command
	lane *lane
	at   time.Time // of its events, where their streams aren't later
	told []letter  // public events among them
}

// command begins one, of the lane's merchant.
func (l *lane) command(by domain.Actor) *command {
	c := &command{lane: l, at: l.now.At, Command: eventstore.Command{ID: l.draw(), MerchantID: l.merchantID, Actor: by}}
	switch by.Kind {
	case domain.ActorMerchant:
		reads(c, l.merchants, l.merchantID)
		c.RequestID = id.Format(id.Request, l.draw())
	case domain.ActorCustomer, domain.ActorStaff:
		c.RequestID = id.Format(id.Request, l.draw())
	case domain.ActorAcquirer, domain.ActorSystem:
	}
	if l.clockID != "" {
		reads(c, l.clocks, l.clockID)
	}
	return c
}

// reads has c hold only if a stream is as the lane knows it.
func reads[S any, E codec.Named](c *command, b book[S, E], id string) *stream[S] {
	s := b.streams[id]
	if s == nil {
		s = &stream[S]{}
		b.streams[id] = s
	}
	if !slices.ContainsFunc(c.Expect, func(x eventstore.Expectation) bool { return x.Stream == id }) {
		c.Expect = append(c.Expect, eventstore.Expectation{Stream: id, Version: s.version})
	}
	return s
}

// writes adds events to c, and to what the lane knows.
func writes[S any, E codec.Named](c *command, b book[S, E], id string, events ...E) {
	writesAt(c, b, id, time.Time{}, events...)
}

func writesAt[S any, E codec.Named](c *command, b book[S, E], id string, effective time.Time, events ...E) {
	if len(events) == 0 {
		return
	}
	s := reads(c, b, id)
	at := c.at
	if s.at.After(at) {
		at = s.at
	}
	for _, e := range events {
		encoded := b.codec.Encode(e)
		event := eventstore.NewEvent{
			Stream: id, Type: encoded.Type, SchemaVersion: encoded.SchemaVersion, ID: c.lane.draw(),
			At: at, EffectiveAt: effective, Payload: encoded.Payload,
		}
		c.Events = append(c.Events, event)
		s.state, s.version, s.at = b.evolve(s.state, id, at, e), s.version+1, at
		if name := causeName(e); name != "" {
			c.lane.causes[id+" "+name] = event.ID
		}
		if public, is := object.PublicType(e); is {
			c.told = append(c.told, letter{event: event, version: s.version, public: public})
		}
	}
}

// causeName is under what an event is found by what comes of it later.
func causeName(e codec.Named) string {
	switch e := e.(type) {
	case payment.AttemptStarted:
		return e.Key
	case payment.CaptureRequested:
		return e.Key
	case payment.VoidRequested:
		return e.Key
	case payment.RefundRequested:
		return e.Key
	case payment.ReversalRequested:
		return e.Key
	case payment.ResolutionProposed:
		return e.ResolutionID
	case payment.Authorised, session.Created, mandate.Created, subscription.Created:
		return e.Type()
	}
	return ""
}

// because names what c comes of.
func (c *command) because(stream, name string) { c.Causation = c.lane.causes[stream+" "+name] }

// send appends c, and has the merchant's endpoints told.
func (c *command) send() {
	if len(c.Events) == 0 {
		return
	}
	c.lane.append(c)
	c.lane.told, c.lane.public = c.told, c.lane.public+int64(len(c.told))
	for _, t := range c.told {
		c.lane.tell(t)
	}
	c.lane.deliver(mailMin)
}

// append appends commands that have no stream in common, side by side.
func (l *lane) append(all ...*command) {
	var group errgroup.Group
	for _, c := range all {
		group.Go(func() error {
			result, err := l.store.Append(l.ctx, c.Command)
			switch {
			case err != nil:
				return errors.Wrapf(err, "append %s", c.Events[0].Type)
			case result.Duplicate || len(result.Taken) > 0:
				return errors.AssertionFailedf("append %s: %+v", c.Events[0].Type, result)
			}
			return nil
		})
		for _, e := range c.Events {
			l.types[e.Type]++
		}
	}
	l.must(group.Wait())
}
