package webhook

import (
	"time"

	"tender/domain/codec"
)

// Event is something that happened to an endpoint or to a delivery.
//
//sumtype:decl
type Event interface {
	codec.Named
	webhookEvent()
}

// EndpointCreated: a merchant wants to be told of events.
type EndpointCreated struct {
	URL         string   `json:"url"`
	Events      []string `json:"events"`
	Description string   `json:"description,omitempty"`
	SecretRef   string   `json:"secret_ref"` // into the vault; the secret itself never stands here
}

// EndpointUpdated: what is set here is so from now on; what is absent stays.
type EndpointUpdated struct {
	URL         string   `json:"url,omitempty"`
	Events      []string `json:"events,omitempty"`
	Description *string  `json:"description,omitempty"`
}

// EndpointPaused: deliveries wait.
type EndpointPaused struct{}

// EndpointResumed: deliveries go on, whether the endpoint was paused or disabled.
type EndpointResumed struct{}

// EndpointFailing: all tries to reach the endpoint fail. Until one arrives, each
// process sends it one message at a time.
type EndpointFailing struct {
	Since time.Time `json:"since"` // when the first of the tries began
}

// EndpointHealed: a message arrived at an endpoint that failed.
type EndpointHealed struct{}

// EndpointDisabled: no deliveries are made any more.
type EndpointDisabled struct {
	Reason DisabledReason `json:"reason"`
}

// EndpointSecretRotated: messages are signed with a new secret. The secrets of
// before go on signing beside it until their end, so that a receiver has time to
// change; after that nothing is signed with them any more.
type EndpointSecretRotated struct {
	SecretRef     string    `json:"secret_ref"` // into the vault
	EarlierEndsAt time.Time `json:"earlier_ends_at"`
}

// EndpointTested: a message that tells of nothing goes to this endpoint, and to no
// other, whatever it asks for.
type EndpointTested struct{}

// EndpointDeleted: the endpoint is gone for good.
type EndpointDeleted struct{}

// EndpointRecoveryStarted: a recovery sends again what did not arrive.
type EndpointRecoveryStarted struct {
	RecoveryID string `json:"recovery_id"`
}

// EndpointRecoveryEnded: it has sent all of it.
type EndpointRecoveryEnded struct {
	RecoveryID string `json:"recovery_id"`
}

// Delivered: the endpoint accepted the event.
type Delivered struct {
	EndpointID  string    `json:"endpoint_id"`
	EventID     string    `json:"event_id"`
	Attempts    int       `json:"attempts"` // this one included
	Status      int       `json:"status"`   // HTTP
	DeliveredAt time.Time `json:"delivered_at"`
}

// Exhausted: the last try has failed, and none follows by itself.
type Exhausted struct {
	EndpointID string `json:"endpoint_id"`
	EventID    string `json:"event_id"`
	Attempts   int    `json:"attempts"`
	// Status is the last try's HTTP status, if it came to one; Failure the class
	// of error, unless the status tells it all.
	Status      int       `json:"status,omitempty"`
	Failure     string    `json:"failure,omitempty"`
	ExhaustedAt time.Time `json:"exhausted_at"`
}

// Resent: the event is to be sent to the endpoint once more, by a schedule that
// begins anew. It says all that a delivery is made of, because it may be the first
// that is heard of one.
type Resent struct {
	EndpointID string `json:"endpoint_id"`
	EventID    string `json:"event_id"`
	EventType  string `json:"event_type"` // public
	// Source and SourceVersion name the stream and the version of the event that is
	// told, EventAt its time.
	Source        string    `json:"source"`
	SourceVersion int       `json:"source_version"`
	EventAt       time.Time `json:"event_at"`
	Attempts      int       `json:"attempts,omitempty"`    // made before this
	RecoveryID    string    `json:"recovery_id,omitempty"` // which asked for it; "": a merchant did
}

func (EndpointCreated) Type() string         { return "webhook.endpoint_created" }
func (EndpointUpdated) Type() string         { return "webhook.endpoint_updated" }
func (EndpointPaused) Type() string          { return "webhook.endpoint_paused" }
func (EndpointResumed) Type() string         { return "webhook.endpoint_resumed" }
func (EndpointFailing) Type() string         { return "webhook.endpoint_failing" }
func (EndpointHealed) Type() string          { return "webhook.endpoint_healed" }
func (EndpointDisabled) Type() string        { return "webhook.endpoint_disabled" }
func (EndpointSecretRotated) Type() string   { return "webhook.endpoint_secret_rotated" }
func (EndpointTested) Type() string          { return "webhook.endpoint_tested" }
func (EndpointDeleted) Type() string         { return "webhook.endpoint_deleted" }
func (EndpointRecoveryStarted) Type() string { return "webhook.endpoint_recovery_started" }
func (EndpointRecoveryEnded) Type() string   { return "webhook.endpoint_recovery_ended" }
func (Delivered) Type() string               { return "webhook.delivered" }
func (Exhausted) Type() string               { return "webhook.exhausted" }
func (Resent) Type() string                  { return "webhook.resent" }

func (EndpointCreated) webhookEvent()         {}
func (EndpointUpdated) webhookEvent()         {}
func (EndpointPaused) webhookEvent()          {}
func (EndpointResumed) webhookEvent()         {}
func (EndpointFailing) webhookEvent()         {}
func (EndpointHealed) webhookEvent()          {}
func (EndpointDisabled) webhookEvent()        {}
func (EndpointSecretRotated) webhookEvent()   {}
func (EndpointTested) webhookEvent()          {}
func (EndpointDeleted) webhookEvent()         {}
func (EndpointRecoveryStarted) webhookEvent() {}
func (EndpointRecoveryEnded) webhookEvent()   {}
func (Delivered) webhookEvent()               {}
func (Exhausted) webhookEvent()               {}
func (Resent) webhookEvent()                  {}

// Codec reads and writes every event of endpoints and deliveries.
var Codec = codec.New(
	codec.Define("webhook.endpoint_created", 1, func(e EndpointCreated) Event { return e }),
	codec.Define("webhook.endpoint_updated", 1, func(e EndpointUpdated) Event { return e }),
	codec.Define("webhook.endpoint_paused", 1, func(e EndpointPaused) Event { return e }),
	codec.Define("webhook.endpoint_resumed", 1, func(e EndpointResumed) Event { return e }),
	codec.Define("webhook.endpoint_failing", 1, func(e EndpointFailing) Event { return e }),
	codec.Define("webhook.endpoint_healed", 1, func(e EndpointHealed) Event { return e }),
	codec.Define("webhook.endpoint_disabled", 1, func(e EndpointDisabled) Event { return e }),
	codec.Define("webhook.endpoint_secret_rotated", 1, func(e EndpointSecretRotated) Event { return e }),
	codec.Define("webhook.endpoint_tested", 1, func(e EndpointTested) Event { return e }),
	codec.Define("webhook.endpoint_deleted", 1, func(e EndpointDeleted) Event { return e }),
	codec.Define("webhook.endpoint_recovery_started", 1, func(e EndpointRecoveryStarted) Event { return e }),
	codec.Define("webhook.endpoint_recovery_ended", 1, func(e EndpointRecoveryEnded) Event { return e }),
	codec.Define("webhook.delivered", 1, func(e Delivered) Event { return e }),
	codec.Define("webhook.exhausted", 1, func(e Exhausted) Event { return e }),
	codec.Define("webhook.resent", 1, func(e Resent) Event { return e }),
)
