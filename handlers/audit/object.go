package audit

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/cockroachdb/errors"

	"tender/domain/catalogue"
	"tender/domain/codec"
	"tender/domain/id"
	"tender/eventstore"
	"tender/handlers/problem"
	desk "tender/handlers/staff"
	"tender/projections/object"
)

// apply is a fold of an object: the one that answers, lists and webhooks use.
type apply func(state any, mode string, e eventstore.Event, said codec.Named) any

// folds are those of all kinds of objects that merchants see.
var folds = map[id.Prefix]apply{
	id.Session:  of(object.Session.Apply),
	id.Payment:  of(object.Payment.Apply),
	id.Customer: of(object.Customer.Apply),
	id.Method:   of(object.PaymentMethod.Apply),
	id.Mandate:  of(object.Mandate.Apply),
	id.Endpoint: of(object.Endpoint.Apply),
	id.Clock:    of(object.Clock.Apply),
	id.Recovery: of(object.Recovery.Apply),
	id.Merchant: of(object.Brand.Apply),

	id.Subscription: of(object.Subscription.Apply),
}

func of[T any](fold func(T, string, eventstore.Event, codec.Named) T) apply {
	return func(state any, mode string, e eventstore.Event, said codec.Named) any {
		s, _ := state.(T) // nil: the zero value
		return fold(s, mode, e, said)
	}
}

// fields are the members of an object, as it is written.
type fields map[string]json.RawMessage

// fieldsOf writes an object; nil where there is none: it was removed, or erased, or is
// of a kind that merchants don't see.
func fieldsOf(o any) (fields, error) {
	if o == nil {
		return nil, nil
	}
	b, err := json.Marshal(o)
	if err != nil {
		return nil, errors.Wrap(err, "write an object")
	}
	var f fields
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, errors.Wrap(err, "read an object")
	}
	if bytes.Equal(f["id"], []byte(`""`)) {
		return nil, nil
	}
	return f, nil
}

// sums are the object's amounts, as text.
func (f fields) sums() map[string]string {
	out := map[string]string{}
	for name, value := range f {
		if (name == "amount" || strings.HasSuffix(name, "_amount")) && len(value) > 0 && value[0] != '{' {
			out[name] = string(value)
		}
	}
	var usage map[string]json.RawMessage
	if json.Unmarshal(f["usage"], &usage) == nil {
		for name, value := range fields(usage).sums() {
			out["usage."+name] = value
		}
	}
	return out
}

func (f fields) text(name string) string {
	var s string
	_ = json.Unmarshal(f[name], &s) // what is absent, or no text, is ""
	return s
}

// snapshot is an object as it was at a moment, on the wire.
type snapshot struct {
	ID         string `json:"id"`
	Mode       string `json:"mode"`
	MerchantID string `json:"merchant_id,omitempty"`
	// Position is the last of the log that was looked at; Version and the event's own
	// position and time are those of the object's last event by then.
	Position      int64             `json:"position"`
	Version       int               `json:"version"`
	EventPosition int64             `json:"event_position"`
	RecordedAt    string            `json:"recorded_at"`
	Exists        bool              `json:"exists"` // false: it was removed, or erased
	Object        fields            `json:"object,omitempty"`
	Sums          map[string]string `json:"sums"`
	Currency      string            `json:"currency,omitempty"`
	Exponent      *int              `json:"exponent,omitempty"`
}

// told is an event with what it says.
type told struct {
	eventstore.Event
	said codec.Named
}

// stream reads the stream of an object up to a position, as far as the request may see
// it.
func (m *mode) stream(r *desk.Request, streamID string, position int64) ([]told, error) {
	events, err := m.Store.Stream(r.Context(), streamID)
	if err != nil {
		return nil, err
	}
	if len(events) == 0 || !r.Covers(events[0].MerchantID) {
		return nil, problem.New(problem.NotFound, "There is no such object.")
	}
	var all []told
	for _, e := range events {
		if e.Position > position {
			break
		}
		said, err := catalogue.Decode(e.Type, e.SchemaVersion, e.Payload)
		if err != nil {
			return nil, errors.Wrapf(err, "event %d", e.Position)
		}
		all = append(all, told{e, said})
	}
	if all == nil {
		return nil, problem.New(problem.NotFound, "There was no such object by then.")
	}
	return all, nil
}

// object answers with an object as it was.
func (a *Audit) object(w http.ResponseWriter, r *desk.Request, m *mode) error {
	asOf := readWhen(r, "as_of")
	if err := r.Done(); err != nil {
		return err
	}
	streamID := r.PathValue("id")
	fold := folds[id.PrefixOf(streamID)]
	if fold == nil {
		return problem.New(problem.NotFound, "There is no object of that kind. Its history may say more.")
	}
	position, err := m.last(r.Context(), r, asOf)
	if err != nil {
		return err
	}
	events, err := m.stream(r, streamID, position)
	if err != nil {
		return err
	}
	var state any
	for _, e := range events {
		state = fold(state, m.name, e.Event, e.said)
	}
	f, err := fieldsOf(state)
	if err != nil {
		return err
	}
	last := events[len(events)-1]
	return desk.JSON(w, http.StatusOK, snapshot{
		ID: streamID, Mode: m.name, MerchantID: last.MerchantID, Position: position, Version: last.Version,
		EventPosition: last.Position, RecordedAt: timeText(last.RecordedAt), Exists: f != nil, Object: f,
		Sums: f.sums(), Currency: f.text("currency"), Exponent: exponentOf(f.text("currency")),
	})
}
