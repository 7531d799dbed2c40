package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/cockroachdb/errors"
	"golang.org/x/sync/errgroup"

	"tender/cmd/internal/logproof"
	"tender/cmd/tender/internal/verify"
	"tender/cmd/tender/internal/verify/streams"
	"tender/projections"
)

// paths collects an option that may stand there several times.
type paths []string

func (p *paths) String() string     { return strings.Join(*p, ",") }
func (p *paths) Set(s string) error { *p = append(*p, s); return nil }

// verifyFlags are the options of tender audit verify.
type verifyFlags struct {
	database, mode, keys, sealKey string
	origin                        string
	checkpoints                   paths
	logOnly, json                 bool
}

// runAuditVerify verifies the log by code that shares nothing with what writes it and,
// unless the log alone is asked for, what it says and what is shown of it. It fails
// where anything is wrong, with the first position that is.
func runAuditVerify(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var f verifyFlags
	flags := newFlags("audit verify", stderr)
	flags.StringVar(&f.mode, "mode", "test", "test or live")
	flags.BoolVar(&f.logOnly, "log-only", false, "positions, versions, chain, tree, checkpoints and the journal's sums, and no more")
	flags.StringVar(&f.origin, "origin", "", "whose checkpoints are believed, as their first line names it; default: whose the first one is")
	flags.BoolVar(&f.json, "json", false, "print what was found as a JSON object")
	flags.Var(&f.checkpoints, "checkpoints", "a file of checkpoints that were kept outside the database, to be compared, too; may stand there several times")
	settings := []setting{
		databaseSetting(&f.database), sealKeySetting(&f.sealKey),
		{"keys", "TENDER_SEAL_PUBLIC_KEYS", "", "file with the public keys that are believed, as tender seal keys prints them; default: those of the key file", false, &f.keys},
	}
	if err := parseSettings(flags, args, settings); err != nil {
		return err
	}
	switch {
	case f.database == "":
		return usageError("tender: DATABASE_URL is not set; with tender dev running: set -a; . .tender/dev.env")
	case f.mode != "test" && f.mode != "live":
		return usageError(fmt.Sprintf("tender: there is no mode %q; use test or live", f.mode))
	}
	debug.SetGCPercent(rebuildGCPercent) // most of what it has in memory is rubbish, too
	v := &verification{flags: f, shown: newProgress(stderr)}
	if err := v.run(ctx); err != nil {
		return err
	}
	lay := v.lay
	if f.json {
		lay = v.layJSON
	}
	if err := lay(stdout); err != nil {
		return errors.Wrap(err, "write what was found")
	}
	return v.verdict()
}

// verification is a whole audit of a log where it lies.
type verification struct {
	flags  verifyFlags
	signed bool // the checkpoints' signatures were checked
	begun  time.Time
	took   time.Duration

	mu         sync.Mutex // of what follows, while it runs
	shown      *progress
	read, said int64 // events that were verified, and audited stream by stream

	findings verify.Findings
	log      verify.Report
	streams  streams.Summary
	compared []projections.Compared
}

// run verifies the log and, beside that, audits it stream by stream: the two read it in
// different orders.
func (v *verification) run(ctx context.Context) error {
	v.begun = time.Now()
	defer func() {
		v.shown.end()
		v.took = time.Since(v.begun)
	}()
	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() error { return v.verifyLog(ctx) })
	if !v.flags.logOnly {
		all.Go(func() error { return v.auditStreams(ctx) })
	}
	return all.Wait()
}

// verifyLog goes through the log.
func (v *verification) verifyLog(ctx context.Context) error {
	f := v.flags
	log := &verify.Log{DatabaseURL: f.database, Mode: f.mode, Found: v.findings.Add, Origin: f.origin}
	log.Progress = func(position, head int64) { v.progress(func() { v.read = position }, head) }
	var err error
	if log.Keys, err = f.believed(); err != nil {
		return err
	}
	v.signed = log.Keys != nil
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
	v.log, err = log.Verify(ctx)
	if errors.Is(err, verify.ErrNothingKept) {
		return errors.Newf("a file of checkpoints holds none, so that nothing would be compared: %s", strings.Join(f.checkpoints, ", "))
	}
	var fault *logproof.Fault
	if errors.As(err, &fault) {
		v.findings.Add(verify.Finding{Position: fault.Position, Check: verify.CheckLog, Name: string(fault.What), Detail: fault.Detail})
		return nil
	}
	return err
}

// auditStreams goes through the log stream by stream. The read models are looked at as
// of one moment, and the log up to a later one.
func (v *verification) auditStreams(ctx context.Context) error {
	g, err := openEngine(ctx, v.flags.database, v.flags.mode)
	if err != nil {
		return err
	}
	defer g.Store.Close()
	runner, err := projections.NewRunner(g.Store, nil, projections.NewCursors(g.Store), readModels(v.flags.mode)...)
	if err != nil {
		return err
	}
	rows, err := runner.Compare(ctx, func(d projections.Difference) {
		subject := d.Table
		if d.Key != "" {
			subject += " " + d.Key
		}
		v.findings.Add(verify.Finding{Position: d.Position, Check: verify.CheckReadModel, Name: d.Projection, Subject: subject, Detail: rowInWords(d)})
	})
	if err != nil {
		return err
	}
	defer rows.Close(ctx)
	head, _, err := g.Store.Head(ctx)
	if err != nil {
		return err
	}
	v.streams, err = streams.Audit{
		Log: g.Store, Steps: g.Steps(), Rows: rows, UpTo: head, Found: v.findings.Add,
		Progress: func(events int64) { v.progress(func() { v.said = events }, head) },
	}.Run(ctx)
	v.compared = rows.Compared()
	return err
}

// progress takes in how far one of the two readers is.
func (v *verification) progress(set func(), head int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	set()
	done := v.read
	if !v.flags.logOnly {
		done = (v.read + v.said) / 2
	}
	v.shown.show("", "verifying", done, head)
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
