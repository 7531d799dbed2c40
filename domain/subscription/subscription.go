// Package subscription holds the rules of a subscription: payments that the
// platform makes by itself under a mandate, on a schedule.
//
// # What it decides
//
// A subscription says what its schedule wants at a moment (see [State.Due]); it
// neither knows the time nor charges anything. Whether the mandate and the method
// let a try through is asked of them by the caller, who brings their answer along
// with [Start]. The mandate stands above the schedule: what it refuses is not
// collected, and not tried again.
//
// Occurrences are numbered from 1 by the schedule (see [Schedule]). Each is begun
// in the order of its number, and ends in one of three ways: paid, uncollected, or
// skipped. Its ids follow from its number, so that it can't be begun twice.
//
// # What is late, overdue, blocked
//
// An occurrence is late if it is got to more than [LateAfter] after its instant.
// First tries are at least [ChargesApart] apart, late or not.
//
// An occurrence is overdue from its first failure on until it is paid, or until
// there is no more to hope for: once a later occurrence was paid, or the customer
// has given another method without paying it, an occurrence for which no try is
// left is written off. A subscription is past due while something is overdue, or
// while it has no usable method.
//
// While it is paused, or without a usable method, nothing is begun. Occurrences
// that fall due are skipped, each at its instant; one that waits for a retry waits
// on, but no longer than until its next occurrence falls due. What retry.then says is
// for failures: it is not applied to an occurrence that was kept from being tried
// again by a pause, by the want of a method or by downtime.
//
// An outcome is recorded whenever it comes, also of a subscription that has ended.
package subscription

import (
	"slices"
	"time"
)

// Limits of a subscription.
const (
	// LateAfter is how long after its instant an occurrence may be begun and not be
	// late.
	LateAfter = time.Hour
	// ChargesApart is how far apart the first tries of occurrences are, at least;
	// except of those that are due at one instant.
	ChargesApart = time.Hour
	// OpenMax is how many occurrences may be begun and not over. The next one is not
	// begun before one of them is, though it doesn't wait for the last alone: it
	// takes so many outcomes that nobody knows.
	OpenMax = 16
	// OverdueMax is how many overdue occurrences are remembered. Older ones are
	// written off.
	OverdueMax = 100
	// ReasonCharactersMax bounds the reason of a pause or a cancellation, in characters.
	ReasonCharactersMax = 500
)

// Status is where a subscription stands.
type Status string

// Where a subscription may stand. The last two are final.
const (
	StatusActive    Status = "active"
	StatusPastDue   Status = "past_due"
	StatusPaused    Status = "paused"
	StatusCancelled Status = "cancelled"
	StatusCompleted Status = "completed"
)

// State is what the rules need to know of a subscription. The zero State does not
// exist yet. It survives being written as JSON and read again.
type State struct {
	ID              string
	CustomerID      string
	PaymentMethodID string
	MandateID       string
	ClockID         string
	Plan            Plan
	After           time.Time // all occurrences lie strictly after it
	schedule        Schedule  // of Plan and After, made once

	Ended  Status // cancelled or completed; "" if neither
	Paused bool
	// PastDue says that there was no [Recovered] since something became overdue.
	PastDue bool
	// MethodRequired says that there is no usable method.
	MethodRequired bool

	// Next is the number of the first occurrence that was neither begun nor skipped.
	Next int
	// LastTry is the latest first try of an occurrence.
	LastTry Try
	// Payments is how many tries have succeeded, under this mandate and those whose
	// place it took, which hand on what was used of them.
	Payments int
	// Open holds the occurrences that were begun and are not over, by number.
	Open []Open
	// Overdue holds the occurrences that are overdue, by number; see the package.
	Overdue []Overdue
	// Hold is what a session of the customer's is about to pay.
	Hold Hold
}

// Try is when an occurrence was tried.
type Try struct {
	At           time.Time
	ScheduledFor time.Time
}

// Open is an occurrence that was begun and is not over: in flight, or waiting for
// a retry.
type Open struct {
	Number       int
	ScheduledFor time.Time
	Amount       int64 // minor units
	FirstTriedAt time.Time
	Attempt      int // the latest, from 1
	InFlight     bool
	RetryAt      time.Time // where it is not in flight
	// Outdated: the try in flight is of a method that was replaced meanwhile, so
	// that its failure says nothing about the present one.
	Outdated bool
}

// Overdue is an occurrence that should have been paid.
type Overdue struct {
	Number int
	Amount int64 // minor units
}

// Hold is what one session of the customer's is about to pay.
type Hold struct {
	SessionID string // "": nothing is held
	Numbers   []int
}

// Exists reports whether the subscription was ever made.
func (s State) Exists() bool { return s.ID != "" }

// Schedule returns all occurrences of the subscription.
func (s State) Schedule() Schedule {
	if s.schedule.zone == nil && s.Exists() {
		return NewSchedule(s.Plan, s.After)
	}
	return s.schedule
}

// Status returns where the subscription stands.
func (s State) Status() Status {
	switch {
	case s.Ended != "":
		return s.Ended
	case s.Paused:
		return StatusPaused
	case s.PastDue || s.MethodRequired:
		return StatusPastDue
	}
	return StatusActive
}

// OverdueAmount is the sum of what is overdue, in minor units of the plan's
// currency: what a session that gives the subscription another method may collect.
func (s State) OverdueAmount() int64 {
	var sum int64
	for _, o := range s.Overdue {
		sum += o.Amount
	}
	return sum
}

// blocked reports whether nothing may be begun, whatever is due.
func (s State) blocked() bool { return s.Paused || s.MethodRequired }

// open returns the open occurrence with this number.
func (s State) open(number int) (Open, bool) {
	i := slices.IndexFunc(s.Open, func(o Open) bool { return o.Number == number })
	if i < 0 {
		return Open{}, false
	}
	return s.Open[i], true
}

func (s State) held(number int) bool { return slices.Contains(s.Hold.Numbers, number) }

// finished reports whether every occurrence there is, or ever will be, is over.
func (s State) finished() bool {
	if len(s.Open) > 0 {
		return false
	}
	_, more := s.Schedule().Occurrence(s.Next)
	return !more
}
