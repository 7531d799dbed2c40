package seal

import (
	"context"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"

	"tender/eventstore"
)

// Status is what is known of a log's sealing, by any process.
type Status struct {
	Head   int64       // the log's last position
	Last   *Checkpoint // nil: none was made yet
	Alarm  string      // why sealing has stopped; "": it hasn't
	Since  time.Time   // when it stopped
	Behind int64       // events that aren't sealed yet
}

// Read returns how far a log is sealed, and whether sealing has stopped.
func Read(ctx context.Context, store *eventstore.Store) (Status, error) {
	var s Status
	t := newTables(store)
	c, err := t.last(ctx)
	if err == nil {
		s.Last, s.Behind = &c, -c.Size
	} else if !errors.Is(err, ErrNotSealed) {
		return s, err
	}
	if s.Head, _, err = store.Head(ctx); err != nil {
		return s, err
	}
	s.Behind = max(s.Behind+s.Head, 0)
	err = t.pool.QueryRow(ctx, `SELECT reason, since FROM `+t.stop).Scan(&s.Alarm, &s.Since)
	if errors.Is(err, pgx.ErrNoRows) {
		return s, nil
	}
	return s, errors.Wrap(err, "read the sealer's alarm")
}

func (t tables) raiseAlarm(ctx context.Context, size int64, reason string) error {
	_, err := t.pool.Exec(ctx, `INSERT INTO `+t.stop+` (since, size, reason) VALUES (now(), $1, $2)
		ON CONFLICT (one) DO UPDATE SET size = excluded.size, reason = excluded.reason`, size, reason)
	return errors.Wrap(err, "record the sealer's alarm")
}

func (t tables) clearAlarm(ctx context.Context) error {
	_, err := t.pool.Exec(ctx, `DELETE FROM `+t.stop)
	return errors.Wrap(err, "clear the sealer's alarm")
}
