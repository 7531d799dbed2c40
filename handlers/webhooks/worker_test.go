package webhooks_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"tender/domain/id"
	"tender/domain/webhook"
	"tender/eventstore/storetest"
	"tender/handlers/engine"
	"tender/handlers/webhooks"
	"tender/handlers/webhooks/egress"
	"tender/projections"
	"tender/vault"
)

func TestDeliver(t *testing.T) {
	t.Parallel()
	s := start(t)
	in, selective, elsewhere := receiver(t, status(204)), receiver(t, status(200)), receiver(t, status(200))
	endpointID, secret := s.endpoint("mer_1", in.url)
	selectiveID, _ := s.endpoint("mer_1", selective.url, webhook.PaymentCaptured)
	elsewhereID, _ := s.endpoint("mer_2", elsewhere.url)
	s.worker()
	ids := s.sessions("mer_1", 20)
	other := s.sessions("mer_2", 1)
	s.has(20, endpointID, projections.DeliveryDelivered)
	s.has(1, elsewhereID, projections.DeliveryDelivered)
	in.exactly(ids)
	elsewhere.exactly(other)
	selective.exactly(nil)
	if n := s.count(`SELECT count(*) FROM read_test.deliveries WHERE endpoint_id = $1`, selectiveID); n > 0 {
		t.Errorf("%d deliveries of what was not asked for", n)
	}

	for _, m := range in.messages() {
		if err := verify(secret, m.body, m.header); err != nil {
			t.Errorf("not verified: %v", err)
		}
		if !bytes.Contains(m.body, []byte(`"id":"`+m.id+`","type":"payment_session.created"`)) {
			t.Errorf("the body is %s", m.body)
		}
	}

	// In the log: one stream per delivery, caused by the event that it told of.
	stream := webhook.DeliveryID(ids[0], endpointID)
	events, err := s.store.Stream(s.ctx, stream)
	s.must(err)
	if len(events) != 1 || events[0].Type != "webhook.delivered" || id.Format(id.Event, events[0].Causation) != ids[0] || events[0].MerchantID != "mer_1" {
		t.Errorf("the delivery's stream is %+v", events)
	}
	if n := s.count(`SELECT count(*) FROM log_test.events WHERE type = 'webhook.delivered'`); n != 21 {
		t.Errorf("%d deliveries in the log", n)
	}
	s.eventually("every try is written down", func() bool {
		return s.count(`SELECT count(*) FROM work_test.delivery_attempts WHERE number = 1 AND status BETWEEN 200 AND 204 AND error_class = '' AND address <> '' AND next_at IS NULL`) == 21
	})
	s.eventually("no lease is left", func() bool { return s.count(`SELECT count(*) FROM work_test.leases WHERE kind = 'delivery'`) == 0 })
}

func TestRetry(t *testing.T) {
	t.Parallel()
	s := start(t)
	in := receiver(t, status(500))
	endpointID, secret := s.endpoint("mer_1", in.url)
	s.worker()
	ids := s.sessions("mer_1", 1)
	deliveryID := webhook.DeliveryID(ids[0], endpointID)

	// A failed try leaves the lease without owner, until the next; the log hears
	// nothing of it.
	tried := func(n int) {
		s.t.Helper()
		s.eventually("the try is written down", func() bool {
			return s.count(`SELECT count(*) FROM work_test.delivery_attempts a JOIN work_test.leases l ON l.id = a.delivery_id
				WHERE a.number = $1 AND a.next_at IS NOT NULL AND l.owner = '' AND abs(extract(epoch FROM l.until - a.next_at)) < 1`, n) == 1
		})
	}
	tried(1)
	wait, _ := webhooks.Wait(deliveryID, 1)
	if n := s.count(`SELECT count(*) FROM work_test.delivery_attempts WHERE status = 500
		AND abs(extract(epoch FROM next_at - started_at) * 1e3 - duration_ms - $1) < 2000`, wait.Milliseconds()); n != 1 {
		t.Errorf("the next try is not planned %v ahead", wait)
	}
	if n := s.count(`SELECT count(*) FROM log_test.events WHERE stream = $1`, deliveryID); n != 0 {
		t.Error("a failed try stands in the log")
	}

	// The second try, by itself; the third when it is due.
	tried(2)
	in.answers(status(200))
	s.exec(`UPDATE work_test.leases SET until = now() WHERE id = $1`, deliveryID)
	s.has(1, endpointID, projections.DeliveryDelivered)
	messages := in.messages()
	if len(messages) != 3 {
		t.Fatalf("%d messages", len(messages))
	}
	for _, m := range messages {
		if m.id != ids[0] || !bytes.Equal(m.body, messages[0].body) || verify(secret, m.body, m.header) != nil {
			t.Errorf("a try is another message: %+v", m)
		}
	}
	events, err := s.store.Stream(s.ctx, deliveryID)
	s.must(err)
	d, err := webhook.Codec.Decode(events[0].Type, 1, events[0].Payload)
	s.must(err)
	if e, ok := d.(webhook.Delivered); !ok || e.Attempts != 3 || e.Status != 200 {
		t.Errorf("the log says %+v", d)
	}
}

func TestRetryAfterIsHonoured(t *testing.T) {
	t.Parallel()
	s := start(t)
	in := receiver(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7200")
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = io.WriteString(w, "slow \x00 down")
	})
	s.endpoint("mer_1", in.url)
	s.worker()
	s.sessions("mer_1", 1)
	s.eventually("the try is planned two hours ahead", func() bool {
		return s.count(`SELECT count(*) FROM work_test.delivery_attempts WHERE response = 'slow \000 down'::bytea
			AND next_at BETWEEN now() + interval '115 minutes' AND now() + interval '121 minutes'`) == 1
	})
}

func TestExhausted(t *testing.T) {
	t.Parallel()
	s := start(t)
	in := receiver(t, status(500))
	endpointID, _ := s.endpoint("mer_1", in.url)
	ids := s.sessions("mer_1", 1)
	deliveryID := webhook.DeliveryID(ids[0], endpointID)
	s.exec(`INSERT INTO work_test.delivery_attempts (delivery_id, number, endpoint_id, merchant_id, started_at, duration_ms)
		SELECT $1, n, $2, 'mer_1', now(), 1 FROM generate_series(1, $3) n`, deliveryID, endpointID, webhooks.TriesMax-1)
	s.worker()
	s.has(1, endpointID, projections.DeliveryExhausted)
	in.exactly(ids)
	events, err := s.store.Stream(s.ctx, deliveryID)
	s.must(err)
	d, err := webhook.Codec.Decode(events[0].Type, 1, events[0].Payload)
	s.must(err)
	if e, ok := d.(webhook.Exhausted); !ok || e.Attempts != webhooks.TriesMax || e.Status != 500 {
		t.Errorf("the log says %+v", d)
	}
}

// What was given up is sent again: the same message, at once, by a schedule that
// begins anew while tries are counted on.
func TestResent(t *testing.T) {
	t.Parallel()
	s := start(t)
	in := receiver(t, status(500))
	endpointID, secret := s.endpoint("mer_1", in.url)
	ids := s.sessions("mer_1", 1)
	deliveryID := webhook.DeliveryID(ids[0], endpointID)
	s.exec(`INSERT INTO work_test.delivery_attempts (delivery_id, number, endpoint_id, merchant_id, started_at, duration_ms)
		SELECT $1, n, $2, 'mer_1', now(), 1 FROM generate_series(1, $3) n`, deliveryID, endpointID, webhooks.TriesMax-1)
	s.worker()
	s.has(1, endpointID, projections.DeliveryExhausted)

	s.resend("mer_1", deliveryID)
	wait, _ := webhooks.Wait(deliveryID, 1)
	s.eventually("the first try of the new schedule has failed", func() bool {
		return s.count(`SELECT count(*) FROM work_test.delivery_attempts WHERE number = $1
			AND abs(extract(epoch FROM next_at - started_at) * 1e3 - duration_ms - $2) < 2000`, webhooks.TriesMax+1, wait.Milliseconds()) == 1
	})
	s.has(1, endpointID, projections.DeliveryPending)
	in.answers(status(200))
	s.exec(`UPDATE work_test.leases SET until = now() WHERE id = $1`, deliveryID)
	s.has(1, endpointID, projections.DeliveryDelivered)

	// And what has arrived, too; the tries of before are forgotten by then.
	s.exec(`DELETE FROM work_test.delivery_attempts`)
	s.resend("mer_1", deliveryID)
	s.eventually("it arrived again", func() bool {
		return s.count(`SELECT count(*) FROM read_test.deliveries WHERE id = $1 AND status = 'delivered' AND version = 5`, deliveryID) == 1
	})
	messages := in.messages()
	if len(messages) != 4 {
		t.Fatalf("%d messages", len(messages))
	}
	for _, m := range messages {
		if m.id != ids[0] || !bytes.Equal(m.body, messages[0].body) || verify(secret, m.body, m.header) != nil {
			t.Errorf("it is another message: %+v", m)
		}
	}
	events, err := s.store.Stream(s.ctx, deliveryID)
	s.must(err)
	var said []string
	for _, e := range events {
		said = append(said, e.Type)
	}
	if want := []string{"webhook.exhausted", "webhook.resent", "webhook.delivered", "webhook.resent", "webhook.delivered"}; !slices.Equal(said, want) {
		t.Errorf("the log says %q", said)
	}
}

// What is sent again before its last outcome was written down beside the log comes
// soon, not only when everything is looked at.
func TestResentBeforeTheNote(t *testing.T) {
	t.Parallel()
	s := start(t)
	in := receiver(t, status(200))
	endpointID, _ := s.endpoint("mer_1", in.url)
	s.worker()
	ids := s.sessions("mer_1", 1)
	s.has(1, endpointID, projections.DeliveryDelivered)
	deliveryID := webhook.DeliveryID(ids[0], endpointID)
	s.eventually("the lease was swept", func() bool { return s.count(`SELECT count(*) FROM work_test.leases WHERE kind = 'delivery'`) == 0 })

	s.exec(`INSERT INTO work_test.leases (kind, id, owner, until) VALUES ('delivery', $1, 'slow', now() + interval '1 minute')`, deliveryID)
	s.resend("mer_1", deliveryID)
	ids = append(ids, s.sessions("mer_1", 1)...)
	s.has(1, endpointID, projections.DeliveryDelivered) // the worker has looked, and has passed over what is held
	s.exec(`UPDATE work_test.leases l SET owner = '', until = now(), done_position = e.position
		FROM log_test.events e WHERE l.id = $1 AND e.stream = $1 AND e.version = 1`, deliveryID)
	begun := time.Now()
	s.has(2, endpointID, projections.DeliveryDelivered)
	if waited := time.Since(begun); waited > 30*time.Second {
		t.Errorf("it came after %s", waited)
	}
	in.exactly([]string{ids[0], ids[1], ids[0]})
}

// What was on its way to an endpoint when that was disabled is sent again once it
// is back, whatever its last try was waiting for.
func TestResentAfterDisabled(t *testing.T) {
	t.Parallel()
	s := start(t)
	in := receiver(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7200")
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	endpointID, _ := s.endpoint("mer_1", in.url)
	s.worker()
	ids := s.sessions("mer_1", 1)
	s.eventually("it waits for two hours", func() bool {
		return s.count(`SELECT count(*) FROM work_test.leases WHERE kind = 'delivery' AND owner = '' AND until > now() + interval '1 hour'`) == 1
	})
	disabled, enabled := webhook.StatusDisabled, webhook.StatusEnabled
	s.change("mer_1", endpointID, webhook.UpdateEndpoint{Status: &disabled})
	s.has(1, endpointID, projections.DeliveryExhausted)
	in.answers(status(200))
	s.change("mer_1", endpointID, webhook.UpdateEndpoint{Status: &enabled})
	s.resend("mer_1", webhook.DeliveryID(ids[0], endpointID))
	s.has(1, endpointID, projections.DeliveryDelivered)
	in.exactly([]string{ids[0], ids[0]})
}

func TestGoneDisables(t *testing.T) {
	t.Parallel()
	s := start(t)
	in := receiver(t, status(410))
	endpointID, _ := s.endpoint("mer_1", in.url)
	other := receiver(t, status(200))
	otherID, _ := s.endpoint("mer_1", other.url)
	s.worker()
	s.sessions("mer_1", 1)
	s.has(1, endpointID, projections.DeliveryExhausted)
	events, err := s.store.Stream(s.ctx, endpointID)
	s.must(err)
	d, err := webhook.Codec.Decode(events[len(events)-1].Type, 1, events[len(events)-1].Payload)
	s.must(err)
	if e, ok := d.(webhook.EndpointDisabled); !ok || e.Reason != webhook.DisabledGone {
		t.Fatalf("the log says %+v", d)
	}
	more := s.sessions("mer_1", 3)
	s.has(4, otherID, projections.DeliveryDelivered)
	if n := len(in.messages()); n != 1 {
		t.Errorf("%d messages to an endpoint that is gone", n)
	}
	if n := s.count(`SELECT count(*) FROM read_test.deliveries WHERE endpoint_id = $1`, endpointID); n != 1 {
		t.Errorf("%d deliveries of a disabled endpoint", n)
	}

	// Brought back, it gets what comes from then on.
	in.answers(status(200))
	enabled := webhook.StatusEnabled
	s.change("mer_1", endpointID, webhook.UpdateEndpoint{Status: &enabled})
	s.sessions("mer_1", 2)
	s.has(2, endpointID, projections.DeliveryDelivered)
	if slices.Contains(more, in.messages()[1].id) {
		t.Error("what came while it was disabled was sent")
	}
}

func TestPausedWaits(t *testing.T) {
	t.Parallel()
	s := start(t)
	in, other := receiver(t, status(200)), receiver(t, status(200))
	endpointID, _ := s.endpoint("mer_1", in.url)
	otherID, _ := s.endpoint("mer_1", other.url)
	paused, enabled := webhook.StatusPaused, webhook.StatusEnabled
	s.change("mer_1", endpointID, webhook.UpdateEndpoint{Status: &paused})
	s.worker()
	ids := s.sessions("mer_1", 5)
	s.has(5, otherID, projections.DeliveryDelivered)
	s.has(5, endpointID, projections.DeliveryPending)
	in.exactly(nil)
	s.change("mer_1", endpointID, webhook.UpdateEndpoint{Status: &enabled})
	s.has(5, endpointID, projections.DeliveryDelivered)
	in.exactly(ids)
}

// A test message goes to the endpoint that is tested, whatever it asks for, and to no
// other, and is sent as any message.
func TestTested(t *testing.T) {
	t.Parallel()
	s := start(t)
	in, other := receiver(t, status(500)), receiver(t, status(200))
	endpointID, secret := s.endpoint("mer_1", in.url, webhook.PaymentCaptured)
	otherID, _ := s.endpoint("mer_1", other.url)
	s.worker()
	s.change("mer_1", endpointID, webhook.TestEndpoint{})
	stream, err := s.store.Stream(s.ctx, endpointID)
	s.must(err)
	tested := stream[len(stream)-1]
	eventID := id.Format(id.Event, tested.ID)
	s.eventually("it is tried", func() bool {
		return s.count(`SELECT count(*) FROM work_test.delivery_attempts WHERE delivery_id = $1 AND status = 500`, webhook.DeliveryID(eventID, endpointID)) >= 1
	})
	in.answers(status(200))
	s.has(1, endpointID, projections.DeliveryDelivered)
	s.resend("mer_1", webhook.DeliveryID(eventID, endpointID))
	before := len(in.messages())
	s.eventually("it comes again", func() bool { return len(in.messages()) > before })
	want := `{"id":"` + eventID + `","type":"webhook.test","timestamp":"` + tested.At.UTC().Format("2006-01-02T15:04:05.000Z") + `","mode":"test","data":{}}`
	for _, m := range in.messages() {
		if string(m.body) != want || m.id != eventID || verify(secret, m.body, m.header) != nil {
			t.Errorf("it comes as %s, %v", m.body, m.header)
		}
	}
	// Paused, it waits.
	paused, enabled := webhook.StatusPaused, webhook.StatusEnabled
	s.change("mer_1", otherID, webhook.UpdateEndpoint{Status: &paused})
	s.change("mer_1", otherID, webhook.TestEndpoint{})
	s.has(1, otherID, projections.DeliveryPending)
	other.exactly(nil)
	s.change("mer_1", otherID, webhook.UpdateEndpoint{Status: &enabled})
	s.has(1, otherID, projections.DeliveryDelivered)
}

// A deleted endpoint gets nothing, not even what was pending; what it got can
// still be read.
func TestDeleted(t *testing.T) {
	t.Parallel()
	s := start(t)
	in, other := receiver(t, status(200)), receiver(t, status(200))
	endpointID, _ := s.endpoint("mer_1", in.url)
	otherID, _ := s.endpoint("mer_1", other.url)
	s.sessions("mer_1", 3)
	s.has(3, endpointID, projections.DeliveryPending)
	s.change("mer_1", endpointID, webhook.DeleteEndpoint{})
	s.has(3, endpointID, projections.DeliveryExhausted)
	s.worker()
	s.sessions("mer_1", 1)
	s.has(4, otherID, projections.DeliveryDelivered)
	in.exactly(nil)
}

// Several workers share the work, and do each piece once.
func TestWorkersShare(t *testing.T) {
	t.Parallel()
	s := start(t)
	in := receiver(t, status(200))
	endpointID, _ := s.endpoint("mer_1", in.url)
	before := s.sessions("mer_1", 150)
	for range 3 {
		s.worker()
	}
	after := s.sessions("mer_1", 150)
	s.has(300, endpointID, projections.DeliveryDelivered)
	in.exactly(append(before, after...))
}

// A worker that died in the middle left a lease; when that has run out, another
// sends the same message.
func TestDeadWorker(t *testing.T) {
	t.Parallel()
	s := start(t)
	in := receiver(t, status(200))
	endpointID, _ := s.endpoint("mer_1", in.url)
	ids := s.sessions("mer_1", 2)
	s.has(2, endpointID, projections.DeliveryPending)
	s.exec(`INSERT INTO work_test.leases (kind, id, owner, until) VALUES ('delivery', $1, 'dead', now() + interval '1 hour')`,
		webhook.DeliveryID(ids[0], endpointID))
	s.worker()
	s.has(1, endpointID, projections.DeliveryDelivered)
	in.exactly(ids[1:])
	s.exec(`UPDATE work_test.leases SET until = now() WHERE owner = 'dead'`)
	s.has(2, endpointID, projections.DeliveryDelivered)
	in.exactly(ids)
}

// Until the overlap of a rotation ends both secrets sign, then the new one alone.
func TestRotatedSecretsSign(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name         string
		overlap, ago time.Duration
		oldSigns     bool
	}{
		{"within the overlap", 24 * time.Hour, time.Hour, true},
		{"after it", 24 * time.Hour, 25 * time.Hour, false},
		{"without one", 0, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			in := receiver(t, status(204))
			endpointID, old := s.endpoint("mer_1", in.url)
			ref, fresh, err := s.secrets.Make(s.ctx, "mer_1", endpointID)
			s.must(err)
			s.change("mer_1", endpointID, webhook.RotateSecret{SecretRef: ref, Overlap: c.overlap, At: time.Now().Add(-c.ago)})
			s.worker()
			s.sessions("mer_1", 1)
			s.has(1, endpointID, projections.DeliveryDelivered)
			m := in.messages()[0]
			if err := verify(fresh, m.body, m.header); err != nil {
				t.Errorf("the new secret doesn't verify it: %v", err)
			}
			if err := verify(old, m.body, m.header); (err == nil) != c.oldSigns {
				t.Errorf("with the old secret: %v", err)
			}
			want := 1
			if c.oldSigns {
				want = 2
			}
			if signatures := strings.Fields(m.header.Get("webhook-signature")); len(signatures) != want {
				t.Errorf("the signatures are %q", signatures)
			}
		})
	}
}

// Whoever recorded an outcome and died before the lease knew of it caused nothing
// worse than a look.
func TestOutcomeWithoutLease(t *testing.T) {
	t.Parallel()
	s := start(t)
	in := receiver(t, status(200))
	endpointID, _ := s.endpoint("mer_1", in.url)
	ids := s.sessions("mer_1", 1)
	s.has(1, endpointID, projections.DeliveryPending)
	deliveryID := webhook.DeliveryID(ids[0], endpointID)
	// The read model stands still, as if it were far behind.
	s.must(s.cursors.Pause(s.ctx, projections.DeliveriesName))
	_, err := s.engine.Do(s.ctx, engine.Command{Origin: s.origin("mer_1"), Decide: func(_ context.Context, tx *engine.Tx) error {
		engine.Create(tx, s.engine.Deliveries, deliveryID)
		engine.Write[webhook.Event](tx, webhook.Codec, deliveryID, webhook.Delivered{EndpointID: endpointID, EventID: ids[0], Attempts: 1, Status: 200})
		return nil
	}})
	s.must(err)
	s.worker()
	s.eventually("the lease knows", func() bool {
		return s.count(`SELECT count(*) FROM work_test.leases WHERE id = $1 AND done_position > 0`, deliveryID) == 1
	})
	in.exactly(nil)
	s.must(s.cursors.Resume(s.ctx, projections.DeliveriesName))
	s.has(1, endpointID, projections.DeliveryDelivered)
	s.eventually("the lease is swept", func() bool { return s.count(`SELECT count(*) FROM work_test.leases WHERE kind = 'delivery'`) == 0 })
	in.exactly(nil)
}

// An endpoint that hangs holds up nobody, and not the end either.
func TestSlowEndpointDelaysNobody(t *testing.T) {
	t.Parallel()
	s := start(t)
	slow, in := receiver(t, hang), receiver(t, status(200))
	slowID, _ := s.endpoint("mer_1", slow.url)
	endpointID, _ := s.endpoint("mer_1", in.url)
	stop := s.worker(egress.WithTimeout(patience))
	ids := s.sessions("mer_1", 200)
	s.has(200, endpointID, projections.DeliveryDelivered)
	in.exactly(ids)
	if n := len(slow.messages()); n > 8 {
		t.Errorf("%d messages at once to one endpoint", n)
	}
	// Stopped, it gives everything back at once: another may try.
	stop()
	if n := s.count(`SELECT count(*) FROM work_test.leases WHERE kind = 'delivery' AND owner <> ''`); n > 0 {
		t.Errorf("%d leases are held by a worker that has stopped", n)
	}
	if n := s.count(`SELECT count(*) FROM work_test.delivery_attempts WHERE endpoint_id = $1`, slowID); n > 0 {
		t.Errorf("%d tries were counted that were broken off from here", n)
	}
	slow.answers(status(200))
	s.worker()
	s.has(200, slowID, projections.DeliveryDelivered)
}

// An endpoint that fails and fails gets one message at a time.
func TestFailingEndpointIsSpared(t *testing.T) {
	t.Parallel()
	s := start(t)
	in := receiver(t, status(500))
	endpointID, _ := s.endpoint("mer_1", in.url)
	s.sessions("mer_1", 100)
	s.worker()
	s.eventually("all are tried", func() bool {
		return s.count(`SELECT count(*) FROM work_test.delivery_attempts WHERE number = 1`) == 100
	})
	s.has(100, endpointID, projections.DeliveryPending)
	in.answers(status(200))
	s.exec(`UPDATE work_test.leases SET until = now() WHERE kind = 'delivery'`)
	s.has(100, endpointID, projections.DeliveryDelivered)
}

// The vault's sweep is told which secrets the log names, in whichever log.
func TestNamed(t *testing.T) {
	t.Parallel()
	s := start(t)
	endpointID, _ := s.endpoint("mer_1", "https://shop.example/hooks")
	orphan := webhook.CreateEndpoint{ID: engine.NewID()}.EndpointID()
	ref, _, err := s.secrets.Make(s.ctx, "mer_1", orphan)
	s.must(err)
	spare, _, err := s.secrets.Make(s.ctx, "mer_1", endpointID)
	s.must(err)
	state := s.engine.Endpoints.Ref(endpointID)
	s.must(s.engine.Refresh(s.ctx, state))
	live := engine.New(storetest.Open(t, s.db, "live"), time.Now)
	named := webhooks.Named(live, s.engine)
	// The present one is kept; one that was replaced until its overlap has ended,
	// and as long as an answer may have to show it again.
	for i, overlap := range []time.Duration{webhook.OverlapMax, 2 * time.Hour, 0} {
		made, _, err := s.secrets.Make(s.ctx, "mer_1", endpointID)
		s.must(err)
		s.must(s.secrets.Doubt(s.ctx, "mer_1", state.Value.SecretRef))
		before := state.Value.SecretRef
		s.change("mer_1", endpointID, webhook.RotateSecret{SecretRef: made, Overlap: overlap, At: time.Now().Add(-time.Hour)})
		s.must(s.engine.Refresh(s.ctx, state))
		old := time.Now().Add(-30 * time.Hour)
		want := []vault.Verdict{vault.Named, vault.Awaited, vault.Awaited}
		if overlap == 0 {
			want[1] = vault.Unnamed
		}
		got, err := named(s.ctx, []vault.Entry{
			{Ref: made, Owner: "mer_1", Field: "webhook_secret/" + endpointID, CreatedAt: old},
			{Ref: before, Owner: "mer_1", Field: "webhook_secret/" + endpointID, CreatedAt: old},
			{Ref: before, Owner: "mer_1", Field: "webhook_secret/" + endpointID, CreatedAt: time.Now().Add(-24 * time.Hour)},
		})
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("rotation %d: %v, %v", i, got, err)
		}
	}
	got, err := named(s.ctx, []vault.Entry{
		{Ref: state.Value.SecretRef, Owner: "mer_1", Field: "webhook_secret/" + endpointID},
		{Ref: ref, Owner: "mer_1", Field: "webhook_secret/" + orphan},
		{Ref: spare, Owner: "mer_1", Field: "webhook_secret/" + endpointID},
	})
	if err != nil || !slices.Equal(got, []vault.Verdict{vault.Named, vault.Unnamed, vault.Unnamed}) {
		t.Errorf("named: %v, %v", got, err)
	}
	for _, field := range []string{"card/pmt_1", "webhook_secret/", "webhook_secret/ps_1"} {
		if _, err := named(s.ctx, []vault.Entry{{Ref: ref, Owner: "mer_1", Field: field}}); err == nil {
			t.Errorf("the field %s is judged", field)
		}
	}
}
