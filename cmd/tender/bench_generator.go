package main

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
	"golang.org/x/sync/errgroup"

	"tender/cmd/tender/internal/devenv"
	"tender/domain/payment"
	"tender/domain/session"
	"tender/eventstore/feed"
	"tender/handlers/engine"
)

// producersMax is how many events are on their way into the log at once.
const producersMax = 256

// runBenchGenerator makes public events in a process of its own, in the cheapest way
// in which they really come about: sessions are created through the engine, one
// event each, without HTTP and without a customer.
func runBenchGenerator(ctx context.Context, args []string, stderr io.Writer) error {
	fs := newFlags("bench generator", stderr)
	merchants := fs.String("merchants", "", "whose events they are, by comma, in turn")
	count := fs.Int("count", 1, "how many events")
	rate := fs.Int("rate", 0, "how many a second, whether the engine keeps up or not; 0: as fast as they can be appended")
	var database, address string
	if err := parseSettings(fs, args, []setting{databaseSetting(&database), {
		"nats-url", devenv.NATSURL, "", "NATS, where the others hear of events as of any process's", true, &address,
	}}); err != nil {
		return err
	}
	g, err := openEngine(ctx, database, "test")
	if err != nil {
		return err
	}
	defer g.Store.Close()
	nc, err := feed.Connect(address, "tender-bench")
	if err != nil {
		return err
	}
	defer nc.Close()
	announcing, stop := context.WithCancel(ctx)
	defer stop()
	go feed.Announce(announcing, g.Store, nc)
	return produce(ctx, g, strings.Split(*merchants, ","), *count, *rate)
}

// produce makes count events of the merchants in turn, rate of them a second, or as
// fast as it goes.
func produce(ctx context.Context, g *engine.Engine, merchants []string, count, rate int) error {
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(producersMax)
	begun := time.Now()
	for i := range count {
		if rate > 0 {
			due := begun.Add(time.Duration(i) * time.Second / time.Duration(rate))
			if err := pause(gctx, time.Until(due)); err != nil {
				return errors.CombineErrors(group.Wait(), err)
			}
		}
		group.Go(func() error { return produceSession(gctx, g, merchants[i%len(merchants)]) })
	}
	return errors.Wrap(group.Wait(), "make events")
}

func produceSession(ctx context.Context, g *engine.Engine, merchantID string) error {
	c := session.Create{
		ID: engine.NewID(), Type: session.TypeOneTime, Amount: 10_000, Currency: "ZAR", Country: "ZA",
		CaptureMethod: payment.CaptureAutomatic, ExternalReference: "bench",
	}
	_, err := g.Do(ctx, engine.Command{
		Origin: engine.Origin{CommandID: c.ID, MerchantID: merchantID, Actor: operator}, Subject: c.SessionID(),
		Decide: func(_ context.Context, tx *engine.Tx) error {
			engine.Create(tx, g.Sessions, c.SessionID())
			c.Now = tx.Now
			events, err := session.DecideCreate(c)
			if err != nil {
				return err
			}
			engine.Write(tx, session.Codec, c.SessionID(), events...)
			return nil
		},
	})
	return err
}

// generate runs such a process to its end, and returns the processor time that it
// used.
func (b *benchmark) generate(ctx context.Context, merchants []string, count, rate int) (time.Duration, error) {
	process := exec.CommandContext(ctx, b.self, "bench", benchGenerator, //nolint:gosec // ourselves
		"--merchants", strings.Join(merchants, ","), "--count", fmt.Sprint(count), "--rate", fmt.Sprint(rate))
	process.Env = b.environment()
	process.Stderr = b.out
	if err := process.Run(); err != nil {
		return 0, errors.Wrap(err, "make events")
	}
	return usedBy(process), nil
}
