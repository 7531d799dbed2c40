package doctor

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tender/eventstore"
)

const (
	// skewWarn and skewFail are how far two clocks may be apart.
	skewWarn = 250 * time.Millisecond
	skewFail = 5 * time.Second
	// skewTries is how often a clock is asked: the quickest answer says most.
	skewTries = 5
)

// skew is how far a clock is ahead of this machine's, and how sure that is.
type skew struct{ ahead, unsure time.Duration }

// measure asks a clock some times, and keeps the answer that came quickest.
func measure(ask func() (time.Time, error)) (best skew, err error) {
	for i := range skewTries {
		begun := time.Now()
		there, err := ask()
		if err != nil {
			return best, err
		}
		took := time.Since(begun)
		if i == 0 || took/2 < best.unsure {
			best = skew{ahead: there.Sub(begun.Add(took / 2)), unsure: took / 2}
		}
	}
	return best, nil
}

func (s skew) judge(c *chart, whose string) {
	what, seen := "behind", fmt.Sprintf("by %s ± %s, the quickest of %d answers", s.ahead.Round(time.Microsecond), s.unsure.Round(time.Microsecond), skewTries)
	apart := -s.ahead
	if s.ahead > 0 {
		what, apart = "ahead of", s.ahead
	}
	do := "Let both machines set their clocks by NTP: `timedatectl set-ntp true`, and look at `chronyc tracking` or `timedatectl timesync-status`."
	switch sure := apart - s.unsure; {
	case sure > skewFail:
		c.fail(fmt.Sprintf("%s clock is %s %s this machine's: what happens is dated wrongly, and expiries and webhooks' timestamps are off.", whose, apart.Round(time.Millisecond), what), seen, do)
	case sure > skewWarn:
		c.warn(fmt.Sprintf("%s clock is %s %s this machine's.", whose, apart.Round(time.Millisecond), what), seen, do)
	default:
		c.ok(whose+" clock agrees with this machine's.", seen)
	}
}

// databaseClock compares this machine's clock with PostgreSQL's, by which leases end
// and events are recorded.
func (e *exam) databaseClock(ctx context.Context, c *chart) error {
	conn, err := e.app.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	s, err := measure(func() (t time.Time, err error) {
		err = conn.QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&t)
		return t, err
	})
	if err != nil {
		return err
	}
	s.judge(c, "PostgreSQL's")
	return nil
}

// natsClock compares this machine's clock with that of the server that leads the
// stream of the first log: JetStream says when it answered.
func (e *exam) natsClock(ctx context.Context, c *chart) error {
	js, err := jetstream.New(e.nats)
	if err != nil {
		return err
	}
	s, err := js.Stream(ctx, eventstore.Log{Mode: e.Modes[0]}.StreamName())
	if err != nil {
		return nil // that is said elsewhere
	}
	var silent bool
	found, err := measure(func() (time.Time, error) {
		info, err := s.Info(ctx)
		if err != nil {
			return time.Time{}, err
		}
		silent = info.TimeStamp.IsZero()
		return info.TimeStamp, nil
	})
	if err != nil || silent {
		return err
	}
	found.judge(c, "NATS's")
	return nil
}
