package published

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/google/uuid"

	"tender/eventstore"
	"tender/handlers/webhooks"
)

// golden is what was sent once, with the events that it was made from as they lay
// in the log: a later release reads those, whatever it writes itself, and sends the
// same bytes.
type golden struct {
	Events []logged `json:"events"`
	Body   string   `json:"body"`
}

// logged is what rendering reads of an event in the log.
type logged struct {
	Stream        string          `json:"stream"`
	Version       int             `json:"version"`
	Type          string          `json:"type"`
	SchemaVersion int             `json:"schema_version"`
	ID            uuid.UUID       `json:"event_id"`
	At            time.Time       `json:"at"`
	Payload       json.RawMessage `json:"payload"`
}

// render returns an example's body, with what it was made from.
func (e example) render() (golden, error) {
	message, err := webhooks.Render(exampleMode, e.events)
	if err != nil {
		return golden{}, errors.Wrapf(err, "render the example %s", e.name)
	}
	if message.Type != e.told {
		return golden{}, errors.AssertionFailedf("the example %s is told as %s", e.name, message.Type)
	}
	g := golden{Body: string(message.Body)}
	for _, l := range e.events {
		g.Events = append(g.Events, logged{
			Stream: l.Stream, Version: l.Version, Type: l.Type, SchemaVersion: l.SchemaVersion, ID: l.ID, At: l.At, Payload: l.Payload,
		})
	}
	return g, nil
}

// again renders what was rendered once.
func (g golden) again() ([]byte, error) {
	events := make([]eventstore.Event, len(g.Events))
	for i, l := range g.Events {
		events[i] = eventstore.Event{
			Position: int64(i + 1), Stream: l.Stream, Version: l.Version, Type: l.Type, SchemaVersion: l.SchemaVersion, ID: l.ID, At: l.At,
			Payload: l.Payload,
		}
	}
	message, err := webhooks.Render(exampleMode, events)
	return message.Body, errors.Wrap(err, "render again")
}

// fileName is where an example's golden bytes lie: a new schema version of the event
// that is told adds a file and changes none.
func (e example) fileName() string {
	return fmt.Sprintf("%s.v%d.json", e.name, e.events[len(e.events)-1].SchemaVersion)
}
