package projections

import (
	"cmp"
	"context"
	"math"
	"slices"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"tender/eventstore"
)

// fillMax is how many events a generation is filled with in one transaction, about:
// four times as many are in memory.
const fillMax = 4000

// portion is what one transaction writes: the rows of some streams, which are whole.
type portion struct {
	rows   [][]Row // of each of the definition's tables
	last   string  // the last stream that has its rows, or has none
	events int
}

// fill makes the rows of a new generation stream by stream, from where it was left, up
// to its target; then its indexes. From there it is fed like any other. What can't be
// folded or written has the generation begin anew, event by event, which finds out
// what to do about it.
func (w *worker) fill(ctx context.Context) error {
	p, can := streamwiseOf(w.projection)
	if !can {
		return w.refill(ctx, errors.New("the projection has no rows by stream"))
	}
	if err := w.count(ctx, p); err != nil {
		return err
	}
	err := w.pour(ctx, p)
	var fault *faultError
	if errors.As(err, &fault) {
		return w.refill(ctx, fault.err)
	}
	if err != nil {
		return err
	}
	if err := w.index(ctx); err != nil {
		return err
	}
	tag, err := w.store.Pool().Exec(ctx, w.sql.filled, w.def.Name, w.generation.Number, w.at.filled)
	if err != nil {
		return errors.Wrap(err, "end the filling")
	}
	if tag.RowsAffected() == 0 {
		return errFenced
	}
	w.cursors.moved.broadcast()
	return nil
}

// count notes how many events there are to fold, for those who look on.
func (w *worker) count(ctx context.Context, p streamwise) error {
	var total int64
	for _, s := range spans(p, "") {
		n, err := w.store.CountBetween(ctx, s.after.Stream, s.before)
		if err != nil {
			return err
		}
		total += n
	}
	_, err := w.store.Pool().Exec(ctx, `UPDATE `+w.cursors.read+`.projections SET total = $3 WHERE name = $1 AND generation = $2`,
		w.def.Name, w.generation.Number, total)
	return errors.Wrap(err, "note how much is to be filled")
}

// refill has the generation made by the ordinary steps instead, from the log's first
// event.
func (w *worker) refill(ctx context.Context, why error) error {
	w.slog.WarnContext(ctx, "the generation is made event by event", "generation", w.generation.Number, "error", why.Error())
	return pgx.BeginFunc(ctx, w.store.Pool(), func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, w.sql.refill, w.def.Name, w.generation.Number, w.at.filled, make([]byte, 32))
		if err != nil {
			return errors.Wrap(err, "begin a generation anew")
		}
		if tag.RowsAffected() == 0 {
			return errFenced
		}
		for _, t := range w.def.Tables {
			for _, sql := range append([]string{`TRUNCATE ` + w.generation.Table(t)}, t.lookups(w.generation)...) {
				if _, err := tx.Exec(ctx, sql); err != nil {
					return errors.Wrap(err, sql)
				}
			}
		}
		return nil
	})
}

// span is a range of streams of one kind, and where to begin in it.
type span struct {
	after  eventstore.Place
	before string
}

// spans are the streams that p has rows for, after one that is done with, in order.
func spans(p streamwise, done string) []span {
	var all []span
	for _, kind := range p.kinds() {
		s := span{after: eventstore.Place{Stream: string(kind) + "_"}, before: string(kind) + string('_'+1)}
		if s.before <= done {
			continue
		}
		if s.after.Stream <= done {
			s.after = eventstore.Place{Stream: done, Version: math.MaxInt32}
		}
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b span) int { return cmp.Compare(a.before, b.before) })
	return all
}

// pour reads, folds and writes, each while the others do. Between them is a portion
// each.
func (w *worker) pour(ctx context.Context, p streamwise) error {
	all, ctx := errgroup.WithContext(ctx)
	read, folded := make(chan []eventstore.Event), make(chan portion)
	all.Go(func() error {
		defer close(read)
		return w.readSpans(ctx, spans(p, w.at.filled), read)
	})
	all.Go(func() error {
		defer close(folded)
		return w.foldStreams(ctx, p, read, folded)
	})
	all.Go(func() error {
		for part := range folded {
			if err := w.write(ctx, part); err != nil {
				return err
			}
		}
		return nil
	})
	return all.Wait()
}

func (w *worker) readSpans(ctx context.Context, all []span, out chan<- []eventstore.Event) error {
	for _, s := range all {
		for at := s.after; ; {
			events, err := w.store.ByStream(ctx, at, s.before, w.at.target, fillMax)
			if err != nil {
				return err
			}
			if len(events) > 0 && !send(ctx, out, events) {
				return ctx.Err()
			}
			if len(events) < fillMax {
				break
			}
			last := events[len(events)-1]
			at = eventstore.Place{Stream: last.Stream, Version: last.Version}
		}
	}
	return nil
}

func send[T any](ctx context.Context, out chan<- T, v T) bool {
	select {
	case out <- v:
		return true
	case <-ctx.Done():
		return false
	}
}

// foldStreams folds events, which come stream by stream, into rows, but for those that
// are left out.
func (w *worker) foldStreams(ctx context.Context, p streamwise, in <-chan []eventstore.Event, out chan<- portion) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &faultError{err: errors.Newf("panic: %v", r)}
		}
	}()
	var open string
	var fold streamFold
	part := portion{rows: make([][]Row, len(w.def.Tables))}
	end := func() error {
		if fold == nil {
			return nil
		}
		part.last = open
		return fold.finish(part.rows)
	}
	for events := range in {
		for _, e := range events {
			if e.Stream != open {
				if err := end(); err != nil {
					return &faultError{err: err}
				}
				open, fold = e.Stream, p.stream(e.Stream)
			}
			if _, skipped := w.skipped[e.Position]; skipped {
				continue
			}
			if err := fold.add(e); err != nil {
				return foldFault(err)
			}
		}
		part.events += len(events)
		if part.last != "" {
			if !send(ctx, out, part) {
				return ctx.Err()
			}
			part = portion{rows: make([][]Row, len(w.def.Tables))}
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err := end(); err != nil {
		return &faultError{err: err}
	}
	if part.last != "" && !send(ctx, out, part) {
		return ctx.Err()
	}
	return nil
}

// write writes a portion, and notes that it has.
func (w *worker) write(ctx context.Context, part portion) error {
	err := pgx.BeginFunc(ctx, w.store.Pool(), func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, w.sql.fill, w.def.Name, w.generation.Number, w.at.filled, part.last, part.events)
		if err != nil {
			return errors.Wrap(err, "note what is filled")
		}
		if tag.RowsAffected() == 0 {
			return errFenced
		}
		for i, t := range w.def.Tables {
			if err := t.Copy(ctx, tx, w.generation, part.rows[i]); err != nil {
				return err
			}
		}
		return nil
	})
	switch {
	case err == nil:
		w.at.filled = part.last
		return nil
	case ctx.Err() != nil, errors.Is(err, errFenced), unwell(err):
		return err
	}
	return &faultError{err: err}
}
