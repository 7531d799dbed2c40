package seal

import (
	"context"
	"math/bits"
	"sync"
	"time"

	"github.com/cockroachdb/errors"
	"golang.org/x/mod/sumdb/tlog"

	"tender/eventstore"
)

// healEvery is how often a process makes all tiles again because they were wrong.
const healEvery = 10 * time.Minute

// ErrNoSuchRange says that positions or sizes that were asked for make no sense
// together.
var ErrNoSuchRange = errors.New("there is no such range")

// Proofs makes a log's proofs, in any process. It is safe for concurrent use.
type Proofs struct {
	store  *eventstore.Store
	tables tables
	tree   tree

	mu     sync.Mutex
	healed time.Time
}

// NewProofs returns what makes the proofs of store's log.
func NewProofs(store *eventstore.Store) *Proofs {
	t := newTables(store)
	return &Proofs{store: store, tables: t, tree: tree{store: store, tables: t}}
}

// Inclusion is the proof that an event is in the log of a checkpoint.
type Inclusion struct {
	Event      eventstore.Event
	Hashes     []tlog.Hash
	Checkpoint Checkpoint
}

// Consistency is the proof that a log of To events begins with the whole of what it
// was with From events.
type Consistency struct {
	From, To   int64
	Hashes     []tlog.Hash
	Checkpoint *Checkpoint // of size To; nil: none is kept
}

// Range is what proves that the events From..To are in the log of a checkpoint.
type Range struct {
	From, To      int64
	Previous      [32]byte    // the chain hash before From
	Before, After []tlog.Hash // the complete subtrees on either side, from left to right
	Checkpoint    Checkpoint
}

// Latest returns the last checkpoint; [ErrNotSealed] if there is none.
func (p *Proofs) Latest(ctx context.Context) (Checkpoint, error) { return p.tables.last(ctx) }

// OfSize returns the checkpoint of a size; [ErrNotSealed] if none is kept.
func (p *Proofs) OfSize(ctx context.Context, size int64) (Checkpoint, error) {
	return p.tables.ofSize(ctx, size)
}

// Inclusion proves that the event at a position is in the log of the last checkpoint.
// One that isn't sealed yet is [ErrNotSealed].
func (p *Proofs) Inclusion(ctx context.Context, position int64) (Inclusion, error) {
	c, err := p.Covering(ctx, position)
	if err != nil {
		return Inclusion{}, err
	}
	proof := Inclusion{Checkpoint: c}
	err = p.read(ctx, c, func(r tlog.HashReader) error {
		hashes, err := tlog.ProveRecord(c.Size, position-1, r)
		proof.Hashes = hashes
		return err
	})
	if err != nil {
		return Inclusion{}, err
	}
	events, err := p.store.After(ctx, position-1, 1)
	if err != nil {
		return Inclusion{}, err
	}
	if len(events) == 0 {
		return Inclusion{}, errors.Wrapf(ErrBroken, "the log ends before %d, which was sealed", position)
	}
	proof.Event = events[0]
	return proof, nil
}

// Consistency proves that the log of to events begins with the log of from events;
// to 0 stands for the last checkpoint.
func (p *Proofs) Consistency(ctx context.Context, from, to int64) (Consistency, error) {
	c, err := p.Covering(ctx, max(from, to))
	if err != nil {
		return Consistency{}, err
	}
	if to == 0 {
		to = c.Size
	}
	if from > to {
		return Consistency{}, errors.Wrapf(ErrNoSuchRange, "from %d to %d", from, to)
	}
	proof := Consistency{From: from, To: to}
	err = p.read(ctx, c, func(r tlog.HashReader) error {
		hashes, err := tlog.ProveTree(to, from, r)
		proof.Hashes = hashes
		return err
	})
	if err != nil {
		return Consistency{}, err
	}
	ends, err := p.tables.ofSize(ctx, to)
	if errors.Is(err, ErrNotSealed) {
		return proof, nil
	}
	proof.Checkpoint = &ends
	return proof, err
}

// Range proves that the events from..to are in the log of the last checkpoint; to 0
// stands for its last.
func (p *Proofs) Range(ctx context.Context, from, to int64) (Range, error) {
	c, err := p.Covering(ctx, max(from, to))
	if err != nil {
		return Range{}, err
	}
	if to == 0 {
		to = c.Size
	}
	if from > to {
		return Range{}, errors.Wrapf(ErrNoSuchRange, "from %d to %d", from, to)
	}
	proof := Range{From: from, To: to, Checkpoint: c}
	if proof.Previous, err = p.store.HashAt(ctx, from-1); err != nil {
		return Range{}, err
	}
	err = p.read(ctx, c, func(r tlog.HashReader) (err error) {
		if proof.Before, err = r.ReadHashes(subtrees(0, from-1)); err != nil {
			return err
		}
		proof.After, err = r.ReadHashes(subtrees(to, c.Size))
		return err
	})
	return proof, err
}

// Covering returns the last checkpoint, if it covers a position; else it is
// [ErrNotSealed].
func (p *Proofs) Covering(ctx context.Context, position int64) (Checkpoint, error) {
	if position < 1 {
		return Checkpoint{}, errors.Wrapf(ErrNoSuchRange, "positions begin with 1")
	}
	c, err := p.tables.last(ctx)
	if err == nil && position > c.Size {
		err = errors.Wrapf(ErrNotSealed, "%d of %d", c.Size, position)
	}
	return c, err
}

// read calls f with what reads a checkpoint's tree. If the tiles don't lead to its
// root, they are made again from the log, now and then, and f is called once more.
func (p *Proofs) read(ctx context.Context, c Checkpoint, f func(tlog.HashReader) error) error {
	wrong, err := p.tree.read(ctx, c, f)
	if !wrong || !p.mayHeal() {
		return err
	}
	if _, err := p.tree.remade(ctx, c); err != nil {
		return err
	}
	_, err = p.tree.read(ctx, c, f)
	return err
}

func (p *Proofs) mayHeal() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.healed) < healEvery {
		return false
	}
	p.healed = time.Now()
	return true
}

// subtrees are the indexes of the complete subtrees, each as large as it can be, that
// lead from a tree of one size to that of another.
func subtrees(from, to int64) []int64 {
	var indexes []int64
	for from < to {
		level := bits.Len64(uint64(to-from)) - 1
		if from > 0 {
			level = min(level, bits.TrailingZeros64(uint64(from)))
		}
		indexes = append(indexes, tlog.StoredHashIndex(level, from>>level))
		from += 1 << level
	}
	return indexes
}
