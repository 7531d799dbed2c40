package ops_test

import (
	"fmt"
	"testing"
	"time"

	"tender/domain/staff"
	house "tender/handlers/handlerstest"
	"tender/projections"
)

type bundle struct {
	*house.House
	t        *testing.T
	operator *house.Caller
}

func setup(t *testing.T) *bundle {
	t.Helper()
	h := house.New(t)
	h.First.Project()
	return &bundle{House: h, t: t, operator: h.First.Caller(t, h.StaffKey(staff.RoleOperator))}
}

// eventually waits until a read model is so.
func (b *bundle) eventually(what string, so func(*house.Answer) bool) {
	b.t.Helper()
	limit := time.After(house.Patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !so(b.operator.Get("/ops/projections/payments").Is(200)) {
		select {
		case <-limit:
			b.t.Fatalf("did not happen: %s", what)
		case <-tick.C:
		}
	}
}

func TestProjectionsAreSeenAndSteered(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const payments = "/ops/projections/payments"
	m := b.Merchant("test")
	b.First.Caller(t, m.Secret).Post("/collect/payment_sessions", house.Session(10_000)).Is(201)

	list := b.operator.Get("/ops/projections?mode=test").Is(200)
	if n := list.Len("data"); n < 8 {
		t.Errorf("%d read models", n)
	}
	b.operator.Post(payments+"/rollback", nil).Problem(409, "no_earlier_generation")
	b.operator.Post(payments+"/interrupt", nil).Problem(409, "no_rebuild")
	b.operator.Post(payments+"/rebuild", nil).Is(202)
	b.eventually("generation 2 is served", func(a *house.Answer) bool { return a.Int("generation") == 2 })
	if a := b.operator.Get(payments).Is(200); a.Int("previous.generation") != 1 {
		t.Errorf("the one before is %v", a.At("previous"))
	}
	if a := b.operator.Post(payments+"/rollback", nil).Is(200); a.Int("generation") != 1 {
		t.Errorf("generation %d is served", a.Int("generation"))
	}

	if a := b.operator.Post(payments+"/pause", nil).Is(200); a.Text("state") != string(projections.Paused) {
		t.Errorf("it is %s", a.Text("state"))
	}
	b.operator.Post(payments+"/rebuild", nil).Problem(409, "projection_paused")
	b.First.Caller(t, m.Secret).Post("/collect/payment_sessions", house.Session(10_000)).Is(201)
	if a := b.operator.Get(payments).Is(200); a.Int("lag_events") == 0 {
		t.Error("it stands still, and is not behind")
	}
	b.operator.Post(payments+"/resume", nil).Is(200)
	b.eventually("it catches up", func(a *house.Answer) bool { return a.Int("lag_events") == 0 })

	b.operator.Get("/ops/projections/nothing").Problem(404, "not_found")
	b.operator.Post("/ops/projections/nothing/pause", nil).Problem(404, "not_found")
	b.operator.Get(payments+"?colour=red").Problem(400, "invalid_request")
	finance := b.First.Caller(t, b.StaffKey(staff.RoleFinance))
	finance.Get(payments).Problem(403, "forbidden")
	one := b.First.Caller(t, b.StaffKey(staff.RoleOperator, "mer_01hzy3v7q8e4xk2m9c5b7d6f0d"))
	one.Post(payments+"/rebuild", nil).Problem(403, "forbidden")
}

func TestWhatIsSetAsideIsSeenAndTakenUpAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const sessions = "/ops/projections/sessions"
	m := b.Merchant("test")
	made := b.First.Caller(t, m.Secret).Post("/collect/payment_sessions", house.Session(10_000)).Is(201)
	position := m.Position(made.Header.Get("Event-Position"))
	pool := b.First.Test.Engine.Store.Pool()
	if err := b.First.Test.Cursors.WaitFor(t.Context(), "sessions", position); err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{
		`UPDATE read_test.sessions_g1 SET status = 'spoiled'`,
		`UPDATE read_test.projections SET state = 'parked', error = 'bad event' WHERE name = 'sessions'`,
		`INSERT INTO read_test.parked_events (name, generation, position, stream, type, error, parked_at)
			SELECT 'sessions', 1, position, stream, type, 'bad event', now() FROM log_test.events WHERE type = 'session.created'`,
	} {
		if _, err := pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	list := b.operator.Get(sessions + "/parked_events").Is(200)
	if list.Len("data") != 1 || list.Text("data.0.stream") != made.Text("id") {
		t.Fatalf("set aside is %s", list.Body)
	}
	one := fmt.Sprintf("%s/parked_events/%d", sessions, list.Int("data.0.position"))
	if a := b.operator.Get(one).Is(200); a.Int("event.payload.amount") != 10_000 || a.Text("error") != "bad event" {
		t.Errorf("it is %s", a.Body)
	}
	if a := b.operator.Post(one+"/retry", nil).Is(200); a.Text("state") != string(projections.Running) {
		t.Errorf("it is %s", a.Body)
	}
	var spoiled int
	if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM read_test.sessions WHERE status = 'spoiled'`).Scan(&spoiled); err != nil || spoiled != 0 {
		t.Errorf("%d rows are still spoiled (%v)", spoiled, err)
	}
	b.operator.Get(one).Problem(404, "not_found")
	b.operator.Post(one+"/retry", nil).Problem(404, "not_found")
	b.operator.Get("/ops/projections/nothing/parked_events").Problem(404, "not_found")
}
