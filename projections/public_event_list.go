package projections

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
)

// PublicEventQuery says which public events of a merchant a list shows, newest
// first.
type PublicEventQuery struct {
	MerchantID                 string
	EventType                  string    // "": any
	CreatedFrom, CreatedBefore time.Time // zero: whenever
	Before                     int64     // the position of the last one that was shown before; 0: begin with the newest
	Limit                      int
}

// PublicEventRow says where in the log a public event is.
type PublicEventRow struct {
	ID            string
	Source        string // the stream of the event that is told
	SourceVersion int
	Position      int64
}

// PublicEventPage is one page of public events.
type PublicEventPage struct {
	Rows     []PublicEventRow
	More     bool
	Position int64
}

const publicEventColumns = `e.id, e.source, e.source_version, e.first_position`

// PublicEvents returns one page of public events.
func (l *Lists) PublicEvents(ctx context.Context, q PublicEventQuery) (PublicEventPage, error) {
	where := []string{"e.merchant_id = $1"}
	args := []any{q.MerchantID}
	add := func(condition string, value any) {
		args = append(args, value)
		where = append(where, fmt.Sprintf(condition, len(args)))
	}
	if q.EventType != "" {
		add("e.event_type = $%d", q.EventType)
	}
	if !q.CreatedFrom.IsZero() {
		add("e.created_at >= $%d", q.CreatedFrom)
	}
	if !q.CreatedBefore.IsZero() {
		add("e.created_at < $%d", q.CreatedBefore)
	}
	if q.Before > 0 {
		add("e.first_position < $%d", q.Before)
	}
	args = append(args, q.Limit+1)
	position, err := l.position(ctx, DeliveriesName)
	if err != nil {
		return PublicEventPage{}, err
	}
	rows, err := l.pool.Query(ctx, `
		SELECT `+publicEventColumns+` FROM `+l.table(PublicEventsName)+` e
		WHERE `+strings.Join(where, " AND ")+fmt.Sprintf(`
		ORDER BY e.first_position DESC LIMIT $%d`, len(args)), args...)
	if err != nil {
		return PublicEventPage{}, errors.Wrap(err, "list public events")
	}
	page := PublicEventPage{Position: position}
	page.Rows, err = pgx.CollectRows(rows, pgx.RowToStructByPos[PublicEventRow])
	if len(page.Rows) > q.Limit {
		page.Rows, page.More = page.Rows[:q.Limit], true
	}
	return page, errors.Wrap(err, "list public events")
}

// PublicEvent returns one of a merchant's public events, and whether there is one
// with this id.
func (l *Lists) PublicEvent(ctx context.Context, merchantID, eventID string) (PublicEventRow, bool, error) {
	rows, err := l.pool.Query(ctx, `
		SELECT `+publicEventColumns+` FROM `+l.table(PublicEventsName)+` e WHERE e.id = $1 AND e.merchant_id = $2`, eventID, merchantID)
	if err != nil {
		return PublicEventRow{}, false, errors.Wrap(err, "read a public event")
	}
	e, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[PublicEventRow])
	if errors.Is(err, pgx.ErrNoRows) {
		return PublicEventRow{}, false, nil
	}
	return e, err == nil, errors.Wrap(err, "read a public event")
}
