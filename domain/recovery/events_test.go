package recovery_test

import (
	"testing"
	"time"

	"tender/domain/codec/codectest"
	"tender/domain/recovery"
)

const (
	recoveryID = "whr_01j0000000e008000000000001"
	endpointID = "whe_01hzy3v7q8e4xk2m9c5b7d6f0a"
)

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		panic(err)
	}
	return t
}

func fold(events ...recovery.Event) recovery.State {
	var s recovery.State
	for _, e := range events {
		s = recovery.Evolve(s, recoveryID, e)
	}
	return s
}

// samples holds one event of each type with every field set.
func samples() []recovery.Event {
	return []recovery.Event{
		recovery.Started{EndpointID: endpointID, Since: at("2026-05-04T12:00:00.123Z"), Until: at("2026-05-11T12:00:00Z")},
		recovery.Completed{Examined: 120, Resent: 7},
		recovery.Stopped{Reason: recovery.StoppedDisabled, Examined: 120, Resent: 7},
	}
}

func TestEventsKeepTheirBytes(t *testing.T) {
	t.Parallel()
	codectest.Bytes(t, recovery.Codec, samples()...)
}

func TestEventsAreSampledAndHandled(t *testing.T) {
	t.Parallel()
	codectest.Handled(t, recovery.Codec, func(e recovery.Event) { fold(samples()[0], e) }, samples()...)
}

func FuzzDecode(f *testing.F) { codectest.Fuzz(f, recovery.Codec, samples()...) }
