package webhook_test

import (
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tender/domain/webhook"
)

// happened is an event with its instant.
type happened struct {
	at    time.Time
	event webhook.Event
}

func after(d time.Duration) time.Time { return noon.Add(d) }

func TestHealth(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	created := happened{noon, webhook.EndpointCreated{URL: url, Events: []string{webhook.AllTypes}, SecretRef: "vlt_1"}}
	failing := happened{after(3 * time.Hour), webhook.EndpointFailing{Since: after(time.Hour)}}
	moved := happened{after(5 * time.Hour), webhook.EndpointUpdated{URL: "https://other.example/"}}
	healed := happened{after(5 * time.Hour), webhook.EndpointHealed{}}
	run := func(from, to time.Duration, tries int) webhook.Run {
		return webhook.Run{Since: after(from), Until: after(to), Tries: tries}
	}
	failed := func(from, to time.Duration, tries int) webhook.RecordFailures {
		return webhook.RecordFailures{URL: url, Run: run(from, to, tries)}
	}
	elsewhere := func(c webhook.RecordFailures) webhook.RecordFailures { c.URL = "https://other.example/"; return c }
	arrived := webhook.RecordArrival{URL: url}
	isFailing := []webhook.Event{webhook.EndpointFailing{Since: after(time.Hour)}}
	isDisabled := []webhook.Event{webhook.EndpointDisabled{Reason: webhook.DisabledFailing}}
	isWell := []webhook.Event{webhook.EndpointHealed{}}

	for _, c := range []struct {
		name  string
		given []happened
		when  webhook.EndpointCommand
		then  []webhook.Event
	}{
		{"five failures in a row, over a minute", []happened{created}, failed(time.Hour, time.Hour+time.Minute, 5), isFailing},
		{"four are not enough", []happened{created}, failed(time.Hour, 3*time.Hour, 4), nil},
		{"a burst is not enough", []happened{created}, failed(time.Hour, time.Hour+time.Minute-1, 1000), nil},
		{"one failure, never", []happened{created}, failed(time.Hour, 30*day, 1), nil},
		{"for days, and nobody knew: it fails, and has to be seen to fail once more", []happened{created}, failed(time.Hour, 7*day, 9), isFailing},
		{"failing already", []happened{created, failing}, failed(time.Hour, 4*time.Hour, 9), nil},
		{"failing for almost 5 days", []happened{created, failing}, failed(time.Hour, time.Hour+5*day-1, 99), nil},
		{"failing for 5 days", []happened{created, failing}, failed(time.Hour, time.Hour+5*day, 99), isDisabled},
		{"failing for 5 days, as somebody says who saw the last try only", []happened{created, failing}, failed(6*day, 6*day, 1), isDisabled},
		{"well again", []happened{created, failing}, arrived, isWell},
		{"well as before", []happened{created}, arrived, nil},
		{"a failure of before it was well", []happened{created, failing, healed}, failed(time.Hour, 6*day, 99), nil},
		{"failing again", []happened{created, failing, healed}, failed(6*time.Hour, 7*time.Hour, 5), []webhook.Event{webhook.EndpointFailing{Since: after(6 * time.Hour)}}},
		{"failing again counts from then", []happened{created, failing, healed, {after(7 * time.Hour), webhook.EndpointFailing{Since: after(6 * time.Hour)}}},
			failed(6*time.Hour, 5*day+5*time.Hour, 99), nil},

		{"the new URL gets the benefit of the doubt", []happened{created, failing, moved}, elsewhere(failed(6*time.Hour, 6*day, 1)), nil},
		{"the old URL's failures don't count", []happened{created, moved}, failed(time.Hour, 6*day, 99), nil},
		{"nor if they began before the change", []happened{created, moved}, elsewhere(failed(time.Hour, 6*day, 99)), nil},
		{"the new URL fails, too", []happened{created, failing, moved}, elsewhere(failed(6*time.Hour, 7*time.Hour, 5)), []webhook.Event{webhook.EndpointFailing{Since: after(6 * time.Hour)}}},
		{"the old URL doesn't heal the new one", []happened{created, moved, {after(7 * time.Hour), webhook.EndpointFailing{Since: after(6 * time.Hour)}}}, arrived, nil},

		{"paused", []happened{created, failing, {after(4 * time.Hour), webhook.EndpointPaused{}}}, failed(time.Hour, 6*day, 99), nil},
		{"a pause begins anew", []happened{created, failing, {after(4 * time.Hour), webhook.EndpointPaused{}}, {after(8 * day), webhook.EndpointResumed{}}},
			failed(8*day, 8*day+time.Hour, 4), nil},
		{"disabled already", []happened{created, failing, {after(4 * time.Hour), webhook.EndpointDisabled{Reason: webhook.DisabledGone}}}, failed(time.Hour, 6*day, 99), nil},
		{"disabled, and something arrived late", []happened{created, failing, {after(6 * day), webhook.EndpointDisabled{Reason: webhook.DisabledFailing}}}, arrived, nil},
		{"brought back, with a failure of before", []happened{created, failing, {after(6 * day), webhook.EndpointDisabled{Reason: webhook.DisabledFailing}}, {after(7 * day), webhook.EndpointResumed{}}},
			failed(time.Hour, 7*day, 99), nil},
		{"another secret or description changes nothing", []happened{created, failing, {after(4 * time.Hour), rotated("vlt_2", 0)}, {after(4 * time.Hour), webhook.EndpointUpdated{Description: ptr("x")}}},
			failed(time.Hour, 6*day, 99), isDisabled},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var s webhook.Endpoint
			for _, h := range c.given {
				s = webhook.EvolveEndpoint(s, endpointID, merchantID, h.at, h.event)
			}
			events, err := webhook.DecideEndpoint(s, c.when)
			if err != nil || !reflect.DeepEqual(events, c.then) {
				t.Fatalf("got %#v, %v; want %#v", events, err, c.then)
			}
		})
	}
}

// patient is an endpoint whose every try is reported, and what is known of it.
type patient struct {
	t       *rapid.T
	now     time.Time
	state   webhook.Endpoint
	run     webhook.Run
	since   time.Time // when it was changed, or something arrived, last
	written int
	tries   int
}

func (p *patient) apply(events []webhook.Event) {
	for _, e := range events {
		p.state = webhook.EvolveEndpoint(p.state, endpointID, merchantID, p.now, e)
	}
}

func (p *patient) ask(c webhook.EndpointCommand) []webhook.Event {
	events, err := webhook.DecideEndpoint(p.state, c)
	if err != nil {
		p.t.Fatal(err)
	}
	p.apply(events)
	return events
}

func (p *patient) fail(took time.Duration) {
	before := p.state
	began := p.now
	p.now = p.now.Add(took)
	p.tries++
	p.run = p.run.And(began, p.now)
	events := p.ask(webhook.RecordFailures{URL: p.state.URL, Run: p.run})
	p.written += len(events)
	for _, e := range events {
		switch e := e.(type) {
		case webhook.EndpointFailing:
			if p.run.Tries < webhook.FailingTries || e.Since.Before(p.since) || p.now.Sub(e.Since) < webhook.FailingAfter {
				p.t.Fatalf("it fails since %v, after %+v and %v", e.Since, p.run, p.since)
			}
		case webhook.EndpointDisabled:
			if p.run.Tries <= webhook.FailingTries || p.now.Sub(p.since) < webhook.DisabledAfter || !before.Failing() || before.FailingSince.Before(p.since) {
				p.t.Fatalf("disabled at %v after %+v, though all was well at %v", p.now, p.run, p.since)
			}
			p.since, p.run = p.now, webhook.Run{}
		default:
			p.t.Fatalf("failures make it %T", e)
		}
	}
}

func (p *patient) arrive() {
	p.tries++
	p.written += len(p.ask(webhook.RecordArrival{URL: p.state.URL}))
	if p.state.Failing() {
		p.t.Fatal("it fails although a message arrived")
	}
	p.since, p.run = p.now, webhook.Run{}
}

func (p *patient) change(events ...webhook.Event) {
	p.apply(events)
	if p.state.Failing() {
		p.t.Fatalf("it fails right after %+v", events)
	}
	p.since, p.run = p.now, webhook.Run{}
}

// Whatever becomes of its tries, an endpoint is disabled only after 5 days in which
// nothing arrived and nobody changed it, and by more than a failure or two; and few
// events are written of many tries.
func TestHealthHolds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := &patient{t: t, now: noon, since: noon}
		p.apply([]webhook.Event{webhook.EndpointCreated{URL: url, Events: []string{webhook.AllTypes}, SecretRef: "vlt_1"}})
		gap := rapid.SampledFrom([]time.Duration{time.Second, time.Minute, time.Hour, 12 * time.Hour, 48 * time.Hour}).Draw(t, "gap")
		badness := rapid.SampledFrom([]int{1, 50, 95, 100}).Draw(t, "failures of a hundred")
		for range 100 {
			p.now = p.now.Add(gap * time.Duration(rapid.IntRange(0, 10).Draw(t, "tenths of the gap")) / 10)
			switch n := rapid.IntRange(0, 199).Draw(t, "what"); {
			case n == 199:
				p.change(webhook.EndpointUpdated{URL: "https://shop.example/" + p.now.Format(time.RFC3339Nano)})
			case n == 198:
				p.change(webhook.EndpointPaused{})
				p.now = p.now.Add(gap)
				p.change(webhook.EndpointResumed{})
			case p.state.Status == webhook.StatusDisabled:
				p.change(webhook.EndpointResumed{})
			case n%100 < badness:
				p.fail(time.Duration(rapid.Int64Range(0, int64(15*time.Second)).Draw(t, "took")))
			default:
				p.arrive()
			}
		}
		if p.written > 2*p.tries/webhook.FailingTries+1 {
			t.Fatalf("%d events of %d tries", p.written, p.tries)
		}
	})
}

// What is a hundredth wrong writes nothing, however much there is of it.
func TestFewFailuresAreNotWritten(t *testing.T) {
	t.Parallel()
	s := given(webhook.EndpointCreated{URL: url, Events: []string{webhook.AllTypes}, SecretRef: "vlt_1"})
	var run webhook.Run
	for n := range 100_000 {
		at := noon.Add(time.Duration(n) * time.Minute)
		if n%100 > 0 {
			run = webhook.Run{}
			continue
		}
		run = run.And(at, at.Add(time.Second))
		if events, err := webhook.DecideEndpoint(s, webhook.RecordFailures{URL: url, Run: run}); err != nil || len(events) > 0 {
			t.Fatalf("try %d: %v, %v", n, events, err)
		}
	}
}
