// Package readmodel holds what operators decide about a read model: which events it
// leaves out, because its fold can't take them in.
//
// What a read model is made of, and how it is kept, it refuses to know. A decision is
// an event like any other, so that every generation of the read model, whoever makes
// it and when, leaves out the same.
package readmodel

import (
	"fmt"
	"maps"
	"strings"
	"unicode/utf8"

	"tender/domain"
	"tender/domain/codec"
	"tender/domain/id"
)

// Limits of what may be decided.
const (
	// SkippedMax is how many events a read model may leave out at once: one that
	// can't take in more than that is to be mended.
	SkippedMax = 1000
	// ReasonCharactersMax is how long a reason may be. It holds no personal data.
	ReasonCharactersMax = 500
)

// Refusals of what is asked of a read model.
var (
	ErrReasonMissing = refuse("required", "Say why: reason is what whoever looks at this later will read.")
	ErrReasonTooLong = refuse("too_long", fmt.Sprintf("reason has at most %d characters.", ReasonCharactersMax))
	ErrSkippedMax    = domain.Refuse("too_many_skipped_events", fmt.Sprintf("The read model leaves out %d events already: it is to be mended.", SkippedMax))
	ErrNotSkipped    = domain.Refuse("not_found", "The read model does not leave out that event.")
)

func refuse(code domain.Code, detail string) *domain.Refusal {
	return &domain.Refusal{Code: code, Detail: detail, Field: "/reason"}
}

// Stream is the stream of the decisions about the read model of that name.
func Stream(name string) string { return string(id.ReadModel) + "_" + name }

// Event is something that was decided about a read model.
//
//sumtype:decl
type Event interface {
	codec.Named
	readModelEvent()
}

// EventSkipped: the read model leaves out the event at a position of the log. Later
// events of its stream are taken in as if it had not been.
type EventSkipped struct {
	Position  int64  `json:"position"`
	Stream    string `json:"stream"`
	EventType string `json:"event_type"`
	Reason    string `json:"reason"`
}

// EventRestored: the read model takes in again what it has left out.
type EventRestored struct {
	Position int64  `json:"position"`
	Stream   string `json:"stream"`
	Reason   string `json:"reason"`
}

func (EventSkipped) Type() string  { return "read_model.event_skipped" }
func (EventRestored) Type() string { return "read_model.event_restored" }

func (EventSkipped) readModelEvent()  {}
func (EventRestored) readModelEvent() {}

// Codec reads and writes every event of a read model.
var Codec = codec.New(
	codec.Define("read_model.event_skipped", 1, func(e EventSkipped) Event { return e }),
	codec.Define("read_model.event_restored", 1, func(e EventRestored) Event { return e }),
)

// Concerns returns the stream of the event that a decision is about.
func Concerns(e Event) string {
	switch e := e.(type) {
	case EventSkipped:
		return e.Stream
	case EventRestored:
		return e.Stream
	default:
		panic(fmt.Sprintf("readmodel: %T is not handled", e))
	}
}

// State is what was decided about a read model: the events that it leaves out, by
// their positions. The zero State leaves out none.
type State struct{ Skipped map[int64]EventSkipped }

// Evolve returns the state after e. It panics on an event type that this build was
// compiled with and forgot to handle.
func Evolve(s State, e Event) State {
	skipped := maps.Clone(s.Skipped)
	if skipped == nil {
		skipped = map[int64]EventSkipped{}
	}
	switch e := e.(type) {
	case EventSkipped:
		skipped[e.Position] = e
	case EventRestored:
		delete(skipped, e.Position)
	default:
		panic(fmt.Sprintf("readmodel: %T is not handled", e))
	}
	return State{Skipped: skipped}
}

// Command is something that may be asked of a read model.
//
//sumtype:decl
type Command interface{ readModelCommand() }

// Skip leaves out an event that the read model has set aside.
type Skip struct {
	Position  int64
	Stream    string
	EventType string
	Reason    string
}

// Restore takes an event in again.
type Restore struct {
	Position int64
	Reason   string
}

func (Skip) readModelCommand()    {}
func (Restore) readModelCommand() {}

// Decide returns what happens when c is asked of a read model: events, none if it
// leaves out the event already, or a refusal.
func Decide(s State, c Command) ([]Event, error) {
	switch c := c.(type) {
	case Skip:
		if err := checkReason(c.Reason); err != nil {
			return nil, err
		}
		if _, already := s.Skipped[c.Position]; already {
			return nil, nil
		}
		if len(s.Skipped) >= SkippedMax {
			return nil, ErrSkippedMax
		}
		return []Event{EventSkipped(c)}, nil
	case Restore:
		if err := checkReason(c.Reason); err != nil {
			return nil, err
		}
		skipped, is := s.Skipped[c.Position]
		if !is {
			return nil, ErrNotSkipped
		}
		return []Event{EventRestored{Position: c.Position, Stream: skipped.Stream, Reason: c.Reason}}, nil
	default:
		panic(fmt.Sprintf("readmodel: %T is not handled", c))
	}
}

func checkReason(reason string) error {
	switch {
	case strings.TrimSpace(reason) == "":
		return ErrReasonMissing
	case utf8.RuneCountInString(reason) > ReasonCharactersMax:
		return ErrReasonTooLong
	}
	return nil
}
