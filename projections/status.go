package projections

import (
	"context"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
)

// Status is how a generation of a projection stands.
type Status struct {
	Name       string
	Generation int
	Position   int64
	State      State
	Error      string // why it has stopped, or what was parked last
	Serving    bool   // the views show this generation
	Retired    bool   // they did, and may again by a rollback
	UpdatedAt  time.Time

	// Lag is by how many events it is behind the log, and LagTime for how long the
	// log has held the first of them. While a generation is filled that is all of it.
	Lag     int64
	LagTime time.Duration
	// Rate is how many positions a second it has moved of late.
	Rate float64

	// Target is the log's head when the generation was made. While it is filled,
	// Done of about Total events have been folded, since BeganAt.
	Target      int64
	Done, Total int64
	BeganAt     time.Time
	Parked      int64 // how many events are set aside, or stopped at
}

// New reports a generation that is being made: it was never served.
func (s Status) New() bool { return !s.Serving && !s.Retired }

// statusSQL begins the look at all generations. PostgreSQL ends a query that goes on
// after whoever asked has left.
const statusSQL = `BEGIN READ ONLY; SET LOCAL statement_timeout = '2s'`

// Statuses lists all generations of all projections, by name and generation.
func (c *Cursors) Statuses(ctx context.Context) ([]Status, error) {
	all := []Status{}
	err := pgx.BeginTxFunc(ctx, c.pool, pgx.TxOptions{BeginQuery: statusSQL}, func(tx pgx.Tx) (err error) {
		all, err = c.statuses(ctx, tx)
		return err
	})
	return all, errors.Wrap(err, "list projections")
}

func (c *Cursors) statuses(ctx context.Context, tx pgx.Tx) ([]Status, error) {
	rows, err := tx.Query(ctx, `
		SELECT p.name, p.generation, p.position, p.state, p.error, p.serving, p.retired, p.updated_at,
			greatest(coalesce(h.position, 0) - p.position, 0) AS lag,
			coalesce(extract(epoch FROM greatest(clock_timestamp() - n.recorded_at, '0'))::float8, 0),
			p.rate * exp(-`+passed+` / `+rateOver+`), p.target, p.done, p.total, p.began_at,
			(SELECT count(*) FROM `+c.read+`.parked_events k WHERE k.name = p.name AND k.generation = p.generation)
		FROM `+c.read+`.projections p
		LEFT JOIN LATERAL (SELECT position FROM `+c.events+` ORDER BY position DESC LIMIT 1) h ON true
		LEFT JOIN LATERAL (SELECT recorded_at FROM `+c.events+` WHERE position = p.position + 1) n ON true
		ORDER BY p.name, p.generation`)
	if err != nil {
		return nil, err
	}
	all := []Status{}
	var s Status
	var behind float64
	_, err = pgx.ForEachRow(rows, []any{
		&s.Name, &s.Generation, &s.Position, &s.State, &s.Error, &s.Serving, &s.Retired, &s.UpdatedAt,
		&s.Lag, &behind, &s.Rate, &s.Target, &s.Done, &s.Total, &s.BeganAt, &s.Parked,
	}, func() error {
		s.LagTime = time.Duration(behind * float64(time.Second))
		all = append(all, s)
		return nil
	})
	return all, err
}
