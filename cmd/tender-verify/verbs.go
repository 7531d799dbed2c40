package main

import (
	"fmt"
	"strings"

	"tender/cmd/internal/logproof"
)

// describe is a checkpoint in words.
func describe(c logproof.Checkpoint) string {
	return fmt.Sprintf("%s, %d events, %s, signed by %s", c.Origin, c.Size, c.Time.UTC().Format("2006-01-02 15:04:05 MST"), strings.Join(c.Signers, " and "))
}

// source returns the checkpoints of files by rising size, each believed by its
// signature, however many there are.
func (c *command) source(names []string) (logproof.Source, func(), error) {
	var sources []logproof.Source
	var closes []func()
	end := func() {
		for _, f := range closes {
			f()
		}
	}
	for _, name := range names {
		f, shut, err := c.open(name)
		if err != nil {
			end()
			return nil, nil, err
		}
		source, stop := logproof.FileSource(name, f, c.keys.Checkpoint)
		sources, closes = append(sources, source), append(closes, stop, shut)
	}
	return logproof.Merge(sources...), end, nil
}

// largest reads the checkpoint of a file that is over the most events, the last of
// several, and believes it by its signature.
func (c *command) largest(name string) (logproof.Checkpoint, error) {
	f, shut, err := c.open(name)
	if err != nil {
		return logproof.Checkpoint{}, err
	}
	defer shut()
	var largest logproof.Checkpoint
	_, err = logproof.EachNote(f, func(text string) error {
		next, err := logproof.Unsigned(text)
		if next.Size >= largest.Size {
			largest = next
		}
		return err
	})
	if err == nil && largest.Size == 0 {
		err = fmt.Errorf("it holds no checkpoint")
	}
	if err == nil {
		largest, err = c.keys.Checkpoint(largest.Note)
	}
	if err != nil {
		return largest, fmt.Errorf("%s: %w", name, err)
	}
	return largest, nil
}

// checkpoints verifies signatures, and that no two checkpoints contradict each other
// where that shows without a proof.
func checkpoints(c *command) error {
	source, end, err := c.source(c.files)
	if err != nil {
		return err
	}
	defer end()
	last := map[string]logproof.Checkpoint{} // by origin
	for {
		next, there, err := source()
		if !there || err != nil {
			return err
		}
		if next.Contradicts(last[next.Origin]) {
			return fmt.Errorf("two checkpoints of %s, both of %d events, contradict each other: two histories were signed", next.Origin, next.Size)
		}
		last[next.Origin] = next
		c.say("%s", describe(next))
	}
}

// inclusion verifies that an event is in a checkpoint's log.
func inclusion(c *command) error {
	text, err := c.read(c.files[0])
	if err != nil {
		return err
	}
	proof, err := logproof.ParseInclusion(text)
	if err != nil {
		return err
	}
	checkpoint, err := c.keys.Checkpoint(proof.Checkpoint)
	if c.in != "" {
		checkpoint, err = c.largest(string(c.in))
	}
	if err != nil {
		return err
	}
	if err := proof.Check(checkpoint); err != nil {
		return err
	}
	e := proof.Event
	c.say("The event at position %d is in the log: %s, version %d of %s.", e.Position, e.Type, e.Version, e.Stream)
	c.say("Checkpoint: %s", describe(checkpoint))
	return nil
}

// consistency verifies that a later log begins with an earlier one.
func consistency(c *command) error {
	if c.from == "" {
		return badUsage{fmt.Errorf("--from is missing: the checkpoint that was kept")}
	}
	text, err := c.read(c.files[0])
	if err != nil {
		return err
	}
	proof, err := logproof.ParseConsistency(text)
	if err != nil {
		return err
	}
	earlier, err := c.largest(string(c.from))
	if err != nil {
		return err
	}
	if c.to == "" && proof.Checkpoint == "" {
		return badUsage{fmt.Errorf("the proof has no checkpoint of %d events with it: name one with --to", proof.To)}
	}
	later, err := c.keys.Checkpoint(proof.Checkpoint)
	if c.to != "" {
		later, err = c.largest(string(c.to))
	}
	if err != nil {
		return err
	}
	if err := proof.Check(earlier, later); err != nil {
		return err
	}
	c.say("The log of %d events begins with the %d events of the earlier checkpoint, all of them unchanged.", later.Size, earlier.Size)
	c.say("Earlier: %s", describe(earlier))
	c.say("Later:   %s", describe(later))
	return nil
}

// events verifies an export.
func events(c *command) error {
	kept, end, err := c.source(c.kept)
	if err != nil {
		return err
	}
	defer end()
	f, shut, err := c.open(c.files[0])
	if err != nil {
		return err
	}
	defer shut()
	found, err := logproof.VerifyExport(f, &c.keys, kept)
	if err != nil {
		return err
	}
	c.say("The events %d to %d are whole, and as they were appended.", found.First, found.Last)
	c.say("Checkpoint: %s", describe(found.Checkpoint))
	if found.Checkpoints > 0 {
		c.say("%d of the checkpoints that were kept agree.", found.Checkpoints)
	}
	if !found.ChainSealed {
		c.say(`NOT PROVEN are the chain hashes, "previous" and "hash": they follow from one another, but no checkpoint that was compared names one of them.`)
	}
	switch not := found.Unreached; not.Count {
	case 0:
	case 1:
		c.say("NOT COMPARED, because these events don't reach it: %s", describe(not.First))
	default:
		c.say("NOT COMPARED, because these events don't reach them: %d checkpoints, of %d to %d events", not.Count, not.First.Size, not.Last.Size)
	}
	return nil
}
