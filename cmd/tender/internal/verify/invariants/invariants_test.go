package invariants_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"tender/cmd/tender/internal/verify/invariants"
	"tender/domain"
	"tender/domain/codec"
	"tender/domain/payment"
	"tender/eventstore"
)

const (
	merchantID = "mer_01hzy3v7q8e4xk2m9c5b7d6f0d"
	sessionID  = "ps_01hzy3v7q8e4xk2m9c5b7d6f0b"
	paymentID  = "pay_01hzy3v7q8e4xk2m9c5b7d6f0a"
)

var noon = time.Date(2026, time.May, 4, 12, 0, 0, 0, time.UTC)

// spoilt is a history that is right up to its last event, which breaks one predicate
// and no other; change, if any, spoils what the log says of that event beside it.
type spoilt struct {
	predicate string
	what      string
	stream    string
	events    []codec.Named
	change    func(*eventstore.Event)
	times     []time.Duration // of the events, after noon; of the last ones, nothing: the time of the one before
}

// told is a history as the log would hold it.
func told(s spoilt) []invariants.Event {
	at := noon
	all := make([]invariants.Event, len(s.events))
	for i, said := range s.events {
		if i < len(s.times) {
			at = noon.Add(s.times[i])
		}
		all[i] = invariants.Event{Said: said, Event: eventstore.Event{
			Position: int64(100 + 7*i), Stream: s.stream, Version: i + 1, Type: said.Type(), MerchantID: merchantID, At: at, Actor: domain.Actor{Kind: domain.ActorStaff, ID: person(said)},
		}}
	}
	if s.change != nil {
		s.change(&all[len(all)-1].Event)
	}
	return all
}

// person is who has said what an event holds.
func person(said codec.Named) string {
	switch e := said.(type) {
	case payment.ResolutionProposed:
		return e.By
	case payment.ResolutionConfirmed:
		return e.By
	case payment.ResolutionRejected:
		return e.By
	}
	return ""
}

// Each predicate is broken by a history that breaks no other, and the position that
// is named is that of the event which breaks it.
func TestEachPredicateIsFoundBroken(t *testing.T) {
	t.Parallel()
	tried := map[string]bool{}
	for _, c := range slices.Concat(anySpoilt, paymentsSpoilt, resolutionsSpoilt, sessionsSpoilt, mandatesSpoilt, subscriptionsSpoilt, othersSpoilt) {
		tried[c.predicate] = true
		t.Run(fmt.Sprintf("%s/%s", c.predicate, c.what), func(t *testing.T) {
			t.Parallel()
			events := told(c)
			stream := invariants.NewStream(c.stream)
			for i, e := range events {
				found := stream.Add(e)
				last := i == len(events)-1
				switch {
				case !last && len(found) > 0:
					t.Fatalf("what comes before is wrong already: %v", found)
				case last && (len(found) != 1 || found[0].Name != c.predicate || found[0].Position != e.Position || found[0].Version != e.Version || found[0].Detail == ""):
					t.Fatalf("found is %v", found)
				}
				if again := len(found); last && again > 0 {
					e.Version++
					for _, more := range stream.Add(e) {
						if more.Name == c.predicate {
							t.Errorf("it is told again: %v", more)
						}
					}
				}
			}
		})
	}
	for _, p := range invariants.All() {
		if !tried[p.Name] {
			t.Errorf("no history breaks %s", p.Name)
		}
		if p.Says == "" || p.Says[len(p.Says)-1] != '.' {
			t.Errorf("%s says no sentence: %q", p.Name, p.Says)
		}
	}
}
