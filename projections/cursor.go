package projections

import (
	"context"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tender/eventstore"
)

// State is what a projection is doing.
type State string

// The states of a projection. Running and parked ones move.
const (
	Running State = "running"
	Parked  State = "parked"  // runs, with streams set aside
	Paused  State = "paused"  // by an operator
	Stopped State = "stopped" // at an event that can't be applied, or at another history

	// Filling: a new generation is filled stream by stream, up to its target.
	Filling State = "filling"
	// Interrupted: a rebuild was, by whoever ran it, and waits to be taken up again.
	Interrupted State = "interrupted"
)

// cursor is how far a generation has come, and in which history.
type cursor struct {
	position int64
	hash     [32]byte // the log's chain hash at position; while it is filled, at target
	state    State
	serving  bool   // the views show this generation
	retired  bool   // they did: it is fed on, and swapped in by a rollback only
	target   int64  // what it is filled up to
	filled   string // the last stream that its tables hold, while it is filled
}

func (c cursor) moves() bool { return c.state == Running || c.state == Parked }

// bookkeeping makes the runner's own tables. Positions change with each batch and
// are in no index, so that a change stays within its page.
func bookkeeping(log eventstore.Log) string {
	read := pgx.Identifier{log.ReadSchema()}.Sanitize()
	const states = `('filling', 'interrupted', 'running', 'parked', 'paused', 'stopped')`
	return `
	CREATE TABLE IF NOT EXISTS ` + read + `.projections (
		name       text        NOT NULL,
		generation integer     NOT NULL,
		definition text        NOT NULL,
		tables     text[]      NOT NULL, -- of the definition, which a later build's may lack
		position   bigint      NOT NULL,
		hash       bytea       NOT NULL,
		state      text        NOT NULL CHECK (state IN ` + states + `),
		error      text        NOT NULL DEFAULT '',
		serving    boolean     NOT NULL,
		retired    boolean     NOT NULL DEFAULT false,
		target     bigint      NOT NULL, -- the log's head when it was made
		filled     text        NOT NULL DEFAULT '', -- the last stream that is in its tables
		done       bigint      NOT NULL DEFAULT 0,  -- events that were folded to fill it,
		total      bigint      NOT NULL DEFAULT 0,  -- of about so many
		rate       real        NOT NULL DEFAULT 0,  -- positions per second, the last ones weigh most
		began_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
		updated_at timestamptz NOT NULL,
		PRIMARY KEY (name, generation)
	) WITH (fillfactor = 50);
	CREATE UNIQUE INDEX IF NOT EXISTS projections_serving ON ` + read + `.projections (name) WHERE serving;
	CREATE TABLE IF NOT EXISTS ` + read + `.parked_events (
		name       text        NOT NULL,
		generation integer     NOT NULL,
		position   bigint      NOT NULL,
		stream     text        NOT NULL,
		type       text        NOT NULL,
		error      text        NOT NULL, -- empty: parked because its stream is
		parked_at  timestamptz NOT NULL,
		PRIMARY KEY (name, generation, position)
	)`
}

// statements are the cursor's, for one log.
type statements struct {
	load, move, hashIs, stop, park, unpark, parked string
	fill, filled, refill                           string
}

// rateOver is over how many seconds the rate of a projection is smoothed, and passed
// how many have passed since its cursor was moved.
const (
	rateOver = "10"
	passed   = "greatest(extract(epoch FROM clock_timestamp() - updated_at)::float8, 0.001)"
)

func newStatements(log eventstore.Log) statements {
	read := pgx.Identifier{log.ReadSchema()}.Sanitize()
	events := pgx.Identifier{log.Schema(), "events"}.Sanitize()
	return statements{
		load: `SELECT position, hash, state, serving, retired, target, filled FROM ` + read + `.projections WHERE name = $1 AND generation = $2`,
		// The fence: it moves only from where this process believes the cursor to
		// be, and only to a chain hash that the log holds at the new position.
		move: `UPDATE ` + read + `.projections
			SET position = $5, hash = $6, updated_at = clock_timestamp(),
				error = CASE state WHEN 'running' THEN '' ELSE error END,
				rate = rate + (1 - exp(-` + passed + ` / ` + rateOver + `)) * (($5::bigint - $3::bigint) / ` + passed + ` - rate)
			WHERE name = $1 AND generation = $2 AND position = $3 AND hash = $4
			  AND state IN ('running', 'parked')
			  AND EXISTS (SELECT FROM ` + events + ` e WHERE e.position = $5 AND e.hash = $6)
			RETURNING serving, retired`,
		hashIs: `SELECT EXISTS (SELECT FROM ` + events + ` WHERE position = $1 AND hash = $2)`,
		stop: `UPDATE ` + read + `.projections
			SET state = $5, error = $6, updated_at = clock_timestamp()
			WHERE name = $1 AND generation = $2 AND position = $3 AND hash = $4
			  AND state IN ('running', 'parked')`,
		park: `INSERT INTO ` + read + `.parked_events (name, generation, position, stream, type, error, parked_at)
			VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp())
			ON CONFLICT (name, generation, position)
			DO UPDATE SET error = excluded.error, parked_at = excluded.parked_at`,
		unpark: `WITH gone AS (
				DELETE FROM ` + read + `.parked_events WHERE name = $1 AND generation = $2 AND position = $3)
			UPDATE ` + read + `.parked_events k SET error = $5
			WHERE name = $1 AND generation = $2 AND position = (SELECT min(position) FROM ` + read + `.parked_events n
				WHERE n.name = $1 AND n.generation = $2 AND n.stream = $4 AND n.position <> $3) AND error = ''`,
		// Filling has a fence, too: the last stream that is in the tables.
		fill: `UPDATE ` + read + `.projections
			SET filled = $4, done = done + $5, updated_at = clock_timestamp()
			WHERE name = $1 AND generation = $2 AND state = 'filling' AND filled = $3`,
		// Who has paused the generation that is served wants this one to stand, too.
		filled: `UPDATE ` + read + `.projections p
			SET position = target, updated_at = clock_timestamp(), total = done,
				state = CASE WHEN EXISTS (SELECT FROM ` + read + `.projections s
					WHERE s.name = p.name AND s.serving AND s.state = 'paused') THEN 'paused' ELSE 'running' END
			WHERE name = $1 AND generation = $2 AND state = 'filling' AND filled = $3
			  AND (target = 0 OR EXISTS (SELECT FROM ` + events + ` e WHERE e.position = p.target AND e.hash = p.hash))`,
		refill: `UPDATE ` + read + `.projections
			SET position = 0, hash = $4, filled = '', done = 0, state = 'running', updated_at = clock_timestamp()
			WHERE name = $1 AND generation = $2 AND state = 'filling' AND filled = $3`,
		parked: `SELECT DISTINCT stream FROM ` + read + `.parked_events
			WHERE name = $1 AND generation = $2 AND position <= $3 LIMIT $4`,
	}
}

// ErrUnknown says that there is no projection of that name.
var ErrUnknown = errors.New("no such projection")

// Cursors tells how far the read models of a log have come, in whatever process
// they are kept. It is safe for concurrent use.
type Cursors struct {
	pool   *pgxpool.Pool
	read   string // the quoted read schema
	events string // the quoted log
	moving string // the state of a projection p that moves
	moved  progress
}

// NewCursors returns the cursors of store's log.
func NewCursors(store *eventstore.Store) *Cursors {
	read := pgx.Identifier{store.Log().ReadSchema()}.Sanitize()
	return &Cursors{
		pool: store.Pool(), read: read, events: pgx.Identifier{store.Log().Schema(), "events"}.Sanitize(),
		moving: `CASE WHEN EXISTS (SELECT FROM ` + read + `.parked_events k
			WHERE k.name = p.name AND k.generation = p.generation AND k.position <= p.position)
			THEN 'parked' ELSE 'running' END`,
	}
}

// Position returns how far the projection has come that the views of that name
// show. What is queried afterwards is at least as new.
func (c *Cursors) Position(ctx context.Context, name string) (int64, error) {
	var position int64
	err := c.pool.QueryRow(ctx, `SELECT position FROM `+c.read+`.projections WHERE name = $1 AND serving`, name).Scan(&position)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, errors.Wrap(ErrUnknown, name)
	}
	return position, errors.Wrapf(err, "position of projection %s", name)
}

// Lowest returns the lowest position that a projection has still to read beyond; 0
// if none has begun. Generations older than the one that is served don't count, and
// neither do those that are filled from the log.
func (c *Cursors) Lowest(ctx context.Context) (int64, error) {
	var there bool
	if err := c.pool.QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL`, c.read+".projections").Scan(&there); err != nil {
		return 0, errors.Wrap(err, "look for the cursors")
	}
	if !there {
		return 0, nil
	}
	var lowest int64
	err := c.pool.QueryRow(ctx, `SELECT coalesce(min(position), 0) FROM `+c.read+`.projections p
		WHERE NOT retired AND state NOT IN ('filling', 'interrupted')
		  AND NOT EXISTS (SELECT FROM `+c.read+`.projections s
			WHERE s.name = p.name AND s.serving AND s.generation > p.generation)`).Scan(&lowest)
	return lowest, errors.Wrap(err, "find the lowest cursor")
}

// Pause makes all generations of a projection stand still until [Cursors.Resume].
// A batch that is being applied is refused at its end.
func (c *Cursors) Pause(ctx context.Context, name string) error {
	return c.change(ctx, name, `UPDATE `+c.read+`.projections
		SET state = 'paused', updated_at = clock_timestamp()
		WHERE name = $1 AND state IN ('running', 'parked', 'paused')`)
}

// Resume lets a paused or stopped projection go on from its cursor, by way of the
// event that it stopped at, if any. Streams that are parked stay so.
func (c *Cursors) Resume(ctx context.Context, name string) error {
	return c.change(ctx, name, `WITH cleared AS (
			DELETE FROM `+c.read+`.parked_events k USING `+c.read+`.projections p
			WHERE p.name = $1 AND k.name = p.name AND k.generation = p.generation AND k.position > p.position)
		UPDATE `+c.read+`.projections p
		SET updated_at = clock_timestamp(), error = '', state = `+c.moving+`
		WHERE name = $1 AND state NOT IN ('filling', 'interrupted')`)
}

func (c *Cursors) change(ctx context.Context, name, sql string) error {
	tag, err := c.pool.Exec(ctx, sql, name)
	if err != nil {
		return errors.Wrapf(err, "change the state of projection %s", name)
	}
	if tag.RowsAffected() == 0 {
		return errors.Wrap(ErrUnknown, name)
	}
	c.moved.broadcast()
	return nil
}

// ParkedEvent is an event that could not be applied, or that follows one in its
// stream.
type ParkedEvent struct {
	Name         string
	Generation   int
	Position     int64
	Stream, Type string
	Error        string // empty: parked because its stream is
	ParkedAt     time.Time
}

// ParkedEvents lists events that could not be applied, latest first, at most limit.
func (c *Cursors) ParkedEvents(ctx context.Context, limit int) ([]ParkedEvent, error) {
	rows, err := c.pool.Query(ctx, `SELECT name, generation, position, stream, type, error, parked_at
		FROM `+c.read+`.parked_events ORDER BY parked_at DESC, position DESC LIMIT $1`, limit)
	if err != nil {
		return nil, errors.Wrap(err, "list parked events")
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[ParkedEvent])
	return all, errors.Wrap(err, "list parked events")
}
