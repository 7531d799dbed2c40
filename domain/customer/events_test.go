package customer_test

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"tender/domain/customer"
)

// samples holds one event of each type with every field set.
func samples() []customer.Event {
	return []customer.Event{
		customer.Created{ProfileRef: "vault/1", ClockID: clockID},
		customer.MethodSaved{PaymentMethodID: methodID},
		customer.MethodRemoved{PaymentMethodID: methodID},
		customer.MandateAdded{MandateID: mandateID, PaymentMethodID: methodID},
		customer.MandateEnded{MandateID: mandateID},
		customer.SubscriptionAdded{SubscriptionID: subscriptionID},
		customer.SubscriptionEnded{SubscriptionID: subscriptionID},
		customer.PaymentOpened{PaymentID: paymentID, Brings: everything},
		customer.PaymentClosed{PaymentID: paymentID},
		customer.Erased{},
	}
}

// Bytes that were ever written are read for ever: a golden file per type and
// schema version. A new version adds a file and changes none.
func TestEventsKeepTheirBytes(t *testing.T) {
	t.Parallel()
	for _, e := range samples() {
		encoded := customer.Codec.Encode(e)
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
		back, err := customer.Codec.Decode(encoded.Type, 1, golden)
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
		fold(having(e)...) // panics on what it does not handle
	}
	slices.Sort(sampled)
	if names := customer.Codec.Names(); !slices.Equal(names, sampled) {
		t.Errorf("the codec knows %v, the samples are %v", names, sampled)
	}
}

// What is absent is left out, so that payloads stay as small as their facts.
func TestAbsentFieldsAreLeftOut(t *testing.T) {
	t.Parallel()
	for want, e := range map[string]customer.Event{
		`{}`:                   customer.Created{},
		`{"payment_id":"pay"}`: customer.PaymentOpened{PaymentID: "pay"},
	} {
		if got := string(customer.Codec.Encode(e).Payload); got != want {
			t.Errorf("%s is written as %s", e.Type(), got)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, e := range samples() {
		encoded := customer.Codec.Encode(e)
		f.Add(encoded.Type, encoded.SchemaVersion, []byte(encoded.Payload))
	}
	f.Add("customer.guessed", 1, []byte(`{}`))
	f.Add("customer.created", 2, []byte(`{}`))
	f.Fuzz(func(t *testing.T, name string, version int, payload []byte) {
		e, err := customer.Codec.Decode(name, version, payload)
		if err != nil {
			return
		}
		encoded := customer.Codec.Encode(e)
		again, err := customer.Codec.Decode(encoded.Type, encoded.SchemaVersion, encoded.Payload)
		if err != nil || !bytes.Equal(customer.Codec.Encode(again).Payload, encoded.Payload) {
			t.Fatalf("%s doesn't come back: %v", encoded.Payload, err)
		}
	})
}
