package webhook

import "tender/domain"

// Refusals of what is asked of an endpoint's recovery.
var (
	// ErrRecoveryRunning: time lifts it.
	ErrRecoveryRunning = domain.RefuseForNow("recovery_running", "A recovery of this webhook endpoint is running. Wait until it has ended.")
	// ErrRecoveryOver refuses what a recovery does after its end: it ended with its
	// endpoint, even if that was enabled again.
	ErrRecoveryOver = domain.Refuse("endpoint_disabled", "The webhook endpoint was disabled meanwhile, which ended the recovery.")
)

// StartRecovery begins a recovery: an endpoint has one at a time. It ends by
// [EndRecovery], or when the endpoint is disabled or deleted.
type StartRecovery struct{ RecoveryID string }

// EndRecovery says that a recovery has sent all there was.
type EndRecovery struct{ RecoveryID string }

func (StartRecovery) endpointCommand() {}
func (EndRecovery) endpointCommand()   {}

func (s Endpoint) startRecovery(c StartRecovery) ([]Event, error) {
	switch {
	case s.Status == StatusDisabled:
		return nil, ErrEndpointDisabled
	case s.Recovery != "":
		return nil, ErrRecoveryRunning
	}
	return []Event{EndpointRecoveryStarted(c)}, nil
}

func (s Endpoint) endRecovery(c EndRecovery) []Event {
	if s.Recovery != c.RecoveryID {
		return nil
	}
	return []Event{EndpointRecoveryEnded(c)}
}
