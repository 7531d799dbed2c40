package eventstore_test

import (
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tender/domain"
	"tender/eventstore"
)

var update = flag.Bool("update", false, "write the test vectors anew")

const vectorsFile = "testdata/log-format-1.json"

// vector is one event of testdata/log-format-1.json: an event as JSON, the bytes
// that the hash covers, and the hash.
type vector struct {
	Previous string     `json:"previous"`
	Event    vectorCols `json:"event"`
	Encoded  string     `json:"encoded"`
	Hash     string     `json:"hash"`
}

type vectorCols struct {
	Position      int64      `json:"position"`
	Stream        string     `json:"stream"`
	Version       int        `json:"version"`
	Type          string     `json:"type"`
	SchemaVersion int        `json:"schema_version"`
	EventID       uuid.UUID  `json:"event_id"`
	CommandID     uuid.UUID  `json:"command_id"`
	MerchantID    string     `json:"merchant_id"`
	At            time.Time  `json:"at"`
	EffectiveAt   *time.Time `json:"effective_at"`
	RecordedAt    time.Time  `json:"recorded_at"`
	RequestID     string     `json:"request_id"`
	Causation     *uuid.UUID `json:"causation"`
	ActorKind     string     `json:"actor_kind"`
	ActorID       string     `json:"actor_id"`
	Payload       string     `json:"payload"` // a string, because its bytes count
}

func (c vectorCols) event() eventstore.Event {
	e := eventstore.Event{
		Position: c.Position, Stream: c.Stream, Version: c.Version, Type: c.Type, SchemaVersion: c.SchemaVersion,
		ID: c.EventID, CommandID: c.CommandID, MerchantID: c.MerchantID, At: c.At, RecordedAt: c.RecordedAt,
		RequestID: c.RequestID, Actor: domain.Actor{Kind: domain.ActorKind(c.ActorKind), ID: c.ActorID},
		Payload: json.RawMessage(c.Payload),
	}
	if c.EffectiveAt != nil {
		e.EffectiveAt = *c.EffectiveAt
	}
	if c.Causation != nil {
		e.Causation = *c.Causation
	}
	return e
}

func readVectors(t *testing.T) []vector {
	t.Helper()
	text, err := os.ReadFile(vectorsFile)
	if err != nil {
		t.Fatal(err)
	}
	var vectors []vector
	if err := json.Unmarshal(text, &vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors) < 3 {
		t.Fatalf("%d vectors", len(vectors))
	}
	return vectors
}

func hash32(t *testing.T, text string) [32]byte {
	t.Helper()
	var h [32]byte
	if n, err := hex.Decode(h[:], []byte(text)); err != nil || n != 32 {
		t.Fatalf("hash %q: %v", text, err)
	}
	return h
}

// TestTheVectorsHoldInGo holds ChainHash to the vectors of docs/log-format.md.
func TestTheVectorsHoldInGo(t *testing.T) {
	t.Parallel()
	vectors := readVectors(t)
	var prev string
	for i, v := range vectors {
		e := v.Event.event()
		encoded := eventstore.AppendEncoded(nil, e)
		hash := eventstore.ChainHash(hash32(t, v.Previous), e)
		if *update {
			vectors[i].Encoded, vectors[i].Hash = hex.EncodeToString(encoded), hex.EncodeToString(hash[:])
			if i+1 < len(vectors) {
				vectors[i+1].Previous = vectors[i].Hash
			}
			continue
		}
		if i > 0 && v.Previous != prev {
			t.Errorf("vector %d follows on %s", i, v.Previous)
		}
		if got := hex.EncodeToString(encoded); got != v.Encoded {
			t.Errorf("vector %d: encoded\n%s, want\n%s", i, got, v.Encoded)
		}
		if got := hex.EncodeToString(hash[:]); got != v.Hash {
			t.Errorf("vector %d: hash %s, want %s", i, got, v.Hash)
		}
		prev = v.Hash
	}
	if *update {
		text, err := json.MarshalIndent(vectors, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(vectorsFile, append(text, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// sqlEncoded is the expression of the append function, over the vectors' columns.
const sqlEncoded = `record_send(ROW(1, $1::bigint, $2::text, $3::integer, $4::text, $5::integer, $6::uuid, $7::uuid, $8::text,
	$9::timestamptz, $10::timestamptz, $11::timestamptz, $12::text, $13::uuid, $14::text, $15::text, $16::json))`

// TestTheVectorsHoldInSQL holds PostgreSQL to the same vectors: the expression by
// itself, and what append writes when it is given their columns.
func TestTheVectorsHoldInSQL(t *testing.T) {
	b := setup(t)
	conn, err := pgx.Connect(b.ctx, b.AppURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(b.ctx) }()
	for i, v := range readVectors(t) {
		c := v.Event
		var encoded, hash []byte
		err := conn.QueryRow(b.ctx, `SELECT e, sha256($17::bytea || e) FROM (SELECT `+sqlEncoded+`) AS v(e)`,
			c.Position, c.Stream, c.Version, c.Type, c.SchemaVersion, c.EventID, c.CommandID, c.MerchantID, c.At, c.EffectiveAt,
			c.RecordedAt, c.RequestID, c.Causation, c.ActorKind, c.ActorID, []byte(c.Payload), unhex(t, v.Previous)).Scan(&encoded, &hash)
		if err != nil {
			t.Fatal(err)
		}
		if hex.EncodeToString(encoded) != v.Encoded || hex.EncodeToString(hash) != v.Hash {
			t.Errorf("vector %d: encoded\n%x, want\n%s\nhash %x, want %s", i, encoded, v.Encoded, hash, v.Hash)
		}
	}
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestEveryColumnIsInTheHash changes each column of an event by itself.
func TestEveryColumnIsInTheHash(t *testing.T) {
	t.Parallel()
	base := readVectors(t)[1].Event.event()
	seen := map[[32]byte]string{eventstore.ChainHash([32]byte{}, base): "none"}
	for name, change := range map[string]func(e *eventstore.Event){
		"position":       func(e *eventstore.Event) { e.Position++ },
		"stream":         func(e *eventstore.Event) { e.Stream += "x" },
		"version":        func(e *eventstore.Event) { e.Version++ },
		"type":           func(e *eventstore.Event) { e.Type += "x" },
		"schema version": func(e *eventstore.Event) { e.SchemaVersion++ },
		"event id":       func(e *eventstore.Event) { e.ID[15]++ },
		"command id":     func(e *eventstore.Event) { e.CommandID[15]++ },
		"merchant":       func(e *eventstore.Event) { e.MerchantID += "x" },
		"at":             func(e *eventstore.Event) { e.At = e.At.Add(time.Millisecond) },
		"effective at":   func(e *eventstore.Event) { e.EffectiveAt = time.Time{} },
		"recorded at":    func(e *eventstore.Event) { e.RecordedAt = e.RecordedAt.Add(time.Microsecond) },
		"request id":     func(e *eventstore.Event) { e.RequestID += "x" },
		"causation":      func(e *eventstore.Event) { e.Causation = uuid.Nil },
		"actor kind":     func(e *eventstore.Event) { e.Actor.Kind += "x" },
		"actor id":       func(e *eventstore.Event) { e.Actor.ID += "x" },
		"payload":        func(e *eventstore.Event) { e.Payload = append(json.RawMessage(" "), e.Payload...) },
		"a moved border": func(e *eventstore.Event) { e.Stream, e.Type = e.Stream+e.Type[:1], e.Type[1:] },
	} {
		e := base
		change(&e)
		hash := eventstore.ChainHash([32]byte{}, e)
		if other, known := seen[hash]; known {
			t.Errorf("%s: the same hash as %s", name, other)
		}
		seen[hash] = name
	}
	e := base
	e.Hash[0]++
	if seen[eventstore.ChainHash([32]byte{}, e)] != "none" {
		t.Error("the hash covers itself")
	}
	if _, known := seen[eventstore.ChainHash([32]byte{1}, base)]; known {
		t.Error("the hash does not cover the one before")
	}
}
