// Package webhook holds the rules of webhook endpoints, and of the deliveries to
// them.
//
// An endpoint is where a merchant wants to be told of events; it lives until it
// is deleted. A delivery is one event's way to one endpoint; it enters the log
// only when that has ended, because until then it follows from what is there.
// Neither is ever told of by a webhook itself.
package webhook

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"tender/domain"
	"tender/domain/id"
)

// Limits of an endpoint.
const (
	URLBytesMax         = 2048
	DescriptionRunesMax = 500
	// SecretsMax is how many secrets of an endpoint may sign at a time: each adds
	// a signature to every message.
	SecretsMax = 4
	// OverlapMax is how long a secret may go on signing after it was replaced.
	OverlapMax = 7 * 24 * time.Hour
)

// Status says whether an endpoint is sent to.
type Status string

// The statuses of an endpoint.
const (
	StatusEnabled  Status = "enabled"
	StatusPaused   Status = "paused"   // deliveries wait
	StatusDisabled Status = "disabled" // no deliveries are made
)

// DisabledReason says who or what disabled an endpoint.
type DisabledReason string

// The reasons for which an endpoint is disabled.
const (
	DisabledByMerchant DisabledReason = "merchant"
	DisabledGone       DisabledReason = "gone"    // it answered 410
	DisabledFailing    DisabledReason = "failing" // for days on end
)

// Endpoint is what the rules need to know of an endpoint. The zero Endpoint does
// not exist yet.
type Endpoint struct {
	ID          string
	MerchantID  string
	URL         string
	Events      []string
	Description string
	SecretRef   string // into the vault
	Earlier     []EarlierSecret
	Status      Status
	Deleted     bool
	Recovery    string // the one that runs; "": none
	// FailingSince is when the first of the tries began that have all failed; zero:
	// the endpoint is not known to fail.
	FailingSince time.Time
	// JudgedFrom: tries that began before it say nothing of whether the endpoint
	// fails. It was changed then, or was well.
	JudgedFrom time.Time
}

// EarlierSecret is one that was replaced, and when it stops signing.
type EarlierSecret struct {
	Ref    string // into the vault
	EndsAt time.Time
}

// Exists reports whether the endpoint was ever created.
func (e Endpoint) Exists() bool { return e.ID != "" }

// Wants reports whether the endpoint asked for events of this public type.
func (e Endpoint) Wants(eventType string) bool { return Wants(e.Events, eventType) }

// Wants reports whether a list of types, as an endpoint has it, takes in this
// public type.
func Wants(events []string, eventType string) bool {
	return slices.Contains(events, eventType) || slices.Contains(events, AllTypes)
}

// Delivery is what the rules need to know of a delivery. The zero Delivery was
// never spoken of: its way is still open.
type Delivery struct {
	ID         string
	EndpointID string
	EventID    string
	Delivered  bool
	Exhausted  bool   // given up; a later success still counts
	Attempts   int    // made before its present schedule began
	Made       int    // in all, as far as an outcome says
	Recovery   string // the last that sent it again; "": none
}

// Ended reports whether the delivery has come to an end, and was not sent again
// since.
func (d Delivery) Ended() bool { return d.Delivered || d.Exhausted }

// DeliveryID is the id of an event's delivery to an endpoint: always the same,
// so that whoever derives it again means the same delivery.
func DeliveryID(eventID, endpointID string) string {
	sum := sha256.Sum256([]byte(eventID + "\n" + endpointID))
	return id.Format(id.Delivery, uuid.UUID(sum[:16]))
}

// CheckEvents refuses a list of types that an endpoint can't ask for: the list as a
// whole, where its length is wrong, else each entry that is, with its place in Field.
func CheckEvents(events []string) []*domain.Refusal {
	refuse := func(detail string, place int) *domain.Refusal {
		field := "/events"
		if place >= 0 {
			field = fmt.Sprintf("/events/%d", place)
		}
		return &domain.Refusal{Code: "invalid_request", Detail: detail, Field: field}
	}
	if len(events) == 0 {
		return []*domain.Refusal{refuse(`events must name at least one event type, or be ["*"].`, -1)}
	}
	if len(events) > len(types) {
		return []*domain.Refusal{refuse(fmt.Sprintf("events may name at most %d event types.", len(types)), -1)}
	}
	var refusals []*domain.Refusal
	for i, name := range events {
		switch {
		case name == AllTypes && len(events) > 1:
			refusals = append(refusals, refuse(`"*" stands alone: it takes in every event type.`, i))
		case name != AllTypes && !KnownType(name):
			refusals = append(refusals, refuse("This is not an event type.", i))
		case slices.Contains(events[:i], name):
			refusals = append(refusals, refuse("The event type is named twice.", i))
		}
	}
	return refusals
}
