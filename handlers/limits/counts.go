package limits

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
)

// subject stands for an address, a card or a telephone in the counts: an HMAC. Zero: there is none.
type subject [16]byte

func subjectOf(key []byte, what string) (s subject) {
	if what == "" {
		return s
	}
	h := hmac.New(sha256.New, key)
	h.Write([]byte(what))
	copy(s[:], h.Sum(nil))
	return s
}

// addressText is what of an address is counted; "" where none is known.
func addressText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return network(a).String()
}

// phoneDomain keeps the HMACs of telephones' numbers apart from those of cards' under
// the same key.
const phoneDomain = "telephone "

// meansText is what of what pays is counted; "" for what is neither a card nor a
// telephone.
func meansText(a Attempt) string {
	if a.Phone != "" {
		return phoneDomain + a.Phone
	}
	return a.Card
}

// entry is one line of the counts: of an address what failed within a span, of a card
// or a telephone what failed in a session.
type entry struct {
	part   string // the span or the session
	failed int
	until  time.Time // it counts until then
}

// freeAt is when more than excess will have ceased to count, so that there is room
// again.
func freeAt(entries []entry, excess int, weight func(entry) int) time.Time {
	entries = slices.SortedFunc(slices.Values(entries), func(a, b entry) int { return a.until.Compare(b.until) })
	for _, e := range entries {
		if excess -= weight(e); excess < 0 {
			return e.until
		}
	}
	return time.Time{}
}

// looksMax is how many look-ups are answered by one query.
const looksMax = 256

// looks answers all look-ups that gather while a query is under way with the next: one
// query at a time, whatever the number of customers.
type looks struct {
	query func(ctx context.Context, subjects [][]byte, now time.Time) (map[subject][]entry, error)

	mu      sync.Mutex
	waiting []*look
	running bool
}

type look struct {
	subjects []subject
	now      time.Time
	done     chan struct{}
	found    map[subject][]entry
	err      error
}

// look returns what counts at now, without a query where nobody is asked for.
func (l *looks) look(ctx context.Context, subjects []subject, now time.Time) (map[subject][]entry, error) {
	if len(subjects) == 0 {
		return nil, nil
	}
	mine := &look{subjects: subjects, now: now, done: make(chan struct{})}
	l.mu.Lock()
	l.waiting = append(l.waiting, mine)
	if !l.running {
		l.running = true
		go l.run(context.WithoutCancel(ctx))
	}
	l.mu.Unlock()
	select {
	case <-mine.done:
		return mine.found, mine.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *looks) run(ctx context.Context) {
	for {
		l.mu.Lock()
		batch := l.waiting[:min(len(l.waiting), looksMax)]
		l.waiting = l.waiting[len(batch):]
		if len(batch) == 0 {
			l.waiting, l.running = nil, false
			l.mu.Unlock()
			return
		}
		l.mu.Unlock()
		l.answer(ctx, batch)
	}
}

func (l *looks) answer(ctx context.Context, batch []*look) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	now := batch[0].now
	var subjects [][]byte
	for _, one := range batch {
		for i := range one.subjects {
			subjects = append(subjects, one.subjects[i][:])
		}
		if one.now.Before(now) {
			now = one.now
		}
	}
	found, err := l.query(ctx, subjects, now)
	for _, one := range batch {
		one.err = err
		one.found = make(map[subject][]entry, len(one.subjects))
		for _, s := range one.subjects {
			one.found[s] = slices.DeleteFunc(slices.Clone(found[s]), func(e entry) bool { return !e.until.After(one.now) })
		}
		close(one.done)
	}
}

func (g *Guard) query(ctx context.Context, subjects [][]byte, now time.Time) (map[subject][]entry, error) {
	rows, err := g.Engine.Store.Pool().Query(ctx, g.tables.look, subjects, now)
	if err != nil {
		return nil, errors.Wrap(err, "look up what failed")
	}
	found := map[subject][]entry{}
	var of []byte
	var e entry
	_, err = pgx.ForEachRow(rows, []any{&of, &e.part, &e.failed, &e.until}, func() error {
		s := subject(of)
		found[s] = append(found[s], e)
		return nil
	})
	return found, errors.Wrap(err, "look up what failed")
}

// spanLength is within which span an address's failures are one entry, which counts
// from the span's end.
const spanLength = 10 * time.Second

// line is what is added to the counts.
type line struct {
	subject subject
	part    string
	until   time.Time
}

// meansLine counts a session for the card or the telephone.
func (f *Flight) meansLine(now time.Time) line {
	return line{f.means, f.sessionID, now.Add(FailuresWindow)}
}

// noteFailure counts a failed attempt for its address, and its card or telephone.
func (g *Guard) noteFailure(ctx context.Context, f *Flight) {
	now := g.Engine.Now().Wall
	span := now.Truncate(spanLength)
	var lines []line
	if f.address != (subject{}) {
		lines = append(lines, line{f.address, strconv.FormatInt(span.Unix(), 10), span.Add(spanLength + FailuresWindow)})
	}
	if f.means != (subject{}) {
		lines = append(lines, f.meansLine(now))
	}
	g.note(ctx, lines)
}

// noteAsked counts an approval that a telephone is asked for as if it had failed:
// whoever asks a stranger's need not wait until that one has refused. If it is given,
// it is forgiven.
func (g *Guard) noteAsked(ctx context.Context, f *Flight) {
	g.note(ctx, []line{f.meansLine(g.Engine.Now().Wall)})
}

// forgive takes back that a telephone was asked.
func (g *Guard) forgive(ctx context.Context, f *Flight) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	if _, err := g.Engine.Store.Pool().Exec(ctx, g.tables.forgive, bytesOf(f.means), f.sessionID); err != nil {
		g.complain(ctx, "an approval that was given counts as failed", err)
	}
}

func (g *Guard) note(ctx context.Context, lines []line) {
	// Before it is written, and also if it can't be: a suspect is only looked up.
	g.suspects.add(lines, g.Engine.Now().Wall)
	// In one order for everybody, so that no two wait for each other.
	slices.SortFunc(lines, func(a, b line) int { return slices.Compare(a.subject[:], b.subject[:]) })
	var subjects [][]byte
	var parts []string
	var untils []time.Time
	for i, l := range lines {
		subjects, parts, untils = append(subjects, lines[i].subject[:]), append(parts, l.part), append(untils, l.until)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	if _, err := g.Engine.Store.Pool().Exec(ctx, g.tables.fail, subjects, parts, untils); err != nil {
		g.complain(ctx, "a failed attempt is not counted", err)
	}
}

// outstandingMax is for how long an outcome may stay out and still be counted.
const outstandingMax = 24 * time.Hour

// leaveNote writes down whom an outcome has to be counted for that comes later.
func (g *Guard) leaveNote(ctx context.Context, f *Flight) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	_, err := g.Engine.Store.Pool().Exec(ctx, g.tables.leaveNote, f.key, f.sessionID, bytesOf(f.address), bytesOf(f.means), f.asks, g.Engine.Now().Wall.Add(outstandingMax))
	if err != nil {
		g.complain(ctx, "an attempt's outcome will not be counted", err)
	}
}

// takeNote takes what was left under key, and reports whether there was something.
func (g *Guard) takeNote(ctx context.Context, key string) (*Flight, bool) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	f := &Flight{guard: g, key: key}
	var address, means []byte
	err := g.Engine.Store.Pool().QueryRow(ctx, g.tables.takeNote, key).Scan(&f.sessionID, &address, &means, &f.asks)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, false
	}
	if err != nil {
		g.complain(ctx, "an attempt's outcome is not counted", err)
		return nil, false
	}
	copy(f.address[:], address)
	copy(f.means[:], means)
	return f, true
}

// bytesOf is a subject as the tables have it.
func bytesOf(s subject) []byte {
	if s == (subject{}) {
		return []byte{}
	}
	return s[:]
}
