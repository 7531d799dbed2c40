package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/cockroachdb/errors"

	"tender/cmd/internal/logproof"
	"tender/cmd/tender/internal/verify"
)

// paths collects an option that may stand there several times.
type paths []string

func (p *paths) String() string     { return strings.Join(*p, ",") }
func (p *paths) Set(s string) error { *p = append(*p, s); return nil }

// verifyFlags are the options of tender audit verify.
type verifyFlags struct {
	database, mode, keys, sealKey string
	checkpoints                   paths
	logOnly                       bool
}

// runAuditVerify verifies the log by code that shares nothing with what writes it. It
// fails with the first position that is wrong.
func runAuditVerify(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var f verifyFlags
	flags := newFlags("audit verify", stderr)
	flags.StringVar(&f.mode, "mode", "test", "test or live")
	flags.BoolVar(&f.logOnly, "log-only", false, "positions, versions, chain, tree and checkpoints")
	flags.Var(&f.checkpoints, "checkpoints", "a file of checkpoints that were kept outside the database, to be compared, too; may stand there several times")
	settings := []setting{
		databaseSetting(&f.database), sealKeySetting(&f.sealKey),
		{"keys", "TENDER_SEAL_PUBLIC_KEYS", "", "file with the public keys that are believed, as tender seal keys prints them; default: those of the key file", false, &f.keys},
	}
	if err := parseSettings(flags, args, settings); err != nil {
		return err
	}
	switch {
	case !f.logOnly:
		return usageError("tender: say --log-only: the log is what can be verified")
	case f.database == "":
		return usageError("tender: DATABASE_URL is not set; with tender dev running: set -a; . .tender/dev.env")
	case f.mode != "test" && f.mode != "live":
		return usageError(fmt.Sprintf("tender: there is no mode %q; use test or live", f.mode))
	}
	return verifyLog(ctx, f, stdout)
}

// verifyLog goes through the log, and says what holds.
func verifyLog(ctx context.Context, f verifyFlags, stdout io.Writer) error {
	log := verify.Log{DatabaseURL: f.database, Mode: f.mode}
	var err error
	if log.Keys, err = f.believed(); err != nil {
		return err
	}
	for _, path := range f.checkpoints {
		file, err := os.Open(path)
		if err != nil {
			return errors.Wrap(err, "open the checkpoints that were kept")
		}
		defer file.Close()
		source, stop := logproof.FileSource(path, file, log.Believe)
		defer stop()
		log.Kept = append(log.Kept, source)
	}
	begun := time.Now()
	r, err := log.Verify(ctx)
	var fault *logproof.Fault
	if errors.As(err, &fault) {
		return errors.Newf("the %s log is WRONG at %s", f.mode, fault.Error())
	}
	if err != nil {
		return err
	}
	printReport(stdout, f.mode, log.Keys != nil, r, time.Since(begun))
	return nil
}

// believed returns the public keys that are believed; nil: there are none.
func (f verifyFlags) believed() (*logproof.Keys, error) {
	var text string
	switch {
	case f.keys != "":
		content, err := os.ReadFile(f.keys)
		if err != nil {
			return nil, errors.Wrap(err, "read the public keys")
		}
		text = string(content)
	case f.sealKey != "":
		keys, err := sealingKeys(f.sealKey)
		if err != nil {
			return nil, err
		}
		public, err := keys.Verifiers(sealedLogs...)
		if err != nil {
			return nil, err
		}
		text = strings.Join(public, "\n")
	default:
		return nil, nil
	}
	keys, err := logproof.ParseKeys(text)
	return &keys, err
}

func printReport(w io.Writer, mode string, signed bool, r verify.Report, took time.Duration) {
	fmt.Fprintf(w, "The %s log holds: %d events in %d streams, in %s (%.0f events/s).\n", mode, r.Last, r.Streams, took.Round(time.Millisecond), float64(r.Last)/max(took.Seconds(), 1e-6))
	fmt.Fprintf(w, "  chain  %s\n", hex.EncodeToString(r.Chain[:]))
	fmt.Fprintf(w, "  tree   %s\n", r.Root)
	switch {
	case r.Checkpoints == 0:
		fmt.Fprintln(w, "  It is not sealed: whoever could recompute the chain could have changed it.")
	case signed:
		fmt.Fprintf(w, "  %d signed checkpoints agree, the last with %d events; %d came after it.\n", r.Checkpoints, r.Sealed, r.Unsealed)
	default:
		fmt.Fprintf(w, "  %d checkpoints agree, the last with %d events; %d came after it. NOBODY'S SIGNATURES WERE CHECKED: name the keys with --keys.\n", r.Checkpoints, r.Sealed, r.Unsealed)
	}
	if r.LeavesWrongAt > 0 {
		fmt.Fprintf(w, "  The tiles are wrong from %d on, not the log; the next start of a sealer makes them again.\n", r.LeavesWrongAt)
	}
}
