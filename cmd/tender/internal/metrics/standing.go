package metrics

import (
	"context"
	"sync"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"

	"tender/domain/payment"
	"tender/eventstore"
	"tender/eventstore/feed"
	"tender/eventstore/seal"
	"tender/projections"
)

const (
	// askTimeout bounds what a scrape asks of one log. A database that doesn't
	// answer costs the scrape so much, and the metrics that came from it.
	askTimeout = 3 * time.Second
	// askSQL begins what is asked. PostgreSQL ends a query that goes on after its
	// scrape has left.
	askSQL = `BEGIN READ ONLY; SET LOCAL statement_timeout = '2s'`
	// backlogMax is how far a backlog is counted.
	backlogMax = 10_000
)

// Log is what is asked about one log at each scrape.
type Log struct {
	Store   *eventstore.Store
	Cursors *projections.Cursors
	Relay   func() feed.RelayState // nil: this process doesn't relay it
	Sealer  func() seal.State      // nil: this process doesn't seal it
}

// Watch has a log looked at from the next scrape on.
func (m *Metrics) Watch(l Log) {
	m.standing.mu.Lock()
	defer m.standing.mu.Unlock()
	m.standing.logs = append(m.standing.logs, l)
}

// WatchConnection does the same for a connection to NATS.
func (m *Metrics) WatchConnection(name string, nc *nats.Conn) {
	m.standing.mu.Lock()
	defer m.standing.mu.Unlock()
	if m.standing.connections == nil {
		m.standing.connections = map[string]*nats.Conn{}
	}
	m.standing.connections[name] = nc
}

// standing asks how logs, read models and backlogs stand when somebody wants to
// know.
type standing struct {
	mu          sync.Mutex
	logs        []Log
	connections map[string]*nats.Conn
	pools       map[string]func() *pgxpool.Stat
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

var (
	logReadable = describe("tender_log_readable", "1 if PostgreSQL answered when the log's state was asked for, else 0.", labelMode)
	logPosition = describe("tender_log_position", "The position of the log's last event.", labelMode)

	projectionPosition  = describe("tender_projection_position", "The position up to which the served generation of a read model has come.", labelMode, labelProjection)
	projectionLagEvents = describe("tender_projection_lag_events", "By how many events a read model is behind its log.", labelMode, labelProjection)
	projectionLagTime   = describe("tender_projection_lag_seconds", "For how long the log has held the first event that a read model hasn't.", labelMode, labelProjection)
	projectionState     = describe("tender_projection_state", "1 for the state that a read model is in, 0 for the others.", labelMode, labelProjection, labelState)
	projectionParked    = describe("tender_projection_parked_events", "How many events a read model has set aside, because they or their stream can't be applied.", labelMode, labelProjection)

	dueWork   = describe("tender_due_work", "How many objects wait for work that is due; counted up to 10000.", labelMode)
	dueOldest = describe("tender_due_oldest_seconds", "For how long the oldest work that is due has been; 0: there is none.", labelMode)

	paymentsUnresolved = describe("tender_payments_unresolved", "How many payments wait for an answer that an acquirer has owed for a day; counted up to 10000.", labelMode)

	webhooksPending = describe("tender_webhooks_pending", "How many webhook deliveries are pending; counted up to 10000.", labelMode)
	webhooksOldest  = describe("tender_webhooks_oldest_pending_seconds", "For how long the oldest pending webhook delivery has been; 0: there is none.", labelMode)

	relayState   = describe("tender_relay_state", "1 for the state that this process's relay is in, 0 for the others.", labelMode, labelState)
	relayLag     = describe("tender_relay_lag_events", "By how many events the feed is behind the log, as the process knows that relays it.", labelMode)
	sealPosition = describe("tender_seal_position", "Up to which position the log is sealed; 0: it never was.", labelMode)
	sealLag      = describe("tender_seal_lag_events", "How many events have come after the last checkpoint; 0: none, or the log was never sealed.", labelMode)
	sealLagTime  = describe("tender_seal_lag_seconds", "For how long the log has held the first event that isn't sealed; 0: there is none, or the log was never sealed.", labelMode)
	sealAge      = describe("tender_seal_checkpoint_age_seconds", "How old the last checkpoint is; where nothing happens none is made.", labelMode)
	sealStopped  = describe("tender_seal_stopped", "1 while sealing has stopped because the log is not what was sealed, else 0.", labelMode)
	sealState    = describe("tender_sealer_state", "1 for the state that this process's sealer is in, 0 for the others.", labelMode, labelState)

	natsConnection = describe("tender_nats_connected", "1 if a connection to NATS stands, else 0.", labelConnection)
)

// Describe names all that Collect may send.
func (s *standing) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		logReadable, logPosition, projectionPosition, projectionLagEvents, projectionLagTime, projectionState, projectionParked,
		dueWork, dueOldest, paymentsUnresolved, webhooksPending, webhooksOldest, relayState, relayLag, natsConnection,
		sealPosition, sealLag, sealLagTime, sealAge, sealStopped, sealState, poolConnections, poolMax, poolAcquired, poolWaited,
	} {
		to <- d
	}
}

// Collect asks all logs at once, so that one that doesn't answer holds up none.
func (s *standing) Collect(to chan<- prometheus.Metric) {
	s.mu.Lock()
	logs := s.logs
	for name, nc := range s.connections {
		to <- gauge(natsConnection, flag(nc.IsConnected()), name)
	}
	for name, stat := range s.pools {
		collectPool(to, name, stat())
	}
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), askTimeout)
	defer cancel()
	var asked sync.WaitGroup
	for _, l := range logs {
		asked.Go(func() { l.collect(ctx, to) })
	}
	asked.Wait()
}

// collect sends what can be found out. What can't is left out, and the log counts as
// not readable.
func (l Log) collect(ctx context.Context, to chan<- prometheus.Metric) {
	mode := l.Store.Log().Mode
	var found []prometheus.Metric
	add := func(d *prometheus.Desc, value float64, labels ...string) {
		found = append(found, gauge(d, value, append([]string{mode}, labels...)...))
	}
	err := l.ask(ctx, add)
	add(logReadable, flag(err == nil))
	for _, metric := range found {
		to <- metric
	}
}

type adder func(d *prometheus.Desc, value float64, labels ...string)

func (l Log) ask(ctx context.Context, add adder) error {
	if l.Relay != nil { // first: it is known without asking
		state := l.Relay().Condition
		for _, s := range relayConditions {
			add(relayState, flag(s == state), string(s))
		}
	}
	if l.Sealer != nil {
		state := l.Sealer().Condition
		for _, s := range sealConditions {
			add(sealState, flag(s == state), string(s))
		}
	}
	head, err := l.head(ctx)
	if err != nil {
		return err
	}
	add(logPosition, float64(head))
	if l.Relay != nil {
		// A relay that waits for its turn, or has not got hold of the stream yet, knows
		// nothing of it.
		if s := l.Relay(); s.Condition != feed.RelayWaiting && (s.Position > 0 || s.Condition == feed.RelayRunning) {
			add(relayLag, float64(max(head-s.Position, 0)))
		}
	}
	for _, part := range []func(context.Context, adder) error{l.sealing, l.projections, l.due, l.unresolved, l.webhooks} {
		if err := part(ctx, add); err != nil && !missing(err) {
			return err
		}
	}
	return nil
}

var relayConditions = []feed.RelayCondition{feed.RelayWaiting, feed.RelayRunning, feed.RelayFailing, feed.RelayStopped}

var sealConditions = []seal.Condition{seal.Waiting, seal.Running, seal.Failing, seal.Stopped}

var projectionStates = []projections.State{
	projections.Running, projections.Parked, projections.Paused, projections.Stopped, projections.Filling, projections.Interrupted,
}

func (l Log) projections(ctx context.Context, add adder) error {
	all, err := l.Cursors.Statuses(ctx)
	if err != nil {
		return err
	}
	for _, s := range all {
		if !s.Serving {
			continue
		}
		add(projectionPosition, float64(s.Position), s.Name)
		add(projectionLagEvents, float64(s.Lag), s.Name)
		add(projectionLagTime, s.LagTime.Seconds(), s.Name)
		add(projectionParked, float64(s.Parked), s.Name)
		for _, state := range projectionStates {
			add(projectionState, flag(state == s.State), s.Name, string(state))
		}
	}
	return nil
}

// sealing asks how far the log is sealed, which every process knows.
func (l Log) sealing(ctx context.Context, add adder) error {
	var position, lag int64
	var late, old float64
	var stopped bool
	log := l.Store.Log()
	events := l.table(log.Schema(), "events")
	err := l.query(ctx, `SELECT coalesce(c.size, 0), coalesce(greatest((SELECT position FROM `+events+` ORDER BY position DESC LIMIT 1) - c.size, 0), 0),
			`+age("(SELECT recorded_at FROM "+events+" WHERE position = c.size + 1)")+`, `+age("c.sealed_at")+`,
			EXISTS (SELECT FROM `+l.table(log.WorkSchema(), "seal_alarm")+`)
		FROM (SELECT 1) one LEFT JOIN (SELECT size, sealed_at FROM `+l.table(log.WorkSchema(), "checkpoints")+` ORDER BY number DESC LIMIT 1) c ON true`,
		nil, &position, &lag, &late, &old, &stopped)
	if err != nil {
		return err
	}
	add(sealPosition, float64(position))
	add(sealLag, float64(lag))
	add(sealLagTime, late)
	add(sealStopped, flag(stopped))
	if position > 0 {
		add(sealAge, old)
	}
	return nil
}

func (l Log) head(ctx context.Context) (head int64, err error) {
	err = l.query(ctx, `SELECT coalesce((SELECT position FROM `+l.table(l.Store.Log().Schema(), "events")+`
		ORDER BY position DESC LIMIT 1), 0)`, nil, &head)
	return head, err
}

func (l Log) due(ctx context.Context, add adder) error {
	var count int64
	var oldest float64
	err := l.query(ctx, `SELECT count(*), `+age("min(due_at)")+` FROM (
		SELECT due_at FROM `+l.table(l.Store.Log().ReadSchema(), projections.DueName)+`
		WHERE due_at <= now() ORDER BY due_at LIMIT $1) d`, []any{backlogMax}, &count, &oldest)
	if err != nil {
		return err
	}
	add(dueWork, float64(count))
	add(dueOldest, oldest)
	return nil
}

// unresolved counts what people should look into.
func (l Log) unresolved(ctx context.Context, add adder) error {
	var count int64
	err := l.query(ctx, `SELECT count(*) FROM (
		SELECT FROM `+l.table(l.Store.Log().ReadSchema(), projections.DueName)+`
		WHERE due_at <= now() - $1::interval AND unanswered_at <= now() - $1::interval LIMIT $2) d`,
		[]any{payment.UnresolvedAfter, backlogMax}, &count)
	if err != nil {
		return err
	}
	add(paymentsUnresolved, float64(count))
	return nil
}

// webhooks dates a pending delivery by the event that made it so: one that is sent
// again was made long ago.
func (l Log) webhooks(ctx context.Context, add adder) error {
	var count int64
	var oldest float64
	log := l.Store.Log()
	err := l.query(ctx, `SELECT count(*), `+age(`(SELECT recorded_at FROM `+l.table(log.Schema(), "events")+` WHERE position = min(d.due_position))`)+` FROM (
		SELECT due_position FROM `+l.table(log.ReadSchema(), projections.DeliveriesName)+`
		WHERE status = 'pending' ORDER BY due_position LIMIT $1) d`, []any{backlogMax}, &count, &oldest)
	if err != nil {
		return err
	}
	add(webhooksPending, float64(count))
	add(webhooksOldest, oldest)
	return nil
}

// age is for how many seconds an instant has been past; 0: there is none.
func age(instant string) string {
	return `coalesce(extract(epoch FROM greatest(now() - ` + instant + `, '0'))::float8, 0)`
}

func (l Log) table(schema, name string) string { return pgx.Identifier{schema, name}.Sanitize() }

// query reads one row, within the bounds of a scrape.
func (l Log) query(ctx context.Context, sql string, args []any, into ...any) error {
	return pgx.BeginTxFunc(ctx, l.Store.Pool(), pgx.TxOptions{BeginQuery: askSQL}, func(tx pgx.Tx) error {
		return errors.Wrap(tx.QueryRow(ctx, sql, args...).Scan(into...), "ask for a metric")
	})
}

// missing reports that there is no such table, or no such column: no projector has ever
// run, or none of this release has served its read model yet.
func missing(err error) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && (pgErr.Code == "42P01" || pgErr.Code == "42703")
}

func gauge(d *prometheus.Desc, value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
}

func flag(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
