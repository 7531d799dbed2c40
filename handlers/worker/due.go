// Package worker acts on time and on answers that come by themselves: it settles
// calls whose outcome is unknown, ends what is past its time, and records what
// acquirers report.
//
// Any number of workers run side by side. A claim on a piece of work is a hint;
// whether there is anything to do, the domain says.
package worker

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tender/domain"
	"tender/domain/id"
	"tender/domain/payment"
	"tender/domain/session"
	"tender/eventstore/lease"
	"tender/eventstore/trace"
	"tender/handlers/engine"
	"tender/handlers/payments"
	"tender/handlers/people"
	"tender/handlers/subscriptions"
	"tender/projections"
)

// Limits of the worker for what falls due.
const (
	dueKind     = "due"
	duePoll     = time.Second
	dueBatch    = 128
	dueParallel = 32
	// dueLease is how long a batch may take: for each place as many calls, with their
	// outcomes, as there are rounds of it.
	dueLease = 60 * time.Second
	// dueRetryMin and dueRetryMax bound the wait before something is tried
	// again that could not be done: an acquirer that doesn't answer is asked
	// less and less often.
	dueRetryMin = 2 * time.Second
	// dueIdle is when something is looked at again that is due and waits for
	// something else.
	dueIdle     = 15 * time.Second
	dueRetryMax = 10 * time.Minute
	// inVainMax is about how many calls of one payment an acquirer that doesn't answer
	// is asked at a time.
	inVainMax = 3
)

// Due does what falls due in one log, by the wall's time. What falls due by a test
// clock is for the job that advances it, which calls [Due.Act].
type Due struct {
	Payments      *payments.Service
	People        *people.Service
	Subscriptions *subscriptions.Service
	Cursors       *projections.Cursors
	Leases        *lease.Leases
	Log           *slog.Logger

	failed sync.Map // stream → how often it failed in a row, in this process
}

// Run works until ctx ends.
func (d *Due) Run(ctx context.Context) error {
	tick := time.NewTicker(duePoll)
	defer tick.Stop()
	for {
		more, err := d.once(ctx)
		if err != nil && ctx.Err() == nil {
			d.Log.WarnContext(ctx, "due work waits", "error", err)
		}
		if more {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// once does a batch of what is due now, and reports whether there may be more.
func (d *Due) once(ctx context.Context) (more bool, err error) {
	position, err := d.Cursors.Position(ctx, projections.DueName)
	if err != nil {
		return false, err
	}
	if _, err := d.Leases.Sweep(ctx, dueKind, position); err != nil {
		return false, err
	}
	owner := uuid.NewString()
	streams, more, err := d.claim(ctx, owner)
	if err != nil {
		return false, err
	}
	d.prepare(ctx, streams)
	var group sync.WaitGroup
	places := make(chan struct{}, dueParallel)
	for _, stream := range streams {
		places <- struct{}{}
		group.Go(func() {
			defer func() { <-places }()
			d.work(ctx, owner, stream)
		})
	}
	group.Wait()
	return more, nil
}

// prepare has what the work rests on read together, as much at a time as is worked on.
func (d *Due) prepare(ctx context.Context, streams []string) {
	subs := slices.DeleteFunc(slices.Clone(streams), func(stream string) bool { return id.PrefixOf(stream) != id.Subscription })
	for some := range slices.Chunk(subs, dueParallel) {
		if err := d.Subscriptions.Prepare(ctx, some); err != nil {
			// Which one is to blame, each finds out by itself.
			d.Log.WarnContext(ctx, "due subscriptions are read one by one", "error", err)
		}
	}
}

// claim takes leases on what is due and not in somebody's hands, and reports whether
// there may be more. Workers who claim at the same instant find the same work, and all
// but one of them take none of it: what was found counts then, not what was taken.
func (d *Due) claim(ctx context.Context, owner string) (streams []string, more bool, err error) {
	log := d.Payments.Engine.Store.Log()
	read := pgx.Identifier{log.ReadSchema(), projections.DueName}.Sanitize()
	leases := pgx.Identifier{log.WorkSchema(), "leases"}.Sanitize()
	err = d.Payments.Engine.Store.Pool().QueryRow(ctx, `
		WITH due AS (
			SELECT d.id
			FROM `+read+` d
			WHERE d.due_at <= now()
			  AND NOT EXISTS (SELECT FROM `+leases+` l WHERE l.kind = $1 AND l.id = d.id
			                  AND (l.until > now() OR l.done_position IS NOT NULL))
			ORDER BY d.due_at
			LIMIT $2
		), taken AS (
			INSERT INTO `+leases+` AS l (kind, id, owner, until)
			SELECT $1, id, $3, now() + $4 FROM due
			ON CONFLICT (kind, id) DO UPDATE SET owner = excluded.owner, until = excluded.until
			WHERE l.until <= now() AND l.done_position IS NULL
			RETURNING l.id
		)
		SELECT coalesce((SELECT array_agg(id) FROM taken), '{}'), (SELECT count(*) FROM due) = $2`,
		dueKind, dueBatch, owner, dueLease).Scan(&streams, &more)
	return streams, more, errors.Wrap(err, "claim what is due")
}

// work does what is due for one stream, and lets go of its lease.
func (d *Due) work(ctx context.Context, owner, stream string) {
	// Done up to a position: once the read model has passed that, the row is gone,
	// or due again by its own right. Nothing done: it waits for something else,
	// such as an attempt's outcome, and is looked at again later.
	ctx, end := trace.Begin(ctx, "due", "mode", d.Payments.Engine.Store.Log().Mode, "stream", stream)
	done, err := d.Act(ctx, stream)
	end(err)
	until := time.Now().Add(dueIdle)
	if err != nil {
		until = time.Now().Add(d.backoff(stream))
		d.Log.WarnContext(ctx, "due work is tried again later", "stream", stream, "error", err, "until", until)
	} else {
		d.failed.Delete(stream)
	}
	if _, err := d.Leases.Set(context.WithoutCancel(ctx), dueKind, stream, owner, until, done); err != nil {
		d.Log.WarnContext(ctx, "a lease was not given back and runs out by itself", "stream", stream, "error", err)
	}
}

func (d *Due) backoff(stream string) time.Duration {
	count := d.failures(stream)
	d.failed.Store(stream, count+1)
	return min(dueRetryMin<<min(count, 20), dueRetryMax)
}

// failures is how often a stream's work failed in a row, in this process.
func (d *Due) failures(stream string) int {
	n, _ := d.failed.Load(stream)
	count, _ := n.(int)
	return count
}

// Act does what is due for the object of a stream, by its own time, waits for what
// comes of it as long as an acquirer may take, and returns the position of the last
// event that this brought; 0: none. Nothing to do is no error; nor is it one to be
// asked again.
func (d *Due) Act(ctx context.Context, stream string) (int64, error) {
	switch prefix := id.PrefixOf(stream); prefix {
	case id.Session:
		return d.session(ctx, stream)
	case id.Payment:
		return d.payment(ctx, stream)
	case id.Mandate:
		done, err := d.People.ExpireMandate(ctx, d.origin(), stream)
		return done.Position, err
	case id.Subscription:
		return d.Subscriptions.Collect(ctx, stream)
	default:
		return 0, errors.AssertionFailedf("nothing of the kind %q falls due", prefix)
	}
}

// session ends a session that is past its time. One that was given up while the
// customer was away has its attempt closed first, where whoever asked for that
// could not.
func (d *Due) session(ctx context.Context, stream string) (int64, error) {
	g := d.Payments.Engine
	ref := g.Sessions.Ref(stream)
	if err := g.Refresh(ctx, ref); err != nil {
		return 0, err
	}
	if s := ref.Value; s.Status == session.StatusActive && s.CancelRequested != "" {
		return d.close(ctx, s.PaymentID)
	}
	done, err := d.Payments.ExpireSession(ctx, d.origin(), stream)
	if err != nil || done.Position > 0 {
		return done.Position, err
	}
	return d.outstayed(ctx, ref.Value)
}

// outstayed closes the attempt of a session that is past its time on a test clock,
// where the customer is away to authenticate: the minutes that they have for it have
// passed there, and no other clock waits for them.
func (d *Due) outstayed(ctx context.Context, s session.State) (int64, error) {
	if s.ClockID == "" || s.Status != session.StatusActive || s.PaymentID == "" {
		return 0, nil
	}
	g := d.Payments.Engine
	c, p := g.Clocks.Ref(s.ClockID), g.Payments.Ref(s.PaymentID)
	if err := g.Refresh(ctx, c, p); err != nil {
		return 0, err
	}
	if !s.Expired(c.Value.FrozenTime) || !p.Value.WaitsForCustomer() {
		return 0, nil
	}
	return d.close(ctx, s.PaymentID)
}

// close has the acquirer say what became of a payment's attempt, or end it.
func (d *Due) close(ctx context.Context, paymentID string) (int64, error) {
	g := d.Payments.Engine
	p := g.Payments.Ref(paymentID)
	if err := g.Refresh(ctx, p); err != nil {
		return 0, err
	}
	done, err := d.Payments.Settle(ctx, p.Value.Attempt.Key)
	return done.Position, err
}

func (d *Due) origin() engine.Origin {
	return engine.Origin{CommandID: engine.NewID(), Actor: domain.Actor{Kind: domain.ActorSystem, ID: "due"}}
}

// payment settles what went unanswered, and ends an authorisation that is past
// its time.
func (d *Due) payment(ctx context.Context, stream string) (int64, error) {
	g := d.Payments.Engine
	ref := g.Payments.Ref(stream)
	if err := g.Refresh(ctx, ref); err != nil {
		return 0, err
	}
	last, err := d.settle(ctx, ref.Value)
	if err != nil {
		return 0, err
	}
	done, err := d.Payments.ExpireAuthorisation(ctx, d.origin(), stream)
	return max(last, done.Position), err
}

// settle has the acquirer say what became of a payment's calls that went unanswered.
// One that it says nothing of holds up no other: each time it begins with those that
// were not asked about the last time.
func (d *Due) settle(ctx context.Context, p payment.State) (last int64, unanswered error) {
	wall := d.Payments.Engine.Now().Wall
	calls := slices.DeleteFunc(p.Calls(), func(c payment.Call) bool { return !c.Unanswered(wall) })
	first := d.failures(p.ID) * inVainMax
	for i, inVain := 0, 0; i < len(calls) && inVain < inVainMax; i++ {
		done, err := d.Payments.Settle(ctx, calls[(first+i)%len(calls)].Key)
		if err != nil {
			unanswered = errors.CombineErrors(unanswered, err)
			inVain++
		}
		last = max(last, done.Position)
	}
	return last, unanswered
}
