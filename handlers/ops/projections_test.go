package ops_test

import (
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

// Paths that are no text are nobody's, whatever they are percent-encoded as.
func TestPathsThatAreNoText(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, name := range []string{"%00", "payments%00", "%ff%fe"} {
		b.operator.Get("/ops/projections/"+name+"/parked_events?mode=test").Problem(404, "not_found")
		b.operator.Post("/ops/projections/"+name+"/pause?mode=test", nil).Problem(404, "not_found")
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
	if a := b.operator.Get(payments).Is(200); a.At("previous") != nil {
		t.Errorf("to go back to there is %v", a.At("previous"))
	}
	b.operator.Post(payments+"/rollback", nil).Problem(409, "no_earlier_generation")

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

// While nobody makes a generation that was begun, it can be neither begun again nor
// anything else be made of it than to leave it, and to go on.
func TestOneRebuildAtATime(t *testing.T) {
	t.Parallel()
	h := house.New(t)
	stop := h.First.Project()
	stop()
	operator := h.First.Caller(t, h.StaffKey(staff.RoleOperator))
	const payments = "/ops/projections/payments"
	if a := operator.Post(payments+"/rebuild", nil).Is(202); a.Int("rebuild.generation") != 2 {
		t.Errorf("it is %s", a.Body)
	}
	operator.Post(payments+"/rebuild", nil).Problem(409, "rebuild_running")
	if a := operator.Post(payments+"/interrupt", nil).Is(200); a.Text("rebuild.state") != string(projections.Interrupted) {
		t.Errorf("it is %s", a.Body)
	}
	if a := operator.Post(payments+"/rebuild", nil).Is(202); a.Int("rebuild.generation") != 2 {
		t.Errorf("it goes on as %s", a.Body)
	}
}
