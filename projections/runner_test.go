package projections_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"tender/eventstore"
	"tender/eventstore/feed"
	"tender/projections"
)

func TestRunnerKeepsReadModelsEqualToTheLog(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.write(500)
	a, c := toys("toys"), toys("others")
	p := b.process(a, c)
	b.write(2500)
	b.holds(a)
	b.holds(c)
	if s := p.reader.State(); s.Forged != 0 {
		t.Errorf("%d alarms", s.Forged)
	}
}

func TestReadModelsSurviveNATSDownUnderLoadAndWiped(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := toys("toys")
	b.process(a)
	done := make(chan struct{})
	go func() { defer close(done); b.write(9000) }()
	for i, from := range []int64{500, 3000, 5500} {
		b.waitLog(from)
		b.nats.Stop()
		b.waitLog(from + 1500)
		if i == 1 {
			b.wipeNATS()
		}
		b.startNATS()
	}
	<-done
	b.holds(a)
	b.nats.Stop()
	b.write(300)
	b.holds(a) // by the log alone
	b.wipeNATS()
	b.startNATS()
	b.write(300)
	b.holds(a)
}

func (b *bundle) waitLog(position int64) {
	b.t.Helper()
	if _, err := b.store.Signal().Wait(b.ctx, position); err != nil {
		b.t.Fatalf("the log did not reach %d: %v", position, err)
	}
}

func TestTwoRunnersOfWhichOneIsKilled(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := toys("toys")
	first, second := b.process(a), b.process(a)
	done := make(chan struct{})
	go func() { defer close(done); b.write(6000) }()
	b.waitLog(1000)
	first.stop()
	b.waitLog(3000)
	third := b.process(a)
	second.stop()
	<-done
	b.holds(a)
	third.stop()
}

// stalled is a projection whose first batch in one process stops in the middle, as if
// the process had been stopped, and goes on when it is told to.
type stalled struct {
	projections.Keyed[total]
	once    *sync.Once
	entered chan struct{}
	release chan struct{}
	result  chan error
}

func (s stalled) Apply(ctx context.Context, tx pgx.Tx, g projections.Generation, events []eventstore.Event) error {
	err := s.Keyed.Apply(ctx, tx, g, events)
	s.once.Do(func() {
		close(s.entered)
		<-s.release
		// The context has ended with the lease; a process that was stopped would
		// not have noticed.
		s.result <- s.Keyed.Apply(context.WithoutCancel(ctx), tx, g, events)
	})
	return err
}

func TestRevivedTwinCannotWrite(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := toys("toys")
	s := stalled{Keyed: a, once: new(sync.Once), entered: make(chan struct{}), release: make(chan struct{}), result: make(chan error, 1)}
	release := sync.OnceFunc(func() { close(s.release) })
	b.write(300)
	b.process(s)
	t.Cleanup(release) // before the process is waited for
	<-s.entered
	// A process that was stopped doesn't renew its lease either.
	if _, err := b.store.Pool().Exec(b.ctx, `DELETE FROM work_test.leases WHERE kind = 'projection'`); err != nil {
		t.Fatal(err)
	}
	b.process(a)
	b.write(300)
	b.holds(a) // the second took over, although the first never gave anything back
	release()
	if err := <-s.result; err == nil {
		t.Error("the twin still wrote")
	}
	b.write(300)
	b.holds(a)
}

func TestForgedChainDoesNotGetIn(t *testing.T) {
	t.Parallel()
	b := setupWithoutRelay(t)
	a := toys("toys")
	stop := b.relay()
	p := b.process(a)
	b.write(60)
	b.holds(a)
	b.inStream(60)
	stop()
	// A forger who may publish, and computes the chain hash as the log does: the
	// event is well formed, follows the last one, and is in no log.
	_, hash, err := b.store.Head(b.ctx)
	if err != nil {
		t.Fatal(err)
	}
	e := b.log()[59]
	e.Position, e.Stream, e.Version, e.Payload = 61, "toy_forged", 1, []byte(`{"amount": 1000000}`)
	e.Hash = eventstore.ChainHash(hash, e)
	b.publish(e)
	eventually(t, "the forgery is noticed", func() bool { return p.reader.State().Forged > 0 })
	b.holds(a)
	b.relay()
	b.write(100)
	b.holds(a)
	if _, in := b.view("toys")["toy_forged"]; in {
		t.Error("the forged event got in")
	}
}

// inStream waits until JetStream holds the log up to position.
func (b *bundle) inStream(position uint64) {
	b.t.Helper()
	js, err := jetstream.New(b.connect(b.nats.ReaderURL()))
	if err != nil {
		b.t.Fatal(err)
	}
	eventually(b.t, "the stream is full", func() bool {
		s, err := js.Stream(b.ctx, "LOG_test")
		return err == nil && s.CachedInfo().State.LastSeq == position
	})
}

// publish publishes e as the relay's user.
func (b *bundle) publish(e eventstore.Event) {
	b.t.Helper()
	js, err := jetstream.New(b.connect(b.nats.RelayURL()))
	if err != nil {
		b.t.Fatal(err)
	}
	m := &nats.Msg{Subject: "tender.test.events.toy.moved", Data: feed.Encode(e), Header: nats.Header{}}
	m.Header.Set(jetstream.ExpectedLastSeqHeader, strconv.FormatInt(e.Position-1, 10))
	if _, err := js.PublishMsg(b.ctx, m); err != nil {
		b.t.Fatalf("publish: %v", err)
	}
}

func TestCursorOfAnotherHistoryStopsTheProjection(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a, c := toys("toys"), toys("others")
	b.write(100)
	p := b.process(a, c)
	b.holds(a)
	b.holds(c)
	p.stop()
	if _, err := b.store.Pool().Exec(b.ctx, `UPDATE read_test.projections SET hash = sha256('another') WHERE name = 'toys'`); err != nil {
		t.Fatal(err)
	}
	b.process(a, c)
	b.write(100)
	b.holds(c)
	eventually(t, "the projection stops", func() bool { return b.status("toys", 1).State == projections.Stopped })
	if s := b.status("toys", 1); s.Position != 100 || s.Error == "" {
		t.Errorf("it stands at %d and says %q", s.Position, s.Error)
	}
}

func TestPausedProjectionStandsStillAndGoesOn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a, c := toys("toys"), toys("others")
	b.process(a, c)
	b.write(100)
	b.holds(a)
	control := projections.NewCursors(b.store)
	if err := control.Pause(b.ctx, "toys"); err != nil {
		t.Fatal(err)
	}
	b.write(100)
	b.holds(c)
	if s := b.status("toys", 1); s.Position != 100 || s.State != projections.Paused {
		t.Errorf("a paused projection is %s and came to %d", s.State, s.Position)
	}
	if err := control.WaitFor(b.ctx, "toys", 200); !errors.Is(err, projections.ErrBehind) {
		t.Errorf("waiting for it gave %v", err)
	}
	if err := control.Resume(b.ctx, "toys"); err != nil {
		t.Fatal(err)
	}
	b.holds(a)
	if err := control.Pause(b.ctx, "nobody"); !errors.Is(err, projections.ErrUnknown) {
		t.Errorf("pausing what isn't there gave %v", err)
	}
}

func TestWaitForSeesOwnAndOtherProcesses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := toys("toys")
	p := b.process(a)
	elsewhere := projections.NewCursors(b.store) // of a process that runs nothing
	for range 20 {
		result, err := b.store.Append(b.ctx, command("toy_"+strconv.FormatInt(time.Now().UnixNano(), 36), 0, 2, false))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []*projections.Cursors{p.cursors, elsewhere} {
			for {
				err := c.WaitFor(b.ctx, "toys", result.Last)
				if err == nil {
					break
				}
				// The first lease may take longer than one wait.
				if !errors.Is(err, projections.ErrBehind) {
					t.Fatal(err)
				}
			}
		}
		if len(b.view("toys")) == 0 {
			t.Fatal("nothing to see after the wait")
		}
	}
	if err := elsewhere.WaitFor(b.ctx, "nobody", 1); !errors.Is(err, projections.ErrUnknown) {
		t.Errorf("waiting for what isn't there gave %v", err)
	}
}
