// Package recovery holds the rules of a recovery: the job that sends a webhook
// endpoint again what did not arrive there between two times.
//
// A recovery begins, and it ends: completed, once everything has been looked at, or
// stopped, because the endpoint takes no more deliveries. What it finds, and how far
// it has come, is none of its business: it is told so at its end. That an endpoint
// has one at a time is for the endpoint to say.
package recovery

import "time"

// RangeMax is how much time a recovery may look at: a bound on what one job may do.
const RangeMax = 366 * 24 * time.Hour

// TimeMin is where that time may begin at the earliest.
var TimeMin = time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)

// Status says what a recovery is doing.
type Status string

// What a recovery may be doing.
const (
	StatusRunning   Status = "running"
	StatusCompleted Status = "completed" // everything was looked at
	StatusStopped   Status = "stopped"   // before that
)

// StopReason says why a recovery was stopped.
type StopReason string

// The reasons for which a recovery is stopped.
const (
	// StoppedDisabled: the endpoint was disabled, whether or not it was enabled again
	// since.
	StoppedDisabled StopReason = "endpoint_disabled"
	StoppedDeleted  StopReason = "endpoint_deleted"
)

// State is what the rules need to know of a recovery. The zero State does not exist
// yet.
type State struct {
	ID         string
	EndpointID string
	Since      time.Time // inclusive, of when things were recorded
	Until      time.Time // exclusive; zero: all that there was at its beginning
	Status     Status
}

// Exists reports whether the recovery was ever started.
func (s State) Exists() bool { return s.ID != "" }

// Sums are what a recovery has come to.
type Sums struct {
	Examined int // public events of the time and of the types that were looked at
	Resent   int // deliveries that were sent again
}
