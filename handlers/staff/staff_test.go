package staff_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"testing"
	"time"

	"tender/domain/staff"
	house "tender/handlers/handlerstest"
	desk "tender/handlers/staff"
)

// bundle is an installation whose desk shows what it was asked, at /audit/look, to
// finance, and at POST /ops/act to operators.
type bundle struct {
	*house.House
	p *house.Process
}

func setup(t *testing.T) *bundle {
	t.Helper()
	h := house.New(t)
	b := &bundle{House: h, p: h.First}
	show := func(w http.ResponseWriter, r *desk.Request) error {
		if err := r.Done(); err != nil {
			return err
		}
		return desk.JSON(w, http.StatusOK, map[string]any{"mode": r.Mode, "merchants": r.Merchants, "person": r.Actor.ID})
	}
	b.p.Desk.Handle(desk.Route{Pattern: "GET /audit/look", Role: staff.RoleFinance, Handler: show})
	b.p.Desk.Handle(desk.Route{Pattern: "GET /audit/all", Role: staff.RoleFinance, Wide: true, Unrecorded: true, Handler: show})
	b.p.Desk.Handle(desk.Route{Pattern: "GET /audit/one/{id}", Role: staff.RoleFinance, Handler: show})
	b.p.Desk.Handle(desk.Route{Pattern: "GET /audit/unseen", Role: staff.RoleFinance, Handler: func(w http.ResponseWriter, _ *desk.Request) error {
		return desk.JSON(w, http.StatusOK, map[string]any{}) // it forgets to be done with the request
	}})
	b.p.Desk.Handle(desk.Route{Pattern: "POST /ops/act", Role: staff.RoleOperator, Handler: show})
	b.p.Desk.Handle(desk.Route{Pattern: "GET /audit/cut", Role: staff.RoleFinance, Handler: func(w http.ResponseWriter, r *desk.Request) error {
		if err := r.Done(); err != nil {
			return err
		}
		_, _ = w.Write([]byte("half"))
		_ = http.NewResponseController(w).Flush()
		return context.DeadlineExceeded
	}})
	return b
}

const merchantA, merchantB = "mer_01hzy3v7q8e4xk2m9c5b7d6f0d", "mer_01hzy3v7q8e4xk2m9c5b7d6f0e"

// ask sends a request past the contract's validator: the routes are the test's own.
func (b *bundle) ask(t *testing.T, method, path, key string) (int, map[string]any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, b.p.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var body map[string]any
	if err := json.NewDecoder(res.Body).Decode(&body); err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return res.StatusCode, body
}

func TestWhoComesIn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	finance, operator := b.StaffKey(staff.RoleFinance), b.StaffKey(staff.RoleOperator)
	revoked, person, keyID := b.Staff(staff.RoleFinance, time.Hour)
	if status, _ := b.ask(t, "GET", "/audit/look", revoked); status != 200 {
		t.Fatalf("a good key: %d", status)
	}
	b.RevokeStaffKey(person, keyID) // in another process
	expired, _, _ := b.Staff(staff.RoleFinance, time.Millisecond)
	one := b.StaffKey(staff.RoleFinance, merchantA)
	shop := b.Merchant("test").Secret
	b.Clock.Advance(time.Second)
	for _, c := range []struct {
		name, method, path, key string
		status                  int
		code                    string
	}{
		{"nobody", "GET", "/audit/look", "", 401, "unauthorised"},
		{"an unknown key", "GET", "/audit/look", "fin_abcdefghijklmnopqrstuvwxyz", 401, "invalid_api_key"},
		{"a merchant", "GET", "/audit/look", shop, 403, "forbidden"},
		{"an operator at finance's", "GET", "/audit/look", operator, 403, "forbidden"},
		{"finance at the operators'", "POST", "/ops/act", finance, 403, "forbidden"},
		{"a revoked key", "GET", "/audit/look", revoked, 403, "forbidden"},
		{"an expired key", "GET", "/audit/look", expired, 403, "forbidden"},
		{"another merchant", "GET", "/audit/look?merchant=" + merchantB, one, 404, "not_found"},
		{"the log as a whole with one merchant's key", "GET", "/audit/all", one, 403, "forbidden"},
		{"no such mode", "GET", "/audit/look?mode=prod", finance, 400, "invalid_request"},
		{"no merchant's id", "GET", "/audit/look?merchant=ps_1", finance, 400, "invalid_request"},
		{"no such parameter", "GET", "/audit/look?x=1", finance, 400, "invalid_request"},
		{"no such path", "GET", "/audit/nothing", finance, 404, "not_found"},
		{"no such method", "DELETE", "/audit/look", finance, 405, "method_not_allowed"},
		{"finance", "GET", "/audit/look", finance, 200, ""},
		{"an operator", "POST", "/ops/act", operator, 200, ""},
		{"live mode", "GET", "/audit/look?mode=live", finance, 200, ""},
		{"the log as a whole", "GET", "/audit/all", finance, 200, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			status, body := b.ask(t, c.method, c.path, c.key)
			if code, _ := body["code"].(string); status != c.status || code != c.code {
				t.Errorf("the answer is %d %v; want %d %s", status, body, c.status, c.code)
			}
		})
	}
}

func TestWhatARequestIsAbout(t *testing.T) {
	t.Parallel()
	b := setup(t)
	all, one := b.StaffKey(staff.RoleFinance), b.StaffKey(staff.RoleFinance, merchantA)
	for _, c := range []struct {
		path, key, mode string
		merchants       any
	}{
		{"/audit/look", all, "test", nil},
		{"/audit/look?mode=live", all, "live", nil},
		{"/audit/look?merchant=" + merchantB, all, "test", []any{merchantB}},
		{"/audit/look", one, "test", []any{merchantA}},
		{"/audit/look?merchant=" + merchantA, one, "test", []any{merchantA}},
	} {
		_, body := b.ask(t, "GET", c.path, c.key)
		if body["mode"] != c.mode || !reflect.DeepEqual(body["merchants"], c.merchants) {
			t.Errorf("%s is about %v", c.path, body)
		}
	}
}

// Each look leaves a record: who, with which key, what. Refused ones leave none,
// and neither does what shows nothing of anybody.
func TestLooksAreRecorded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	key, person, keyID := b.Staff(staff.RoleFinance, time.Hour)
	for _, path := range []string{
		"/audit/look?merchant=" + merchantA, "/audit/look?mode=live", "/audit/all", "/audit/look?mode=none",
		"/audit/look?email=jane@example.com", "/audit/one/jane@example.com", "/audit/one/" + key, "/audit/one/pay_1",
	} {
		b.ask(t, "GET", path, key)
	}
	events, err := b.p.Live.Engine.Store.Stream(t.Context(), staff.LooksStream(person, b.Clock.Now()))
	if err != nil {
		t.Fatal(err)
	}
	want := []staff.Event{
		staff.Accessed{KeyID: keyID, Mode: "test", Method: "GET", Path: "/audit/look", Query: "merchant=" + merchantA},
		staff.Accessed{KeyID: keyID, Mode: "live", Method: "GET", Path: "/audit/look", Query: "mode=live"},
		staff.Accessed{KeyID: keyID, Mode: "test", Method: "GET", Path: "/audit/one/…"},
		staff.Accessed{KeyID: keyID, Mode: "test", Method: "GET", Path: "/audit/one/…"},
		staff.Accessed{KeyID: keyID, Mode: "test", Method: "GET", Path: "/audit/one/pay_1"},
	}
	var got []staff.Event
	for _, e := range events {
		d, err := staff.Codec.Decode(e.Type, e.SchemaVersion, e.Payload)
		if err != nil {
			t.Fatal(err)
		}
		if e.Actor.ID != person || e.RequestID == "" {
			t.Errorf("the record names %v, %q", e.Actor, e.RequestID)
		}
		got = append(got, d)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("recorded is %+v; want %+v", got, want)
	}
}

// A handler that would answer without a record is a fault of ours, and shows nothing.
func TestNothingIsShownUnrecorded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if status, body := b.ask(t, "GET", "/audit/unseen", b.StaffKey(staff.RoleFinance)); status != 500 || body["code"] != "internal_error" {
		t.Errorf("the answer is %d %v", status, body)
	}
}

// An answer that fails after it has begun is cut off: half a file must not look
// like a whole one.
func TestHalfAnAnswerIsCutOff(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r, err := http.NewRequestWithContext(t.Context(), "GET", b.p.URL+"/audit/cut", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+b.StaffKey(staff.RoleFinance))
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if all, err := io.ReadAll(res.Body); err == nil {
		t.Errorf("it was read to the end: %q", all)
	}
}
