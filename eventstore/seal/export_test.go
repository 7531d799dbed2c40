package seal

import (
	"context"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"tender/eventstore"
)

// Edge is the tree's right edge, for tests.
type Edge struct{ edge }

// Add appends a leaf, and returns how many tiles it completes.
func (e *Edge) Add(leaf tlog.Hash) int { return len(e.add(leaf)) }

// Root is the tree's root.
func (e *Edge) Root() tlog.Hash { return e.root() }

// BatchMax is how many events one checkpoint adds at most.
const BatchMax = batchMax

// Sign signs a checkpoint of one log with the key of another.
func (k *Keys) Sign(by, of eventstore.Log, c Checkpoint) (Checkpoint, error) {
	r, err := k.ring(by)
	if err != nil {
		return c, err
	}
	return c.sign(k.held.origin(of), r.current)
}

// Thin removes the checkpoints that need not stay.
func Thin(ctx context.Context, store *eventstore.Store) error {
	return newTables(store).thin(ctx, time.Now())
}
