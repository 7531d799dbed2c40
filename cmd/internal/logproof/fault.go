package logproof

import "fmt"

// What is wrong at a position.
type What string

// What can be wrong with a log.
const (
	// Changed: what stands there is not what was appended there.
	Changed What = "changed"
	// Removed: what was appended there is gone.
	Removed What = "removed"
	// Added: what stands there was not appended there.
	Added What = "added"
	// Swapped: what was appended there stands elsewhere.
	Swapped What = "swapped"
	// CutOff: the log ends before, though it was longer.
	CutOff What = "cut off"
)

// Fault is the first position of a log that is wrong. It is an error of the log, not
// of the verifier.
type Fault struct {
	Position int64
	What     What
	Detail   string // a sentence for people, without the position
}

func (f *Fault) Error() string {
	return fmt.Sprintf("position %d: %s: %s", f.Position, f.What, f.Detail)
}
