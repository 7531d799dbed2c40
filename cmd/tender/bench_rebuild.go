package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/cockroachdb/errors"

	"tender/cmd/tender/internal/bench"
	"tender/cmd/tender/internal/biglog"
	"tender/eventstore"
	"tender/projections"
)

// rebuildBench is one run of the benchmark of what reads a log as a whole: an
// installation of its own that nobody uses, with a log that was made for it.
type rebuildBench struct {
	benchmark
	events int64
	seed   uint64
	runs   int

	store *eventstore.Store
	made  biglog.Made
	head  int64
	took  []wholeRow
	wrong []string // results that are not what they should be
}

// runBenchRebuild makes a log with every event in it, rebuilds all read models from it
// and verifies it, each by the command that an operator or finance gives, in a process
// of its own. It fails if a result is wrong, not if it was slow.
func runBenchRebuild(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	b := &rebuildBench{benchmark: benchmark{out: stdout}}
	fs := newFlags("bench rebuild", stderr)
	fs.Int64Var(&b.events, "events", 1_000_000, "how many events the log has at least")
	fs.Uint64Var(&b.seed, "seed", 1, "of what chance decides in it")
	fs.IntVar(&b.runs, "runs", 3, "how often the payments are rebuilt, beside what that is compared with; the median counts")
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	if b.events < 1 || b.runs < 1 {
		return usageError("tender bench rebuild: --events and --runs are at least 1")
	}
	defer b.stop()
	if err := b.make(ctx); err != nil {
		return err
	}
	defer b.store.Close()
	if err := b.measure(ctx); err != nil {
		return err
	}
	b.report()
	if len(b.wrong) > 0 {
		return errors.Newf("%d results are wrong, the first: %s", len(b.wrong), b.wrong[0])
	}
	return nil
}

// make starts the installation, without anybody who keeps read models, and makes its
// log.
func (b *rebuildBench) make(ctx context.Context) (err error) {
	if err := b.start(ctx, []string{roleAPI}); err != nil {
		return err
	}
	if b.store, err = b.openLog(ctx); err != nil {
		return err
	}
	if b.made, err = biglog.Make(ctx, b.store, biglog.Config{Seed: b.seed, Events: b.events}); err != nil {
		return err
	}
	if b.head, _, err = b.store.Head(ctx); err != nil {
		return err
	}
	fmt.Fprintf(b.out, "  a log of %d events of %d types, made in %s (%.0f events/s)\n", b.head, len(b.made.Types),
		b.made.Took.Round(time.Second), float64(b.made.Events)/b.made.Took.Seconds())
	r, err := newRebuilder(b.store, io.Discard)
	if err != nil {
		return err
	}
	return r.runner.Prepare(ctx)
}

// measure measures everything. The payments are rebuilt first, each time between what
// that is compared with.
func (b *rebuildBench) measure(ctx context.Context) error {
	for range b.runs {
		if err := b.copiesOut(ctx); err != nil {
			return err
		}
		if err := b.command(ctx, rebuildOf(projections.PaymentsName), "rebuild", projections.PaymentsName); err != nil {
			return err
		}
		if err := b.copiesIn(ctx); err != nil {
			return err
		}
	}
	for _, p := range readModels("test") {
		name := p.Definition().Name
		if name == projections.PaymentsName {
			continue
		}
		if err := b.command(ctx, rebuildOf(name), "rebuild", name); err != nil {
			return err
		}
	}
	if err := b.command(ctx, verifyLogName, "audit", "verify", "--log-only"); err != nil {
		return err
	}
	if err := b.command(ctx, verifyName, "audit", "verify"); err != nil {
		return err
	}
	return b.check(ctx)
}

// command runs one of the binary's own commands to its end, and notes how long it took
// and the most memory that it had.
func (b *rebuildBench) command(ctx context.Context, name string, args ...string) error {
	process := exec.CommandContext(ctx, b.self, args...) //nolint:gosec // ourselves
	process.Env = b.environment()
	var said saidLast
	process.Stdout, process.Stderr = &said, &said
	ended, peak := make(chan struct{}), make(chan int64, 1)
	took, postgres, err := b.timed(func() error {
		if err := process.Start(); err != nil {
			return err
		}
		go func() { peak <- bench.WatchPeak(process.Process.Pid, ended) }()
		return process.Wait()
	})
	close(ended)
	if err != nil {
		return errors.Wrapf(err, "%s, which says: %s", name, said.String())
	}
	b.note(wholeRow{name: name, events: b.head, took: took, postgres: postgres, own: usedBy(process), peak: <-peak})
	return nil
}

// timed runs f, and returns how long it took and the processor time that PostgreSQL has
// used meanwhile, with an installation around it that has nothing to do.
func (b *rebuildBench) timed(f func() error) (took, postgres time.Duration, err error) {
	before, err := b.cpu()
	if err != nil {
		return 0, 0, err
	}
	begun := time.Now()
	if err := f(); err != nil {
		return 0, 0, err
	}
	took = time.Since(begun)
	after, err := b.cpu()
	return took, after - before, err
}

// saidMax is how much is kept of what a command says, in case that it fails.
const saidMax = 4 << 10

// saidLast keeps the end of what is written to it.
type saidLast struct{ bytes []byte }

func (t *saidLast) Write(p []byte) (int, error) {
	t.bytes = append(t.bytes, p...)
	t.bytes = t.bytes[max(0, len(t.bytes)-saidMax):]
	return len(p), nil
}

func (t *saidLast) String() string { return string(t.bytes) }

// copiesOut reads the log with COPY: all of it, which is what the target is about, and
// the payments' events alone, which a rebuild of the payments reads.
func (b *rebuildBench) copiesOut(ctx context.Context) error {
	for _, read := range []struct{ name, sql string }{
		{readName, `COPY (SELECT * FROM log_test.events) TO STDOUT`},
		{readPartName, `COPY (SELECT * FROM log_test.events WHERE stream >= 'pay_' AND stream < 'pay` + "`" + `' ORDER BY stream, version) TO STDOUT`},
	} {
		row := wholeRow{name: read.name}
		var err error
		row.took, row.postgres, err = b.timed(func() (err error) { row.events, err = b.copyOut(ctx, io.Discard, read.sql); return err })
		if err != nil {
			return err
		}
		b.note(row)
	}
	return nil
}

// copiesIn writes the rebuilt rows into a table without an index, with COPY.
func (b *rebuildBench) copiesIn(ctx context.Context) error {
	rows, err := os.CreateTemp(b.dir, "rows-")
	if err != nil {
		return errors.Wrap(err, "make a file")
	}
	defer func() { _ = rows.Close(); _ = os.Remove(rows.Name()) }()
	if _, err := b.copyOut(ctx, rows, `COPY (SELECT * FROM read_test.payments) TO STDOUT`); err != nil {
		return err
	}
	if _, err := rows.Seek(0, io.SeekStart); err != nil {
		return errors.Wrap(err, "read the rows again")
	}
	conn, err := b.store.Pool().Acquire(ctx)
	if err != nil {
		return errors.Wrap(err, "connect")
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, `DROP TABLE IF EXISTS read_test.written; CREATE TABLE read_test.written AS SELECT * FROM read_test.payments LIMIT 0`); err != nil {
		return errors.Wrap(err, "make a table")
	}
	row := wholeRow{name: writeName}
	row.took, row.postgres, err = b.timed(func() error {
		tag, err := conn.Conn().PgConn().CopyFrom(ctx, rows, `COPY read_test.written FROM STDIN`)
		row.rows = tag.RowsAffected()
		return err
	})
	if err != nil {
		return errors.Wrap(err, "write the rows")
	}
	b.note(row)
	return nil
}

func (b *rebuildBench) copyOut(ctx context.Context, w io.Writer, sql string) (rows int64, err error) {
	conn, err := b.store.Pool().Acquire(ctx)
	if err != nil {
		return 0, errors.Wrap(err, "connect")
	}
	defer conn.Release()
	tag, err := conn.Conn().PgConn().CopyTo(ctx, w, sql)
	return tag.RowsAffected(), errors.Wrap(err, "read with COPY")
}

func rebuildOf(name string) string { return "rebuild " + name }
