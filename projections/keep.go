package projections

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"

	"tender/domain/codec"
)

// keepAll keeps every generation that this build's definitions made: those that are
// there, and those that rebuilds add.
func (r *Runner) keepAll(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	var mu sync.Mutex
	kept := map[string]bool{}
	for {
		found, err := r.found(ctx)
		if err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "the generations can't be listed; trying again", "error", err.Error())
		}
		mu.Lock()
		for _, w := range found {
			if kept[w.leaseID()] {
				continue
			}
			kept[w.leaseID()] = true
			all.Go(func() {
				r.keep(ctx, w)
				mu.Lock()
				defer mu.Unlock()
				delete(kept, w.leaseID())
			})
		}
		mu.Unlock()
		if !pause(ctx, statePoll) {
			return
		}
	}
}

// found returns a worker for each generation of this build's definitions.
func (r *Runner) found(ctx context.Context) ([]*worker, error) {
	rows, err := r.store.Pool().Query(ctx, `SELECT name, generation, definition FROM `+r.cursors.read+`.projections ORDER BY name, generation`)
	if err != nil {
		return nil, err
	}
	var all []*worker
	var name, definition string
	var number int
	_, err = pgx.ForEachRow(rows, []any{&name, &number, &definition}, func() error {
		if p, err := r.projection(name); err == nil && p.Definition().fingerprint() == definition {
			all = append(all, r.worker(p, r.generation(number), r.reader))
		}
		return nil
	})
	return all, err
}

// projection returns the one with this name; it is [ErrUnknown] if there is none.
func (r *Runner) projection(name string) (Projection, error) {
	i := slices.IndexFunc(r.projections, func(p Projection) bool { return p.Definition().Name == name })
	if i < 0 {
		return nil, errors.Wrap(ErrUnknown, name)
	}
	return r.projections[i], nil
}

// leaseKind is that of the leases on generations.
const leaseKind = "projection"

func (w *worker) leaseID() string { return leaseID(w.def.Name, w.generation.Number) }

func leaseID(name string, generation int) string { return fmt.Sprintf("%s_g%d", name, generation) }

// keep runs one generation whenever this process holds its lease, until it is dropped.
func (r *Runner) keep(ctx context.Context, w *worker) {
	for ctx.Err() == nil {
		err := r.leases.Hold(ctx, leaseKind, w.leaseID(), leaseTTL, w.run)
		if errors.IsAny(err, errDropped, errLeft) {
			return
		}
		var newer *codec.NewerError
		if errors.As(err, &newer) {
			w.slog.ErrorContext(ctx, "the projection waits for a newer build", "error", err.Error())
			pause(ctx, newerWait)
		}
	}
}
