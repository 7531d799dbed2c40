package object

import (
	"tender/domain/codec"
	"tender/domain/webhook"
	"tender/eventstore"
)

// Endpoint is a webhook endpoint as clients see it. Its secret is not part of
// it: that is added once, out of the vault, where the contract shows it.
type Endpoint struct {
	ID          string         `json:"id"`
	URL         string         `json:"url"`
	Events      []string       `json:"events"`
	Description string         `json:"description,omitempty"`
	Status      webhook.Status `json:"status"`
	// DisabledReason is there while the endpoint is disabled, FailingSince while all
	// tries to reach it fail.
	DisabledReason webhook.DisabledReason `json:"disabled_reason,omitempty"`
	FailingSince   *Time                  `json:"failing_since,omitempty"`
	Mode           string                 `json:"mode"`
	Version        int                    `json:"version"`
	CreatedAt      Time                   `json:"created_at"`
	UpdatedAt      Time                   `json:"updated_at"`
}

// Apply returns the endpoint after one more event of its stream. Events of other
// aggregates change nothing. A deleted endpoint has no id.
func (o Endpoint) Apply(mode string, e eventstore.Event, d codec.Named) Endpoint {
	switch d := d.(type) {
	case webhook.EndpointCreated:
		o = Endpoint{
			ID: e.Stream, URL: d.URL, Events: d.Events, Description: d.Description,
			Status: webhook.StatusEnabled, Mode: mode, CreatedAt: Time(e.At),
		}
	case webhook.EndpointUpdated:
		o = o.update(d)
	case webhook.EndpointPaused:
		o = o.become(webhook.StatusPaused, "")
	case webhook.EndpointResumed:
		o = o.become(webhook.StatusEnabled, "")
	case webhook.EndpointDisabled:
		o = o.become(webhook.StatusDisabled, d.Reason)
	case webhook.EndpointFailing:
		since := Time(d.Since)
		o.FailingSince = &since
	case webhook.EndpointHealed:
		o.FailingSince = nil
	case webhook.EndpointSecretRotated, webhook.EndpointTested, webhook.EndpointRecoveryStarted, webhook.EndpointRecoveryEnded:
		// Nothing of it is shown here.
	case webhook.EndpointDeleted:
		o = Endpoint{}
	default:
		return o
	}
	o.Version, o.UpdatedAt = e.Version, Time(e.At)
	return o
}

func (o Endpoint) become(s webhook.Status, reason webhook.DisabledReason) Endpoint {
	o.Status, o.DisabledReason, o.FailingSince = s, reason, nil
	return o
}

// update applies what is set; the rest stays.
func (o Endpoint) update(d webhook.EndpointUpdated) Endpoint {
	if d.URL != "" {
		o.URL, o.FailingSince = d.URL, nil
	}
	if d.Events != nil {
		o.Events = d.Events
	}
	if d.Description != nil {
		o.Description = *d.Description
	}
	return o
}
