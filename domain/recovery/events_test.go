package recovery_test

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"tender/domain/recovery"
)

const (
	recoveryID = "whr_01j0000000e008000000000001"
	endpointID = "whe_01hzy3v7q8e4xk2m9c5b7d6f0a"
)

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		panic(err)
	}
	return t
}

func fold(events ...recovery.Event) recovery.State {
	var s recovery.State
	for _, e := range events {
		s = recovery.Evolve(s, recoveryID, e)
	}
	return s
}

// samples holds one event of each type with every field set.
func samples() []recovery.Event {
	return []recovery.Event{
		recovery.Started{EndpointID: endpointID, Since: at("2026-05-04T12:00:00.123Z"), Until: at("2026-05-11T12:00:00Z")},
		recovery.Completed{Examined: 120, Resent: 7},
		recovery.Stopped{Reason: recovery.StoppedDisabled, Examined: 120, Resent: 7},
	}
}

// Bytes that were ever written are read for ever: a golden file per type and
// schema version. A new version adds a file and changes none.
func TestEventsKeepTheirBytes(t *testing.T) {
	t.Parallel()
	for _, e := range samples() {
		encoded := recovery.Codec.Encode(e)
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
		back, err := recovery.Codec.Decode(encoded.Type, 1, golden)
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
	names := recovery.Codec.Names()
	slices.Sort(names)
	if !slices.Equal(names, sampled) {
		t.Errorf("the codec knows %v, the samples are %v", names, sampled)
	}
}
