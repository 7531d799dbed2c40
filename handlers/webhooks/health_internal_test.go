package webhooks

import (
	"testing"
	"time"

	"tender/domain/webhook"
	"tender/handlers/webhooks/egress"
)

var noon = time.Date(2026, time.May, 4, 12, 0, 0, 0, time.UTC)

func at(seconds int) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }

// try is one try of an endpoint as it was from an instant on.
type try struct {
	from, began, took int // seconds
	class             egress.Class
}

func (t try) learntBy(h *health) lesson {
	return h.learn(webhook.Endpoint{ID: "whe_1", JudgedFrom: at(t.from)}, at(t.began), egress.Answer{Class: t.class, Duration: time.Duration(t.took) * time.Second})
}

func run(from, until, tries int) webhook.Run {
	return webhook.Run{Since: at(from), Until: at(until), Tries: tries}
}

func TestWhatTriesTeach(t *testing.T) {
	t.Parallel()
	failed := func(began, took int) try { return try{0, began, took, egress.Rejected} }
	for _, c := range []struct {
		name  string
		tries []try
		want  lesson // of the last
	}{
		{"a failure", []try{failed(100, 1)}, lesson{learnt: true, run: run(100, 101, 1)}},
		{"a run begins with its first try, whichever ends first", []try{failed(101, 1), failed(100, 15)}, lesson{learnt: true, run: run(100, 115, 2)}},
		{"five in a row", []try{failed(100, 1), failed(101, 1), failed(102, 1), failed(103, 1), failed(104, 1)},
			lesson{learnt: true, spared: true, run: run(100, 105, 5)}},
		{"an arrival", []try{failed(100, 1), {0, 101, 1, egress.Succeeded}}, lesson{learnt: true}},
		{"an arrival opens what was spared", []try{failed(100, 1), failed(101, 1), failed(102, 1), failed(103, 1), failed(104, 1), {0, 105, 1, egress.Succeeded}},
			lesson{learnt: true}},
		{"a failure right after an arrival", []try{failed(100, 1), {0, 101, 1, egress.Succeeded}, failed(110, 1)},
			lesson{learnt: true, run: run(110, 111, 1), recent: true}},
		{"a failure beside an arrival: the run begins with that", []try{{0, 101, 1, egress.Succeeded}, failed(100, 70)},
			lesson{learnt: true, run: run(102, 170, 1)}},
		{"what was stopped from here says nothing", []try{failed(100, 1), {0, 101, 1, egress.Abandoned}}, lesson{}},
		{"what leads to a forbidden address fails", []try{failed(100, 1), {0, 101, 0, egress.Blocked}}, lesson{learnt: true, run: run(100, 101, 2)}},
		{"a change begins anew", []try{failed(100, 1), {150, 160, 1, egress.Rejected}}, lesson{learnt: true, run: run(160, 161, 1)}},
		{"a failure of before the change", []try{{150, 160, 1, egress.Rejected}, failed(149, 15)}, lesson{}},
		{"an arrival of before the change", []try{{150, 160, 1, egress.Rejected}, {0, 149, 15, egress.Succeeded}}, lesson{}},
		{"neither counts afterwards", []try{{150, 160, 1, egress.Rejected}, failed(149, 15), {0, 149, 15, egress.Succeeded}, {150, 170, 1, egress.Rejected}},
			lesson{learnt: true, run: run(160, 171, 2)}},
		{"a try that began before the change that it knows of", []try{{150, 149, 15, egress.Rejected}}, lesson{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := newHealth()
			var got lesson
			for _, tried := range c.tries {
				got = tried.learntBy(h)
			}
			if got != c.want {
				t.Errorf("it teaches %+v, not %+v", got, c.want)
			}
		})
	}
}

func TestArrivalsElsewhere(t *testing.T) {
	t.Parallel()
	h := newHealth()
	e := webhook.Endpoint{ID: "whe_1", JudgedFrom: noon}
	for i := range webhook.FailingTries {
		try{0, 100 + i, 1, egress.Rejected}.learntBy(h)
	}
	if !h.spared(e) || h.spared(webhook.Endpoint{ID: "whe_2"}) || !h.spared(webhook.Endpoint{ID: "whe_2", FailingSince: noon}) {
		t.Error("spared is who fails, as far as is known here or in the log, and nobody else")
	}
	h.interrupt(e, at(50))
	if !h.spared(e) {
		t.Error("what arrived before the run interrupts it")
	}
	h.interrupt(e, at(102))
	if h.spared(e) {
		t.Error("what arrived within the run doesn't interrupt it")
	}
	if got := (try{0, 200, 1, egress.Rejected}.learntBy(h)); got.run != run(200, 201, 1) {
		t.Errorf("the next run is %+v", got.run)
	}
	h.forget(e.ID)
	if len(h.seen) != 1 {
		t.Errorf("%d endpoints are remembered", len(h.seen))
	}
}

// What a spared lane holds: one message under way, one retry in wait; what is new
// comes when nothing is in hand.
func TestSparedLanesKeepATurnForRetries(t *testing.T) {
	t.Parallel()
	l := &lane{behind: true, spared: true}
	if l.width() != 1 || l.room() != 2 || l.freshRoom() != 1 || !l.hungry() {
		t.Errorf("empty: %d wide, room for %d, of these %d new", l.width(), l.room(), l.freshRoom())
	}
	l.queue = []job{{claimedAt: noon}, {claimedAt: noon}}
	if _, start, dropped := l.next(noon); !start || len(dropped) > 0 {
		t.Error("the first doesn't start")
	}
	if _, start, _ := l.next(noon); start {
		t.Error("a second starts beside it")
	}
	l.queue = nil
	if l.room() != 1 || l.freshRoom() != 0 || l.hungry() {
		t.Errorf("with one under way: room for %d, of these %d new", l.room(), l.freshRoom())
	}
	l.ended(lesson{})
	if !l.spared || l.inFlight != 0 {
		t.Error("what teaches nothing changes nothing")
	}
	l.inFlight++
	l.ended(lesson{learnt: true})
	if l.spared || l.width() != laneWidth || l.freshRoom() != l.room() {
		t.Error("it doesn't open")
	}
}
