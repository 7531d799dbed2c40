package clock

import (
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"tender/domain"
	"tender/domain/id"
)

// Refusals of what is asked of a test clock.
var (
	ErrNotFound  = domain.Refuse("not_found", "There is no such test clock.")
	ErrExists    = domain.Refuse("clock_exists", "The test clock exists already.")
	ErrAdvancing = domain.RefuseForNow("clock_advancing", "The test clock is advancing. Try again once its status is ready.")
	ErrBackwards = &domain.Refusal{
		Code: "clock_not_forward", Detail: "to must lie after the clock's frozen_time: a test clock only goes forward.", Field: "/to",
	}
	ErrTooFar = &domain.Refusal{
		Code: "clock_too_far", Detail: fmt.Sprintf("A test clock advances by at most %d years at once.", YearsMax), Field: "/to",
	}
	ErrFrozenTimeInvalid = &domain.Refusal{Code: "invalid_request", Detail: "frozen_time " + mustBe, Field: "/frozen_time"}
	ErrToInvalid         = &domain.Refusal{Code: "invalid_request", Detail: "to " + mustBe, Field: "/to"}
	ErrNameTooLong       = &domain.Refusal{
		Code: "invalid_request", Detail: fmt.Sprintf("name may have at most %d characters.", NameRunesMax), Field: "/name",
	}
	// ErrOutOfStep refuses a step that leads past where the clock is on its way to,
	// or of a clock that is not on its way. Only the job that advances a clock takes
	// steps; it has mixed something up, or another one was quicker.
	ErrOutOfStep = domain.Refuse("clock_out_of_step", "The test clock is not on its way to this instant.")
)

const mustBe = "must lie between 2000-01-01T00:00:00Z and 2100-01-01T00:00:00Z, in whole milliseconds."

// Command is something that may be asked of a test clock.
//
//sumtype:decl
type Command interface{ clockCommand() }

// Create makes a test clock.
type Create struct {
	ID         uuid.UUID // of the command; the clock's id is made from it
	Name       string
	FrozenTime time.Time
}

// ClockID is the id that the clock made by c has.
func (c Create) ClockID() string { return id.Format(id.Clock, c.ID) }

// Advance sends a clock on its way.
type Advance struct{ To time.Time }

// Step lets a clock that is on its way show an instant at which something falls
// due. If that lies in the past, because it fell due before anybody could know, the
// clock stays where it is.
type Step struct{ To time.Time }

// Finish ends a clock's way, once everything that fell due has been done.
type Finish struct{}

// Delete ends a test clock. What lives on it sees no time pass any more.
type Delete struct{}

func (Create) clockCommand()  {}
func (Advance) clockCommand() {}
func (Step) clockCommand()    {}
func (Finish) clockCommand()  {}
func (Delete) clockCommand()  {}

// Decide returns what happens when c is asked of a clock in state s: events, none
// if all is so already, or a refusal. A clock that was deleted is not found.
func Decide(s State, c Command) ([]Event, error) {
	if create, ok := c.(Create); ok {
		return s.create(create)
	}
	if !s.Exists() || s.Deleted {
		return nil, ErrNotFound
	}
	switch c := c.(type) {
	case Create:
		return nil, ErrExists
	case Advance:
		return s.advance(c)
	case Step:
		return s.step(c)
	case Finish:
		return s.finish(), nil
	case Delete:
		if s.Status() == StatusAdvancing {
			return nil, ErrAdvancing
		}
		return []Event{Deleted(c)}, nil
	default:
		panic(fmt.Sprintf("clock: %T is not handled", c))
	}
}

func (s State) create(c Create) ([]Event, error) {
	switch {
	case s.Exists():
		return nil, ErrExists
	case utf8.RuneCountInString(c.Name) > NameRunesMax:
		return nil, ErrNameTooLong
	case !valid(c.FrozenTime):
		return nil, ErrFrozenTimeInvalid
	}
	return []Event{Created{Name: c.Name, FrozenTime: c.FrozenTime.UTC()}}, nil
}

func (s State) advance(c Advance) ([]Event, error) {
	switch {
	case !valid(c.To):
		return nil, ErrToInvalid
	case s.Status() == StatusAdvancing:
		return nil, ErrAdvancing
	case !c.To.After(s.FrozenTime):
		return nil, ErrBackwards
	case c.To.After(s.FrozenTime.AddDate(YearsMax, 0, 0)):
		return nil, ErrTooFar
	}
	return []Event{AdvanceStarted{To: c.To.UTC()}}, nil
}

// step takes an instant between two milliseconds for the later one: what falls due
// must have fallen due when the clock shows it.
func (s State) step(c Step) ([]Event, error) {
	to := c.To.UTC().Truncate(precision)
	if to.Before(c.To) {
		to = to.Add(precision)
	}
	switch {
	case s.Status() != StatusAdvancing, to.After(s.To):
		return nil, ErrOutOfStep
	case !to.After(s.FrozenTime):
		return nil, nil
	}
	return []Event{Stepped{To: to}}, nil
}

// finish takes the last step, too, if nothing fell due at the very end.
func (s State) finish() []Event {
	if s.Status() != StatusAdvancing {
		return nil
	}
	if s.FrozenTime.Before(s.To) {
		return []Event{Stepped{To: s.To}, AdvanceFinished{}}
	}
	return []Event{AdvanceFinished{}}
}

func valid(t time.Time) bool {
	return !t.Before(TimeMin) && !t.After(TimeMax) && t.Truncate(precision).Equal(t)
}
