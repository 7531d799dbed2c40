package clock_test

import (
	"testing"

	"tender/domain/clock"
	"tender/domain/codec/codectest"
)

// samples holds one event of each type with every field set.
func samples() []clock.Event {
	return []clock.Event{
		clock.Created{Name: "é <&>", FrozenTime: at("2026-01-01T00:00:00.123Z")},
		clock.AdvanceStarted{To: at("2026-03-01T00:00:00Z")},
		clock.Stepped{To: at("2026-02-01T00:00:00Z")},
		clock.AdvanceFinished{},
		clock.Deleted{},
	}
}

func TestEventsKeepTheirBytes(t *testing.T) {
	t.Parallel()
	codectest.Bytes(t, clock.Codec, samples()...)
}

func TestEventsAreSampledAndHandled(t *testing.T) {
	t.Parallel()
	codectest.Handled(t, clock.Codec, func(e clock.Event) { fold(samples()[0], e) }, samples()...)
}

// What is absent is left out, so that payloads stay as small as their facts.
func TestAbsentFieldsAreLeftOut(t *testing.T) {
	t.Parallel()
	e := clock.Created{FrozenTime: at("2026-01-01T00:00:00Z")}
	if got, want := string(clock.Codec.Encode(e).Payload), `{"frozen_time":"2026-01-01T00:00:00Z"}`; got != want {
		t.Errorf("it is written as %s, not as %s", got, want)
	}
}

func FuzzDecode(f *testing.F) { codectest.Fuzz(f, clock.Codec, samples()...) }
