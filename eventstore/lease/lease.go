// Package lease keeps who does what, until when: a row per piece of work or
// singleton loop in the table leases of a log's work schema.
//
// A lease coordinates; it is never the fence. Its holder may be stopped at any
// instruction and wake up long after another has taken over, so whatever a
// holder writes must be refused by something else then: the cursor's
// compare-and-set for a projection, the stream's version for a command, the
// expected last sequence for the relay. All deadlines are by PostgreSQL's clock,
// so that two machines whose clocks differ still agree on who holds what.
//
// For work that is claimed from a read model (what is due, what is to be
// delivered), the rules are:
//
//   - A piece of work without a row, or whose row has expired, may be taken.
//     FOR UPDATE SKIP LOCKED in the statement that claims serves that statement
//     only: it keeps two claimers from waiting for each other. What keeps the work
//     from being done twice at once is the row that the statement leaves behind.
//   - A claim is a hint. Its holder loads the stream, and the rules say whether
//     there is anything to do.
//   - A failed try leaves its row without owner, until = the next try ([Leases.Set]
//     with no position): nobody takes it before.
//   - Finished work keeps its row, with the position of its outcome, until the read
//     model has passed that position ([Leases.Set] with a position, then
//     [Leases.Sweep]); otherwise a reader of a read model that lags would take the
//     work up again.
package lease

import (
	"context"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tender/eventstore"
)

// sweepMax is how many rows one [Leases.Sweep] removes at most, so that a sweep
// never holds many locks.
const sweepMax = 10_000

// Leases is the table of leases of one log. It is safe for concurrent use.
type Leases struct {
	pool *pgxpool.Pool

	take, renew, release, set, sweep, forget, held string
}

// New returns the leases of log, reached by pool as the application's role.
func New(pool *pgxpool.Pool, log eventstore.Log) *Leases {
	table := pgx.Identifier{log.WorkSchema(), "leases"}.Sanitize()
	return &Leases{
		pool: pool,
		take: `INSERT INTO ` + table + ` AS l (kind, id, owner, until)
			VALUES ($1, $2, $3, clock_timestamp() + $4::bigint * interval '1 microsecond')
			ON CONFLICT (kind, id) DO UPDATE
			SET owner = excluded.owner, until = excluded.until
			WHERE l.done_position IS NULL
			  AND (l.owner = excluded.owner OR l.until <= clock_timestamp())`,
		renew: `UPDATE ` + table + `
			SET until = clock_timestamp() + $4::bigint * interval '1 microsecond'
			WHERE kind = $1 AND id = $2 AND owner = $3`,
		release: `DELETE FROM ` + table + ` WHERE kind = $1 AND id = $2 AND owner = $3`,
		set: `UPDATE ` + table + `
			SET owner = '', until = $4, done_position = nullif($5::bigint, 0)
			WHERE kind = $1 AND id = $2 AND owner = $3`,
		forget: `DELETE FROM ` + table + `
			WHERE kind = $1 AND id = $2 AND owner = '' AND (done_position IS NULL OR done_position <= $3)`,
		held: `SELECT EXISTS (SELECT FROM ` + table + `
			WHERE kind = $1 AND id = $2 AND owner <> '' AND until > clock_timestamp())`,
		sweep: `DELETE FROM ` + table + ` WHERE (kind, id) IN (
			SELECT kind, id FROM ` + table + `
			WHERE kind = $1 AND done_position <= $2
			LIMIT $3 FOR UPDATE SKIP LOCKED)`,
	}
}

// Take takes the lease on (kind, id) for ttl, and reports whether owner holds it
// now. It is taken if there is none, if the one there is has expired, or if it is
// owner's already; never if the work was done and the row awaits [Leases.Sweep].
// An owner is a name that no other taker uses, and not empty.
func (l *Leases) Take(ctx context.Context, kind, id, owner string, ttl time.Duration) (bool, error) {
	if owner == "" {
		return false, errors.AssertionFailedf("lease %s/%s taken without an owner", kind, id)
	}
	return l.one(ctx, l.take, kind, id, owner, ttl.Microseconds())
}

// Renew makes owner's lease last ttl from now, and reports whether owner held it.
// A lease that has expired is renewed too as long as nobody else has taken it.
func (l *Leases) Renew(ctx context.Context, kind, id, owner string, ttl time.Duration) (bool, error) {
	return l.one(ctx, l.renew, kind, id, owner, ttl.Microseconds())
}

// Release gives owner's lease back, so that it may be taken at once, and reports
// whether owner held it.
func (l *Leases) Release(ctx context.Context, kind, id, owner string) (bool, error) {
	return l.one(ctx, l.release, kind, id, owner)
}

// Set lets go of owner's lease on a piece of work, which nobody then takes before
// until. With donePosition 0 the work is to be tried again then; otherwise it was
// done by the event at that position, and the row stays for [Leases.Sweep]. It
// reports whether owner held the lease; if not, the row is another's and is left
// alone.
func (l *Leases) Set(ctx context.Context, kind, id, owner string, until time.Time, donePosition int64) (bool, error) {
	return l.one(ctx, l.set, kind, id, owner, until, donePosition)
}

// Sweep removes the leases of a kind whose work was done at or before position,
// which the read model that lists such work has passed, and says how many: at
// most 10 000 in one call.
func (l *Leases) Sweep(ctx context.Context, kind string, position int64) (int64, error) {
	tag, err := l.pool.Exec(ctx, l.sweep, kind, position, sweepMax)
	return tag.RowsAffected(), errors.Wrapf(err, "sweep leases of kind %s", kind)
}

// Forget removes a lease that nobody holds, so that its work may be taken at once
// when it comes up again: one that waits for a next try, or whose work was done at
// or before position, which the read model has passed. It reports whether there
// was one.
func (l *Leases) Forget(ctx context.Context, kind, id string, position int64) (bool, error) {
	return l.one(ctx, l.forget, kind, id, position)
}

// Held reports whether anybody holds the lease on (kind, id) now.
func (l *Leases) Held(ctx context.Context, kind, id string) (held bool, err error) {
	err = l.pool.QueryRow(ctx, l.held, kind, id).Scan(&held)
	return held, errors.Wrapf(err, "look at lease %s/%s", kind, id)
}

// one runs a statement that concerns one lease, and reports whether it found it.
func (l *Leases) one(ctx context.Context, sql, kind, id string, args ...any) (bool, error) {
	tag, err := l.pool.Exec(ctx, sql, append([]any{kind, id}, args...)...)
	if err != nil {
		return false, errors.Wrapf(err, "lease %s/%s", kind, id)
	}
	return tag.RowsAffected() == 1, nil
}
