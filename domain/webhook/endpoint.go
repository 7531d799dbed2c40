package webhook

import (
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"tender/domain"
	"tender/domain/id"
)

// Refusals of what is asked of an endpoint.
var (
	ErrEndpointNotFound = domain.Refuse("not_found", "There is no such webhook endpoint.")
	ErrEndpointExists   = domain.Refuse("endpoint_exists", "The webhook endpoint exists already.")
	ErrURLInvalid       = &domain.Refusal{
		Code: "invalid_request", Detail: fmt.Sprintf("url must be 1 to %d bytes long.", URLBytesMax), Field: "/url",
	}
	ErrDescriptionTooLong = &domain.Refusal{
		Code: "invalid_request", Detail: fmt.Sprintf("description may have at most %d characters.", DescriptionRunesMax), Field: "/description",
	}
	ErrOverlapOutOfRange = &domain.Refusal{
		Code: "invalid_request", Field: "/overlap_hours",
		Detail: fmt.Sprintf("overlap_hours must be 0 to %d.", int(OverlapMax.Hours())),
	}
	// ErrTooManySecrets: time lifts it, because the overlaps end.
	ErrTooManySecrets = domain.RefuseForNow("secret_limit_reached",
		fmt.Sprintf("The endpoint has %d secrets that still sign. Wait until an overlap has ended, or rotate with an overlap of 0.", SecretsMax))
	ErrStatusUnknown = &domain.Refusal{
		Code: "invalid_request", Detail: "status must be enabled, paused or disabled.", Field: "/status",
	}
)

// EndpointCommand is something that may be asked of an endpoint.
//
//sumtype:decl
type EndpointCommand interface{ endpointCommand() }

// CreateEndpoint asks for a new endpoint. Where it may lead to was judged at the
// edge, which knows what the operator allows; its secret lies in the vault
// already.
type CreateEndpoint struct {
	ID          uuid.UUID // of the command; the endpoint's id is made from it
	URL         string
	Events      []string
	Description string
	SecretRef   string
}

// EndpointID is the id that the endpoint made by c has.
func (c CreateEndpoint) EndpointID() string { return id.Format(id.Endpoint, c.ID) }

// UpdateEndpoint changes what is set and leaves the rest. A status of enabled
// brings back an endpoint that was paused or disabled.
type UpdateEndpoint struct {
	URL         *string
	Events      []string // nil: as it is
	Description *string
	Status      *Status
}

// DisableEndpoint ends deliveries to an endpoint that wants no more. Nothing happens
// where that leads elsewhere by now.
type DisableEndpoint struct {
	URL    string // that said so
	Reason DisabledReason
}

// RecordFailures records that tries have failed, as far as somebody saw them. It is
// asked for when that may matter, not for each try.
type RecordFailures struct {
	URL string // that they went to
	Run Run
}

// RecordArrival records that a message arrived.
type RecordArrival struct {
	URL string // at which it did
}

// RotateSecret has messages signed with a new secret, which lies in the vault
// already. For the overlap those of before sign, too; an overlap of 0 ends them at
// once. No earlier secret outlives this overlap, whatever was said when it was
// replaced.
type RotateSecret struct {
	SecretRef string
	Overlap   time.Duration
	At        time.Time
}

// TestEndpoint asks for a message that tells of nothing.
type TestEndpoint struct{}

// DeleteEndpoint ends an endpoint for good.
type DeleteEndpoint struct{}

func (CreateEndpoint) endpointCommand()  {}
func (UpdateEndpoint) endpointCommand()  {}
func (DisableEndpoint) endpointCommand() {}
func (RecordFailures) endpointCommand()  {}
func (RecordArrival) endpointCommand()   {}
func (RotateSecret) endpointCommand()    {}
func (TestEndpoint) endpointCommand()    {}
func (DeleteEndpoint) endpointCommand()  {}

// DecideEndpoint returns what happens when c is asked of an endpoint in state s:
// events, none if all is so already, or a refusal. To a deleted endpoint nothing
// happens any more: it is not found.
func DecideEndpoint(s Endpoint, c EndpointCommand) ([]Event, error) {
	if _, create := c.(CreateEndpoint); !create && (!s.Exists() || s.Deleted) {
		return nil, ErrEndpointNotFound
	}
	switch c := c.(type) {
	case CreateEndpoint:
		return s.create(c)
	case UpdateEndpoint:
		return s.update(c)
	case DisableEndpoint:
		if s.Status == StatusDisabled || c.URL != s.URL {
			return nil, nil
		}
		return []Event{EndpointDisabled{Reason: c.Reason}}, nil
	case RecordFailures:
		return s.failed(c), nil
	case RecordArrival:
		return s.arrived(c), nil
	case RotateSecret:
		return s.rotate(c)
	case TestEndpoint:
		if s.Status == StatusDisabled {
			return nil, ErrEndpointDisabled
		}
		return []Event{EndpointTested(c)}, nil
	case DeleteEndpoint:
		return []Event{EndpointDeleted(c)}, nil
	case StartRecovery:
		return s.startRecovery(c)
	case EndRecovery:
		return s.endRecovery(c), nil
	default:
		panic(fmt.Sprintf("webhook: %T is not handled", c))
	}
}

func (s Endpoint) create(c CreateEndpoint) ([]Event, error) {
	if s.Exists() {
		return nil, ErrEndpointExists
	}
	if refusal := checkFields(&c.URL, c.Events, true, &c.Description); refusal != nil {
		return nil, refusal
	}
	return []Event{EndpointCreated{URL: c.URL, Events: c.Events, Description: c.Description, SecretRef: c.SecretRef}}, nil
}

func (s Endpoint) update(c UpdateEndpoint) ([]Event, error) {
	if refusal := checkFields(c.URL, c.Events, c.Events != nil, c.Description); refusal != nil {
		return nil, refusal
	}
	var events []Event
	var changed EndpointUpdated
	if c.URL != nil && *c.URL != s.URL {
		changed.URL = *c.URL
	}
	if c.Events != nil && !slices.Equal(c.Events, s.Events) {
		changed.Events = c.Events
	}
	if c.Description != nil && *c.Description != s.Description {
		changed.Description = c.Description
	}
	if changed.URL != "" || changed.Events != nil || changed.Description != nil {
		events = append(events, changed)
	}
	if c.Status == nil || *c.Status == s.Status {
		return events, nil
	}
	switch *c.Status {
	case StatusEnabled:
		return append(events, EndpointResumed{}), nil
	case StatusPaused:
		return append(events, EndpointPaused{}), nil
	case StatusDisabled:
		return append(events, EndpointDisabled{Reason: DisabledByMerchant}), nil
	default:
		return nil, ErrStatusUnknown
	}
}

func (s Endpoint) rotate(c RotateSecret) ([]Event, error) {
	if c.Overlap < 0 || c.Overlap > OverlapMax {
		return nil, ErrOverlapOutOfRange
	}
	if c.Overlap > 0 && len(s.LiveSecrets(c.At)) >= SecretsMax {
		return nil, ErrTooManySecrets
	}
	return []Event{EndpointSecretRotated{SecretRef: c.SecretRef, EarlierEndsAt: c.At.Add(c.Overlap)}}, nil
}

// LiveSecrets are the references of the secrets that messages are signed with at
// an instant: the present one first, then those whose overlap has not ended,
// oldest first.
func (s Endpoint) LiveSecrets(at time.Time) []string {
	live := []string{s.SecretRef}
	for _, e := range s.Earlier {
		if at.Before(e.EndsAt) {
			live = append(live, e.Ref)
		}
	}
	return live
}

// rotated returns the earlier secrets once the present one is one of them. An
// older one never ends after a newer one, and at most [SecretsMax] are live at a
// time: so what is dropped here has ended long ago.
func (s Endpoint) rotated(endsAt time.Time) []EarlierSecret {
	var earlier []EarlierSecret
	for _, e := range s.Earlier {
		if endsAt.Before(e.EndsAt) {
			e.EndsAt = endsAt
		}
		earlier = append(earlier, e)
	}
	earlier = append(earlier, EarlierSecret{Ref: s.SecretRef, EndsAt: endsAt})
	return earlier[max(0, len(earlier)-SecretsMax):]
}

func checkFields(url *string, events []string, eventsGiven bool, description *string) error {
	if url != nil && (*url == "" || len(*url) > URLBytesMax) {
		return ErrURLInvalid
	}
	if eventsGiven {
		if refusals := CheckEvents(events); len(refusals) > 0 {
			return refusals[0] // the edge names them all
		}
	}
	if description != nil && utf8.RuneCountInString(*description) > DescriptionRunesMax {
		return ErrDescriptionTooLong
	}
	return nil
}

// EvolveEndpoint returns the state after e, which happened at an instant. It panics
// on an event that is not an endpoint's, or that this build was compiled with and
// forgot to handle.
func EvolveEndpoint(s Endpoint, id, merchantID string, at time.Time, e Event) Endpoint {
	switch e := e.(type) {
	case EndpointCreated:
		return Endpoint{
			ID: id, MerchantID: merchantID, URL: e.URL, Events: e.Events, Description: e.Description,
			SecretRef: e.SecretRef, Status: StatusEnabled, JudgedFrom: at,
		}
	case EndpointUpdated:
		if e.URL != "" {
			s.URL = e.URL
			s = s.anew(at)
		}
		if e.Events != nil {
			s.Events = e.Events
		}
		if e.Description != nil {
			s.Description = *e.Description
		}
	case EndpointPaused:
		s.Status = StatusPaused
		s = s.anew(at)
	case EndpointResumed:
		s.Status = StatusEnabled
		s = s.anew(at)
	case EndpointDisabled:
		s.Status, s.Recovery = StatusDisabled, ""
		s = s.anew(at)
	case EndpointFailing:
		s.FailingSince = e.Since
	case EndpointHealed:
		s = s.anew(at)
	case EndpointSecretRotated:
		s.SecretRef, s.Earlier = e.SecretRef, s.rotated(e.EarlierEndsAt)
	case EndpointTested: // nothing that the rules need to know
	case EndpointDeleted:
		s.Deleted, s.Recovery = true, ""
	case EndpointRecoveryStarted:
		s.Recovery = e.RecoveryID
	case EndpointRecoveryEnded:
		s.Recovery = ""
	case Delivered, Exhausted, Resent:
		panic(fmt.Sprintf("webhook: %T is not an endpoint's", e))
	default:
		panic(fmt.Sprintf("webhook: %T is not handled", e))
	}
	return s
}
