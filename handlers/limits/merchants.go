package limits

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"

	"tender/domain/merchant"
	"tender/handlers/engine"
)

// How often a guard does what.
const (
	flushEvery   = time.Second
	releaseEvery = 10 * time.Second
	sweepEvery   = time.Minute
)

// placesSaved is for how long a slowed merchant's places are kept that nobody took.
const placesSaved = 30 * time.Second

// span is a merchant's attempts within some seconds.
type span struct {
	merchantID string
	begins     time.Time
}

type total struct{ attempts, failed int }

// totals gathers what became of merchants' attempts until it is written. What a
// process has gathered dies with it: a second's worth.
type totals struct {
	mu sync.Mutex
	of map[span]total
}

func (t *totals) add(merchantID string, now time.Time, failed bool) {
	one := total{attempts: 1}
	if failed {
		one.failed = 1
	}
	t.merge(map[span]total{{merchantID, now.Truncate(spanLength)}: one})
}

func (t *totals) merge(more map[span]total) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.of == nil {
		t.of = map[span]total{}
	}
	for s, n := range more {
		t.of[s] = total{t.of[s].attempts + n.attempts, t.of[s].failed + n.failed}
	}
}

func (t *totals) take() map[span]total {
	t.mu.Lock()
	defer t.mu.Unlock()
	taken := t.of
	t.of = nil
	return taken
}

// Run writes the totals, slows merchants and releases them, keeps the copy of who has
// failed, and sweeps what counts no longer, until ctx ends; then it writes what is left.
func (g *Guard) Run(ctx context.Context) error {
	var reading sync.WaitGroup
	reading.Go(func() { g.keepSuspects(ctx) })
	defer reading.Wait()
	flush, release, sweep := time.NewTicker(flushEvery), time.NewTicker(releaseEvery), time.NewTicker(sweepEvery)
	defer flush.Stop()
	defer release.Stop()
	defer sweep.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
			defer cancel()
			return g.flush(last)
		case <-flush.C:
			err = g.flush(ctx)
		case <-release.C:
			err = g.release(ctx)
		case <-sweep.C:
			err = g.sweep(ctx)
		}
		if err != nil && ctx.Err() == nil {
			g.complain(ctx, "the limits against abuse are kept later", err)
		}
	}
}

// flush writes the totals, and judges those merchants among them of whose attempts too
// many have failed: the last of these may have been a success, or another process's.
func (g *Guard) flush(ctx context.Context) error {
	taken := g.totals.take()
	if len(taken) == 0 {
		return nil
	}
	var ids []string
	var begins []time.Time
	var attempts, failed []int32
	// In one order for everybody, so that no two wait for each other.
	spans := slices.SortedFunc(maps.Keys(taken), func(a, b span) int {
		return cmp.Or(strings.Compare(a.merchantID, b.merchantID), a.begins.Compare(b.begins))
	})
	for _, s := range spans {
		n := taken[s]
		ids, begins = append(ids, s.merchantID), append(begins, s.begins)
		attempts, failed = append(attempts, int32(n.attempts)), append(failed, int32(n.failed))
	}
	if _, err := g.Engine.Store.Pool().Exec(ctx, g.tables.total, ids, begins, attempts, failed); err != nil {
		g.totals.merge(taken)
		return errors.Wrap(err, "note merchants' attempts")
	}
	rows, err := g.Engine.Store.Pool().Query(ctx, g.tables.failing, slices.Compact(ids), g.Engine.Now().Wall.Add(-JudgedWindow), g.Limits.AttemptsJudged)
	if err != nil {
		return errors.Wrap(err, "look for failing merchants")
	}
	failing, err := pgx.CollectRows(rows, pgx.RowTo[string])
	errs := errors.Wrap(err, "look for failing merchants")
	for _, merchantID := range failing {
		errs = errors.CombineErrors(errs, g.judgeMerchant(ctx, merchantID))
	}
	return errs
}

// release judges all merchants that are slowed.
func (g *Guard) release(ctx context.Context) error {
	rows, err := g.Engine.Store.Pool().Query(ctx, g.tables.slowed)
	if err != nil {
		return errors.Wrap(err, "list slowed merchants")
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return errors.Wrap(err, "list slowed merchants")
	}
	var errs error
	for _, merchantID := range ids {
		errs = errors.CombineErrors(errs, errors.CombineErrors(g.judgeMerchant(ctx, merchantID), g.keepList(ctx, merchantID)))
	}
	return errs
}

// judgeMerchant lets the merchant's own stream say what the counts mean: so it is said
// once, whichever processes have counted.
func (g *Guard) judgeMerchant(ctx context.Context, merchantID string) error {
	now := g.Engine.Now().Wall
	var attempts, failed int
	if err := g.Engine.Store.Pool().QueryRow(ctx, g.tables.sums, merchantID, now.Add(-JudgedWindow)).Scan(&attempts, &failed); err != nil {
		return errors.Wrap(err, "sum up a merchant's attempts")
	}
	known := g.Engine.Merchants.Ref(merchantID)
	if err := g.Engine.Refresh(ctx, known); err != nil {
		return err
	}
	c := merchant.Judge{
		Attempts: attempts, Failed: failed, AttemptsJudged: g.Limits.AttemptsJudged, Window: JudgedWindow, PerMinute: g.Limits.SlowedPerMinute,
	}
	var turns []merchant.Event
	decide := func(s merchant.State, at time.Time) (err error) {
		c.Now.At = at
		turns, err = merchant.Decide(s, c)
		return err
	}
	if err := decide(known.Value, now); err != nil {
		return err
	}
	if len(turns) == 0 {
		return nil
	}
	_, err := g.Engine.Do(ctx, engine.Command{
		Origin: asSystem(merchantID), Subject: merchantID,
		Decide: func(ctx context.Context, tx *engine.Tx) error {
			m, err := engine.Read(ctx, tx, g.Engine.Merchants, merchantID)
			if err != nil {
				return err
			}
			if err := decide(m.Value, tx.Now.At); err != nil {
				return err
			}
			engine.Write(tx, merchant.Codec, merchantID, turns...)
			return nil
		},
	})
	if err != nil {
		return err
	}
	return g.keepList(ctx, merchantID)
}

// keepList keeps the list of slowed merchants as their streams say.
func (g *Guard) keepList(ctx context.Context, merchantID string) error {
	m := g.Engine.Merchants.Ref(merchantID)
	if m.Value.Slowed() {
		_, err := g.Engine.Store.Pool().Exec(ctx, g.tables.mark, merchantID, g.Engine.Now().Wall)
		return errors.Wrap(err, "list a slowed merchant")
	}
	_, err := g.Engine.Store.Pool().Exec(ctx, g.tables.release, merchantID)
	return errors.Wrap(err, "unlist a slowed merchant")
}

// takePlace takes one of the places that a slowed merchant's customers have.
func (g *Guard) takePlace(ctx context.Context, merchantID string) error {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	now := g.Engine.Now().Wall
	each := time.Minute.Seconds() / float64(g.Limits.SlowedPerMinute)
	tag, err := g.Engine.Store.Pool().Exec(ctx, g.tables.place, merchantID, now, each, placesSaved.Seconds())
	if err != nil {
		g.complain(ctx, "a slowed merchant's places can't be had, everybody passes", err)
		return nil
	}
	if tag.RowsAffected() == 1 {
		return nil
	}
	var free time.Time
	if err := g.Engine.Store.Pool().QueryRow(ctx, g.tables.freeAt, merchantID).Scan(&free); err != nil {
		free = now // the list has changed: they may try again
	}
	return tooMany("Too many attempts to pay this merchant have failed, so only a few are let through. Try again in a moment.", free.Sub(now))
}

// sweep removes what counts no longer.
func (g *Guard) sweep(ctx context.Context) error {
	now := g.Engine.Now().Wall
	g.suspects.sweep(now)
	for _, sql := range g.tables.sweeps {
		for {
			tag, err := g.Engine.Store.Pool().Exec(ctx, sql, now, sweepMax)
			if err != nil {
				return errors.Wrap(err, "sweep counts")
			}
			if tag.RowsAffected() < sweepMax {
				break
			}
		}
	}
	return nil
}
