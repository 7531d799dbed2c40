package logproof

import (
	"encoding/json"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// The formats of proofs and exports, as their first member names them.
const (
	inclusionFormat   = "tender-inclusion-1"
	consistencyFormat = "tender-consistency-1"
	exportFormat      = "tender-events-1"
)

// Inclusion is a proof that an event is in the log that a checkpoint was signed over.
type Inclusion struct {
	Event      *Event // without its chain hash, which a leaf doesn't cover
	Checkpoint string // a signed note
	hashes     []Hash
}

// ParseInclusion reads a proof as the audit hands it out.
func ParseInclusion(text []byte) (Inclusion, error) {
	var p struct {
		Format     string          `json:"format"`
		Event      json.RawMessage `json:"event"`
		Hashes     []Hash          `json:"hashes"`
		Checkpoint string          `json:"checkpoint"`
	}
	if err := decodeStrictly(text, &p); err != nil {
		return Inclusion{}, fmt.Errorf("this is no proof of inclusion: %w", err)
	}
	if p.Format != inclusionFormat {
		return Inclusion{}, fmt.Errorf("the format is %q, not %s", p.Format, inclusionFormat)
	}
	var f fields
	if err := decodeStrictly(p.Event, &f); err != nil {
		return Inclusion{}, fmt.Errorf("the proof's event: %w", err)
	}
	e, err := f.event()
	return Inclusion{Event: e, Checkpoint: p.Checkpoint, hashes: p.Hashes}, err
}

// Check says whether the proof proves that its event is in the log of c.
func (p Inclusion) Check(c Checkpoint) error {
	if p.Event.Position < 1 || p.Event.Position > c.Size {
		return fmt.Errorf("position %d is not in a log of %d events", p.Event.Position, c.Size)
	}
	if err := tlog.CheckRecord(p.hashes, c.Size, c.Root, p.Event.Position-1, LeafHash(p.Event)); err != nil {
		return fmt.Errorf("the event at %d is not in the log of %d events that the checkpoint was signed over", p.Event.Position, c.Size)
	}
	return nil
}

// Consistency is a proof that a log begins with the whole of what it was earlier.
type Consistency struct {
	From, To   int64
	Checkpoint string // a signed note of size To; "" if there is none
	hashes     []Hash
}

// ParseConsistency reads a proof as the audit hands it out.
func ParseConsistency(text []byte) (Consistency, error) {
	var p struct {
		Format     string `json:"format"`
		From       int64  `json:"from"`
		To         int64  `json:"to"`
		Hashes     []Hash `json:"hashes"`
		Checkpoint string `json:"checkpoint"`
	}
	if err := decodeStrictly(text, &p); err != nil {
		return Consistency{}, fmt.Errorf("this is no proof of consistency: %w", err)
	}
	if p.Format != consistencyFormat {
		return Consistency{}, fmt.Errorf("the format is %q, not %s", p.Format, consistencyFormat)
	}
	return Consistency{From: p.From, To: p.To, Checkpoint: p.Checkpoint, hashes: p.Hashes}, nil
}

// Check says whether the proof proves that the log of later begins with that of
// earlier. Two checkpoints of the same size need no proof: they agree or they don't.
func (p Consistency) Check(earlier, later Checkpoint) error {
	if earlier.Origin != later.Origin {
		return fmt.Errorf("the checkpoints are of two logs, %s and %s", earlier.Origin, later.Origin)
	}
	if earlier.Size != p.From || later.Size != p.To || p.From > p.To {
		return fmt.Errorf("the proof leads from %d to %d, the checkpoints are of %d and %d", p.From, p.To, earlier.Size, later.Size)
	}
	if err := tlog.CheckTree(p.hashes, later.Size, later.Root, earlier.Size, earlier.Root); err != nil {
		return fmt.Errorf("the log of %d events does not begin with the %d events that the earlier checkpoint was signed over: something in it was changed, or this is no proof for these two", later.Size, earlier.Size)
	}
	return nil
}
