package webhooks

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tender/domain/webhook"
	"tender/eventstore"
	"tender/handlers/engine"
	"tender/handlers/webhooks/egress"
	"tender/projections"
)

// health is what this process has seen of endpoints' tries. It decides nothing: what
// may matter is laid before the endpoint's stream. What is lost of it, at a restart
// or because another process saw it, the tries of one delivery make up for.
type health struct {
	mu   sync.Mutex
	seen map[string]*sighting
}

// sighting is what was seen of an endpoint since it was changed, or was well, last.
type sighting struct {
	from    time.Time // see [webhook.Endpoint]
	run     webhook.Run
	arrived time.Time // when a message did, last
}

// lesson is what a try has taught. The zero lesson is that of one that says nothing
// of its endpoint: it was never made, or belongs to a time before the endpoint changed.
type lesson struct {
	learnt bool
	spared bool        // the endpoint is to get one message at a time
	run    webhook.Run // that the failed try ends
	recent bool        // something arrived too lately for the endpoint to fail
}

func newHealth() *health { return &health{seen: map[string]*sighting{}} }

// of returns what was seen of an endpoint as it is in e; nil if more is known of it
// than e says.
func (h *health) of(e webhook.Endpoint) *sighting {
	s := h.seen[e.ID]
	switch {
	case s == nil || e.JudgedFrom.After(s.from):
		s = &sighting{from: e.JudgedFrom}
		h.seen[e.ID] = s
	case e.JudgedFrom.Before(s.from):
		return nil
	}
	return s
}

// learn takes in what became of a try, whose endpoint was as in e when it was
// prepared.
func (h *health) learn(e webhook.Endpoint, startedAt time.Time, answer egress.Answer) lesson {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.of(e)
	if s == nil || answer.Class == egress.Abandoned || startedAt.Before(s.from) {
		return lesson{}
	}
	endedAt := startedAt.Add(answer.Duration)
	if answer.Class.Success() {
		s.run, s.arrived = webhook.Run{}, endedAt
		return lesson{learnt: true}
	}
	if s.arrived.After(startedAt) {
		startedAt = s.arrived // they were under way together: the run begins here
	}
	s.run = s.run.And(startedAt, endedAt)
	return lesson{
		learnt: true, spared: e.Failing() || s.run.Tries >= webhook.FailingTries,
		run: s.run, recent: endedAt.Sub(s.arrived) < webhook.FailingAfter,
	}
}

// interrupt takes in that a message arrived somewhere else.
func (h *health) interrupt(e webhook.Endpoint, at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s := h.of(e); s != nil && at.After(s.arrived) {
		s.arrived = at
		if s.run.Since.Before(at) {
			s.run = webhook.Run{}
		}
	}
}

// spared reports whether an endpoint gets one message at a time.
func (h *health) spared(e webhook.Endpoint) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.of(e)
	return e.Failing() || s != nil && s.run.Tries >= webhook.FailingTries
}

// forget drops what was seen of an endpoint that is not sent to any more.
func (h *health) forget(endpointID string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.seen, endpointID)
}

// pastTriesMax bounds how many of a delivery's tries are looked at, those of several
// schedules if it was sent again.
const pastTriesMax = 10 * TriesMax

// past reads what was written down of tries.
type past struct {
	pool *pgxpool.Pool
	sql  string
}

func newPast(pool *pgxpool.Pool, log eventstore.Log) *past {
	name := func(schema, table string) string { return pgx.Identifier{schema, table}.Sanitize() }
	return &past{pool: pool, sql: strings.NewReplacer(
		"{endpoints}", name(log.ReadSchema(), projections.DeliveryEndpointsName),
		"{attempts}", name(log.WorkSchema(), "delivery_attempts"),
	).Replace(`
		SELECT e.delivered_at, a.since, a.tries
		FROM (SELECT (SELECT delivered_at FROM {endpoints} WHERE id = $1) AS delivered_at) e
		CROSS JOIN LATERAL (
			-- By the delivery alone, whatever statistics say of what is recent.
			SELECT min(t.started_at) AS since, count(*) AS tries FROM (
				SELECT started_at FROM {attempts} WHERE delivery_id = $2 ORDER BY number DESC LIMIT $4
			) t WHERE t.started_at >= greatest($3::timestamptz, e.delivered_at)
		) a`)}
}

// of returns when a message arrived at a delivery's endpoint last, in whichever
// process; and the run that the delivery's own tries make since then, with the one
// that has just failed.
func (p *past) of(ctx context.Context, j job, startedAt, endedAt time.Time) (arrived time.Time, own webhook.Run, err error) {
	var at, since *time.Time
	var tries int
	if err := p.pool.QueryRow(ctx, p.sql, j.endpointID, j.id, j.endpoint.JudgedFrom, pastTriesMax).Scan(&at, &since, &tries); err != nil {
		return time.Time{}, webhook.Run{}, errors.Wrap(err, "read a delivery's tries")
	}
	if at != nil {
		arrived = *at
	}
	if arrived.After(startedAt) {
		return arrived, webhook.Run{}, nil
	}
	if since != nil {
		own = webhook.Run{Since: *since, Until: endedAt, Tries: tries}
	}
	return arrived, own.And(startedAt, endedAt), nil
}

// weigh lays a failed try before its endpoint's stream, if it may matter: if it may
// end a run that is long enough, or if the endpoint has failed for long enough. It
// returns the position from which on the read model knows that nothing more is to be
// sent, or 0.
func (w *Worker) weigh(ctx context.Context, j job, try tried, l lesson) (int64, error) {
	endedAt := try.startedAt.Add(try.answer.Duration)
	failing := j.endpoint.Failing()
	switch {
	case !l.learnt || l.run.Tries == 0 || l.recent:
		return 0, nil
	case failing && endedAt.Sub(j.endpoint.FailingSince) < webhook.DisabledAfter:
		return 0, nil
	case !failing && !l.run.Fails() && try.number < webhook.FailingTries:
		return 0, nil
	}
	arrived, run, err := w.past.of(ctx, j, try.startedAt, endedAt)
	switch {
	case err != nil:
		return 0, err
	case failing && arrived.After(j.endpoint.FailingSince):
		return w.judge(ctx, j, webhook.RecordArrival{URL: j.endpoint.URL})
	case arrived.After(l.run.Since):
		w.health.interrupt(j.endpoint, arrived)
	case l.run.Fails() && (!run.Fails() || l.run.Since.Before(run.Since)):
		run = l.run
	}
	if !failing && !run.Fails() {
		return 0, nil
	}
	run.Since = milliseconds(run.Since)
	return w.judge(ctx, j, webhook.RecordFailures{URL: j.endpoint.URL, Run: run})
}

// failing reports whether the endpoint is known to fail: as it was when the try was
// prepared, or as this process has learnt since.
func (w *Worker) failing(j job) bool {
	return j.endpoint.Failing() || w.engine.Endpoints.Ref(j.endpointID).Value.Failing()
}

// heal has the endpoint's stream decide what an arrival says of the endpoint, in the
// same append that records it: so none is overlooked.
func (w *Worker) heal(ctx context.Context, tx *engine.Tx, j job) ([]webhook.Event, error) {
	s, err := engine.Read(ctx, tx, w.engine.Endpoints, j.endpointID)
	if err != nil || s.Value.Deleted {
		return nil, err
	}
	events, err := webhook.DecideEndpoint(s.Value, webhook.RecordArrival{URL: j.endpoint.URL})
	engine.Write(tx, webhook.Codec, j.endpointID, events...)
	return events, err
}

// judge has an endpoint's stream decide what a try says of the endpoint. It returns
// the position from which on the read model knows that nothing more is to be sent,
// or 0.
func (w *Worker) judge(ctx context.Context, j job, c webhook.EndpointCommand) (int64, error) {
	var known int64
	var events []webhook.Event
	done, err := w.engine.Do(ctx, engine.Command{
		Origin: w.origin(j), Subject: j.endpointID, Unbounded: true,
		Decide: func(ctx context.Context, tx *engine.Tx) error {
			s, err := engine.Read(ctx, tx, w.engine.Endpoints, j.endpointID)
			if err != nil {
				return err
			}
			known, events = 0, nil
			if s.Value.Deleted || s.Value.Status == webhook.StatusDisabled {
				known = s.Position
				return nil
			}
			if events, err = webhook.DecideEndpoint(s.Value, c); err != nil {
				return err
			}
			engine.Write(tx, webhook.Codec, j.endpointID, events...)
			return nil
		},
	})
	if err != nil {
		return 0, err
	}
	w.logTransitions(ctx, j, events)
	if slices.ContainsFunc(events, isDisabled) {
		known = done.Position
	}
	return known, nil
}

func isDisabled(e webhook.Event) bool {
	_, disabled := e.(webhook.EndpointDisabled)
	return disabled
}

// logTransitions writes a line for what became of an endpoint. That it was disabled
// is for somebody to look at.
func (w *Worker) logTransitions(ctx context.Context, j job, events []webhook.Event) {
	for _, e := range events {
		level := slog.LevelInfo
		if isDisabled(e) {
			level = slog.LevelWarn
		}
		w.log.Log(ctx, level, "webhook endpoint", "event", e.Type(), "endpoint", j.endpointID, "merchant", j.merchantID,
			"delivery", j.id, "payload", string(webhook.Codec.Encode(e).Payload))
	}
}
