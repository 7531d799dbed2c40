package projections

import (
	"context"
	"slices"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"

	"tender/domain/readmodel"
	"tender/eventstore"
)

// Which events a read model leaves out is in the log, in a stream of its own: see
// [readmodel]. A generation that is made later leaves them out as it comes to them. One
// that has passed them comes to the decision instead, further on in the log, and folds
// the stream that it concerns anew. So all generations hold the same rows, as soon as
// they have passed the decision.

// Skipped returns which events the read model of that name leaves out, by their
// positions.
func Skipped(ctx context.Context, store *eventstore.Store, name string) (map[int64]readmodel.EventSkipped, error) {
	events, err := store.Stream(ctx, readmodel.Stream(name))
	if err != nil {
		return nil, errors.Wrap(err, "read what is left out")
	}
	var s readmodel.State
	for _, e := range events {
		d, err := readmodel.Codec.Decode(e.Type, e.SchemaVersion, e.Payload)
		if err != nil {
			return nil, errors.Wrapf(err, "event %d", e.Position)
		}
		s = readmodel.Evolve(s, d)
	}
	return s.Skipped, nil
}

// decides reports whether e is a decision about what is left out here.
func (w *worker) decides(e eventstore.Event) bool { return e.Stream == w.decisions }

// untilDecision returns events up to the first decision about what is left out, which
// ends a batch.
func (w *worker) untilDecision(events []eventstore.Event) []eventstore.Event {
	if i := slices.IndexFunc(events, w.decides); i >= 0 {
		return events[:i+1]
	}
	return events
}

// leaveOut returns those of events that are taken in.
func (w *worker) leaveOut(events []eventstore.Event) []eventstore.Event {
	if len(w.skipped) == 0 {
		return events
	}
	todo := make([]eventstore.Event, 0, len(events))
	for _, e := range events {
		if _, skipped := w.skipped[e.Position]; !skipped {
			todo = append(todo, e)
		}
	}
	return todo
}

// follow has the generation follow decision e, up to which it has come in tx: the
// stream that it is about is folded anew, without what is left out now. What can't be
// applied of it is set aside; where nothing may be, the projection stops at the
// decision, until it is taken back. What was decided before the generation was made it has
// known from its first event on.
func (w *worker) follow(ctx context.Context, tx pgx.Tx, e eventstore.Event) error {
	if e.Position <= w.at.target {
		return nil
	}
	decision, err := readmodel.Codec.Decode(e.Type, e.SchemaVersion, e.Payload)
	if err != nil {
		return errors.Wrapf(err, "event %d", e.Position)
	}
	if err := w.loadSkipped(ctx); err != nil {
		return err
	}
	stream, number := readmodel.Concerns(decision), w.generation.Number
	left, why, err := takeUp(ctx, tx, w.store, w.projection, w.generation, stream, e.Position, w.skipped)
	switch {
	case errors.Is(err, ErrNeedsRebuild):
		err = w.followByRebuild(ctx, tx, decision)
	case err == nil:
		err = w.cursors.unpark(ctx, tx, w.def.Name, number, stream)
	}
	if err != nil {
		return err
	}
	if len(left) > 0 && (w.def.Policy == Stop || len(w.parked) >= parkedStreamsMax) {
		return &faultError{err: errors.Wrapf(why, "position %d, which is to be taken in again", left[0].Position)}
	}
	for i, e := range left {
		reason := ""
		if i == 0 {
			reason = why.Error()
		}
		if err := w.record(ctx, tx, e, reason); err != nil {
			return err
		}
	}
	return w.cursors.restate(ctx, tx, w.def.Name, number)
}

// followByRebuild does what can be done for a decision where no stream can be folded
// alone: an event that is left out is set aside no longer, and whatever else it takes
// waits for a rebuild, set aside.
func (w *worker) followByRebuild(ctx context.Context, tx pgx.Tx, decision readmodel.Event) error {
	switch d := decision.(type) {
	case readmodel.EventSkipped:
		_, err := tx.Exec(ctx, w.sql.unpark, w.def.Name, w.generation.Number, d.Position, d.Stream, ErrNeedsRebuild.Error())
		return errors.Wrap(err, "forget what was set aside")
	case readmodel.EventRestored:
		if w.def.Policy == Stop {
			return &faultError{err: errors.Wrapf(ErrNeedsRebuild, "position %d, which is to be taken in again", d.Position)}
		}
		e, err := w.store.After(ctx, d.Position-1, 1)
		if err != nil || len(e) == 0 {
			return errors.CombineErrors(err, errors.Newf("position %d", d.Position))
		}
		return w.record(ctx, tx, e[0], ErrNeedsRebuild.Error())
	}
	return nil
}

func (w *worker) loadSkipped(ctx context.Context) (err error) {
	w.skipped, err = Skipped(ctx, w.store, w.def.Name)
	return err
}
