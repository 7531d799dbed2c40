package recovery

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"tender/domain"
	"tender/domain/id"
)

// Refusals of what is asked of a recovery.
var (
	ErrNotFound    = domain.Refuse("not_found", "There is no such recovery.")
	ErrExists      = domain.Refuse("recovery_exists", "The recovery exists already.")
	ErrRangeEmpty  = refuse("/since", "since must lie before until, and before the present where until is absent.")
	ErrRangeTooFar = refuse("/since", "since must not lie before "+TimeMin.Format(time.RFC3339)+".")
	ErrRangeTooBig = refuse("/since", fmt.Sprintf("since must lie at most %d days before until, or before the present where until is absent. Recover a longer time in several steps.", RangeMax/(24*time.Hour)))
)

func refuse(field, detail string) *domain.Refusal {
	return &domain.Refusal{Code: "invalid_request", Detail: detail, Field: field}
}

// CheckRange refuses a time that no recovery looks at. It may lie ahead, where
// objects on test clocks live. Without an until (zero) it is open.
func CheckRange(since, until, now time.Time) *domain.Refusal {
	if until.IsZero() {
		until = now
	}
	switch {
	case since.Before(TimeMin):
		return ErrRangeTooFar
	case !since.Before(until):
		return ErrRangeEmpty
	case until.Sub(since) > RangeMax:
		return ErrRangeTooBig
	}
	return nil
}

// namespace is what the ids of a recovery's commands are derived in. It must never
// change while a recovery runs.
var namespace = uuid.MustParse("8a1f4c52-6d0e-5b37-9c2a-3e5d7f90b164")

// CommandID is the id of the command by which a recovery sends a delivery again: two
// workers who append it have appended it once.
func CommandID(recoveryID, deliveryID string) uuid.UUID {
	return uuid.NewSHA1(namespace, []byte(recoveryID+"/"+deliveryID))
}

// Command is something that may be asked of a recovery.
//
//sumtype:decl
type Command interface{ recoveryCommand() }

// Start begins a recovery.
type Start struct {
	ID         uuid.UUID // of the command; the recovery's id is made from it
	EndpointID string
	Since      time.Time
	Until      time.Time // zero: what is there is looked at, whenever it was recorded since
	Now        time.Time
}

// RecoveryID is the id that the recovery begun by c has.
func (c Start) RecoveryID() string { return id.Format(id.Recovery, c.ID) }

// Complete ends a recovery that has looked at everything.
type Complete struct{ Sums Sums }

// Stop ends a recovery that can't go on.
type Stop struct {
	Reason StopReason
	Sums   Sums
}

func (Start) recoveryCommand()    {}
func (Complete) recoveryCommand() {}
func (Stop) recoveryCommand()     {}

// Decide returns what happens when c is asked of a recovery in state s: events, none
// if it has ended already, or a refusal.
func Decide(s State, c Command) ([]Event, error) {
	if start, ok := c.(Start); ok {
		return s.start(start)
	}
	if !s.Exists() {
		return nil, ErrNotFound
	}
	if s.Status != StatusRunning {
		return nil, nil
	}
	switch c := c.(type) {
	case Start:
		return nil, ErrExists
	case Complete:
		return []Event{Completed{Examined: c.Sums.Examined, Resent: c.Sums.Resent}}, nil
	case Stop:
		return []Event{Stopped{Reason: c.Reason, Examined: c.Sums.Examined, Resent: c.Sums.Resent}}, nil
	default:
		panic(fmt.Sprintf("recovery: %T is not handled", c))
	}
}

func (s State) start(c Start) ([]Event, error) {
	if s.Exists() {
		return nil, ErrExists
	}
	if refusal := CheckRange(c.Since, c.Until, c.Now); refusal != nil {
		return nil, refusal
	}
	return []Event{Started{EndpointID: c.EndpointID, Since: c.Since.UTC(), Until: c.Until.UTC()}}, nil
}
