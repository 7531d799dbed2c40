package webhooks

import (
	"context"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"

	"tender/eventstore/lease"
	"tender/eventstore/trace"
	"tender/handlers/engine"
	"tender/handlers/webhooks/egress"
	"tender/projections"
)

// recordingMax is how many outcomes may be on their way into the log at once.
const recordingMax = 256

// WorkerConfig is what a [Worker] works with.
type WorkerConfig struct {
	Engine  *engine.Engine
	Cursors *projections.Cursors
	Leases  *lease.Leases
	Secrets *Secrets
	Egress  *egress.Client
	// Tried, if any, is told what each try came to.
	Tried func(egress.Answer)
	Log   *slog.Logger
}

// Worker delivers one log's events. Any number run side by side, in one process
// or in many: a lease keeps a delivery in one worker's hands at a time, and what
// became of it is decided by its stream in the log.
//
// A delivery is made at least once. It is made again if a worker dies between the
// endpoint's answer and the outcome's append.
type Worker struct {
	engine  *engine.Engine
	cursors *projections.Cursors
	leases  *lease.Leases
	secrets *Secrets
	egress  *egress.Client
	tried   func(egress.Answer)
	log     *slog.Logger

	owner     string
	claims    *claims
	notes     *notebook
	health    *health
	past      *past
	ended     chan end
	recording chan struct{}
	jobs      sync.WaitGroup
}

// end says that a job no longer occupies its endpoint.
type end struct {
	endpointID string
	lesson     lesson
}

// NewWorker returns a worker, whose Run may be called once.
func NewWorker(c WorkerConfig) *Worker {
	store := c.Engine.Store
	if c.Tried == nil {
		c.Tried = func(egress.Answer) {}
	}
	return &Worker{
		engine: c.Engine, cursors: c.Cursors, leases: c.Leases, secrets: c.Secrets, egress: c.Egress, tried: c.Tried, log: c.Log,
		owner:  uuid.NewString(),
		claims: newClaims(store.Pool(), store.Log()), notes: newNotebook(store.Pool(), store.Log(), c.Log),
		health: newHealth(), past: newPast(store.Pool(), store.Log()),
		ended: make(chan end, 1024), recording: make(chan struct{}, recordingMax),
	}
}

// Run delivers until ctx ends. Tries that are under way then are broken off and
// given back; outcomes that are known are recorded.
func (w *Worker) Run(ctx context.Context) error {
	written := make(chan struct{})
	go func() {
		defer close(written)
		w.notes.run(context.WithoutCancel(ctx))
	}()
	d := newDispatcher(w)
	d.run(ctx)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		w.jobs.Wait()
	}()
	d.drain(stopped)
	close(w.notes.in)
	<-written
	w.egress.Close()
	return nil
}

// start makes one try on a goroutine of its own.
func (w *Worker) start(ctx context.Context, j job) {
	w.jobs.Go(func() {
		startedAt := time.Now()
		ctx, done := trace.Begin(ctx, "webhook", trace.Kind, trace.Client, "mode", w.engine.Store.Log().Mode,
			"delivery", j.id, "endpoint", j.endpointID, "event", j.eventID, "type", j.eventType, "try", strconv.Itoa(j.tries+1))
		secrets, err := w.secrets.live(ctx, j.endpoint, startedAt)
		if err != nil {
			w.log.ErrorContext(ctx, "a webhook message can't be signed", "delivery", j.id, "endpoint", j.endpointID, "error", err)
			w.ended <- end{endpointID: j.endpointID} // no fault of the endpoint's
			w.letGo(j, aside, 0)
			done(err)
			return
		}
		answer := w.egress.Post(ctx, j.endpoint.URL, Sign(j.message.ID, startedAt, j.message.Body, secrets...), j.message.Body)
		w.tried(answer)
		w.recording <- struct{}{} // before the place is given free: outcomes can't pile up
		l := w.health.learn(j.endpoint, startedAt, answer)
		w.ended <- end{endpointID: j.endpointID, lesson: l}
		w.record(ctx, j, startedAt, answer, l)
		done(nil, "outcome", string(answer.Class))
		<-w.recording
	})
}
