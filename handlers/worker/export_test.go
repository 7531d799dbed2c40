package worker

import "context"

// Claim shows the tests what a worker takes at a time.
func (d *Due) Claim(ctx context.Context, owner string) (streams []string, more bool, err error) {
	return d.claim(ctx, owner)
}

// DueBatch is how much that is at most.
const DueBatch = dueBatch
