package replay_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tender/domain"
	"tender/domain/catalogue"
	"tender/domain/codec"
	"tender/domain/id"
	"tender/eventstore"
	"tender/eventstore/storetest"
	"tender/handlers/engine"
	"tender/handlers/replay"
)

// Whoever changes what an event folds to runs the tests of this package with
// -update, and reads which streams of the golden log fold to something else.
var update = flag.Bool("update", false, "write testdata/golden-digests.txt anew")

const (
	goldenLog     = "testdata/golden-log.jsonl"
	goldenDigests = "testdata/golden-digests.txt"
)

// goldenEvent is an event of the golden log: whole streams of installations that
// tests ran, by stream and version. They are chosen so that every type and schema
// version that was ever written is among them; a new one adds a stream, and what is
// there stays as it is.
type goldenEvent struct {
	Stream        string          `json:"stream"`
	Version       int             `json:"version"`
	Type          string          `json:"type"`
	SchemaVersion int             `json:"schema_version"`
	EventID       uuid.UUID       `json:"event_id"`
	CommandID     uuid.UUID       `json:"command_id"`
	MerchantID    string          `json:"merchant_id"`
	At            time.Time       `json:"at"`
	EffectiveAt   time.Time       `json:"effective_at"`
	RequestID     string          `json:"request_id"`
	Causation     uuid.UUID       `json:"causation"`
	ActorKind     string          `json:"actor_kind"`
	ActorID       string          `json:"actor_id"`
	Payload       json.RawMessage `json:"payload"`
}

func (g goldenEvent) event(position int64) eventstore.Event {
	return eventstore.Event{
		Position: position, Stream: g.Stream, Version: g.Version, Type: g.Type, SchemaVersion: g.SchemaVersion,
		ID: g.EventID, CommandID: g.CommandID, MerchantID: g.MerchantID, At: g.At.UTC(), EffectiveAt: g.EffectiveAt.UTC(),
		RequestID: g.RequestID, Causation: g.Causation, Actor: domain.Actor{Kind: domain.ActorKind(g.ActorKind), ID: g.ActorID},
		Payload: g.Payload,
	}
}

// memory is a log that is in memory, sorted by stream and version.
type memory []eventstore.Event

func (m memory) ByStream(_ context.Context, after eventstore.Place, before string, upTo int64, limit int) ([]eventstore.Event, error) {
	var out []eventstore.Event
	for _, e := range m {
		later := e.Stream > after.Stream || e.Stream == after.Stream && e.Version > after.Version
		if later && e.Stream < before && e.Position <= upTo && len(out) < limit {
			out = append(out, e)
		}
	}
	return out, nil
}

func golden(t *testing.T) memory {
	t.Helper()
	f, err := os.Open(goldenLog)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var log memory
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var g goldenEvent
		if err := json.Unmarshal(lines.Bytes(), &g); err != nil {
			t.Fatalf("event %d: %v", len(log)+1, err)
		}
		log = append(log, g.event(int64(len(log)+1)))
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return log
}

// folds are this build's, of a mode. They touch no database.
func folds(t *testing.T) *engine.Replayer {
	t.Helper()
	return engine.New(storetest.Open(t, storetest.Database(t), "test"), time.Now).Replayer()
}

// everything is a position beyond every log's end.
const everything = 1 << 62

func digests(t *testing.T, log replay.Log) (string, replay.Summary) {
	t.Helper()
	var b strings.Builder
	sum, err := replay.Run(t.Context(), log, folds(t), everything, func(s replay.Stream) error {
		_, err := fmt.Fprintf(&b, "%s %s %d\n", hex.EncodeToString(s.Digest[:]), s.ID, s.Events)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String(), sum
}

// A build that folds a log of before to something else must know that it does.
func TestTheGoldenLogFoldsAsBefore(t *testing.T) {
	t.Parallel()
	got, sum := digests(t, golden(t))
	if sum.Streams != strings.Count(got, "\n") || sum.Events != len(golden(t)) {
		t.Errorf("the summary is %d streams, %d events", sum.Streams, sum.Events)
	}
	if *update {
		if err := os.WriteFile(goldenDigests, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(goldenDigests)
	if err != nil {
		t.Fatal(err)
	}
	gotLines, wantLines := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range max(len(gotLines), len(wantLines)) {
		if i >= len(gotLines) || i >= len(wantLines) || gotLines[i] != wantLines[i] {
			t.Fatalf("line %d of the digests is not as in %s; if that is meant, run the tests of this package with -update", i+1, goldenDigests)
		}
	}
}

func TestTheGoldenLogHasEveryEvent(t *testing.T) {
	t.Parallel()
	have := map[string]bool{}
	for _, e := range golden(t) {
		have[fmt.Sprintf("%s v%d", e.Type, e.SchemaVersion)] = true
	}
	for _, name := range catalogue.Names() {
		for version := 1; ; version++ {
			if _, err := catalogue.Decode(name, version, []byte(`{}`)); errors.As(err, new(*codec.NewerError)) {
				break
			}
			if !have[fmt.Sprintf("%s v%d", name, version)] {
				t.Errorf("%s v%d is not in the golden log", name, version)
			}
		}
	}
}

// The digest is of all that is folded: any change to an event shows in that of its
// stream, and in no other's.
func TestADigestShowsEachChange(t *testing.T) {
	t.Parallel()
	log := golden(t)
	before, _ := digests(t, log)
	i := slices.IndexFunc(log, func(e eventstore.Event) bool { return e.Type == "payment.captured" })
	changed := slices.Clone(log)
	changed[i].Payload = bytes.Replace(log[i].Payload, []byte(`"amount":`), []byte(`"amount":1`), 1)
	after, _ := digests(t, changed)
	var differ []string
	b, a := strings.Split(before, "\n"), strings.Split(after, "\n")
	for j := range b {
		if b[j] != a[j] {
			differ = append(differ, strings.Fields(b[j])[1])
		}
	}
	if !slices.Equal(differ, []string{log[i].Stream}) {
		t.Errorf("changed is %s; other digests have %v", log[i].Stream, differ)
	}
}

func TestWhatCannotBeFolded(t *testing.T) {
	t.Parallel()
	log := golden(t)
	i := slices.IndexFunc(log, func(e eventstore.Event) bool { return id.PrefixOf(e.Stream) == id.Payment })
	for name, c := range map[string]struct {
		spoil func(memory) memory
		says  string
	}{
		"a version that is missing": {func(m memory) memory { return slices.Delete(m, i, i+1) }, "goes on with version 2, not 1"},
		"a kind that nobody knows":  {func(m memory) memory { m[i].Stream = "zzz_1"; return m[i : i+1] }, "knows no streams of this kind"},
		"a type that nobody knows":  {func(m memory) memory { m[i].Type = "payment.dreamt"; return m }, "payment.dreamt"},
		"a payload that is broken":  {func(m memory) memory { m[i].Payload = []byte(`[]`); return m }, log[i].Stream},
	} {
		_, err := replay.Run(t.Context(), c.spoil(slices.Clone(log)), folds(t), everything, func(replay.Stream) error { return nil })
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A log in PostgreSQL is read as it lies there, whatever was written between a
// stream's events, and up to a position.
func TestALogInPostgreSQL(t *testing.T) {
	t.Parallel()
	store := storetest.Open(t, storetest.Database(t), "test")
	log := golden(t)
	next := map[string]int{}
	for version := 1; len(next) > 0 || version == 1; version++ { // the streams side by side
		clear(next)
		for _, e := range log {
			if e.Version != version {
				continue
			}
			next[e.Stream] = version
			if _, err := store.Append(t.Context(), eventstore.Command{
				ID: uuid.Must(uuid.NewV7()), MerchantID: e.MerchantID, RequestID: e.RequestID, Causation: e.Causation, Actor: e.Actor,
				Expect: []eventstore.Expectation{{Stream: e.Stream, Version: version - 1}},
				Events: []eventstore.NewEvent{{
					Stream: e.Stream, Type: e.Type, SchemaVersion: e.SchemaVersion, ID: e.ID, At: e.At, EffectiveAt: e.EffectiveAt, Payload: e.Payload,
				}},
			}); err != nil {
				t.Fatalf("%s %d: %v", e.Stream, version, err)
			}
		}
	}
	want, wantSum := digests(t, log)
	if got, sum := digests(t, store); got != want || sum != wantSum {
		t.Errorf("the log folds to something else: %+v, not %+v", sum, wantSum)
	}
	_, err := replay.Run(t.Context(), store, folds(t), 0, func(s replay.Stream) error { return fmt.Errorf("it has %s", s.ID) })
	if err != nil {
		t.Errorf("up to position 0: %v", err)
	}
}
