package subscription_test

import (
	"bytes"
	"reflect"
	"slices"
	"testing"

	"tender/domain/mandate"
	"tender/domain/subscription"
)

// samples holds one event of each type with every field set.
func samples() []subscription.Event {
	full := monthly(skipMissed, func(p *subscription.Plan) { p.Occurrences, p.PaymentsMax, p.ScheduledTime = 12, 12, clock("09:30") })
	full.Items = terms(fixed).Instalments.Items
	refused := failed(2, 1, soft, "2026-03-02 00:00")
	refused.Refused = "mandate_not_active"
	return []subscription.Event{
		subscription.Created{
			CustomerID: customerID, PaymentMethodID: methodID, MandateID: mandateID, SessionID: firstID, Plan: full,
			After: at("2026-01-15 12:00"), ClockID: clockID,
		},
		started(2, 1),
		succeeded(2, 1),
		refused,
		skipped(2, 4, subscription.SkippedMethodMissing),
		uncollected(2),
		subscription.BecamePastDue{},
		subscription.Recovered{},
		subscription.PaymentMethodRequired{},
		subscription.MethodReplaced{PaymentMethodID: otherID, MandateID: anotherID, SessionID: secondID, Settled: []int{2, 3}},
		subscription.OverdueClaimed{SessionID: secondID, Numbers: []int{2, 3}},
		subscription.OverdueReleased{SessionID: secondID},
		subscription.Paused{By: subscription.BySchedule, Reason: "é <&>"},
		subscription.Resumed{},
		subscription.Cancelled{By: subscription.BySystem, Reason: "é <&>"},
		subscription.Completed{},
	}
}

// Bytes that were ever written are read for ever: a golden file per type and
// schema version. A new version adds a file and changes none.
func TestEventsKeepTheirBytes(t *testing.T) {
	t.Parallel()
	for _, e := range samples() {
		encoded := subscription.Codec.Encode(e)
		if encoded.Type != e.Type() || encoded.SchemaVersion != 1 {
			t.Errorf("%s is written as %s v%d", e.Type(), encoded.Type, encoded.SchemaVersion)
		}
		back, err := subscription.Codec.Decode(encoded.Type, 1, golden(t, encoded.Type+".v1.json", encoded.Payload))
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
		more(given(monthly(), paid(1)...), on("2026-03-01 00:00", e)) // panics on what it does not handle
	}
	slices.Sort(sampled)
	if names := subscription.Codec.Names(); !slices.Equal(names, sampled) {
		t.Errorf("the codec knows %v, the samples are %v", names, sampled)
	}
}

// What is absent is left out, so that payloads stay as small as their facts.
func TestAbsentFieldsAreLeftOut(t *testing.T) {
	t.Parallel()
	none := `"0001-01-01T00:00:00Z"`
	for _, c := range []struct {
		event subscription.Event
		want  string
	}{
		{subscription.ChargeFailed{}, `{"occurrence":{"number":0,"scheduled_for":` + none + `,"attempt":0,"will_retry":false},"amount":0,"currency":""}`},
		{subscription.OccurrenceSkipped{}, `{"number":0,"scheduled_for":` + none + `,"reason":""}`},
		{subscription.MethodReplaced{}, `{"payment_method_id":"","mandate_id":"","session_id":""}`},
		{subscription.Paused{}, `{"by":""}`},
		{subscription.Cancelled{}, `{"by":""}`},
	} {
		if got := string(subscription.Codec.Encode(c.event).Payload); got != c.want {
			t.Errorf("%s is written as\n%s\nnot as\n%s", c.event.Type(), got, c.want)
		}
	}
}

func TestLastSkipped(t *testing.T) {
	t.Parallel()
	if skipped(3, 0, "").Last() != 3 || skipped(3, 7, "").Last() != 7 {
		t.Error("the last one that is skipped is another")
	}
}

func FuzzDecode(f *testing.F) {
	for _, e := range samples() {
		encoded := subscription.Codec.Encode(e)
		f.Add(encoded.Type, encoded.SchemaVersion, []byte(encoded.Payload))
	}
	f.Add("subscription.guessed", 1, []byte(`{}`))
	f.Add("subscription.paused", 2, []byte(`{}`))
	f.Fuzz(func(t *testing.T, name string, version int, payload []byte) {
		e, err := subscription.Codec.Decode(name, version, payload)
		if err != nil {
			return
		}
		if c, ok := e.(subscription.Created); ok && slices.ContainsFunc(c.Plan.Items, func(i mandate.Item) bool { return i.Date.IsZero() }) {
			return // nobody writes such an item
		}
		encoded := subscription.Codec.Encode(e)
		again, err := subscription.Codec.Decode(encoded.Type, encoded.SchemaVersion, encoded.Payload)
		if err != nil || !bytes.Equal(subscription.Codec.Encode(again).Payload, encoded.Payload) {
			t.Fatalf("%s doesn't come back: %v", encoded.Payload, err)
		}
	})
}
