package merchant

import (
	"time"

	"tender/domain"
)

// Slowed: more than half of the latest attempts of the merchant's customers have
// failed, as happens where somebody tries out stolen cards. New ones are let through at
// a bounded rate from now on.
type Slowed struct {
	Attempts  int       `json:"attempts"` // that were judged
	Failed    int       `json:"failed"`   // of these
	PerMinute int       `json:"per_minute"`
	SlowedAt  time.Time `json:"slowed_at"`
	// SlowedUntil is when it can be released at the earliest: once nothing is judged
	// any more that came before it was slowed.
	SlowedUntil time.Time `json:"slowed_until"`
}

// Released: of the attempts that were let through no more than half have failed, so
// that all are again.
type Released struct {
	Attempts int `json:"attempts"`
	Failed   int `json:"failed"`
}

// Type names the event on the wire.
func (Slowed) Type() string { return "merchant.slowed" }

// Type names the event on the wire.
func (Released) Type() string { return "merchant.released" }

func (Slowed) merchantEvent()   {}
func (Released) merchantEvent() {}

// Judge asks what the latest attempts of the merchant's customers mean.
type Judge struct {
	Attempts int // within the window that ends now, and whose outcome is known
	Failed   int // of these
	// AttemptsJudged is from how many attempts on the merchant may be slowed.
	AttemptsJudged int
	Window         time.Duration
	PerMinute      int // attempts that are let through while it is slowed
	Now            domain.Moment
}

func (Judge) merchantCommand() {}

// Slowed reports whether the merchant's customers have to wait for one another.
func (s State) Slowed() bool { return !s.SlowedAt.IsZero() }

// judge turns the merchant from one to the other, at most once within a window each
// way: whoever is slowed stays so until only attempts are judged that were let through
// since. Few attempts are enough to release, none are, too.
func (s State) judge(c Judge) []Event {
	failing := 2*c.Failed > c.Attempts
	switch {
	case !s.Slowed() && failing && c.Attempts >= c.AttemptsJudged:
		return []Event{Slowed{
			Attempts: c.Attempts, Failed: c.Failed, PerMinute: c.PerMinute, SlowedAt: c.Now.At, SlowedUntil: c.Now.At.Add(c.Window),
		}}
	case s.Slowed() && !failing && !c.Now.At.Before(s.SlowedUntil):
		return []Event{Released{Attempts: c.Attempts, Failed: c.Failed}}
	}
	return nil
}
