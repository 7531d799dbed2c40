package logproof

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
)

// lineBytesMax bounds a line of an export: a payload may have 256 KiB, six times as
// much when all of it has to be escaped.
const lineBytesMax = 4 << 20

// Export is the first line of exported events: which they are, and what leads from
// them to a checkpoint's root.
type Export struct {
	Format string `json:"format"`
	From   int64  `json:"from"`
	To     int64  `json:"to"`
	// Previous is the chain hash before the first event.
	Previous Hash `json:"previous"`
	// Before are the complete subtrees, largest first, over what lies before the
	// first event; After those that follow on the last, up to the checkpoint's size.
	Before     []Hash `json:"before"`
	After      []Hash `json:"after"`
	Checkpoint string `json:"checkpoint"`
}

// Exported is what was found of an export.
type Exported struct {
	Summary
	Checkpoint Checkpoint
	// Unchecked are those of the kept checkpoints that these events say nothing about.
	Unchecked []Checkpoint
}

// VerifyExport reads exported events and verifies that they are, whole and as they
// were appended, a range of the log that the export's own checkpoint was signed over,
// and of each that somebody kept, as far as its size lies within the range. A nil keys
// leaves out the signatures.
func VerifyExport(r io.Reader, keys *Keys, kept []Checkpoint) (Exported, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, lineBytesMax)
	head, c, err := readHead(lines, keys)
	if err != nil {
		return Exported{}, err
	}
	found := Exported{Checkpoint: c}
	before, err := TreeOf(head.From-1, head.Before)
	if err != nil {
		return found, fmt.Errorf("what lies before the first event: %w", err)
	}
	inside, err := found.sort(kept, head)
	if err != nil {
		return found, err
	}
	v := NewVerifier(Config{Before: before, Previous: head.Previous, Checkpoints: listed(inside)})
	if err := eachEvent(lines, v, head.To); err != nil {
		found.Summary = v.Summary()
		return found, err
	}
	if found.Summary, err = v.Finish(); err != nil {
		return found, err
	}
	return found, found.join(v.Tree(), head)
}

// readHead reads the first line and its checkpoint.
func readHead(lines *bufio.Scanner, keys *Keys) (Export, Checkpoint, error) {
	var head Export
	if !lines.Scan() {
		return head, Checkpoint{}, errors.Join(errors.New("the export is empty"), lines.Err())
	}
	if err := decodeStrictly(lines.Bytes(), &head); err != nil {
		return head, Checkpoint{}, fmt.Errorf("the first line is not that of an export: %w", err)
	}
	if head.Format != exportFormat {
		return head, Checkpoint{}, fmt.Errorf("the format is %q, not %s", head.Format, exportFormat)
	}
	read := Unsigned
	if keys != nil {
		read = keys.Checkpoint
	}
	c, err := read(head.Checkpoint)
	if err != nil {
		return head, c, err
	}
	if head.From < 1 || head.To < head.From || head.To > c.Size {
		return head, c, fmt.Errorf("the export is of %d to %d, the log that was signed over has %d events", head.From, head.To, c.Size)
	}
	return head, c, nil
}

// sort puts the kept checkpoints aside that lie beyond the range, compares those of
// the export's own size, and returns the others by rising size.
func (x *Exported) sort(kept []Checkpoint, head Export) ([]Checkpoint, error) {
	var inside []Checkpoint
	for _, c := range kept {
		switch {
		case c.Origin != x.Checkpoint.Origin:
			return nil, fmt.Errorf("a kept checkpoint is of %s, the export of %s", c.Origin, x.Checkpoint.Origin)
		case c.Size == x.Checkpoint.Size && c.Root != x.Checkpoint.Root:
			return nil, fmt.Errorf("the export's checkpoint and one that was kept, both of %d events, contradict each other: two histories were signed", c.Size)
		case c.Size >= head.From-1 && c.Size <= head.To:
			inside = append(inside, c)
		case c.Size != x.Checkpoint.Size:
			x.Unchecked = append(x.Unchecked, c)
		}
	}
	slices.SortStableFunc(inside, func(a, b Checkpoint) int { return cmp.Compare(a.Size, b.Size) })
	return inside, nil
}

// listed returns checkpoints one by one.
func listed(checkpoints []Checkpoint) Source {
	return func() (Checkpoint, bool, error) {
		if len(checkpoints) == 0 {
			return Checkpoint{}, false, nil
		}
		c := checkpoints[0]
		checkpoints = checkpoints[1:]
		return c, true, nil
	}
}

// eachEvent gives the events of the other lines to v, and wants as many as were
// promised.
func eachEvent(lines *bufio.Scanner, v *Verifier, to int64) error {
	n := 1
	for lines.Scan() {
		n++
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		e, err := ParseEvent(lines.Bytes())
		if err != nil {
			return fmt.Errorf("line %d is no event: %w", n, err)
		}
		if e.Position > to && v.last() == to {
			return &Fault{e.Position, Added, fmt.Sprintf("the export says of itself that it ends at %d", to)}
		}
		if err := v.Add(e); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("after line %d: %w", n, err)
	}
	if v.search == nil && v.last() < to {
		return &Fault{v.last() + 1, CutOff, fmt.Sprintf("the export says of itself that it goes to %d", to)}
	}
	return nil
}

// join leads from the events to the root that was signed.
func (x *Exported) join(tree Tree, head Export) error {
	if err := tree.Complete(x.Checkpoint.Size, head.After); err != nil {
		return fmt.Errorf("what follows on the last event: %w", err)
	}
	if tree.Root() != x.Checkpoint.Root || head.To == x.Checkpoint.Size && x.Chain != x.Checkpoint.Chain {
		return &Fault{max(x.Sealed+1, x.First), Changed, fmt.Sprintf(
			"the chain of hashes holds, but the events from here to %d are not those that the checkpoint of %s was signed over",
			head.To, x.Checkpoint.Time.Format("2006-01-02 15:04:05"))}
	}
	return nil
}
