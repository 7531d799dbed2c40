package method_test

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"tender/domain/decline"
	"tender/domain/method"
)

// samples holds one event of each type with every field set.
func samples() []method.Event {
	return []method.Event{
		method.Saved{
			CustomerID: customerID, Kind: method.KindCard, Card: kept, Fingerprint: "fp_1", CardRef: "vault/1",
			SessionID: sessionID, NetworkTransactionID: "ntx_1", ClockID: "clk_01hzy3v7q8e4xk2m9c5b7d6f0f",
		},
		method.MandateAdded{MandateID: mandateID},
		method.MandateEnded{MandateID: mandateID},
		method.BecameUnusable{PaymentID: paymentID, Failure: decline.New(decline.CardDeclined, decline.StolenCard)},
		method.Verified{PaymentID: paymentID},
		method.Removed{},
	}
}

// Bytes that were ever written are read for ever: a golden file per type and
// schema version. A new version adds a file and changes none.
func TestEventsKeepTheirBytes(t *testing.T) {
	t.Parallel()
	for _, e := range samples() {
		encoded := method.Codec.Encode(e)
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
		back, err := method.Codec.Decode(encoded.Type, 1, golden)
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
		fold(append(saved(), e)...) // panics on what it does not handle
	}
	slices.Sort(sampled)
	if names := method.Codec.Names(); !slices.Equal(names, sampled) {
		t.Errorf("the codec knows %v, the samples are %v", names, sampled)
	}
}

// What is absent is left out, so that payloads stay as small as their facts.
func TestAbsentFieldsAreLeftOut(t *testing.T) {
	t.Parallel()
	for want, e := range map[string]method.Event{
		`{}`: method.Removed{},
		`{"customer_id":"","type":"","card":{"type":"","scheme":"","bin":"","last4":"","exp_month":0,"exp_year":0},"fingerprint":"","card_ref":"","session_id":""}`: method.Saved{},
	} {
		if got := string(method.Codec.Encode(e).Payload); got != want {
			t.Errorf("%s is written as %s", e.Type(), got)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, e := range samples() {
		encoded := method.Codec.Encode(e)
		f.Add(encoded.Type, encoded.SchemaVersion, []byte(encoded.Payload))
	}
	f.Add("method.guessed", 1, []byte(`{}`))
	f.Add("method.saved", 2, []byte(`{}`))
	f.Fuzz(func(t *testing.T, name string, version int, payload []byte) {
		e, err := method.Codec.Decode(name, version, payload)
		if err != nil {
			return
		}
		encoded := method.Codec.Encode(e)
		again, err := method.Codec.Decode(encoded.Type, encoded.SchemaVersion, encoded.Payload)
		if err != nil || !bytes.Equal(method.Codec.Encode(again).Payload, encoded.Payload) {
			t.Fatalf("%s doesn't come back: %v", encoded.Payload, err)
		}
	})
}
