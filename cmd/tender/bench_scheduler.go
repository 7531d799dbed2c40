package main

import (
	"context"
	"fmt"
	"time"

	"github.com/cockroachdb/errors"

	"tender/cmd/tender/internal/bench"
	"tender/eventstore"
)

// Limits of measuring the scheduler.
const (
	schedulerWorkers = 2
	schedulerClients = 64 // make the subscriptions, and are what the rate is compared with
	// schedulerLead is how long before they fall due all subscriptions shall be there
	// at the latest, and their webhooks delivered.
	schedulerLead = 20 * time.Second
	// schedulerMax is how long charging them may take.
	schedulerMax  = 15 * time.Minute
	schedulerPoll = time.Second
	schedulerName = "(e) subscriptions charged when due"
)

// scheduler measures how fast worker processes charge subscriptions that fall due in
// the same minute: from the first intent to the last outcome, as the log has recorded
// them. It fails unless each was charged exactly once.
func (b *benchmark) scheduler(ctx context.Context) error {
	rate := b.rate(seriesName, schedulerClients)
	if err := b.split(ctx, schedulerWorkers); err != nil {
		return err
	}
	store, err := b.openLog(ctx)
	if err != nil {
		return err
	}
	defer store.Close()
	// Making one is about as much work as a payment of the series.
	making := time.Duration(2 * float64(b.subscriptions) / rate * float64(time.Second))
	due := time.Now().Add(making + schedulerLead + time.Minute).Truncate(time.Minute)
	fmt.Fprintf(b.out, "  making %d subscriptions that fall due at %s\n", b.subscriptions, due.Format(time.TimeOnly))
	made, err := b.merchant.Subscribe(ctx, schedulerClients, b.subscriptions, due)
	if err != nil {
		return err
	}
	if time.Until(due) <= 0 {
		return errors.Newf("the subscriptions were made too slowly for them all to fall due at %s: try fewer", due.Format(time.TimeOnly))
	}
	if err := b.delivered(ctx, store, due); err != nil {
		return err
	}
	return b.charged(ctx, store, bench.NewCharges(made), due)
}

// charged waits until due, follows the charges to their end, and adds up what they
// took.
func (b *benchmark) charged(ctx context.Context, store *eventstore.Store, charges *bench.Charges, due time.Time) error {
	tail := benchTail{store: store}
	var err error
	if tail.position, _, err = store.Head(ctx); err != nil {
		return err
	}
	if err := pause(ctx, time.Until(due)); err != nil {
		return err
	}
	before, err := b.cpu()
	if err != nil {
		return err
	}
	for charges.Left() > 0 {
		if time.Since(due) > schedulerMax {
			return errors.Newf("%d subscriptions are not paid %s after they fell due", charges.Left(), schedulerMax)
		}
		if err := pause(ctx, schedulerPoll); err != nil {
			return err
		}
		if err := tail.read(ctx, charges.Add); err != nil {
			return err
		}
	}
	used, err := b.cpu()
	if err != nil {
		return err
	}
	b.add(schedulerName, charges.Figures(schedulerWorkers), (used-before)/time.Duration(b.subscriptions))
	// One that was charged again would be charged by what was still under way.
	if err := b.drain(ctx, store); err != nil {
		return err
	}
	if err := tail.read(ctx, charges.Add); err != nil {
		return err
	}
	return charges.Check()
}

// benchTail follows the log.
type benchTail struct {
	store    *eventstore.Store
	position int64
}

// read hands on what is new.
func (t *benchTail) read(ctx context.Context, add func(eventstore.Event) error) error {
	for {
		events, err := t.store.After(ctx, t.position, tailBatch)
		if err != nil {
			return err
		}
		for _, e := range events {
			if err := add(e); err != nil {
				return err
			}
			t.position = e.Position
		}
		if len(events) < tailBatch {
			return nil
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
