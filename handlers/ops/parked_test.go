package ops_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"tender/domain/staff"
	house "tender/handlers/handlerstest"
	"tender/projections"
)

const sessions = "/ops/projections/sessions"

// park makes a session, spoils its row and has the read model of sessions believe that
// it has set the session's only event aside. It returns the session's id and the path
// of the event.
func (b *bundle) park() (sessionID, one string) {
	b.t.Helper()
	m := b.Merchant("test")
	made := b.First.Caller(b.t, m.Secret).Post("/collect/payment_sessions", house.Session(10_000)).Is(201)
	position := m.Position(made.Header.Get("Event-Position"))
	if err := b.First.Test.Cursors.WaitFor(b.t.Context(), "sessions", position); err != nil {
		b.t.Fatal(err)
	}
	for _, sql := range []string{
		`UPDATE read_test.sessions_g1 SET status = 'spoiled'`,
		`UPDATE read_test.projections SET state = 'parked', error = 'bad event' WHERE name = 'sessions'`,
		`INSERT INTO read_test.parked_events (name, generation, position, stream, type, error, parked_at)
			SELECT 'sessions', 1, position, stream, type, 'bad event', now() FROM log_test.events WHERE type = 'session.created'`,
	} {
		if _, err := b.First.Test.Engine.Store.Pool().Exec(b.t.Context(), sql); err != nil {
			b.t.Fatal(err)
		}
	}
	list := b.operator.Get(sessions + "/parked_events").Is(200)
	if list.Len("data") != 1 || list.Text("data.0.stream") != made.Text("id") {
		b.t.Fatalf("set aside is %s", list.Body)
	}
	return made.Text("id"), fmt.Sprintf("/%d", list.Int("data.0.position"))
}

// count returns a number that the database of test mode gives.
func (b *bundle) count(sql string, args ...any) (n int) {
	b.t.Helper()
	if err := b.First.Test.Engine.Store.Pool().QueryRow(b.t.Context(), sql, args...).Scan(&n); err != nil {
		b.t.Fatal(err)
	}
	return n
}

func TestWhatIsSetAsideIsSeenAndTakenUpAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, position := b.park()
	one := sessions + "/parked_events" + position
	if a := b.operator.Get(one).Is(200); a.Int("event.payload.amount") != 10_000 || a.Text("error") != "bad event" {
		t.Errorf("it is %s", a.Body)
	}
	if a := b.operator.Post(one+"/retry", nil).Is(200); a.Text("state") != string(projections.Running) {
		t.Errorf("it is %s", a.Body)
	}
	if n := b.count(`SELECT count(*) FROM read_test.sessions WHERE status = 'spoiled'`); n != 0 {
		t.Errorf("%d rows are still spoiled", n)
	}
	b.operator.Get(one).Problem(404, "not_found")
	b.operator.Post(one+"/retry", nil).Problem(404, "not_found")

	b.count(`WITH k AS (INSERT INTO read_test.parked_events (name, generation, position, stream, type, error, parked_at)
		SELECT 'sessions', 1, n, 'ps_x', 'session.created', '', now() FROM generate_series(1, 5) n RETURNING 1) SELECT count(*) FROM k`)
	var seen []int64
	for cursor := ""; ; {
		page := b.operator.Get(sessions + "/parked_events?limit=2" + cursor).Is(200)
		for i := range page.Len("data") {
			seen = append(seen, page.Int(fmt.Sprintf("data.%d.position", i)))
		}
		if page.At("has_more") != true {
			break
		}
		cursor = "&cursor=" + page.Text("next_cursor")
	}
	if !slices.Equal(seen, []int64{1, 2, 3, 4, 5}) {
		t.Errorf("page by page there is %v", seen)
	}
	b.operator.Get(sessions+"/parked_events?cursor=x").Problem(400, "invalid_request")
	b.operator.Get("/ops/projections/nothing/parked_events").Problem(404, "not_found")
}

func TestWhatIsSetAsideIsLeftOut(t *testing.T) {
	t.Parallel()
	b := setup(t)
	key, person, _ := b.Staff(staff.RoleOperator, staff.KeyValidMax/2)
	operator := b.First.Caller(t, key)
	sessionID, position := b.park()
	skip, restore := sessions+"/parked_events"+position+"/skip", sessions+"/skipped_events"+position+"/restore"
	rows := func() int {
		t.Helper()
		return b.count(`SELECT count(*) FROM read_test.sessions WHERE id = $1`, sessionID)
	}
	why := map[string]any{"reason": "a fault of the fold"}

	operator.Post(skip, nil).Problem(400, "invalid_request")
	operator.Post(skip, map[string]any{"reason": " "}).Problem(400, "invalid_request")
	operator.Post(skip, map[string]any{"reason": 7}).Problem(400, "invalid_request")
	operator.Post(skip, map[string]any{"reason": "x", "colour": "red"}).Problem(400, "invalid_request")
	operator.Post(skip+"?colour=red", why).Problem(400, "invalid_request")
	operator.Post(restore, why).Problem(404, "not_found")
	operator.Post("/ops/projections/nothing/parked_events/1/skip", why).Problem(404, "not_found")
	operator.Post(sessions+"/parked_events/999999/skip", why).Problem(404, "not_found")
	if n := b.count(`SELECT count(*) FROM log_test.events WHERE stream = 'prj_sessions'`); n != 0 {
		t.Fatalf("%d decisions were recorded of what was refused", n)
	}

	var all sync.WaitGroup // who comes together decides once
	for range 8 {
		all.Go(func() { operator.Post(skip, why).Is(200) })
	}
	all.Wait()
	if a := operator.Post(skip, why).Is(200); a.Text("state") != string(projections.Running) || a.Int("set_aside_events") != 0 {
		t.Errorf("it is %s", a.Body)
	}
	if n := b.count(`SELECT count(*) FROM log_test.events WHERE stream = 'prj_sessions'`); n != 1 {
		t.Errorf("%d decisions were recorded", n)
	}
	if rows() != 0 {
		t.Error("the session whose only event is left out has a row")
	}
	list := operator.Get(sessions + "/skipped_events").Is(200)
	if list.Len("data") != 1 || list.Text("data.0.stream") != sessionID || list.Text("data.0.type") != "session.created" ||
		list.Text("data.0.reason") != "a fault of the fold" || list.Text("data.0.skipped_by") != person {
		t.Errorf("left out is %s", list.Body)
	}
	operator.Get("/ops/projections/nothing/skipped_events").Problem(404, "not_found")

	operator.Post(restore, nil).Problem(400, "invalid_request")
	if a := operator.Post(restore, why).Is(200); a.Text("state") != string(projections.Running) {
		t.Errorf("it is %s", a.Body)
	}
	if rows() != 1 || b.count(`SELECT count(*) FROM read_test.sessions WHERE status = 'spoiled'`) != 0 {
		t.Error("the session is not listed as it is")
	}
	operator.Post(restore, why).Problem(404, "not_found")
	if n := operator.Get(sessions + "/skipped_events").Is(200).Len("data"); n != 0 {
		t.Errorf("%d events are left out", n)
	}
}

// A read model that stands at an event goes on once it is left out; one that an
// operator has paused stays where it is.
func TestAReadModelGoesOnWithoutAnEvent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, position := b.park()
	stand := func(state projections.State, at string) {
		t.Helper()
		b.count(`WITH s AS (UPDATE read_test.projections SET state = $1, position = e.position, hash = e.hash
			FROM log_test.events e WHERE name = 'sessions' AND e.position = `+at+` RETURNING 1) SELECT count(*) FROM s`, state)
	}
	why := map[string]any{"reason": "bad"}
	stand(projections.Paused, position[1:])
	if a := b.operator.Post(sessions+"/parked_events"+position+"/skip", why).Is(200); a.Text("state") != string(projections.Paused) {
		t.Errorf("it is %s", a.Body)
	}
	stand(projections.Stopped, position[1:]+" - 1")
	a := b.operator.Post(sessions+"/parked_events"+position+"/skip", why).Is(200)
	if a.Text("state") != string(projections.Running) || a.Int("set_aside_events") != 0 {
		t.Errorf("it is %s", a.Body)
	}
}
