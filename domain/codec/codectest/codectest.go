// Package codectest holds the tests that the codec of every aggregate passes: what
// it writes keeps its bytes, what it knows is sampled and handled, and whatever it
// reads comes back as it was.
package codectest

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"tender/domain/codec"
)

// Bytes holds that events are written and read as their golden files say: one per
// type and schema version, testdata/<type>.v1.json. Bytes that were ever written are
// read for ever, so a new version adds a file and changes none.
func Bytes[E codec.Named](t *testing.T, c codec.Codec[E], samples ...E) {
	t.Helper()
	for _, e := range samples {
		BytesIn(t, c, e.Type()+".v1.json", e)
	}
}

// BytesIn is [Bytes] of one event whose file, in testdata, has another name.
func BytesIn[E codec.Named](t *testing.T, c codec.Codec[E], file string, e E) {
	t.Helper()
	encoded := c.Encode(e)
	if encoded.Type != e.Type() || encoded.SchemaVersion != 1 {
		t.Errorf("%s is written as %s v%d", e.Type(), encoded.Type, encoded.SchemaVersion)
	}
	golden, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	golden = bytes.TrimSuffix(golden, []byte("\n"))
	if !bytes.Equal(golden, encoded.Payload) {
		t.Errorf("%s is written as\n%s\nnot as\n%s", file, encoded.Payload, golden)
	}
	back, err := c.Decode(encoded.Type, 1, golden)
	if err != nil || !reflect.DeepEqual(back, e) {
		t.Errorf("%s is read as %#v, %v", file, back, err)
	}
}

// Handled holds that there is a sample of every type that the codec knows, and that
// evolve, which panics on what it doesn't handle, takes each.
func Handled[E codec.Named](t *testing.T, c codec.Codec[E], evolve func(E), samples ...E) {
	t.Helper()
	var sampled []string
	for _, e := range samples {
		sampled = append(sampled, e.Type())
		evolve(e)
	}
	slices.Sort(sampled)
	names := slices.Sorted(slices.Values(c.Names()))
	if sampled = slices.Compact(sampled); !slices.Equal(names, sampled) {
		t.Errorf("the codec knows %v, the samples are %v", names, sampled)
	}
}

// Fuzz holds that whatever is read is written, read and written again as the same
// bytes. It begins with samples, with a type that the codec doesn't know, and with a
// version that is newer than this build.
func Fuzz[E codec.Named](f *testing.F, c codec.Codec[E], samples ...E) {
	for _, e := range samples {
		encoded := c.Encode(e)
		f.Add(encoded.Type, encoded.SchemaVersion, []byte(encoded.Payload))
		f.Add(encoded.Type+"_guessed", encoded.SchemaVersion, []byte(`{}`))
		f.Add(encoded.Type, encoded.SchemaVersion+1, []byte(`{}`))
	}
	f.Fuzz(func(t *testing.T, name string, version int, payload []byte) {
		e, err := c.Decode(name, version, payload)
		if err != nil {
			return
		}
		encoded := c.Encode(e)
		again, err := c.Decode(encoded.Type, encoded.SchemaVersion, encoded.Payload)
		if err != nil || !bytes.Equal(c.Encode(again).Payload, encoded.Payload) {
			t.Fatalf("%s doesn't come back: %v", encoded.Payload, err)
		}
	})
}
