package projections

import (
	"context"
	"io"
	"net"
	"strconv"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tender/domain/codec"
	"tender/eventstore"
	"tender/eventstore/trace"
)

// parkedStreamsMax is how many streams a projection sets aside before it stops.
const parkedStreamsMax = 1000

var (
	// errFenced says that the cursor is not where this process believed it to be:
	// another has moved it, or an operator has changed its state.
	errFenced = errors.New("the cursor has been moved or stopped by another")
	// errForged says that the log holds another chain hash at a batch's end than the
	// batch does.
	errForged = errors.New("the batch is not what the log holds")
	// errLeft says that a worker leaves its generation to another process.
	errLeft = errors.New("another process feeds the generation")
	// errDropped says that the generation is there no more.
	errDropped = errors.New("the generation was dropped")
	// ErrOtherHistory says that a cursor's chain hash is not the log's at that
	// position: one of the two was restored from a backup. The read model must be
	// made anew.
	ErrOtherHistory = errors.New("the read model was made from another history than the log's")
)

// faultError wraps an error of Apply that is the fault of an event.
type faultError struct{ err error }

func (e *faultError) Error() string { return e.err.Error() }
func (e *faultError) Unwrap() error { return e.err }

// load reads the cursor and what is parked, and checks that the cursor belongs to
// this log.
func (w *worker) load(ctx context.Context) error {
	pool := w.store.Pool()
	var hash []byte
	w.idle, w.superseded, w.refused, w.indexed, w.next = idle{}, false, false, false, nil
	err := pool.QueryRow(ctx, w.sql.load, w.def.Name, w.generation.Number).
		Scan(&w.at.position, &hash, &w.at.state, &w.at.serving, &w.at.retired, &w.at.target, &w.at.filled)
	if errors.Is(err, pgx.ErrNoRows) {
		return errDropped
	}
	if err != nil {
		return errors.Wrap(err, "load a cursor")
	}
	copy(w.at.hash[:], hash)
	w.limit = w.most()
	if err := w.loadParked(ctx, pool); err != nil {
		return err
	}
	if err := w.loadSkipped(ctx); err != nil {
		return err
	}
	if w.at.serving {
		w.cursors.moved.reached(w.def.Name, w.at.position)
	}
	if !w.at.moves() {
		return nil
	}
	inLog, err := w.store.HashAt(ctx, w.at.position)
	if errors.Is(err, eventstore.ErrGap) || (err == nil && inLog != w.at.hash) {
		return w.stop(ctx, errors.Wrapf(ErrOtherHistory, "at position %d", w.at.position))
	}
	return err
}

// asker is a connection, or a transaction.
type asker interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// loadParked reads which streams are set aside.
func (w *worker) loadParked(ctx context.Context, from asker) error {
	rows, err := from.Query(ctx, w.sql.parked, w.def.Name, w.generation.Number, w.at.position, parkedStreamsMax)
	if err != nil {
		return errors.Wrap(err, "load parked streams")
	}
	streams, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return errors.Wrap(err, "load parked streams")
	}
	w.parked = make(map[string]bool, len(streams))
	for _, s := range streams {
		w.parked[s] = true
	}
	return nil
}

// apply applies events, which may be none, and moves the cursor past them and what
// was passed over before them, in one transaction. The cursor is moved first: that
// takes its lock, so a twin waits here and is refused, rather than getting in the way
// of each row. Rows and cursor are lost together if PostgreSQL crashes; the last
// batches are applied once more then. A decision about what is left out may come last
// only.
func (w *worker) apply(ctx context.Context, events []eventstore.Event) (err error) {
	if len(events) > 0 {
		var end trace.End
		ctx, end = trace.Begin(ctx, "project "+w.def.Name, "mode", w.store.Log().Mode, "generation", strconv.Itoa(w.generation.Number),
			"events", strconv.Itoa(len(events)), "position", strconv.FormatInt(events[len(events)-1].Position, 10))
		defer func() { end(err) }()
	}
	tx, err := w.store.Pool().Begin(ctx)
	if err != nil {
		return errors.Wrap(err, "begin")
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // after a commit there is nothing to roll back
	last := w.idle.last
	if len(events) > 0 {
		last = events[len(events)-1]
	}
	if err := w.move(ctx, tx, last); err != nil {
		return err
	}
	todo, err := w.setAside(ctx, tx, w.leaveOut(events))
	if err != nil {
		return err
	}
	if len(todo) > 0 {
		if err := w.fold(ctx, tx, todo); err != nil {
			return err
		}
	}
	decided := len(events) > 0 && w.decides(last)
	if decided {
		if err := w.follow(ctx, tx, last); err != nil {
			return err
		}
	}
	if err := tx.Commit(ctx); err != nil {
		if unwell(err) {
			return errors.Wrap(err, "commit")
		}
		return &faultError{err: errors.Wrap(err, "commit")} // a constraint that is checked at the end
	}
	w.reached(last)
	if decided {
		return w.loadParked(ctx, w.store.Pool())
	}
	return nil
}

func (w *worker) reached(last eventstore.Event) {
	w.at.position, w.at.hash, w.idle = last.Position, last.Hash, idle{}
	if w.at.serving {
		w.cursors.moved.reached(w.def.Name, last.Position)
	}
}

// move moves the cursor to e within tx.
func (w *worker) move(ctx context.Context, tx pgx.Tx, e eventstore.Event) error {
	err := tx.QueryRow(ctx, w.sql.move, w.def.Name, w.generation.Number,
		w.at.position, w.at.hash[:], e.Position, e.Hash[:]).Scan(&w.at.serving, &w.at.retired)
	if !errors.Is(err, pgx.ErrNoRows) {
		return errors.Wrap(err, "move a cursor")
	}
	var same bool
	if err := tx.QueryRow(ctx, w.sql.hashIs, e.Position, e.Hash[:]).Scan(&same); err != nil {
		return errors.Wrap(err, "compare a chain hash with the log's")
	}
	if !same {
		return errForged
	}
	return errFenced
}

// fold calls the projection, and tells what it returns apart.
func (w *worker) fold(ctx context.Context, tx pgx.Tx, events []eventstore.Event) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &faultError{err: errors.Newf("panic: %v", p)}
		}
	}()
	err = w.projection.Apply(ctx, tx, w.generation, events)
	if err == nil || ctx.Err() != nil {
		return err
	}
	return foldFault(err)
}

// foldFault tells what is the fault of an event from what isn't.
func foldFault(err error) error {
	if unwell(err) || errors.HasType(err, (*codec.NewerError)(nil)) {
		return err
	}
	return &faultError{err: err}
}

// unwell reports an error that says nothing about the events: PostgreSQL can't be
// reached, is going down, lacks resources, or chose this transaction to end a
// deadlock.
func unwell(err error) bool {
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) && len(pgErr.Code) == 5 {
		switch pgErr.Code[:2] {
		case "08", "40", "53", "55", "57", "58", "XX":
			return true
		}
		// A server that only reads now, after a failover; a transaction that was idle
		// for too long.
		return pgErr.Code == "25006" || pgErr.Code == "25P03"
	}
	var netErr net.Error
	var connectErr *pgconn.ConnectError
	return errors.As(err, &netErr) || errors.As(err, &connectErr) || pgconn.SafeToRetry(err) ||
		errors.IsAny(err, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, pgx.ErrTxClosed, context.Canceled, context.DeadlineExceeded)
}
