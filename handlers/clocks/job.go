package clocks

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/cockroachdb/errors"

	"tender/eventstore/lease"
	"tender/handlers/engine"
	"tender/projections"
)

// Limits of the job.
const (
	leaseKind = "clock"
	// leaseTTL is how long a dead process's clocks wait for another.
	leaseTTL = 3 * time.Second
	// lookEvery is how often a process looks for clocks that another has sent on
	// their way, or that another has left behind.
	lookEvery = time.Second
	// jobsMax is how many clocks a process drives at once.
	jobsMax = 32
	// startedMax is how many clocks may wait to be noticed; the next look finds those
	// for which there is no room.
	startedMax = 256
)

// JobConfig is what a [Job] works with.
type JobConfig struct {
	Engine  *engine.Engine
	Cursors *projections.Cursors
	Leases  *lease.Leases
	// Act does what is due for the object of a stream at the time of its clock, waits
	// for what comes of it, and returns the position of the last event that it
	// appended; 0: it appended none. Nothing to do is no error. It may be called again
	// for what was done already.
	Act func(ctx context.Context, stream string) (int64, error)
	// Lists are the names of the read models that must show what has fired before a
	// clock is ready.
	Lists []string
	Log   *slog.Logger
}

// Job drives the clocks of one log that are on their way: from one instant at which
// something falls due to the next. Any number of processes may run it; a lease lets
// one at a time drive a clock, and another goes on where one has died: where a clock
// stands, and what is still due, the log says.
type Job struct {
	JobConfig
	agenda  agenda
	started chan string

	mu      sync.Mutex
	driving map[string]bool
	drivers sync.WaitGroup
}

// NewJob returns a job, whose Run may be called once.
func NewJob(c JobConfig) *Job {
	return &Job{
		JobConfig: c, agenda: newAgenda(c.Engine.Store),
		started: make(chan string, startedMax), driving: map[string]bool{},
	}
}

// Started says that a clock was sent on its way. It never blocks.
func (j *Job) Started(clockID string) {
	select {
	case j.started <- clockID:
	default:
	}
}

// Run drives clocks until ctx ends. What is under way with an acquirer then is left
// to whoever comes next.
func (j *Job) Run(ctx context.Context) error {
	defer j.drivers.Wait()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	j.look(ctx)
	for {
		select {
		case <-ctx.Done():
			return nil
		case clockID := <-j.started:
			j.begin(ctx, clockID)
		case <-tick.C:
			j.look(ctx)
		}
	}
}

// look finds clocks that are on their way.
func (j *Job) look(ctx context.Context) {
	advancing, err := j.agenda.advancing(ctx)
	if err != nil && ctx.Err() == nil {
		j.Log.WarnContext(ctx, "test clocks wait", "error", err)
	}
	for _, clockID := range advancing {
		j.begin(ctx, clockID)
	}
}

// begin has a clock driven, unless this process does so or has its hands full.
func (j *Job) begin(ctx context.Context, clockID string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.driving[clockID] || len(j.driving) >= jobsMax {
		return
	}
	j.driving[clockID] = true
	j.drivers.Go(func() {
		defer func() {
			j.mu.Lock()
			defer j.mu.Unlock()
			delete(j.driving, clockID)
		}()
		err := j.Leases.Hold(ctx, leaseKind, clockID, leaseTTL, func(ctx context.Context) error {
			return j.drive(ctx, clockID)
		})
		if err != nil && ctx.Err() == nil {
			j.Log.WarnContext(ctx, "a test clock stands still for a moment", "clock", clockID, "error", err)
		}
	})
}

// reach waits until a read model has come to a position, however long that takes.
func (j *Job) reach(ctx context.Context, name string, position int64) error {
	for {
		err := j.Cursors.WaitFor(ctx, name, position)
		if !errors.Is(err, projections.ErrBehind) {
			return err
		}
	}
}
