package recovery_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"tender/domain/id"
	"tender/domain/recovery"
)

var commandID = uuid.MustParse("01900000-0000-7000-8000-000000000001")

func TestDecide(t *testing.T) {
	t.Parallel()
	const may, june = "2026-05-01T00:00:00Z", "2026-06-01T00:00:00Z"
	start := func(since, until string) recovery.Start {
		return recovery.Start{ID: commandID, EndpointID: endpointID, Since: at(since), Until: at(until), Now: at("2026-07-01T00:00:00Z")}
	}
	open := func(since string) recovery.Start {
		c := start(since, june)
		c.Until = time.Time{}
		return c
	}
	started := recovery.Started{EndpointID: endpointID, Since: at(may), Until: at(june)}
	sums := recovery.Sums{Examined: 120, Resent: 7}
	completed := recovery.Completed{Examined: 120, Resent: 7}
	stop := recovery.Stop{Reason: recovery.StoppedDeleted, Sums: sums}
	stopped := recovery.Stopped{Reason: recovery.StoppedDeleted, Examined: 120, Resent: 7}
	plus := time.FixedZone("", 2*60*60)

	for _, c := range []struct {
		name    string
		given   []recovery.Event
		when    recovery.Command
		then    []recovery.Event
		refused error
	}{
		{"start", nil, start(may, june), []recovery.Event{started}, nil},
		{"start in UTC", nil, recovery.Start{EndpointID: endpointID, Since: at(may).In(plus), Until: at(june).In(plus)}, []recovery.Event{started}, nil},
		{"start twice", []recovery.Event{started}, start(may, june), nil, recovery.ErrExists},
		{"start over no time", nil, start(may, may), nil, recovery.ErrRangeEmpty},
		{"start over time that runs backwards", nil, start(june, may), nil, recovery.ErrRangeEmpty},
		{"start over a year and a day", nil, start("2027-01-01T00:00:00Z", "2028-01-02T00:00:00Z"), []recovery.Event{
			recovery.Started{EndpointID: endpointID, Since: at("2027-01-01T00:00:00Z"), Until: at("2028-01-02T00:00:00Z")},
		}, nil},
		{"start over more", nil, start("2027-01-01T00:00:00Z", "2028-01-02T00:00:00.001Z"), nil, recovery.ErrRangeTooBig},
		{"start too early", nil, start("1999-12-31T23:59:59.999Z", "2000-01-02T00:00:00Z"), nil, recovery.ErrRangeTooFar},
		{"start without an end", nil, open(may), []recovery.Event{recovery.Started{EndpointID: endpointID, Since: at(may)}}, nil},
		{"start at the present without an end", nil, open("2026-07-01T00:00:00Z"), nil, recovery.ErrRangeEmpty},
		{"start long ago without an end", nil, open("2025-06-29T23:59:59Z"), nil, recovery.ErrRangeTooBig},
		{"start ahead, where test clocks are", nil, start("2027-01-01T00:00:00Z", "2027-02-01T00:00:00Z"), []recovery.Event{
			recovery.Started{EndpointID: endpointID, Since: at("2027-01-01T00:00:00Z"), Until: at("2027-02-01T00:00:00Z")},
		}, nil},
		{"complete", []recovery.Event{started}, recovery.Complete{Sums: sums}, []recovery.Event{completed}, nil},
		{"complete twice", []recovery.Event{started, completed}, recovery.Complete{Sums: sums}, nil, nil},
		{"complete after it was stopped", []recovery.Event{started, stopped}, recovery.Complete{Sums: sums}, nil, nil},
		{"stop", []recovery.Event{started}, stop, []recovery.Event{stopped}, nil},
		{"stop twice", []recovery.Event{started, stopped}, stop, nil, nil},
		{"stop after it was completed", []recovery.Event{started, completed}, stop, nil, nil},
		{"complete what there is not", nil, recovery.Complete{}, nil, recovery.ErrNotFound},
		{"stop what there is not", nil, stop, nil, recovery.ErrNotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			events, err := recovery.Decide(fold(c.given...), c.when)
			if !errors.Is(err, c.refused) || (err == nil) != (c.refused == nil) || !reflect.DeepEqual(events, c.then) {
				t.Fatalf("got %#v, %v; want %#v, %v", events, err, c.then, c.refused)
			}
		})
	}
}

func TestIDs(t *testing.T) {
	t.Parallel()
	got := recovery.Start{ID: commandID}.RecoveryID()
	if got != recoveryID || !id.Valid(id.Recovery, got) {
		t.Errorf("the recovery's id is %s", got)
	}
	// Pinned: whoever goes on with a recovery must derive the same commands.
	const deliveryID = "whd_7a7xnvwewa39pypbeh8nfjfc0q"
	if got := recovery.CommandID(recoveryID, deliveryID).String(); got != "c49c106a-4fbb-5fc3-b713-d1498f1ab5a0" {
		t.Errorf("the command's id is %s", got)
	}
	if recovery.CommandID(recoveryID, deliveryID) == recovery.CommandID(recoveryID+"x", deliveryID) {
		t.Error("two recoveries have one command")
	}
}

// Whatever is asked, in whatever order: a recovery is started once and ends once.
func TestARecoveryEndsOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var s recovery.State
		var said []recovery.Event
		ask := func(c recovery.Command) {
			events, err := recovery.Decide(s, c)
			if err != nil && len(events) > 0 {
				t.Fatalf("%#v is refused and happens", c)
			}
			for _, e := range events {
				s = recovery.Evolve(s, recoveryID, e)
				said = append(said, e)
			}
		}
		instant := func(label string) time.Time {
			return at("2026-01-01T00:00:00Z").Add(time.Duration(rapid.Int64Range(-int64(recovery.RangeMax), int64(recovery.RangeMax)).Draw(t, label)))
		}
		t.Repeat(map[string]func(*rapid.T){
			"start": func(*rapid.T) {
				c := recovery.Start{ID: commandID, EndpointID: endpointID, Since: instant("since"), Until: instant("until")}
				before := s
				ask(c)
				begun := !before.Exists() && s.Exists()
				if span := c.Until.Sub(c.Since); begun != (!before.Exists() && span > 0 && span <= recovery.RangeMax) {
					t.Fatalf("over %s it is started: %t", span, begun)
				}
			},
			"complete": func(*rapid.T) { ask(recovery.Complete{}) },
			"stop":     func(*rapid.T) { ask(recovery.Stop{Reason: recovery.StoppedDisabled}) },
			"": func(t *rapid.T) {
				if len(said) > 2 || s.Exists() != (len(said) > 0) || (len(said) == 2) != (s.Exists() && s.Status != recovery.StatusRunning) {
					t.Fatalf("it is %q after %#v", s.Status, said)
				}
			},
		})
	})
}
