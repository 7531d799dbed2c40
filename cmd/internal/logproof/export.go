package logproof

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
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
	Unreached  Unreached
	// ChainSealed: the chain hashes are the log's. They follow from one another, so one
	// that a checkpoint names proves all; the tree proves none.
	ChainSealed bool
}

// Unreached are kept checkpoints that exported events say nothing about.
type Unreached struct {
	Count       int
	First, Last Checkpoint // by size
}

// VerifyExport reads exported events and verifies that they are, whole and as they
// were appended, a range of the log that the export's own checkpoint was signed over,
// and of each that somebody kept, as far as its size lies within the range; kept may be
// nil. A nil keys leaves out the export's own signatures.
func VerifyExport(r io.Reader, keys *Keys, kept Source) (Exported, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, lineBytesMax)
	head, c, err := readHead(lines, keys)
	if err != nil {
		return Exported{}, err
	}
	if head.From == 1 && head.Previous != (Hash{}) {
		return Exported{}, errors.New("the chain hash before the first event of a log is zero")
	}
	found := Exported{Checkpoint: c}
	before, err := TreeOf(head.From-1, head.Before)
	if err != nil {
		return found, fmt.Errorf("what lies before the first event: %w", err)
	}
	v := NewVerifier(Config{Before: before, Previous: head.Previous, Checkpoints: found.reached(kept, head)})
	if err := eachEvent(lines, v, head.To); err != nil {
		found.Summary = v.Summary()
		return found, err
	}
	if found.Summary, err = v.Finish(); err != nil {
		return found, err
	}
	found.ChainSealed = head.From == 1 || head.To == c.Size || found.Checkpoints > 0
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

// reached returns those of the kept checkpoints that the range reaches, counts the
// others, and compares those of the size of the export's own with that.
func (x *Exported) reached(kept Source, head Export) Source {
	if kept == nil {
		return nil
	}
	return func() (Checkpoint, bool, error) {
		for {
			c, there, err := kept()
			if !there || err != nil {
				return c, false, err
			}
			switch {
			case c.Origin != x.Checkpoint.Origin:
				return c, false, fmt.Errorf("a kept checkpoint is of %s, the export of %s", c.Origin, x.Checkpoint.Origin)
			case c.Contradicts(x.Checkpoint):
				return c, false, fmt.Errorf("the export's checkpoint and one that was kept, both of %d events, contradict each other: two histories were signed", c.Size)
			case c.Size >= head.From-1 && c.Size <= head.To:
				return c, true, nil
			case c.Size != x.Checkpoint.Size:
				x.Unreached.add(c)
			}
		}
	}
}

// add counts one more, of the size of the last or a larger one.
func (u *Unreached) add(c Checkpoint) {
	if u.Count++; u.Count == 1 {
		u.First = c
	}
	u.Last = c
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
