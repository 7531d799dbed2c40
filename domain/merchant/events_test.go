package merchant_test

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"tender/domain/merchant"
)

// samples holds one event of each type with every field set.
func samples() []merchant.Event {
	return []merchant.Event{
		merchant.Created{Settings: settings()},
		merchant.SettingsChanged{Settings: settings()},
		merchant.BrandChanged{Name: "Karoo Tea", Brand: brand()},
		issued(1),
		revoked(1),
		added(1),
		removed(1),
		slowed(),
		released(),
	}
}

// Bytes that were ever written are read for ever: a golden file per type and
// schema version. A new version adds a file and changes none.
func TestEventsKeepTheirBytes(t *testing.T) {
	t.Parallel()
	for _, e := range samples() {
		encoded := merchant.Codec.Encode(e)
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
		back, err := merchant.Codec.Decode(encoded.Type, 1, golden)
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
	if names := merchant.Codec.Names(); !slices.Equal(names, sampled) {
		t.Errorf("the codec knows %v, the samples are %v", names, sampled)
	}
}

// What is absent is left out, so that payloads stay as small as their facts.
func TestAbsentFieldsAreLeftOut(t *testing.T) {
	t.Parallel()
	want := `{"settings":{"name":"Karoo Tea","country":"NA","time_zone":"UTC"}}`
	e := merchant.Created{Settings: merchant.Settings{Name: "Karoo Tea", Country: "NA", TimeZone: "UTC"}}
	if got := string(merchant.Codec.Encode(e).Payload); got != want {
		t.Errorf("it is written as %s, not as %s", got, want)
	}
}

func FuzzDecode(f *testing.F) {
	for _, e := range samples() {
		encoded := merchant.Codec.Encode(e)
		f.Add(encoded.Type, encoded.SchemaVersion, []byte(encoded.Payload))
	}
	f.Add("merchant.guessed", 1, []byte(`{}`))
	f.Add("merchant.key_issued", 2, []byte(`{}`))
	f.Fuzz(func(t *testing.T, name string, version int, payload []byte) {
		e, err := merchant.Codec.Decode(name, version, payload)
		if err != nil {
			return
		}
		encoded := merchant.Codec.Encode(e)
		again, err := merchant.Codec.Decode(encoded.Type, encoded.SchemaVersion, encoded.Payload)
		if err != nil || !bytes.Equal(merchant.Codec.Encode(again).Payload, encoded.Payload) {
			t.Fatalf("%s doesn't come back: %v", encoded.Payload, err)
		}
	})
}
