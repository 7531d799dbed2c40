package feed_test

import (
	"context"
	"sync"
	"testing"

	"tender/eventstore"
	"tender/eventstore/feed"
)

func zero(context.Context) (int64, error) { return 0, nil }

func TestReaderBringsTheWholeLogInOrder(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fill(500)
	b.relay(feed.RelayConfig{Lowest: zero})
	r := b.reader(b.connect(b.nats.ReaderURL()))
	var all sync.WaitGroup
	for _, after := range []int64{0, 100, 499, 700} {
		all.Go(func() { b.follow(r, after, 3000) })
	}
	b.fill(2500)
	all.Wait()
	if s := r.State(); s.Forged != 0 {
		t.Errorf("%d alarms", s.Forged)
	}
}

func TestReaderFarBehindReadsTheLog(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fill(9500) // more than a window
	b.relay(feed.RelayConfig{Lowest: zero})
	r := b.reader(b.connect(b.nats.ReaderURL()))
	b.follow(r, 9400, 9500)
	b.follow(r, 0, 9500)
}

func TestReaderNeedsNoNATS(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fill(100)
	r := b.reader(nil)
	b.follow(r, 0, 100)
	b.fill(1500)
	b.follow(r, 100, 1600)
	if !r.State().FromLog {
		t.Error("the reader doesn't say that it reads from the log")
	}
}

func TestReaderReadsOnWhileNATSIsDownAndReturnsToTheFeed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.relay(feed.RelayConfig{Lowest: zero})
	r := b.reader(b.connect(b.nats.ReaderURL()))
	b.fill(300)
	b.follow(r, 0, 300)
	b.nats.Stop()
	b.fill(700)
	b.follow(r, 300, 1000)
	if !r.State().FromLog {
		t.Error("with NATS down, the events came from somewhere else than the log")
	}
	b.wipeNATS()
	at := int64(1000)
	eventually(t, "the reader returns to the feed", func() bool {
		b.fill(10)
		b.follow(r, at, at+10)
		at += 10
		return !r.State().FromLog
	})
	b.fill(200)
	b.follow(r, at, at+200)
	b.follow(r, 0, at+200)
}

func TestReaderDoesNotBelieveAForgedMessage(t *testing.T) {
	t.Parallel()
	for name, forge := range map[string]func(e *eventstore.Event){
		"another payload under the right hash": func(e *eventstore.Event) { e.Payload = []byte(`{"amount": 1}`) },
		"another hash":                         func(e *eventstore.Event) { e.Hash[0]++ },
		"another position":                     func(e *eventstore.Event) { e.Position++ },
		"another merchant":                     func(e *eventstore.Event) { e.MerchantID = "mer_2" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.fill(20)
			_, stop := b.relay(feed.RelayConfig{Lowest: zero})
			b.caughtUp()
			r := b.reader(b.connect(b.nats.ReaderURL()))
			b.follow(r, 0, 20)
			stop() // so that the forger is first
			b.fill(10)
			e := b.log()[20]
			forge(&e)
			b.forge(e, 20)
			b.relay(feed.RelayConfig{Lowest: zero})
			b.follow(r, 20, 30)
			eventually(t, "the alarm is raised", func() bool { return r.State().Forged == 1 })
		})
	}
}

func TestReaderForgetsWhatAFollowerDistrusts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fill(20)
	_, stop := b.relay(feed.RelayConfig{Lowest: zero})
	b.caughtUp()
	r := b.reader(b.connect(b.nats.ReaderURL()))
	b.follow(r, 0, 20)
	stop()
	b.fill(1)
	// A forger who knows how the chain is made makes a message that follows.
	honest := b.log()
	e := honest[20]
	e.Payload = []byte(`{"amount": 1}`)
	e.Hash = eventstore.ChainHash(honest[19].Hash, e)
	b.forge(e, 20)
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	got, err := r.Read(ctx, 20, 1)
	if err != nil {
		t.Fatal(err)
	}
	if got[0].Hash == e.Hash {
		if err := r.Distrust(ctx, 21); err != nil {
			t.Fatal(err)
		}
	}
	b.follow(r, 20, 21)
	b.fill(20)
	b.follow(r, 20, 41)
}
