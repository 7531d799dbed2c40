package api_test

import (
	"strconv"
	"strings"
	"testing"

	"tender/handlers/handlerstest"
	"tender/projections"
)

const deliveries = "/webhooks/deliveries"

// delivered waits for the one delivery with a status, and returns its path.
func (b *bundle) delivery(t *testing.T, status string) string {
	t.Helper()
	var path string
	eventually(t, "a delivery is "+status, func() bool {
		a := b.list(t, deliveries, "status", status).Is(200)
		if a.Len("data") == 1 {
			path = deliveries + "/" + a.Text("data.0.id")
		}
		return path != ""
	})
	return path
}

func TestDeliveriesAreResent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.keep(t, projections.Deliveries())
	other := b.On(b.Process())
	endpoint := b.endpoint(t)
	b.Create(100)
	path := b.delivery(t, "pending")
	b.Post(path+"/resend", nil, key("too early")).Problem(409, "delivery_pending")
	send(t, b.Caller, "PATCH", endpoint, object{"status": "disabled"}).Is(200)
	b.delivery(t, "exhausted")
	b.Post(path+"/resend", nil, key("disabled")).Problem(409, "endpoint_disabled")
	send(t, b.Caller, "PATCH", endpoint, object{"status": "enabled"}).Is(200)
	b.Post(path+"/resend", nil, key("disabled")).Problem(409, "endpoint_disabled") // it was decided

	before := b.Get(path).Is(200)
	answers := together(8, func(i int) *handlerstest.Answer {
		a, err := []*handlerstest.Caller{b.Caller, other}[i%2].Send("POST", path+"/resend", nil, key("resend"))
		if err != nil {
			t.Error(err)
		}
		return a
	})
	firsts := 0
	for _, a := range answers {
		a.Is(200).Shows(object{
			"id": before.Text("id"), "event_id": before.Text("event_id"), "event_type": "payment_session.created",
			"endpoint_id": before.Text("endpoint_id"), "created_at": before.Text("created_at"), "status": "pending", "version": 1, "attempts": nil,
		})
		if !replayed(a) {
			firsts++
		}
	}
	if firsts != 1 {
		t.Errorf("it was sent again %d times", firsts)
	}
	// The refusal before was for its moment only; now there is another.
	b.Post(path+"/resend", nil, key("too early")).Problem(409, "delivery_pending")
	other.Post(path+"/resend", nil, key("once more")).Problem(409, "delivery_pending")
	b.delivery(t, "pending")
	b.Get(path).Is(200).Shows(object{"status": "pending", "version": 1, "created_at": before.Text("created_at")})

	// Ended with its endpoint a second time, which its own stream doesn't tell.
	send(t, b.Caller, "PATCH", endpoint, object{"status": "disabled"}).Is(200)
	b.delivery(t, "exhausted")
	send(t, b.Caller, "PATCH", endpoint, object{"status": "paused"}).Is(200)
	again := b.Post(path+"/resend", nil, key("again")).Is(200).Shows(object{"status": "pending", "version": 2})
	same(t, again, other.Post(path+"/resend", nil, key("again")))
	for _, a := range answers[:2] {
		if replay := other.Post(path+"/resend", nil, key("resend")).Is(200); string(replay.Body) != string(a.Body) {
			t.Errorf("the replay is\n%s\nnot\n%s", replay.Body, a.Body)
		}
	}
	send(t, b.Caller, "DELETE", endpoint, nil).Is(204)
	b.delivery(t, "exhausted")
	b.Post(path+"/resend", nil, key("deleted")).Problem(409, "endpoint_disabled")
}

func TestResendingsThatAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.keep(t, projections.Deliveries())
	b.endpoint(t)
	b.Create(100)
	path := b.delivery(t, "pending")
	blames(t, b.Post(path+"/resend", object{"now": true}).Problem(400, "invalid_request"), "/now: unknown")
	b.First.Caller(t, b.merchant.Public).Post(path+"/resend", nil).Problem(403, "forbidden")
	stranger := b.First.Caller(t, b.Merchant("test").Secret)
	stranger.Post(path+"/resend", nil).Problem(404, "not_found")
	for _, nothing := range []string{"whd_01hzy3v7q8e4xk2m9c5b7d6f0a", "ps_01hzy3v7q8e4xk2m9c5b7d6f0a", "nonsense"} {
		b.Post(deliveries+"/"+nothing+"/resend", nil).Problem(404, "not_found")
	}
	b.Get(path).Is(200).Shows(object{"status": "pending", "version": 0})
}

// A test message's delivery is answered at once, and shown by GET from then on.
func TestEndpointsAreTested(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.keep(t, projections.Deliveries())
	other := b.On(b.Process())
	endpoint := b.endpoint(t)
	b.endpoint(t) // asks for everything, and is not told
	whole := object{"status": "pending", "version": 0, "event_type": "webhook.test", "endpoint_id": strings.TrimPrefix(endpoint, endpoints+"/")}
	answers := together(6, func(i int) *handlerstest.Answer {
		a, err := []*handlerstest.Caller{b.Caller, other}[i%2].Send("POST", endpoint+"/test", nil, key("test"))
		if err != nil {
			t.Error(err)
		}
		return a
	})
	first := answers[0].Is(201).Shows(whole)
	for _, a := range answers {
		if a.Is(201); string(a.Body) != string(first.Body) {
			t.Errorf("the test is\n%s\nand\n%s", first.Body, a.Body)
		}
	}
	path := deliveries + "/" + first.Text("id")
	for i := range 10 {
		a := b.of(t).Post(endpoint+"/test", object{}, key("test "+strconv.Itoa(i))).Is(201)
		other.Get(deliveries + "/" + a.Text("id")).Is(200).Shows(whole).Shows(object{"event_id": a.Text("event_id"), "created_at": a.Text("created_at"), "attempts.0": nil})
	}
	b.Get(path).Is(200).Shows(whole)
	if got := ids(b.list(t, deliveries, "event_type", "webhook.test").Is(200)); len(got) != 11 {
		t.Errorf("%d deliveries of test messages", len(got))
	}
	// It is no event.
	b.list(t, events).Is(200).Shows(object{"data.0": nil})
	b.Get(events+"/"+first.Text("event_id")).Problem(404, "not_found")
	blames(t, send(t, b.Caller, "PATCH", endpoint, object{"events": []string{"webhook.test"}}).Problem(400, "invalid_request"), "/events/0: not_an_option")
	b.Get(endpoint).Is(200).Shows(object{"version": 12, "status": "enabled"})

	send(t, b.Caller, "PATCH", endpoint, object{"status": "paused"}).Is(200)
	b.Post(endpoint+"/test", nil, key("paused")).Is(201).Shows(whole)
	send(t, b.Caller, "PATCH", endpoint, object{"status": "disabled"}).Is(200)
	b.Post(endpoint+"/test", nil, key("disabled")).Problem(409, "endpoint_disabled")
	send(t, b.Caller, "PATCH", endpoint, object{"status": "enabled"}).Is(200).Shows(object{"id": whole["endpoint_id"]})
	b.Post(endpoint+"/test", nil, key("disabled")).Problem(409, "endpoint_disabled") // it was decided
	send(t, b.Caller, "DELETE", endpoint, nil).Is(204)
	b.Post(endpoint+"/test", nil, key("deleted")).Problem(404, "not_found")
	if replay := other.Post(endpoint+"/test", nil, key("test")).Is(201); !replayed(replay) || string(replay.Body) != string(first.Body) {
		t.Errorf("the replay is\n%s", replay.Body)
	}
}

func TestTestsThatAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	endpoint := b.endpoint(t)
	blames(t, b.Post(endpoint+"/test", object{"loud": true}).Problem(400, "invalid_request"), "/loud: unknown")
	b.First.Caller(t, b.merchant.Public).Post(endpoint+"/test", nil).Problem(403, "forbidden")
	b.First.Caller(t, b.Merchant("test").Secret).Post(endpoint+"/test", nil).Problem(404, "not_found")
	for _, nothing := range []string{"whe_01hzy3v7q8e4xk2m9c5b7d6f0a", "ps_01hzy3v7q8e4xk2m9c5b7d6f0a", "nonsense"} {
		b.Post(endpoints+"/"+nothing+"/test", nil).Problem(404, "not_found")
	}
	b.Get(endpoint).Is(200).Shows(object{"version": 1})
}

// A delivery is shown as the log has it, or not at all as long as the read model is
// behind.
func TestDeliveriesAreShownAsTheyAre(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.keep(t, projections.Deliveries())
	endpoint := b.endpoint(t)
	path := deliveries + "/" + b.Post(endpoint+"/test", nil).Is(201).Text("id")
	b.Get(path).Is(200)
	cursors := b.First.Test.Cursors
	must(t, cursors.Pause(t.Context(), projections.DeliveriesName))
	late := deliveries + "/" + b.Post(endpoint+"/test", nil).Is(201).Text("id")
	b.Get(late).Problem(503, "service_unavailable")
	b.Get(path).Is(200)
	must(t, cursors.Resume(t.Context(), projections.DeliveriesName))
	b.Get(late).Is(200)
	b.Get(deliveries+"/whd_01hzy3v7q8e4xk2m9c5b7d6f0a").Problem(404, "not_found")
}
