package recovery

import (
	"fmt"
	"time"

	"tender/domain/codec"
)

// Event is something that happened to a recovery.
//
//sumtype:decl
type Event interface {
	codec.Named
	recoveryEvent()
}

// Started: what did not arrive at an endpoint, of what was recorded from one time to
// before another, is sent again. Only what is in the log by then is looked at; without
// an until that is the only bound, whatever clock an event was dated by.
type Started struct {
	EndpointID string    `json:"endpoint_id"`
	Since      time.Time `json:"since"`
	Until      time.Time `json:"until,omitzero"`
}

// Completed: everything was looked at, and what had not arrived was sent again.
type Completed struct {
	Examined int `json:"examined"`
	Resent   int `json:"resent"`
}

// Stopped: the endpoint takes no more deliveries; the rest was not looked at.
type Stopped struct {
	Reason   StopReason `json:"reason"`
	Examined int        `json:"examined"`
	Resent   int        `json:"resent"`
}

func (Started) Type() string   { return "recovery.started" }
func (Completed) Type() string { return "recovery.completed" }
func (Stopped) Type() string   { return "recovery.stopped" }

func (Started) recoveryEvent()   {}
func (Completed) recoveryEvent() {}
func (Stopped) recoveryEvent()   {}

// Codec reads and writes every event of a recovery.
var Codec = codec.New(
	codec.Define("recovery.started", 1, func(e Started) Event { return e }),
	codec.Define("recovery.completed", 1, func(e Completed) Event { return e }),
	codec.Define("recovery.stopped", 1, func(e Stopped) Event { return e }),
)

// Evolve returns the state after e. It panics on an event type that this build was
// compiled with and forgot to handle.
func Evolve(s State, id string, e Event) State {
	switch e := e.(type) {
	case Started:
		return State{ID: id, EndpointID: e.EndpointID, Since: e.Since, Until: e.Until, Status: StatusRunning}
	case Completed:
		s.Status = StatusCompleted
	case Stopped:
		s.Status = StatusStopped
	default:
		panic(fmt.Sprintf("recovery: %T is not handled", e))
	}
	return s
}
