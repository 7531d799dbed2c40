package logo_test

import (
	"bytes"
	"os"
	"reflect"
	"slices"
	"testing"

	"tender/domain/id"
	"tender/domain/logo"
)

const merchantID = "mer_01hzy3v7q8e4xk2m9c5b7d6f0d"

var picture = []byte("\x89PNG\r\n\x1a\n and so on")

func TestID(t *testing.T) {
	t.Parallel()
	got := logo.ID(merchantID, picture)
	// Pinned: addresses that stand in pages and caches lead to the same picture for ever.
	if want := "lgo_0xy7p4c2m1vt4b12sn0vnfjn74"; got != want || !id.Valid(id.Logo, got) {
		t.Errorf("the id is %s, not %s", got, want)
	}
	if got == logo.ID(merchantID+"x", picture) || got == logo.ID(merchantID, append([]byte("x"), picture...)) {
		t.Error("another merchant's logo, or another picture, has the same id")
	}
}

func TestRules(t *testing.T) {
	t.Parallel()
	stored := logo.Stored{PNG: picture}
	if got := logo.Decide(logo.State{}, logo.Store{PNG: picture}); !reflect.DeepEqual(got, []logo.Event{stored}) {
		t.Errorf("a new logo comes to %v", got)
	}
	if got := logo.Decide(logo.Evolve(logo.State{}, stored), logo.Store{PNG: picture}); got != nil {
		t.Errorf("a logo that is stored already comes to %v", got)
	}
}

func TestMistakesPanic(t *testing.T) {
	t.Parallel()
	for name, mistake := range map[string]func(){
		"an empty picture":             func() { logo.Decide(logo.State{}, logo.Store{}) },
		"a picture that is too large":  func() { logo.Decide(logo.State{}, logo.Store{PNG: make([]byte, logo.BytesMax+1)}) },
		"an event that nobody handles": func() { logo.Evolve(logo.State{}, struct{ logo.Event }{}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s goes unnoticed", name)
				}
			}()
			mistake()
		}()
	}
	if got := logo.Decide(logo.State{}, logo.Store{PNG: make([]byte, logo.BytesMax)}); len(got) != 1 {
		t.Error("a picture of the largest size is refused")
	}
}

// Bytes that were ever written are read for ever: a golden file per type and
// schema version. A new version adds a file and changes none.
func TestEventsKeepTheirBytes(t *testing.T) {
	t.Parallel()
	e := logo.Stored{PNG: picture}
	encoded := logo.Codec.Encode(e)
	golden, err := os.ReadFile("testdata/logo.stored.v1.json")
	if err != nil {
		t.Fatal(err)
	}
	golden = bytes.TrimSuffix(golden, []byte("\n"))
	if !bytes.Equal(golden, encoded.Payload) || encoded.Type != e.Type() || encoded.SchemaVersion != 1 {
		t.Errorf("%s v%d is written as\n%s\nnot as\n%s", encoded.Type, encoded.SchemaVersion, encoded.Payload, golden)
	}
	back, err := logo.Codec.Decode(encoded.Type, 1, golden)
	if err != nil || !reflect.DeepEqual(back, e) {
		t.Errorf("it is read as %#v, %v", back, err)
	}
	if names := logo.Codec.Names(); !slices.Equal(names, []string{"logo.stored"}) {
		t.Errorf("the codec knows %v", names)
	}
}

func FuzzDecode(f *testing.F) {
	encoded := logo.Codec.Encode(logo.Stored{PNG: picture})
	f.Add(encoded.Type, encoded.SchemaVersion, []byte(encoded.Payload))
	f.Add("logo.guessed", 1, []byte(`{}`))
	f.Add("logo.stored", 1, []byte(`{"png":"?"}`))
	f.Fuzz(func(t *testing.T, name string, version int, payload []byte) {
		e, err := logo.Codec.Decode(name, version, payload)
		if err != nil {
			return
		}
		encoded := logo.Codec.Encode(e)
		again, err := logo.Codec.Decode(encoded.Type, encoded.SchemaVersion, encoded.Payload)
		if err != nil || !bytes.Equal(logo.Codec.Encode(again).Payload, encoded.Payload) {
			t.Fatalf("%s doesn't come back: %v", encoded.Payload, err)
		}
	})
}
