package api_test

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"tender/domain"
	"tender/domain/id"
	"tender/domain/merchant"
	"tender/domain/webhook"
	"tender/eventstore/feed"
	"tender/handlers/engine"
	"tender/handlers/handlerstest"
	"tender/projections"
)

const (
	endpoints = "/webhooks/endpoints"
	hookURL   = "https://shop.example/hooks"
)

// setupEndpoints is setup, with the read model that endpoints are listed from.
func setupEndpoints(t *testing.T) *bundle {
	t.Helper()
	b := setup(t)
	b.keep(t, projections.Endpoints("test"))
	return b
}

// keep keeps read models in test mode.
func (b *bundle) keep(t *testing.T, models ...projections.Projection) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	store := b.First.Test.Engine.Store
	reader, err := feed.NewReader(store, nil)
	must(t, err)
	runner, err := projections.NewRunner(store, reader, b.First.Test.Cursors, models...)
	must(t, err)
	must(t, runner.Prepare(ctx))
	ended := make(chan struct{}, 2)
	for _, run := range []func(context.Context) error{reader.Run, runner.Run} {
		go func() { _ = run(ctx); ended <- struct{}{} }()
	}
	t.Cleanup(func() { cancel(); <-ended; <-ended })
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// send is for the methods that callers have no name for.
func send(t *testing.T, c *handlerstest.Caller, method, path string, body any, headers ...handlerstest.Header) *handlerstest.Answer {
	t.Helper()
	a, err := c.Send(method, path, body, headers...)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

// endpoint makes one and returns its path.
func (b *bundle) endpoint(t *testing.T) string {
	t.Helper()
	a := b.of(t).Post(endpoints, object{"url": hookURL, "events": []string{"*"}, "description": "orders"}).Is(201)
	return endpoints + "/" + a.Text("id")
}

func TestEndpointsAreChanged(t *testing.T) {
	t.Parallel()
	b := setupEndpoints(t)
	other := b.On(b.Process())
	path := b.endpoint(t)
	for i, c := range []struct {
		name string
		body object
		want object
	}{
		{"the URL", object{"url": hookURL + "/2"}, object{"url": hookURL + "/2", "events.0": "*", "description": "orders", "status": "enabled"}},
		{"the events", object{"events": []string{"payment.captured", "payment.voided"}}, object{"events.0": "payment.captured", "events.1": "payment.voided", "events.2": nil}},
		{"the description", object{"description": ""}, object{"description": nil}},
		{"the status", object{"status": "paused"}, object{"status": "paused", "url": hookURL + "/2"}},
		{"the status back", object{"status": "enabled"}, object{"status": "enabled"}},
	} {
		a := send(t, b.Caller, "PATCH", path, c.body).Is(200).Shows(c.want).Shows(object{"version": i + 2, "secret": nil})
		if a.Header.Get(positionHeader) == "" || replayed(a) {
			t.Errorf("%s: the answer's headers are %v", c.name, a.Header)
		}
		for _, reader := range []*handlerstest.Caller{b.Caller, other} {
			if read := reader.Get(path).Is(200); string(read.Body) != string(a.Body) {
				t.Errorf("%s: read it is\n%s\nnot\n%s", c.name, read.Body, a.Body)
			}
		}
	}
	// Two things at once are two events.
	send(t, other, "PATCH", path, object{"url": hookURL, "status": "disabled"}).Is(200).Shows(object{"version": 8, "status": "disabled", "url": hookURL})
	// What is so already changes nothing.
	same := send(t, b.Caller, "PATCH", path, object{"url": hookURL, "status": "disabled"}).Is(200).Shows(object{"version": 8})
	if read := b.Get(path).Is(200); string(read.Body) != string(same.Body) {
		t.Errorf("read it is\n%s\nnot\n%s", read.Body, same.Body)
	}
}

func TestEndpointChangesThatAreRefused(t *testing.T) {
	t.Parallel()
	b := setupEndpoints(t)
	path := b.endpoint(t)
	for _, c := range []struct {
		name, method string
		body         any
		blamed       []string
	}{
		{"an unknown field", "PATCH", object{"url": hookURL + "/2", "color": "red"}, []string{"/color: unknown"}},
		{"the secret", "PATCH", object{"secret": "whsec_mine"}, []string{"/secret: unknown"}},
		{"nothing to change", "PATCH", object{}, []string{": too_few"}},
		{"no body", "PATCH", nil, []string{": too_few"}},
		{"everything wrong, at once", "PATCH", object{"url": 7, "events": "all", "description": false, "status": "asleep"},
			[]string{"/url: wrong_type", "/events: wrong_type", "/description: wrong_type", "/status: not_an_option"}},
		{"a URL that is none", "PATCH", object{"url": "shop.example"}, []string{"/url: invalid_format"}},
		{"plain HTTP", "PATCH", object{"url": "http://shop.example/"}, []string{"/url: invalid_format"}},
		{"an unknown event", "PATCH", object{"events": []string{"payment.teleported"}}, []string{"/events/0: not_an_option"}},
		{"events that are none", "PATCH", object{"events": []any{"payment.captured", 7, "payment.\x00"}}, []string{"/events/1: wrong_type", "/events/2: invalid_format"}},
		{"every entry that is wrong", "PATCH", object{"events": []any{"payment.teleported", "payment.captured", 7, "", "payment.captured", "*"}},
			[]string{"/events/0: not_an_option", "/events/2: wrong_type", "/events/3: not_an_option", "/events/4: not_an_option", "/events/5: not_an_option"}},
		{"no events", "PATCH", object{"events": []string{}}, []string{"/events: not_an_option"}},
		{"a NUL", "PATCH", object{"description": "a\x00b"}, []string{"/description: invalid_format"}},
		{"null", "PATCH", object{"description": nil}, []string{"/description: wrong_type"}},
		{"a long description", "PATCH", object{"description": strings.Repeat("x", 501)}, []string{"/description: too_long"}},
		{"a body to DELETE", "DELETE", object{"really": true}, []string{"/really: unknown"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			// A refusal of what the request alone shows doesn't use the key up.
			k := key("refused: " + c.name)
			blames(t, send(t, b.of(t), c.method, path, c.body, k).Problem(400, "invalid_request"), c.blamed...)
			if a := send(t, b.of(t), "PATCH", path, object{"description": "orders"}, k).Is(200); replayed(a) {
				t.Error("the key was used up")
			}
		})
	}
	t.Run("an idempotency key that is none", func(t *testing.T) {
		t.Parallel()
		for _, method := range []string{"PATCH", "DELETE"} {
			a := send(t, b.of(t), method, path, nil, key(strings.Repeat("k", 256))).Problem(400, "idempotency_key_invalid")
			blames(t, a, "Idempotency-Key: invalid_format")
		}
	})
	t.Run("a public key", func(t *testing.T) {
		t.Parallel()
		public := b.First.Caller(t, b.merchant.Public)
		send(t, public, "PATCH", path, object{"status": "paused"}).Problem(403, "forbidden")
		send(t, public, "DELETE", path, nil).Problem(403, "forbidden")
	})
	t.Run("another's endpoint", func(t *testing.T) {
		t.Parallel()
		for _, stranger := range []*handlerstest.Merchant{b.Merchant("test"), b.Merchant("live")} {
			c := b.First.Caller(t, stranger.Secret)
			foreign := send(t, c, "PATCH", path, object{"status": "paused"}).Problem(404, "not_found")
			none := send(t, c, "PATCH", endpoints+"/"+id.Format(id.Endpoint, engine.NewID()), object{"status": "paused"}).Problem(404, "not_found")
			if foreign.Text("detail") != none.Text("detail") {
				t.Errorf("what is another's is told apart from what is not: %s, %s", foreign.Body, none.Body)
			}
			send(t, c, "DELETE", path, nil, key("delete")).Problem(404, "not_found")
			send(t, c, "PATCH", endpoints+"/ps_01hzy3v7q8e4xk2m9c5b7d6f0a", object{"status": "paused"}).Problem(404, "not_found")
			send(t, c, "DELETE", endpoints+"/nonsense", nil).Problem(404, "not_found")
			c.Get(path).Problem(404, "not_found")
		}
	})
	b.Get(path).Is(200).Shows(object{"version": 1, "status": "enabled", "url": hookURL, "description": "orders"})
}

func TestEndpointsAreDeleted(t *testing.T) {
	t.Parallel()
	b := setupEndpoints(t)
	path, kept := b.endpoint(t), b.endpoint(t)
	a := send(t, b.Caller, "DELETE", path, nil).Is(204)
	if len(a.Body) != 0 || a.Header.Get(positionHeader) == "" || a.Header.Get("Content-Type") != "" {
		t.Errorf("the answer is %q with %v", a.Body, a.Header)
	}
	for _, c := range []*handlerstest.Caller{b.Caller, b.On(b.Process())} {
		c.Get(path).Problem(404, "not_found")
		send(t, c, "PATCH", path, object{"status": "enabled"}).Problem(404, "not_found")
		send(t, c, "DELETE", path, nil).Problem(404, "not_found")
		c.Get(kept).Is(200)
	}
	list := b.list(t, endpoints, "min_position", a.Header.Get(positionHeader)).Is(200)
	if got := ids(list); len(got) != 1 || endpoints+"/"+got[0] != kept {
		t.Errorf("listed are %q", got)
	}
}

// That an endpoint fails, and why it is disabled, is shown as long as it is so.
func TestEndpointsThatFail(t *testing.T) {
	t.Parallel()
	b := setupEndpoints(t)
	path := b.endpoint(t)
	endpointID := strings.TrimPrefix(path, endpoints+"/")
	g := b.First.Test.Engine
	say := func(e webhook.Event) {
		t.Helper()
		_, err := g.Do(t.Context(), engine.Command{
			Origin: engine.Origin{CommandID: engine.NewID(), MerchantID: b.merchant.ID, Actor: domain.Actor{Kind: domain.ActorSystem, ID: "webhooks"}},
			Decide: func(ctx context.Context, tx *engine.Tx) error {
				_, err := engine.Read(ctx, tx, g.Endpoints, endpointID)
				engine.Write(tx, webhook.Codec, endpointID, e)
				return err
			},
		})
		must(t, err)
	}
	since := time.Now().UTC().Add(-time.Hour).Truncate(time.Millisecond)
	shown := since.Format("2006-01-02T15:04:05.000Z")
	fine := object{"status": "enabled", "failing_since": nil, "disabled_reason": nil}
	b.Get(path).Is(200).Shows(fine)
	say(webhook.EndpointFailing{Since: since})
	b.Get(path).Is(200).Shows(object{"status": "enabled", "failing_since": shown, "disabled_reason": nil, "version": 2})
	rotated := b.Post(path+"/rotate_secret", nil).Is(200).Shows(object{"failing_since": shown})
	b.list(t, endpoints, "min_position", rotated.Header.Get(positionHeader)).Is(200).Shows(object{"data.0.failing_since": shown})
	say(webhook.EndpointHealed{})
	b.Get(path).Is(200).Shows(fine)
	say(webhook.EndpointFailing{Since: since})
	send(t, b.Caller, "PATCH", path, object{"url": hookURL + "/2"}).Is(200).Shows(fine)
	say(webhook.EndpointFailing{Since: since})
	say(webhook.EndpointDisabled{Reason: webhook.DisabledFailing})
	b.Get(path).Is(200).Shows(object{"status": "disabled", "failing_since": nil, "disabled_reason": "failing"})
	enabled := send(t, b.Caller, "PATCH", path, object{"status": "enabled"}).Is(200).Shows(fine)
	b.list(t, endpoints, "min_position", enabled.Header.Get(positionHeader)).Is(200).Shows(object{"data.0.status": "enabled", "data.0.disabled_reason": nil})
	disabled := send(t, b.Caller, "PATCH", path, object{"status": "disabled"}).Is(200).Shows(object{"disabled_reason": "merchant"})
	b.list(t, endpoints, "min_position", disabled.Header.Get(positionHeader)).Is(200).Shows(object{"data.0.disabled_reason": "merchant"})
}

// Fifty endpoints are fifty, however many are asked for at once, wherever, and
// without any read model.
func TestEndpointsAreLimited(t *testing.T) {
	t.Parallel()
	b := setup(t)
	callers := []*handlerstest.Caller{b.Caller, b.On(b.Process())}
	hook := object{"url": hookURL, "events": []string{"*"}}
	var made []string
	for len(made) < merchant.EndpointsMax-3 {
		made = append(made, b.of(t).Post(endpoints, hook).Is(201).Text("id"))
	}
	const racers = 12
	answers := make(chan *handlerstest.Answer, racers)
	for i := range racers {
		go func() {
			a, err := callers[i%2].Send("POST", endpoints, hook, key("racer "+strconv.Itoa(i)))
			if err != nil {
				t.Error(err)
			}
			answers <- a
		}()
	}
	won := 0
	for range racers {
		a := <-answers
		if a == nil {
			continue
		}
		if a.Status == 201 {
			won++
			continue
		}
		a.Problem(422, "endpoint_limit_reached")
	}
	if won != 3 {
		t.Fatalf("%d endpoints were made where there was room for 3", won)
	}
	b.Post(endpoints, hook, key("one more")).Problem(422, "endpoint_limit_reached")
	send(t, callers[1], "DELETE", endpoints+"/"+made[0], nil).Is(204)
	same(t, b.Post(endpoints, hook, key("one more")).Problem(422, "endpoint_limit_reached"), // it was decided
		callers[1].Post(endpoints, hook, key("one more")))
	b.Post(endpoints, hook, key("again")).Is(201)
	b.Post(endpoints, hook, key("and again")).Problem(422, "endpoint_limit_reached")
}

// PATCH and DELETE take an Idempotency-Key, and then answer as POST does.
func TestEndpointChangesAreReplayed(t *testing.T) {
	t.Parallel()
	b := setupEndpoints(t)
	other := b.On(b.Process())
	created := b.Post(endpoints, object{"url": hookURL, "events": []string{"*"}}, key("create")).Is(201)
	path := endpoints + "/" + created.Text("id")
	pause := object{"status": "paused", "description": "a while"}
	first := send(t, b.Caller, "PATCH", path, pause, key("pause")).Is(200).Shows(object{"status": "paused", "version": 3})
	nothing := send(t, b.Caller, "PATCH", path, pause, key("pause again")).Is(200).Shows(object{"version": 3})
	if replayed(first) || replayed(nothing) {
		t.Error("a first answer says that it is a replay")
	}
	send(t, b.Caller, "PATCH", path, object{"status": "enabled"}).Is(200).Shows(object{"version": 4})
	replays := func() {
		t.Helper()
		for _, c := range []*handlerstest.Caller{b.Caller, other} {
			same(t, first, send(t, c, "PATCH", path, pause, key("pause")))
			same(t, first, send(t, c, "PATCH", path, `{"description":"a while", "status":"paused"}`, key("pause")))
			same(t, nothing, send(t, c, "PATCH", path, pause, key("pause again")))
			same(t, created, c.Post(endpoints, object{"url": hookURL, "events": []string{"*"}}, key("create"))) // secret and all
		}
	}
	replays()
	b.Get(path).Shows(object{"version": 4, "status": "enabled"})

	// The key stands for its own request only.
	for name, c := range map[string]struct {
		method string
		body   any
		blamed string
	}{
		"another value": {"PATCH", object{"status": "disabled", "description": "a while"}, "/status: differs"},
		"a field less":  {"PATCH", object{"status": "paused"}, "/description: differs"},
		"a deletion":    {"DELETE", nil, "path: differs"},
	} {
		a := send(t, other, c.method, path, c.body, key("pause")).Problem(422, "idempotency_key_reused")
		a.Shows(object{"conflicting_resource_id": created.Text("id")})
		if got := wrong(a); len(got) != 1 || got[0] != c.blamed {
			t.Errorf("%s: it blames %q, not %q", name, got, c.blamed)
		}
	}
	elsewhere := b.endpoint(t)
	if got := wrong(send(t, b.Caller, "PATCH", elsewhere, pause, key("pause")).Problem(422, "idempotency_key_reused")); len(got) != 1 || got[0] != "path: differs" {
		t.Errorf("it blames %q", got)
	}

	// However often and wherever it is sent, it is deleted once.
	answers := together(8, func(i int) *handlerstest.Answer {
		a, err := []*handlerstest.Caller{b.Caller, other}[i%2].Send("DELETE", path, nil, key("delete"))
		if err != nil {
			t.Error(err)
		}
		return a
	})
	firsts := 0
	for _, a := range answers {
		if a.Is(204); !replayed(a) {
			firsts++
		}
	}
	if firsts != 1 {
		t.Errorf("%d of the deletions were the first", firsts)
	}
	a := send(t, other, "DELETE", path, nil, key("delete")).Is(204)
	if !replayed(a) || len(a.Body) != 0 {
		t.Errorf("the replay is %q with %v", a.Body, a.Header)
	}
	// What was refused by its state is remembered, too.
	gone := send(t, b.Caller, "PATCH", path, pause, key("too late")).Problem(404, "not_found")
	if again := send(t, b.Caller, "PATCH", path, pause, key("too late")).Problem(404, "not_found"); replayed(again) != replayed(gone) {
		t.Error("a 404 uses the key up")
	}
	replays() // also of what is deleted
}

// A new secret is shown by its rotation and replays of that, and by nothing else.
func TestSecretsAreRotated(t *testing.T) {
	t.Parallel()
	b := setupEndpoints(t)
	other := b.On(b.Process())
	hook := object{"url": hookURL, "events": []string{"*"}}
	created := b.Post(endpoints, hook, key("create")).Is(201)
	path := endpoints + "/" + created.Text("id")
	first := b.Post(path+"/rotate_secret", object{"overlap_hours": 2}, key("rotate")).Is(200).Shows(object{"version": 2, "status": "enabled"})
	second := other.Post(path+"/rotate_secret", nil, key("rotate again")).Is(200).Shows(object{"version": 3})
	if replayed(first) || first.Text("secret") == created.Text("secret") || second.Text("secret") == first.Text("secret") {
		t.Errorf("the secrets are\n%s\n%s\n%s", created.Body, first.Body, second.Body)
	}
	for _, c := range []*handlerstest.Caller{b.Caller, other} {
		same(t, first, c.Post(path+"/rotate_secret", object{"overlap_hours": 2}, key("rotate")))
		same(t, second, c.Post(path+"/rotate_secret", object{}, key("rotate again")))
		same(t, second, c.Post(path+"/rotate_secret", object{"overlap_hours": 24}, key("rotate again"))) // which is the default
		same(t, created, c.Post(endpoints, hook, key("create")))
		c.Get(path).Is(200).Shows(object{"version": 3, "secret": nil})
	}
	send(t, b.Caller, "PATCH", path, object{"status": "paused"}).Is(200).Shows(object{"secret": nil})
	list := b.list(t, endpoints, "min_position", second.Header.Get(positionHeader)).Is(200)
	list.Shows(object{"data.0.id": created.Text("id"), "data.0.secret": nil})

	// The old ones are kept in the vault for as long as a replay may show them; as
	// many may sign as may, and an overlap of 0 ends all others.
	b.Post(path+"/rotate_secret", object{"overlap_hours": 168}).Is(200)
	b.Post(path+"/rotate_secret", object{"overlap_hours": 1}, key("too many")).Problem(409, "secret_limit_reached")
	leaked := b.Post(path+"/rotate_secret", object{"overlap_hours": 0}).Is(200).Shows(object{"version": 6})
	// That it was refused is not remembered: time lifts it.
	b.Post(path+"/rotate_secret", object{"overlap_hours": 1}, key("too many")).Is(200).Shows(object{"version": 7})
	if leaked.Text("secret") == second.Text("secret") {
		t.Error("a secret comes twice")
	}
	same(t, first, b.Post(path+"/rotate_secret", object{"overlap_hours": 2}, key("rotate")))

	send(t, b.Caller, "DELETE", path, nil).Is(204)
	same(t, first, b.Post(path+"/rotate_secret", object{"overlap_hours": 2}, key("rotate")))
	b.Post(path+"/rotate_secret", nil, key("deleted")).Problem(404, "not_found")
}

func TestRotationsThatAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	path := b.endpoint(t)
	for _, c := range []struct {
		name   string
		body   any
		blamed string
	}{
		{"an overlap below 0", object{"overlap_hours": -1}, "/overlap_hours: too_small"},
		{"more than a week", object{"overlap_hours": 169}, "/overlap_hours: too_large"},
		{"half an hour", `{"overlap_hours":0.5}`, "/overlap_hours: wrong_type"},
		{"text", object{"overlap_hours": "24"}, "/overlap_hours: wrong_type"},
		{"null", object{"overlap_hours": nil}, "/overlap_hours: wrong_type"},
		{"a secret of one's own", object{"secret": "whsec_mine"}, "/secret: unknown"},
	} {
		blames(t, b.Post(path+"/rotate_secret", c.body, key(c.name)).Problem(400, "invalid_request"), c.blamed)
	}
	b.First.Caller(t, b.merchant.Public).Post(path+"/rotate_secret", nil).Problem(403, "forbidden")
	for _, mode := range []string{"test", "live"} {
		stranger := b.First.Caller(t, b.Merchant(mode).Secret)
		stranger.Post(path+"/rotate_secret", nil).Problem(404, "not_found")
	}
	for _, nothing := range []string{id.Format(id.Endpoint, engine.NewID()), "ps_01hzy3v7q8e4xk2m9c5b7d6f0a", "nonsense"} {
		b.Post(endpoints+"/"+nothing+"/rotate_secret", nil).Problem(404, "not_found")
	}
	b.Get(path).Is(200).Shows(object{"version": 1})
}
