package staff_test

import (
	"bytes"
	"reflect"
	"testing"
	"time"

	"tender/domain/codec/codectest"
	"tender/domain/staff"
)

// samples holds one event of each type with every field set.
func samples() []staff.Event {
	return []staff.Event{
		staff.Added{Name: "Thandi Nkosi"},
		issued(1, time.Hour),
		revoked(1),
		accessed(1),
	}
}

func TestEventsKeepTheirBytes(t *testing.T) {
	t.Parallel()
	codectest.Bytes(t, staff.Codec, samples()...)
}

func TestEventsAreSampledAndHandled(t *testing.T) {
	t.Parallel()
	codectest.Handled(t, staff.Codec, func(e staff.Event) { fold(samples()[0], e) }, samples()...)
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

func FuzzDecode(f *testing.F) { codectest.Fuzz(f, staff.Codec, samples()...) }
