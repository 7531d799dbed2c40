package limits

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/errors"

	"tender/eventstore/storetest"
	"tender/handlers/engine"
	"tender/handlers/problem"
)

// shop is a log with processes whose clock stands still, so that nothing is too old
// before the test says so.
type shop struct {
	t     testing.TB
	db    storetest.DB
	clock atomic.Int64 // nanoseconds since noon
	first *till
	tried atomic.Int64
}

// till is the guard of one process.
type till struct {
	*Guard
	shop  *shop
	looks atomic.Int64 // how many look-ups it has made
}

var noon = time.Date(2026, time.May, 4, 12, 0, 0, 0, time.UTC)

func setup(t testing.TB) *shop {
	t.Helper()
	s := &shop{t: t, db: storetest.Database(t)}
	s.first = s.process()
	return s
}

// process adds a process, which reads the copy when the test says so.
func (s *shop) process() *till {
	s.t.Helper()
	now := func() time.Time { return noon.Add(time.Duration(s.clock.Load())) }
	p := &till{shop: s, Guard: New(Config{
		Limits: Live(), Engine: engine.New(storetest.Open(s.t, s.db, "test"), now),
		CardKey: []byte("cards"), AddressKey: []byte("addresses"), Log: slog.New(slog.DiscardHandler),
	})}
	p.Guard.looks.query = func(ctx context.Context, subjects [][]byte, now time.Time) (map[subject][]entry, error) {
		p.looks.Add(1)
		return p.query(ctx, subjects, now)
	}
	return p
}

func (s *shop) advance(d time.Duration) { s.clock.Add(int64(d)) }

func (s *shop) exec(sql string) {
	s.t.Helper()
	if _, err := s.first.Engine.Store.Pool().Exec(s.t.Context(), sql); err != nil {
		s.t.Fatal(err)
	}
}

// tries makes an attempt from an address, in a session of its own and with a card that
// nobody else has, and returns whether it was let through.
func (p *till) tries(from string, o Outcome) bool {
	p.shop.t.Helper()
	n := p.shop.tried.Add(1)
	f, err := p.Admit(p.shop.t.Context(), Attempt{
		MerchantID: "mer_1", SessionID: fmt.Sprint("ps_", n), Address: netip.MustParseAddr(from), Card: fmt.Sprint("42", n),
	})
	if refused := new(problem.Problem); errors.As(err, refused) && refused.Code == problem.TooManyRequests {
		return false
	}
	if err != nil {
		p.shop.t.Fatal(err)
	}
	f.Under(fmt.Sprint("pay_", n))
	p.Count(p.shop.t.Context(), "mer_1", f.key, o)
	f.End(p.shop.t.Context())
	return true
}

// asks reports whether what do does makes a look-up.
func (p *till) asks(do func()) bool {
	before := p.looks.Load()
	do()
	return p.looks.Load() > before
}

// let fails the test unless an attempt is let through that succeeds, and returns
// whether it was looked up.
func (p *till) let(from string) (asked bool) {
	p.shop.t.Helper()
	return p.asks(func() {
		if !p.tries(from, Succeeded) {
			p.shop.t.Errorf("%s is not let through", from)
		}
	})
}

const honest, thief = "198.51.100.1", "198.51.100.2"

// Who has never failed is let through without a look-up, and who fails is looked up
// from that moment on.
func TestOnlySuspectsAreLookedUp(t *testing.T) {
	t.Parallel()
	s := setup(t)
	if !s.first.let(honest) {
		t.Error("nothing was read yet, and nobody is looked up")
	}
	s.first.readSuspects(t.Context())
	if s.first.let(honest) {
		t.Error("somebody is looked up who has never failed")
	}
	for i := range Live().FailuresPerAddress {
		asked := s.first.asks(func() {
			if !s.first.tries(thief, Failed) {
				t.Errorf("failure %d is not let through", i+1)
			}
		})
		if asked != (i > 0) {
			t.Errorf("after %d failures, looked up: %t", i, asked)
		}
	}
	if s.first.tries(thief, Succeeded) {
		t.Error("one more is let through")
	}
	if s.first.let(honest) {
		t.Error("somebody else is looked up")
	}
	s.advance(FailuresWindow + spanLength)
	s.first.readSuspects(t.Context())
	if s.first.let(thief) {
		t.Error("what failed an hour ago is looked up")
	}
	s.first.suspects.sweep(s.first.Engine.Now().Wall)
	if n := len(s.first.suspects.of); n != 0 {
		t.Errorf("%d are still held who are suspects no longer", n)
	}
}

// What fails in another process is seen when the copy is read again, which it is
// before it is too old to speak for anybody.
func TestAnotherProcessFails(t *testing.T) {
	t.Parallel()
	s := setup(t)
	other := s.process()
	s.first.tries(honest, Failed)
	s.advance(time.Minute)
	s.first.readSuspects(t.Context())
	for range Live().FailuresPerAddress {
		other.tries(thief, Failed)
	}
	s.advance(suspectsEvery - time.Millisecond)
	s.first.readSuspects(t.Context())
	if s.first.let(thief) {
		t.Error("the copy was read before it was time to")
	}
	s.advance(time.Millisecond)
	s.first.readSuspects(t.Context())
	if !s.first.asks(func() {
		if s.first.tries(thief, Succeeded) {
			t.Error("what has failed in the other process counts for nothing")
		}
	}) {
		t.Error("the refusal comes without a look-up")
	}
	if !s.first.let(honest) {
		t.Error("who failed before is forgotten")
	}
}

// Only what is new is read again, and all of that: also what was noted before the
// last time and committed since.
func TestOnlyNewSuspectsAreRead(t *testing.T) {
	t.Parallel()
	s := setup(t)
	other := s.process()
	other.tries(honest, Failed)
	s.advance(time.Minute)
	other.tries(thief, Failed)
	s.advance(suspectsOverlap / 2)
	s.first.readSuspects(t.Context())
	s.advance(suspectsAge)
	since, due := s.first.suspects.begin(s.first.Engine.Now().Wall)
	if !due {
		t.Fatal("it is not time to read again")
	}
	read, err := s.first.failedSince(t.Context(), since)
	if err != nil {
		t.Fatal(err)
	}
	of := func(address string) subject {
		return subjectOf(s.first.AddressKey, addressText(netip.MustParseAddr(address)))
	}
	if _, again := read[of(thief)]; !again || len(read) != 2 { // the other one is their card
		t.Errorf("%d are read, the new one among them: %t", len(read), again)
	}
}

// A copy that is too old speaks for nobody, and asks to be read; so does one from the
// future.
func TestOldSuspects(t *testing.T) {
	t.Parallel()
	s := setup(t)
	for _, step := range []time.Duration{suspectsAge, -time.Hour} {
		s.first.readSuspects(t.Context())
		if s.first.let(honest) || len(s.first.suspects.wanted) != 0 {
			t.Error("a fresh copy does not speak, or is to be read again")
		}
		s.advance(step)
		if !s.first.let(honest) || len(s.first.suspects.wanted) != 1 {
			t.Errorf("%s later it still speaks, or is not to be read again", step)
		}
		<-s.first.suspects.wanted
	}
	s.first.readSuspects(t.Context())
	if s.first.let(honest) {
		t.Error("it was not read again")
	}
}

// While there are more than can be held everybody is looked up; later it is tried
// again.
func TestTooManySuspects(t *testing.T) {
	t.Parallel()
	for name, fails := range map[string]func(s *shop) *till{
		"own":     func(s *shop) *till { return s.first },
		"another": func(s *shop) *till { return s.process() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setup(t)
			s.first.suspects.max = 4 // an address and a card each
			s.first.readSuspects(t.Context())
			at := fails(s)
			fail := func(i int) {
				at.tries(fmt.Sprint("203.0.113.", i), Failed)
				s.advance(suspectsEvery)
				s.first.readSuspects(t.Context())
			}
			fail(1)
			fail(2)
			if s.first.let(honest) {
				t.Error("as many as can be held are too many")
			}
			fail(3)
			if !s.first.let(honest) || len(s.first.suspects.of) != 0 {
				t.Error("too many are held")
			}
			s.advance(FailuresWindow - suspectsCrowded) // all of them still count
			s.first.readSuspects(t.Context())
			if !s.first.let(honest) {
				t.Error("too many are held later")
			}
			s.advance(suspectsCrowded + spanLength)
			s.first.readSuspects(t.Context())
			if s.first.let(honest) {
				t.Error("once there are few again, they are not held")
			}
		})
	}
}

// Where the copy can't be read everybody is looked up; where that can't be done
// either, everybody passes.
func TestSuspectsCannotBeRead(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.first.readSuspects(t.Context())
	s.first.tries(thief, Failed)
	s.exec(`ALTER TABLE work_test.failed_attempts RENAME TO away`)
	s.advance(suspectsAge)
	s.first.readSuspects(t.Context())
	if !s.first.let(honest) || !s.first.let(thief) {
		t.Error("an old copy speaks")
	}
	s.exec(`ALTER TABLE work_test.away RENAME TO failed_attempts`)
	s.advance(suspectsRetry - time.Millisecond)
	s.first.readSuspects(t.Context())
	if !s.first.let(honest) {
		t.Error("it was read before it was time to try again")
	}
	s.advance(time.Millisecond)
	s.first.readSuspects(t.Context())
	if s.first.let(honest) || !s.first.let(thief) {
		t.Error("it was not read again, or has forgotten somebody")
	}
}

// A guard that runs reads the copy by itself, as soon as there are attempts.
func TestAGuardKeepsItsSuspects(t *testing.T) {
	t.Parallel()
	s := setup(t)
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = s.first.Run(ctx) })
	defer running.Wait()
	defer stop()
	limit := time.Now().Add(time.Minute)
	for s.first.let(honest) {
		if time.Now().After(limit) {
			t.Fatal("everybody is still looked up")
		}
	}
}
