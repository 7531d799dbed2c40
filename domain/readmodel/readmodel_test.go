package readmodel_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tender/domain/codec/codectest"
	"tender/domain/readmodel"
)

const stream = "pay_01hzy3v7q8e4xk2m9c5b7d6f0a"

// samples holds one event of each type with every field set.
func samples() []readmodel.Event { return []readmodel.Event{skipped(7), restored(7)} }

func skipped(position int64) readmodel.EventSkipped {
	return readmodel.EventSkipped{Position: position, Stream: stream, EventType: "payment.captured", Reason: "a fault of the fold"}
}

func restored(position int64) readmodel.EventRestored {
	return readmodel.EventRestored{Position: position, Stream: stream, Reason: "the fold was mended"}
}

func skip(position int64, reason string) readmodel.Skip {
	return readmodel.Skip{Position: position, Stream: stream, EventType: "payment.captured", Reason: reason}
}

func fold(events ...readmodel.Event) readmodel.State {
	var s readmodel.State
	for _, e := range events {
		s = readmodel.Evolve(s, e)
	}
	return s
}

func TestEventsKeepTheirBytes(t *testing.T) {
	t.Parallel()
	codectest.Bytes(t, readmodel.Codec, samples()...)
}

func TestEventsAreSampledAndHandled(t *testing.T) {
	t.Parallel()
	codectest.Handled(t, readmodel.Codec, func(e readmodel.Event) { fold(samples()[0], e) }, samples()...)
}

func FuzzDecode(f *testing.F) { codectest.Fuzz(f, readmodel.Codec, samples()...) }

func TestDecisions(t *testing.T) {
	t.Parallel()
	full := make([]readmodel.Event, readmodel.SkippedMax)
	for i := range full {
		full[i] = skipped(int64(i + 1))
	}
	restore := func(reason string) readmodel.Restore { return readmodel.Restore{Position: 7, Reason: reason} }
	for _, c := range []struct {
		name  string
		given []readmodel.Event
		when  readmodel.Command
		then  []readmodel.Event
		err   error
	}{
		{"an event is left out", nil, skip(7, "a fault of the fold"), []readmodel.Event{skipped(7)}, nil},
		{"twice is once", []readmodel.Event{skipped(7)}, skip(7, "another reason"), nil, nil},
		{"without a reason", nil, skip(7, " \n"), nil, readmodel.ErrReasonMissing},
		{"at length", nil, skip(7, strings.Repeat("é", readmodel.ReasonCharactersMax+1)), nil, readmodel.ErrReasonTooLong},
		{"too many", full, skip(5000, "one more"), nil, readmodel.ErrSkippedMax},
		{"taken in again", []readmodel.Event{skipped(7)}, restore("the fold was mended"), []readmodel.Event{restored(7)}, nil},
		{"taken in though never left out", []readmodel.Event{skipped(8)}, restore("the fold was mended"), nil, readmodel.ErrNotSkipped},
		{"taken in twice", []readmodel.Event{skipped(7), restored(7)}, restore("the fold was mended"), nil, readmodel.ErrNotSkipped},
		{"taken in without a reason", []readmodel.Event{skipped(7)}, restore(""), nil, readmodel.ErrReasonMissing},
		{"left out once more", []readmodel.Event{skipped(7), restored(7)}, skip(7, "a fault of the fold"), []readmodel.Event{skipped(7)}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := readmodel.Decide(fold(c.given...), c.when)
			if !errors.Is(err, c.err) || !reflect.DeepEqual(got, c.then) {
				t.Errorf("decided %v, %v; want %v, %v", got, err, c.then, c.err)
			}
		})
	}
}

// What is left out is what was skipped last and not restored since, in whatever order
// decisions come.
func TestWhatIsLeftOut(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var s readmodel.State
		want := map[int64]bool{}
		for range rapid.IntRange(1, 40).Draw(t, "decisions") {
			position := rapid.Int64Range(1, 5).Draw(t, "position")
			var c readmodel.Command = readmodel.Restore{Position: position, Reason: "mended"}
			skips := rapid.Bool().Draw(t, "skip")
			if skips {
				c = skip(position, "a fault")
			}
			before := len(s.Skipped)
			events, err := readmodel.Decide(s, c)
			if err != nil && (skips || want[position]) {
				t.Fatalf("refused: %v", err)
			}
			old := s
			for _, e := range events {
				s = readmodel.Evolve(s, e)
				if readmodel.Concerns(e) != stream {
					t.Fatalf("it concerns %q", readmodel.Concerns(e))
				}
			}
			if len(old.Skipped) != before {
				t.Fatal("a state that was had changed")
			}
			if want[position] = skips; !skips {
				delete(want, position)
			}
			if len(s.Skipped) != len(want) {
				t.Fatalf("%d are left out, want %d", len(s.Skipped), len(want))
			}
			for p := range want {
				if s.Skipped[p].Position != p {
					t.Fatalf("%d is not left out", p)
				}
			}
		}
	})
}
