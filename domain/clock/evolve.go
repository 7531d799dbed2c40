package clock

import (
	"fmt"
	"time"
)

// Evolve returns the state after e. It panics on an event type that this build was
// compiled with and forgot to handle.
func Evolve(s State, id string, e Event) State {
	switch e := e.(type) {
	case Created:
		return State{ID: id, FrozenTime: e.FrozenTime}
	case AdvanceStarted:
		s.To = e.To
	case Stepped:
		s.FrozenTime = e.To
	case AdvanceFinished:
		s.To = time.Time{}
	case Deleted:
		s.Deleted = true
	default:
		panic(fmt.Sprintf("clock: %T is not handled", e))
	}
	return s
}
