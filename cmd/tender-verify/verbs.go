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

// all reads the checkpoints of a file, each believed by its signature.
func (c *command) all(name string) ([]logproof.Checkpoint, error) {
	f, err := c.open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var found []logproof.Checkpoint
	_, err = logproof.EachNote(f, func(text string) error {
		checkpoint, err := c.keys.Checkpoint(text)
		found = append(found, checkpoint)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s, checkpoint number %d: %w", name, max(len(found), 1), err)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s holds no checkpoint", name)
	}
	return found, nil
}

// last reads the last checkpoint of a file.
func (c *command) last(name string) (logproof.Checkpoint, error) {
	found, err := c.all(name)
	if err != nil {
		return logproof.Checkpoint{}, err
	}
	return found[len(found)-1], nil
}

// checkpoints verifies signatures, and that no two checkpoints contradict each other
// where that shows without a proof.
func checkpoints(c *command) error {
	known := map[string]logproof.Checkpoint{} // by origin and size
	for _, name := range c.files {
		found, err := c.all(name)
		if err != nil {
			return err
		}
		for _, next := range found {
			key := fmt.Sprint(next.Origin, next.Size)
			if other, there := known[key]; there && (other.Root != next.Root || other.Chain != next.Chain) {
				return fmt.Errorf("two checkpoints of %s, both of %d events, contradict each other: two histories were signed", next.Origin, next.Size)
			}
			known[key] = next
			c.say("%s", describe(next))
		}
	}
	return nil
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
	if len(c.kept) > 0 {
		checkpoint, err = c.last(c.kept[len(c.kept)-1])
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
	earlier, err := c.last(c.from)
	if err != nil {
		return err
	}
	if c.to == "" && proof.Checkpoint == "" {
		return badUsage{fmt.Errorf("the proof has no checkpoint of %d events with it: name one with --to", proof.To)}
	}
	later, err := c.keys.Checkpoint(proof.Checkpoint)
	if c.to != "" {
		later, err = c.last(c.to)
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
	var kept []logproof.Checkpoint
	for _, name := range c.kept {
		found, err := c.all(name)
		if err != nil {
			return err
		}
		kept = append(kept, found...)
	}
	f, err := c.open(c.files[0])
	if err != nil {
		return err
	}
	defer f.Close()
	found, err := logproof.VerifyExport(f, &c.keys, kept)
	if err != nil {
		return err
	}
	c.say("The events %d to %d are whole, and as they were appended.", found.First, found.Last)
	c.say("Checkpoint: %s", describe(found.Checkpoint))
	if found.Checkpoints > 0 {
		c.say("%d of the checkpoints that were kept agree.", found.Checkpoints)
	}
	for _, k := range found.Unchecked {
		c.say("NOT COMPARED, because these events don't reach it: %s", describe(k))
	}
	return nil
}
