package invariants

import (
	"fmt"
	"time"

	"tender/domain/clock"
)

// clockNotes is what is noted of a test clock.
type clockNotes struct {
	shows, to time.Time
	advancing bool
	deleted   bool
}

func noteClock(n *clockNotes, e *Event) {
	switch d := e.Said.(type) {
	case clock.Created:
		n.shows = d.FrozenTime
	case clock.AdvanceStarted:
		n.to, n.advancing = d.To, true
	case clock.Stepped:
		n.shows = d.To
	case clock.AdvanceFinished:
		n.advancing = false
	case clock.Deleted:
		n.deleted = true
	}
}

var clockRules = []rule[clockNotes]{
	when("clock-forward", "A test clock only goes forward, and not beyond where it was sent.", func(n *clockNotes, e *Event) string {
		switch d := e.Said.(type) {
		case clock.AdvanceStarted:
			if !d.To.After(n.shows) {
				return fmt.Sprintf("it is sent to %s, and shows %s", instant(d.To), instant(n.shows))
			}
		case clock.Stepped:
			if !d.To.After(n.shows) || d.To.After(n.to) {
				return fmt.Sprintf("it steps to %s, shows %s, and was sent to %s", instant(d.To), instant(n.shows), instant(n.to))
			}
		}
		return ""
	}),
	when("clock-way", "A test clock is sent on its way while it stands, steps while it is on its way, and arrives where it was sent.", func(n *clockNotes, e *Event) string {
		switch e.Said.(type) {
		case clock.AdvanceStarted:
			if n.advancing {
				return "it is on its way"
			}
		case clock.Stepped:
			if !n.advancing {
				return "it is not on its way"
			}
		case clock.AdvanceFinished:
			if !n.advancing || !n.shows.Equal(n.to) {
				return fmt.Sprintf("it shows %s, and was sent to %s", instant(n.shows), instant(n.to))
			}
		case clock.Deleted:
			if n.advancing {
				return "it is on its way"
			}
		}
		return ""
	}),
	when("clock-deleted", "Nothing more happens to a test clock that was deleted.", func(n *clockNotes, _ *Event) string {
		if n.deleted {
			return "the clock was deleted"
		}
		return ""
	}),
}
