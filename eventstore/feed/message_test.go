package feed_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"tender/domain"
	"tender/eventstore"
	"tender/eventstore/feed"
)

// drawEvent draws an event as the log may hold it: microseconds, UTC, any text.
func drawEvent(t *rapid.T) eventstore.Event {
	instant := rapid.Map(rapid.Int64Range(0, 4e15), func(us int64) time.Time { return time.UnixMicro(us).UTC() })
	id := rapid.Map(rapid.SliceOfN(rapid.Byte(), 16, 16), func(b []byte) uuid.UUID { return uuid.UUID(b) })
	e := eventstore.Event{
		Position: rapid.Int64Range(1, 1<<62).Draw(t, "position"), Stream: rapid.String().Draw(t, "stream"),
		Version: rapid.IntRange(1, 1<<31-1).Draw(t, "version"), Type: rapid.String().Draw(t, "type"),
		SchemaVersion: rapid.IntRange(1, 99).Draw(t, "schema version"),
		ID:            id.Draw(t, "id"), CommandID: id.Draw(t, "command"), MerchantID: rapid.String().Draw(t, "merchant"),
		At: instant.Draw(t, "at"), RecordedAt: instant.Draw(t, "recorded at"), RequestID: rapid.String().Draw(t, "request"),
		Actor:   domain.Actor{Kind: domain.ActorKind(rapid.String().Draw(t, "actor")), ID: rapid.String().Draw(t, "actor id")},
		Payload: json.RawMessage(rapid.SampledFrom([]string{`{}`, `{"a": "<&>"}`, ` {"a":1}`, "{\"a\":1}\n", `"ü"`, `{"n":1.50, "m" : 1e3}`, `not json`}).Draw(t, "payload")),
	}
	copy(e.Hash[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "hash"))
	if rapid.Bool().Draw(t, "caused") {
		e.Causation = id.Draw(t, "causation")
	}
	if rapid.Bool().Draw(t, "dated") {
		e.EffectiveAt = instant.Draw(t, "effective at")
	}
	return e
}

func TestMessageCarriesEveryColumn(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e := drawEvent(t)
		data := feed.Encode(e)
		if !json.Valid(data) {
			t.Fatalf("not JSON: %s", data)
		}
		got, err := feed.Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, e) {
			t.Fatalf("%+v became %+v by %s", e, got, data)
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add(feed.Encode(eventstore.Event{Position: 1, Stream: "toy_1", Payload: json.RawMessage(`{}`)}))
	f.Add([]byte(`{"position":1,"hash":"00","payload_bytes":"e30="}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := feed.Decode(data)
		if err != nil {
			return
		}
		again, err := feed.Decode(feed.Encode(e))
		if err != nil || string(feed.Encode(again)) != string(feed.Encode(e)) {
			t.Fatalf("%s is not read as it was written: %v", data, err)
		}
	})
}
