package webhooks

import (
	"context"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tender/eventstore"
	"tender/handlers/webhooks/egress"
	"tender/projections"
)

const (
	leaseKind = "delivery"
	// leaseTime is how long a claimed delivery is this process's.
	leaseTime = 90 * time.Second
	// startMax is how long after its claim a delivery may still begin: what
	// remains is enough for a try and for writing down what became of it.
	startMax = leaseTime - 3*egress.DeliveryTimeout
	// claimMax bounds one claim, prepareMax what of it is loaded at once: three
	// streams for each, at most 256 in a query.
	claimMax   = 320
	prepareMax = 80
	// staleAfter is how long a lease that nobody finished is kept.
	staleAfter = 10 * time.Minute
	// attemptsKept is how long tries can be looked at.
	attemptsKept = 30 * 24 * time.Hour
	// tidyMax bounds one statement that tidies up.
	tidyMax = 5000
)

const (
	enabledSQL = `SELECT id, position FROM {endpoints} WHERE status = 'enabled'`

	freshSQL = `SELECT DISTINCT d.endpoint_id FROM {deliveries} d
	JOIN {endpoints} e ON e.id = d.endpoint_id AND e.status = 'enabled'
	WHERE d.status = 'pending' AND d.due_position > $1`

	// backlogSQL claims what lies beyond each lane's mark and has no lease, oldest
	// first. Rows that another process claims at the same time come back unclaimed,
	// so that a lane doesn't take a lost race for the end of its backlog.
	backlogSQL = `WITH due AS MATERIALIZED (
		SELECT d.* FROM unnest($2::text[], $3::bigint[], $4::int[]) AS l (endpoint_id, after, room)
		JOIN {endpoints} e ON e.id = l.endpoint_id AND e.status = 'enabled'
		CROSS JOIN LATERAL (
			SELECT {columns} FROM {deliveries} d
			WHERE d.endpoint_id = l.endpoint_id AND d.status = 'pending' AND d.due_position > l.after
			  AND NOT EXISTS (SELECT FROM {leases} s WHERE s.kind = $1 AND s.id = d.id
			                  AND (s.until > clock_timestamp() OR s.done_position IS NOT NULL))
			ORDER BY d.due_position LIMIT l.room
		) d
	), claimed AS (
		INSERT INTO {leases} AS s (kind, id, owner, until)
		SELECT $1, id, $5, clock_timestamp() + $6::interval FROM due ORDER BY id
		ON CONFLICT (kind, id) DO UPDATE SET owner = excluded.owner, until = excluded.until
		WHERE s.until <= clock_timestamp() AND s.done_position IS NULL
		RETURNING s.id
	)
	SELECT {columns}, c.id IS NOT NULL FROM due d LEFT JOIN claimed c ON c.id = d.id ORDER BY d.due_position`

	// retriesSQL claims what was claimed before and is due again: the lease says
	// when.
	retriesSQL = `WITH due AS MATERIALIZED (
		SELECT s.id FROM (
			SELECT s.id, s.until, l.room, row_number() OVER (PARTITION BY d.endpoint_id ORDER BY s.until) AS place
			FROM {leases} s
			JOIN {deliveries} d ON d.id = s.id AND d.status = 'pending'
			JOIN {endpoints} e ON e.id = d.endpoint_id AND e.status = 'enabled'
			JOIN unnest($2::text[], $3::int[]) AS l (endpoint_id, room) ON l.endpoint_id = d.endpoint_id
			WHERE s.kind = $1 AND s.until <= clock_timestamp() AND s.done_position IS NULL
		) s WHERE place <= room ORDER BY s.until LIMIT $6
	), free AS (
		SELECT s.id FROM {leases} s JOIN due ON due.id = s.id
		WHERE s.kind = $1 AND s.until <= clock_timestamp() AND s.done_position IS NULL
		FOR UPDATE OF s SKIP LOCKED
	), claimed AS (
		UPDATE {leases} s SET owner = $4, until = clock_timestamp() + $5::interval
		FROM free WHERE s.kind = $1 AND s.id = free.id
		RETURNING s.id
	)
	SELECT {columns}, true FROM claimed c JOIN {deliveries} d ON d.id = c.id ORDER BY d.due_position`

	// reopenSQL finds what was sent again while its last outcome was still being
	// written down: its lease says that it has ended, which was before.
	reopenSQL = `UPDATE {leases} s SET done_position = NULL
	FROM (
		SELECT s.ctid AS place FROM {leases} s
		CROSS JOIN LATERAL (
			SELECT FROM {deliveries} d WHERE d.id = s.id AND d.status = 'pending' AND d.due_position > s.done_position LIMIT 1
		) again
		WHERE s.kind = $1 AND s.done_position <= $2
	) r WHERE s.ctid = r.place`

	staleSQL = `DELETE FROM {leases} WHERE kind = $1 AND id IN (
		SELECT s.id FROM {leases} s WHERE s.kind = $1 AND s.done_position IS NULL
		  AND s.until < clock_timestamp() - $2::interval
		  AND NOT EXISTS (SELECT FROM {deliveries} d WHERE d.id = s.id AND d.status = 'pending')
		LIMIT $3)`

	oldSQL = `DELETE FROM {attempts} WHERE (delivery_id, number) IN (
		SELECT delivery_id, number FROM {attempts}
		WHERE started_at < clock_timestamp() - $1::interval LIMIT $2)`
)

// claims reads what is pending and takes leases on it.
type claims struct {
	pool *pgxpool.Pool

	enabled, fresh, backlog, retries, reopened, stale, old string
}

func newClaims(pool *pgxpool.Pool, log eventstore.Log) *claims {
	name := func(schema, table string) string { return pgx.Identifier{schema, table}.Sanitize() }
	replace := strings.NewReplacer(
		"{deliveries}", name(log.ReadSchema(), projections.DeliveriesName),
		"{endpoints}", name(log.ReadSchema(), projections.DeliveryEndpointsName),
		"{leases}", name(log.WorkSchema(), "leases"),
		"{attempts}", name(log.WorkSchema(), "delivery_attempts"),
		"{columns}", "d.id, d.merchant_id, d.endpoint_id, d.event_id, d.event_type, d.source, d.source_version, d.due_position",
	).Replace
	return &claims{
		pool: pool, enabled: replace(enabledSQL), fresh: replace(freshSQL), backlog: replace(backlogSQL),
		retries: replace(retriesSQL), reopened: replace(reopenSQL), stale: replace(staleSQL), old: replace(oldSQL),
	}
}

// claimed is a delivery as the read model lists it.
type claimed struct {
	job
	position int64
	ours     bool // false: another process was faster
}

// enabledEndpoints lists the endpoints that are sent to, and the position at which
// each was changed last.
func (c *claims) enabledEndpoints(ctx context.Context) (map[string]int64, error) {
	rows, err := c.pool.Query(ctx, c.enabled)
	if err != nil {
		return nil, errors.Wrap(err, "list enabled endpoints")
	}
	enabled := map[string]int64{}
	var endpointID string
	var changed int64
	_, err = pgx.ForEachRow(rows, []any{&endpointID, &changed}, func() error {
		enabled[endpointID] = changed
		return nil
	})
	return enabled, errors.Wrap(err, "list enabled endpoints")
}

// freshEndpoints lists those with deliveries beyond a position.
func (c *claims) freshEndpoints(ctx context.Context, after int64) ([]string, error) {
	rows, err := c.pool.Query(ctx, c.fresh, after)
	if err != nil {
		return nil, errors.Wrap(err, "list endpoints with new deliveries")
	}
	fresh, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return fresh, errors.Wrap(err, "list endpoints with new deliveries")
}

// wanted says how much of an endpoint's deliveries to claim.
type wanted struct {
	endpointID string
	after      int64
	room       int
}

func (c *claims) takeBacklog(ctx context.Context, owner string, all []wanted) ([]claimed, error) {
	endpoints, after, room := make([]string, len(all)), make([]int64, len(all)), make([]int, len(all))
	for i, w := range all {
		endpoints[i], after[i], room[i] = w.endpointID, w.after, w.room
	}
	return c.take(ctx, c.backlog, leaseKind, endpoints, after, room, owner, leaseTime)
}

func (c *claims) takeRetries(ctx context.Context, owner string, all []wanted) ([]claimed, error) {
	endpoints, room := make([]string, len(all)), make([]int, len(all))
	for i, w := range all {
		endpoints[i], room[i] = w.endpointID, w.room
	}
	return c.take(ctx, c.retries, leaseKind, endpoints, room, owner, leaseTime, claimMax)
}

func (c *claims) take(ctx context.Context, sql string, args ...any) ([]claimed, error) {
	at := time.Now() // before the claim: the lease lasts longer than is believed
	rows, err := c.pool.Query(ctx, sql, args...)
	if err != nil {
		return nil, errors.Wrap(err, "claim deliveries")
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (claimed, error) {
		t := claimed{job: job{claimedAt: at}}
		err := row.Scan(&t.id, &t.merchantID, &t.endpointID, &t.eventID, &t.eventType, &t.source, &t.sourceVersion, &t.position, &t.ours)
		return t, err
	})
	return all, errors.Wrap(err, "claim deliveries")
}

// reopen has deliveries taken again by their leases that were made pending after the
// end which those tell of, as far as the read model, which stands at position, knows.
func (c *claims) reopen(ctx context.Context, position int64) error {
	_, err := c.pool.Exec(ctx, c.reopened, leaseKind, position)
	return errors.Wrap(err, "reopen leases")
}

// tidy removes leases whose delivery has ended without them, and old tries.
func (c *claims) tidy(ctx context.Context) error {
	if _, err := c.pool.Exec(ctx, c.stale, leaseKind, staleAfter, tidyMax); err != nil {
		return errors.Wrap(err, "remove stale leases")
	}
	_, err := c.pool.Exec(ctx, c.old, attemptsKept, tidyMax)
	return errors.Wrap(err, "remove old tries")
}
