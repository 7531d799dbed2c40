package clock_test

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"tender/domain/clock"
)

// samples holds one event of each type with every field set.
func samples() []clock.Event {
	return []clock.Event{
		clock.Created{Name: "é <&>", FrozenTime: at("2026-01-01T00:00:00.123Z")},
		clock.AdvanceStarted{To: at("2026-03-01T00:00:00Z")},
		clock.Stepped{To: at("2026-02-01T00:00:00Z")},
		clock.AdvanceFinished{},
		clock.Deleted{},
	}
}

// Bytes that were ever written are read for ever: a golden file per type and
// schema version. A new version adds a file and changes none.
func TestEventsKeepTheirBytes(t *testing.T) {
	t.Parallel()
	for _, e := range samples() {
		encoded := clock.Codec.Encode(e)
		if encoded.Type != e.Type() || encoded.SchemaVersion != 1 {
			t.Errorf("%s is written as %s v%d", e.Type(), encoded.Type, encoded.SchemaVersion)
		}
		golden, err := os.ReadFile(filepath.Join("testdata", encoded.Type+".v1.json"))
		if err != nil {
			t.Fatal(err)
		}
		golden = bytes.TrimSuffix(golden, []byte("\n"))
		if !bytes.Equal(golden, encoded.Payload) {
			t.Errorf("%s is written as\n%s\nnot as\n%s", encoded.Type, encoded.Payload, golden)
		}
		back, err := clock.Codec.Decode(encoded.Type, 1, golden)
		if err != nil || !reflect.DeepEqual(back, e) {
			t.Errorf("%s is read as %#v, %v", encoded.Type, back, err)
		}
	}
}

func TestEventsAreSampledAndHandled(t *testing.T) {
	t.Parallel()
	var sampled []string
	for _, e := range samples() {
		sampled = append(sampled, e.Type())
		fold(samples()[0], e) // panics on what it does not handle
	}
	slices.Sort(sampled)
	if names := clock.Codec.Names(); !slices.Equal(names, sampled) {
		t.Errorf("the codec knows %v, the samples are %v", names, sampled)
	}
}

// What is absent is left out, so that payloads stay as small as their facts.
func TestAbsentFieldsAreLeftOut(t *testing.T) {
	t.Parallel()
	e := clock.Created{FrozenTime: at("2026-01-01T00:00:00Z")}
	if got, want := string(clock.Codec.Encode(e).Payload), `{"frozen_time":"2026-01-01T00:00:00Z"}`; got != want {
		t.Errorf("it is written as %s, not as %s", got, want)
	}
}

func FuzzDecode(f *testing.F) {
	for _, e := range samples() {
		encoded := clock.Codec.Encode(e)
		f.Add(encoded.Type, encoded.SchemaVersion, []byte(encoded.Payload))
	}
	f.Add("clock.guessed", 1, []byte(`{}`))
	f.Add("clock.stepped", 2, []byte(`{}`))
	f.Fuzz(func(t *testing.T, name string, version int, payload []byte) {
		e, err := clock.Codec.Decode(name, version, payload)
		if err != nil {
			return
		}
		encoded := clock.Codec.Encode(e)
		again, err := clock.Codec.Decode(encoded.Type, encoded.SchemaVersion, encoded.Payload)
		if err != nil || !bytes.Equal(clock.Codec.Encode(again).Payload, encoded.Payload) {
			t.Fatalf("%s doesn't come back: %v", encoded.Payload, err)
		}
	})
}
