// Package biglog makes logs of any size, for benchmarks and for tests of what reads a
// log as a whole. Merchants, customers, payments, series and webhooks live their lives
// there as the domain decides them, and every event type that there is occurs.
//
// Nothing outside takes part: the acquirer's words are drawn, and no vault holds what
// events refer to. Two logs of the same size and seed hold the same events in the same
// streams; only where streams lie among each other, and when events were recorded,
// differs.
package biglog

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/cockroachdb/errors"
	"golang.org/x/sync/errgroup"

	"tender/eventstore"
)

// Limits of a log that is made.
const (
	// lanesMax is how many merchants live side by side, each in a lane of its own: about
	// as many commands as travel together.
	lanesMax = 256
	// laneEventsMin is how many events a lane is begun for.
	laneEventsMin = 250
)

// Config says what log is made.
type Config struct {
	Seed   uint64
	Events int64 // at least; lives are lived to their end
}

// Made is what was appended.
type Made struct {
	Events int64
	Types  map[string]int64 // by type
	Public int64            // of the events, those that merchants are told of
	Took   time.Duration
}

// Make appends a log to what store holds. Each play takes place once before chance
// chooses among them.
func Make(ctx context.Context, store *eventstore.Store, c Config) (Made, error) {
	begun := time.Now()
	lanes := make([]*lane, max(1, min(lanesMax, c.Events/laneEventsMin)))
	all, ctx := errgroup.WithContext(ctx)
	for n := range lanes {
		l := newLane(ctx, store, n, rand.New(rand.NewPCG(c.Seed, uint64(n)))) //nolint:gosec // chance is to be the same each time
		lanes[n] = l
		all.Go(func() error {
			return errors.Wrapf(l.live(len(lanes), c.Events/int64(len(lanes))+1), "lane %d", n)
		})
	}
	if err := all.Wait(); err != nil {
		return Made{}, err
	}
	made := Made{Types: map[string]int64{}, Took: time.Since(begun)}
	for _, l := range lanes {
		made.Public += l.public
		for name, n := range l.types {
			made.Types[name] += n
			made.Events += n
		}
	}
	return made, nil
}
