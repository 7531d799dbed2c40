package webhook_test

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"tender/domain/codec"
	"tender/domain/webhook"
)

// samples holds one event of each type with every field set.
func samples() []webhook.Event {
	at := time.Date(2026, 5, 4, 12, 0, 0, 123e6, time.UTC)
	return []webhook.Event{
		webhook.EndpointCreated{URL: url, Events: []string{webhook.PaymentCaptured, webhook.PaymentVoided}, Description: "shop", SecretRef: "vlt_01hzy3v7q8e4xk2m9c5b7d6f0d"},
		webhook.EndpointUpdated{URL: url, Events: []string{webhook.AllTypes}, Description: ptr("")},
		webhook.EndpointPaused{},
		webhook.EndpointResumed{},
		webhook.EndpointFailing{Since: at},
		webhook.EndpointHealed{},
		webhook.EndpointDisabled{Reason: webhook.DisabledGone},
		webhook.EndpointSecretRotated{SecretRef: "vlt_01hzy3v7q8e4xk2m9c5b7d6f0e", EarlierEndsAt: at},
		webhook.EndpointTested{},
		webhook.EndpointDeleted{},
		webhook.EndpointRecoveryStarted{RecoveryID: recoveryID},
		webhook.EndpointRecoveryEnded{RecoveryID: recoveryID},
		webhook.Delivered{EndpointID: endpointID, EventID: eventID, Attempts: 3, Status: 200, DeliveredAt: at},
		webhook.Exhausted{EndpointID: endpointID, EventID: eventID, Attempts: 10, Status: 500, Failure: "too_slow", ExhaustedAt: at},
		webhook.Resent{
			EndpointID: endpointID, EventID: eventID, EventType: webhook.PaymentCaptured,
			Source: "pay_01hzy3v7q8e4xk2m9c5b7d6f0f", SourceVersion: 4, EventAt: at, Attempts: 10, RecoveryID: recoveryID,
		},
	}
}

// Bytes that were ever written are read for ever: a golden file per type and
// schema version. A new version adds a file and changes none.
func TestEventsKeepTheirBytes(t *testing.T) {
	t.Parallel()
	for _, e := range samples() {
		encoded := webhook.Codec.Encode(e)
		golden, err := os.ReadFile(filepath.Join("testdata", encoded.Type+".v1.json"))
		if err != nil {
			t.Fatal(err)
		}
		golden = bytes.TrimSuffix(golden, []byte("\n"))
		if !bytes.Equal(golden, encoded.Payload) {
			t.Errorf("%s is written as\n%s\nnot as\n%s", encoded.Type, encoded.Payload, golden)
		}
		back, err := webhook.Codec.Decode(encoded.Type, 1, golden)
		if err != nil || !reflect.DeepEqual(back, e) {
			t.Errorf("%s is read as %#v, %v", encoded.Type, back, err)
		}
	}
}

func TestEventsAreHandled(t *testing.T) {
	t.Parallel()
	var sampled []string
	at := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	for _, e := range samples() {
		sampled = append(sampled, e.Type())
		var endpointPanics, deliveryPanics bool
		func() {
			defer func() { endpointPanics = recover() != nil }()
			webhook.EvolveEndpoint(webhook.Endpoint{}, endpointID, merchantID, at, e)
		}()
		func() {
			defer func() { deliveryPanics = recover() != nil }()
			webhook.EvolveDelivery(webhook.Delivery{}, deliveryID, e)
		}()
		if endpointPanics == deliveryPanics {
			t.Errorf("%s must be an endpoint's or a delivery's event, and not both", e.Type())
		}
	}
	names := webhook.Codec.Names()
	slices.Sort(names)
	slices.Sort(sampled)
	if !slices.Equal(names, sampled) {
		t.Errorf("the codec knows %v, the samples are %v", names, sampled)
	}
}

func FuzzDecode(f *testing.F) {
	for _, e := range samples() {
		encoded := webhook.Codec.Encode(e)
		f.Add(encoded.Type, encoded.SchemaVersion, []byte(encoded.Payload))
	}
	f.Add("webhook.endpoint_guessed", 1, []byte(`{}`))
	f.Fuzz(func(t *testing.T, name string, version int, payload []byte) {
		e, err := webhook.Codec.Decode(name, version, payload)
		if err != nil {
			return
		}
		encoded := webhook.Codec.Encode(e)
		again, err := webhook.Codec.Decode(encoded.Type, encoded.SchemaVersion, encoded.Payload)
		if err != nil || !bytes.Equal(webhook.Codec.Encode(again).Payload, encoded.Payload) {
			t.Fatalf("%s doesn't come back: %v", encoded.Payload, err)
		}
		var _ codec.Named = e
	})
}
