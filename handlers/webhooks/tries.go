package webhooks

import (
	"context"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// triesSQL looks up how often deliveries were tried, as far as that is remembered.
const triesSQL = `SELECT d.id, last.number FROM unnest($1::text[]) AS d (id)
	CROSS JOIN LATERAL (
		SELECT number FROM {attempts} WHERE delivery_id = d.id ORDER BY number DESC LIMIT 1
	) last`

// countTries returns how often each delivery was tried; sql is triesSQL for one log.
func countTries(ctx context.Context, pool *pgxpool.Pool, sql string, deliveryIDs []string) (map[string]int, error) {
	rows, err := pool.Query(ctx, sql, deliveryIDs)
	if err != nil {
		return nil, errors.Wrap(err, "count tries")
	}
	tries := map[string]int{}
	var deliveryID string
	var count int
	_, err = pgx.ForEachRow(rows, []any{&deliveryID, &count}, func() error {
		tries[deliveryID] = count
		return nil
	})
	return tries, errors.Wrap(err, "count tries")
}
