package verify

import (
	"cmp"
	"slices"
	"sync"
)

// Check is what a finding comes from.
type Check string

// The checks, in the order in which what they find is believed: whoever finds the log
// itself wrong need not wonder about the rest.
const (
	CheckLog       Check = "log"        // positions, versions, chain, tree, checkpoints
	CheckJournal   Check = "journal"    // what the journal shows against the log's own sums
	CheckReplay    Check = "replay"     // the domain can't fold a stream
	CheckInvariant Check = "invariant"  // a predicate doesn't hold
	CheckReadModel Check = "read_model" // a row is not what the log folds to
)

// findingsMax is how many findings are kept: those with the lowest positions. All are
// counted.
const findingsMax = 100

// Finding is something that is wrong.
type Finding struct {
	Position int64  `json:"position"`          // of the event that is wrong, or that a row should reflect
	Check    Check  `json:"check"`             // that found it
	Name     string `json:"name,omitempty"`    // of the predicate, or of the read model
	Subject  string `json:"subject,omitempty"` // the stream, or the table and key
	Detail   string `json:"detail"`            // a sentence without a position
}

// Findings collects what is found, from several goroutines.
type Findings struct {
	mu    sync.Mutex
	kept  []Finding // by position
	total int
}

// Add takes a finding.
func (f *Findings) Add(one Finding) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.total++
	i, _ := slices.BinarySearchFunc(f.kept, one, func(a, b Finding) int {
		if c := cmp.Compare(a.Position, b.Position); c != 0 {
			return c
		}
		return -1 // behind those that are there
	})
	if i >= findingsMax {
		return
	}
	f.kept = slices.Insert(f.kept, i, one)
	f.kept = f.kept[:min(len(f.kept), findingsMax)]
}

// All returns the findings with the lowest positions, by position, and how many there
// are in all.
func (f *Findings) All() (lowest []Finding, total int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.kept), f.total
}
