package projections

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"pgregory.net/rapid"

	"tender/domain"
	"tender/eventstore"
	"tender/eventstore/storetest"
)

// tally counts the events of a stream; a stream's row goes away while the count is a
// multiple of four.
type tally struct{ Count int }

func tallies() Keyed[tally] {
	return Keyed[tally]{
		Name: "tallies", Version: 1,
		Table: Table{Name: "tallies", Columns: []Column{{Name: "count", Type: "integer", NotNull: true}}},
		Keys:  func(e eventstore.Event) ([]string, error) { return []string{e.Stream}, nil },
		Fold:  func(s tally, _ string, _ eventstore.Event) (tally, error) { s.Count++; return s, nil },
		Keep:  func(s tally) bool { return s.Count%4 != 0 },
		Row:   func(_ string, s tally) []any { return []any{s.Count} },
	}
}

// bench is a log with one worker that the test drives itself.
type bench struct {
	ctx   context.Context
	store *eventstore.Store
	w     *worker
}

func setupWorker(t testing.TB, streams []int) *bench {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	t.Cleanup(cancel)
	b := &bench{ctx: ctx, store: storetest.Open(t, storetest.Database(t), "test")}
	versions := map[int]int{}
	for _, s := range streams {
		stream := fmt.Sprintf("toy_%d", s)
		_, err := b.store.Append(ctx, eventstore.Command{
			ID: uuid.Must(uuid.NewV7()), MerchantID: "mer_1", RequestID: "req_1", Actor: domain.Actor{Kind: domain.ActorSystem},
			Expect: []eventstore.Expectation{{Stream: stream, Version: versions[s]}},
			Events: []eventstore.NewEvent{{Stream: stream, Type: "toy.moved", SchemaVersion: 1, ID: uuid.Must(uuid.NewV7()),
				At: time.Now().UTC().Truncate(time.Millisecond), Payload: json.RawMessage(`{}`)}},
		})
		if err != nil {
			t.Fatal(err)
		}
		versions[s]++
	}
	b.w = b.worker(t, tallies())
	return b
}

// worker prepares and loads a worker for p.
func (b *bench) worker(t testing.TB, p Projection) *worker {
	t.Helper()
	r, err := NewRunner(b.store, nil, NewCursors(b.store), p)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Prepare(b.ctx); err != nil {
		t.Fatal(err)
	}
	found, err := r.found(b.ctx)
	if err != nil || len(found) == 0 {
		t.Fatalf("%d generations (%v)", len(found), err)
	}
	w := found[len(found)-1]
	if err := w.load(b.ctx); err != nil {
		t.Fatal(err)
	}
	return w
}

func (b *bench) after(t testing.TB, position int64, n int) []eventstore.Event {
	t.Helper()
	events, err := b.store.After(b.ctx, position, n)
	if err != nil {
		t.Fatal(err)
	}
	return events
}

// rows returns a generation's table as text.
func (b *bench) rows(t testing.TB, generation int) string {
	t.Helper()
	var all string
	err := b.store.Pool().QueryRow(b.ctx, fmt.Sprintf(`SELECT coalesce(string_agg(t::text, E'\n' ORDER BY id), '') FROM read_test.tallies_g%d t`, generation)).Scan(&all)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestStaleCursorIsRefused(t *testing.T) {
	t.Parallel()
	b := setupWorker(t, []int{1, 2, 1, 2, 3})
	twin := b.worker(t, tallies()) // has loaded the same cursor
	if err := b.w.apply(b.ctx, b.after(t, 0, 3)); err != nil {
		t.Fatal(err)
	}
	before := b.rows(t, 1)
	for _, n := range []int{1, 3, 5} {
		if err := twin.apply(b.ctx, b.after(t, 0, n)); !errors.Is(err, errFenced) {
			t.Errorf("a twin's batch of %d gave %v", n, err)
		}
	}
	if err := twin.poison(b.ctx, b.after(t, 0, 1)[0], errors.New("made up")); !errors.Is(err, errFenced) {
		t.Errorf("a twin's verdict gave %v", err)
	}
	if after := b.rows(t, 1); after != before {
		t.Errorf("a twin wrote:\n%s\nwas\n%s", after, before)
	}
	if err := b.w.apply(b.ctx, b.after(t, 3, 2)); err != nil {
		t.Errorf("the rightful one: %v", err)
	}
}

func TestBatchThatTheLogDoesNotHoldIsRefused(t *testing.T) {
	t.Parallel()
	b := setupWorker(t, []int{1, 2, 1})
	forged := b.after(t, 0, 3)
	forged[2].Hash[0]++
	if err := b.w.apply(b.ctx, forged); !errors.Is(err, errForged) {
		t.Errorf("a forged batch gave %v", err)
	}
	ahead := b.after(t, 0, 3)
	ahead[2].Position = 9
	if err := b.w.apply(b.ctx, ahead); !errors.Is(err, errForged) {
		t.Errorf("a batch beyond the log gave %v", err)
	}
	if rows := b.rows(t, 1); rows != "" {
		t.Errorf("it was written: %s", rows)
	}
}

func TestGenerationBehindIsNotServed(t *testing.T) {
	t.Parallel()
	b := setupWorker(t, []int{1, 2, 1, 2, 3})
	if err := b.w.apply(b.ctx, b.after(t, 0, 4)); err != nil {
		t.Fatal(err)
	}
	changed := tallies()
	changed.Version = 2
	next := b.worker(t, changed)
	if next.generation.Number != 2 || next.at.serving {
		t.Fatalf("generation %d, serving %v", next.generation.Number, next.at.serving)
	}
	if err := next.swap(b.ctx); !errors.Is(err, ErrNotCaughtUp) {
		t.Errorf("at 0 of 4: %v", err)
	}
	if err := next.apply(b.ctx, b.after(t, 0, 3)); err != nil {
		t.Fatal(err)
	}
	if err := next.swap(b.ctx); !errors.Is(err, ErrNotCaughtUp) {
		t.Errorf("at 3 of 4: %v", err)
	}
	if err := next.apply(b.ctx, b.after(t, 3, 1)); err != nil {
		t.Fatal(err)
	}
	if err := next.swap(b.ctx); err != nil {
		t.Errorf("at 4 of 4: %v", err)
	}
	// The older one never swaps itself back, even if it is ahead again.
	if err := b.w.apply(b.ctx, b.after(t, 4, 1)); err != nil {
		t.Fatal(err)
	}
	if err := b.w.swap(b.ctx); !errors.Is(err, errSuperseded) {
		t.Errorf("an older generation: %v", err)
	}
	b.w.offerSwap(b.ctx, false)
	if b.w.at.serving {
		t.Error("an older generation believes that it is served")
	}
	// Nor does it say that readers are shown what it alone has reached.
	if at, _ := b.w.cursors.moved.position("tallies"); at > 4 {
		t.Errorf("%d is said to be reached, and 4 is shown", at)
	}
	if at, err := NewCursors(b.store).Position(b.ctx, "tallies"); err != nil || at != 4 {
		t.Errorf("served at %d (%v), want 4", at, err)
	}
}

// Whatever the batches, the rows are the same.
func TestRowsDoNotDependOnBatches(t *testing.T) {
	t.Parallel()
	streams := make([]int, 60)
	for i := range streams {
		streams[i] = i * i % 7
	}
	b := setupWorker(t, streams)
	for position := range int64(len(streams)) {
		if err := b.w.apply(b.ctx, b.after(t, position, 1)); err != nil {
			t.Fatal(err)
		}
	}
	want := b.rows(t, 1)
	version := 1
	rapid.Check(t, func(rt *rapid.T) {
		if version > 15 {
			return // each check makes tables; these are enough
		}
		version++
		k := tallies()
		k.Version = version
		w := b.worker(t, k)
		for w.at.position < int64(len(streams)) {
			n := rapid.IntRange(1, 30).Draw(rt, "batch")
			if err := w.apply(b.ctx, b.after(t, w.at.position, n)); err != nil {
				rt.Fatal(err)
			}
		}
		if got := b.rows(t, w.generation.Number); got != want {
			rt.Fatalf("got\n%s\nwant\n%s", got, want)
		}
	})
}

func TestFaultsOfEventsAreToldFromThoseOfTheDatabase(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]bool{
		&pgconn.PgError{Code: "57P01"}:                      true, // administrator's shutdown
		&pgconn.PgError{Code: "40P01"}:                      true, // deadlock
		&pgconn.PgError{Code: "53300"}:                      true, // too many connections
		&pgconn.PgError{Code: "23502"}:                      false,
		&pgconn.PgError{Code: "22P02"}:                      false,
		&pgconn.PgError{Code: "25P02"}:                      false,
		errors.Wrap(io.ErrUnexpectedEOF, "read"):            true,
		errors.Wrap(pgx.ErrTxClosed, "commit"):              true,
		errors.Wrap(context.DeadlineExceeded, "took long"):  true,
		errors.New("amount is missing"):                     false,
		errors.Wrap(&json.SyntaxError{Offset: 1}, "decode"): false,
	} {
		if got := unwell(err); got != want {
			t.Errorf("%v: %v, want %v", err, got, want)
		}
	}
	if !isMistake(errors.Wrap(&pgconn.PgError{Code: "42703"}, "put rows")) {
		t.Error("a column that isn't there was taken for an event's fault")
	}
}

// BenchmarkKeyed applies a log in full batches: one row per stream of five events, and
// one index. The rate to reach is 10 000 events/s.
func BenchmarkKeyed(b *testing.B) {
	const perStream = 5
	h := setupWorker(b, nil)
	n := 20 * batchMax
	for appended := 0; appended < n; appended += 1000 {
		h.appendStreams(b, 1000/perStream, perStream)
	}
	all := make([][]eventstore.Event, 0, n/batchMax)
	for position := 0; position < n; position += batchMax {
		all = append(all, h.after(b, int64(position), batchMax))
	}
	version := 1
	b.ResetTimer()
	for range b.N {
		b.StopTimer()
		version++
		k := tallies()
		k.Version = version
		k.Table.Indexes = []string{"(count, first_position DESC)"}
		w := h.worker(b, k)
		b.StartTimer()
		for _, events := range all {
			if err := w.apply(h.ctx, events); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "events/s")
}

// appendStreams appends one command per stream, of several events each.
func (b *bench) appendStreams(t testing.TB, streams, events int) {
	t.Helper()
	for range streams {
		stream := "toy_" + uuid.NewString()
		c := eventstore.Command{
			ID: uuid.Must(uuid.NewV7()), MerchantID: "mer_1", RequestID: "req_1", Actor: domain.Actor{Kind: domain.ActorSystem},
			Expect: []eventstore.Expectation{{Stream: stream}},
		}
		for range events {
			c.Events = append(c.Events, eventstore.NewEvent{Stream: stream, Type: "toy.moved", SchemaVersion: 1, ID: uuid.Must(uuid.NewV7()),
				At: time.Now().UTC().Truncate(time.Millisecond), Payload: json.RawMessage(`{"amount": 1000, "currency": "EUR"}`)})
		}
		if _, err := b.store.Append(b.ctx, c); err != nil {
			t.Fatal(err)
		}
	}
}
