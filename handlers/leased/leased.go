// Package leased runs jobs that outlive the process which drives them: a lease lets
// one process at a time drive a job, and another goes on where one has died. What
// there is to do, and how far it is, the log says; this package knows neither.
package leased

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"tender/eventstore/lease"
)

// Limits of the jobs of one kind in one process.
const (
	// ttl is how long a dead process's jobs wait for another.
	ttl = 3 * time.Second
	// lookEvery is how often a process looks for jobs that another has begun, or that
	// another has left behind.
	lookEvery = time.Second
	// jobsMax is how many jobs a process drives at once.
	jobsMax = 32
	// startedMax is how many jobs may wait to be noticed; the next look finds those for
	// which there is no room.
	startedMax = 256
)

// Config says what kind of jobs are run.
type Config struct {
	Kind   string // of their leases
	Leases *lease.Leases
	// Open lists the ids of jobs that have not ended, as far as a read model knows.
	Open func(ctx context.Context) ([]string, error)
	// Drive takes a job to its end, and does nothing where it has come to that. An error
	// leaves it where it stands, to be driven again a little later.
	Drive func(ctx context.Context, id string) error
	Log   *slog.Logger
}

// Jobs drives the jobs of one kind in one log. Any number of processes may run it.
type Jobs struct {
	Config
	started chan string

	mu      sync.Mutex
	driving map[string]bool
	drivers sync.WaitGroup
}

// New returns jobs, whose Run may be called once.
func New(c Config) *Jobs {
	return &Jobs{Config: c, started: make(chan string, startedMax), driving: map[string]bool{}}
}

// Started says that a job has begun. It never blocks.
func (j *Jobs) Started(id string) {
	select {
	case j.started <- id:
	default:
	}
}

// Run drives jobs until ctx ends, and then leaves them to whoever comes next.
func (j *Jobs) Run(ctx context.Context) error {
	defer j.drivers.Wait()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	j.look(ctx)
	for {
		select {
		case <-ctx.Done():
			return nil
		case id := <-j.started:
			j.begin(ctx, id)
		case <-tick.C:
			j.look(ctx)
		}
	}
}

// look finds jobs that have not ended.
func (j *Jobs) look(ctx context.Context) {
	open, err := j.Open(ctx)
	if err != nil && ctx.Err() == nil {
		j.Log.WarnContext(ctx, "jobs wait", "kind", j.Kind, "error", err)
	}
	for _, id := range open {
		j.begin(ctx, id)
	}
}

// begin has a job driven, unless this process does so or has its hands full.
func (j *Jobs) begin(ctx context.Context, id string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.driving[id] || len(j.driving) >= jobsMax {
		return
	}
	j.driving[id] = true
	j.drivers.Go(func() {
		defer func() {
			j.mu.Lock()
			defer j.mu.Unlock()
			delete(j.driving, id)
		}()
		err := j.Leases.Hold(ctx, j.Kind, id, ttl, func(ctx context.Context) error { return j.Drive(ctx, id) })
		if err != nil && ctx.Err() == nil {
			j.Log.WarnContext(ctx, "a job stands still for a moment", "kind", j.Kind, "id", id, "error", err)
		}
	})
}

// Pause waits for d, or returns the error of ctx once that ends.
func Pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
