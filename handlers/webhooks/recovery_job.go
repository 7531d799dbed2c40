package webhooks

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/cockroachdb/errors"

	"tender/eventstore/lease"
	"tender/handlers/engine"
	"tender/handlers/leased"
	"tender/projections"
)

// Limits of recoveries. What is live comes first: recovered deliveries join the end of
// the endpoint's line, and there are never more of them in front of a new one than
// recoveryBacklogMax. Other endpoints have lines of their own.
const (
	// recoveryRate is how many deliveries a process sends again per second, all its
	// recoveries together: a small part of what a log can take.
	recoveryRate = 200
	// recoveryBacklogMax is how many deliveries that could be sent now an endpoint has
	// at most by the doing of a recovery, which waits until half of them are gone:
	// enough to keep a quick endpoint busy, and a second or two of a slow one's time.
	recoveryBacklogMax = 64
	// recoveryWaitingMax is how many deliveries may wait for their next try. An endpoint
	// that fails so often gets nothing more until some have ended.
	recoveryWaitingMax = 256
	// recoveryLookMax is how many events are looked at in one step.
	recoveryLookMax = 1000
	// recoveryStepMin is the least time from one step to the next.
	recoveryStepMin = 50 * time.Millisecond
	// recoveryWaitMax is how often an endpoint is looked at that takes nothing more.
	recoveryWaitMax = time.Second
)

// recoveryKind is that of the leases on recoveries.
const recoveryKind = "recovery"

// RecoveryConfig is what a [RecoveryJob] works with.
type RecoveryConfig struct {
	Engine  *engine.Engine
	Cursors *projections.Cursors
	Leases  *lease.Leases
	Log     *slog.Logger
}

// RecoveryJob does what recoveries of one log ask for: it goes through the events of
// their time, and makes pending again what did not arrive. Any number of processes may
// run it; where one has died another goes on, and no delivery is sent again twice by
// one recovery.
type RecoveryJob struct {
	RecoveryConfig
	look recoveryQueries
	pace pace
	jobs *leased.Jobs
}

// NewRecoveryJob returns a job, whose Run may be called once.
func NewRecoveryJob(c RecoveryConfig) *RecoveryJob {
	j := &RecoveryJob{RecoveryConfig: c, look: newRecoveryQueries(c.Engine.Store.Pool(), c.Engine.Store.Log())}
	j.jobs = leased.New(leased.Config{Kind: recoveryKind, Leases: c.Leases, Open: j.look.running, Drive: j.drive, Log: c.Log})
	return j
}

// Started says that a recovery was begun. It never blocks.
func (j *RecoveryJob) Started(recoveryID string) { j.jobs.Started(recoveryID) }

// Run drives recoveries until ctx ends.
func (j *RecoveryJob) Run(ctx context.Context) error { return j.jobs.Run(ctx) }

// pace spreads what several recoveries do over time.
type pace struct {
	mu   sync.Mutex
	free time.Time
}

// took says that n deliveries were sent again just now, and returns when more may be.
func (p *pace) took(n int, now time.Time) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.free.Before(now) {
		p.free = now
	}
	p.free = p.free.Add(time.Duration(n) * time.Second / recoveryRate)
	return p.free
}

// reach waits until the read model of deliveries has come to a position, however long
// that takes.
func (j *RecoveryJob) reach(ctx context.Context, position int64) error {
	for {
		err := j.Cursors.WaitFor(ctx, projections.DeliveriesName, position)
		if !errors.Is(err, projections.ErrBehind) {
			return err
		}
	}
}
