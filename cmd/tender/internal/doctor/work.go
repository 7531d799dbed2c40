package doctor

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"

	"tender/domain/payment"
	"tender/projections"
)

const (
	// leaseLost is for how long a loop may have no holder: a dead one's lease ends, and
	// another process takes it.
	leaseLost = 15 * time.Second
	// dueLate is from when on due work is late, and backlogMax up to where it is
	// counted.
	dueLate    = 15 * time.Minute
	backlogMax = 10_000
	// deliveryLate is for how long nobody may have tried a delivery whose turn it is.
	deliveryLate = 5 * time.Minute
	// notificationLate is for how long what an acquirer told us may wait.
	notificationLate = 5 * time.Minute
	// unresolvedNamed is how many unresolved payments are named.
	unresolvedNamed = 5
)

func (p patient) leases() string { return p.table(p.log.WorkSchema(), "leases") }

// loops looks whether somebody does what one process at a time does.
func (p patient) loops(ctx context.Context, c *chart) error {
	head, _, err := p.store.Head(ctx)
	if err != nil {
		return err
	}
	var idle []string
	var held int64
	for _, loop := range []struct{ kind, who string }{
		{"relay", "relays the log: start a process with the role relay"},
		{"projection", "keeps the read models: start a process with the role projector"},
	} {
		var there, lost bool
		err := p.store.Pool().QueryRow(ctx, `SELECT count(*) > 0, coalesce(bool_and(until < clock_timestamp() - $2::interval), true)
			FROM `+p.leases()+` WHERE kind = $1 AND owner <> '' AND done_position IS NULL`, loop.kind, leaseLost).Scan(&there, &lost)
		if err != nil {
			return err
		}
		if lost && (there || head > 0) {
			idle = append(idle, loop.kind)
			who, start, _ := strings.Cut(loop.who, ": ")
			c.fail(fmt.Sprintf("Nobody %s.", who), fmt.Sprintf("%s.leases: none of kind %s is held", p.log.WorkSchema(), loop.kind),
				strings.ToUpper(start[:1])+start[1:]+", `tender serve`; its log says why it can't hold the lease, if it can't.")
			continue
		}
		held++
	}
	if len(idle) == 0 {
		c.ok("The loops that one process at a time runs have their holders.", p.log.WorkSchema()+".leases of kinds relay, projection")
	}
	return nil
}

// due looks for work that should have been done.
func (p patient) due(ctx context.Context, c *chart) error {
	var late int64
	var oldest float64
	var some []string
	err := p.store.Pool().QueryRow(ctx, `SELECT count(*), coalesce(extract(epoch FROM clock_timestamp() - min(due_at))::float8, 0),
			coalesce((array_agg(id ORDER BY due_at))[1:5], '{}') FROM (
		SELECT id, due_at FROM `+p.table(p.log.ReadSchema(), projections.DueName)+` WHERE due_at < clock_timestamp() - $1::interval ORDER BY due_at LIMIT $2) d`,
		dueLate, backlogMax).Scan(&late, &oldest, &some)
	if unprepared(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if late == 0 {
		c.ok("What falls due is done in time.", p.log.ReadSchema()+".due")
		return nil
	}
	c.warn(fmt.Sprintf("%s due for more than %s, the oldest for %s.", counted(late, "object has been", "objects have been"), dueLate, seconds(oldest).Round(time.Second)),
		fmt.Sprintf("%s.due: %s", p.log.ReadSchema(), strings.Join(some, ", ")),
		fmt.Sprintf("Start a process with the role worker, `tender serve --roles worker`; if one runs, its log says under `due work is tried again later` why. Look at one with `tender events show %s --mode %s`.", some[0], p.log.Mode))
	return nil
}

// deliveries looks for webhooks whose turn it is and that nobody tries. One without a
// lease is due at once, one with a lease when that ends.
func (p patient) deliveries(ctx context.Context, c *chart) error {
	var late int64
	var oldest float64
	// One whose endpoint fails waits for the tries before it: it gets few at a time.
	err := p.store.Pool().QueryRow(ctx, `SELECT count(*), coalesce(extract(epoch FROM clock_timestamp() - min(due))::float8, 0) FROM (
		SELECT coalesce(s.until, v.recorded_at) AS due
		FROM `+p.table(p.log.ReadSchema(), projections.DeliveriesName)+` d
		JOIN `+p.table(p.log.ReadSchema(), projections.EndpointsName)+` e ON e.id = d.endpoint_id AND e.status = 'enabled' AND e.state #>> '{object,failing_since}' IS NULL
		JOIN LATERAL (SELECT recorded_at FROM `+p.events()+` WHERE position = d.due_position) v ON true
		LEFT JOIN `+p.leases()+` s ON s.kind = 'delivery' AND s.id = d.id AND s.done_position IS NULL
		WHERE d.status = 'pending' AND coalesce(s.until, v.recorded_at) < clock_timestamp() - $1::interval
		ORDER BY d.due_position LIMIT $2) w`,
		deliveryLate, backlogMax).Scan(&late, &oldest)
	if unprepared(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if late == 0 {
		c.ok("Webhooks are tried when it is their turn.", p.log.ReadSchema()+".deliveries, "+p.log.WorkSchema()+".leases")
		return nil
	}
	c.fail(fmt.Sprintf("%s not been tried in their turn, the oldest for %s.", counted(late, "webhook has", "webhooks have"), seconds(oldest).Round(time.Second)),
		p.log.ReadSchema()+".deliveries, "+p.log.WorkSchema()+".leases",
		"Start a process with the role worker, `tender serve --roles worker`, or restart one whose log has no lines `webhook`. They are made up for by themselves, oldest first.")
	return nil
}

// notifications looks for what acquirers told us and nobody acted on.
func (p patient) notifications(ctx context.Context, c *chart) error {
	var open int64
	err := p.store.Pool().QueryRow(ctx, `SELECT count(*) FROM (SELECT FROM `+p.table(p.log.WorkSchema(), "notifications")+`
		WHERE handled_at IS NULL AND received_at < clock_timestamp() - $1::interval LIMIT $2) n`, notificationLate, backlogMax).Scan(&open)
	if err != nil {
		return err
	}
	if open == 0 {
		c.ok("What acquirers tell is acted on.", p.log.WorkSchema()+".notifications")
		return nil
	}
	c.warn(fmt.Sprintf("%s told us by acquirers for more than %s, and not acted on.", counted(open, "thing was", "things were"), notificationLate), p.log.WorkSchema()+".notifications",
		"Start a process with the role worker, `tender serve --roles worker`; if one runs, its log says why it can't act on them.")
	return nil
}

// unresolved looks for payments that an acquirer has left without an answer for so long
// that people have to see to them.
func (p patient) unresolved(ctx context.Context, c *chart) error {
	rows, err := projections.NewLists(p.store.Pool(), p.log).Unresolved(ctx, projections.UnresolvedQuery{
		Until: time.Now().Add(-payment.UnresolvedAfter), Limit: unresolvedNamed,
	})
	if unprepared(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		c.ok("No acquirer owes an answer for longer than a day.", p.log.ReadSchema()+".due")
		return nil
	}
	named := make([]string, 0, unresolvedNamed)
	for _, row := range rows[:min(len(rows), unresolvedNamed)] {
		named = append(named, row.PaymentID)
	}
	what := counted(int64(len(rows)), "payment is", "payments are")
	if len(rows) > unresolvedNamed {
		what = fmt.Sprintf("More than %d payments are", unresolvedNamed)
	}
	c.warn(fmt.Sprintf("%s unresolved: for more than a day their acquirer has not said what happened.", what), strings.Join(named, ", "),
		fmt.Sprintf("Look at each, `tender payments show %s --mode %s`, ask the acquirer's support, and follow docs/unresolved.md.", named[0], p.log.Mode))
	return nil
}

// firstAfter returns for how long the log has held the event after a position.
func (p patient) firstAfter(ctx context.Context, position int64) (time.Duration, error) {
	var since float64
	err := p.store.Pool().QueryRow(ctx, `SELECT extract(epoch FROM clock_timestamp() - recorded_at)::float8 FROM `+p.events()+` WHERE position = $1`, position+1).Scan(&since)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, nil
	}
	return seconds(since), err
}
