// Package codec turns an aggregate's events into bytes and back.
//
// Each aggregate keeps one [Codec]: the list of every event type that it has
// ever written. What is on that list can be read for ever; what is not is met
// with an error that says so before any rule sees it.
package codec

import (
	"encoding/json"
	"fmt"
	"slices"
)

// Named is what every event can say of itself: its type on the wire, such as
// "payment.captured".
type Named interface{ Type() string }

// Type is one entry of a codec: an event type with the schema version that this
// build writes.
type Type[E Named] struct {
	name    string
	version int
	decode  func(json.RawMessage) (E, error)
}

// Define names the event type whose Go type is T. The version begins at 1 and
// rises when old readers could misread what is written.
func Define[E Named, T any](name string, version int, as func(T) E) Type[E] {
	return Type[E]{name: name, version: version, decode: func(payload json.RawMessage) (E, error) {
		var v T
		if err := json.Unmarshal(payload, &v); err != nil {
			var none E
			return none, fmt.Errorf("decode %s: %w", name, err)
		}
		return as(v), nil
	}}
}

// Codec knows the events of one aggregate.
type Codec[E Named] struct{ types map[string]Type[E] }

// New returns a codec over types. Two of one name are a mistake in the program.
func New[E Named](types ...Type[E]) Codec[E] {
	m := make(map[string]Type[E], len(types))
	for _, t := range types {
		if _, twice := m[t.name]; twice {
			panic("codec: event type " + t.name + " is defined twice")
		}
		m[t.name] = t
	}
	return Codec[E]{types: m}
}

// Encoded is an event's form in the log.
type Encoded struct {
	Type          string
	SchemaVersion int
	Payload       json.RawMessage
}

// Encode returns e's form in the log. An event that the codec does not list is a
// mistake in the program.
func (c Codec[E]) Encode(e E) Encoded {
	t, known := c.types[e.Type()]
	if !known {
		panic("codec: event type " + e.Type() + " is not defined")
	}
	payload, err := json.Marshal(e)
	if err != nil {
		panic(fmt.Sprintf("codec: %s can't be encoded: %v", e.Type(), err))
	}
	return Encoded{Type: t.name, SchemaVersion: t.version, Payload: payload}
}

// NewerError says that an event was written by a newer build than this one.
type NewerError struct {
	Type          string
	SchemaVersion int
}

func (e *NewerError) Error() string {
	return fmt.Sprintf("event %s (schema version %d) is newer than this build", e.Type, e.SchemaVersion)
}

// Decode reads an event from the log. A type or version that this build does not
// know gives a [NewerError].
func (c Codec[E]) Decode(name string, version int, payload json.RawMessage) (E, error) {
	t, known := c.types[name]
	if !known || version > t.version {
		var none E
		return none, &NewerError{Type: name, SchemaVersion: version}
	}
	return t.decode(payload)
}

// Names lists the event types in alphabetical order, for catalogues and for
// tests that want a golden file of each.
func (c Codec[E]) Names() []string {
	names := make([]string, 0, len(c.types))
	for n := range c.types {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}
