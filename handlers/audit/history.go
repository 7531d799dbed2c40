package audit

import (
	"bytes"
	"encoding/json"
	"math/big"
	"net/http"

	"github.com/google/uuid"

	"tender/domain/id"
	"tender/domain/journal"
	"tender/domain/payment"
	desk "tender/handlers/staff"
	"tender/projections"
	"tender/projections/object"
)

// history is what happened to an object, event by event, on the wire.
type history struct {
	ID         string    `json:"id"`
	Mode       string    `json:"mode"`
	MerchantID string    `json:"merchant_id,omitempty"`
	Position   int64     `json:"position"`
	Currency   string    `json:"currency,omitempty"`
	Exponent   *int      `json:"exponent,omitempty"`
	Events     []chapter `json:"events"`
}

// chapter is one event of a history.
type chapter struct {
	Position    int64  `json:"position"`
	Version     int    `json:"version"`
	EventID     string `json:"event_id"`
	Type        string `json:"type"`
	Words       string `json:"words"`
	At          string `json:"at"`
	EffectiveAt string `json:"effective_at,omitempty"`
	RecordedAt  string `json:"recorded_at"`
	Actor       actor  `json:"actor"`
	By          string `json:"by"`
	RequestID   string `json:"request_id,omitempty"`
	Cause       *cause `json:"cause,omitempty"`
	// Changes are the object's members that are others after the event; References are
	// the acquirer's; Sums are the object's amounts after the event.
	Changes    map[string]change `json:"changes"`
	References map[string]string `json:"references"`
	Sums       map[string]string `json:"sums"`
	Entries    []posting         `json:"entries"`
	Webhooks   []hook            `json:"webhooks"`
}

// cause is the event that led to another.
type cause struct {
	EventID  string `json:"event_id"`
	Position int64  `json:"position,omitempty"` // 0: it is of another object
	Type     string `json:"type,omitempty"`
}

type change struct {
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
}

// posting is what the event did to the journal.
type posting struct {
	Account journal.Account `json:"account"`
	Side    string          `json:"side"`
	sum
}

// hook is a message that told the merchant of the event, and what became of it.
type hook struct {
	DeliveryID string                     `json:"delivery_id"`
	EndpointID string                     `json:"endpoint_id"`
	EventType  string                     `json:"event_type"`
	Status     projections.DeliveryStatus `json:"status"`
	UpdatedAt  string                     `json:"updated_at"`
}

// history answers with what happened to an object.
func (a *Audit) history(w http.ResponseWriter, r *desk.Request, m *mode) error {
	asOf := readWhen(r, "as_of")
	if err := r.Done(); err != nil {
		return err
	}
	position, err := m.last(r.Context(), r, asOf)
	if err != nil {
		return err
	}
	streamID := r.PathValue("id")
	events, err := m.stream(r, streamID, position)
	if err != nil {
		return err
	}
	hooks, err := m.hooks(r, events)
	if err != nil {
		return err
	}
	out := history{ID: streamID, Mode: m.name, MerchantID: events[0].MerchantID, Position: position}
	n := narrator{mode: m.name, fold: folds[id.PrefixOf(streamID)], known: map[uuid.UUID]told{}}
	for _, e := range events {
		c, err := n.tell(e)
		if err != nil {
			return err
		}
		c.Webhooks = append(c.Webhooks, hooks[c.EventID]...)
		out.Events = append(out.Events, c)
	}
	out.Currency = n.after.text("currency")
	out.Exponent = exponentOf(out.Currency)
	return desk.JSON(w, http.StatusOK, out)
}

// hooks finds what became of the messages about the events, by the events' ids.
func (m *mode) hooks(r *desk.Request, events []told) (map[string][]hook, error) {
	var public []projections.Told
	for _, e := range events {
		if _, is := object.PublicType(e.said); is {
			public = append(public, projections.Told{EventID: eventIDOf(e.Event), Position: e.Position})
		}
	}
	found, err := m.lists.DeliveriesAbout(r.Context(), events[0].MerchantID, public)
	if err != nil {
		return nil, err
	}
	out := map[string][]hook{}
	for eventID, rows := range found {
		for _, d := range rows {
			out[eventID] = append(out[eventID], hook{
				DeliveryID: d.ID, EndpointID: d.EndpointID, EventType: d.EventType, Status: d.Status, UpdatedAt: timeText(d.UpdatedAt),
			})
		}
	}
	return out, nil
}

// narrator tells a stream's events, one after the other.
type narrator struct {
	mode    string
	fold    apply // nil: merchants see no such object
	state   any
	after   fields // the object after the last event
	journal journal.State
	known   map[uuid.UUID]told
}

func (n *narrator) tell(e told) (chapter, error) {
	before := n.after
	if n.fold != nil {
		n.state = n.fold(n.state, n.mode, e.Event, e.said)
	}
	var err error
	if n.after, err = fieldsOf(n.state); err != nil {
		return chapter{}, err
	}
	c := chapter{
		Position: e.Position, Version: e.Version, EventID: eventIDOf(e.Event), Type: e.Type, Words: n.words(e),
		At: timeText(e.At), EffectiveAt: timeText(e.EffectiveAt), RecordedAt: timeText(e.RecordedAt),
		Actor: actor{e.Event.Actor.Kind, e.Event.Actor.ID}, By: by(e.Event.Actor), RequestID: e.RequestID, Cause: n.cause(e),
		Changes: changesOf(before, n.after), References: referencesOf(e), Sums: n.after.sums(),
		Entries: []posting{}, Webhooks: []hook{},
	}
	if p, of := e.said.(payment.Event); of {
		for _, entry := range journal.Postings(n.journal, p) {
			c.Entries = append(c.Entries, posting{
				Account: entry.Account, Side: sideOf(entry.Amount), sum: sumOf(big.NewInt(entry.Amount), n.journal.Currency),
			})
		}
		n.journal = journal.Evolve(n.journal, p)
	}
	n.known[e.ID] = e
	return c, nil
}

// words say what happened; and why a person said so, where it was no acquirer.
func (n *narrator) words(e told) string {
	words := Words(e.said)
	r, byHand := n.known[e.Causation].said.(payment.ResolutionProposed)
	switch e.said.(type) {
	case payment.ResolutionConfirmed, payment.ResolutionRejected:
		return words
	}
	if !byHand {
		return words
	}
	return words + " People resolved it by hand: " + sentence(r.Reason)
}

func (n *narrator) cause(e told) *cause {
	if e.Causation == (uuid.UUID{}) {
		return nil
	}
	c := cause{EventID: id.Format(id.Event, e.Causation)}
	if by, known := n.known[e.Causation]; known {
		c.Position, c.Type = by.Position, by.Type
	}
	return &c
}

// unremarkable are members that change with every event.
var unremarkable = map[string]bool{"version": true, "updated_at": true}

func changesOf(before, after fields) map[string]change {
	out := map[string]change{}
	for name, value := range after {
		if !unremarkable[name] && !bytes.Equal(before[name], value) {
			out[name] = change{Before: before[name], After: value}
		}
	}
	for name, value := range before {
		if _, still := after[name]; !still && !unremarkable[name] {
			out[name] = change{Before: value}
		}
	}
	return out
}

// referencesOf are the names by which the acquirer knows what the event is about.
func referencesOf(e told) map[string]string {
	var said map[string]json.RawMessage
	out := map[string]string{}
	if json.Unmarshal(e.Payload, &said) != nil {
		return out
	}
	for _, name := range []string{"key", "reference", "network_transaction_id", "three_d_secure"} {
		if value := fields(said).text(name); value != "" {
			out[name] = value
		}
	}
	return out
}
