package eventstore_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/cockroachdb/errors"

	"tender/eventstore"
)

func TestOfRacersWithOneVersionOneWins(t *testing.T) {
	b := setup(t)
	stores := []*eventstore.Store{b.store, open(t, b.AppURL)}
	const racers, rounds = 20, 10
	for round := range rounds {
		var wg sync.WaitGroup
		errs := make([]error, racers)
		for i := range racers {
			wg.Go(func() { _, errs[i] = stores[i%2].Append(b.ctx, write("ps_1", round, 1)) })
		}
		wg.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
				continue
			}
			got := *wantError[*eventstore.VersionConflict](t, err)
			if got != (eventstore.VersionConflict{Stream: "ps_1", Expected: round, Actual: round + 1}) {
				t.Errorf("conflict %+v", got)
			}
		}
		if won != 1 {
			t.Errorf("round %d: %d won", round, won)
		}
	}
	if n := len(events(t, b.store)); n != rounds {
		t.Errorf("%d events", n)
	}
}

func TestReadersOfAStreamDontConflict(t *testing.T) {
	b := setup(t)
	b.mustAppend(t, write("mer_1", 0, 1))
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			c := write(fmt.Sprint("ps_", i), 0, 1)
			c.Expect = append(c.Expect, eventstore.Expectation{Stream: "mer_1", Version: 1})
			if _, err := b.store.Append(b.ctx, c); err != nil {
				t.Errorf("append: %v", err)
			}
		})
	}
	wg.Wait()
}

// TestOneClaimantWins lets streams of several stores want one look-up key.
func TestOneClaimantWins(t *testing.T) {
	b := setup(t)
	stores := []*eventstore.Store{b.store, open(t, b.AppURL)}
	const n = 20
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			c := write(fmt.Sprint("mer_", i), 0, 1)
			c.Claims = []eventstore.Claim{{Kind: "key", Value: "v", Stream: c.Events[0].Stream}}
			_, errs[i] = stores[i%2].Append(b.ctx, c)
		})
	}
	wg.Wait()
	winner := slices.Index(errs, nil)
	b.store.Forget() // it may have won
	holder, _, err := b.store.Claimed(b.ctx, "key", "v")
	if err != nil || holder != fmt.Sprint("mer_", winner) {
		t.Errorf("held by %q, %v; the first that won is %d", holder, err, winner)
	}
	for i, err := range errs {
		if i != winner {
			wantError[*eventstore.ClaimTaken](t, err)
		}
	}
	if n := len(events(t, b.store)); n != 1 {
		t.Errorf("%d events", n)
	}
}

// TestTheSameCommandFromManyCallers sends one command from many goroutines of two
// processes: one append, and equal results for all.
func TestTheSameCommandFromManyCallers(t *testing.T) {
	b := setup(t)
	c := key(write("ps_1", 0, 2), "k")
	c.Claims = []eventstore.Claim{{Kind: "ckt", Value: "x", Stream: "ps_1"}}
	reports := repeatInTwoProcesses(t, b, job{Commands: []eventstore.Command{c}, Times: 100})
	originals := 0
	for _, r := range reports {
		if r.Error != "" || r.Result.First != 1 || r.Result.Last != 2 {
			t.Fatalf("report %+v", r)
		}
		if !r.Result.Duplicate {
			originals++
		}
	}
	if originals != 1 || len(reports) != 200 {
		t.Errorf("%d of %d appended", originals, len(reports))
	}
	if n := len(events(t, b.store)); n != 2 {
		t.Errorf("%d events", n)
	}
}

// TestTheSameKeyFromManyCallers sends different commands with one idempotency key.
func TestTheSameKeyFromManyCallers(t *testing.T) {
	b := setup(t)
	var commands []eventstore.Command
	for i := range 100 {
		commands = append(commands, key(write(fmt.Sprint("ps_", i), 0, 1), "k"))
	}
	reports := repeatInTwoProcesses(t, b, job{Commands: commands, Times: 1})
	won := make(map[string]bool)
	refusals := make(map[string]int)
	for _, r := range reports {
		if r.Error == "" {
			won[r.Command.String()] = true
			continue
		}
		refusals[r.Error]++
	}
	// Both processes send the same hundred, so the one that wins does so twice.
	if len(won) != 1 || len(refusals) != 1 || len(reports) != 200 {
		t.Fatalf("won: %v, refusals: %v, of %d", won, refusals, len(reports))
	}
	record, ok, err := b.store.KeyRecord(b.ctx, "mer_1", "secret", "k")
	if !ok || err != nil || !won[record.CommandID.String()] {
		t.Errorf("record %+v, %t, %v", record, ok, err)
	}
	if want := (&eventstore.KeyTaken{Record: record}).Error(); refusals[want] != 198 {
		t.Errorf("refusals %v, want %q", refusals, want)
	}
	if n := len(events(t, b.store)); n != 1 {
		t.Errorf("%d events", n)
	}
}

func repeatInTwoProcesses(t *testing.T, b *testBundle, j job) []report {
	t.Helper()
	j.Name, j.URL = "repeat", b.AppURL
	both := []*process{start(t, j), start(t, j)}
	for _, p := range both {
		if _, err := p.in.Write([]byte("go\n")); err != nil {
			t.Fatal(err)
		}
	}
	return append(both[0].rest(t), both[1].rest(t)...)
}

// TestStaleCachesGiveNoWrongAnswer has two stores of which one knows an old state:
// what it decides on it is refused, whether it has events or not, and what it
// reads is new.
func TestStaleCachesGiveNoWrongAnswer(t *testing.T) {
	b := setup(t)
	other := open(t, b.AppURL)
	b.mustAppend(t, write("mer_1", 0, 1))
	b.mustAppend(t, write("ps_1", 0, 1))
	mustAppend(t, other, write("mer_1", 1, 1)) // a key is revoked, say
	mustAppend(t, other, write("ps_1", 1, 1))

	stale := map[string]eventstore.Command{
		"a write":                    write("ps_1", 1, 1),
		"a refusal":                  write("ps_1", 1, 0),
		"a refusal that is recorded": key(write("ps_1", 1, 0), "k"),
		"a stranger's authority":     write("ps_2", 0, 1),
	}
	c := stale["a stranger's authority"]
	c.Expect = append(c.Expect, eventstore.Expectation{Stream: "mer_1", Version: 1})
	stale["a stranger's authority"] = c
	for name, c := range stale {
		_, err := b.store.Append(b.ctx, c)
		if got := wantError[*eventstore.VersionConflict](t, err); got.Actual != 2 {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if _, taken, err := b.store.KeyRecord(b.ctx, "mer_1", "secret", "k"); taken || err != nil {
		t.Errorf("a conflict used up the key: %t, %v", taken, err)
	}
	tails, err := b.store.Streams(b.ctx, eventstore.StreamAfter{Stream: "ps_1", Version: 1}, eventstore.StreamAfter{Stream: "mer_1", Version: 1})
	if err != nil || tails[0].Version != 2 || len(tails[0].Events) != 1 || tails[1].Version != 2 {
		t.Errorf("tails %+v, %v", tails, err)
	}
}

// TestAPoisonCommandIsAlone sends commands that PostgreSQL refuses in the middle of
// others that it takes.
func TestAPoisonCommandIsAlone(t *testing.T) {
	b := setup(t)
	poison := map[int]func(c *eventstore.Command){
		7:  func(c *eventstore.Command) { c.Events[0].Payload = json.RawMessage(`{"broken`) },
		23: func(c *eventstore.Command) { c.Events[0].Type = "not \xff UTF-8" },
		24: func(c *eventstore.Command) { c.RequestID = "a NUL \x00" },
		41: func(c *eventstore.Command) { c.Key.Fingerprints = json.RawMessage(`nonsense`) },
	}
	const n = 50
	var wg sync.WaitGroup
	errs := make([]error, n)
	release := plug(t, b)
	for i := range n {
		c := key(write(fmt.Sprint("ps_", i), 0, 1), fmt.Sprint(i))
		if spoil := poison[i]; spoil != nil {
			spoil(&c)
		}
		wg.Go(func() { _, errs[i] = b.store.Append(b.ctx, c) })
	}
	gathered(t, b.store, n)
	release()
	wg.Wait()
	for i, err := range errs {
		if bad := poison[i] != nil; bad != errors.Is(err, eventstore.ErrRefusedByDatabase) || !bad && err != nil {
			t.Errorf("command %d: %v", i, err)
		}
	}
	if got := len(events(t, b.store)); got != n-len(poison) {
		t.Errorf("%d events", got)
	}
}
