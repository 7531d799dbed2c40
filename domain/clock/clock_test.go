package clock_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"tender/domain/clock"
	"tender/domain/id"
)

const clockID = "clk_01j0000000e008000000000001"

var commandID = uuid.MustParse("01900000-0000-7000-8000-000000000001")

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		panic(err)
	}
	return t
}

func fold(events ...clock.Event) clock.State {
	var s clock.State
	for _, e := range events {
		s = clock.Evolve(s, clockID, e)
	}
	return s
}

func TestDecide(t *testing.T) {
	t.Parallel()
	const january, march = "2026-01-01T00:00:00Z", "2026-03-01T00:00:00Z"
	made := clock.Created{Name: "a year", FrozenTime: at(january)}
	create := func(frozen string) clock.Create {
		return clock.Create{ID: commandID, Name: "a year", FrozenTime: at(frozen)}
	}
	advance := func(to string) clock.Advance { return clock.Advance{To: at(to)} }
	step := func(to string) clock.Step { return clock.Step{To: at(to)} }
	started, finished := clock.AdvanceStarted{To: at(march)}, clock.AdvanceFinished{}
	stepped := func(to string) clock.Stepped { return clock.Stepped{To: at(to)} }
	plus := time.FixedZone("", 2*60*60)
	late := fold(clock.Created{FrozenTime: at("2096-01-01T00:00:00Z")})

	for _, c := range []struct {
		name    string
		given   clock.State
		when    clock.Command
		then    []clock.Event
		refused error
	}{
		{"create", clock.State{}, create(january), []clock.Event{made}, nil},
		{"create in UTC", clock.State{}, clock.Create{FrozenTime: at(january).In(plus)}, []clock.Event{clock.Created{FrozenTime: at(january)}}, nil},
		{"create twice", fold(made), create(january), nil, clock.ErrExists},
		{"create anew what was deleted", fold(made, clock.Deleted{}), create(january), nil, clock.ErrExists},
		{"create at the first instant", clock.State{}, clock.Create{FrozenTime: clock.TimeMin}, []clock.Event{clock.Created{FrozenTime: clock.TimeMin}}, nil},
		{"create at the last instant", clock.State{}, clock.Create{FrozenTime: clock.TimeMax}, []clock.Event{clock.Created{FrozenTime: clock.TimeMax}}, nil},
		{"create too early", clock.State{}, create("1999-12-31T23:59:59.999Z"), nil, clock.ErrFrozenTimeInvalid},
		{"create too late", clock.State{}, create("2100-01-01T00:00:00.001Z"), nil, clock.ErrFrozenTimeInvalid},
		{"create at no time", clock.State{}, clock.Create{}, nil, clock.ErrFrozenTimeInvalid},
		{"create between two milliseconds", clock.State{}, create("2026-01-01T00:00:00.0001Z"), nil, clock.ErrFrozenTimeInvalid},
		{"create with a name", clock.State{}, clock.Create{Name: strings.Repeat("ü", clock.NameRunesMax), FrozenTime: at(january)},
			[]clock.Event{clock.Created{Name: strings.Repeat("ü", clock.NameRunesMax), FrozenTime: at(january)}}, nil},
		{"create with a long name", clock.State{}, clock.Create{Name: strings.Repeat("x", clock.NameRunesMax+1), FrozenTime: at(january)}, nil, clock.ErrNameTooLong},

		{"advance", fold(made), advance(march), []clock.Event{started}, nil},
		{"advance in UTC", fold(made), clock.Advance{To: at(march).In(plus)}, []clock.Event{started}, nil},
		{"advance by a millisecond", fold(made), advance("2026-01-01T00:00:00.001Z"), []clock.Event{clock.AdvanceStarted{To: at("2026-01-01T00:00:00.001Z")}}, nil},
		{"advance by nothing", fold(made), advance(january), nil, clock.ErrBackwards},
		{"advance backwards", fold(made), advance("2025-12-31T23:59:59Z"), nil, clock.ErrBackwards},
		{"advance by five years", fold(made), advance("2031-01-01T00:00:00Z"), []clock.Event{clock.AdvanceStarted{To: at("2031-01-01T00:00:00Z")}}, nil},
		{"advance by more", fold(made), advance("2031-01-01T00:00:00.001Z"), nil, clock.ErrTooFar},
		{"advance to the end of time", late, clock.Advance{To: clock.TimeMax}, []clock.Event{clock.AdvanceStarted{To: clock.TimeMax}}, nil},
		{"advance beyond it", late, advance("2100-06-01T00:00:00Z"), nil, clock.ErrToInvalid},
		{"advance between two milliseconds", fold(made), advance("2026-02-01T00:00:00.0001Z"), nil, clock.ErrToInvalid},
		{"advance while advancing", fold(made, started), advance(march), nil, clock.ErrAdvancing},
		{"advance once more", fold(made, started, stepped(march), finished), advance("2026-04-01T00:00:00Z"), []clock.Event{clock.AdvanceStarted{To: at("2026-04-01T00:00:00Z")}}, nil},
		{"advance what does not exist", clock.State{}, advance(march), nil, clock.ErrNotFound},
		{"advance what was deleted", fold(made, clock.Deleted{}), advance(march), nil, clock.ErrNotFound},

		{"step", fold(made, started), step("2026-02-01T00:00:00Z"), []clock.Event{stepped("2026-02-01T00:00:00Z")}, nil},
		{"step in UTC", fold(made, started), clock.Step{To: at("2026-02-01T00:00:00Z").In(plus)}, []clock.Event{stepped("2026-02-01T00:00:00Z")}, nil},
		{"step to the end", fold(made, started), step(march), []clock.Event{stepped(march)}, nil},
		{"step beyond", fold(made, started), step("2026-03-01T00:00:00.001Z"), nil, clock.ErrOutOfStep},
		{"step between two milliseconds", fold(made, started), step("2026-02-01T00:00:00.0001Z"), []clock.Event{stepped("2026-02-01T00:00:00.001Z")}, nil},
		{"step to where it stands", fold(made, started, stepped("2026-02-01T00:00:00Z")), step("2026-02-01T00:00:00Z"), nil, nil},
		{"step to what fell due before", fold(made, started), step("2025-02-01T00:00:00Z"), nil, nil},
		{"step of a clock that stands", fold(made), step("2026-02-01T00:00:00Z"), nil, clock.ErrOutOfStep},
		{"step of what does not exist", clock.State{}, step(march), nil, clock.ErrNotFound},

		{"finish", fold(made, started), clock.Finish{}, []clock.Event{stepped(march), finished}, nil},
		{"finish at the end", fold(made, started, stepped(march)), clock.Finish{}, []clock.Event{finished}, nil},
		{"finish twice", fold(made, started, stepped(march), finished), clock.Finish{}, nil, nil},
		{"finish what does not exist", clock.State{}, clock.Finish{}, nil, clock.ErrNotFound},

		{"delete", fold(made), clock.Delete{}, []clock.Event{clock.Deleted{}}, nil},
		{"delete while advancing", fold(made, started), clock.Delete{}, nil, clock.ErrAdvancing},
		{"delete twice", fold(made, clock.Deleted{}), clock.Delete{}, nil, clock.ErrNotFound},
		{"delete what does not exist", clock.State{}, clock.Delete{}, nil, clock.ErrNotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := clock.Decide(c.given, c.when)
			if !errors.Is(err, c.refused) || err != nil && got != nil {
				t.Fatalf("the answer is %v, %v; want %v", got, err, c.refused)
			}
			if len(got) != len(c.then) || len(got) > 0 && !reflect.DeepEqual(got, c.then) {
				t.Fatalf("what happens is\n%#v, not\n%#v", got, c.then)
			}
		})
	}
	if got := create(january).ClockID(); got != clockID || !id.Valid(id.Clock, got) {
		t.Errorf("its id is %s", got)
	}
}

// Whatever is asked: a clock never goes back, nor beyond where it was sent, and
// goes there whole.
func TestAClockGoesForward(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := fold(clock.Created{FrozenTime: at("2026-01-01T00:00:00Z")})
		instant := func(label string) time.Time {
			return s.FrozenTime.Add(rapid.SampledFrom([]time.Duration{
				-time.Hour, -1, 0, 1, time.Millisecond, time.Hour, 40 * 24 * time.Hour, 6 * 365 * 24 * time.Hour,
			}).Draw(t, label))
		}
		var sentTo time.Time // zero: nowhere
		deleted := false
		ask := func(c clock.Command) {
			events, err := clock.Decide(s, c)
			if deleted && !errors.Is(err, clock.ErrNotFound) {
				t.Fatalf("%#v of a clock that was deleted is answered with %v, %v", c, events, err)
			}
			for _, e := range events {
				before := s
				s = clock.Evolve(s, clockID, e)
				switch e := e.(type) {
				case clock.AdvanceStarted:
					if !sentTo.IsZero() || !e.To.After(before.FrozenTime) {
						t.Fatalf("it is sent to %s", e.To)
					}
					sentTo = e.To
				case clock.Stepped:
					if !e.To.After(before.FrozenTime) || e.To.After(sentTo) {
						t.Fatalf("from %s, sent to %s, it steps to %s", before.FrozenTime, sentTo, e.To)
					}
				case clock.AdvanceFinished:
					if !s.FrozenTime.Equal(sentTo) {
						t.Fatalf("it was sent to %s and stands at %s", sentTo, s.FrozenTime)
					}
					sentTo = time.Time{}
				case clock.Deleted:
					deleted = true
				}
			}
			if again, _ := clock.Decide(s, c); len(events) > 0 && len(again) > 0 {
				t.Fatalf("%#v happens again: %v", c, again)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"advance": func(*rapid.T) { ask(clock.Advance{To: instant("to")}) },
			"step":    func(*rapid.T) { ask(clock.Step{To: instant("to")}) },
			"finish":  func(*rapid.T) { ask(clock.Finish{}) },
			"delete": func(t *rapid.T) {
				if rapid.IntRange(0, 9).Draw(t, "rarely") > 0 {
					t.Skip("not now")
				}
				ask(clock.Delete{})
			},
			"": func(t *rapid.T) {
				want := clock.StatusReady
				if !sentTo.IsZero() {
					want = clock.StatusAdvancing
				}
				if s.Status() != want || deleted && want == clock.StatusAdvancing || !s.FrozenTime.Truncate(time.Millisecond).Equal(s.FrozenTime) {
					t.Fatalf("it is %s at %s", s.Status(), s.FrozenTime)
				}
			},
		})
	})
}
