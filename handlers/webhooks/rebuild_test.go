package webhooks_test

import (
	"context"
	"net/http"
	"testing"

	"tender/domain/webhook"
	"tender/eventstore/feed"
	"tender/projections"
)

// anew is the read model of deliveries as another build defines it, so that it is
// built again beside the one that is served, and takes its place.
type anew struct{ projections.Projection }

func (a anew) Definition() projections.Definition {
	d := a.Projection.Definition()
	d.Version++
	return d
}

// rebuild builds the read model of deliveries anew, and returns once that is served.
func (s *system) rebuild() {
	s.t.Helper()
	reader, err := feed.NewReader(s.store, nil)
	s.must(err)
	runner, err := projections.NewRunner(s.store, reader, projections.NewCursors(s.store), anew{projections.Deliveries()})
	s.must(err)
	s.background(func(ctx context.Context) { _ = reader.Run(ctx) })
	s.background(func(ctx context.Context) { _ = runner.Run(ctx) })
	s.eventually("the new generation is served", func() bool {
		return s.serves(2)
	})
}

// serves reports whether the views show this generation.
func (s *system) serves(generation int) bool {
	s.t.Helper()
	return s.count(`SELECT count(*) FROM read_test.projections WHERE name = $1 AND generation = $2 AND serving`,
		projections.DeliveriesName, generation) == 1
}

// While the read model is built anew and swapped in, with messages under way, others
// waiting, some that have failed and some that may not be sent yet: nothing is lost,
// and what has arrived does not come again.
func TestRebuildWhileDelivering(t *testing.T) {
	t.Parallel()
	s := start(t)
	release := make(chan struct{})
	held := make(chan struct{}, 1000)
	in := receiver(t, func(w http.ResponseWriter, r *http.Request) {
		held <- struct{}{}
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	quick, failing, paused := receiver(t, status(200)), receiver(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "3600") // the next try is when the test says
		w.WriteHeader(http.StatusServiceUnavailable)
	}), receiver(t, status(200))
	inID, _ := s.endpoint("mer_1", in.url)
	quickID, _ := s.endpoint("mer_1", quick.url)
	failingID, _ := s.endpoint("mer_1", failing.url)
	pausedID, _ := s.endpoint("mer_1", paused.url)
	waits, enabled := webhook.StatusPaused, webhook.StatusEnabled
	s.change("mer_1", pausedID, webhook.UpdateEndpoint{Status: &waits})
	stop := s.worker()

	ids := s.sessions("mer_1", 100)
	s.has(100, quickID, projections.DeliveryDelivered)
	s.eventually("each was tried where they fail", func() bool {
		return s.count(`SELECT count(*) FROM work_test.delivery_attempts WHERE endpoint_id = $1`, failingID) == 100
	})
	<-held
	s.rebuild()
	ids = append(ids, s.sessions("mer_1", 50)...)
	s.has(150, quickID, projections.DeliveryDelivered)
	close(release)
	s.has(150, inID, projections.DeliveryDelivered)
	s.has(150, failingID, projections.DeliveryPending)
	s.has(150, pausedID, projections.DeliveryPending)
	paused.exactly(nil)

	// Another worker, which knows nothing but the new read model.
	stop()
	s.worker()
	failing.answers(status(200))
	s.eventually("each was tried where they fail", func() bool {
		return s.count(`SELECT count(DISTINCT delivery_id) FROM work_test.delivery_attempts WHERE endpoint_id = $1`, failingID) == 150
	})
	s.exec(`UPDATE work_test.leases SET until = now() WHERE kind = 'delivery' AND owner = '' AND done_position IS NULL`)
	s.change("mer_1", pausedID, webhook.UpdateEndpoint{Status: &enabled})
	ids = append(ids, s.sessions("mer_1", 10)...)
	for _, endpointID := range []string{inID, quickID, failingID, pausedID} {
		s.has(160, endpointID, projections.DeliveryDelivered)
	}
	in.exactly(ids)
	quick.exactly(ids)
	paused.exactly(ids)
	if n := s.count(`SELECT count(*) FROM log_test.events WHERE type = 'webhook.delivered'`); n != 4*160 {
		t.Errorf("%d outcomes in the log", n)
	}
	s.eventually("tries are counted on", func() bool {
		return s.count(`SELECT count(*) FROM work_test.delivery_attempts WHERE endpoint_id = $1 AND number = 2 AND status = 200`, failingID) >= 100
	})
	if !s.serves(2) {
		t.Error("the old read model is served again")
	}
}
