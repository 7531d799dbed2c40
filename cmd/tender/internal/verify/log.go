// Package verify audits a log where it lies. It reads the database by SQL of its own
// and shares no code with what writes the log: what rows, tiles and checkpoints have
// to be is in docs/log-format.md and docs/proofs.md, and checked by logproof.
package verify

import (
	"context"
	"fmt"
	"strings"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"

	"tender/cmd/internal/logproof"
)

const (
	// pageEvents is how many events one COPY brings: each has a snapshot of its own,
	// so that no long one keeps PostgreSQL from clearing up.
	pageEvents = 100_000
	// pageCheckpoints is how many checkpoints are read at a time.
	pageCheckpoints = 1000
)

// Log says what is verified, and against what.
type Log struct {
	DatabaseURL string // of any role that may read the log and the work schema
	Mode        string
	Keys        *logproof.Keys // nil: signatures are not looked at
	// Kept are checkpoints that somebody kept outside the database, each source by
	// rising size.
	Kept []logproof.Source
	// Found takes what is wrong with the journal; nil: it is left alone.
	Found func(Finding)
	// Progress, if any, is told how far the verifier has come, now and then.
	Progress func(position, head int64)

	// Origin is whose checkpoints are believed, as installation/log_test; "": whose the
	// first one is that is read. Keys may list those of several installations, and a
	// checkpoint of another says nothing about this log.
	Origin string
}

// Report is what was found to be right.
type Report struct {
	logproof.Summary
	Head     int64  // the log's last position when it was begun
	Tiles    bool   // there were tiles to compare with
	Unsealed int64  // events after the last checkpoint
	Origin   string // of the checkpoints; "": there are none
	Kept     int    // how many were kept outside the database, of those that agree
	Journal  Sums
}

// Verify reads the whole log up to where it ends now. A *logproof.Fault is the first
// position that is wrong; what is wrong with the journal is found beside it.
func (l *Log) Verify(ctx context.Context) (Report, error) {
	var all [3]*pgx.Conn // for the log, for what lies beside it, and for the journal
	for i := range all {
		conn, err := l.connect(ctx)
		if err != nil {
			return Report{}, err
		}
		defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
		all[i] = conn
	}
	rows, beside := all[0], all[1]

	// The checkpoints before the head: an honest log reaches as far as every one.
	stored, err := l.stored(ctx, beside)
	if err != nil {
		return Report{}, err
	}
	var sums *journal
	if l.Found != nil {
		if sums, err = l.journal(ctx, all[2], beside); err != nil {
			return Report{}, err
		}
	}
	var r Report
	if err := beside.QueryRow(ctx, `SELECT coalesce(max(position), 0) FROM `+l.table("log", "events")).Scan(&r.Head); err != nil {
		return r, errors.Wrap(err, "read the log's head")
	}
	leaves := &leaves{ctx: ctx, db: beside, tiles: l.table("work", "tiles"), checkpoints: l.table("work", "checkpoints")}
	kept := make([]int, len(l.Kept))
	sources := []logproof.Source{stored}
	for i, source := range l.Kept {
		sources = append(sources, counting(source, &kept[i]))
	}
	v := logproof.NewVerifier(logproof.Config{Checkpoints: logproof.Merge(sources...), Leaves: leaves})
	for after, more := int64(0), true; more; {
		if after, more, err = l.page(ctx, rows, v, sums, after, r.Head); err != nil {
			r.Summary = v.Summary()
			return r, err
		}
		if l.Progress != nil {
			l.Progress(after, r.Head)
		}
	}
	r.Summary, err = v.Finish()
	r.Origin = l.Origin
	for i, n := range kept {
		if r.Kept += n; n == 0 && err == nil {
			return r, errors.Wrapf(ErrNothingKept, "source %d", i+1)
		}
	}
	r.Tiles = leaves.found
	r.Unsealed = r.Last - r.Sealed
	if err != nil || sums == nil {
		return r, err
	}
	err = sums.end()
	r.Journal = sums.sums
	return r, err
}

// ErrNothingKept says that what was named as kept checkpoints holds none: nothing would
// have been compared.
var ErrNothingKept = logproof.ErrNoCheckpoint

// counting counts what a source gives.
func counting(from logproof.Source, n *int) logproof.Source {
	return func() (logproof.Checkpoint, bool, error) {
		c, more, err := from()
		if more && err == nil {
			*n++
		}
		return c, more, err
	}
}

// connect opens a connection that reads by index: the statistics of a table may be
// old, and a page must never cost the whole of it.
func (l Log) connect(ctx context.Context) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig(l.DatabaseURL)
	if err != nil {
		return nil, errors.Wrap(err, "the database's URL")
	}
	for name, value := range map[string]string{
		"application_name": "tender audit verify", "client_encoding": "UTF8", "default_transaction_read_only": "on",
		"enable_seqscan": "off", "enable_bitmapscan": "off", "jit": "off",
	} {
		config.RuntimeParams[name] = value
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	return conn, errors.Wrap(err, "connect to the database")
}

func (l Log) table(schema, name string) string {
	return pgx.Identifier{schema + "_" + l.Mode, name}.Sanitize()
}

// page hands the next events after a position, up to the head, on to v, and what it
// holds to be right on to the journal, if that is looked at. It goes by events, not by
// positions: one that was moved far ahead is next, and wrong. The first page begins with
// whatever there is, so that nothing can hide before position 1.
func (l Log) page(ctx context.Context, conn *pgx.Conn, v *logproof.Verifier, sums *journal, after, head int64) (last int64, more bool, err error) {
	where := fmt.Sprintf("position <= %d", head)
	if after > 0 {
		where += fmt.Sprintf(" AND position > %d", after)
	}
	var found error
	last, n := after, 0
	copied := logproof.NewCopyReader(func(e *logproof.Event) error {
		if found = v.Add(e); found == nil && sums != nil {
			found = sums.add(e)
		}
		last, n = e.Position, n+1
		return found
	})
	_, err = conn.PgConn().CopyTo(ctx, copied,
		`COPY (SELECT `+logproof.Columns+` FROM `+l.table("log", "events")+` WHERE `+where+fmt.Sprintf(` ORDER BY position LIMIT %d) TO STDOUT (FORMAT binary)`, pageEvents))
	switch {
	case found != nil:
		return last, false, found
	case err != nil:
		return last, false, errors.Wrap(err, "read the log")
	}
	return last, n == pageEvents, copied.Close()
}

// stored returns the checkpoints that the database has now.
func (l *Log) stored(ctx context.Context, conn *pgx.Conn) (logproof.Source, error) {
	table := l.table("work", "checkpoints")
	var end int64
	if err := conn.QueryRow(ctx, `SELECT coalesce(max(number), 0) FROM `+table).Scan(&end); err != nil {
		return nil, errors.Wrap(err, "read the checkpoints")
	}
	var page []string
	var size, number int64
	return func() (logproof.Checkpoint, bool, error) {
		if len(page) == 0 {
			rows, err := conn.Query(ctx, `SELECT size, number, note FROM `+table+`
				WHERE (size, number) > ($1, $2) AND number <= $3 ORDER BY size, number LIMIT $4`, size, number, end, pageCheckpoints)
			if err != nil {
				return logproof.Checkpoint{}, false, errors.Wrap(err, "read the checkpoints")
			}
			page, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (string, error) {
				var note string
				err := row.Scan(&size, &number, &note)
				return note, err
			})
			if err != nil || len(page) == 0 {
				return logproof.Checkpoint{}, false, errors.Wrap(err, "read the checkpoints")
			}
		}
		c, err := l.Believe(page[0])
		page = page[1:]
		return c, err == nil, errors.Wrap(err, "a checkpoint in the database")
	}, nil
}

// Believe reads a checkpoint of this log, and believes it if its signature says so.
func (l *Log) Believe(note string) (logproof.Checkpoint, error) {
	read := logproof.Unsigned
	if l.Keys != nil {
		read = l.Keys.Checkpoint
	}
	c, err := read(note)
	if err == nil && !strings.HasSuffix(c.Origin, "/log_"+l.Mode) {
		err = errors.Newf("it is one of %s, not of the %s log", c.Origin, l.Mode)
	}
	if err == nil && l.Origin == "" {
		l.Origin = c.Origin
	}
	if err == nil && c.Origin != l.Origin {
		err = errors.Newf("it is one of %s, and others are of %s: name the one that is meant with --origin", c.Origin, l.Origin)
	}
	return c, err
}
