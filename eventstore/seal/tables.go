package seal

import (
	"context"
	"slices"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/mod/sumdb/tlog"

	"tender/eventstore"
)

// uniqueViolation is the SQLSTATE of a row that is there already.
const uniqueViolation = "23505"

// The checkpoints of the last day are all kept; of those before it the last of each
// hour, and those that two keys have signed.
const keptWhole = 24 * time.Hour

// ErrNotSealed says that a log has no checkpoint, or none that reaches so far yet.
var ErrNotSealed = errors.New("the log is not sealed so far")

// errLostRace says that another sealer was first.
var errLostRace = errors.New("another sealer was first")

// tables are those of a log's work schema that sealing keeps.
type tables struct {
	pool                     *pgxpool.Pool
	checkpoints, tiles, stop string
}

func newTables(store *eventstore.Store) tables {
	name := func(table string) string { return pgx.Identifier{store.Log().WorkSchema(), table}.Sanitize() }
	return tables{pool: store.Pool(), checkpoints: name("checkpoints"), tiles: name("tiles"), stop: name("seal_alarm")}
}

// last returns the last checkpoint, unbelieved; [ErrNotSealed] if there is none.
func (t tables) last(ctx context.Context) (Checkpoint, error) {
	return t.one(ctx, `ORDER BY number DESC LIMIT 1`)
}

// ofSize returns the last checkpoint of a size, unbelieved.
func (t tables) ofSize(ctx context.Context, size int64) (Checkpoint, error) {
	return t.one(ctx, `WHERE size = $1 ORDER BY number DESC LIMIT 1`, size)
}

func (t tables) one(ctx context.Context, which string, args ...any) (Checkpoint, error) {
	var number int64
	var text string
	err := t.pool.QueryRow(ctx, `SELECT number, note FROM `+t.checkpoints+` `+which, args...).Scan(&number, &text)
	if errors.Is(err, pgx.ErrNoRows) {
		return Checkpoint{}, ErrNotSealed
	}
	if err != nil {
		return Checkpoint{}, errors.Wrap(err, "read a checkpoint")
	}
	c, err := parse(text)
	c.Number = number
	return c, errors.Mark(err, ErrBroken)
}

// addition is what a checkpoint adds.
type addition struct {
	complete []tile      // tiles that became complete
	leaves   []tlog.Hash // the leaves that it added to the tile that isn't
	handover bool
}

// add adds tiles and a checkpoint, both or none. Of two sealers that add a checkpoint
// of the same number the later one has lost the race.
func (t tables) add(ctx context.Context, c Checkpoint, a addition) error {
	err := pgx.BeginFunc(ctx, t.pool, func(tx pgx.Tx) error {
		// What leaves the database must be in it after a crash.
		if _, err := tx.Exec(ctx, `SET LOCAL synchronous_commit = on`); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO `+t.checkpoints+` (number, size, note, sealed_at, handover, leaves) VALUES ($1, $2, $3, $4, $5, $6)`,
			c.Number, c.Size, c.Note, c.Time, a.handover, flat(a.leaves)); err != nil {
			return err
		}
		return t.put(ctx, tx, a.complete)
	})
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.Code == uniqueViolation {
		return errLostRace
	}
	return errors.Wrap(err, "store a checkpoint")
}

// execer is a transaction, or a pool.
type execer interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// put stores tiles. One that is there was wrong, or is the same.
func (t tables) put(ctx context.Context, db execer, complete []tile) error {
	if len(complete) == 0 {
		return nil
	}
	var levels []int32
	var numbers []int64
	var hashes, roots [][]byte
	for _, c := range complete {
		levels, numbers = append(levels, int32(c.level)), append(numbers, c.number)
		hashes, roots = append(hashes, flat(c.hashes)), append(roots, c.root[:])
	}
	_, err := db.Exec(ctx, `INSERT INTO `+t.tiles+` (level, number, hashes, root)
		SELECT * FROM unnest($1::integer[], $2::bigint[], $3::bytea[], $4::bytea[])
		ON CONFLICT (level, number) DO UPDATE SET hashes = excluded.hashes, root = excluded.root`, levels, numbers, hashes, roots)
	return err
}

// hashes returns what a tile holds; nil if there is none.
func (t tables) hashes(ctx context.Context, level int, number int64) ([]byte, error) {
	var hashes []byte
	err := t.pool.QueryRow(ctx, `SELECT hashes FROM `+t.tiles+` WHERE level = $1 AND number = $2`, level, number).Scan(&hashes)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && len(hashes) != tileWidth*tlog.HashSize {
		return nil, nil
	}
	return hashes, errors.Wrap(err, "read a tile")
}

// roots returns the roots of the tiles of a level from a number on, as many as there
// are without a gap, at most n.
func (t tables) roots(ctx context.Context, level int, from int64, n int) ([]tlog.Hash, error) {
	rows, err := t.pool.Query(ctx, `SELECT number, root FROM `+t.tiles+`
		WHERE level = $1 AND number >= $2 AND number < $3 ORDER BY number`, level, from, from+int64(n))
	if err != nil {
		return nil, errors.Wrap(err, "read the roots of tiles")
	}
	defer rows.Close()
	var roots []tlog.Hash
	for rows.Next() {
		var number int64
		var root []byte
		if err := rows.Scan(&number, &root); err != nil {
			return nil, errors.Wrap(err, "read the root of a tile")
		}
		if number != from+int64(len(roots)) || len(root) != tlog.HashSize {
			break
		}
		roots = append(roots, tlog.Hash(root))
	}
	return roots, errors.Wrap(rows.Err(), "read the roots of tiles")
}

// leaves returns the first leaves of a tile that isn't complete, as the checkpoints
// have kept them: as many as there are without a gap.
func (t tables) leaves(ctx context.Context, number int64) ([]tlog.Hash, error) {
	first := number * tileWidth
	rows, err := t.pool.Query(ctx, `SELECT size, leaves FROM `+t.checkpoints+`
		WHERE size > $1 AND size < $2 ORDER BY number`, first, first+tileWidth)
	if err != nil {
		return nil, errors.Wrap(err, "read leaves")
	}
	defer rows.Close()
	var leaves []tlog.Hash
	for rows.Next() {
		var size int64
		var added []byte
		if err := rows.Scan(&size, &added); err != nil {
			return nil, errors.Wrap(err, "read leaves")
		}
		if first+int64(len(leaves)+len(added)/tlog.HashSize) != size {
			break
		}
		for h := range slices.Chunk(added, tlog.HashSize) {
			leaves = append(leaves, tlog.Hash(h))
		}
	}
	return leaves, errors.Wrap(rows.Err(), "read leaves")
}

// drop drops everything that was kept of the tree.
func (t tables) drop(ctx context.Context) error {
	for _, statement := range []string{`DELETE FROM ` + t.tiles, `UPDATE ` + t.checkpoints + ` SET leaves = '' WHERE leaves <> ''`} {
		if _, err := t.pool.Exec(ctx, statement); err != nil {
			return errors.Wrap(err, "drop the tiles")
		}
	}
	return nil
}

// thin removes the checkpoints that need not stay: those that have another behind them
// in their hour. Those that hold leaves of the last tile stay. It runs between two
// rounds of sealing, so it looks at each once.
func (t tables) thin(ctx context.Context, now time.Time) error {
	_, err := t.pool.Exec(ctx, `DELETE FROM `+t.checkpoints+` WHERE number IN (
		SELECT number FROM (
			SELECT number, size, sealed_at, handover, lead(sealed_at) OVER (ORDER BY number) AS next
			FROM `+t.checkpoints+` WHERE sealed_at < $1::timestamptz + interval '1 hour') AS c
		WHERE sealed_at < $1 AND NOT handover AND next < date_trunc('hour', sealed_at, 'UTC') + interval '1 hour'
			AND size <= (SELECT max(size) / $2 * $2 FROM `+t.checkpoints+`))`, now.Add(-keptWhole), tileWidth)
	return errors.Wrap(err, "thin the checkpoints")
}

func flat(hashes []tlog.Hash) []byte {
	b := make([]byte, 0, len(hashes)*tlog.HashSize)
	for _, h := range hashes {
		b = append(b, h[:]...)
	}
	return b
}
