package projections

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
)

// DeliveryQuery says which deliveries of a merchant a list shows, newest first.
type DeliveryQuery struct {
	MerchantID string
	EndpointID string         // "": any
	Status     DeliveryStatus // "": any
	EventType  string         // "": any
	// Before is the position of the event of the last delivery that was shown
	// before, and BeforeID its id; 0: begin with the newest.
	Before   int64
	BeforeID string
	Limit    int
}

// DeliveryRow is a delivery as the read model has it.
type DeliveryRow struct {
	ID, EndpointID, EventID, EventType string
	Status                             DeliveryStatus
	Version                            int
	CreatedAt, UpdatedAt               time.Time
	// Source and SourceVersion name the stream and the version of the event that
	// is told; Position is that of the last event that concerned the delivery.
	Source        string
	SourceVersion int
	Position      int64
}

// DeliveryPage is one page of deliveries. Those of one event to several endpoints
// share a position, and follow each other by their ids.
type DeliveryPage struct {
	Rows     []DeliveryRow
	Last     int64 // the position of the last row's event
	More     bool
	Position int64
}

// DeliveryAttempt is one try to deliver.
type DeliveryAttempt struct {
	Number     int
	StartedAt  time.Time
	DurationMS int
	Status     *int // HTTP; nil: there was no answer
	ErrorClass string
	Address    string
	Response   []byte
	NextAt     *time.Time
}

const deliveryColumns = `d.id, d.endpoint_id, d.event_id, d.event_type, d.status, d.version, d.created_at, d.updated_at,
	d.source, d.source_version, d.position`

// Deliveries returns one page of deliveries.
func (l *Lists) Deliveries(ctx context.Context, q DeliveryQuery) (DeliveryPage, error) {
	where := []string{"d.merchant_id = $1"}
	args := []any{q.MerchantID}
	add := func(condition string, value any) {
		args = append(args, value)
		where = append(where, fmt.Sprintf(condition, len(args)))
	}
	if q.EndpointID != "" {
		add("d.endpoint_id = $%d", q.EndpointID)
	}
	if q.Status != "" {
		add("d.status = $%d", string(q.Status))
	}
	if q.EventType != "" {
		add("d.event_type = $%d", q.EventType)
	}
	if q.Before > 0 {
		add("d.first_position <= $%[1]d", q.Before)
		args = append(args, q.BeforeID)
		where = append(where, fmt.Sprintf("(d.first_position < $%d OR d.id > $%d)", len(args)-1, len(args)))
	}
	args = append(args, q.Limit+1) // one row more tells whether there are more
	position, err := l.position(ctx, DeliveriesName)
	if err != nil {
		return DeliveryPage{}, err
	}
	rows, err := l.pool.Query(ctx, `
		SELECT `+deliveryColumns+`, d.first_position FROM `+l.table(DeliveriesName)+` d
		WHERE `+strings.Join(where, " AND ")+fmt.Sprintf(`
		ORDER BY d.first_position DESC, d.id LIMIT $%d`, len(args)), args...)
	if err != nil {
		return DeliveryPage{}, errors.Wrap(err, "list deliveries")
	}
	page := DeliveryPage{Position: position}
	var d DeliveryRow
	var first int64
	_, err = pgx.ForEachRow(rows, []any{
		&d.ID, &d.EndpointID, &d.EventID, &d.EventType, &d.Status, &d.Version, &d.CreatedAt, &d.UpdatedAt,
		&d.Source, &d.SourceVersion, &d.Position, &first,
	}, func() error {
		if page.More = len(page.Rows) == q.Limit; !page.More {
			page.Rows, page.Last = append(page.Rows, d), first
		}
		return nil
	})
	return page, errors.Wrap(err, "list deliveries")
}

// Delivery returns one of a merchant's deliveries with its tries, oldest first.
func (l *Lists) Delivery(ctx context.Context, merchantID, deliveryID string) (DeliveryRow, []DeliveryAttempt, bool, error) {
	rows, err := l.pool.Query(ctx, `
		SELECT `+deliveryColumns+` FROM `+l.table(DeliveriesName)+` d WHERE d.id = $1 AND d.merchant_id = $2`, deliveryID, merchantID)
	if err != nil {
		return DeliveryRow{}, nil, false, errors.Wrap(err, "read a delivery")
	}
	d, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[DeliveryRow])
	if errors.Is(err, pgx.ErrNoRows) {
		return DeliveryRow{}, nil, false, nil
	}
	if err != nil {
		return DeliveryRow{}, nil, false, errors.Wrap(err, "read a delivery")
	}
	rows, err = l.pool.Query(ctx, `
		SELECT number, started_at, duration_ms, status, error_class, address, response, next_at
		FROM `+pgx.Identifier{l.log.WorkSchema(), "delivery_attempts"}.Sanitize()+`
		WHERE delivery_id = $1 ORDER BY number`, deliveryID)
	if err != nil {
		return DeliveryRow{}, nil, false, errors.Wrap(err, "read a delivery's tries")
	}
	attempts, err := pgx.CollectRows(rows, pgx.RowToStructByPos[DeliveryAttempt])
	return d, attempts, true, errors.Wrap(err, "read a delivery's tries")
}

func (l *Lists) table(name string) string {
	return pgx.Identifier{l.log.ReadSchema(), name}.Sanitize()
}

func (l *Lists) position(ctx context.Context, name string) (int64, error) {
	var position int64
	err := l.pool.QueryRow(ctx, `SELECT position FROM `+l.table("projections")+` WHERE name = $1 AND serving`, name).Scan(&position)
	return position, errors.Wrapf(err, "read the position of %s", name)
}
