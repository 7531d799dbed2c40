package webhook_test

import (
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

	for _, c := range []struct {
		name  string
		given []webhook.Event
		when  webhook.DeliveryCommand
		then  []webhook.Event
	}{
		{"delivered", nil, record, []webhook.Event{delivered}},
		{"delivered twice, as at-least-once may", []webhook.Event{delivered}, record, nil},
		{"exhausted", nil, giveUp, []webhook.Event{exhausted}},
		{"exhausted twice", []webhook.Event{exhausted}, giveUp, nil},
		{"exhausted after it arrived", []webhook.Event{delivered}, giveUp, nil},
		{"delivered after it was given up", []webhook.Event{exhausted}, record, []webhook.Event{delivered}},
		{"delivered twice after it was given up", []webhook.Event{exhausted, delivered}, record, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var s webhook.Delivery
			for _, e := range c.given {
				s = webhook.EvolveDelivery(s, deliveryID, e)
			}
			if s.Exists() != (len(c.given) > 0) {
				t.Fatalf("a delivery exists once it has ended: %+v", s)
			}
			events, err := webhook.DecideDelivery(s, c.when)
			if err != nil || !reflect.DeepEqual(events, c.then) {
				t.Fatalf("got %#v, %v; want %#v", events, err, c.then)
			}
		})
	}
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
