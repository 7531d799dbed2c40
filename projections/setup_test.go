package projections_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go"

	"tender/domain"
	"tender/eventstore"
	"tender/eventstore/feed"
	"tender/eventstore/storetest"
	"tender/projections"
)

// patience bounds every wait of these tests: far more than any should take, on a
// machine that has other work.
const patience = 90 * time.Second

// bundle is a log, a NATS server that can be stopped and started again, and a relay.
type bundle struct {
	t     *testing.T
	ctx   context.Context
	db    storetest.DB
	store *eventstore.Store
	nats  *feed.Server
	cfg   feed.ServerConfig
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := setupWithoutRelay(t)
	b.relay()
	return b
}

func setupWithoutRelay(t *testing.T) *bundle {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
	t.Cleanup(cancel)
	db := storetest.Database(t)
	b := &bundle{t: t, ctx: ctx, db: db, store: storetest.Open(t, db, "test"), cfg: feed.ServerConfig{
		StoreDir: t.TempDir(), NoSync: true, RelayPassword: "relay", ReaderPassword: "reader",
	}}
	b.startNATS()
	t.Cleanup(func() { b.nats.Stop() })
	return b
}

func (b *bundle) startNATS() {
	b.t.Helper()
	s, err := feed.StartServer(b.cfg)
	if err != nil {
		b.t.Fatalf("start nats-server: %v", err)
	}
	b.nats = s
	b.cfg.Port = s.Port()
}

func (b *bundle) wipeNATS() {
	b.t.Helper()
	if err := os.RemoveAll(b.cfg.StoreDir); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bundle) connect(url string) *nats.Conn {
	b.t.Helper()
	nc, err := feed.Connect(url, b.t.Name())
	if err != nil {
		b.t.Fatalf("connect: %v", err)
	}
	b.t.Cleanup(nc.Close)
	return nc
}

func (b *bundle) relay() (stop func()) {
	b.t.Helper()
	r, err := feed.NewRelay(b.store, b.connect(b.nats.RelayURL()), feed.RelayConfig{Lowest: projections.NewCursors(b.store).Lowest})
	if err != nil {
		b.t.Fatalf("relay: %v", err)
	}
	return b.background(func(ctx context.Context) { _ = r.Run(ctx) })
}

// process stands for a process that runs projections: a store, a reader, cursors and
// a runner of its own.
type process struct {
	store   *eventstore.Store
	reader  *feed.Reader
	cursors *projections.Cursors
	stop    func()
}

func (b *bundle) process(all ...projections.Projection) *process {
	b.t.Helper()
	p := &process{store: storetest.Open(b.t, b.db, "test")}
	p.cursors = projections.NewCursors(p.store)
	var err error
	if p.reader, err = feed.NewReader(p.store, b.connect(b.nats.ReaderURL())); err != nil {
		b.t.Fatalf("reader: %v", err)
	}
	r, err := projections.NewRunner(p.store, p.reader, p.cursors, all...)
	if err != nil {
		b.t.Fatalf("runner: %v", err)
	}
	if err := r.Prepare(b.ctx); err != nil {
		b.t.Fatalf("prepare: %v", err)
	}
	p.stop = b.background(func(ctx context.Context) {
		var both sync.WaitGroup
		both.Go(func() { _ = p.reader.Run(ctx) })
		both.Go(func() { _ = r.Run(ctx) })
		both.Wait()
	})
	return p
}

// background runs f, and ends it with the test at the latest.
func (b *bundle) background(f func(ctx context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(b.ctx)
	done := make(chan struct{})
	go func() { defer close(done); f(ctx) }()
	stop = func() { cancel(); <-done }
	b.t.Cleanup(stop)
	return stop
}

// moved is the payload of the toy's event.
type moved struct {
	Amount int64 `json:"amount"`
	Ends   bool  `json:"ends,omitempty"`
}

const writers = 6

// write appends n events from several goroutines, to streams of their own: each a few
// events long, of which some end with their last event.
func (b *bundle) write(n int) {
	var all sync.WaitGroup
	for w := range writers {
		share := n / writers
		if w < n%writers {
			share++
		}
		all.Go(func() { b.writeStreams(w, share) })
	}
	all.Wait()
}

func (b *bundle) writeStreams(writer, n int) {
	for left := n; left > 0 && b.ctx.Err() == nil; {
		stream := "toy_" + uuid.NewString()
		length := min(1+(left+writer)%7, left)
		left -= length
		for version := 0; version < length; {
			k := min(1+version%2, length-version)
			ends := version+k == length && length%3 == 0
			if _, err := b.store.Append(b.ctx, command(stream, version, k, ends)); err != nil {
				b.t.Errorf("append: %v", err)
				return
			}
			version += k
		}
	}
}

// append appends events to one stream.
func (b *bundle) append(stream string, version, events int, ends bool) {
	b.t.Helper()
	if _, err := b.store.Append(b.ctx, command(stream, version, events, ends)); err != nil {
		b.t.Fatalf("append: %v", err)
	}
}

func command(stream string, version, events int, ends bool) eventstore.Command {
	c := eventstore.Command{
		ID: uuid.Must(uuid.NewV7()), MerchantID: fmt.Sprintf("mer_%d", len(stream)%3), RequestID: "req_1",
		Actor:  domain.Actor{Kind: domain.ActorSystem, ID: "test"},
		Expect: []eventstore.Expectation{{Stream: stream, Version: version}},
	}
	for i := range events {
		payload, err := json.Marshal(moved{Amount: int64(version + i + 1), Ends: ends && i == events-1})
		if err != nil {
			panic(err)
		}
		c.Events = append(c.Events, eventstore.NewEvent{
			Stream: stream, Type: "toy.moved", SchemaVersion: 1, ID: uuid.Must(uuid.NewV7()),
			At: time.Now().UTC().Truncate(time.Millisecond), Payload: payload,
		})
	}
	return c
}

// total is the toy's state: an order-sensitive fold, so that a lost, doubled or
// misplaced event shows.
type total struct {
	Events int   `json:"events"`
	Sum    int64 `json:"sum"`
	Trace  int64 `json:"trace"`
	Ended  bool  `json:"ended"`
}

func foldTotal(s total, _ string, e eventstore.Event) (total, error) {
	var m moved
	if err := json.Unmarshal(e.Payload, &m); err != nil {
		return s, err
	}
	s.Events++
	s.Sum += m.Amount
	s.Trace = (s.Trace*31 + e.Position) % 1_000_003
	s.Ended = m.Ends
	return s, nil
}

// toys is the toy projection: a row per stream that has not ended, and one per
// merchant, which all streams share.
func toys(name string, change ...func(*projections.Keyed[total])) projections.Keyed[total] {
	k := projections.Keyed[total]{
		Name: name, Version: 1,
		Table: projections.Table{
			Name:    name,
			Columns: []projections.Column{{Name: "events", Type: "bigint", NotNull: true}, {Name: "sum", Type: "bigint"}, {Name: "note", Type: "text"}},
			Indexes: []string{"(sum DESC, first_position DESC)"},
		},
		Keys: func(e eventstore.Event) ([]string, error) { return []string{e.Stream, e.MerchantID}, nil },
		Fold: foldTotal,
		Keep: func(s total) bool { return !s.Ended },
		Row: func(id string, s total) []any {
			if s.Sum%2 == 0 {
				return []any{s.Events, s.Sum, nil}
			}
			return []any{s.Events, s.Sum, "odd " + id}
		},
	}
	for _, f := range change {
		f(&k)
	}
	return k
}

// shown is one row of a view.
type shown struct {
	first, position int64
	state           total
	events, sum     int64
	note            string
}

// naive folds the whole log, event by event, in memory.
func naive(t *testing.T, k projections.Keyed[total], log []eventstore.Event) map[string]shown {
	t.Helper()
	rows := map[string]shown{}
	for _, e := range log {
		ids, err := k.Keys(e)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range ids {
			r, there := rows[id]
			if !there {
				r.first = e.Position
			}
			if r.state, err = k.Fold(r.state, id, e); err != nil {
				t.Fatal(err)
			}
			r.position = e.Position
			r.events, r.sum, r.note = int64(r.state.Events), r.state.Sum, ""
			if r.sum%2 != 0 {
				r.note = "odd " + id
			}
			rows[id] = r
			if k.Keep != nil && !k.Keep(r.state) {
				delete(rows, id)
			}
		}
	}
	return rows
}

func (b *bundle) log() []eventstore.Event {
	b.t.Helper()
	var all []eventstore.Event
	for {
		events, err := b.store.After(b.ctx, int64(len(all)), 10_000)
		if err != nil {
			b.t.Fatalf("read the log: %v", err)
		}
		if len(events) == 0 {
			return all
		}
		all = append(all, events...)
	}
}

// view returns all rows of a view.
func (b *bundle) view(name string) map[string]shown {
	b.t.Helper()
	rows, err := b.store.Pool().Query(b.ctx, `SELECT id, first_position, position, state, events, sum, coalesce(note, '') FROM read_test.`+pgx.Identifier{name}.Sanitize())
	if err != nil {
		b.t.Fatalf("query %s: %v", name, err)
	}
	all := map[string]shown{}
	var id string
	var r shown
	var state []byte
	_, err = pgx.ForEachRow(rows, []any{&id, &r.first, &r.position, &state, &r.events, &r.sum, &r.note}, func() error {
		r.state = total{}
		all[id] = r
		if err := json.Unmarshal(state, &r.state); err != nil {
			return err
		}
		all[id] = r
		return nil
	})
	if err != nil {
		b.t.Fatalf("query %s: %v", name, err)
	}
	return all
}

// holds waits until the projection has reached the log's head and compares it with
// the naive fold.
func (b *bundle) holds(k projections.Keyed[total]) {
	b.t.Helper()
	b.reaches(k.Name)
	want := naive(b.t, k, b.log())
	got := b.view(k.Name)
	if maps.Equal(got, want) {
		return
	}
	for id, w := range want {
		if g := got[id]; g != w {
			b.t.Fatalf("%s row %s is %+v, want %+v (%d rows, want %d)", k.Name, id, g, w, len(got), len(want))
		}
	}
	b.t.Fatalf("%s has %d rows, want %d", k.Name, len(got), len(want))
}

func (b *bundle) reaches(name string) {
	b.t.Helper()
	head, _, err := b.store.Head(b.ctx)
	if err != nil {
		b.t.Fatal(err)
	}
	c := projections.NewCursors(b.store)
	eventually(b.t, name+" reaches the log's head", func() bool {
		at, err := c.Position(b.ctx, name)
		return err == nil && at >= head
	})
}

// status returns the row of a projection's generation.
func (b *bundle) status(name string, generation int) projections.Status {
	b.t.Helper()
	all, err := projections.NewCursors(b.store).Statuses(b.ctx)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, s := range all {
		if s.Name == name && s.Generation == generation {
			return s
		}
	}
	return projections.Status{}
}

// eventually waits for a condition that nothing signals.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	limit := time.After(patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-limit:
			t.Fatalf("did not happen within %s: %s", patience, what)
		case <-tick.C:
		}
	}
}
