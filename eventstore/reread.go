package eventstore

import (
	"context"
	"io"
	"net"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5/pgconn"
)

// reread reads from the log, and once more where the connection was lost on the way,
// as when the server was restarted: a pool notices that only as it uses them. Nothing
// is changed by a read, so that it may be asked again.
func (s *Store) reread(ctx context.Context, read func() error) error {
	err := read()
	if err == nil || ctx.Err() != nil || !connectionLost(err) {
		return err
	}
	s.reads.Reset() // the others are of the same age
	return read()
}

// connectionLost reports whether err says that a connection which was there is gone.
// That none could be made is no reason to try again at once.
func connectionLost(err error) bool {
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) {
		return false
	}
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		// The server shuts down, has crashed, or has ended the session.
		return pgErr.Code == "57P01" || pgErr.Code == "57P02" || pgErr.Code == "57P05"
	}
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || pgconn.SafeToRetry(err)
}
