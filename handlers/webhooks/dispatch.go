package webhooks

import (
	"context"
	"slices"
	"time"

	"tender/projections"
)

const (
	// poll is how often a worker looks for new deliveries whose read model another
	// process keeps; its own tells it at once.
	poll = 200 * time.Millisecond
	// passEvery is the least time between two looks, so that a busy read model
	// doesn't make the worker look for each event.
	passEvery = 50 * time.Millisecond
	// slowEvery is how often retries, endpoints and finished leases are looked at.
	slowEvery = time.Second
	// fullEvery is how often everything pending is looked at from the beginning:
	// the safety net for what was overlooked.
	fullEvery = time.Minute
	// queuedMax bounds what one process has claimed and not begun.
	queuedMax = 4096
	// failedWait is the pause after PostgreSQL failed.
	failedWait = time.Second
)

// dispatcher decides what this process sends next. All its state belongs to one
// goroutine.
type dispatcher struct {
	w     *Worker
	lanes map[string]*lane
	since int64 // new deliveries lie beyond this position of the read model

	slowAt, fullAt time.Time
}

func newDispatcher(w *Worker) *dispatcher {
	return &dispatcher{w: w, lanes: map[string]*lane{}}
}

func (d *dispatcher) run(ctx context.Context) {
	for ctx.Err() == nil {
		moved := d.w.cursors.Moved()
		began := time.Now()
		more, err := d.pass(ctx, began)
		pause := poll
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			d.w.log.WarnContext(ctx, "webhook deliveries wait", "error", err)
			pause, moved = failedWait, nil
		case more:
			pause = 0
		}
		d.wait(ctx, moved, began.Add(passEvery), time.Now().Add(pause))
	}
}

// pass looks for what can be sent, and starts it. More says that there was more
// than one claim may take.
func (d *dispatcher) pass(ctx context.Context, now time.Time) (more bool, err error) {
	position, err := d.w.cursors.Position(ctx, projections.DeliveriesName)
	if err != nil {
		return false, err
	}
	slow := now.Sub(d.slowAt) >= slowEvery
	if slow {
		if err := d.slow(ctx, now, position); err != nil {
			return false, err
		}
		d.slowAt = now
	}
	if position > d.since {
		fresh, err := d.w.claims.freshEndpoints(ctx, d.since)
		if err != nil {
			return false, err
		}
		for _, endpointID := range fresh {
			d.lane(endpointID).behind = true
		}
		d.since = position
	}
	more, err = d.claimBacklog(ctx, position)
	if err != nil || !slow {
		return more, err
	}
	retried, err := d.claimRetries(ctx)
	if retried == claimMax {
		d.slowAt = time.Time{} // there may be more
		more = true
	}
	return more, err
}

// slow does what need not be done at each pass.
func (d *dispatcher) slow(ctx context.Context, now time.Time, position int64) error {
	enabled, err := d.w.claims.enabledEndpoints(ctx)
	if err != nil {
		return err
	}
	full := now.Sub(d.fullAt) >= fullEvery
	for endpointID, changed := range enabled {
		l := d.lane(endpointID)
		// An endpoint that was paused for a moment is found enabled as before: what
		// came meanwhile is behind the mark.
		if full || changed != l.changed {
			l.behind, l.from, l.changed = true, 0, changed
		}
	}
	for endpointID, l := range d.lanes {
		if _, on := enabled[endpointID]; !on {
			d.close(l)
		}
	}
	if full {
		d.fullAt = now
		if err := d.w.claims.tidy(ctx); err != nil {
			return err
		}
	}
	if err := d.w.claims.reopen(ctx, position); err != nil {
		return err
	}
	_, err = d.w.leases.Sweep(ctx, leaseKind, position)
	return err
}

// lane returns an endpoint's lane. A new one has everything before it.
func (d *dispatcher) lane(endpointID string) *lane {
	l := d.lanes[endpointID]
	if l == nil {
		l = &lane{endpointID: endpointID, behind: true}
		d.lanes[endpointID] = l
	}
	return l
}

// close gives back what waits for an endpoint that is not sent to any more. The
// lane goes once nothing is under way.
func (d *dispatcher) close(l *lane) {
	for _, j := range l.queue {
		d.w.letGo(j, 0, 0)
	}
	l.queue, l.behind, l.from = nil, true, 0
	if l.inFlight == 0 {
		delete(d.lanes, l.endpointID)
		d.w.health.forget(l.endpointID)
	}
}

// claimBacklog claims for lanes that have room, each its share, and reports
// whether some could have taken more.
func (d *dispatcher) claimBacklog(ctx context.Context, position int64) (more bool, err error) {
	hungry := d.pick(func(l *lane) bool { return l.hungry() })
	if len(hungry) == 0 {
		return false, nil
	}
	all, err := d.w.claims.takeBacklog(ctx, d.w.owner, hungry)
	if err != nil {
		return false, err
	}
	seen, last := map[string]int{}, map[string]int64{}
	for _, c := range all {
		seen[c.endpointID]++
		last[c.endpointID] = c.position
	}
	for _, w := range hungry {
		l := d.lanes[w.endpointID]
		if seen[w.endpointID] < w.room {
			l.behind, l.from = false, max(l.from, position)
			continue
		}
		// One event may stand in several of an endpoint's rows: look at its
		// position once more.
		l.from = max(l.from, last[w.endpointID]-1)
		more = more || l.hungry()
	}
	return more || len(all) == claimMax, d.enqueue(ctx, all)
}

func (d *dispatcher) claimRetries(ctx context.Context) (int, error) {
	open := d.pickRoom()
	if len(open) == 0 {
		return 0, nil
	}
	all, err := d.w.claims.takeRetries(ctx, d.w.owner, open)
	if err != nil {
		return 0, err
	}
	return len(all), d.enqueue(ctx, all)
}

// pick chooses lanes to claim for, at random, and shares one claim out among
// them.
func (d *dispatcher) pick(want func(*lane) bool) []wanted {
	var all []wanted
	queued := 0
	for _, l := range d.lanes { // Go begins somewhere else each time
		queued += len(l.queue)
		if len(all) < claimMax && want(l) {
			all = append(all, wanted{endpointID: l.endpointID, after: l.from, room: l.freshRoom()})
		}
	}
	if queued >= queuedMax {
		return nil
	}
	share := claimMax / max(1, len(all))
	for i := range all {
		all[i].room = min(all[i].room, share)
	}
	return all
}

// pickRoom lists every lane with room: which of them have something due, only
// their leases know.
func (d *dispatcher) pickRoom() []wanted {
	var all []wanted
	queued := 0
	for _, l := range d.lanes {
		queued += len(l.queue)
		if room := l.room(); room > 0 {
			all = append(all, wanted{endpointID: l.endpointID, room: room})
		}
	}
	if queued >= queuedMax {
		return nil
	}
	return all
}

// enqueue loads what the claimed deliveries need and starts what may start. What
// can't be loaded is given back.
func (d *dispatcher) enqueue(ctx context.Context, all []claimed) error {
	jobs := make([]job, 0, len(all))
	for _, c := range all {
		if c.ours {
			jobs = append(jobs, c.job)
		}
	}
	for some := range slices.Chunk(jobs, prepareMax) {
		ready, err := d.w.prepare(ctx, some)
		if err != nil {
			for _, j := range jobs {
				d.w.letGo(j, 0, 0)
			}
			return err
		}
		jobs = jobs[len(some):]
		for _, j := range ready {
			l := d.lane(j.endpointID)
			l.queue, l.spared = append(l.queue, j), d.w.health.spared(j.endpoint)
		}
		for _, j := range ready {
			d.startNext(ctx, d.lanes[j.endpointID])
		}
	}
	return nil
}

func (d *dispatcher) startNext(ctx context.Context, l *lane) {
	for {
		next, start, dropped := l.next(time.Now())
		for _, j := range dropped {
			d.w.letGo(j, 0, 0)
		}
		if !start {
			return
		}
		d.w.start(ctx, next)
	}
}

// wait keeps lanes going until it is time for another pass: the read model has
// moved, a lane wants more, or until has come; never before earliest.
func (d *dispatcher) wait(ctx context.Context, moved <-chan struct{}, earliest, until time.Time) {
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	early := func() {
		moved = nil
		timer.Reset(max(0, time.Until(earliest)))
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			return
		case <-moved:
			early()
		case e := <-d.w.ended:
			if l := d.lanes[e.endpointID]; l != nil {
				l.ended(e.lesson)
				d.startNext(ctx, l)
				if l.hungry() {
					early()
				}
			}
		}
	}
}

// drain takes the ends of jobs until all have stopped, and gives back what never
// began.
func (d *dispatcher) drain(stopped <-chan struct{}) {
	for _, l := range d.lanes {
		for _, j := range l.queue {
			d.w.letGo(j, 0, 0)
		}
	}
	for {
		select {
		case <-d.w.ended:
		case <-stopped:
			return
		}
	}
}
