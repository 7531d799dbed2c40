package webhooks

import (
	"encoding/json"

	"github.com/cockroachdb/errors"

	"tender/domain/catalogue"
	"tender/domain/codec"
	"tender/domain/id"
	"tender/domain/mandate"
	"tender/domain/merchant"
	"tender/domain/method"
	"tender/domain/payment"
	"tender/domain/session"
	"tender/domain/subscription"
	"tender/domain/webhook"
	"tender/eventstore"
	"tender/projections/object"
)

// ErrNotPublic says that an event is not told to merchants.
var ErrNotPublic = errors.New("the event is not public")

// Message is a public event as it is sent.
type Message struct {
	ID   string // of the event; also the webhook-id
	Type string
	Body []byte
}

// envelope is the body of every message, in this order.
type envelope struct {
	ID        string      `json:"id"`
	Type      string      `json:"type"`
	Timestamp object.Time `json:"timestamp"`
	Mode      string      `json:"mode"`
	Data      any         `json:"data"`
}

// Render returns the message that tells of the last of events, which are the
// beginning of one stream: with the object as it was right after that event. The
// same events give the same bytes whenever and wherever they are rendered,
// because nothing else goes in. [ErrNotPublic] if it isn't told at all.
func Render(mode string, events []eventstore.Event) (Message, error) {
	if len(events) == 0 {
		return Message{}, errors.AssertionFailedf("no events to render")
	}
	last := events[len(events)-1]
	said := make([]codec.Named, len(events))
	for i, e := range events {
		if e.Version != i+1 || e.Stream != last.Stream {
			return Message{}, errors.AssertionFailedf("event %d of %s stands at place %d of %s", e.Version, e.Stream, i+1, last.Stream)
		}
		var err error
		if said[i], err = catalogue.Decode(e.Type, e.SchemaVersion, e.Payload); err != nil {
			return Message{}, errors.Wrapf(err, "event %d", e.Position)
		}
	}
	eventType, data, err := tellingOf(mode, events, said)
	if err != nil {
		return Message{}, err
	}
	m := Message{ID: id.Format(id.Event, last.ID), Type: eventType}
	m.Body, err = json.Marshal(envelope{
		ID: m.ID, Type: m.Type, Timestamp: object.Time(last.At), Mode: mode, Data: data,
	})
	return m, errors.Wrapf(err, "render event %d", last.Position)
}

// tellingOf is what the last of events is told as, and with which data. A test
// message tells of nothing.
func tellingOf(mode string, events []eventstore.Event, said []codec.Named) (string, any, error) {
	last := said[len(said)-1]
	if _, test := last.(webhook.EndpointTested); test {
		return webhook.TestType, struct{}{}, nil
	}
	eventType, public := object.PublicType(last)
	if !public {
		return "", nil, errors.Wrap(ErrNotPublic, last.Type())
	}
	data, err := dataOf(mode, events, said)
	return eventType, data, err
}

// dataOf folds the object that the stream is about.
func dataOf(mode string, events []eventstore.Event, said []codec.Named) (any, error) {
	switch said[0].(type) {
	case session.Event:
		return fold(mode, events, said, object.Session.Apply), nil
	case payment.Event:
		return fold(mode, events, said, object.Payment.Apply), nil
	case mandate.Event:
		return fold(mode, events, said, object.Mandate.Apply), nil
	case subscription.Event:
		return fold(mode, events, said, object.Subscription.Apply), nil
	case merchant.Event:
		return fold(mode, events, said, object.Pace.Apply), nil
	case method.Event:
		return methodOf(mode, events, said), nil
	}
	return nil, errors.AssertionFailedf("stream %s has no public object", events[0].Stream)
}

// methodOf folds a saved method. One that was removed is there no more; it is told
// as it was before, and that it can't be used.
func methodOf(mode string, events []eventstore.Event, said []codec.Named) object.PaymentMethod {
	last := len(events) - 1
	if _, removed := said[last].(method.Removed); !removed {
		return fold(mode, events, said, object.PaymentMethod.Apply)
	}
	o := fold(mode, events[:last], said[:last], object.PaymentMethod.Apply)
	o.Usable, o.Version, o.UpdatedAt = false, events[last].Version, object.Time(events[last].At)
	return o
}

func fold[T any](
	mode string, events []eventstore.Event, said []codec.Named,
	apply func(T, string, eventstore.Event, codec.Named) T,
) T {
	var o T
	for i, e := range events {
		o = apply(o, mode, e, said[i])
	}
	return o
}
