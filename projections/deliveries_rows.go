package projections

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"

	"tender/domain/id"
)

func loadDeliveryBatch(ctx context.Context, tx pgx.Tx, g Generation, all []told) (*deliveryBatch, error) {
	merchants, ids := map[string]bool{}, map[string]bool{}
	for _, e := range all {
		merchants[e.MerchantID] = true
		if id.PrefixOf(e.Stream) == id.Delivery {
			ids[e.Stream] = true
		}
	}
	b := &deliveryBatch{
		endpoints: map[string]*deliveryEndpoint{}, owned: map[string][]string{}, deliveries: map[string]*delivery{}, stored: map[string]bool{},
	}
	if err := b.loadEndpoints(ctx, tx, g, slices.Collect(maps.Keys(merchants))); err != nil {
		return nil, err
	}
	return b, b.loadDeliveries(ctx, tx, g, slices.Collect(maps.Keys(ids)))
}

func (b *deliveryBatch) loadEndpoints(ctx context.Context, tx pgx.Tx, g Generation, merchants []string) error {
	rows, err := tx.Query(ctx, `SELECT id, first_position, position, state FROM `+g.Table(deliveryEndpointsTable)+`
		WHERE merchant_id = ANY ($1)`, merchants)
	if err != nil {
		return errors.Wrap(err, "load endpoints")
	}
	var endpointID string
	var first, position int64
	var state []byte
	_, err = pgx.ForEachRow(rows, []any{&endpointID, &first, &position, &state}, func() error {
		o := &deliveryEndpoint{first: first, position: position}
		err := json.Unmarshal(state, o)
		b.add(endpointID, o)
		return err
	})
	return errors.Wrap(err, "load endpoints")
}

func (b *deliveryBatch) loadDeliveries(ctx context.Context, tx pgx.Tx, g Generation, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	rows, err := tx.Query(ctx, `SELECT r.id, first_position, position, merchant_id, endpoint_id, event_id, event_type,
			source, source_version, status, version, created_at, updated_at, due_position, recovery_id
		`+g.among(deliveriesTable), ids)
	if err != nil {
		return errors.Wrap(err, "load deliveries")
	}
	var deliveryID string
	var d delivery
	_, err = pgx.ForEachRow(rows, []any{
		&deliveryID, &d.first, &d.position, &d.merchantID, &d.endpointID, &d.eventID, &d.eventType,
		&d.source, &d.sourceVersion, &d.status, &d.version, &d.createdAt, &d.updatedAt, &d.due, &d.recoveryID,
	}, func() error {
		row := d
		b.deliveries[deliveryID], b.stored[deliveryID] = &row, true
		return nil
	})
	return errors.Wrap(err, "load deliveries")
}

// write gives up first and puts afterwards: what the batch has in hand knows
// better than the statement that gives up what lies in the table.
func (b *deliveryBatch) write(ctx context.Context, tx pgx.Tx, g Generation) error {
	for _, end := range b.ended {
		_, err := tx.Exec(ctx, `UPDATE `+g.Table(deliveriesTable)+`
			SET status = 'exhausted', updated_at = $2, position = $3
			WHERE endpoint_id = $1 AND status = 'pending'`, end.endpointID, end.at, end.position)
		if err != nil {
			return errors.Wrap(err, "give deliveries up")
		}
	}
	var gone []string
	var put []Row
	for _, endpointID := range slices.Sorted(maps.Keys(b.endpoints)) {
		o := b.endpoints[endpointID]
		switch {
		case o.deleted:
			gone = append(gone, endpointID)
		case o.dirty:
			state, err := json.Marshal(o)
			if err != nil {
				return errors.Wrapf(err, "state of endpoint %s", endpointID)
			}
			put = append(put, Row{
				ID: endpointID, First: o.first, Position: o.position, State: state,
				Values: []any{o.MerchantID, string(o.Status), timeOrNull(o.Delivered)},
			})
		}
	}
	if err := deliveryEndpointsTable.Delete(ctx, tx, g, gone); err != nil {
		return err
	}
	if err := deliveryEndpointsTable.Put(ctx, tx, g, put); err != nil {
		return err
	}
	if err := publicEventsTable.Add(ctx, tx, g, b.public); err != nil {
		return err
	}
	stored, made := b.rows()
	if err := deliveriesTable.Put(ctx, tx, g, stored); err != nil {
		return err
	}
	return deliveriesTable.Add(ctx, tx, g, made)
}

// rows are those of deliveries that the table has, and of those that were made.
func (b *deliveryBatch) rows() (stored, made []Row) {
	for _, deliveryID := range slices.Sorted(maps.Keys(b.deliveries)) {
		d := b.deliveries[deliveryID]
		row := Row{
			ID: deliveryID, First: d.first, Position: d.position, State: json.RawMessage(`{}`),
			Values: []any{
				d.merchantID, d.endpointID, d.eventID, d.eventType, d.source, d.sourceVersion,
				string(d.status), d.version, d.createdAt, d.updatedAt, d.due, d.recoveryID,
			},
		}
		if b.stored[deliveryID] {
			stored = append(stored, row)
		} else {
			made = append(made, row)
		}
	}
	return stored, made
}

func timeOrNull(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t
}
