package eventstore

import (
	"context"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
)

// PositionAt returns the last position that was recorded by an instant, that instant
// included; 0 where there is none. Recorded times never run backwards along the
// positions, so that some twenty look-ups by position find it in any log.
func (s *Store) PositionAt(ctx context.Context, t time.Time) (int64, error) {
	head, _, err := s.Head(ctx)
	if err != nil {
		return 0, err
	}
	var known, beyond int64 = 0, head + 1 // recorded by t; recorded later
	for beyond-known > 1 {
		middle := known + (beyond-known)/2
		var at time.Time
		err := s.reread(ctx, func() error {
			return s.reads.QueryRow(ctx, recordedQuery(s.log), middle).Scan(&at)
		})
		if errors.Is(err, pgx.ErrNoRows) {
			return 0, errors.Wrapf(ErrGap, "no position %d", middle)
		}
		if err != nil {
			return 0, errors.Wrap(err, "read when a position was recorded")
		}
		if at.After(t) {
			beyond = middle
		} else {
			known = middle
		}
	}
	return known, nil
}

func recordedQuery(log Log) string {
	return `SELECT recorded_at FROM ` + log.table("events") + ` WHERE position = $1`
}
