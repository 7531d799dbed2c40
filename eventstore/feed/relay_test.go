package feed_test

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"tender/eventstore"
	"tender/eventstore/feed"
	"tender/eventstore/lease"
	"tender/eventstore/storetest"
)

func TestRelayPublishesEachEventAtItsPosition(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fill(2500)
	b.relay(feed.RelayConfig{Lowest: func(context.Context) (int64, error) { return 0, nil }})
	b.fill(300)
	b.caughtUp()
	b.streamHolds(1)
	_, info := b.stream()
	if cfg := info.Config; !cfg.DenyDelete || !cfg.DenyPurge || !cfg.AllowAtomicPublish || cfg.Storage != jetstream.FileStorage || cfg.MaxAge == 0 || cfg.MaxBytes <= 0 {
		t.Errorf("the stream is not what the log's must be: %+v", cfg)
	}
}

func TestRelaysRaceWithoutLossDuplicateOrDisorder(t *testing.T) {
	t.Parallel()
	b := setup(t)
	none := feed.RelayConfig{Lowest: func(context.Context) (int64, error) { return 0, nil }}
	relays := make([]*feed.Relay, 3)
	for i := range relays {
		relays[i], _ = b.relay(none)
	}
	b.fill(4000)
	b.caughtUp()
	b.streamHolds(1)
	var lost int64
	for _, r := range relays {
		if s := r.State(); s.Condition == feed.RelayStopped {
			t.Errorf("a relay that lost races stopped: %v", s.Err)
		}
		lost += r.State().LostRaces
	}
	if lost == 0 {
		t.Error("no relay lost a race: they did not run beside each other")
	}
}

func TestOneRelayWorksUnderALease(t *testing.T) {
	t.Parallel()
	b := setup(t)
	cfg := feed.RelayConfig{
		Lowest: func(context.Context) (int64, error) { return 0, nil },
		Leases: lease.New(b.store.Pool(), b.store.Log()),
	}
	first, stopFirst := b.relay(cfg)
	eventually(t, "the first relay runs", func() bool { return first.State().Condition == feed.RelayRunning })
	second, _ := b.relay(cfg)
	b.fill(500)
	b.caughtUp()
	if got := second.State().Condition; got != feed.RelayWaiting {
		t.Errorf("the second relay is %s while the first holds the lease", got)
	}
	stopFirst()
	b.fill(500)
	b.caughtUp()
	if got := second.State().Position; got == 0 {
		t.Error("the second relay did not take over")
	}
	b.streamHolds(1)
}

func TestStreamThatWasWipedIsMadeAnewAfterTheLowestCursor(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fill(200)
	b.relay(feed.RelayConfig{Lowest: func(context.Context) (int64, error) { return 120, nil }})
	b.caughtUp()
	b.streamHolds(121)
	b.wipeNATS()
	b.fill(100)
	b.caughtUp()
	b.streamHolds(121)
}

func TestRelayGoesOnAfterNATSWasDownUnderLoad(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.relay(feed.RelayConfig{Lowest: func(context.Context) (int64, error) { return 0, nil }})
	done := make(chan struct{})
	go func() { defer close(done); b.fill(4000) }()
	for _, until := range []int64{500, 1500, 2500} {
		if _, err := b.store.Signal().Wait(b.ctx, until); err != nil {
			t.Fatal(err)
		}
		b.nats.Stop()
		if _, err := b.store.Signal().Wait(b.ctx, until+500); err != nil {
			t.Fatal(err)
		}
		b.startNATS()
	}
	<-done
	b.caughtUp()
	b.streamHolds(1)
}

// forge publishes what the log doesn't hold, as somebody with the relay's rights.
func (b *bundle) forge(e eventstore.Event, after int64) {
	b.t.Helper()
	m := &nats.Msg{Subject: "tender.test.events.toy.forged", Data: feed.Encode(e), Header: nats.Header{}}
	m.Header.Set(jetstream.ExpectedLastSeqHeader, strconv.FormatInt(after, 10))
	js, err := jetstream.New(b.connect(b.nats.RelayURL()))
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := js.PublishMsg(b.ctx, m); err != nil {
		b.t.Fatalf("forge: %v", err)
	}
}

func TestRelayStopsAtAStreamAheadOfTheLogUntilItIsWiped(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fill(20)
	_, stop := b.relay(feed.RelayConfig{Lowest: func(context.Context) (int64, error) { return 0, nil }})
	b.caughtUp()
	stop()
	b.forge(eventstore.Event{Position: 21, Stream: "toy_x", Version: 1, Type: "toy.forged"}, 20)
	r, _ := b.relay(feed.RelayConfig{Lowest: func(context.Context) (int64, error) { return 0, nil }})
	eventually(t, "the relay stops", func() bool { return r.State().Condition == feed.RelayStopped })
	if err := r.State().Err; !errors.Is(err, feed.ErrStreamAhead) {
		t.Errorf("it stopped because of %v", err)
	}
	b.wipeNATS()
	b.fill(10)
	b.caughtUp()
	b.streamHolds(1)
	eventually(t, "the relay runs again", func() bool { return r.State().Condition == feed.RelayRunning })
}

func TestRelayStopsAtAStreamThatEndsInAnotherHistory(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fill(20)
	_, stop := b.relay(feed.RelayConfig{Lowest: func(context.Context) (int64, error) { return 0, nil }})
	b.caughtUp()
	stop()
	b.fill(5)
	// The right hash, and a payload that isn't the log's.
	e := b.log()[20]
	e.Payload = []byte(`{"amount": 1000000}`)
	b.forge(e, 20)
	r, _ := b.relay(feed.RelayConfig{})
	eventually(t, "the relay stops", func() bool { return r.State().Condition == feed.RelayStopped })
	if err := r.State().Err; !errors.Is(err, feed.ErrStreamDiverged) {
		t.Errorf("it stopped because of %v", err)
	}
}

func TestRunningRelayNoticesAForgedMessage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fill(20)
	r, _ := b.relay(feed.RelayConfig{Lowest: func(context.Context) (int64, error) { return 0, nil }})
	b.caughtUp()
	b.forge(eventstore.Event{Position: 21, Stream: "toy_x", Version: 1, Type: "toy.forged"}, 20)
	b.fill(5)
	eventually(t, "the relay stops", func() bool { return r.State().Condition == feed.RelayStopped })
	if err := r.State().Err; !errors.Is(err, feed.ErrStreamDiverged) && !errors.Is(err, feed.ErrStreamAhead) {
		t.Errorf("it stopped because of %v", err)
	}
}

func TestReadersUserCannotPublish(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fill(5)
	b.relay(feed.RelayConfig{Lowest: func(context.Context) (int64, error) { return 0, nil }})
	b.caughtUp()
	refused := make(chan error, 10)
	nc, err := nats.Connect(b.nats.ReaderURL(), nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { refused <- err }))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	for _, subject := range []string{"tender.test.events.toy.forged", "$JS.API.STREAM.DELETE.LOG_test", "$JS.API.STREAM.PURGE.LOG_test", "$JS.API.STREAM.UPDATE.LOG_test"} {
		if err := nc.Publish(subject, []byte("{}")); err != nil {
			t.Fatal(err)
		}
		if err := nc.Flush(); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-refused:
			if !errors.Is(err, nats.ErrPermissionViolation) {
				t.Errorf("%s: %v", subject, err)
			}
		case <-time.After(patience):
			t.Errorf("%s was not refused", subject)
		}
	}
	// Nor by having JetStream deliver into the log's subjects.
	js, err := nc.JetStream()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.AddConsumer("LOG_test", &nats.ConsumerConfig{DeliverSubject: "tender.test.events.toy.forged", AckPolicy: nats.AckNonePolicy}); err == nil {
		t.Error("a consumer delivers into the log's subjects")
	}
	b.streamHolds(1)
}

func TestCommitsAreAnnouncedToOtherProcesses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	sub, err := b.connect(b.nats.ReaderURL()).SubscribeSync(feed.SignalSubject(b.store.Log()))
	if err != nil {
		t.Fatal(err)
	}
	nc := b.connect(b.nats.RelayURL())
	other := storetest.Open(t, b.db, "test") // stands for another process
	b.background(func(ctx context.Context) { feed.Announce(ctx, other, nc) })
	var heard int64
	eventually(t, "a commit is announced", func() bool {
		// Which commit is the first to be announced depends on when Announce began.
		fill(t, b.ctx, other, 1)
		for {
			msg, err := sub.NextMsg(10 * time.Millisecond)
			if err != nil {
				return heard > 0
			}
			if heard, err = strconv.ParseInt(string(msg.Data), 10, 64); err != nil {
				t.Fatal(err)
			}
		}
	})
	if head, _, err := b.store.Head(b.ctx); err != nil || heard > head {
		t.Errorf("announced %d, the log ends at %d (%v)", heard, head, err)
	}
}
