package bench

import (
	"fmt"
	"time"

	"tender/domain/catalogue"
	"tender/domain/payment"
	"tender/domain/subscription"
	"tender/eventstore"
	"tender/eventstore/bench"
)

// Charges follows in the log how subscriptions that fall due at once are collected.
type Charges struct {
	bySubscription map[string]*charge
	byPayment      map[string]*charge
	left           int
}

// charge is what becomes of one subscription's occurrence.
type charge struct {
	begun, ended          time.Time // as recorded
	starts, payments, oks int
}

// NewCharges follows these subscriptions.
func NewCharges(subscriptions []string) *Charges {
	c := &Charges{bySubscription: map[string]*charge{}, byPayment: map[string]*charge{}, left: len(subscriptions)}
	for _, s := range subscriptions {
		c.bySubscription[s] = &charge{}
	}
	return c
}

// Left is how many have no outcome yet.
func (c *Charges) Left() int { return c.left }

// Add takes in the log's next event. It fails for a charge that did.
func (c *Charges) Add(e eventstore.Event) error {
	one := c.byPayment[e.Stream]
	if one == nil {
		one = c.bySubscription[e.Stream]
	}
	if one == nil {
		return nil
	}
	d, err := catalogue.Decode(e.Type, e.SchemaVersion, e.Payload)
	if err != nil {
		return err
	}
	switch d := d.(type) {
	case payment.Paid, payment.Authorised:
		one.payments++
	case subscription.ChargeStarted:
		one.starts++
		one.begun = e.RecordedAt
		c.byPayment[d.PaymentID] = one
	case subscription.ChargeSucceeded:
		if one.oks++; one.oks == 1 {
			c.left--
		}
		one.ended = e.RecordedAt
	case subscription.ChargeFailed:
		return fmt.Errorf("subscription %s was not paid: %s %s", e.Stream, d.Failure.ErrorCode, d.Refused)
	}
	return nil
}

// Check fails unless each was charged exactly once.
func (c *Charges) Check() error {
	for id, one := range c.bySubscription {
		if one.starts != 1 || one.payments != 1 || one.oks != 1 {
			return fmt.Errorf("subscription %s was charged %d times, paid %d times and settled %d times, not once",
				id, one.starts, one.payments, one.oks)
		}
	}
	return nil
}

// Figures is how fast that went: from the first intent to the last outcome as
// recorded; latencies are from a charge's own intent to its outcome.
func (c *Charges) Figures(workers int) bench.Figures {
	var first, last time.Time
	var took []time.Duration
	for _, one := range c.bySubscription {
		if one.oks == 0 {
			continue
		}
		if first.IsZero() || one.begun.Before(first) {
			first = one.begun
		}
		if one.ended.After(last) {
			last = one.ended
		}
		took = append(took, one.ended.Sub(one.begun))
	}
	f := bench.Figures{Clients: workers, Count: len(took), Elapsed: last.Sub(first)}
	f.P50, f.P99 = bench.Percentiles(took)
	return f
}
