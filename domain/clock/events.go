package clock

import (
	"time"

	"tender/domain/codec"
)

// Event is something that happened to a test clock.
//
//sumtype:decl
type Event interface {
	codec.Named
	clockEvent()
}

// Created: the clock stands at an instant.
type Created struct {
	Name       string    `json:"name,omitempty"`
	FrozenTime time.Time `json:"frozen_time"`
}

// AdvanceStarted: the clock is on its way to an instant.
type AdvanceStarted struct {
	To time.Time `json:"to"`
}

// Stepped: the clock stands at the instant of something that falls due, or at the
// end of its way.
type Stepped struct {
	To time.Time `json:"to"`
}

// AdvanceFinished: everything that fell due on the way has been done.
type AdvanceFinished struct{}

// Deleted: the clock goes no further.
type Deleted struct{}

func (Created) Type() string         { return "clock.created" }
func (AdvanceStarted) Type() string  { return "clock.advance_started" }
func (Stepped) Type() string         { return "clock.stepped" }
func (AdvanceFinished) Type() string { return "clock.advance_finished" }
func (Deleted) Type() string         { return "clock.deleted" }

func (Created) clockEvent()         {}
func (AdvanceStarted) clockEvent()  {}
func (Stepped) clockEvent()         {}
func (AdvanceFinished) clockEvent() {}
func (Deleted) clockEvent()         {}

// Codec reads and writes every event of a test clock.
var Codec = codec.New(
	codec.Define("clock.created", 1, func(e Created) Event { return e }),
	codec.Define("clock.advance_started", 1, func(e AdvanceStarted) Event { return e }),
	codec.Define("clock.stepped", 1, func(e Stepped) Event { return e }),
	codec.Define("clock.advance_finished", 1, func(e AdvanceFinished) Event { return e }),
	codec.Define("clock.deleted", 1, func(e Deleted) Event { return e }),
)
