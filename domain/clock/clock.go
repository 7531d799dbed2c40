// Package clock holds the rules of a test clock: the time that customers live in
// who are to see a year pass in seconds.
//
// A clock stands still until it is told to advance. Then it goes on in steps, from
// one instant at which something falls due to the next, so that each thing happens
// at its own time; it never goes back. What falls due, and whether it has been
// done, is none of its business: it is told so, step by step.
//
// There are test clocks in test mode only, which whoever creates one looks after.
package clock

import "time"

// Limits of a test clock.
const (
	// YearsMax is how far a clock may be advanced at once, in years: as long as the
	// longest of the usual billing patterns, and a bound on what one job may do.
	YearsMax = 5
	// NameRunesMax bounds a clock's name, in characters.
	NameRunesMax = 100
)

// Bounds of the time that a clock may show, both included. All of it can be
// written as RFC 3339, with years to spare for what is planned ahead.
var (
	TimeMin = time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)
	TimeMax = time.Date(2100, time.January, 1, 0, 0, 0, 0, time.UTC)
)

// precision is that of all times in the API and the log.
const precision = time.Millisecond

// Status says what a clock is doing.
type Status string

// What a clock may be doing.
const (
	StatusReady     Status = "ready"
	StatusAdvancing Status = "advancing"
)

// State is what the rules need to know of a test clock. The zero State does not
// exist yet.
type State struct {
	ID         string
	FrozenTime time.Time // where it stands
	To         time.Time // where it is on its way to; zero: it is not on its way
	Deleted    bool      // it stands where it stood, for ever
}

// Exists reports whether the clock was ever made.
func (s State) Exists() bool { return s.ID != "" }

// Status returns what the clock is doing.
func (s State) Status() Status {
	if s.To.IsZero() {
		return StatusReady
	}
	return StatusAdvancing
}
