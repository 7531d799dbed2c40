package webhooks

import (
	"context"
	"time"

	"tender/domain"
	"tender/domain/webhook"
	"tender/handlers/engine"
	"tender/handlers/webhooks/egress"
)

// recordTimeout bounds how long an outcome may take into the log; then the
// delivery is sent again.
const recordTimeout = egress.DeliveryTimeout

// origin says in the log that a delivery's outcome, or what it did to the
// endpoint, was caused by the event that it told of.
func (w *Worker) origin(j job) engine.Origin {
	return engine.Origin{
		CommandID: engine.NewID(), MerchantID: j.merchantID, Causation: j.causation,
		Actor: domain.Actor{Kind: domain.ActorSystem, ID: "webhooks"},
	}
}

// record writes down what a try came to: its end in the log, everything else
// beside it. The log comes first: what is lost afterwards costs a repetition at
// most.
func (w *Worker) record(ctx context.Context, j job, startedAt time.Time, answer egress.Answer, l lesson) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	if answer.Class == egress.Abandoned {
		w.letGo(j, 0, 0)
		return
	}
	try := tried{
		number: j.tries + 1, endpointID: j.endpointID, merchantID: j.merchantID, startedAt: startedAt, answer: answer,
	}
	endedAt := startedAt.Add(answer.Duration)
	var done int64
	var err error
	next, again := NextTry(j.id, try.number-j.before, endedAt, answer.RetryAfter)
	switch {
	case answer.Class.Success():
		done, err = w.settle(ctx, j, webhook.RecordDelivered{
			EndpointID: j.endpointID, EventID: j.eventID, Attempts: try.number, Status: answer.Status, DeliveredAt: milliseconds(endedAt),
		})
	case answer.Class == egress.Gone:
		done, err = w.judge(ctx, j, webhook.DisableEndpoint{URL: j.endpoint.URL, Reason: webhook.DisabledGone})
	case !again:
		done, err = w.settle(ctx, j, webhook.RecordExhausted{
			EndpointID: j.endpointID, EventID: j.eventID, Attempts: try.number, Status: answer.Status,
			Failure: answer.Class.Failure(), ExhaustedAt: milliseconds(endedAt),
		})
	}
	if err != nil {
		// The lease runs out by itself, and the delivery is sent again.
		w.log.WarnContext(ctx, "the outcome of a webhook delivery is not recorded", "delivery", j.id, "error", err)
		return
	}
	if ended, err := w.weigh(ctx, j, try, l); err != nil {
		w.log.WarnContext(ctx, "what a try says of a webhook endpoint is not recorded; the next one may be", "endpoint", j.endpointID, "error", err)
	} else if done == 0 {
		done = ended
	}
	if done == 0 && again {
		try.next = next.Sub(endedAt)
	}
	w.notes.in <- note{id: j.id, owner: w.owner, wait: try.next, done: done, try: try}
	w.logTry(ctx, j, try, done)
}

// settle appends the end of a delivery, and returns the position from which on the
// read model knows it.
func (w *Worker) settle(ctx context.Context, j job, c webhook.DeliveryCommand) (int64, error) {
	var known int64
	first := !j.recorded // the stream was looked at just now, and did not exist
	_, arrived := c.(webhook.RecordDelivered)
	var healed []webhook.Event
	done, err := w.engine.Do(ctx, engine.Command{
		Origin: w.origin(j), Subject: j.id, Unbounded: true,
		Decide: func(ctx context.Context, tx *engine.Tx) error {
			var s engine.Loaded[webhook.Delivery]
			if first {
				first = false
				engine.Create(tx, w.engine.Deliveries, j.id)
			} else {
				var err error
				if s, err = engine.Read(ctx, tx, w.engine.Deliveries, j.id); err != nil {
					return err
				}
			}
			known = s.Position
			events, err := webhook.DecideDelivery(s.Value, c)
			if err != nil {
				return err
			}
			engine.Write(tx, webhook.Codec, j.id, events...)
			if arrived && w.failing(j) {
				healed, err = w.heal(ctx, tx, j)
			}
			return err
		},
	})
	if err == nil {
		w.logTransitions(ctx, j, healed)
	}
	return max(done.Position, known), err
}

// letGo gives a delivery back: to be taken again after wait or, if it has ended by
// the event at position done, never.
func (w *Worker) letGo(j job, wait time.Duration, done int64) {
	w.notes.in <- note{id: j.id, owner: w.owner, wait: wait, done: done}
}

func (w *Worker) logTry(ctx context.Context, j job, try tried, done int64) {
	w.log.InfoContext(ctx, "webhook", "delivery", j.id, "endpoint", j.endpointID, "merchant", j.merchantID,
		"event", j.eventID, "type", j.eventType, "try", try.number, "outcome", string(try.answer.Class),
		"status", try.answer.Status, "duration_ms", try.answer.Duration.Milliseconds(), "address", try.answer.Address,
		"error", try.answer.Detail, "next_in_s", int64(try.next.Seconds()), "position", done)
}

// milliseconds is t as the log writes times.
func milliseconds(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
