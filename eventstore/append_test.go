package eventstore_test

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/google/uuid"

	"tender/domain"
	"tender/eventstore"
)

func TestAnEventComesBackAsItWasAppended(t *testing.T) {
	b := setup(t)
	c := write("pay_1", 0, 0)
	c.Causation = newID()
	c.Events = []eventstore.NewEvent{{
		Stream: "pay_1", Type: "payment.captured", SchemaVersion: 3, ID: newID(), At: now(),
		EffectiveAt: now().Add(-time.Hour + 123456*time.Nanosecond),
		Payload:     json.RawMessage(" {\"amount\" :1,\t\"amount\":2, \"n\":1e2, \"s\":\"\\u0000 é\"}\n"),
	}}
	before := now()
	r := b.mustAppend(t, c)
	if r.First != 1 || r.Last != 1 || r.Duplicate || r.Taken != nil {
		t.Fatalf("result %+v", r)
	}
	all := events(t, b.store)
	got, sent := all[0], c.Events[0]
	want := eventstore.Event{
		Position: 1, Stream: "pay_1", Version: 1, Type: sent.Type, SchemaVersion: 3, ID: sent.ID, CommandID: c.ID,
		MerchantID: "mer_1", At: sent.At, EffectiveAt: sent.EffectiveAt.Truncate(time.Microsecond), RecordedAt: got.RecordedAt,
		RequestID: "req_1", Causation: c.Causation, Actor: domain.Actor{Kind: domain.ActorMerchant, ID: "key_1"}, Hash: got.Hash,
	}
	if !bytes.Equal(got.Payload, sent.Payload) {
		t.Errorf("payload %q, want the bytes %q", got.Payload, sent.Payload)
	}
	got.Payload = nil
	if !equalEvents(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got.RecordedAt.Before(before) || time.Since(got.RecordedAt) > patience {
		t.Errorf("recorded at %s", got.RecordedAt)
	}
}

func equalEvents(a, b eventstore.Event) bool {
	return eventstore.ChainHash([32]byte{}, a) == eventstore.ChainHash([32]byte{}, b) && a.Hash == b.Hash
}

func TestSeveralStreamsAreWrittenTogetherOrNotAtAll(t *testing.T) {
	b := setup(t)
	b.mustAppend(t, write("ps_1", 0, 1))
	c := write("pay_1", 0, 2)
	c.Expect = append(c.Expect, eventstore.Expectation{Stream: "ps_1", Version: 1}, eventstore.Expectation{Stream: "mer_1"})
	c.Events = append(c.Events, event("ps_1", 2), event("pay_1", 3))
	if r := b.mustAppend(t, c); r.First != 2 || r.Last != 5 {
		t.Errorf("result %+v", r)
	}

	again := write("pay_2", 0, 1)
	again.Expect = append(again.Expect, eventstore.Expectation{Stream: "ps_1", Version: 1})
	again.Events = append(again.Events, event("ps_1", 2))
	_, err := b.store.Append(b.ctx, again)
	if got := *wantError[*eventstore.VersionConflict](t, err); got != (eventstore.VersionConflict{Stream: "ps_1", Expected: 1, Actual: 2}) {
		t.Errorf("conflict %+v", got)
	}
	tails, err := b.store.Streams(b.ctx, eventstore.StreamAfter{Stream: "pay_2"}, eventstore.StreamAfter{Stream: "pay_1", Version: 1},
		eventstore.StreamAfter{Stream: "ps_1", Version: 2}, eventstore.StreamAfter{Stream: "pay_1"})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct{ version, events int }{{0, 0}, {3, 2}, {2, 0}, {3, 3}} {
		if tails[i].Version != want.version || len(tails[i].Events) != want.events {
			t.Errorf("tail %d: version %d, %d events, want %+v", i, tails[i].Version, len(tails[i].Events), want)
		}
	}
	events(t, b.store)
}

func TestACommandWithoutEventsHasItsVersionsChecked(t *testing.T) {
	b := setup(t)
	b.mustAppend(t, write("ps_1", 0, 1))
	if r := b.mustAppend(t, write("ps_1", 1, 0)); r.First != 0 || r.Last != 0 || r.Duplicate {
		t.Errorf("result %+v", r)
	}
	for _, version := range []int{0, 2} {
		_, err := b.store.Append(b.ctx, write("ps_1", version, 0))
		if got := wantError[*eventstore.VersionConflict](t, err); got.Actual != 1 || got.Expected != version {
			t.Errorf("conflict %+v", got)
		}
	}
	if head, _, err := b.store.Head(b.ctx); head != 1 || err != nil {
		t.Errorf("head %d, %v", head, err)
	}
}

func TestTheSameCommandIsAppendedOnce(t *testing.T) {
	b := setup(t)
	b.mustAppend(t, write("pay_0", 0, 1))
	c := key(write("pay_1", 0, 3), "k")
	first := b.mustAppend(t, c)
	second := b.mustAppend(t, c)
	if first.Duplicate || !second.Duplicate || second.First != 2 || second.Last != 4 || first.First != 2 || first.Last != 4 {
		t.Errorf("results %+v, %+v", first, second)
	}
	keyless := write("pay_1", 3, 1)
	b.mustAppend(t, keyless)
	if r := b.mustAppend(t, keyless); !r.Duplicate || r.First != 5 || r.Last != 5 {
		t.Errorf("without a key: %+v", r)
	}
	refusal := key(write("pay_1", 4, 0), "refused")
	refusal.Answer = &eventstore.Answer{CommandID: refusal.ID, Status: 409, Stream: "pay_1", Version: 3, Refusal: json.RawMessage(`{"code":"x"}`)}
	b.mustAppend(t, refusal)
	b.mustAppend(t, write("pay_1", 4, 1))
	if r := b.mustAppend(t, refusal); !r.Duplicate || r.First != 0 {
		t.Errorf("a refusal that was recorded, repeated: %+v", r)
	}
	if n := len(events(t, b.store)); n != 6 {
		t.Errorf("%d events", n)
	}
}

func TestTheIdempotencyKeyIsJudgedBeforeTheVersions(t *testing.T) {
	b := setup(t)
	first := key(write("ps_1", 0, 1), "k")
	b.mustAppend(t, first)
	_, err := b.store.Append(b.ctx, key(write("ps_1", 0, 1), "k"))
	record := wantError[*eventstore.KeyTaken](t, err).Record
	checkRecord(t, record, first, nil)

	answer := &eventstore.Answer{CommandID: first.ID, Status: 201, Stream: "ps_1", Version: 1}
	settle := write("ps_1", 1, 1)
	settle.Answer = answer
	b.mustAppend(t, settle)
	_, err = b.store.Append(b.ctx, key(write("ps_9", 0, 1), "k"))
	checkRecord(t, wantError[*eventstore.KeyTaken](t, err).Record, first, answer)

	other := write("ps_1", 2, 0)
	other.Answer = &eventstore.Answer{CommandID: first.ID, Status: 500, Stream: "ps_1", Version: 2}
	b.mustAppend(t, other) // the first answer stands
	known, ok, err := b.store.KeyRecord(b.ctx, "mer_1", "secret", "k")
	if err != nil || !ok {
		t.Fatalf("record: %t, %v", ok, err)
	}
	checkRecord(t, known, first, answer)
	for _, unknown := range [][3]string{{"mer_2", "secret", "k"}, {"mer_1", "public", "k"}, {"mer_1", "secret", "K"}} {
		if _, ok, err := b.store.KeyRecord(b.ctx, unknown[0], unknown[1], unknown[2]); ok || err != nil {
			t.Errorf("%v: %t, %v", unknown, ok, err)
		}
	}
}

func checkRecord(t *testing.T, got eventstore.KeyRecord, taker eventstore.Command, answer *eventstore.Answer) {
	t.Helper()
	if got.CommandID != taker.ID || !bytes.Equal(got.Fingerprints, taker.Key.Fingerprints) || got.Stream != taker.Key.Stream ||
		time.Since(got.RecordedAt).Abs() > patience {
		t.Errorf("record %+v", got)
	}
	switch {
	case answer == nil && got.Answer == nil:
	case answer == nil || got.Answer == nil:
		t.Errorf("answer %+v, want %+v", got.Answer, answer)
	case got.Answer.CommandID != taker.ID || got.Answer.Status != answer.Status || got.Answer.Stream != answer.Stream ||
		got.Answer.Version != answer.Version || !bytes.Equal(got.Answer.Refusal, answer.Refusal):
		t.Errorf("answer %+v, want %+v", got.Answer, answer)
	}
}

func TestAnAnswerWithoutAKeyIsIgnored(t *testing.T) {
	b := setup(t)
	c := write("ps_1", 0, 1)
	c.Answer = &eventstore.Answer{CommandID: c.ID, Status: 201, Stream: "ps_1", Version: 1}
	b.mustAppend(t, c)
	d := write("ps_1", 1, 1)
	d.Answer = &eventstore.Answer{CommandID: newID(), Status: 201, Stream: "ps_1", Version: 1}
	b.mustAppend(t, d)
	var n int
	if err := b.store.Pool().QueryRow(b.ctx, `SELECT count(*) FROM log_test.idempotency_answer`).Scan(&n); err != nil || n != 0 {
		t.Errorf("%d answers, %v", n, err)
	}
}

func TestAnAnswerAloneThatIsRepeatedIsTheSameAppend(t *testing.T) {
	b := setup(t)
	first := key(write("ps_1", 0, 1), "k")
	b.mustAppend(t, first)
	settle := write("ps_1", 1, 0)
	settle.Answer = &eventstore.Answer{CommandID: first.ID, Status: 402, Stream: "ps_1", Version: 1, Refusal: json.RawMessage(`{"code":"declined"}`)}
	b.mustAppend(t, settle)
	b.mustAppend(t, write("ps_1", 1, 1))
	if r := b.mustAppend(t, settle); !r.Duplicate {
		t.Errorf("result %+v", r)
	}
}

func TestALookUpKeyBelongsToOneStream(t *testing.T) {
	b := setup(t)
	claim := func(stream string, version int, soft bool) eventstore.Command {
		c := write(stream, version, 1)
		c.Claims = []eventstore.Claim{
			{Kind: "own", Value: stream, Stream: stream},
			{Kind: "reference", Value: "r", Stream: stream, Soft: soft},
		}
		return c
	}
	b.mustAppend(t, claim("pay_1", 0, false))
	b.mustAppend(t, claim("pay_1", 1, false)) // it holds the key already

	_, err := b.store.Append(b.ctx, claim("pay_2", 0, false))
	if got := wantError[*eventstore.ClaimTaken](t, err).Claim; got != (eventstore.Claim{Kind: "reference", Value: "r", Stream: "pay_2"}) {
		t.Errorf("claim %+v", got)
	}
	if _, ok, err := b.store.Claimed(b.ctx, "own", "pay_2"); ok || err != nil {
		t.Errorf("a refused command left a claim: %t, %v", ok, err)
	}

	soft := claim("pay_2", 0, true)
	for range 2 {
		r := b.mustAppend(t, soft)
		if len(r.Taken) != 1 || r.Taken[0] != soft.Claims[1] || r.First != 3 {
			t.Errorf("result %+v", r)
		}
	}
	for range 2 { // as it is remembered, and as the log has it
		for value, holder := range map[string]string{"pay_2": "pay_2", "pay_1": "pay_1"} {
			if got, ok, err := b.store.Claimed(b.ctx, "own", value); got != holder || !ok || err != nil {
				t.Errorf("own %s: %q, %t, %v", value, got, ok, err)
			}
		}
		if got, _, _ := b.store.Claimed(b.ctx, "reference", "r"); got != "pay_1" {
			t.Errorf("reference: %q", got)
		}
		b.store.Forget()
	}
}

func TestAStreamsTimeNeverRunsBackwards(t *testing.T) {
	b := setup(t)
	c := write("ps_1", 0, 1)
	b.mustAppend(t, c)
	early := write("ps_1", 1, 1)
	early.Events[0].At = c.Events[0].At.Add(-time.Millisecond)
	_, err := b.store.Append(b.ctx, early)
	if got := wantError[*eventstore.TimeBackwards](t, err); got.Stream != "ps_1" {
		t.Errorf("got %+v", got)
	}
	same := write("ps_1", 1, 1)
	same.Events[0].At = c.Events[0].At
	b.mustAppend(t, same)
	elsewhere := write("ps_2", 0, 1)
	elsewhere.Events[0].At = c.Events[0].At.Add(-time.Hour) // another object's clock
	b.mustAppend(t, elsewhere)
	events(t, b.store)
}

func TestInvalidCommandsAreRefusedBeforeTheyTravel(t *testing.T) {
	b := setup(t)
	long := string(bytes.Repeat([]byte("x"), 600))
	for name, spoil := range map[string]func(c *eventstore.Command){
		"no id":                 func(c *eventstore.Command) { c.ID = uuid.Nil },
		"unexpected stream":     func(c *eventstore.Command) { c.Events[0].Stream = "ps_2" },
		"stream expected twice": func(c *eventstore.Command) { c.Expect = append(c.Expect, c.Expect[0]) },
		"version too high":      func(c *eventstore.Command) { c.Expect[0].Version = 1 << 32 },
		"negative version":      func(c *eventstore.Command) { c.Expect[0].Version = -1 },
		"no type":               func(c *eventstore.Command) { c.Events[0].Type = "" },
		"no schema version":     func(c *eventstore.Command) { c.Events[0].SchemaVersion = 0 },
		"no event id":           func(c *eventstore.Command) { c.Events[0].ID = uuid.Nil },
		"microseconds":          func(c *eventstore.Command) { c.Events[0].At = now().Add(time.Microsecond) },
		"no time":               func(c *eventstore.Command) { c.Events[0].At = time.Time{} },
		"backwards within":      func(c *eventstore.Command) { c.Events[1].At = c.Events[0].At.Add(-time.Second) },
		"no payload":            func(c *eventstore.Command) { c.Events[0].Payload = nil },
		"huge payload":          func(c *eventstore.Command) { c.Events[0].Payload = make([]byte, 1<<20) },
		"long name":             func(c *eventstore.Command) { c.MerchantID = long },
		"claim without a value": func(c *eventstore.Command) { c.Claims = []eventstore.Claim{{Kind: "a", Stream: "ps_1"}} },
		"the same claim twice": func(c *eventstore.Command) {
			k := eventstore.Claim{Kind: "a", Value: "v", Stream: "ps_1"}
			c.Claims = []eventstore.Claim{k, k}
		},
		"key without a kind":      func(c *eventstore.Command) { *c = key(*c, "k"); c.Key.Kind = "" },
		"key without fingerprint": func(c *eventstore.Command) { *c = key(*c, "k"); c.Key.Fingerprints = nil },
		"answer without a status": func(c *eventstore.Command) { c.Answer = &eventstore.Answer{CommandID: c.ID} },
	} {
		c := write("ps_1", 0, 2)
		spoil(&c)
		if _, err := b.store.Append(b.ctx, c); !errors.Is(err, eventstore.ErrInvalidCommand) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if n := len(events(t, b.store)); n != 0 {
		t.Errorf("%d events", n)
	}
}

func TestAClosedStoreFinishesWhatIsQueued(t *testing.T) {
	b := setup(t)
	const n = 50
	errs := make(chan error, n)
	for range n {
		go func() {
			_, err := b.store.Append(b.ctx, write("ps_"+newID().String(), 0, 1))
			errs <- err
		}()
	}
	eventually(t, "a first event", func() bool { p, _ := b.store.Signal().Position(); return p > 0 })
	b.store.Close()
	added := 0
	for range n {
		switch err := <-errs; {
		case err == nil:
			added++
		case !errors.Is(err, eventstore.ErrClosed):
			t.Errorf("error %v", err)
		}
	}
	if _, err := b.store.Append(b.ctx, write("ps_1", 0, 1)); !errors.Is(err, eventstore.ErrClosed) {
		t.Errorf("error %v", err)
	}
	b.store.Close()
	if got := len(events(t, open(t, b.AppURL))); got != added {
		t.Errorf("%d events, %d were acknowledged", got, added)
	}
}

func TestTheSignalFollowsTheLog(t *testing.T) {
	b := setup(t)
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	got := make(chan int64, 1)
	go func() {
		p, _ := b.store.Signal().Wait(ctx, 1)
		got <- p
	}()
	b.mustAppend(t, write("ps_1", 0, 1))
	_, next := b.store.Signal().Position()
	b.mustAppend(t, write("ps_2", 0, 2))
	<-next
	if p := <-got; p != 3 {
		t.Errorf("woken at %d", p)
	}
	again := open(t, b.AppURL)
	if p, err := again.Signal().Wait(ctx, 2); p != 3 || err != nil {
		t.Errorf("a new store begins at %d, %v", p, err)
	}
	done, cancelled := context.WithCancel(ctx)
	cancelled()
	if _, err := again.Signal().Wait(done, 3); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// TestRecordedAtNeverRunsBackwards follows on an event that a clock dated an hour
// ahead before it was set right.
func TestRecordedAtNeverRunsBackwards(t *testing.T) {
	b := setup(t)
	asSuper(t, b, `INSERT INTO log_test.events
		SELECT v.*, sha256(decode(repeat('00', 32), 'hex') || record_send(ROW(1, v.*)))
		FROM (SELECT 1::bigint, 'ps_1'::text, 1, 'test.happened'::text, 1, gen_random_uuid(), gen_random_uuid(), 'mer_1'::text,
			date_trunc('milliseconds', now()), NULL::timestamptz, now() + interval '1 hour', 'req'::text, NULL::uuid,
			'system'::text, 'clock'::text, '{}'::json) AS v`)
	b.mustAppend(t, key(write("ps_2", 0, 1), "k"))
	all := events(t, b.store)
	if !all[1].RecordedAt.Equal(all[0].RecordedAt) {
		t.Errorf("recorded at %s and %s", all[0].RecordedAt, all[1].RecordedAt)
	}
}

// TestAGapIsFound takes an event out by force.
func TestAGapIsFound(t *testing.T) {
	b := setup(t)
	b.mustAppend(t, write("ps_1", 0, 9))
	asSuper(t, b, `ALTER TABLE log_test.events DISABLE TRIGGER immutable; DELETE FROM log_test.events WHERE position = 4`)
	for after, gap := range map[int64]bool{0: true, 3: true, 4: false} {
		if _, err := b.store.After(b.ctx, after, 5); errors.Is(err, eventstore.ErrGap) != gap {
			t.Errorf("after %d: %v", after, err)
		}
	}
	if _, err := b.store.HashAt(b.ctx, 4); !errors.Is(err, eventstore.ErrGap) {
		t.Errorf("hash at 4: %v", err)
	}
}
