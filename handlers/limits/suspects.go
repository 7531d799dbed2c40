package limits

import (
	"context"
	"sync"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
)

// Limits of the copy of who has failed.
const (
	// suspectsAge is how old the copy may be and still speak for anybody: so long may
	// pass until a process takes notice of a subject that has failed in another one.
	suspectsAge = time.Second
	// suspectsEvery is how often it is read again at most, while there are attempts.
	// That is before it is too old, so that nobody has to wait for it.
	suspectsEvery = suspectsAge / 2
	// suspectsOverlap is how much of what was read before is read once more: what was
	// noted then may have been committed since, and by a process whose clock is late.
	suspectsOverlap = 30 * time.Second
	// suspectsMax is how many are held, in some megabytes. Where there are more it is
	// tried again after suspectsCrowded, and where they can't be read after
	// suspectsRetry.
	suspectsMax     = 100_000
	suspectsCrowded = time.Minute
	suspectsRetry   = 5 * time.Second
	// suspectsTimeout is how long reading them may take. Nobody waits for it.
	suspectsTimeout = 5 * time.Second
)

// suspects are those subjects of whom anything has failed that still counts, in any
// process: a copy of the keys of the counts. Most customers never fail, so most
// attempts are let through without a look-up.
//
// What fails in this process is in the copy at once, what fails in another when it is
// read again. Whenever it can't speak, because it is too old, or there are too many,
// everybody is looked up.
type suspects struct {
	max    int
	wanted chan struct{} // one waits in it while the copy should be read again

	mu   sync.Mutex
	of   map[subject]int64 // until when each is one, in Unix milliseconds; nil: not held
	asOf time.Time         // what was noted before this is in it; zero: nothing was read
	next time.Time         // it is not read again before this
}

func newSuspects() suspects {
	return suspects{max: suspectsMax, wanted: make(chan struct{}, 1)}
}

// among returns those of some subjects that have to be looked up.
func (s *suspects) among(all []subject, now time.Time) []subject {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.due(now) {
		select {
		case s.wanted <- struct{}{}:
		default:
		}
	}
	if s.of == nil || now.Before(s.asOf) || now.Sub(s.asOf) >= suspectsAge {
		return all
	}
	var some []subject
	for _, one := range all {
		if s.of[one] > now.UnixMilli() {
			some = append(some, one)
		}
	}
	return some
}

// due reports whether it is time to read the copy again, as it is after the clock was
// set back.
func (s *suspects) due(now time.Time) bool { return now.Before(s.asOf) || !now.Before(s.next) }

// begin says whether to read the copy again, and since when what is to be read has to
// count: only what is new, or, where nothing is held, all that counts now.
func (s *suspects) begin(now time.Time) (since time.Time, due bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.due(now) {
		return now, false
	}
	if now.Before(s.asOf) {
		s.asOf = time.Time{}
	}
	s.next = now.Add(suspectsEvery)
	if s.of == nil {
		s.of = map[subject]int64{} // what fails while the others are read is held, too
	}
	// Whatever is noted counts for the window from then on, so the new counts longest.
	if fresh := s.asOf.Add(FailuresWindow - suspectsOverlap); fresh.After(now) {
		return fresh, true
	}
	return now, true
}

// end takes in what was read; asOf is when that was begun.
func (s *suspects) end(read map[subject]int64, asOf time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.next = asOf.Add(suspectsRetry)
		return
	}
	for one, until := range read {
		s.put(one, until, asOf)
	}
	if s.of != nil {
		s.asOf = asOf
	}
}

// add takes in what has failed in this process.
func (s *suspects) add(lines []line, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range lines {
		s.put(l.subject, l.until.UnixMilli(), now)
	}
}

// put holds one more, or gives up holding them.
func (s *suspects) put(one subject, until int64, now time.Time) {
	if s.of == nil {
		return
	}
	s.of[one] = max(s.of[one], until)
	if len(s.of) > s.max {
		s.of, s.asOf, s.next = nil, time.Time{}, now.Add(suspectsCrowded)
	}
}

// sweep forgets those who are suspects no longer.
func (s *suspects) sweep(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for one, until := range s.of {
		if until <= now.UnixMilli() {
			delete(s.of, one)
		}
	}
}

// keepSuspects reads the copy whenever attempts want it, until ctx ends.
func (g *Guard) keepSuspects(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-g.suspects.wanted:
			g.readSuspects(ctx)
		}
	}
}

// readSuspects reads the copy again, if it is time to.
func (g *Guard) readSuspects(ctx context.Context) {
	now := g.Engine.Now().Wall
	since, due := g.suspects.begin(now)
	if !due {
		return
	}
	read, err := g.failedSince(ctx, since)
	g.suspects.end(read, now, err)
	if err != nil {
		g.complain(ctx, "who has failed lately can't be read, everybody is looked up", err)
	}
}

// failedSince are those of whom something has failed that counts for longer than
// until then, as many of them as tell that there are too many.
func (g *Guard) failedSince(ctx context.Context, since time.Time) (map[subject]int64, error) {
	ctx, cancel := context.WithTimeout(ctx, suspectsTimeout)
	defer cancel()
	rows, err := g.Engine.Store.Pool().Query(ctx, g.tables.suspects, since, g.suspects.max+1)
	if err != nil {
		return nil, errors.Wrap(err, "read who has failed")
	}
	read := map[subject]int64{}
	var of []byte
	var until time.Time
	_, err = pgx.ForEachRow(rows, []any{&of, &until}, func() error {
		read[subject(of)] = until.UnixMilli()
		return nil
	})
	return read, errors.Wrap(err, "read who has failed")
}
