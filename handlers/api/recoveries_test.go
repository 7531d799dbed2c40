package api_test

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	"tender/eventstore/lease"
	"tender/handlers/handlerstest"
	"tender/handlers/webhooks"
	"tender/projections"
)

// recovers does what recoveries ask for, in the first process, from now on.
func (b *bundle) recovers(t *testing.T) {
	t.Helper()
	g := b.First.Test.Engine
	job := webhooks.NewRecoveryJob(webhooks.RecoveryConfig{
		Engine: g, Cursors: b.First.Test.Cursors, Leases: lease.New(g.Store.Pool(), g.Store.Log()),
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = job.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
}

func ago(d time.Duration) string { return time.Now().Add(-d).UTC().Format(time.RFC3339Nano) }

func TestEndpointsAreRecovered(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.keep(t, projections.Deliveries(), projections.Recoveries("test"))
	other := b.On(b.Process())
	endpoint := b.endpoint(t)
	send(t, b.Caller, "PATCH", endpoint, object{"status": "disabled"}).Is(200)
	const missed = 5
	for range missed {
		b.Create(100)
	}
	request := object{"since": ago(time.Hour)}
	b.Post(endpoint+"/recover", request, key("disabled")).Problem(409, "endpoint_disabled")
	send(t, b.Caller, "PATCH", endpoint, object{"status": "enabled"}).Is(200)
	b.Post(endpoint+"/recover", request, key("disabled")).Problem(409, "endpoint_disabled") // it was decided

	// Sent at once by many: it begins once, and is shown to all as it is.
	answers := together(8, func(i int) *handlerstest.Answer {
		a, err := []*handlerstest.Caller{b.Caller, other}[i%2].Send("POST", endpoint+"/recover", request, key("recover"))
		if err != nil {
			t.Error(err)
		}
		return a
	})
	recoveryID := answers[0].Text("id")
	begun := object{
		"id": recoveryID, "status": "running", "examined": 0, "resent": 0, "pending": 0, "version": 1, "mode": "test",
		"until": nil, "ended_at": nil, "stop_reason": nil,
	}
	for _, a := range answers {
		a.Is(202).Shows(begun)
		if replayed(a) {
			t.Error("what is outstanding is no replay")
		}
	}
	path := endpoint + "/recover/" + recoveryID
	b.Get(path).Is(200).Shows(begun)
	b.Post(endpoint+"/recover", request, key("beside")).Problem(409, "recovery_running")
	b.Post(endpoint+"/recover", object{"since": ago(time.Minute)}, key("recover")).Problem(422, "idempotency_key_reused").
		Shows(object{"conflicting_resource_id": recoveryID, "errors.0.pointer": "/since"})

	b.recovers(t)
	completed := object{"status": "completed", "examined": missed, "resent": missed, "version": 2}
	eventually(t, "the recovery has ended", func() bool { return b.Get(path).Is(200).Text("status") != "running" })
	other.Get(path).Is(200).Shows(completed).Shows(object{"pending": missed})
	if a := b.Get(path); a.Text("ended_at") == "" || a.Text("ended_at") != a.Text("updated_at") {
		t.Errorf("it ended at no time: %s", a.Body)
	}
	b.list(t, deliveries, "status", "pending").Is(200).Shows(object{"has_more": false})
	if n := b.list(t, deliveries, "status", "pending").Len("data"); n != missed {
		t.Errorf("%d deliveries are pending", n)
	}
	last := b.Post(endpoint+"/recover", request, key("recover")).Is(200).Shows(completed)
	same(t, last, other.Post(endpoint+"/recover", request, key("recover")))
	if !replayed(last) {
		t.Error("the final answer is no replay")
	}
	// The refusal while another ran was for its moment only.
	second := b.Post(endpoint+"/recover", request, key("beside")).Is(202).Text("id")
	eventually(t, "the next has ended", func() bool {
		return b.Get(endpoint+"/recover/"+second).Is(200).Text("status") != "running"
	})
	b.Get(endpoint + "/recover/" + second).Shows(object{"status": "completed", "examined": missed, "resent": 0})

	send(t, b.Caller, "DELETE", endpoint, nil).Is(204)
	b.Get(path).Is(200).Shows(completed)
	b.Post(endpoint+"/recover", request).Problem(404, "not_found")
}

func TestRecoveriesThatAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.keep(t, projections.Deliveries(), projections.Recoveries("test"))
	endpoint := b.endpoint(t)
	path := endpoint + "/recover"
	const day, next = "2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z"
	for name, c := range map[string]struct {
		body  any
		wrong []string
	}{
		"nothing":                {nil, []string{"/since: required"}},
		"no since":               {object{"until": day}, []string{"/since: required"}},
		"no times":               {object{"since": "yesterday", "until": 7}, []string{"/since: invalid_format", "/until: wrong_type"}},
		"a date alone":           {object{"since": "2026-11-20"}, []string{"/since: invalid_format"}},
		"backwards":              {object{"since": next, "until": day}, []string{"/since: invalid"}},
		"no time at all":         {object{"since": day, "until": day}, []string{"/since: invalid"}},
		"ahead":                  {object{"since": time.Now().Add(time.Hour).UTC().Format(time.RFC3339)}, []string{"/since: invalid"}},
		"more than a year":       {object{"since": "2025-11-20T00:00:00Z", "until": "2026-11-21T00:00:00.001Z"}, []string{"/since: invalid"}},
		"long ago":               {object{"since": "1999-01-01T00:00:00Z", "until": "1999-02-01T00:00:00Z"}, []string{"/since: invalid"}},
		"more than was asked":    {object{"since": day, "until": next, "types": []string{"*"}}, []string{"/types: unknown"}},
		"several things at once": {object{"since": next, "until": day, "now": true}, []string{"/now: unknown", "/since: invalid"}},
	} {
		t.Run(name, func(t *testing.T) {
			blames(t, b.of(t).Post(path, c.body).Problem(400, "invalid_request"), c.wrong...)
		})
	}
	good := object{"since": day, "until": next}
	b.First.Caller(t, b.merchant.Public).Post(path, good).Problem(403, "forbidden")
	b.Post(path, good, key("")).Problem(400, "idempotency_key_missing")
	for _, nothing := range []string{"whe_01hzy3v7q8e4xk2m9c5b7d6f0a", "ps_01hzy3v7q8e4xk2m9c5b7d6f0a", "nonsense"} {
		b.Post(endpoints+"/"+nothing+"/recover", good).Problem(404, "not_found")
	}
	stranger := b.First.Caller(t, b.Merchant("test").Secret)
	stranger.Post(path, good).Problem(404, "not_found")

	recoveryID := b.Post(path, good).Is(202).Shows(object{"since": "2026-11-20T00:00:00.000Z", "until": "2026-11-21T00:00:00.000Z"}).Text("id")
	stranger.Get(path+"/"+recoveryID).Problem(404, "not_found")
	b.Get(b.endpoint(t)+"/recover/"+recoveryID).Problem(404, "not_found") // another endpoint's
	for _, nothing := range []string{"whr_01hzy3v7q8e4xk2m9c5b7d6f0a", "ps_01hzy3v7q8e4xk2m9c5b7d6f0a", "nonsense"} {
		b.Get(path+"/"+nothing).Problem(404, "not_found")
	}
	b.Get(path+"/"+recoveryID+"?limit=1").Problem(400, "invalid_request")
	b.First.Caller(t, b.merchant.Public).Get(path+"/"+recoveryID).Problem(403, "forbidden")
}

// A time that is open at its end grows; what was in time is answered as it was.
func TestRecoveriesAreReplayedLate(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.keep(t, projections.Deliveries(), projections.Recoveries("test"))
	path := b.endpoint(t) + "/recover"
	request := object{"since": time.Now().Add(-366*24*time.Hour + time.Hour).UTC().Format(time.RFC3339)}
	recoveryID := b.Post(path, request, key("in time")).Is(202).Text("id")
	b.Clock.Advance(2 * time.Hour)
	b.Post(path, request, key("in time")).Is(202).Shows(object{"id": recoveryID})
	blames(t, b.Post(path, request, key("late")).Problem(400, "invalid_request"), "/since: invalid")
}

func TestRecoveriesEndWithTheirEndpoint(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.keep(t, projections.Deliveries(), projections.Recoveries("test"))
	endpoint := b.endpoint(t)
	request := object{"since": ago(time.Hour)}
	first := endpoint + "/recover/" + b.Post(endpoint+"/recover", request, key("first")).Is(202).Text("id")
	send(t, b.Caller, "PATCH", endpoint, object{"status": "disabled"}).Is(200)
	send(t, b.Caller, "PATCH", endpoint, object{"status": "paused"}).Is(200)
	second := endpoint + "/recover/" + b.Post(endpoint+"/recover", request).Is(202).Text("id")
	send(t, b.Caller, "DELETE", endpoint, nil).Is(204)
	b.recovers(t)
	for path, reason := range map[string]string{first: "endpoint_deleted", second: "endpoint_deleted"} {
		eventually(t, "the recovery has ended", func() bool { return b.Get(path).Is(200).Text("status") != "running" })
		b.Get(path).Shows(object{"status": "stopped", "stop_reason": reason, "resent": 0, "version": 2})
	}
	b.Post(endpoint+"/recover", request, key("first")).Is(200).Shows(object{"status": "stopped"})
}
