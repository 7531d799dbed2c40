package projections

import (
	"context"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
)

// UnresolvedQuery says which payments a list shows that an acquirer owes an answer
// about, the longest wait first.
type UnresolvedQuery struct {
	Merchants []string // nil: all
	// Until is the latest instant from which on the acquirer may have been asked.
	Until time.Time
	After UnresolvedRow // of the page before, the last; zero: begin
	Limit int
}

// UnresolvedRow is a payment that an acquirer owes an answer about.
type UnresolvedRow struct {
	PaymentID string
	Since     time.Time
}

// Unresolved returns a page of what the read model of what falls due knows to be
// unanswered, and one row more where there are more. It may be behind: what each
// payment really waits for, its stream says.
func (l *Lists) Unresolved(ctx context.Context, q UnresolvedQuery) ([]UnresolvedRow, error) {
	// What is unanswered is due: few rows have been for so long, and the index on
	// due_at finds them.
	rows, err := l.pool.Query(ctx, `
		SELECT id, unanswered_at
		FROM `+pgx.Identifier{l.log.ReadSchema(), DueName}.Sanitize()+`
		WHERE due_at <= $1 AND unanswered_at <= $1
		  AND ($2::text[] IS NULL OR merchant_id = ANY ($2))
		  AND (unanswered_at, id) > ($3, $4)
		ORDER BY unanswered_at, id
		LIMIT $5`, q.Until, q.Merchants, q.After.Since, q.After.PaymentID, q.Limit+1)
	if err != nil {
		return nil, errors.Wrap(err, "list what is unresolved")
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[UnresolvedRow])
	return found, errors.Wrap(err, "list what is unresolved")
}
