package projections

import (
	"context"
	"strings"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tender/eventstore"
)

// poison deals with e, which can't be applied: it is recorded, and then either its
// stream is set aside or the projection stops.
func (w *worker) poison(ctx context.Context, e eventstore.Event, fault error) error {
	w.slog.ErrorContext(ctx, "an event can't be applied", "position", e.Position, "stream", e.Stream, "type", e.Type, "error", fault.Error())
	if w.def.Policy == ParkStream && len(w.parked) < parkedStreamsMax && !isMistake(fault) {
		return w.parkStream(ctx, e, fault)
	}
	return w.stopAt(ctx, e, fault)
}

// isMistake reports a statement that PostgreSQL doesn't understand: every event would
// be parked for it.
func isMistake(fault error) bool {
	var pgErr *pgconn.PgError
	return errors.As(fault, &pgErr) && strings.HasPrefix(pgErr.Code, "42")
}

// parkStream records e and moves past it.
func (w *worker) parkStream(ctx context.Context, e eventstore.Event, fault error) error {
	err := pgx.BeginFunc(ctx, w.store.Pool(), func(tx pgx.Tx) error {
		if err := w.record(ctx, tx, e, fault.Error()); err != nil {
			return err
		}
		if err := w.setState(ctx, tx, Parked, fault); err != nil {
			return err
		}
		return w.move(ctx, tx, e)
	})
	if err != nil {
		return err
	}
	w.parked[e.Stream], w.at.state = true, Parked
	w.reached(e)
	return nil
}

// stopAt records e and leaves the cursor before it.
func (w *worker) stopAt(ctx context.Context, e eventstore.Event, fault error) error {
	err := pgx.BeginFunc(ctx, w.store.Pool(), func(tx pgx.Tx) error {
		if err := w.record(ctx, tx, e, fault.Error()); err != nil {
			return err
		}
		return w.setState(ctx, tx, Stopped, fault)
	})
	if err == nil {
		w.at.state = Stopped
	}
	return err
}

// stop leaves the projection where it is, not because of an event.
func (w *worker) stop(ctx context.Context, why error) error {
	w.slog.ErrorContext(ctx, "the projection has stopped", "error", why.Error())
	err := pgx.BeginFunc(ctx, w.store.Pool(), func(tx pgx.Tx) error { return w.setState(ctx, tx, Stopped, why) })
	if err == nil {
		w.at.state = Stopped
	}
	return err
}

// setState changes the state of a cursor that is where this process believes it to
// be.
func (w *worker) setState(ctx context.Context, tx pgx.Tx, s State, why error) error {
	tag, err := tx.Exec(ctx, w.sql.stop, w.def.Name, w.generation.Number, w.at.position, w.at.hash[:], string(s), why.Error())
	if err != nil {
		return errors.Wrap(err, "change a projection's state")
	}
	if tag.RowsAffected() == 0 {
		return errFenced
	}
	return nil
}

func (w *worker) record(ctx context.Context, tx pgx.Tx, e eventstore.Event, fault string) error {
	_, err := tx.Exec(ctx, w.sql.park, w.def.Name, w.generation.Number, e.Position, e.Stream, e.Type, fault)
	return errors.Wrap(err, "record an event that can't be applied")
}

// setAside records those of events whose stream is parked, and returns the others. What
// is parked is looked up anew, because an operator may have had a stream taken up.
func (w *worker) setAside(ctx context.Context, tx pgx.Tx, events []eventstore.Event) ([]eventstore.Event, error) {
	if len(w.parked) == 0 {
		return events, nil
	}
	if err := w.loadParked(ctx, tx); err != nil {
		return nil, err
	}
	todo := make([]eventstore.Event, 0, len(events))
	for _, e := range events {
		if !w.parked[e.Stream] {
			todo = append(todo, e)
			continue
		}
		if err := w.record(ctx, tx, e, ""); err != nil {
			return nil, err
		}
	}
	return todo, nil
}
