package webhooks

import (
	"context"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tender/domain/recovery"
	"tender/domain/webhook"
	"tender/eventstore"
	"tender/projections"
)

const (
	runningSQL = `SELECT id FROM {recoveries} WHERE status = 'running' ORDER BY first_position LIMIT 1000`

	placeSQL = `SELECT place_position, examined, resent FROM {places} WHERE id = $1`

	// keepSQL never goes back: whoever has lost the lease and doesn't know yet changes
	// nothing.
	keepSQL = `INSERT INTO {places} AS p (id, place_position, examined, resent) VALUES ($1, $2, $3, $4)
		ON CONFLICT (id) DO UPDATE SET place_position = excluded.place_position, examined = excluded.examined, resent = excluded.resent
		WHERE p.place_position < excluded.place_position`

	dropSQL = `DELETE FROM {places} WHERE id = $1`

	// pastSQL lists what was recorded in a recovery's time, from a place on. Its position
	// belongs to an event for ever: so a rebuilt read model is read on from the same place.
	pastSQL = `SELECT id, event_type, source, source_version, created_at, first_position FROM {events}
		WHERE merchant_id = $1 AND first_position > $2 AND first_position < $3
		ORDER BY first_position LIMIT $4`

	madeSQL = `SELECT d.* FROM unnest($1::text[]) AS wanted (id)
		CROSS JOIN LATERAL (
			SELECT id, status, version, position, recovery_id FROM {deliveries} WHERE id = wanted.id LIMIT 1
		) d`

	onTheirWaySQL = `SELECT count(*) FROM {deliveries} WHERE recovery_id = $1 AND status = 'pending' AND recovery_id <> ''`

	// backlogSQL counts what is pending at an endpoint, up to a bound: what could be
	// sent now, or is being sent, apart from what waits for its next try. What has
	// ended, and is pending in the read model only, is neither.
	backlogOfSQL = `SELECT count(*) FILTER (WHERE NOT waits), count(*) FILTER (WHERE waits) FROM (
			SELECT coalesce(s.owner = '' AND s.until > clock_timestamp(), false) AS waits, s.done_position
			FROM (SELECT id FROM {deliveries} WHERE endpoint_id = $1 AND status = 'pending' LIMIT $2) d
			LEFT JOIN LATERAL (SELECT owner, until, done_position FROM {leases}
				WHERE kind = $3 AND id = d.id LIMIT 1) s ON true
		) d WHERE done_position IS NULL`
)

// recoveryQueries reads what recoveries go by, and keeps how far they are.
type recoveryQueries struct {
	pool *pgxpool.Pool

	runningJobs, placeOf, keepPlace, dropPlace, past, made, tries, onTheirWay, backlogOf string
}

func newRecoveryQueries(pool *pgxpool.Pool, log eventstore.Log) recoveryQueries {
	name := func(schema, table string) string { return pgx.Identifier{schema, table}.Sanitize() }
	replace := strings.NewReplacer(
		"{recoveries}", name(log.ReadSchema(), projections.RecoveriesName),
		"{events}", name(log.ReadSchema(), projections.PublicEventsName),
		"{deliveries}", name(log.ReadSchema(), projections.DeliveriesName),
		"{leases}", name(log.WorkSchema(), "leases"),
		"{attempts}", name(log.WorkSchema(), "delivery_attempts"),
		"{places}", name(log.WorkSchema(), "recoveries"),
	).Replace
	return recoveryQueries{
		pool: pool, runningJobs: replace(runningSQL), placeOf: replace(placeSQL), keepPlace: replace(keepSQL), dropPlace: replace(dropSQL),
		past: replace(pastSQL), made: replace(madeSQL), tries: replace(triesSQL), onTheirWay: replace(onTheirWaySQL),
		backlogOf: replace(backlogOfSQL),
	}
}

// running lists the recoveries that have not ended.
func (q recoveryQueries) running(ctx context.Context) ([]string, error) {
	rows, err := q.pool.Query(ctx, q.runningJobs)
	if err != nil {
		return nil, errors.Wrap(err, "look for recoveries")
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return all, errors.Wrap(err, "look for recoveries")
}

// recoveryPlace is how far a recovery is: the event that it looked at last, and what
// it has come to.
type recoveryPlace struct {
	position int64
	sums     recovery.Sums
}

// place returns how far a recovery is; the zero place, if it is not known to have
// begun.
func (q recoveryQueries) place(ctx context.Context, recoveryID string) (recoveryPlace, error) {
	var p recoveryPlace
	err := q.pool.QueryRow(ctx, q.placeOf, recoveryID).Scan(&p.position, &p.sums.Examined, &p.sums.Resent)
	if errors.Is(err, pgx.ErrNoRows) {
		return recoveryPlace{}, nil
	}
	return p, errors.Wrap(err, "read how far a recovery is")
}

func (q recoveryQueries) keep(ctx context.Context, recoveryID string, p recoveryPlace) error {
	_, err := q.pool.Exec(ctx, q.keepPlace, recoveryID, p.position, p.sums.Examined, p.sums.Resent)
	return errors.Wrap(err, "keep how far a recovery is")
}

func (q recoveryQueries) drop(ctx context.Context, recoveryID string) error {
	_, err := q.pool.Exec(ctx, q.dropPlace, recoveryID)
	return errors.Wrap(err, "forget how far a recovery was")
}

// pending counts what a recovery has sent again and is on its way.
func (q recoveryQueries) pending(ctx context.Context, recoveryID string) (n int, err error) {
	err = q.pool.QueryRow(ctx, q.onTheirWay, recoveryID).Scan(&n)
	return n, errors.Wrap(err, "count what is on its way")
}

// backlog counts an endpoint's pending deliveries, at most limit of them.
func (q recoveryQueries) backlog(ctx context.Context, endpointID string, limit int) (due, waiting int, err error) {
	err = q.pool.QueryRow(ctx, q.backlogOf, endpointID, limit, leaseKind).Scan(&due, &waiting)
	return due, waiting, errors.Wrap(err, "count an endpoint's backlog")
}

// pastEvent is a public event within a recovery's time, with its delivery to the
// endpoint.
type pastEvent struct {
	resending
	toldAt int64  // its position
	by     string // the recovery that sent the delivery again last
}

// events returns the next events of a recovery's time, oldest first.
func (q recoveryQueries) events(ctx context.Context, r *recoveryRun, limit int) ([]pastEvent, error) {
	rows, err := q.pool.Query(ctx, q.past, r.merchantID, r.place.position, r.until, limit)
	if err != nil {
		return nil, errors.Wrap(err, "look for missed events")
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (pastEvent, error) {
		e := pastEvent{resending: resending{of: webhook.Resent{EndpointID: r.endpointID, RecoveryID: r.id}}}
		var at time.Time
		err := row.Scan(&e.of.EventID, &e.of.EventType, &e.of.Source, &e.of.SourceVersion, &at, &e.toldAt)
		e.of.EventAt = milliseconds(at)
		e.deliveryID = webhook.DeliveryID(e.of.EventID, r.endpointID)
		return e, err
	})
	return all, errors.Wrap(err, "look for missed events")
}

// deliveries adds what is known of the events' deliveries.
func (q recoveryQueries) deliveries(ctx context.Context, all []pastEvent) error {
	ids, places := placesOf(all)
	rows, err := q.pool.Query(ctx, q.made, ids)
	if err != nil {
		return errors.Wrap(err, "look for deliveries")
	}
	var e pastEvent
	_, err = pgx.ForEachRow(rows, []any{&e.deliveryID, &e.status, &e.version, &e.position, &e.by}, func() error {
		of := &all[places[e.deliveryID]]
		of.status, of.version, of.position, of.by = e.status, e.version, e.position, e.by
		return nil
	})
	return errors.Wrap(err, "look for deliveries")
}

// attempts adds how often the deliveries were tried.
func (q recoveryQueries) attempts(ctx context.Context, all []pastEvent) error {
	ids, places := placesOf(all)
	tries, err := countTries(ctx, q.pool, q.tries, ids)
	for deliveryID, n := range tries {
		all[places[deliveryID]].of.Attempts = n
	}
	return err
}

func placesOf(all []pastEvent) (ids []string, places map[string]int) {
	ids, places = make([]string, len(all)), make(map[string]int, len(all))
	for i, e := range all {
		ids[i], places[e.deliveryID] = e.deliveryID, i
	}
	return ids, places
}
