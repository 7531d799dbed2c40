package invariants

import (
	"crypto/sha256"
	"fmt"

	"github.com/google/uuid"

	"tender/domain/id"
	"tender/domain/recovery"
	"tender/domain/webhook"
)

// endpointNotes is what is noted of a webhook endpoint.
type endpointNotes struct {
	status   webhook.Status
	failing  bool
	recovery string
	seen     once // recoveries
	deleted  bool
}

func noteEndpoint(n *endpointNotes, e *Event) {
	switch d := e.Said.(type) {
	case webhook.EndpointCreated:
		n.status = webhook.StatusEnabled
	case webhook.EndpointUpdated:
		n.failing = n.failing && d.URL == ""
	case webhook.EndpointPaused:
		n.status, n.failing = webhook.StatusPaused, false
	case webhook.EndpointResumed:
		n.status, n.failing = webhook.StatusEnabled, false
	case webhook.EndpointDisabled:
		n.status, n.failing, n.recovery = webhook.StatusDisabled, false, ""
	case webhook.EndpointFailing:
		n.failing = true
	case webhook.EndpointHealed:
		n.failing = false
	case webhook.EndpointRecoveryStarted:
		n.recovery = d.RecoveryID
		n.seen.add(d.RecoveryID)
	case webhook.EndpointRecoveryEnded:
		n.recovery = ""
	case webhook.EndpointDeleted:
		n.deleted = true
	}
}

var endpointRules = []rule[endpointNotes]{
	when("endpoint-turns", "An endpoint is paused, resumed, disabled, fails and heals only if it is not so already, and fails only while it is enabled.", func(n *endpointNotes, e *Event) string {
		wrong := false
		switch e.Said.(type) {
		case webhook.EndpointPaused:
			wrong = n.status == webhook.StatusPaused
		case webhook.EndpointResumed:
			wrong = n.status == webhook.StatusEnabled
		case webhook.EndpointDisabled:
			wrong = n.status == webhook.StatusDisabled
		case webhook.EndpointFailing:
			wrong = n.failing || n.status != webhook.StatusEnabled
		case webhook.EndpointHealed:
			wrong = !n.failing
		}
		if wrong {
			return fmt.Sprintf("it is %s, and fails: %t", n.status, n.failing)
		}
		return ""
	}),
	when("endpoint-recoveries", "One recovery of an endpoint runs at a time, none while it is disabled, and what ends is the one that runs.", func(n *endpointNotes, e *Event) string {
		switch d := e.Said.(type) {
		case webhook.EndpointRecoveryStarted:
			switch {
			case n.recovery != "":
				return fmt.Sprintf("recovery %s runs", n.recovery)
			case n.status == webhook.StatusDisabled:
				return "the endpoint is disabled"
			}
			return n.seen.joins("recovery", d.RecoveryID)
		case webhook.EndpointRecoveryEnded:
			if d.RecoveryID != n.recovery {
				return fmt.Sprintf("recovery %s does not run", d.RecoveryID)
			}
		}
		return ""
	}),
	when("endpoint-deleted", "Nothing more happens to an endpoint that was deleted.", func(n *endpointNotes, _ *Event) string {
		if n.deleted {
			return "the endpoint was deleted"
		}
		return ""
	}),
}

// deliveryNotes is what is noted of a delivery.
type deliveryNotes struct {
	delivered, exhausted bool
	attempts             int // before the present schedule
}

func noteDelivery(n *deliveryNotes, e *Event) {
	switch d := e.Said.(type) {
	case webhook.Delivered:
		n.delivered = true
	case webhook.Exhausted:
		n.exhausted = true
	case webhook.Resent:
		n.delivered, n.exhausted, n.attempts = false, false, d.Attempts
	}
}

// deliveryOf returns the endpoint and the event that a delivery's event names.
func deliveryOf(e *Event) (endpointID, eventID string, names bool) {
	switch d := e.Said.(type) {
	case webhook.Delivered:
		return d.EndpointID, d.EventID, true
	case webhook.Exhausted:
		return d.EndpointID, d.EventID, true
	case webhook.Resent:
		return d.EndpointID, d.EventID, true
	}
	return "", "", false
}

var deliveryRules = []rule[deliveryNotes]{
	when("delivery-id", "The id of a delivery is a hash of the event and the endpoint that all of its events name.", func(_ *deliveryNotes, e *Event) string {
		endpointID, eventID, names := deliveryOf(e)
		if !names {
			return ""
		}
		sum := sha256.Sum256([]byte(eventID + "\n" + endpointID))
		if id.Format(id.Delivery, uuid.UUID(sum[:16])) != e.Stream {
			return fmt.Sprintf("it names event %s and endpoint %s", eventID, endpointID)
		}
		return ""
	}),
	when("delivery-outcome", "A delivery arrives at most once until it is sent again, and is given up at most once, not after it has arrived, and after tries of its present schedule.", func(n *deliveryNotes, e *Event) string {
		switch d := e.Said.(type) {
		case webhook.Delivered:
			if n.delivered {
				return "it has arrived before"
			}
		case webhook.Exhausted:
			switch {
			case n.delivered || n.exhausted:
				return "it has come to its end before"
			case d.Attempts <= n.attempts:
				return fmt.Sprintf("it is given up after %d tries, and %d were made before", d.Attempts, n.attempts)
			}
		}
		return ""
	}),
}

// recoveryNotes is what is noted of a recovery.
type recoveryNotes struct{ ended string }

func noteRecovery(n *recoveryNotes, e *Event) {
	switch e.Said.(type) {
	case recovery.Completed, recovery.Stopped:
		n.ended = e.Type
	}
}

var recoveryRules = []rule[recoveryNotes]{
	when("recovery-end", "A recovery ends once, and has sent no more than it has looked at.", func(n *recoveryNotes, e *Event) string {
		examined, resent := 0, 0
		switch d := e.Said.(type) {
		case recovery.Completed:
			examined, resent = d.Examined, d.Resent
		case recovery.Stopped:
			examined, resent = d.Examined, d.Resent
		}
		switch {
		case n.ended != "":
			return "it comes after " + n.ended
		case resent < 0 || resent > examined:
			return fmt.Sprintf("%d were sent, and %d looked at", resent, examined)
		}
		return ""
	}),
}
