package eventstore

import (
	"context"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
)

// Claimed returns the stream that holds a look-up key, and whether any does. Once
// a stream holds it, it always will.
func (s *Store) Claimed(ctx context.Context, kind, value string) (stream string, ok bool, err error) {
	err = s.reread(ctx, func() error { return s.reads.QueryRow(ctx, claimQuery(s.log), kind, value).Scan(&stream) })
	if errors.Is(err, pgx.ErrNoRows) {
		return "", false, nil
	}
	return stream, err == nil, errors.Wrap(err, "look a claim up")
}

func claimQuery(log Log) string {
	return `SELECT stream FROM ` + log.table("claims") + ` WHERE kind = $1 AND value = $2`
}
