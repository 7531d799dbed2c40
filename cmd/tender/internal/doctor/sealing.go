package doctor

import (
	"context"
	"fmt"
	"io/fs"
	"time"

	"github.com/cockroachdb/errors"

	"tender/cmd/internal/logproof"
	"tender/eventstore/seal"
)

const (
	// sealLate is for how long an event may be in the log unsealed.
	sealLate = 30 * time.Second
	// outletLate is how far what left the database may be behind what is in it.
	outletLate = 5 * time.Minute
)

// sealing looks how far the log is sealed, and whether that has stopped.
func (p patient) sealing(ctx context.Context, c *chart) error {
	s, err := seal.Read(ctx, p.store)
	if err != nil {
		return err
	}
	start := "Start a process with TENDER_SEAL_KEY_FILE, as deploy/README.md says under \"Sealing the log\"; if one runs, its log says under `sealer` why it fails."
	switch {
	case s.Alarm != "":
		c.fail(fmt.Sprintf("Sealing has stopped since %s: %s", s.Since.UTC().Format(time.RFC3339), sentence(s.Alarm)), p.log.WorkSchema()+".seal_alarm",
			fmt.Sprintf("Find out what was changed: `tender audit verify --log-only --mode %s`, with --checkpoints and the file of those that were kept. If the database was put back to an earlier state, bring the right one back; what is sealed can't be undone.", p.log.Mode))
		return nil
	case s.Head == 0:
		c.ok("There is nothing to seal.", "the log is empty")
		return nil
	case s.Last == nil:
		c.warn("The log is not sealed: whoever has every right to the database could change it unnoticed.", p.log.WorkSchema()+".checkpoints is empty", "Make a key with `tender seal init --seal-key-file FILE`, once for all machines. "+start)
		return nil
	}
	late, err := p.firstAfter(ctx, s.Last.Size)
	if err != nil {
		return err
	}
	seen := fmt.Sprintf("the last checkpoint, number %d, is over %d of %d events, made %s", s.Last.Number, s.Last.Size, s.Head, s.Last.Time.UTC().Format(time.RFC3339))
	if s.Behind > 0 && late > sealLate {
		c.fail(fmt.Sprintf("Sealing is %s behind, since %s.", counted(s.Behind, "event", "events"), late.Round(time.Second)), seen, start)
		return nil
	}
	c.ok("The log is sealed.", seen)
	return nil
}

// sealKey looks at the key file, and whether the last checkpoint was signed by it.
func (p patient) sealKey(ctx context.Context, c *chart) error {
	if p.SealKeyFile == "" {
		c.ok("The sealing keys were not looked at.", "TENDER_SEAL_KEY_FILE is not set: this machine doesn't seal")
		return nil
	}
	keys, err := seal.LoadKeys(p.SealKeyFile)
	if errors.Is(err, fs.ErrNotExist) {
		c.fail("There is no sealing key.", p.SealKeyFile+" is not there", "Put the copy back, or, if there never was one, make it: `tender seal init`, once for all machines.")
		return nil
	}
	if err != nil {
		c.fail("The sealing key can't be used.", err.Error(), fmt.Sprintf("If it is the mode: `chmod 600 %s`; if others had access meanwhile, `tender seal rotate`. If the file is damaged, put the copy back.", p.SealKeyFile))
		return nil
	}
	last, err := seal.NewProofs(p.store).Latest(ctx)
	if errors.Is(err, seal.ErrNotSealed) {
		c.ok("The sealing key is there.", p.SealKeyFile)
		return nil
	}
	if err != nil {
		return err
	}
	current, err := keys.SignedLast(p.log, last)
	switch {
	case err != nil:
		c.fail("The sealing key is not one that signed the last checkpoint: sealing stops.", err.Error(),
			fmt.Sprintf("Put the file back that was at %s, with mode 0600. If it is lost, docs/proofs.md says under Keys how to begin anew.", p.SealKeyFile))
	case !current:
		c.warn("A rotation of the sealing key is not complete: no checkpoint is signed by the new key yet.", p.SealKeyFile,
			"Carry the file to every machine that seals, and let one seal: with the next event, the old and the new key sign.")
	default:
		c.ok("The sealing key has signed the last checkpoint.", p.SealKeyFile)
	}
	return nil
}

// outlets compares checkpoints that left the database with the log: they come first,
// so that an honest log reaches as far.
func (p patient) outlets(ctx context.Context, c *chart) error {
	type outlet struct {
		name  string
		notes []string // the last ones, the latest first
	}
	var left []outlet
	if p.CheckpointDir != "" {
		file := seal.NewFile(p.CheckpointDir, p.log)
		notes, err := file.Latest(ctx)
		if err != nil {
			c.warn("The file of checkpoints can't be read.", err.Error(), fmt.Sprintf("See what is there, and whose it is: `ls -l %s`.", file.Name()))
		}
		left = append(left, outlet{file.Name(), notes})
	}
	if p.nats != nil {
		n, err := seal.NewNATS(p.nats, p.log, 1)
		if err != nil {
			return err
		}
		notes, err := n.Latest(ctx)
		if err != nil {
			return err
		}
		left = append(left, outlet{"the stream " + seal.StreamName(p.log), notes})
	}
	s, err := seal.Read(ctx, p.store)
	if err != nil || len(left) == 0 {
		return err
	}
	for _, o := range left {
		if err := p.outlet(ctx, c, s, o.name, o.notes); err != nil {
			return err
		}
	}
	if !c.bad() {
		c.ok("The checkpoints that left the database are true of the log.", fmt.Sprintf("the last one in each of %d places, its chain hash", len(left)))
	}
	return nil
}

// outlet judges one place by its last checkpoint.
func (p patient) outlet(ctx context.Context, c *chart, s seal.Status, name string, notes []string) error {
	var kept *logproof.Checkpoint
	for i, text := range notes {
		note, err := logproof.Unsigned(text)
		if err == nil {
			kept = &note
			break
		}
		if i == 0 {
			c.warn(fmt.Sprintf("What came to %s last is no checkpoint.", name), err.Error(),
				"Find out who put it there: nobody but the sealer may. Sealing passes it over.")
		}
	}
	if kept == nil {
		if s.Last != nil && time.Since(s.Last.Time) > outletLate {
			c.warn(fmt.Sprintf("No checkpoint has come to %s.", name), "it holds none", "The log of the process that seals says under `a checkpoint leaves later` why.")
		}
		return nil
	}
	verify := fmt.Sprintf("If the database was put back to an earlier state, bring the right one back. Otherwise the log was changed: `tender audit verify --log-only --mode %s` finds out where, with --checkpoints and the checkpoints that were kept.", p.log.Mode)
	if kept.Size > s.Head {
		c.fail(fmt.Sprintf("A checkpoint in %s is over more events than the log has.", name), fmt.Sprintf("%d events; the log has %d", kept.Size, s.Head), verify)
		return nil
	}
	if kept.Size > 0 {
		events, err := p.store.After(ctx, kept.Size-1, 1)
		if err != nil {
			return err
		}
		if len(events) != 1 || events[0].Hash != kept.Chain {
			c.fail(fmt.Sprintf("A checkpoint in %s is over another history than the log's.", name), fmt.Sprintf("its chain hash at position %d", kept.Size), verify)
			return nil
		}
	}
	if s.Last != nil && s.Last.Size > kept.Size && time.Since(s.Last.Time) > outletLate {
		c.warn(fmt.Sprintf("Checkpoints no longer come to %s.", name), fmt.Sprintf("its last one is over %d events, the database's over %d", kept.Size, s.Last.Size),
			"The log of the process that seals says under `a checkpoint leaves later` why.")
	}
	return nil
}
