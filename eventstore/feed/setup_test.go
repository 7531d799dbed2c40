package feed_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"tender/domain"
	"tender/eventstore"
	"tender/eventstore/feed"
	"tender/eventstore/storetest"
)

// patience bounds every wait of these tests: far more than any should take, on a
// machine that has other work.
const patience = 60 * time.Second

// bundle is a log, and a NATS server that can be stopped and started again.
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
	ctx, cancel := context.WithTimeout(t.Context(), 6*patience)
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

// wipeNATS stops the server, deletes its files, and starts it again.
func (b *bundle) wipeNATS() {
	b.t.Helper()
	b.nats.Stop()
	if err := os.RemoveAll(b.cfg.StoreDir); err != nil {
		b.t.Fatal(err)
	}
	b.startNATS()
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

// relay runs a relay until the test ends or the returned function is called.
func (b *bundle) relay(cfg feed.RelayConfig) (*feed.Relay, func()) {
	b.t.Helper()
	r, err := feed.NewRelay(b.store, b.connect(b.nats.RelayURL()), cfg)
	if err != nil {
		b.t.Fatalf("relay: %v", err)
	}
	return r, b.background(func(ctx context.Context) { _ = r.Run(ctx) })
}

// reader runs a reader until the test ends.
func (b *bundle) reader(nc *nats.Conn) *feed.Reader {
	b.t.Helper()
	r, err := feed.NewReader(b.store, nc)
	if err != nil {
		b.t.Fatalf("reader: %v", err)
	}
	b.background(func(ctx context.Context) { _ = r.Run(ctx) })
	return r
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

// fill appends n events from eight goroutines, each command with one to three
// events of a stream of its own.
func (b *bundle) fill(n int) {
	b.t.Helper()
	fill(b.t, b.ctx, b.store, n)
}

func fill(t testing.TB, ctx context.Context, store *eventstore.Store, n int) {
	t.Helper()
	const writers = 8
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for left := n/writers + btoi(w < n%writers); left > 0 && ctx.Err() == nil; {
				k := min(1+left%3, left)
				if _, err := store.Append(ctx, command(k)); err != nil {
					t.Errorf("append: %v", err)
					return
				}
				left -= k
			}
		})
	}
	all.Wait()
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func command(events int) eventstore.Command {
	stream := "toy_" + uuid.NewString()
	c := eventstore.Command{
		ID: uuid.Must(uuid.NewV7()), MerchantID: "mer_1", RequestID: "req_1",
		Actor:  domain.Actor{Kind: domain.ActorSystem, ID: "test"},
		Expect: []eventstore.Expectation{{Stream: stream, Version: 0}},
	}
	for i := range events {
		c.Events = append(c.Events, eventstore.NewEvent{
			Stream: stream, Type: "toy.moved", SchemaVersion: 1, ID: uuid.Must(uuid.NewV7()),
			At:      time.Now().UTC().Truncate(time.Millisecond),
			Payload: json.RawMessage(fmt.Sprintf(`{"amount": %d, "note":"a <b> & ü"}`, i)),
		})
	}
	return c
}

// log returns the whole log.
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

// stream looks at the JetStream stream as the relay's user.
func (b *bundle) stream() (jetstream.Stream, *jetstream.StreamInfo) {
	b.t.Helper()
	js, err := jetstream.New(b.connect(b.nats.RelayURL()))
	if err != nil {
		b.t.Fatal(err)
	}
	s, err := js.Stream(b.ctx, "LOG_test")
	if err != nil {
		b.t.Fatalf("look up the stream: %v", err)
	}
	return s, s.CachedInfo()
}

// caughtUp waits until the stream ends where the log does.
func (b *bundle) caughtUp() {
	b.t.Helper()
	head, _, err := b.store.Head(b.ctx)
	if err != nil {
		b.t.Fatal(err)
	}
	js, err := jetstream.New(b.connect(b.nats.RelayURL()))
	if err != nil {
		b.t.Fatal(err)
	}
	eventually(b.t, "the stream reaches the log's head", func() bool {
		s, err := js.Stream(b.ctx, "LOG_test")
		return err == nil && int64(s.CachedInfo().State.LastSeq) == head
	})
}

// streamHolds compares the stream with the log from position first on.
func (b *bundle) streamHolds(first int64) {
	b.t.Helper()
	s, info := b.stream()
	want := b.log()
	if int64(info.State.LastSeq) != int64(len(want)) || int64(info.State.FirstSeq) != first {
		b.t.Fatalf("the stream holds %d to %d, want %d to %d", info.State.FirstSeq, info.State.LastSeq, first, len(want))
	}
	if got := int64(info.State.Msgs); got != int64(len(want))-first+1 {
		b.t.Fatalf("the stream holds %d messages, want %d", got, int64(len(want))-first+1)
	}
	for _, e := range want[first-1:] {
		msg, err := s.GetMsg(b.ctx, uint64(e.Position))
		if err != nil {
			b.t.Fatalf("message %d: %v", e.Position, err)
		}
		got, err := feed.Decode(msg.Data)
		if err != nil {
			b.t.Fatalf("message %d: %v", e.Position, err)
		}
		if !same(got, e) {
			b.t.Fatalf("message %d holds %+v, the log %+v", e.Position, got, e)
		}
	}
}

func same(a, b eventstore.Event) bool { return string(feed.Encode(a)) == string(feed.Encode(b)) }

// follow reads from after a position up to another, and compares with the log.
func (b *bundle) follow(r *feed.Reader, after, to int64) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	var got []eventstore.Event
	for at := after; at < to; {
		events, err := r.Read(ctx, at, 100)
		if err != nil {
			b.t.Fatalf("read after %d: %v", at, err)
		}
		for _, e := range events {
			if at++; e.Position != at {
				b.t.Fatalf("position %d came where %d was due", e.Position, at)
			}
		}
		got = append(got, events...)
	}
	want := b.log()[after:]
	for i, e := range got {
		if !same(e, want[i]) {
			b.t.Fatalf("position %d: read %+v, the log holds %+v", e.Position, e, want[i])
		}
	}
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
