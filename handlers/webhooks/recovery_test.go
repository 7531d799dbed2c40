package webhooks_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"tender/domain/recovery"
	"tender/domain/webhook"
	"tender/eventstore/lease"
	"tender/eventstore/storetest"
	"tender/handlers/engine"
	"tender/handlers/webhooks"
	"tender/projections"
	"tender/projections/object"
)

// recoveryJob returns a job with connections of its own, as another process has.
func (s *system) recoveryJob() *webhooks.RecoveryJob {
	s.t.Helper()
	store := storetest.Open(s.t, s.db, "test")
	return webhooks.NewRecoveryJob(webhooks.RecoveryConfig{
		Engine: engine.New(store, time.Now), Cursors: s.cursors, Leases: lease.New(store.Pool(), store.Log()),
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
}

// recovers does what recoveries ask for, from now on.
func (s *system) recovers() (stop func()) {
	s.t.Helper()
	j := s.recoveryJob()
	return s.background(func(ctx context.Context) { _ = j.Run(ctx) })
}

// recover begins the recovery of an endpoint, of everything so far.
func (s *system) recover(merchantID, endpointID string) (recoveryID string) {
	s.t.Helper()
	return s.recoverOver(merchantID, endpointID, webhooks.RecoveryRange{Since: time.Now().Add(-time.Hour)})
}

func (s *system) recoverOver(merchantID, endpointID string, over webhooks.RecoveryRange) (recoveryID string) {
	s.t.Helper()
	over.Since = over.Since.UTC().Truncate(time.Millisecond)
	_, recoveryID, err := webhooks.NewRecoveries(s.engine).Start(
		s.ctx, s.origin(merchantID), nil, endpointID, over, func(context.Context, *engine.Tx) error { return nil })
	s.must(err)
	return recoveryID
}

// recovery is one as a merchant sees it.
func (s *system) recovery(recoveryID string) object.Recovery {
	s.t.Helper()
	ref := s.engine.RecoveryObjects.Ref(recoveryID)
	s.must(s.engine.Refresh(s.ctx, ref))
	o, err := webhooks.NewRecoveries(s.engine).Progress(s.ctx, ref.Value)
	s.must(err)
	return o
}

// ended waits until a recovery is no longer running.
func (s *system) ended(recoveryID string) (o object.Recovery) {
	s.t.Helper()
	s.eventually("the recovery ends", func() bool {
		o = s.recovery(recoveryID)
		return o.Status != recovery.StatusRunning
	})
	return o
}

// comesTo fails the test unless a recovery is completed, with these sums.
func (s *system) comesTo(recoveryID string, examined, resent int) {
	s.t.Helper()
	o := s.ended(recoveryID)
	if o.Status != recovery.StatusCompleted || o.Examined != examined || o.Resent != resent || o.EndedAt == nil || o.Version != 2 {
		s.t.Errorf("the recovery is %+v, and should have looked at %d and sent %d", o, examined, resent)
	}
	s.eventually("its place is forgotten", func() bool {
		return s.count(`SELECT count(*) FROM work_test.recoveries WHERE id = $1`, recoveryID) == 0
	})
}

// resentOnce fails the test unless n deliveries were sent again, each once.
func (s *system) resentOnce(recoveryID string, n int) {
	s.t.Helper()
	events := s.count(`SELECT count(*) FROM log_test.events WHERE type = 'webhook.resent' AND payload->>'recovery_id' = $1`, recoveryID)
	streams := s.count(`SELECT count(DISTINCT stream) FROM log_test.events WHERE type = 'webhook.resent' AND payload->>'recovery_id' = $1`, recoveryID)
	if events != n || streams != n {
		s.t.Errorf("%d deliveries were sent again %d times; want %d", streams, events, n)
	}
}

func (s *system) status(merchantID, endpointID string, status webhook.Status) {
	s.t.Helper()
	s.change(merchantID, endpointID, webhook.UpdateEndpoint{Status: &status})
}

// missed makes an endpoint and n events that it misses while it is disabled.
func (s *system) missed(url string, n int) (endpointID string, ids []string) {
	s.t.Helper()
	endpointID, _ = s.endpoint("mer_1", url)
	s.status("mer_1", endpointID, webhook.StatusDisabled)
	ids = s.sessions("mer_1", n)
	s.status("mer_1", endpointID, webhook.StatusEnabled)
	return endpointID, ids
}

// A thousand missed events come back while new ones go on arriving: those get their
// turn beside them, and nobody else notices.
func TestRecovery(t *testing.T) {
	t.Parallel()
	s := start(t)
	const many = 1000
	in, other := receiver(t, status(200)), receiver(t, status(200))
	otherID, _ := s.endpoint("mer_1", other.url)
	endpointID, _ := s.endpoint("mer_1", in.url)
	stop := s.worker()
	arrived := s.sessions("mer_1", 5)
	s.has(5, endpointID, projections.DeliveryDelivered)
	stop()
	pending := s.sessions("mer_1", 3)
	s.has(3, endpointID, projections.DeliveryPending)
	s.status("mer_1", endpointID, webhook.StatusDisabled) // gives those up
	missed := s.sessions("mer_1", many)
	s.sessions("mer_2", 5)
	s.worker()
	s.has(8+many, otherID, projections.DeliveryDelivered)
	s.status("mer_1", endpointID, webhook.StatusEnabled)

	s.recovers()
	recoveryID := s.recover("mer_1", endpointID)
	s.eventually("it is under way", func() bool { return s.recovery(recoveryID).Resent >= many/10 })
	fresh := s.sessions("mer_1", 20)
	most := 0
	s.eventually("what is new arrives", func() bool {
		most = max(most, s.count(`SELECT count(*) FROM read_test.deliveries WHERE endpoint_id = $1 AND status = 'pending'`, endpointID))
		return in.has(fresh)
	})
	if o := s.recovery(recoveryID); o.Status != recovery.StatusRunning || o.Resent == 0 || o.Examined < o.Resent || o.Version != 1 {
		t.Errorf("what is new arrived after the recovery, which is %+v", o)
	}
	if most > webhooks.RecoveryBacklogMax+len(fresh) {
		t.Errorf("%d deliveries were in line at once", most)
	}
	s.comesTo(recoveryID, 8+many, 3+many)
	s.resentOnce(recoveryID, 3+many)
	s.has(8+many+len(fresh), endpointID, projections.DeliveryDelivered)
	all := slices.Concat(arrived, pending, missed, fresh)
	in.exactly(all)
	other.exactly(all)
	if o := s.recovery(recoveryID); *o.Pending != 0 {
		t.Errorf("%d are pending still", *o.Pending)
	}
}

// Only what was recorded in its time and is of the types that the endpoint asks for now
// is looked at, and only what was there when it began: whatever a test clock says that
// it happened by.
func TestRecoveryLooksAtItsTimeOnly(t *testing.T) {
	t.Parallel()
	s := start(t)
	past, future := time.Date(2020, time.January, 1, 0, 0, 0, 0, time.UTC), time.Date(2031, time.January, 1, 0, 0, 0, 0, time.UTC)
	before := append(s.sessionsAt("mer_1", 1, future), s.sessions("mer_1", 3)...)
	since := s.after(before[3])
	within := slices.Concat(s.sessionsAt("mer_1", 1, past), s.sessionsAt("mer_1", 1, future), s.sessions("mer_1", 1))
	until := s.after(within[2])
	s.sessions("mer_1", 3)
	in := receiver(t, status(200))
	endpointID, _ := s.endpoint("mer_1", in.url) // it did not exist then
	captured, _ := s.endpoint("mer_1", in.url, webhook.PaymentCaptured)
	s.worker()
	s.recovers()
	id := s.recoverOver("mer_1", endpointID, webhooks.RecoveryRange{Since: since, Until: until})
	s.comesTo(id, 3, 3)
	s.has(3, endpointID, projections.DeliveryDelivered)
	in.exactly(within)
	s.comesTo(s.recover("mer_1", captured), 0, 0)
	s.comesTo(s.recoverOver("mer_1", endpointID, webhooks.RecoveryRange{Since: until, Until: until.Add(time.Hour)}), 3, 3)
	if o := s.recovery(id); !time.Time(o.Since).Equal(since) || !time.Time(*o.Until).Equal(until) {
		t.Errorf("it says %+v", o)
	}
}

// after returns a full millisecond after an event was recorded, and makes sure that no
// later event is recorded before it.
func (s *system) after(eventID string) time.Time {
	s.t.Helper()
	var at time.Time
	s.eventually("the event is listed", func() bool {
		rows, err := s.store.Pool().Query(s.ctx, `SELECT e.recorded_at FROM read_test.public_events p
			JOIN log_test.events e ON e.position = p.first_position WHERE p.id = $1`, eventID)
		s.must(err)
		defer rows.Close()
		return rows.Next() && rows.Scan(&at) == nil && time.Now().After(at.Add(2*time.Millisecond))
	})
	return at.Truncate(time.Millisecond).Add(time.Millisecond).UTC()
}

// However often whoever drives it is stopped, and whatever it forgets, each delivery is
// sent again once.
func TestRecoveryGoesOnElsewhere(t *testing.T) {
	t.Parallel()
	s := start(t)
	const many = 300
	in := receiver(t, status(200))
	endpointID, ids := s.missed(in.url, many)
	s.worker()
	recoveryID := s.recover("mer_1", endpointID)
	for part := 1; part <= 3; part++ {
		stop := s.recovers()
		s.eventually("some are sent again", func() bool {
			return s.count(`SELECT count(*) FROM log_test.events WHERE type = 'webhook.resent'`) >= part*many/5
		})
		stop()
		if part == 2 {
			s.exec(`DELETE FROM work_test.recoveries`)
		}
	}
	if o := s.recovery(recoveryID); o.Status != recovery.StatusRunning {
		t.Fatalf("there was nothing left to go on with: %+v", o)
	}
	s.recovers()
	s.comesTo(recoveryID, many, many)
	s.resentOnce(recoveryID, many)
	s.has(many, endpointID, projections.DeliveryDelivered)
	in.exactly(ids)
}

// Two who drive one recovery at once, because one has lost its lease and doesn't know,
// send each delivery again once.
func TestRecoveryIsDrivenTwiceAtOnce(t *testing.T) {
	t.Parallel()
	s := start(t)
	const many = 200
	in := receiver(t, status(200))
	endpointID, ids := s.missed(in.url, many)
	s.worker()
	recoveryID := s.recover("mer_1", endpointID)
	var both sync.WaitGroup
	for range 2 {
		j := s.recoveryJob()
		both.Go(func() {
			if err := j.Drive(s.ctx, recoveryID); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	s.resentOnce(recoveryID, many)
	if o := s.ended(recoveryID); o.Status != recovery.StatusCompleted || o.Examined != many || o.Resent != many {
		t.Errorf("it is %+v", o)
	}
	s.has(many, endpointID, projections.DeliveryDelivered)
	in.exactly(ids)
}

// What an earlier recovery has on its way, a later one leaves alone; a paused
// endpoint's waits, up to the bound.
func TestRecoveriesOverlap(t *testing.T) {
	t.Parallel()
	s := start(t)
	const few, many = 20, 3 * webhooks.RecoveryBacklogMax
	in := receiver(t, status(200))
	endpointID, ids := s.missed(in.url, few)
	s.status("mer_1", endpointID, webhook.StatusPaused)
	s.worker()
	s.recovers()
	first := s.recover("mer_1", endpointID)
	s.comesTo(first, few, few)
	if o := s.recovery(first); *o.Pending != few {
		t.Errorf("%d of %d are pending", *o.Pending, few)
	}
	second := s.recover("mer_1", endpointID)
	s.comesTo(second, few, 0)

	// More than may be in line.
	s.status("mer_1", endpointID, webhook.StatusDisabled)
	more := s.sessions("mer_1", many)
	s.status("mer_1", endpointID, webhook.StatusPaused)
	third := s.recover("mer_1", endpointID)
	s.eventually("the line is full", func() bool { return s.recovery(third).Resent == webhooks.RecoveryBacklogMax })
	in.exactly(nil)
	s.status("mer_1", endpointID, webhook.StatusEnabled)
	s.comesTo(third, few+many, few+many)
	s.resentOnce(third, few+many)
	s.has(few+many, endpointID, projections.DeliveryDelivered)
	in.exactly(append(ids, more...))
}

// rebuilt is a projection of another version: another generation.
type rebuilt struct{ projections.Projection }

func (r rebuilt) Definition() projections.Definition {
	d := r.Projection.Definition()
	d.Version += 1000
	return d
}

// A rebuild of the read model in the middle changes nothing.
func TestRecoverySurvivesARebuild(t *testing.T) {
	t.Parallel()
	s := start(t)
	const many = 400
	in := receiver(t, status(200))
	endpointID, ids := s.missed(in.url, many)
	s.worker()
	s.recovers()
	recoveryID := s.recover("mer_1", endpointID)
	s.eventually("it is under way", func() bool { return s.recovery(recoveryID).Resent > 0 })
	s.project(rebuilt{projections.Deliveries()})
	s.eventually("the rebuilt read model is served", func() bool {
		return s.count(`SELECT generation FROM read_test.projections WHERE name = 'deliveries' AND serving`) == 2
	})
	if o := s.recovery(recoveryID); o.Status != recovery.StatusRunning {
		t.Errorf("it had ended before: %+v", o)
	}
	s.comesTo(recoveryID, many, many)
	s.resentOnce(recoveryID, many)
	s.has(many, endpointID, projections.DeliveryDelivered)
	in.exactly(ids)
}

// With its endpoint the recovery ends, even if that is enabled again at once; the next
// one finds what is left, and what was given up.
func TestRecoveryEndsWithItsEndpoint(t *testing.T) {
	t.Parallel()
	s := start(t)
	const many = 200
	in := receiver(t, status(200))
	endpointID, _ := s.missed(in.url, many)
	s.status("mer_1", endpointID, webhook.StatusPaused)
	s.recovers()
	first := s.recover("mer_1", endpointID)
	s.eventually("it is under way", func() bool { return s.recovery(first).Resent == webhooks.RecoveryBacklogMax })
	s.status("mer_1", endpointID, webhook.StatusDisabled)
	s.status("mer_1", endpointID, webhook.StatusEnabled)
	if o := s.ended(first); o.Status != recovery.StatusStopped || o.StopReason != recovery.StoppedDisabled || o.Resent != webhooks.RecoveryBacklogMax || o.EndedAt == nil {
		t.Errorf("it is %+v", o)
	}
	s.worker()
	s.comesTo(s.recover("mer_1", endpointID), many, many)
	s.has(many, endpointID, projections.DeliveryDelivered)

	missed := s.sessions("mer_1", many)
	gone, _ := s.endpoint("mer_1", in.url)
	s.status("mer_1", gone, webhook.StatusPaused)
	last := s.recover("mer_1", gone)
	s.eventually("it is under way", func() bool { return s.recovery(last).Resent == webhooks.RecoveryBacklogMax })
	s.change("mer_1", gone, webhook.DeleteEndpoint{})
	if o := s.ended(last); o.Status != recovery.StatusStopped || o.StopReason != recovery.StoppedDeleted {
		t.Errorf("it is %+v", o)
	}
	s.has(many+len(missed), endpointID, projections.DeliveryDelivered)
}

// What was tried up to its end is tried anew, by a schedule from the beginning.
func TestRecoveredTriesBeginAnew(t *testing.T) {
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
	s.recovers()
	s.comesTo(s.recover("mer_1", endpointID), 1, 1)
	s.eventually("its first try of the new schedule has failed", func() bool {
		return s.count(`SELECT count(*) FROM work_test.delivery_attempts WHERE number = $1 AND next_at IS NOT NULL`, webhooks.TriesMax+1) == 1
	})
	in.answers(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	s.exec(`UPDATE work_test.leases SET until = now() WHERE id = $1`, deliveryID)
	s.has(1, endpointID, projections.DeliveryDelivered)
}

func TestRecoveryRoom(t *testing.T) {
	t.Parallel()
	const most, half, tired = webhooks.RecoveryBacklogMax, webhooks.RecoveryBacklogMax / 2, webhooks.RecoveryWaitingMax
	for _, c := range []struct {
		due, waiting int
		failing      bool
		room         int
	}{
		{0, 0, false, most}, {1, 0, false, most - 1}, {half, 0, false, half}, {half + 1, 0, false, 0},
		{most, 0, false, 0}, {most + 5, 0, false, 0},
		{0, tired - 1, false, most}, {0, tired, false, 0}, {half, tired + 1, false, 0},
		{0, 0, true, 1}, {1, 0, true, 0}, {0, 1, true, 0},
	} {
		if room := webhooks.RecoveryRoom(c.due, c.waiting, c.failing); room != c.room {
			t.Errorf("with %d in line and %d that wait, failing %t, there is room for %d, not %d", c.due, c.waiting, c.failing, room, c.room)
		}
	}
}

// In line is what could be sent or is being sent; what waits for its next try counts
// apart, and what has ended as far as its lease knows not at all.
func TestBacklog(t *testing.T) {
	t.Parallel()
	s := start(t)
	endpointID, _ := s.endpoint("mer_1", "https://shop.example/hooks")
	otherID, _ := s.endpoint("mer_1", "https://shop.example/hooks", webhook.PaymentCaptured)
	ids := s.sessions("mer_1", 6)
	s.has(6, endpointID, projections.DeliveryPending)
	for i, lease := range []string{`'worker', now() + interval '1 hour', NULL`, `'', now() + interval '1 hour', NULL`,
		`'', now() - interval '1 hour', NULL`, `'', now() + interval '1 hour', 7`} {
		s.exec(`INSERT INTO work_test.leases (kind, id, owner, until, done_position) VALUES ('delivery', $1, `+lease+`)`,
			webhook.DeliveryID(ids[i], endpointID))
	}
	j := s.recoveryJob()
	for _, c := range []struct {
		endpointID          string
		limit, due, waiting int
	}{{endpointID, 100, 4, 1}, {otherID, 100, 0, 0}} {
		due, waiting, err := j.Backlog(s.ctx, c.endpointID, c.limit)
		if s.must(err); due != c.due || waiting != c.waiting {
			t.Errorf("%d are in line and %d wait, want %d and %d", due, waiting, c.due, c.waiting)
		}
	}
	if due, waiting, err := j.Backlog(s.ctx, endpointID, 2); err != nil || due+waiting > 2 {
		t.Errorf("more than asked for is counted: %d and %d, %v", due, waiting, err)
	}
}
