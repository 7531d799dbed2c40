package webhook

import (
	"fmt"
	"time"
)

// DeliveryCommand is an outcome of a delivery, to be recorded.
//
//sumtype:decl
type DeliveryCommand interface{ deliveryCommand() }

// RecordDelivered records that the endpoint accepted the event.
type RecordDelivered struct {
	EndpointID  string
	EventID     string
	Attempts    int
	Status      int // HTTP
	DeliveredAt time.Time
}

// RecordExhausted records that the last try has failed: with a status, with a
// class of error, or with both where an answer began well and broke off.
type RecordExhausted struct {
	EndpointID  string
	EventID     string
	Attempts    int
	Status      int    // HTTP
	Failure     string // class of error
	ExhaustedAt time.Time
}

func (RecordDelivered) deliveryCommand() {}
func (RecordExhausted) deliveryCommand() {}

// DecideDelivery returns what happens when an outcome is recorded: nothing where
// a delivery has arrived already, or was given up before; an arrival after it was
// given up counts.
func DecideDelivery(s Delivery, c DeliveryCommand) ([]Event, error) {
	switch c := c.(type) {
	case RecordDelivered:
		if s.Delivered {
			return nil, nil
		}
		return []Event{Delivered(c)}, nil
	case RecordExhausted:
		if s.Delivered || s.Exhausted {
			return nil, nil
		}
		return []Event{Exhausted(c)}, nil
	default:
		panic(fmt.Sprintf("webhook: %T is not handled", c))
	}
}

// EvolveDelivery returns the state after e. It panics on an event that is not a
// delivery's, or that this build was compiled with and forgot to handle.
func EvolveDelivery(s Delivery, id string, e Event) Delivery {
	switch e := e.(type) {
	case Delivered:
		return Delivery{ID: id, EndpointID: e.EndpointID, EventID: e.EventID, Delivered: true, Exhausted: s.Exhausted}
	case Exhausted:
		return Delivery{ID: id, EndpointID: e.EndpointID, EventID: e.EventID, Delivered: s.Delivered, Exhausted: true}
	case EndpointCreated, EndpointUpdated, EndpointPaused, EndpointResumed, EndpointDisabled, EndpointSecretRotated, EndpointDeleted:
		panic(fmt.Sprintf("webhook: %T is not a delivery's", e))
	default:
		panic(fmt.Sprintf("webhook: %T is not handled", e))
	}
}
