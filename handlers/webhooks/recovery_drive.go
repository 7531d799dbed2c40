package webhooks

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/google/uuid"

	"tender/domain"
	"tender/domain/id"
	"tender/domain/recovery"
	"tender/domain/webhook"
	"tender/handlers/engine"
	"tender/handlers/leased"
	"tender/handlers/problem"
	"tender/projections"
)

// recoveryRun is what a driver knows of a recovery.
type recoveryRun struct {
	id, merchantID, endpointID string
	until                      int64 // the first position that is not looked at
	// started is the position of the recovery's first event: later ones are not looked
	// at. Cause is its id.
	started int64
	cause   uuid.UUID
	begun   time.Time // by its first event

	place recoveryPlace
}

// drive takes a recovery to its end. An error says that PostgreSQL could not be
// reached, or that ctx has ended; what was done by then is kept.
func (j *RecoveryJob) drive(ctx context.Context, recoveryID string) error {
	r, err := j.load(ctx, recoveryID)
	if err != nil || r == nil {
		return err
	}
	if err := j.reach(ctx, r.started); err != nil {
		return err
	}
	endpoint := j.Engine.Endpoints.Ref(r.endpointID)
	for {
		if err := j.Engine.Refresh(ctx, endpoint); err != nil {
			return err
		}
		if endpoint.Value.Recovery != r.id {
			return j.end(ctx, r)
		}
		room, err := j.awaitRoom(ctx, r, endpoint)
		if err != nil {
			return err
		}
		if room == 0 {
			continue
		}
		finished, err := j.step(ctx, r, endpoint.Value.Events, room)
		if err != nil {
			return err
		}
		if finished {
			return j.end(ctx, r)
		}
	}
}

// load returns a recovery as it stands; nil: it has ended.
func (j *RecoveryJob) load(ctx context.Context, recoveryID string) (*recoveryRun, error) {
	events, err := j.Engine.Store.Stream(ctx, recoveryID)
	if err != nil {
		return nil, err
	}
	l, err := j.Engine.Recoveries.Fold(events)
	if err != nil || l.Value.Status != recovery.StatusRunning {
		return nil, err
	}
	r := &recoveryRun{
		id: recoveryID, merchantID: l.MerchantID, endpointID: l.Value.EndpointID,
		started: events[0].Position, cause: events[0].ID, begun: events[0].At,
	}
	if r.place, err = j.look.place(ctx, recoveryID); err != nil {
		return nil, err
	}
	return r, j.bound(ctx, r, l.Value)
}

// bound finds what was recorded in the recovery's time: it is the wall's, also of what
// happens by a test clock.
func (j *RecoveryJob) bound(ctx context.Context, r *recoveryRun, over recovery.State) error {
	before := func(t time.Time) (int64, error) { return j.Engine.Store.PositionAt(ctx, t.Add(-time.Microsecond)) }
	r.until = r.started
	if !over.Until.IsZero() {
		last, err := before(over.Until)
		if err != nil {
			return err
		}
		r.until = min(r.until, last+1)
	}
	if r.place.position > 0 {
		return nil
	}
	var err error
	r.place.position, err = before(over.Since)
	return err
}

// awaitRoom returns how much may be added to what the endpoint has before it. It waits
// as long as that is nothing, and returns 0 when the endpoint has changed meanwhile.
func (j *RecoveryJob) awaitRoom(ctx context.Context, r *recoveryRun, endpoint *engine.Stream[webhook.Endpoint]) (int, error) {
	version := endpoint.Version
	wait, before := recoveryStepMin, 0
	for {
		due, waiting, err := j.look.backlog(ctx, r.endpointID, recoveryBacklogMax+recoveryWaitingMax)
		if err != nil {
			return 0, err
		}
		if room := recoveryRoom(due, waiting, endpoint.Value.Failing()); room > 0 {
			return room, nil
		}
		if due+waiting != before {
			wait, before = recoveryStepMin, due+waiting
		}
		if err := leased.Pause(ctx, wait); err != nil {
			return 0, err
		}
		wait = min(2*wait, recoveryWaitMax)
		if err := j.Engine.Refresh(ctx, endpoint); err != nil || endpoint.Version != version {
			return 0, err
		}
	}
}

// recoveryRoom is how many deliveries may be sent again to an endpoint at which so many
// could be sent now, and so many wait for their next try. One that fails gets a single
// one, and that only if nothing else is left to try it by: its messages go one at a
// time, and what is new must not wait for those.
func recoveryRoom(due, waiting int, failing bool) int {
	switch {
	case failing && due+waiting == 0:
		return 1
	case failing, due > recoveryBacklogMax/2, waiting >= recoveryWaitingMax:
		return 0
	}
	return recoveryBacklogMax - due
}

// step looks at the next events of the recovery's time, and sends again at most room
// deliveries. It returns, once it is time for the next step, whether there is one.
func (j *RecoveryJob) step(ctx context.Context, r *recoveryRun, types []string, room int) (finished bool, err error) {
	began := time.Now()
	all, err := j.look.events(ctx, r, recoveryLookMax)
	if err != nil {
		return false, err
	}
	if err := j.look.deliveries(ctx, all); err != nil {
		return false, err
	}
	next, missed := r.choose(all, types, room)
	resent, position, err := j.resend(ctx, r, missed)
	if err != nil {
		return false, err
	}
	next.sums.Resent += resent
	if next.position > r.place.position {
		if err := j.look.keep(ctx, r.id, next); err != nil {
			return false, err
		}
	}
	finished = len(all) < recoveryLookMax && (len(all) == 0 || next.position == all[len(all)-1].toldAt)
	r.place = next
	// The next look at the backlog must see what was added to it, and so must whoever
	// reads that the recovery has ended.
	if err := j.reach(ctx, position); err != nil || finished {
		return finished, err
	}
	until := j.pace.took(resent, time.Now())
	if least := began.Add(recoveryStepMin); until.Before(least) {
		until = least
	}
	return false, leased.Pause(ctx, time.Until(until))
}

// choose goes through events in their order until there is no more room, and returns
// how far that is and what did not arrive on the way.
func (r *recoveryRun) choose(all []pastEvent, types []string, room int) (next recoveryPlace, missed []pastEvent) {
	next = r.place
	for _, e := range all {
		if webhook.Wants(types, e.of.EventType) {
			switch {
			case e.by == r.id: // before its driver died
				next.sums.Resent++
			case e.status == "", e.status == projections.DeliveryExhausted:
				if len(missed) == room {
					return next, missed
				}
				missed = append(missed, e)
			}
			next.sums.Examined++
		}
		next.position = e.toldAt
	}
	return next, missed
}

// resend sends deliveries again, all at once so that they travel into the log
// together, and returns how many and the position of the last.
func (j *RecoveryJob) resend(ctx context.Context, r *recoveryRun, missed []pastEvent) (resent int, position int64, err error) {
	if len(missed) == 0 {
		return 0, 0, nil
	}
	if err := j.look.attempts(ctx, missed); err != nil {
		return 0, 0, err
	}
	var group sync.WaitGroup
	var count, last atomic.Int64
	failures := make([]error, len(missed))
	for i, e := range missed {
		group.Go(func() {
			at, sent, err := j.resendOne(ctx, r, e.resending)
			if failures[i] = err; sent {
				count.Add(1)
			}
			for seen := last.Load(); at > seen && !last.CompareAndSwap(seen, at); seen = last.Load() {
			}
		})
	}
	group.Wait()
	return int(count.Load()), last.Load(), errors.Join(failures...)
}

// resendOne sends one delivery again, unless it is on its way or has arrived. It
// reports whether this recovery has done so, now or before. That the endpoint takes
// nothing more is no error here: the next look at it says so.
func (j *RecoveryJob) resendOne(ctx context.Context, r *recoveryRun, again resending) (position int64, sent bool, err error) {
	if err := again.forget(ctx, j.Leases); err != nil {
		return 0, false, err
	}
	unheard := again.status == "" // as far as is known its stream does not exist
	done, err := j.Engine.Do(ctx, engine.Command{
		Origin: engine.Origin{
			CommandID: recovery.CommandID(r.id, again.deliveryID), MerchantID: r.merchantID, Causation: r.cause,
			Actor: domain.Actor{Kind: domain.ActorSystem, ID: recoveryKind},
		},
		Subject: again.deliveryID,
		Decide: func(ctx context.Context, tx *engine.Tx) error {
			var d engine.Loaded[webhook.Delivery]
			if unheard {
				unheard = false
				engine.Create(tx, j.Engine.Deliveries, again.deliveryID)
			} else {
				var err error
				if d, err = engine.Read(ctx, tx, j.Engine.Deliveries, again.deliveryID); err != nil {
					return err
				}
			}
			sent = d.Value.Recovery == r.id
			return again.decide(ctx, tx, j.Engine, d)
		},
	})
	var refused problem.Problem
	if errors.As(err, &refused) && (refused.Code == problem.DeliveryPending || refused.Code == problem.EndpointDisabled) {
		return 0, false, nil
	}
	return done.Position, sent || done.Position > 0, err
}

// end ends a recovery that has looked at everything, or whose endpoint takes nothing
// more. That is the answer, too, to whoever asked for it: its id holds that of the
// command which began it.
func (j *RecoveryJob) end(ctx context.Context, r *recoveryRun) error {
	var outcome recovery.Status
	done, err := j.Engine.Do(ctx, engine.Command{
		Origin: engine.Origin{
			CommandID: engine.NewID(), MerchantID: r.merchantID, Causation: r.cause,
			Actor: domain.Actor{Kind: domain.ActorSystem, ID: recoveryKind},
		},
		Subject: r.id, Unbounded: true,
		Decide: func(ctx context.Context, tx *engine.Tx) error {
			endpoint, err := engine.Read(ctx, tx, j.Engine.Endpoints, r.endpointID)
			if err != nil {
				return err
			}
			job, err := engine.Read(ctx, tx, j.Engine.Recoveries, r.id)
			if err != nil {
				return err
			}
			var c recovery.Command = recovery.Stop{Reason: recovery.StoppedDisabled, Sums: r.place.sums}
			outcome = recovery.StatusStopped
			switch {
			case endpoint.Value.Recovery == r.id:
				c, outcome = recovery.Complete{Sums: r.place.sums}, recovery.StatusCompleted
				noted, err := webhook.DecideEndpoint(endpoint.Value, webhook.EndRecovery{RecoveryID: r.id})
				if err != nil {
					return err
				}
				engine.Write(tx, webhook.Codec, r.endpointID, noted...)
			case endpoint.Value.Deleted:
				c = recovery.Stop{Reason: recovery.StoppedDeleted, Sums: r.place.sums}
			}
			events, err := recovery.Decide(job.Value, c)
			engine.Write(tx, recovery.Codec, r.id, events...)
			if command, ok := id.Parse(id.Recovery, r.id); ok && len(events) > 0 {
				tx.Answer(command, http.StatusOK, r.id)
			}
			return err
		},
	})
	if err != nil {
		return err
	}
	j.Log.InfoContext(ctx, "webhook recovery", "recovery", r.id, "endpoint", r.endpointID, "merchant", r.merchantID,
		"outcome", outcome, "examined", r.place.sums.Examined, "resent", r.place.sums.Resent,
		"duration_ms", time.Since(r.begun).Milliseconds(), "position", done.Position)
	return j.look.drop(ctx, r.id)
}
