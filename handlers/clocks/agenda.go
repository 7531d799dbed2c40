package clocks

import (
	"context"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tender/eventstore"
	"tender/projections"
)

// entry is the first thing that stands in a clock's way. The zero entry is none.
type entry struct {
	Stream string
	// InFlight: a call to the outside is unanswered. It settles by the wall's time,
	// and comes first.
	InFlight bool
	DueAt    time.Time // by the clock; unless InFlight
	Position int64     // of the last event that changed what is due of this stream
}

func (e entry) empty() bool { return e.Stream == "" }

// agenda reads what lies ahead of clocks. What it says is as new as the read models.
type agenda struct {
	pool                  *pgxpool.Pool
	firstSQL, advancedSQL string
}

func newAgenda(store *eventstore.Store) agenda {
	table := func(name string) string { return pgx.Identifier{store.Log().ReadSchema(), name}.Sanitize() }
	return agenda{
		pool: store.Pool(),
		// What is in flight comes first, then what is due first; of things due at one
		// instant those of one kind, and of these the oldest.
		firstSQL: `
			SELECT id, in_flight, coalesce(clock_due_at, 'epoch'), position
			FROM ` + table(projections.DueName) + `
			WHERE clock_id = $1 AND (in_flight OR clock_due_at <= $2) AND id <> ALL ($3)
			ORDER BY in_flight DESC, clock_due_at, split_part(id, '_', 1), first_position
			LIMIT 1`,
		advancedSQL: strings.ReplaceAll(`SELECT id FROM clocks WHERE status = 'advancing' ORDER BY first_position LIMIT 1000`,
			"clocks", table(projections.ClocksName)),
	}
}

// first returns what comes first on the way of a clock to an instant, but for those
// streams that were set aside.
func (a agenda) first(ctx context.Context, clockID string, to time.Time, aside []string) (entry, error) {
	rows, err := a.pool.Query(ctx, a.firstSQL, clockID, to, aside)
	if err != nil {
		return entry{}, errors.Wrap(err, "look what is due by a test clock")
	}
	e, err := pgx.CollectOneRow(rows, pgx.RowToStructByPos[entry])
	if errors.Is(err, pgx.ErrNoRows) {
		return entry{}, nil
	}
	return e, errors.Wrap(err, "look what is due by a test clock")
}

// advancing returns the clocks that are on their way.
func (a agenda) advancing(ctx context.Context) ([]string, error) {
	rows, err := a.pool.Query(ctx, a.advancedSQL)
	if err != nil {
		return nil, errors.Wrap(err, "look for test clocks")
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return all, errors.Wrap(err, "look for test clocks")
}
