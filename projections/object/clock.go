package object

import (
	"tender/domain/clock"
	"tender/domain/codec"
	"tender/eventstore"
)

// Clock is a test clock as clients see it.
type Clock struct {
	ID         string `json:"id"`
	Name       string `json:"name,omitempty"`
	FrozenTime Time   `json:"frozen_time"` // where it stands
	Status     string `json:"status"`      // ready, advancing
	// AdvancingTo is where it is on its way to.
	AdvancingTo *Time  `json:"advancing_to,omitempty"`
	Mode        string `json:"mode"`
	Version     int    `json:"version"`
	CreatedAt   Time   `json:"created_at"`
	UpdatedAt   Time   `json:"updated_at"`
}

// Statuses of a test clock.
const (
	clockReady     = "ready"
	clockAdvancing = "advancing"
)

// Apply returns the clock after one more event of its stream. Events of other
// aggregates change nothing. One that was deleted has no id.
func (o Clock) Apply(mode string, e eventstore.Event, d codec.Named) Clock {
	switch d := d.(type) {
	case clock.Created:
		o = Clock{
			ID: e.Stream, Name: d.Name, FrozenTime: Time(d.FrozenTime), Status: clockReady, Mode: mode, CreatedAt: Time(e.At),
		}
	case clock.AdvanceStarted:
		o.Status, o.AdvancingTo = clockAdvancing, timeOf(d.To)
	case clock.Stepped:
		o.FrozenTime = Time(d.To)
	case clock.AdvanceFinished:
		o.Status, o.AdvancingTo = clockReady, nil
	case clock.Deleted:
		// What lived on it stays where the clock stood.
		return Clock{FrozenTime: o.FrozenTime, Version: e.Version}
	default:
		return o
	}
	o.Version, o.UpdatedAt = e.Version, Time(e.At)
	return o
}
