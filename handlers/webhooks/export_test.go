package webhooks

import (
	"context"
)

// RecoveryBacklogMax and RecoveryWaitingMax are what recoveries keep to.
const (
	RecoveryBacklogMax = recoveryBacklogMax
	RecoveryWaitingMax = recoveryWaitingMax
)

// RecoveryRoom is how much a recovery may add to a backlog.
func RecoveryRoom(due, waiting int, failing bool) int { return recoveryRoom(due, waiting, failing) }

// Drive drives a recovery without a lease, as a process does that has lost it and
// doesn't know yet.
func (j *RecoveryJob) Drive(ctx context.Context, recoveryID string) error {
	return j.drive(ctx, recoveryID)
}

// Backlog counts an endpoint's pending deliveries.
func (j *RecoveryJob) Backlog(ctx context.Context, endpointID string, limit int) (due, waiting int, err error) {
	return j.look.backlog(ctx, endpointID, limit)
}
