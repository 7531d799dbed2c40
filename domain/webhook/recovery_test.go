package webhook_test

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tender/domain/webhook"
)

const (
	recoveryID = "whr_01hzy3v7q8e4xk2m9c5b7d6f0b"
	laterID    = "whr_01hzy3v7q8e4xk2m9c5b7d6f0c"
)

func TestRecoveryOfAnEndpoint(t *testing.T) {
	t.Parallel()
	start, started := webhook.StartRecovery{RecoveryID: recoveryID}, webhook.EndpointRecoveryStarted{RecoveryID: recoveryID}
	end, ended := webhook.EndRecovery{RecoveryID: recoveryID}, webhook.EndpointRecoveryEnded{RecoveryID: recoveryID}
	later, laterStarted := webhook.StartRecovery{RecoveryID: laterID}, webhook.EndpointRecoveryStarted{RecoveryID: laterID}
	created := webhook.EndpointCreated{URL: url, Events: []string{webhook.AllTypes}, SecretRef: "vlt_1"}
	disabled := webhook.EndpointDisabled{Reason: webhook.DisabledGone}
	for _, c := range []struct {
		name    string
		given   []webhook.Event
		when    webhook.EndpointCommand
		then    []webhook.Event
		refused error
	}{
		{"start", []webhook.Event{created}, start, []webhook.Event{started}, nil},
		{"start while paused", []webhook.Event{created, webhook.EndpointPaused{}}, start, []webhook.Event{started}, nil},
		{"start while disabled", []webhook.Event{created, disabled}, start, nil, webhook.ErrEndpointDisabled},
		{"start after its end", []webhook.Event{created, webhook.EndpointDeleted{}}, start, nil, webhook.ErrEndpointNotFound},
		{"start of what there is not", nil, start, nil, webhook.ErrEndpointNotFound},
		{"start beside another", []webhook.Event{created, started}, later, nil, webhook.ErrRecoveryRunning},
		{"start after another", []webhook.Event{created, started, ended}, later, []webhook.Event{laterStarted}, nil},
		{"end", []webhook.Event{created, started}, end, []webhook.Event{ended}, nil},
		{"end twice", []webhook.Event{created, started, ended}, end, nil, nil},
		{"end another", []webhook.Event{created, started, ended, laterStarted}, end, nil, nil},
		{"end of what ended with the endpoint", []webhook.Event{created, started, disabled, webhook.EndpointResumed{}}, end, nil, nil},
		{"start once it is enabled again", []webhook.Event{created, started, disabled, webhook.EndpointResumed{}}, later, []webhook.Event{laterStarted}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var s webhook.Endpoint
			for _, e := range c.given {
				s = webhook.EvolveEndpoint(s, endpointID, merchantID, time.Time{}, e)
			}
			events, err := webhook.DecideEndpoint(s, c.when)
			if !errors.Is(err, c.refused) || (err == nil) != (c.refused == nil) || !reflect.DeepEqual(events, c.then) {
				t.Fatalf("got %#v, %v; want %#v, %v", events, err, c.then, c.refused)
			}
		})
	}
}

func TestRecoveryOfADelivery(t *testing.T) {
	t.Parallel()
	by := func(id string) webhook.Resent {
		return webhook.Resent{EndpointID: endpointID, EventID: eventID, EventType: webhook.PaymentCaptured, RecoveryID: id}
	}
	exhausted, delivered := webhook.Exhausted{Attempts: 10}, webhook.Delivered{}
	afterTen := by(recoveryID)
	afterTen.Attempts = 10
	running := webhook.Endpoint{ID: endpointID, Status: webhook.StatusEnabled, Recovery: recoveryID}
	over := webhook.Endpoint{ID: endpointID, Status: webhook.StatusEnabled}
	disabled := webhook.Endpoint{ID: endpointID, Status: webhook.StatusDisabled}
	deleted := webhook.Endpoint{ID: endpointID, Status: webhook.StatusEnabled, Deleted: true}
	for _, c := range []struct {
		name     string
		given    []webhook.Event
		endpoint webhook.Endpoint
		pending  bool
		then     []webhook.Event
		refused  error
	}{
		{"never made", nil, running, false, []webhook.Event{by(recoveryID)}, nil},
		{"given up", []webhook.Event{exhausted}, running, false, []webhook.Event{afterTen}, nil},
		{"pending", nil, running, true, nil, webhook.ErrDeliveryPending},
		{"arrived", []webhook.Event{delivered}, running, false, nil, nil},
		{"arrived late", []webhook.Event{exhausted, delivered}, running, false, nil, nil},
		{"sent again by it already", []webhook.Event{exhausted, by(recoveryID)}, running, true, nil, nil},
		{"and given up again", []webhook.Event{by(recoveryID), exhausted}, running, false, nil, nil},
		{"and sent again by hand since", []webhook.Event{by(recoveryID), exhausted, by(""), exhausted}, running, false, nil, nil},
		{"sent again by an earlier one", []webhook.Event{by(laterID), exhausted}, running, false, []webhook.Event{afterTen}, nil},
		{"once it is over", []webhook.Event{exhausted}, over, false, nil, webhook.ErrRecoveryOver},
		{"once the endpoint is disabled", []webhook.Event{exhausted}, disabled, false, nil, webhook.ErrEndpointDisabled},
		{"once the endpoint is deleted", []webhook.Event{exhausted}, deleted, false, nil, webhook.ErrEndpointDeleted},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var s webhook.Delivery
			for _, e := range c.given {
				s = webhook.EvolveDelivery(s, deliveryID, e)
			}
			events, err := webhook.DecideDelivery(s, webhook.Resend{Of: by(recoveryID), Endpoint: c.endpoint, Pending: c.pending})
			if !errors.Is(err, c.refused) || (err == nil) != (c.refused == nil) || !reflect.DeepEqual(events, c.then) {
				t.Fatalf("got %#v, %v; want %#v, %v", events, err, c.then, c.refused)
			}
		})
	}
}

// Whatever happens to an endpoint, its recoveries and one of its deliveries: there is
// one recovery at a time, each sends the delivery again once at most, and only while
// it runs.
func TestRecoveriesTakeTurns(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var endpoint webhook.Endpoint
		var delivery webhook.Delivery
		happen := func(events []webhook.Event, err error) []webhook.Event {
			for _, e := range events {
				endpoint = webhook.EvolveEndpoint(endpoint, endpointID, merchantID, time.Time{}, e)
			}
			return events
		}
		happen([]webhook.Event{webhook.EndpointCreated{URL: url, Events: []string{webhook.AllTypes}}}, nil)
		ids := []string{recoveryID, laterID}
		running, sent := "", map[string]int{}
		draw := func(t *rapid.T) string { return rapid.SampledFrom(ids[max(0, len(ids)-3):]).Draw(t, "recovery") }
		status := func(s webhook.Status) func(*rapid.T) {
			return func(*rapid.T) {
				happen(webhook.DecideEndpoint(endpoint, webhook.UpdateEndpoint{Status: &s}))
				if s == webhook.StatusDisabled {
					running = ""
				}
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"start": func(t *rapid.T) {
				by := fmt.Sprintf("%s_%d", recoveryID, len(ids)) // an id is used once
				ids = append(ids, by)
				if len(happen(webhook.DecideEndpoint(endpoint, webhook.StartRecovery{RecoveryID: by}))) > 0 {
					if running != "" {
						t.Fatalf("%s begins beside %s", by, running)
					}
					running = by
				}
			},
			"end": func(t *rapid.T) {
				by := draw(t)
				if happen(webhook.DecideEndpoint(endpoint, webhook.EndRecovery{RecoveryID: by})); by == running {
					running = ""
				}
			},
			"enable":  status(webhook.StatusEnabled),
			"pause":   status(webhook.StatusPaused),
			"disable": status(webhook.StatusDisabled),
			"give up": func(*rapid.T) { delivery = webhook.EvolveDelivery(delivery, deliveryID, webhook.Exhausted{}) },
			"arrive":  func(*rapid.T) { delivery = webhook.EvolveDelivery(delivery, deliveryID, webhook.Delivered{}) },
			"resend": func(t *rapid.T) {
				by := draw(t)
				events, _ := webhook.DecideDelivery(delivery, webhook.Resend{Of: webhook.Resent{RecoveryID: by}, Endpoint: endpoint, Pending: !delivery.Ended()})
				for _, e := range events {
					delivery = webhook.EvolveDelivery(delivery, deliveryID, e)
					if sent[by]++; sent[by] > 1 || by != running {
						t.Fatalf("%s sends it again %d times while %q runs", by, sent[by], running)
					}
				}
			},
			"": func(t *rapid.T) {
				if endpoint.Recovery != running {
					t.Fatalf("the endpoint says that %q runs, not %q", endpoint.Recovery, running)
				}
			},
		})
	})
}
