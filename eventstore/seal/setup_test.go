package seal_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"tender/domain"
	"tender/eventstore"
	"tender/eventstore/seal"
	"tender/eventstore/storetest"
)

// patience is how long a test waits for what must happen.
const patience = 30 * time.Second

// interval is what seals quickly enough for a test.
const interval = 5 * time.Millisecond

var testLog = eventstore.Log{Mode: "test"}

// testBundle is a log of the test's own, with a key to seal it.
type testBundle struct {
	storetest.DB
	t       *testing.T
	ctx     context.Context
	store   *eventstore.Store
	keyFile string
	keys    *seal.Keys
	proofs  *seal.Proofs
}

func setup(t *testing.T) *testBundle {
	t.Helper()
	t.Parallel()
	db := storetest.Database(t)
	b := &testBundle{DB: db, t: t, ctx: t.Context(), store: storetest.Open(t, db, testLog.Mode), keyFile: filepath.Join(t.TempDir(), "seal.key")}
	if err := seal.CreateKeys(b.keyFile, "shop.example"); err != nil {
		t.Fatal(err)
	}
	var err error
	if b.keys, err = seal.LoadKeys(b.keyFile); err != nil {
		t.Fatal(err)
	}
	b.proofs = seal.NewProofs(b.store)
	return b
}

// fill appends n events.
func (b *testBundle) fill(n int) {
	b.t.Helper()
	for n > 0 {
		part := min(n, 250)
		n -= part
		stream := "pay_" + uuid.NewString()
		c := eventstore.Command{
			ID: uuid.Must(uuid.NewV7()), MerchantID: "mer_1", Actor: domain.Actor{Kind: domain.ActorMerchant, ID: "key_1"},
			Expect: []eventstore.Expectation{{Stream: stream}},
		}
		for i := range part {
			c.Events = append(c.Events, eventstore.NewEvent{
				Stream: stream, Type: "test.happened", SchemaVersion: 1, ID: uuid.Must(uuid.NewV7()),
				At: time.Now().UTC().Truncate(time.Millisecond), Payload: json.RawMessage(fmt.Sprintf(`{"n": %d}`, i)),
			})
		}
		if _, err := b.store.Append(b.ctx, c); err != nil {
			b.t.Fatalf("append: %+v", err)
		}
	}
}

// sealer runs a sealer; stop ends it and waits for its end.
func (b *testBundle) sealer(change ...func(*seal.Config)) (s *seal.Sealer, stop func()) {
	b.t.Helper()
	cfg := seal.Config{Store: b.store, Keys: b.keys, Interval: interval, Log: slog.New(slog.DiscardHandler)}
	for _, c := range change {
		c(&cfg)
	}
	s = seal.New(cfg)
	ctx, cancel := context.WithCancel(b.ctx)
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Run(ctx) }()
	stop = func() { cancel(); <-done }
	b.t.Cleanup(stop)
	return s, stop
}

// outlets makes a sealer let its checkpoints out.
func outlets(all ...seal.Outlet) func(*seal.Config) {
	return func(c *seal.Config) { c.Outlets = all }
}

// sealTo runs a sealer until the log is sealed up to its end and that has left by every
// outlet, and returns the last checkpoint.
func (b *testBundle) sealTo(size int64, change ...func(*seal.Config)) seal.Checkpoint {
	b.t.Helper()
	_, stop := b.sealer(change...)
	defer stop()
	c := b.sealed(size)
	var cfg seal.Config
	for _, change := range change {
		change(&cfg)
	}
	for _, outlet := range cfg.Outlets {
		eventually(b.t, "the last checkpoint has left", func() bool {
			last, err := last(b.ctx, outlet)
			return err == nil && last == c.Note
		})
	}
	return c
}

// sealed waits until the log is sealed up to a size.
func (b *testBundle) sealed(size int64) seal.Checkpoint {
	b.t.Helper()
	var c seal.Checkpoint
	eventually(b.t, fmt.Sprintf("the log is sealed up to %d", size), func() bool {
		var err error
		c, err = b.proofs.Latest(b.ctx)
		return err == nil && c.Size >= size
	})
	return c
}

// stopped waits until a sealer has stopped, and returns why.
func (b *testBundle) stopped(s *seal.Sealer) error {
	b.t.Helper()
	eventually(b.t, "the sealer stops", func() bool { return s.State().Condition == seal.Stopped })
	eventually(b.t, "everybody can see why", func() bool {
		status, err := seal.Read(b.ctx, b.store)
		return err == nil && status.Alarm != "" && !status.Since.IsZero()
	})
	return s.State().Err
}

// checkpoints returns every checkpoint that there is, each verified by the keys.
func (b *testBundle) checkpoints() []seal.Checkpoint {
	b.t.Helper()
	rows, err := b.store.Pool().Query(b.ctx, `SELECT number, size, note FROM work_test.checkpoints ORDER BY number`)
	if err != nil {
		b.t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (seal.Checkpoint, error) {
		var c seal.Checkpoint
		err := row.Scan(&c.Number, &c.Size, &c.Note)
		return c, err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	known := b.verifiers()
	for i, c := range all {
		if c.Number != int64(i+1) || i > 0 && c.Size < all[i-1].Size {
			b.t.Errorf("checkpoint %d has number %d and size %d", i, c.Number, c.Size)
		}
		if _, err := note.Open([]byte(c.Note), known); err != nil {
			b.t.Errorf("checkpoint %d: %v", i, err)
		}
	}
	return all
}

func (b *testBundle) verifiers() note.Verifiers {
	b.t.Helper()
	texts, err := b.keys.Verifiers(testLog)
	if err != nil {
		b.t.Fatal(err)
	}
	var list []note.Verifier
	for _, text := range texts {
		v, err := note.NewVerifier(text)
		if err != nil {
			b.t.Fatal(err)
		}
		list = append(list, v)
	}
	return note.VerifierList(list...)
}

// roots are the roots of the log's tree at every size, computed by x/mod from all
// stored hashes.
func (b *testBundle) roots() []tlog.Hash {
	b.t.Helper()
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var hashes []tlog.Hash
		for _, i := range indexes {
			hashes = append(hashes, stored[i])
		}
		return hashes, nil
	})
	roots := []tlog.Hash{{}}
	for {
		events, err := b.store.After(b.ctx, int64(len(roots)-1), 5000)
		if err != nil {
			b.t.Fatal(err)
		}
		for _, e := range events {
			hashes, err := tlog.StoredHashes(e.Position-1, eventstore.AppendEncoded(nil, e), reader)
			if err != nil {
				b.t.Fatal(err)
			}
			stored = append(stored, hashes...)
			root, err := tlog.TreeHash(e.Position, reader)
			if err != nil {
				b.t.Fatal(err)
			}
			roots = append(roots, root)
		}
		if len(events) == 0 {
			return roots
		}
	}
}

// force runs statements as a superuser with the triggers off.
func (b *testBundle) force(statements ...string) {
	b.t.Helper()
	conn, err := pgx.Connect(b.ctx, b.SuperURL)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(b.ctx)) }()
	statements = append(append([]string{`ALTER TABLE log_test.events DISABLE TRIGGER ALL`}, statements...), `ALTER TABLE log_test.events ENABLE ALWAYS TRIGGER immutable`)
	if _, err := conn.Exec(b.ctx, strings.Join(statements, ";\n")); err != nil {
		b.t.Fatal(err)
	}
}

// eventually waits until what becomes true, or fails the test.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", patience, what)
		}
		<-tick.C
	}
}

// last is the last note that left by an outlet; "" if none has.
func last(ctx context.Context, outlet seal.Outlet) (string, error) {
	notes, err := outlet.Latest(ctx)
	if len(notes) == 0 {
		return "", err
	}
	return notes[0], err
}

// door is an outlet that can be shut: nothing is read or let out then.
type door struct {
	seal.Outlet
	shut atomic.Bool
}

var errShut = errors.New("the outlet can't be reached")

func (d *door) Latest(ctx context.Context) ([]string, error) {
	if d.shut.Load() {
		return nil, errShut
	}
	return d.Outlet.Latest(ctx)
}

func (d *door) Put(ctx context.Context, note string) error {
	if d.shut.Load() {
		return errShut
	}
	return d.Outlet.Put(ctx, note)
}
