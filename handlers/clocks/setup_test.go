package clocks_test

import (
	"testing"
	"time"

	"tender/handlers/handlerstest"
)

const (
	goodCard      = "4242424242424242"
	challengeCard = "4000000000003220"

	clocksPath    = "/test/clocks"
	customersPath = "/collect/customers"
)

type object = handlerstest.Object

var eventually = handlerstest.Eventually

// bundle is an installation with a merchant, who calls its first process.
type bundle struct {
	*handlerstest.House
	*handlerstest.Caller
	merchant *handlerstest.Merchant
	customer *handlerstest.Caller
}

// setup builds an installation that keeps its read models, and does what falls due.
func setup(t *testing.T) *bundle {
	t.Helper()
	return within(t, handlerstest.New(t))
}

func within(t *testing.T, h *handlerstest.House) *bundle {
	t.Helper()
	m := h.Merchant("test")
	h.First.Project()
	h.First.Work()
	return &bundle{House: h, merchant: m, Caller: h.First.Caller(t, m.Secret), customer: h.First.Caller(t, "")}
}

func at(t *testing.T, s string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// clock makes a test clock that stands at an instant.
func (b *bundle) clock(frozen string) (clockID string) {
	return b.Post(clocksPath, object{"frozen_time": frozen}).Is(201).Text("id")
}

// advance sends a clock on its way, and waits until it is ready.
func (b *bundle) advance(t *testing.T, clockID, to string) *handlerstest.Answer {
	t.Helper()
	b.Post(clocksPath+"/"+clockID+"/advance", object{"to": to}).Is(200).Shows(object{"status": "advancing"})
	return b.ready(t, clockID)
}

func (b *bundle) ready(t *testing.T, clockID string) (a *handlerstest.Answer) {
	t.Helper()
	eventually(t, "the clock is ready", func() bool {
		a = b.Get(clocksPath + "/" + clockID).Is(200)
		return a.Text("status") == "ready"
	})
	return a
}

// onClock makes a customer who lives on a clock.
func (b *bundle) onClock(clockID string) (customerID string) {
	return b.Post(customersPath, object{"test_clock_id": clockID}).Is(201).Text("id")
}

// of are the options of a session of a customer.
func of(customerID string, more ...object) object {
	options := object{"customer_id": customerID}
	for _, m := range more {
		for name, value := range m {
			options[name] = value
		}
	}
	return object{"options": options}
}

func manual() object { return handlerstest.Manual()["options"].(object) }

func expiresAt(s string) object { return object{"checkout_options": object{"expires_at": s}} }

// line is what happened to a stream, and when.
type line struct {
	stream, event, at string
}

// events are those of a stream.
func (b *bundle) events(t *testing.T, stream string) []line {
	t.Helper()
	events, err := b.First.Test.Engine.Store.Stream(t.Context(), stream)
	if err != nil {
		t.Fatal(err)
	}
	var lines []line
	for _, e := range events {
		lines = append(lines, line{stream, e.Type, e.At.Format(time.RFC3339)})
	}
	return lines
}

// happened fails the test unless the stream's last event is of a type, at an instant.
func (b *bundle) happened(t *testing.T, stream, event, when string) {
	t.Helper()
	for _, l := range b.events(t, stream) {
		if l.event == event {
			if l.at != when {
				t.Errorf("%s happened to %s at %s, not at %s", event, stream, l.at, when)
			}
			return
		}
	}
	t.Errorf("%s did not happen to %s: %v", event, stream, b.events(t, stream))
}

// happens fails the test unless an event of a type is among the stream's.
func (b *bundle) happens(t *testing.T, stream, event string) {
	t.Helper()
	events := b.events(t, stream)
	for _, l := range events {
		if l.event == event {
			return
		}
	}
	t.Errorf("%s did not happen to %s: %v", event, stream, events[max(0, len(events)-5):])
}
