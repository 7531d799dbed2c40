package bench

import (
	"context"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tender/eventstore"
)

// Inserts measures bare one-row INSERTs, a transaction each, into a table that has
// an event's columns and nothing but a primary key: what PostgreSQL gives without
// any guarantee. The table is made for it, in the log's schema of work tables, and
// dropped.
func Inserts(ctx context.Context, log eventstore.Log, url string, clients int, d time.Duration) (Figures, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return Figures{}, errors.Wrap(err, "bare inserts")
	}
	config.MaxConns = int32(clients) //nolint:gosec // a handful
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return Figures{}, errors.Wrap(err, "bare inserts")
	}
	defer pool.Close()
	table := pgx.Identifier{log.WorkSchema(), "bench_inserts"}.Sanitize()
	if err := makeTable(ctx, pool, table); err != nil {
		return Figures{}, errors.Wrap(err, "bare inserts")
	}
	defer func() { _, _ = pool.Exec(context.WithoutCancel(ctx), `DROP TABLE `+table) }()

	insert := `INSERT INTO ` + table + ` (stream, version, type, event_id, merchant_id, at, request_id, payload)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
	f, err := Measure(ctx, clients, d, func(ctx context.Context, _, turn int) error {
		id := uuid.Must(uuid.NewV7())
		_, err := pool.Exec(ctx, insert, "pay_"+id.String(), turn, eventType, id[:], merchant, time.Now(), request, payload)
		return err
	})
	return f, errors.Wrap(err, "bare inserts")
}

func makeTable(ctx context.Context, pool *pgxpool.Pool, table string) error {
	_, err := pool.Exec(ctx, `DROP TABLE IF EXISTS `+table)
	if err != nil {
		return err
	}
	_, err = pool.Exec(ctx, `CREATE TABLE `+table+` (
		position    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
		stream      text NOT NULL,
		version     integer NOT NULL,
		type        text NOT NULL,
		event_id    bytea NOT NULL,
		merchant_id text NOT NULL,
		at          timestamptz NOT NULL,
		request_id  text NOT NULL,
		payload     json NOT NULL
	)`)
	return err
}
