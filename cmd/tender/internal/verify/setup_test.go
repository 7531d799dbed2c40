package verify_test

import (
	"context"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tender/cmd/internal/logproof"
	"tender/cmd/tender/internal/verify"
	"tender/domain"
	"tender/eventstore"
	"tender/eventstore/seal"
	"tender/eventstore/storetest"
)

var testLog = eventstore.Log{Mode: "test"}

// testBundle is a log of the test's own, and what it is sealed with.
type testBundle struct {
	storetest.DB
	t     testing.TB
	ctx   context.Context
	store *eventstore.Store
	keys  *seal.Keys
	log   verify.Log
	super *pgx.Conn
}

func setup(t testing.TB) *testBundle {
	t.Helper()
	db := storetest.Database(t)
	b := &testBundle{DB: db, t: t, ctx: t.Context(), store: storetest.Open(t, db, testLog.Mode)}
	path := filepath.Join(t.TempDir(), "seal.key")
	if err := seal.CreateKeys(path, "shop.example"); err != nil {
		t.Fatal(err)
	}
	var err error
	if b.keys, err = seal.LoadKeys(path); err != nil {
		t.Fatal(err)
	}
	public, err := b.keys.Verifiers(testLog)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := logproof.ParseKeys(strings.Join(public, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	b.log = verify.Log{DatabaseURL: db.AppURL, Mode: testLog.Mode, Keys: &keys}
	if b.super, err = pgx.Connect(b.ctx, db.SuperURL); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.super.Close(context.Background()) })
	return b
}

// fill puts n events behind the log's end, as append would have: a superuser may
// insert, and it is quicker.
func (b *testBundle) fill(n int) {
	b.t.Helper()
	head, previous, err := b.store.Head(b.ctx)
	if err != nil {
		b.t.Fatal(err)
	}
	random := mathrand.New(mathrand.NewPCG(uint64(head), 9))
	versions := map[string]int{}
	made := 0
	now := time.Now().UTC().Truncate(time.Millisecond)
	rows := pgx.CopyFromFunc(func() ([]any, error) {
		if made == n {
			return nil, nil
		}
		made++
		e := eventstore.Event{
			Position: head + int64(made), Stream: fmt.Sprintf("pay_01hzy3v7q8e4xk2m%d_%08d", head, made-random.IntN(min(made, 8))),
			Type: "payment.captured", SchemaVersion: 1, ID: uuid.Must(uuid.NewRandomFromReader(source{random})), CommandID: uuid.Must(uuid.NewRandomFromReader(source{random})),
			MerchantID: "mer_01hzy3v7q8e4xk2m9c5b7d6f0a", At: now, RecordedAt: now.Add(time.Duration(made) * time.Microsecond), RequestID: "req_01hzy3v7q8e4xk2m9c5b7d6f0a",
			Actor:   domain.Actor{Kind: domain.ActorMerchant, ID: "key_01hzy3v7q8e4xk2m9c5b7d6f0a"},
			Payload: fmt.Appendf(nil, `{"amount":%d,"currency":"ZAR","capture_id":"cap_01hzy3v7q8e4xk2m9c5b7d6f0a","acquirer_reference":"%s"}`, random.IntN(1e6), strings.Repeat("x", 120)),
		}
		versions[e.Stream]++
		e.Version = versions[e.Stream]
		e.Hash = eventstore.ChainHash(previous, e)
		previous = e.Hash
		return []any{
			e.Position, e.Stream, e.Version, e.Type, e.SchemaVersion, e.ID, e.CommandID, e.MerchantID, e.At, nil, e.RecordedAt,
			e.RequestID, nil, string(e.Actor.Kind), e.Actor.ID, e.Payload, e.Hash[:],
		}, nil
	})
	columns := strings.Split(strings.Join(strings.Fields(logproof.Columns), ""), ",")
	if _, err := b.super.CopyFrom(b.ctx, pgx.Identifier{"log_test", "events"}, columns, rows); err != nil {
		b.t.Fatal(err)
	}
}

// source makes ids that are the same in every run.
type source struct{ *mathrand.Rand }

func (s source) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(s.Uint32())
	}
	return len(p), nil
}

// seal seals what there is.
func (b *testBundle) seal() {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 10*time.Minute)
	defer cancel()
	s := seal.New(seal.Config{Store: b.store, Keys: b.keys, Interval: time.Millisecond, Log: slog.New(slog.DiscardHandler)})
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Run(ctx) }()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		status, err := seal.Read(b.ctx, b.store)
		if err == nil && status.Behind == 0 && status.Last != nil {
			break
		}
		select {
		case <-tick.C:
		case <-done:
			b.t.Fatalf("the sealer ended: %v", s.State().Err)
		}
	}
	cancel()
	<-done
}

// force runs statements as a superuser with the triggers off.
func (b *testBundle) force(statements ...string) {
	b.t.Helper()
	statements = append(append([]string{`ALTER TABLE log_test.events DISABLE TRIGGER immutable`}, statements...), `ALTER TABLE log_test.events ENABLE ALWAYS TRIGGER immutable`)
	if _, err := b.super.Exec(b.ctx, strings.Join(statements, ";\n")); err != nil {
		b.t.Fatalf("%v: %v", statements, err)
	}
}
