package main

import (
	"bufio"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"time"

	"github.com/cockroachdb/errors"

	"tender/handlers/replay"
)

// runAuditReplay folds a whole log with this build. The digests of two builds that
// fold it to the same are the same, line by line.
func runAuditReplay(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := newFlags("audit replay", stderr)
	mode := flags.String("mode", "test", "test or live")
	digest := flags.Bool("digest", false, "print a digest of what each stream folds to, to compare with another build's")
	upTo := flags.Int64("up-to", 0, "the last position that counts; default: the log's last")
	var database string
	if err := parseSettings(flags, args, []setting{databaseSetting(&database)}); err != nil {
		return err
	}
	if *upTo < 0 {
		return usageError("tender: --up-to is a position, from 1 on")
	}
	g, err := openEngine(ctx, database, *mode)
	if err != nil {
		return err
	}
	defer g.Store.Close()
	head, _, err := g.Store.Head(ctx)
	if err != nil {
		return err
	}
	switch {
	case *upTo == 0:
		*upTo = head
	case *upTo > head:
		return usageError(fmt.Sprintf("tender: the log ends at position %d", head))
	}
	begun := time.Now()
	out := bufio.NewWriter(stdout)
	sum, err := replay.Run(ctx, g.Store, g.Replayer(), *upTo, func(s replay.Stream) error {
		if !*digest {
			return nil
		}
		_, err := fmt.Fprintf(out, "%s %s %d\n", hex.EncodeToString(s.Digest[:]), s.ID, s.Events)
		return errors.Wrap(err, "write a digest")
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s all %d streams, up to position %d\n", hex.EncodeToString(sum.Digest[:]), sum.Streams, *upTo)
	if err := out.Flush(); err != nil {
		return errors.Wrap(err, "write the digests")
	}
	took := time.Since(begun)
	_, err = fmt.Fprintf(stderr, "%d events in %s, %.0f a second\n", sum.Events, took.Round(time.Millisecond), float64(sum.Events)/took.Seconds())
	return errors.Wrap(err, "write how long it took")
}
