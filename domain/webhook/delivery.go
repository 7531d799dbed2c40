package webhook

import (
	"fmt"
	"time"

	"tender/domain"
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

// Resend asks for a delivery to be sent once more.
type Resend struct {
	Of       Resent
	Endpoint Endpoint // as it is now
	// Pending: the delivery is on its way already. Its own stream alone can't tell,
	// because a delivery also ends with its endpoint.
	Pending bool
}

// Refusals of what is asked of a delivery.
var (
	ErrEndpointDisabled = domain.Refuse("endpoint_disabled", "The webhook endpoint is disabled, so that nothing is sent to it. Enable it first.")
	ErrEndpointDeleted  = domain.Refuse("endpoint_disabled", "The webhook endpoint was deleted, so that nothing is sent to it any more.")
	// ErrDeliveryPending: time lifts it.
	ErrDeliveryPending = domain.RefuseForNow("delivery_pending", "The delivery is pending: it is sent by itself.")
)

func (Resend) deliveryCommand()          {}
func (RecordDelivered) deliveryCommand() {}
func (RecordExhausted) deliveryCommand() {}

// DecideDelivery returns what happens when an outcome is recorded: nothing where
// a delivery has arrived already, or was given up before; an arrival after it was
// given up counts. What a worker of an earlier schedule gives up doesn't end the
// present one.
func DecideDelivery(s Delivery, c DeliveryCommand) ([]Event, error) {
	switch c := c.(type) {
	case RecordDelivered:
		if s.Delivered {
			return nil, nil
		}
		return []Event{Delivered(c)}, nil
	case RecordExhausted:
		if s.Ended() || c.Attempts <= s.Attempts {
			return nil, nil
		}
		return []Event{Exhausted(c)}, nil
	case Resend:
		return s.resend(c)
	default:
		panic(fmt.Sprintf("webhook: %T is not handled", c))
	}
}

// resend does once for a recovery what was asked for, however often it is asked, and
// leaves alone what has arrived meanwhile. A merchant may ask for that, too.
func (s Delivery) resend(c Resend) ([]Event, error) {
	by := c.Of.RecoveryID
	if by != "" && (s.Recovery == by || s.Delivered) {
		return nil, nil
	}
	switch {
	case c.Endpoint.Deleted:
		return nil, ErrEndpointDeleted
	case c.Endpoint.Status == StatusDisabled:
		return nil, ErrEndpointDisabled
	case by != "" && c.Endpoint.Recovery != by:
		return nil, ErrRecoveryOver
	case c.Pending:
		return nil, ErrDeliveryPending
	}
	// Tries are counted where they are written down, which may be later than the outcome.
	of := c.Of
	of.Attempts = max(of.Attempts, s.Attempts, s.Made)
	return []Event{of}, nil
}

// EvolveDelivery returns the state after e. It panics on an event that is not a
// delivery's, or that this build was compiled with and forgot to handle.
func EvolveDelivery(s Delivery, id string, e Event) Delivery {
	switch e := e.(type) {
	case Delivered:
		s.ID, s.EndpointID, s.EventID, s.Delivered = id, e.EndpointID, e.EventID, true
		s.Made = max(s.Made, e.Attempts)
	case Exhausted:
		s.ID, s.EndpointID, s.EventID, s.Exhausted = id, e.EndpointID, e.EventID, true
		s.Made = max(s.Made, e.Attempts)
	case Resent:
		next := Delivery{ID: id, EndpointID: e.EndpointID, EventID: e.EventID, Attempts: e.Attempts, Made: max(s.Made, e.Attempts), Recovery: s.Recovery}
		if e.RecoveryID != "" {
			next.Recovery = e.RecoveryID
		}
		return next
	case EndpointCreated, EndpointUpdated, EndpointPaused, EndpointResumed, EndpointFailing, EndpointHealed, EndpointDisabled,
		EndpointSecretRotated, EndpointTested, EndpointDeleted, EndpointRecoveryStarted, EndpointRecoveryEnded:
		panic(fmt.Sprintf("webhook: %T is not a delivery's", e))
	default:
		panic(fmt.Sprintf("webhook: %T is not handled", e))
	}
	return s
}
