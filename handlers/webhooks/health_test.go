package webhooks_test

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"tender/domain/webhook"
	"tender/handlers/engine"
	"tender/projections"
)

const day = 24 * time.Hour

// ago is the system as it was: what it appends is as old.
func (s *system) ago(d time.Duration) *system {
	then := *s
	then.engine = engine.New(s.store, func() time.Time { return time.Now().Add(-d) })
	return &then
}

// said are the types of a stream's events.
func (s *system) said(stream string) []string {
	s.t.Helper()
	events, err := s.store.Stream(s.ctx, stream)
	s.must(err)
	var types []string
	for _, e := range events {
		types = append(types, e.Type)
	}
	return types
}

// state is an endpoint as the log has it.
func (s *system) state(endpointID string) webhook.Endpoint {
	s.t.Helper()
	ref := s.engine.Endpoints.Ref(endpointID)
	s.must(s.engine.Refresh(s.ctx, ref))
	return ref.Value
}

// failing makes an endpoint that was created a day before it began to fail, so long ago.
func (s *system) failing(url string, since time.Duration) (endpointID string) {
	s.t.Helper()
	then := s.ago(since + day)
	endpointID, _ = then.endpoint("mer_1", url)
	began := time.Now().Add(-since).UTC().Truncate(time.Millisecond)
	s.ago(since-time.Hour).change("mer_1", endpointID, webhook.RecordFailures{
		URL: url, Run: webhook.Run{Since: began, Until: began.Add(time.Hour), Tries: webhook.FailingTries},
	})
	if got := s.state(endpointID).FailingSince; !got.Equal(began) {
		s.t.Fatalf("it fails since %v, not %v", got, began)
	}
	return endpointID
}

// tried writes down tries of a delivery that failed, the first so long ago.
func (s *system) tried(deliveryID, endpointID string, tries int, since time.Duration) {
	s.t.Helper()
	s.exec(`INSERT INTO work_test.delivery_attempts (delivery_id, number, endpoint_id, merchant_id, started_at, duration_ms, status)
		SELECT $1, n, $2, 'mer_1', now() - $4::interval / n, 1, 500 FROM generate_series(1, $3) n`, deliveryID, endpointID, tries, since)
}

// gate is a receiver's answer that waits until it is let go, and counts who waits.
type gate struct {
	mu           sync.Mutex
	inside, peak int
	open         chan struct{}
}

func newGate() *gate { return &gate{open: make(chan struct{})} }

func (g *gate) answer(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		g.count(1)
		defer g.count(-1)
		select {
		case <-g.open:
		case <-r.Context().Done():
		}
		w.WriteHeader(code)
	}
}

func (g *gate) count(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside += n
	g.peak = max(g.peak, g.inside)
}

func (g *gate) waiting() (inside, peak int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.inside, g.peak
}

// An endpoint that fails is noticed once, however many tries fail; the first message
// that arrives heals it, in the append that records the arrival; and then as many are
// under way as before.
func TestFailingIsNoticedAndHealed(t *testing.T) {
	t.Parallel()
	s := start(t)
	in := receiver(t, status(500))
	endpointID, _ := s.ago(day).endpoint("mer_1", in.url)
	ids := s.sessions("mer_1", 20)
	deliveryID := webhook.DeliveryID(ids[0], endpointID)
	s.tried(deliveryID, endpointID, webhook.FailingTries-1, time.Hour)
	since := s.firstTry(deliveryID)
	stop := s.worker()
	s.eventually("it is known to fail", func() bool { return s.state(endpointID).Failing() })
	if got := s.state(endpointID).FailingSince; !got.Equal(since) {
		t.Errorf("it fails since %v, but the first try that failed was at %v", got, since)
	}
	s.eventually("the others are tried, too", func() bool {
		return s.count(`SELECT count(*) FROM work_test.delivery_attempts WHERE number = 1`) == len(ids)
	})
	stop()
	if got := s.said(endpointID); !slices.Equal(got, []string{"webhook.endpoint_created", "webhook.endpoint_failing"}) {
		t.Fatalf("the log says %q", got)
	}

	// Another process knows, and begins with one.
	g, other := newGate(), receiver(t, status(200))
	in.answers(g.answer(500))
	otherID, _ := s.endpoint("mer_1", other.url)
	s.sessions("mer_1", 60)
	s.worker()
	s.has(60, otherID, projections.DeliveryDelivered)
	s.eventually("one is under way", func() bool { inside, _ := g.waiting(); return inside == 1 })
	s.exec(`UPDATE work_test.leases SET until = now() WHERE kind = 'delivery' AND owner = ''`)
	s.sessions("mer_1", 60)
	s.has(120, otherID, projections.DeliveryDelivered)
	if _, peak := g.waiting(); peak != 1 {
		t.Errorf("%d messages at once to an endpoint that fails", peak)
	}
	open := newGate()
	in.answers(status(204))
	close(g.open)
	s.eventually("one arrives", func() bool {
		return s.count(`SELECT count(*) FROM log_test.events WHERE type = 'webhook.delivered' AND payload ->> 'endpoint_id' = $1`, endpointID) > 0
	})
	in.answers(open.answer(204))
	if s.state(endpointID).Failing() {
		t.Error("it fails although a message arrived")
	}
	if got := s.said(endpointID); !slices.Equal(got, []string{"webhook.endpoint_created", "webhook.endpoint_failing", "webhook.endpoint_healed"}) {
		t.Errorf("the log says %q", got)
	}
	if n := s.count(`SELECT count(*) FROM log_test.events d JOIN log_test.events r USING (command_id)
		WHERE d.type = 'webhook.delivered' AND r.type = 'webhook.endpoint_healed'`); n != 1 {
		t.Errorf("%d arrivals were recorded with the recovery", n)
	}
	s.sessions("mer_1", 60)
	s.eventually("eight are under way", func() bool { inside, _ := open.waiting(); return inside == 8 })
	close(open.open)
}

// Several processes say once that an endpoint fails, and send it one message each.
func TestFailingIsSaidOnce(t *testing.T) {
	t.Parallel()
	s := start(t)
	in, other := receiver(t, status(500)), receiver(t, status(200))
	endpointID, _ := s.ago(day).endpoint("mer_1", in.url)
	ids := s.sessions("mer_1", 12)
	for _, eventID := range ids {
		s.tried(webhook.DeliveryID(eventID, endpointID), endpointID, webhook.FailingTries-1, time.Hour)
	}
	const workers = 3
	for range workers {
		s.worker()
	}
	s.eventually("all are tried", func() bool {
		return s.count(`SELECT count(*) FROM work_test.delivery_attempts WHERE number = $1`, webhook.FailingTries) == len(ids)
	})
	if got := s.said(endpointID); !slices.Equal(got, []string{"webhook.endpoint_created", "webhook.endpoint_failing"}) {
		t.Errorf("the log says %q", got)
	}
	g := newGate()
	in.answers(g.answer(500))
	otherID, _ := s.endpoint("mer_1", other.url)
	s.sessions("mer_1", 60)
	s.eventually("each has one under way", func() bool { inside, _ := g.waiting(); return inside == workers })
	s.has(60, otherID, projections.DeliveryDelivered)
	if _, peak := g.waiting(); peak != workers {
		t.Errorf("%d messages at once, of %d processes", peak, workers)
	}
	close(g.open)
}

// firstTry is when a delivery was tried first, as the log writes times.
func (s *system) firstTry(deliveryID string) (at time.Time) {
	s.t.Helper()
	s.must(s.store.Pool().QueryRow(s.ctx, `SELECT min(started_at) FROM work_test.delivery_attempts WHERE delivery_id = $1`, deliveryID).Scan(&at))
	return at.UTC().Truncate(time.Millisecond)
}

// What has failed for 5 days is disabled by the next try that fails, and what waited
// for it is given up.
func TestFailingForFiveDaysDisables(t *testing.T) {
	t.Parallel()
	s := start(t)
	in, almost := receiver(t, status(500)), receiver(t, status(500))
	endpointID := s.failing(in.url, webhook.DisabledAfter+time.Hour)
	almostID := s.failing(almost.url, webhook.DisabledAfter-time.Hour)
	s.sessions("mer_1", 4)
	s.worker()
	s.has(4, endpointID, projections.DeliveryExhausted)
	if got := s.said(endpointID); !slices.Equal(got, []string{"webhook.endpoint_created", "webhook.endpoint_failing", "webhook.endpoint_disabled"}) {
		t.Errorf("the log says %q", got)
	}
	events, err := s.store.Stream(s.ctx, endpointID)
	s.must(err)
	d, err := webhook.Codec.Decode(events[2].Type, 1, events[2].Payload)
	s.must(err)
	if e, ok := d.(webhook.EndpointDisabled); !ok || e.Reason != webhook.DisabledFailing {
		t.Errorf("the log says %+v", d)
	}
	s.eventually("the other is tried", func() bool {
		return s.count(`SELECT count(*) FROM work_test.delivery_attempts WHERE endpoint_id = $1`, almostID) >= 4
	})
	s.has(4, almostID, projections.DeliveryPending)
	if e := s.state(almostID); e.Status != webhook.StatusEnabled || !e.Failing() {
		t.Errorf("what has failed for almost 5 days is %+v", e)
	}
	s.eventually("no lease holds what was given up", func() bool {
		return s.count(`SELECT count(*) FROM work_test.leases l JOIN read_test.deliveries d ON d.id = l.id WHERE d.endpoint_id = $1 AND l.owner <> ''`, endpointID) == 0
	})

	// Brought back, it begins anew: one failure is only one.
	enabled := webhook.StatusEnabled
	s.change("mer_1", endpointID, webhook.UpdateEndpoint{Status: &enabled})
	s.sessions("mer_1", 1)
	s.has(1, endpointID, projections.DeliveryPending)
	s.eventually("it is tried again", func() bool {
		return s.count(`SELECT count(*) FROM work_test.delivery_attempts a JOIN read_test.deliveries d ON d.id = a.delivery_id
			WHERE d.endpoint_id = $1 AND d.status = 'pending'`, endpointID) > 0
	})
	if e := s.state(endpointID); e.Status != webhook.StatusEnabled || e.Failing() {
		t.Errorf("brought back, it is %+v", e)
	}
}

// A message that a process brought there which did not know that the endpoint was
// said to fail is not overlooked.
func TestArrivalElsewhereHeals(t *testing.T) {
	t.Parallel()
	s := start(t)
	in := receiver(t, status(500))
	endpointID := s.failing(in.url, webhook.DisabledAfter+time.Hour)
	ids := s.sessions("mer_1", 1)
	s.delivered(endpointID, day)
	s.eventually("the read model knows", func() bool {
		return s.count(`SELECT count(*) FROM read_test.delivery_endpoints WHERE delivered_at < now() - interval '23 hours'`) == 1
	})
	s.worker()
	s.eventually("it has recovered", func() bool { return !s.state(endpointID).Failing() })
	if e := s.state(endpointID); e.Status != webhook.StatusEnabled {
		t.Errorf("it is %+v", e)
	}
	s.has(1, endpointID, projections.DeliveryPending)
	in.exactly(ids)
}

// delivered says that some message arrived at an endpoint, so long ago.
func (s *system) delivered(endpointID string, ago time.Duration) {
	s.t.Helper()
	then := s.ago(ago)
	deliveryID := webhook.DeliveryID("evt_"+ago.String(), endpointID)
	_, err := then.engine.Do(s.ctx, engine.Command{Origin: s.origin("mer_1"), Decide: func(_ context.Context, tx *engine.Tx) error {
		engine.Create(tx, then.engine.Deliveries, deliveryID)
		engine.Write[webhook.Event](tx, webhook.Codec, deliveryID, webhook.Delivered{EndpointID: endpointID, EventID: "evt_1", Attempts: 1, Status: 200})
		return nil
	}})
	s.must(err)
}

// An endpoint that fails at one message and takes others does not fail, whatever this
// process has seen of that.
func TestOneBadMessageIsNoFailure(t *testing.T) {
	t.Parallel()
	s := start(t)
	in := receiver(t, status(500))
	endpointID, _ := s.ago(day).endpoint("mer_1", in.url)
	s.delivered(endpointID, 14*time.Minute)
	ids := s.sessions("mer_1", 1)
	deliveryID := webhook.DeliveryID(ids[0], endpointID)
	s.has(1, endpointID, projections.DeliveryPending)
	s.tried(deliveryID, endpointID, webhook.FailingTries+1, time.Hour) // the last two of them since
	s.worker()
	s.eventually("it is tried", func() bool {
		return s.count(`SELECT count(*) FROM work_test.delivery_attempts WHERE number = $1`, webhook.FailingTries+2) == 1
	})
	if got := s.said(endpointID); !slices.Equal(got, []string{"webhook.endpoint_created"}) {
		t.Errorf("the log says %q", got)
	}
}
