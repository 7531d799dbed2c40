package webhook_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"tender/domain/id"
	"tender/domain/webhook"
)

const (
	eventID    = "evt_01hzy3v7q8e4xk2m9c5b7d6f0c"
	deliveryID = "whd_7a7xnvwewa39pypbeh8nfjfc0q"
)

func TestDelivery(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	record := webhook.RecordDelivered{EndpointID: endpointID, EventID: eventID, Attempts: 2, Status: 204, DeliveredAt: at}
	delivered := webhook.Delivered{EndpointID: endpointID, EventID: eventID, Attempts: 2, Status: 204, DeliveredAt: at}
	giveUp := webhook.RecordExhausted{EndpointID: endpointID, EventID: eventID, Attempts: 10, Failure: "refused", ExhaustedAt: at}
	exhausted := webhook.Exhausted{EndpointID: endpointID, EventID: eventID, Attempts: 10, Failure: "refused", ExhaustedAt: at}

	resent := webhook.Resent{EndpointID: endpointID, EventID: eventID, EventType: webhook.PaymentCaptured, Source: "pay_1", SourceVersion: 4, EventAt: at, Attempts: 10}
	to := func(e webhook.Endpoint) webhook.Resend { return webhook.Resend{Of: resent, Endpoint: e} }
	enabled := webhook.Endpoint{ID: endpointID, Status: webhook.StatusEnabled}
	paused := webhook.Endpoint{ID: endpointID, Status: webhook.StatusPaused}
	disabled := webhook.Endpoint{ID: endpointID, Status: webhook.StatusDisabled}
	deleted := webhook.Endpoint{ID: endpointID, Status: webhook.StatusDisabled, Deleted: true}
	unwritten, counted := resent, resent
	unwritten.Attempts, counted.Attempts = 0, 2
	giveUpAgain, exhaustedAgain := giveUp, exhausted
	giveUpAgain.Attempts, exhaustedAgain.Attempts = 20, 20

	for _, c := range []struct {
		name    string
		given   []webhook.Event
		when    webhook.DeliveryCommand
		then    []webhook.Event
		refused error
	}{
		{"delivered", nil, record, []webhook.Event{delivered}, nil},
		{"delivered twice, as at-least-once may", []webhook.Event{delivered}, record, nil, nil},
		{"exhausted", nil, giveUp, []webhook.Event{exhausted}, nil},
		{"exhausted twice", []webhook.Event{exhausted}, giveUp, nil, nil},
		{"exhausted after it arrived", []webhook.Event{delivered}, giveUp, nil, nil},
		{"delivered after it was given up", []webhook.Event{exhausted}, record, []webhook.Event{delivered}, nil},
		{"delivered twice after it was given up", []webhook.Event{exhausted, delivered}, record, nil, nil},
		{"resent", []webhook.Event{exhausted}, to(enabled), []webhook.Event{resent}, nil},
		{"resent although it arrived", []webhook.Event{delivered}, to(enabled), []webhook.Event{resent}, nil},
		{"resent before its tries were written down", []webhook.Event{delivered}, webhook.Resend{Of: unwritten, Endpoint: enabled}, []webhook.Event{counted}, nil},
		{"resent without a history, because its endpoint was disabled", nil, to(enabled), []webhook.Event{resent}, nil},
		{"resent to what is paused: it waits", []webhook.Event{exhausted}, to(paused), []webhook.Event{resent}, nil},
		{"resent to what is disabled", []webhook.Event{exhausted}, to(disabled), nil, webhook.ErrEndpointDisabled},
		{"resent to what is deleted", []webhook.Event{exhausted}, to(deleted), nil, webhook.ErrEndpointDeleted},
		{"resent while it is pending", []webhook.Event{exhausted, resent}, webhook.Resend{Of: resent, Endpoint: enabled, Pending: true}, nil, webhook.ErrDeliveryPending},
		{"delivered once it was resent", []webhook.Event{exhausted, resent}, record, []webhook.Event{delivered}, nil},
		{"delivered once more", []webhook.Event{delivered, resent}, record, []webhook.Event{delivered}, nil},
		{"exhausted once more", []webhook.Event{exhausted, resent}, giveUpAgain, []webhook.Event{exhaustedAgain}, nil},
		{"exhausted by who came late", []webhook.Event{exhausted, resent}, giveUp, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var s webhook.Delivery
			for _, e := range c.given {
				s = webhook.EvolveDelivery(s, deliveryID, e)
			}
			_, again := last(c.given).(webhook.Resent)
			if s.Ended() != (len(c.given) > 0 && !again) {
				t.Fatalf("a delivery has ended until it is sent again: %+v", s)
			}
			events, err := webhook.DecideDelivery(s, c.when)
			if !errors.Is(err, c.refused) || (err == nil) != (c.refused == nil) || !reflect.DeepEqual(events, c.then) {
				t.Fatalf("got %#v, %v; want %#v, %v", events, err, c.then, c.refused)
			}
		})
	}
}

func last(events []webhook.Event) webhook.Event {
	if len(events) == 0 {
		return nil
	}
	return events[len(events)-1]
}

func TestDeliveryID(t *testing.T) {
	t.Parallel()
	got := webhook.DeliveryID(eventID, endpointID)
	// Pinned: a delivery that is derived again must be the one of before.
	if got != deliveryID {
		t.Errorf("the delivery's id is %s, want %s", got, deliveryID)
	}
	if !id.Valid(id.Delivery, got) {
		t.Errorf("%s is no delivery id", got)
	}
	if got == webhook.DeliveryID(eventID, endpointID+"x") || got == webhook.DeliveryID(eventID+"x", endpointID) {
		t.Error("other deliveries have other ids")
	}
}
