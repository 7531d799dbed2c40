package projections

import (
	"context"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"

	"tender/domain/webhook"
)

// Told is a public event: its id, and the position of the event in the log.
type Told struct {
	EventID  string
	Position int64
}

// DeliveriesAbout returns what became of the messages that told a merchant of some
// events, by the events' ids; those of one event in the order of their endpoints.
func (l *Lists) DeliveriesAbout(ctx context.Context, merchantID string, events []Told) (map[string][]DeliveryRow, error) {
	if len(events) == 0 {
		return nil, nil
	}
	rows, err := l.pool.Query(ctx, `SELECT id FROM `+l.table(DeliveryEndpointsName)+` WHERE merchant_id = $1`, merchantID)
	if err != nil {
		return nil, errors.Wrap(err, "find a merchant's endpoints")
	}
	endpoints, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, errors.Wrap(err, "find a merchant's endpoints")
	}
	// A delivery was made at the event's own position; one that was missed, and made by
	// a recovery, is found by its id, which follows from event and endpoint.
	var positions []int64
	var ids, told []string
	for _, e := range events {
		positions, told = append(positions, e.Position), append(told, e.EventID)
		for _, endpointID := range endpoints {
			ids = append(ids, webhook.DeliveryID(e.EventID, endpointID))
		}
	}
	rows, err = l.pool.Query(ctx, `SELECT DISTINCT ON (d.event_id, d.endpoint_id) `+deliveryColumns+` FROM (
			SELECT * FROM `+l.table(DeliveriesName)+` WHERE merchant_id = $1 AND first_position = ANY ($2)
			UNION ALL
			SELECT * FROM `+l.table(DeliveriesName)+` WHERE merchant_id = $1 AND id = ANY ($3)
		) d WHERE d.event_id = ANY ($4) ORDER BY d.event_id, d.endpoint_id`, merchantID, positions, ids, told)
	if err != nil {
		return nil, errors.Wrap(err, "find deliveries")
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[DeliveryRow])
	if err != nil {
		return nil, errors.Wrap(err, "find deliveries")
	}
	found := map[string][]DeliveryRow{}
	for _, d := range all {
		found[d.EventID] = append(found[d.EventID], d)
	}
	return found, nil
}
