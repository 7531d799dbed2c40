package webhooks

import (
	"context"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/google/uuid"

	"tender/domain/webhook"
	"tender/eventstore"
	"tender/handlers/engine"
)

const (
	// aside is how long a delivery is left alone that can't be sent for a reason
	// which is not its endpoint's.
	aside = time.Minute
	// recheck is how long a delivery is left alone whose endpoint is not enabled,
	// although the read model says so still.
	recheck = 5 * time.Second
)

// job is one delivery in this process's hands.
type job struct {
	id, merchantID, endpointID string
	eventID, eventType         string
	source                     string
	sourceVersion              int
	claimedAt                  time.Time

	// What the log says, loaded after the claim.
	endpoint  webhook.Endpoint
	message   Message
	causation uuid.UUID
	tries     int  // made before this one
	before    int  // of these, how many its present schedule doesn't count
	recorded  bool // the log has heard of the delivery
}

// prepare loads what the claimed deliveries need from the log, and returns those
// that are to be sent. A claim was a hint only: what has ended meanwhile, or may
// not be sent, is let go of.
func (w *Worker) prepare(ctx context.Context, all []job) ([]job, error) {
	if len(all) == 0 {
		return nil, nil
	}
	endpoints := map[string]*engine.Stream[webhook.Endpoint]{}
	ended := make([]*engine.Stream[webhook.Delivery], len(all))
	var refs []engine.Ref
	for i, j := range all {
		if endpoints[j.endpointID] == nil {
			endpoints[j.endpointID] = w.engine.Endpoints.Ref(j.endpointID)
			refs = append(refs, endpoints[j.endpointID])
		}
		ended[i] = w.engine.Deliveries.Ref(j.id)
		refs = append(refs, ended[i])
	}
	if err := w.engine.Refresh(ctx, refs...); err != nil {
		return nil, err
	}
	sources, err := w.loadSources(ctx, all)
	if err != nil {
		return nil, err
	}
	tries, err := w.loadTries(ctx, all)
	if err != nil {
		return nil, err
	}
	ready := make([]job, 0, len(all))
	for i, j := range all {
		e := endpoints[j.endpointID].Value
		switch {
		case ended[i].Value.Ended():
			w.letGo(j, 0, ended[i].Position)
			continue
		case e.Deleted || e.Status != webhook.StatusEnabled:
			w.letGo(j, recheck, 0)
			continue
		}
		j.endpoint, j.recorded = e, ended[i].Version > 0
		j.before = ended[i].Value.Attempts
		j.tries = max(tries[j.id], j.before) // tries are forgotten after a while, how many they were is not
		if err := w.render(&j, sources[j.source]); err != nil {
			w.log.ErrorContext(ctx, "a webhook message can't be rendered", "delivery", j.id, "event", j.eventID, "error", err)
			w.letGo(j, aside, 0)
			continue
		}
		ready = append(ready, j)
	}
	return ready, nil
}

// loadSources returns the streams that the deliveries tell of, from their
// beginning.
func (w *Worker) loadSources(ctx context.Context, all []job) (map[string][]eventstore.Event, error) {
	sources := make(map[string][]eventstore.Event, len(all))
	var after []eventstore.StreamAfter
	for _, j := range all {
		if _, asked := sources[j.source]; !asked {
			sources[j.source] = nil
			after = append(after, eventstore.StreamAfter{Stream: j.source})
		}
	}
	tails, err := w.engine.Store.Streams(ctx, after...)
	if err != nil {
		return nil, err
	}
	for i, a := range after {
		sources[a.Stream] = tails[i].Events
	}
	return sources, nil
}

// loadTries returns how often each delivery was tried.
func (w *Worker) loadTries(ctx context.Context, all []job) (map[string]int, error) {
	ids := make([]string, len(all))
	for i, j := range all {
		ids[i] = j.id
	}
	return countTries(ctx, w.engine.Store.Pool(), w.notes.tries, ids)
}

func (w *Worker) render(j *job, events []eventstore.Event) error {
	if len(events) < j.sourceVersion {
		return errors.AssertionFailedf("stream %s ends at version %d, not %d", j.source, len(events), j.sourceVersion)
	}
	message, err := Render(w.engine.Mode(), events[:j.sourceVersion])
	if err != nil {
		return err
	}
	if message.ID != j.eventID {
		return errors.AssertionFailedf("the message is of event %s, not %s", message.ID, j.eventID)
	}
	j.message, j.causation = message, events[j.sourceVersion-1].ID
	return nil
}
