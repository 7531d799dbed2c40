package limits

import (
	"context"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/errors"

	"tender/domain"
	"tender/handlers/engine"
	"tender/handlers/problem"
)

// Limits of the guard itself.
const (
	// crowdWait is how long an attempt waits for others to end that may leave no room
	// for it, and crowdEvery how often it looks by itself.
	crowdWait  = 2 * time.Second
	crowdEvery = 100 * time.Millisecond
	// lookTimeout is how long a look at the counts may take, and writeTimeout a note in
	// them. What takes longer stands in nobody's way.
	lookTimeout  = time.Second
	writeTimeout = 5 * time.Second
	// complainEvery is how often it is said that the counts can't be had.
	complainEvery = 10 * time.Second
)

// What the keys of a guard are derived for; see Derive of the key ring.
const (
	CardPurpose    = "limits of cards"
	AddressPurpose = "limits of addresses"
)

// Config is what a [Guard] is made of.
type Config struct {
	Limits Limits
	Engine *engine.Engine
	// CardKey and AddressKey are the keys of the HMACs that are counted, in place of
	// what they are of: of telephones, too, under the cards'. They serve no other purpose.
	CardKey, AddressKey []byte
	Log                 *slog.Logger
}

// Guard counts, and says who may try, for one log. The counts are shared by all
// processes; what is in flight each process knows of its own attempts alone, and that
// a subject has failed for the first time in another one within [suspectsAge].
//
// Without its counts it lets everybody pass: they lie beside the log, without which
// nobody could pay anyhow, and nobody from outside can make one of them fail and not
// the other. How many cards a session may try doesn't hang on them.
type Guard struct {
	Config
	tables   tables
	crowd    crowd
	suspects suspects
	looks    looks
	totals   totals

	mu      sync.Mutex
	flights map[string]*Flight // by the acquirer's key

	complained atomic.Int64 // when it was said last, in Unix nanoseconds
}

// New returns a guard, whose Run may be called once.
func New(c Config) *Guard {
	g := &Guard{Config: c, tables: newTables(c.Engine.Store.Log()), suspects: newSuspects(), flights: map[string]*Flight{}}
	g.looks.query = g.query
	return g
}

// Attempt is what a guard has to know of an attempt to pay.
type Attempt struct {
	MerchantID, SessionID string
	Address               netip.Addr // zero: it is not known
	Card                  string     // its number; "": no card pays
	Phone                 string     // the number of the telephone that is to approve; "": none is
	Slowed                bool       // the merchant is
}

// Flight is an attempt that was let through, until its process no longer waits for
// its outcome.
type Flight struct {
	guard          *Guard
	sessionID      string
	address, means subject // means: of the card or the telephone
	asks           bool    // a telephone is asked for an approval
	key            string

	// Guarded by the guard's mutex.
	counted bool // its outcome was
	failed  bool // and it has failed by the customer's or the card's doing
}

// Admit lets an attempt through, or refuses it with the problem that the customer is
// shown. Whoever was let through says with [Flight.Abandon] or [Flight.End] when the
// attempt is over for this process.
//
// Attempts in flight may all fail. So as many as could go over the limit together
// wait for one another, and are refused only once that many have failed: a network
// with many honest customers behind one address is not held up.
func (g *Guard) Admit(ctx context.Context, a Attempt) (*Flight, error) {
	f := &Flight{
		guard: g, sessionID: a.SessionID, asks: a.Phone != "",
		address: subjectOf(g.AddressKey, addressText(a.Address)), means: subjectOf(g.CardKey, meansText(a)),
	}
	if err := g.admit(ctx, f); err != nil {
		return nil, err
	}
	if a.Slowed {
		if err := g.takePlace(ctx, a.MerchantID); err != nil {
			g.crowd.leave(f.subjects())
			return nil, err
		}
	}
	return f, nil
}

func (g *Guard) admit(ctx context.Context, f *Flight) error {
	timer := time.NewTimer(crowdWait)
	defer timer.Stop()
	tick := time.NewTicker(crowdEvery)
	defer tick.Stop()
	for last := false; ; {
		// Into the crowd first: one that fails is noted before it leaves. So each is
		// seen there, or among the suspects and in the counts.
		before, changed := g.crowd.enter(f.subjects())
		now := g.Engine.Now().Wall
		counts, err := g.looks.look(ctx, g.suspects.among(f.subjects(), now), now)
		if err != nil {
			g.complain(ctx, "the limits against abuse can't be looked up, everybody passes", err)
			return nil
		}
		full, crowded := g.judge(f, counts, before, now)
		switch {
		case full == nil && !crowded:
			return nil
		case full == nil && last:
			full = tooMany("Many attempts to pay are under way from this address. Try again in a moment.", time.Second)
		}
		g.crowd.withdraw(f.subjects())
		if full != nil {
			return full
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
			last = true
		case <-changed:
		case <-tick.C:
		}
	}
}

// judge says whether a limit is reached, and whether it could be once those who came
// before have ended.
func (g *Guard) judge(f *Flight, counts map[subject][]entry, before map[subject]int, now time.Time) (full error, crowded bool) {
	failed := 0
	for _, e := range counts[f.address] {
		failed += e.failed
	}
	sessions := len(counts[f.means])
	if slices.ContainsFunc(counts[f.means], func(e entry) bool { return e.part == f.sessionID }) {
		sessions = 0 // this one is among them: it is none more
	}
	switch {
	case failed >= g.Limits.FailuresPerAddress:
		full = tooMany("Too many attempts to pay have failed from this address. Try again later.",
			freeAt(counts[f.address], failed-g.Limits.FailuresPerAddress, func(e entry) int { return e.failed }).Sub(now))
	case sessions >= g.Limits.SessionsPerCard:
		full = tooMany(f.tooOften(),
			freeAt(counts[f.means], sessions-g.Limits.SessionsPerCard, func(entry) int { return 1 }).Sub(now))
	}
	crowded = failed+before[f.address] >= g.Limits.FailuresPerAddress || sessions+before[f.means] >= g.Limits.SessionsPerCard
	return full, crowded
}

// tooOften says that too many sessions have failed with what pays.
func (f *Flight) tooOften() string {
	if f.asks {
		return "This number was asked too often to approve payments, or has refused too many. Try again later, or another way to pay."
	}
	return "Too many attempts to pay with this card have failed. Try again later, or with another card."
}

func tooMany(detail string, wait time.Duration) problem.Problem {
	return problem.New(problem.TooManyRequests, detail).WithRetryAfter(max(wait, time.Second))
}

func (f *Flight) subjects() []subject {
	var all []subject
	for _, s := range []subject{f.address, f.means} {
		if s != (subject{}) {
			all = append(all, s)
		}
	}
	return all
}

// Under names the acquirer's operation that the attempt is carried out by.
func (f *Flight) Under(key string) {
	f.key = key
	f.guard.mu.Lock()
	defer f.guard.mu.Unlock()
	f.guard.flights[key] = f
}

// Abandon says that the attempt was not made.
func (f *Flight) Abandon() { f.guard.crowd.leave(f.subjects()) }

// End says that this process no longer waits for the attempt's outcome. If nobody has
// recorded that yet, whoever does will know whom to count it for.
func (f *Flight) End(ctx context.Context) {
	g := f.guard
	g.mu.Lock()
	counted := f.counted
	g.mu.Unlock()
	if !counted {
		if f.asks {
			g.noteAsked(ctx, f)
		}
		g.leaveNote(ctx, f)
	}
	g.mu.Lock()
	recordedMeanwhile, failed := f.counted && !counted, f.failed
	delete(g.flights, f.key)
	g.mu.Unlock()
	if recordedMeanwhile {
		_, _ = g.takeNote(ctx, f.key)
		if f.asks && !failed {
			g.forgive(ctx, f)
		}
	}
	g.crowd.leave(f.subjects())
}

// Outcome is what became of an attempt.
type Outcome int

// What may become of an attempt.
const (
	Succeeded Outcome = iota
	Failed
	// NobodysFault is a failure that says nothing of the card or the customer: ours, or
	// the acquirer's. It counts for nothing.
	NobodysFault
)

// Count takes note of an attempt's outcome, which is recorded in the log. It is called
// once for each attempt, by the process that recorded it.
func (g *Guard) Count(ctx context.Context, merchantID, key string, o Outcome) {
	if o != NobodysFault {
		g.totals.add(merchantID, g.Engine.Now().Wall, o == Failed)
	}
	g.mu.Lock()
	f := g.flights[key]
	if f != nil {
		f.counted, f.failed = true, o == Failed
	}
	g.mu.Unlock()
	if f == nil {
		var noted bool
		if f, noted = g.takeNote(ctx, key); !noted {
			return
		}
		if f.asks && o != Failed {
			g.forgive(ctx, f)
		}
	}
	if o == Failed {
		g.noteFailure(ctx, f)
	}
}

// complain says that something about the counts does not work, now and then.
func (g *Guard) complain(ctx context.Context, what string, err error) {
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return
	}
	now, last := time.Now().UnixNano(), g.complained.Load()
	if now-last < int64(complainEvery) || !g.complained.CompareAndSwap(last, now) {
		return
	}
	g.Log.ErrorContext(ctx, what, "error", err)
}

// asSystem is where the guard's own commands come from.
func asSystem(merchantID string) engine.Origin {
	return engine.Origin{
		CommandID: engine.NewID(), MerchantID: merchantID, Actor: domain.Actor{Kind: domain.ActorSystem, ID: "limits"},
	}
}
