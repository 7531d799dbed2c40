package published

import (
	"reflect"
	"strings"

	"tender/domain/id"
	"tender/domain/webhook"
	shown "tender/projections/object"
)

// objects are what bodies show, by the first part of the event's type.
var objects = map[string]reflect.Type{
	"payment_session": reflect.TypeFor[shown.Session](),
	"payment":         reflect.TypeFor[shown.Payment](),
	"mandate":         reflect.TypeFor[shown.Mandate](),
	"subscription":    reflect.TypeFor[shown.Subscription](),
	"payment_method":  reflect.TypeFor[shown.PaymentMethod](),
	"checkout":        reflect.TypeFor[shown.Pace](),
	"webhook":         reflect.TypeFor[struct{}](), // a test message
}

// sent are the types of all messages: of those that tell of something, and of the
// test message.
func sent() []string { return append(webhook.Types(), webhook.TestType) }

// bodyOf is the schema of the body that tells of one type of event.
func bodyOf(eventType string) *Schema {
	kind, _, _ := strings.Cut(eventType, ".")
	s := object(map[string]*Schema{
		"id": idOf(id.Event), "type": {Type: "string", Const: eventType}, "timestamp": instant(), "mode": modes(),
		"data": schemaOf(objects[kind]),
	})
	s.Dialect, s.Title, s.Description = dialect, eventType, "The body of a webhook. New fields, and new values in a list of values, may come."
	return s
}

// subscribable is the schema of what an endpoint may ask for: a part of a request.
func subscribable() *Schema {
	s := list(oneOf(append([]string{webhook.AllTypes}, webhook.Types()...)...))
	s.Dialect, s.Title, s.Description = dialect, "events", "The event types that a webhook endpoint may ask for."
	return s
}
