package clocks

import (
	"context"
	"log/slog"

	"github.com/cockroachdb/errors"

	"tender/eventstore/lease"
	"tender/handlers/engine"
	"tender/handlers/leased"
	"tender/projections"
)

// leaseKind is that of the leases on clocks that are on their way.
const leaseKind = "clock"

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
// something falls due to the next. Any number of processes may run it: where a clock
// stands, and what is still due, the log says.
type Job struct {
	JobConfig
	agenda agenda
	clocks *leased.Jobs
}

// NewJob returns a job, whose Run may be called once.
func NewJob(c JobConfig) *Job {
	j := &Job{JobConfig: c, agenda: newAgenda(c.Engine.Store)}
	j.clocks = leased.New(leased.Config{Kind: leaseKind, Leases: c.Leases, Open: j.agenda.advancing, Drive: j.drive, Log: c.Log})
	return j
}

// Started says that a clock was sent on its way. It never blocks.
func (j *Job) Started(clockID string) { j.clocks.Started(clockID) }

// Run drives clocks until ctx ends. What is under way with an acquirer then is left
// to whoever comes next.
func (j *Job) Run(ctx context.Context) error { return j.clocks.Run(ctx) }

// reach waits until a read model has come to a position, however long that takes.
func (j *Job) reach(ctx context.Context, name string, position int64) error {
	for {
		err := j.Cursors.WaitFor(ctx, name, position)
		if !errors.Is(err, projections.ErrBehind) {
			return err
		}
	}
}
