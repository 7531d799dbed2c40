package logproof

import (
	"crypto/sha256"
	"fmt"
)

// Leaves tells what the log's own tiles say was at a position. They are believed only
// where they lead to a checkpoint's root; with them a fault's position is known even
// if somebody has recomputed the chain.
type Leaves interface {
	// Leaf returns the leaf at a position, and whether there is one.
	Leaf(position int64) (Hash, bool, error)
}

// Source returns checkpoints one by one, by rising size, and false after the last.
type Source func() (Checkpoint, bool, error)

// Config says what a log is verified against. The zero Config verifies a log from its
// first position by itself.
type Config struct {
	// Before and Previous are the tree over what lies before the first event that is
	// given, and the chain hash there. Zero: the first position is 1.
	Before   Tree
	Previous Hash
	// Checkpoints may be nil.
	Checkpoints Source
	// Leaves may be nil.
	Leaves Leaves
}

// Summary is what was found to be right.
type Summary struct {
	First, Last   int64 // positions; Last < First: none
	Streams       int
	Chain, Root   Hash // at Last
	Checkpoints   int  // that were compared
	Sealed        int64
	LeavesWrongAt int64 // the first position at which the tiles, not the log, are wrong; 0: none
}

// Verifier verifies a log event by event. It remembers 20 bytes for each stream, in a
// map that takes about 40; nothing else grows.
type Verifier struct {
	cfg      Config
	tree     Tree // of the positions up to the last that was right
	previous Hash
	recorded Time
	versions map[[16]byte]int32
	hasher   hasher

	next     *Checkpoint // the next to be compared
	compared string      // the note of the last that was
	summary  Summary
	search   *search // the fault that was found, until it is known what it is
	begun    bool
}

// NewVerifier returns a verifier for cfg.
func NewVerifier(cfg Config) *Verifier {
	return &Verifier{
		cfg: cfg, tree: cfg.Before.Clone(), previous: cfg.Previous, versions: map[[16]byte]int32{},
		summary: Summary{First: cfg.Before.Size() + 1, Last: cfg.Before.Size(), Chain: cfg.Previous, Root: cfg.Before.Root()},
	}
}

// last is the last position that was right.
func (v *Verifier) last() int64 { return v.tree.Size() }

// Add verifies the next event. A *Fault is the first that the log has; it may come
// some events after the position that it names, once it is clear what happened there.
func (v *Verifier) Add(e *Event) error {
	if v.search != nil {
		return v.search.see(e)
	}
	if err := v.begin(); err != nil {
		return err
	}
	want := v.last() + 1
	if e.Position != want {
		return v.outOfOrder(e, want)
	}
	chain, leaf := v.hasher.hashes(v.previous, e)
	if wrong, err := v.againstLeaves(want, leaf); wrong || err != nil {
		return v.examine(e, chain, wrong, err)
	}
	if chain != e.Hash || e.Malformed != "" {
		return v.examine(e, chain, false, nil)
	}
	if fault := v.order(e); fault != nil {
		return fault
	}
	v.tree.Add(leaf)
	v.previous, v.recorded = e.Hash, e.RecordedAt
	return v.compare()
}

// Finish says that there are no more events, and returns what was found, or the
// log's first fault.
func (v *Verifier) Finish() (Summary, error) {
	if v.search != nil {
		return v.summary, v.search.end()
	}
	if err := v.begin(); err != nil {
		return v.summary, err
	}
	if v.next != nil {
		return v.summary, &Fault{v.last() + 1, CutOff, fmt.Sprintf(
			"the log ends at %d, but the checkpoint of %s says that it had %d events", v.last(), v.next.Time.Format("2006-01-02 15:04:05"), v.next.Size)}
	}
	return v.Summary(), nil
}

// Summary returns what has been verified so far.
func (v *Verifier) Summary() Summary {
	s := v.summary
	s.Last, s.Streams, s.Chain, s.Root = v.last(), len(v.versions), v.previous, v.tree.Root()
	return s
}

// Tree returns the tree over the positions that were verified so far.
func (v *Verifier) Tree() Tree { return v.tree.Clone() }

// begin fetches the first checkpoint, and compares those of the size that the events
// begin after. What is smaller can't be compared here.
func (v *Verifier) begin() error {
	if v.begun {
		return nil
	}
	v.begun = true
	if err := v.fetch(); err != nil {
		return err
	}
	for v.next != nil && v.next.Size < v.last() {
		if err := v.fetch(); err != nil {
			return err
		}
	}
	return v.compare()
}

// fetch takes the next checkpoint.
func (v *Verifier) fetch() error {
	v.next = nil
	if v.cfg.Checkpoints == nil {
		return nil
	}
	c, there, err := v.cfg.Checkpoints()
	if err != nil || !there {
		v.cfg.Checkpoints = nil
		return err
	}
	v.next = &c
	return nil
}

// compare holds the log against the checkpoints of its size so far.
func (v *Verifier) compare() error {
	for v.next != nil && v.next.Size <= v.last() {
		if v.next.Size < v.last() {
			return fmt.Errorf("the checkpoints are not in the order of their sizes: %d follows %d", v.next.Size, v.last())
		}
		if v.tree.Root() != v.next.Root || v.previous != v.next.Chain {
			return &Fault{max(v.summary.Sealed+1, v.summary.First), Changed, fmt.Sprintf(
				"the chain of hashes holds, but it is another than was sealed: somewhere from here to %d something was changed and all hashes after it computed anew, as the checkpoint of %s shows",
				v.next.Size, v.next.Time.Format("2006-01-02 15:04:05"))}
		}
		if v.next.Note != v.compared || v.compared == "" {
			v.summary.Checkpoints++ // the same one may come from several sources
		}
		v.compared, v.summary.Sealed = v.next.Note, v.next.Size
		if err := v.fetch(); err != nil {
			return err
		}
	}
	return nil
}

// order holds an event against those before it: versions are dense in each stream,
// times of recording don't run backwards.
func (v *Verifier) order(e *Event) error {
	sum := sha256.Sum256(e.Stream)
	stream := [16]byte(sum[:16])
	last, known := v.versions[stream]
	whole := v.summary.First == 1
	if (known || whole) && e.Version != last+1 {
		return &Fault{e.Position, Changed, fmt.Sprintf("version %d of stream %s follows version %d", e.Version, e.Stream, last)}
	}
	if e.Version < 1 {
		return &Fault{e.Position, Changed, fmt.Sprintf("version %d of stream %s", e.Version, e.Stream)}
	}
	if v.last() >= v.summary.First && e.RecordedAt < v.recorded {
		return &Fault{e.Position, Changed, "it was recorded before the event before it"}
	}
	v.versions[stream] = e.Version
	return nil
}

// againstLeaves reports whether the leaf at a position is another than was sealed. If
// it is the tiles that are wrong, they are not asked again.
func (v *Verifier) againstLeaves(position int64, leaf Hash) (wrong bool, err error) {
	sealed, known, err := v.sealed(position)
	if err != nil || !known || sealed == leaf {
		return false, err
	}
	if v.believable() {
		return true, nil
	}
	v.summary.LeavesWrongAt = position
	v.cfg.Leaves = nil
	return false, nil
}

// sealed returns the leaf that the tiles have for a position.
func (v *Verifier) sealed(position int64) (Hash, bool, error) {
	if v.cfg.Leaves == nil || v.next == nil || position > v.next.Size {
		return Hash{}, false, nil
	}
	return v.cfg.Leaves.Leaf(position)
}

// believable reports whether the tiles' leaves, from here on, lead to the next
// checkpoint.
func (v *Verifier) believable() bool {
	tree := v.tree.Clone()
	for tree.Size() < v.next.Size {
		leaf, known, err := v.cfg.Leaves.Leaf(tree.Size() + 1)
		if !known || err != nil {
			return false
		}
		tree.Add(leaf)
	}
	return tree.Root() == v.next.Root
}

// outOfOrder begins to find out why another position stands where want should.
func (v *Verifier) outOfOrder(e *Event, want int64) error {
	if e.Position < want {
		return &Fault{e.Position, Added, "this position stands there again, or out of order"}
	}
	v.search = &search{v: v, at: want, gap: e.Position}
	return nil
}

// examine begins to find out what happened to e, which is not what was appended at
// its position.
func (v *Verifier) examine(e *Event, chain Hash, sealed bool, err error) error {
	if err != nil {
		return err
	}
	if e.Malformed != "" {
		return &Fault{e.Position, Changed, e.Malformed}
	}
	v.search = &search{v: v, at: e.Position, row: e.Clone(), chain: chain, sealed: sealed, before: e.Hash}
	return nil
}
