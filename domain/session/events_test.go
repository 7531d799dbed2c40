package session_test

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"tender/domain/decline"
	"tender/domain/session"
	"tender/domain/subscription"
)

// sample is an event with a name of its own where there are several of its type.
type sample struct {
	name string
	session.Event
}

// file is where the sample's bytes lie.
func (s sample) file() string {
	if s.name == "" {
		return s.Type() + ".v1.json"
	}
	return s.Type() + "." + s.name + ".v1.json"
}

// samples holds events of every type, between them with every field set.
func samples() []sample {
	occurrence := &subscription.Occurrence{Number: 2, ScheduledFor: noon, Attempt: 1, WillRetry: true, NextAttemptAt: noon.Add(24 * time.Hour)}
	failure := decline.New(decline.CardDeclined, decline.InsufficientFunds)
	events := []sample{
		{"first_in_series", createdFirst()},
		{"next_in_series", createdNext(occurrence)},
		{"saves", session.Completed{
			PaymentID: paymentID, Outcome: session.OutcomeVerified, CustomerID: customerID, PaymentMethodID: methodID,
			MandateID: mandateID, SubscriptionID: subscriptionID,
		}},
		{"unpaid", session.Completed{
			PaymentID: paymentID, Outcome: session.OutcomeUnpaid, Failure: &failure, CustomerID: customerID, PaymentMethodID: methodID,
			MandateID: mandateID, SubscriptionID: subscriptionID, Occurrence: occurrence,
		}},
	}
	for _, e := range plainSamples() {
		events = append(events, sample{"", e})
	}
	return events
}

// plainSamples holds one event of each type, as single payments have them.
func plainSamples() []session.Event {
	return []session.Event{
		created(),
		session.AttemptStarted{PaymentID: paymentID, AttemptID: attemptID, Number: 1, CardFingerprint: "5f0c6e1d9a3b4c7788d2e4f60a1b2c3d"},
		session.AttemptFailed{PaymentID: paymentID, AttemptID: attemptID, Failure: decline.New(decline.CardDeclined, decline.InsufficientFunds)},
		session.Completed{PaymentID: paymentID, Outcome: session.OutcomeReserved},
		session.CancelRequested{By: session.ByMerchant, CommandID: "01900000-0000-7000-8000-000000000002"},
		session.Cancelled{By: session.ByCustomer},
		session.Expired{Reason: session.ExpiredByAttempts},
	}
}

// Bytes that were ever written are read for ever: a golden file per type and
// schema version. A new version adds a file and changes none.
func TestEventsKeepTheirBytes(t *testing.T) {
	t.Parallel()
	for _, s := range samples() {
		e := s.Event
		encoded := session.Codec.Encode(e)
		if encoded.Type != e.Type() || encoded.SchemaVersion != 1 {
			t.Errorf("%s is written as %s v%d", e.Type(), encoded.Type, encoded.SchemaVersion)
		}
		golden, err := os.ReadFile(filepath.Join("testdata", s.file()))
		if err != nil {
			t.Fatal(err)
		}
		golden = bytes.TrimSuffix(golden, []byte("\n"))
		if !bytes.Equal(golden, encoded.Payload) {
			t.Errorf("%s is written as\n%s\nnot as\n%s", s.file(), encoded.Payload, golden)
		}
		back, err := session.Codec.Decode(encoded.Type, 1, golden)
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
		fold(created(), e.Event) // panics on what it does not handle
	}
	slices.Sort(sampled)
	sampled = slices.Compact(sampled)
	if names := session.Codec.Names(); !slices.Equal(names, sampled) {
		t.Errorf("the codec knows %v, the samples are %v", names, sampled)
	}
}

// What is absent is left out, so that payloads stay as small as their facts.
func TestAbsentFieldsAreLeftOut(t *testing.T) {
	t.Parallel()
	c := create()
	c.ExternalReference, c.Metadata, c.Options, c.ReturnURL = "", nil, nil, ""
	events, err := session.DecideCreate(c)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"checkout_id":"` + checkoutID + `","type":"one_time","amount":100000,"currency":"ZAR","country":"ZA",` +
		`"capture_method":"manual","session_url":"https://pay.example/checkout/` + checkoutID + `","expires_at":"2026-05-04T13:00:00.123Z"}`
	if got := string(session.Codec.Encode(events[0]).Payload); got != want {
		t.Errorf("it is written as\n%s\nnot as\n%s", got, want)
	}
}

func FuzzDecode(f *testing.F) {
	for _, e := range samples() {
		encoded := session.Codec.Encode(e.Event)
		f.Add(encoded.Type, encoded.SchemaVersion, []byte(encoded.Payload))
	}
	f.Add("session.guessed", 1, []byte(`{}`))
	f.Add("session.created", 2, []byte(`{}`))
	f.Fuzz(func(t *testing.T, name string, version int, payload []byte) {
		e, err := session.Codec.Decode(name, version, payload)
		if err != nil {
			return
		}
		encoded := session.Codec.Encode(e)
		again, err := session.Codec.Decode(encoded.Type, encoded.SchemaVersion, encoded.Payload)
		if err != nil || !bytes.Equal(session.Codec.Encode(again).Payload, encoded.Payload) {
			t.Fatalf("%s doesn't come back: %v", encoded.Payload, err)
		}
	})
}
