package staff_test

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"tender/domain/staff"
)

// samples holds one event of each type with every field set.
func samples() []staff.Event {
	return []staff.Event{
		staff.Added{Name: "Thandi Nkosi"},
		issued(1, time.Hour),
		revoked(1),
	}
}

// Bytes that were ever written are read for ever: a golden file per type and
// schema version. A new version adds a file and changes none.
func TestEventsKeepTheirBytes(t *testing.T) {
	t.Parallel()
	for _, e := range samples() {
		encoded := staff.Codec.Encode(e)
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
		back, err := staff.Codec.Decode(encoded.Type, 1, golden)
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
	if names := staff.Codec.Names(); !slices.Equal(names, sampled) {
		t.Errorf("the codec knows %v, the samples are %v", names, sampled)
	}
}

// A key for all merchants names none, and comes back as one for all.
func TestAKeyForAllMerchantsStaysOne(t *testing.T) {
	t.Parallel()
	e := issued(1, time.Hour)
	e.Merchants = nil
	encoded := staff.Codec.Encode(e)
	if bytes.Contains(encoded.Payload, []byte("merchants")) {
		t.Errorf("it is written as %s", encoded.Payload)
	}
	back, err := staff.Codec.Decode(encoded.Type, encoded.SchemaVersion, encoded.Payload)
	if err != nil || !reflect.DeepEqual(back, staff.Event(e)) {
		t.Errorf("it is read as %#v, %v", back, err)
	}
}

func FuzzDecode(f *testing.F) {
	for _, e := range samples() {
		encoded := staff.Codec.Encode(e)
		f.Add(encoded.Type, encoded.SchemaVersion, []byte(encoded.Payload))
	}
	f.Add("staff.guessed", 1, []byte(`{}`))
	f.Add("staff.key_issued", 2, []byte(`{}`))
	f.Fuzz(func(t *testing.T, name string, version int, payload []byte) {
		e, err := staff.Codec.Decode(name, version, payload)
		if err != nil {
			return
		}
		encoded := staff.Codec.Encode(e)
		again, err := staff.Codec.Decode(encoded.Type, encoded.SchemaVersion, encoded.Payload)
		if err != nil || !bytes.Equal(staff.Codec.Encode(again).Payload, encoded.Payload) {
			t.Fatalf("%s doesn't come back: %v", encoded.Payload, err)
		}
	})
}
