package eventstore_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"tender/domain"
	"tender/eventstore"
)

// model is a log as one would write it if there were one caller, no crash and no
// disk: slices and maps.
type model struct {
	events   []modelEvent
	streams  map[string][]modelEvent
	commands map[uuid.UUID]eventstore.Result
	keys     map[[3]string]*modelKey
	taken    map[uuid.UUID]*modelKey // by the command that took the key
	settled  map[uuid.UUID]bool      // commands that brought an answer
	claims   map[[2]string]string
}

type modelEvent struct {
	eventstore.NewEvent
	position int64
	version  int
	command  eventstore.Command
}

type modelKey struct {
	command eventstore.Command
	answer  *eventstore.Answer
}

func newModel() *model {
	return &model{
		streams: map[string][]modelEvent{}, commands: map[uuid.UUID]eventstore.Result{}, keys: map[[3]string]*modelKey{},
		taken: map[uuid.UUID]*modelKey{}, settled: map[uuid.UUID]bool{}, claims: map[[2]string]string{},
	}
}

func (m *model) append(c eventstore.Command) (eventstore.Result, error) {
	if r, again := m.commands[c.ID]; again {
		r.Duplicate = true
		return r, nil
	}
	if c.Key != nil {
		if k := m.keys[keyName(c)]; k != nil {
			return eventstore.Result{}, &eventstore.KeyTaken{Record: k.record()}
		}
	}
	for _, x := range c.Expect {
		if actual := len(m.streams[x.Stream]); actual != x.Version {
			return eventstore.Result{}, &eventstore.VersionConflict{Stream: x.Stream, Expected: x.Version, Actual: actual}
		}
	}
	var r eventstore.Result
	for _, k := range c.Claims {
		holder, held := m.claims[[2]string{k.Kind, k.Value}]
		if held && holder != k.Stream {
			if !k.Soft {
				return eventstore.Result{}, &eventstore.ClaimTaken{Claim: k}
			}
			r.Taken = append(r.Taken, k)
		}
	}
	for _, e := range c.Events {
		if s := m.streams[e.Stream]; len(s) > 0 && e.At.Before(s[len(s)-1].At) {
			return eventstore.Result{}, &eventstore.TimeBackwards{Stream: e.Stream}
		}
	}
	m.add(c, &r)
	return r, nil
}

func (m *model) add(c eventstore.Command, r *eventstore.Result) {
	for _, e := range c.Events {
		r.Last = int64(len(m.events) + 1)
		if r.First == 0 {
			r.First = r.Last
		}
		added := modelEvent{NewEvent: e, position: r.Last, version: len(m.streams[e.Stream]) + 1, command: c}
		m.events = append(m.events, added)
		m.streams[e.Stream] = append(m.streams[e.Stream], added)
	}
	for _, k := range c.Claims {
		if name := [2]string{k.Kind, k.Value}; m.claims[name] == "" {
			m.claims[name] = k.Stream
		}
	}
	if c.Key != nil {
		k := &modelKey{command: c}
		m.keys[keyName(c)], m.taken[c.ID] = k, k
	}
	settles := false
	if c.Answer != nil {
		if k := m.taken[c.Answer.CommandID]; k != nil && k.answer == nil {
			k.answer = c.Answer
			settles = true
		}
	}
	if len(c.Events) > 0 || c.Key != nil || settles {
		m.commands[c.ID] = *r
	}
}

func keyName(c eventstore.Command) [3]string { return [3]string{c.MerchantID, c.Key.Kind, c.Key.Key} }

func (k *modelKey) record() eventstore.KeyRecord {
	return eventstore.KeyRecord{CommandID: k.command.ID, Fingerprints: k.command.Key.Fingerprints, Stream: k.command.Key.Stream, Answer: k.answer}
}

// machine runs the log and the model side by side. prefix keeps the names of one
// run apart from those of the runs before it in the same log.
type machine struct {
	store    *eventstore.Store
	together *eventstore.Together
	model    *model
	prefix   string
	base     int64 // the head when the run began
	made     []eventstore.Command
}

func TestTheLogBehavesAsTheModel(t *testing.T) {
	b := setup(t)
	together := eventstore.NewTogether(b.store)
	defer together.Close()
	run := 0
	rapid.Check(t, func(t *rapid.T) {
		run++
		head, _, err := b.store.Head(b.ctx)
		if err != nil {
			t.Fatal(err)
		}
		m := &machine{store: b.store, together: together, model: newModel(), prefix: fmt.Sprint("r", run, "_"), base: head}
		t.Repeat(map[string]func(*rapid.T){
			"append": m.append,
			"again":  m.again,
			"batch":  m.batch,
			"":       m.check,
		})
	})
	events(t, b.store)
}

// stream draws one of a few streams.
func (m *machine) stream(t *rapid.T) string {
	return m.prefix + rapid.SampledFrom([]string{"a", "b", "c", "mer"}).Draw(t, "stream")
}

// draw draws a command whose expectations hold in the model more often than not.
func (m *machine) draw(t *rapid.T) eventstore.Command {
	c := eventstore.Command{
		ID: newID(), MerchantID: m.prefix + rapid.SampledFrom([]string{"m1", "m2"}).Draw(t, "merchant"), RequestID: "req",
		Actor: domain.Actor{Kind: domain.ActorSystem, ID: "model"},
	}
	at := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	names := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c", "d"}), 0, 3, rapid.ID).Draw(t, "streams")
	for _, name := range names {
		version := len(m.model.streams[m.prefix+name])
		if rapid.IntRange(0, 9).Draw(t, "stale") == 0 {
			version = rapid.IntRange(0, version+1).Draw(t, "version")
		}
		c.Expect = append(c.Expect, eventstore.Expectation{Stream: m.prefix + name, Version: version})
	}
	for range rapid.IntRange(0, 3).Draw(t, "events") * min(1, len(names)) {
		e := event(m.prefix+rapid.SampledFrom(names).Draw(t, "of"), 1)
		e.At = at.Add(time.Duration(len(m.model.events)/4) * time.Millisecond)
		if rapid.IntRange(0, 19).Draw(t, "early") == 0 {
			e.At = at
		}
		c.Events = append(c.Events, e)
	}
	slices.SortStableFunc(c.Events, func(a, b eventstore.NewEvent) int { return a.At.Compare(b.At) })
	m.drawIdempotency(t, &c)
	m.drawClaims(t, &c)
	return c
}

func (m *machine) drawIdempotency(t *rapid.T, c *eventstore.Command) {
	if rapid.Bool().Draw(t, "keyed") {
		*c = key(*c, m.prefix+fmt.Sprint(rapid.IntRange(0, 20).Draw(t, "key")))
	}
	switch rapid.IntRange(0, 3).Draw(t, "answer") {
	case 0:
		c.Answer = &eventstore.Answer{CommandID: c.ID, Status: 201, Stream: m.prefix + "a", Version: 1}
	case 1:
		if len(m.made) > 0 {
			c.Answer = &eventstore.Answer{
				CommandID: rapid.SampledFrom(m.made).Draw(t, "answered").ID, Status: 402, Stream: m.prefix + "b", Version: 2,
				Refusal: json.RawMessage(`{"code": "no"}`),
			}
		}
	}
}

func (m *machine) drawClaims(t *rapid.T, c *eventstore.Command) {
	values := rapid.SliceOfNDistinct(rapid.IntRange(0, 30), 0, 2, rapid.ID).Draw(t, "claims")
	for _, v := range values {
		c.Claims = append(c.Claims, eventstore.Claim{
			Kind: "k", Value: m.prefix + fmt.Sprint(v), Stream: m.stream(t), Soft: rapid.Bool().Draw(t, "soft"),
		})
	}
}

func (m *machine) append(t *rapid.T) {
	c := m.draw(t)
	got, gotErr := m.store.Append(context.Background(), c)
	m.judge(t, c, got, gotErr)
}

// again sends a command that was sent before.
func (m *machine) again(t *rapid.T) {
	if len(m.made) == 0 {
		t.Skip("nothing was sent yet")
	}
	c := rapid.SampledFrom(m.made).Draw(t, "command")
	got, gotErr := m.store.Append(context.Background(), c)
	m.judge(t, c, got, gotErr)
}

// batch sends several at once, in the batches that the rule makes of them.
func (m *machine) batch(t *rapid.T) {
	var commands []eventstore.Command
	for range rapid.IntRange(2, 8).Draw(t, "commands") {
		commands = append(commands, m.draw(t))
	}
	for _, o := range m.together.Append(commands) {
		m.judge(t, o.Command, o.Result, o.Err)
	}
}

// judge lets the model append c and compares what came of it.
func (m *machine) judge(t *rapid.T, c eventstore.Command, got eventstore.Result, gotErr error) {
	m.made = append(m.made, c)
	want, wantErr := m.model.append(c)
	if want.First > 0 {
		want.First += m.base
		want.Last += m.base
	}
	if !equalErrors(gotErr, wantErr) {
		t.Fatalf("error %v %s, want %v %s\n%+v", gotErr, asJSON(gotErr), wantErr, asJSON(wantErr), c)
	}
	if wantErr == nil && (got.First != want.First || got.Last != want.Last || got.Duplicate != want.Duplicate || !slices.Equal(got.Taken, want.Taken)) {
		t.Fatalf("result %+v, want %+v\n%+v", got, want, c)
	}
}

func asJSON(v any) []byte {
	b, _ := json.Marshal(v)
	return b
}

func equalErrors(got, want error) bool {
	switch want := want.(type) { //nolint:errorlint // the model wraps nothing
	case *eventstore.VersionConflict:
		var e *eventstore.VersionConflict
		return errors.As(got, &e) && *e == *want
	case *eventstore.ClaimTaken:
		var e *eventstore.ClaimTaken
		return errors.As(got, &e) && *e == *want
	case *eventstore.TimeBackwards:
		var e *eventstore.TimeBackwards
		return errors.As(got, &e) && e.Stream == want.Stream
	case *eventstore.KeyTaken:
		var e *eventstore.KeyTaken
		return errors.As(got, &e) && equalRecords(e.Record, want.Record)
	}
	return got == nil
}

func equalRecords(a, b eventstore.KeyRecord) bool {
	if a.CommandID != b.CommandID || !bytes.Equal(a.Fingerprints, b.Fingerprints) || a.Stream != b.Stream {
		return false
	}
	if a.Answer == nil || b.Answer == nil {
		return a.Answer == b.Answer
	}
	x, y := *a.Answer, *b.Answer
	return x.CommandID == y.CommandID && x.Status == y.Status && x.Stream == y.Stream && x.Version == y.Version && bytes.Equal(x.Refusal, y.Refusal)
}

// check reads everything back.
func (m *machine) check(t *rapid.T) {
	ctx := context.Background()
	got, err := m.store.After(ctx, m.base, 10_000)
	if err != nil || len(got) != len(m.model.events) {
		t.Fatalf("%d events, want %d, error %v", len(got), len(m.model.events), err)
	}
	for i, want := range m.model.events {
		m.checkEvent(t, got[i], want)
	}
	head, hash, err := m.store.Head(ctx)
	if err != nil || head != m.base+int64(len(got)) || len(got) > 0 && hash != got[len(got)-1].Hash {
		t.Fatalf("head %d, %x, %v", head, hash, err)
	}
	m.checkStreams(t)
	if len(got)%2 == 0 {
		m.store.Forget() // the table is to say so, too
	}
	for name, stream := range m.model.claims {
		if holder, ok, err := m.store.Claimed(ctx, name[0], name[1]); holder != stream || !ok || err != nil {
			t.Fatalf("claim %v: %q, %t, %v, want %q", name, holder, ok, err, stream)
		}
	}
	for name, k := range m.model.keys {
		if record, ok, err := m.store.KeyRecord(ctx, name[0], name[1], name[2]); !ok || err != nil || !equalRecords(record, k.record()) {
			t.Fatalf("key %v: %+v, %t, %v, want %+v", name, record, ok, err, k.record())
		}
	}
}

func (m *machine) checkStreams(t *rapid.T) {
	names := slices.Sorted(maps.Keys(m.model.streams))
	after := make([]eventstore.StreamAfter, len(names))
	for i, name := range names {
		after[i] = eventstore.StreamAfter{Stream: name, Version: rapid.IntRange(0, len(m.model.streams[name])).Draw(t, "after")}
	}
	tails, err := m.store.Streams(context.Background(), after...)
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range names {
		want := m.model.streams[name]
		if tails[i].Version != len(want) || len(tails[i].Events) != len(want)-after[i].Version {
			t.Fatalf("%s after %d: version %d, %d events, want %d", name, after[i].Version, tails[i].Version, len(tails[i].Events), len(want))
		}
		for j, e := range tails[i].Events {
			m.checkEvent(t, e, want[after[i].Version+j])
		}
	}
}

func (m *machine) checkEvent(t *rapid.T, got eventstore.Event, want modelEvent) {
	if got.Position != m.base+want.position || got.Stream != want.Stream || got.Version != want.version || got.ID != want.ID ||
		got.CommandID != want.command.ID || got.MerchantID != want.command.MerchantID || !got.At.Equal(want.At) ||
		got.Type != want.Type || got.SchemaVersion != want.SchemaVersion || !bytes.Equal(got.Payload, want.Payload) ||
		got.RequestID != want.command.RequestID || got.Actor != want.command.Actor {
		t.Fatalf("got %+v\nwant %+v", got, want)
	}
}
