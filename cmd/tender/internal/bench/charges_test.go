package bench_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"tender/cmd/tender/internal/bench"
	"tender/domain/codec"
	"tender/domain/decline"
	"tender/domain/payment"
	"tender/domain/subscription"
	"tender/eventstore"
)

// recorded is an event as the log keeps it, so many milliseconds after the first.
func recorded(ms int, stream string, e codec.Named) eventstore.Event {
	payload, err := json.Marshal(e)
	if err != nil {
		panic(err)
	}
	return eventstore.Event{
		Stream: stream, Type: e.Type(), SchemaVersion: 1, Payload: payload,
		RecordedAt: time.Unix(1_700_000_000, 0).Add(time.Duration(ms) * time.Millisecond),
	}
}

// charge is what charging one subscription leaves in the log.
func charge(from, to int, name string) []eventstore.Event {
	return []eventstore.Event{
		recorded(from, "sub_"+name, subscription.ChargeStarted{PaymentID: "pay_" + name}),
		recorded(to, "pay_"+name, payment.Paid{}),
		recorded(to, "sub_"+name, subscription.ChargeSucceeded{PaymentID: "pay_" + name}),
	}
}

func TestChargesGoFromTheFirstIntentToTheLastOutcome(t *testing.T) {
	t.Parallel()
	c := bench.NewCharges([]string{"sub_a", "sub_b"})
	events := append(charge(100, 400, "a"), charge(150, 1100, "b")...)
	events = append(events, charge(0, 9000, "of somebody else")...)
	for n, e := range events {
		if n == 3 && c.Left() != 1 {
			t.Errorf("%d are left after the first", c.Left())
		}
		if err := c.Add(e); err != nil {
			t.Fatal(err)
		}
	}
	f := c.Figures(2)
	if c.Left() != 0 || f.Clients != 2 || f.Count != 2 || f.Elapsed != time.Second || f.PerSecond() != 2 {
		t.Errorf("%d left, figures %+v", c.Left(), f)
	}
	if f.P99 != 950*time.Millisecond {
		t.Errorf("p99 is %s, not that of the second", f.P99)
	}
	if err := c.Check(); err != nil {
		t.Error(err)
	}
}

func TestChargesMustBeOnceEach(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		events []eventstore.Event
		says   string
	}{
		"begun twice":   {append(charge(0, 1, "a"), recorded(2, "sub_a", subscription.ChargeStarted{PaymentID: "pay_other"})), "charged 2 times"},
		"paid twice":    {append(charge(0, 1, "a"), recorded(2, "pay_a", payment.Paid{})), "paid 2 times"},
		"settled twice": {append(charge(0, 1, "a"), charge(0, 1, "a")[2]), "settled 2 times"},
		"not at all":    {nil, "charged 0 times"},
		"not paid":      {slices.Delete(charge(0, 1, "a"), 1, 2), "paid 0 times"},
		"declined": {append(charge(0, 1, "a")[:1], recorded(1, "sub_a", subscription.ChargeFailed{
			PaymentID: "pay_a", Failure: decline.New(decline.CardDeclined, decline.DoNotHonor),
		})), "was not paid: card_declined"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			charges := bench.NewCharges([]string{"sub_a"})
			var err error
			for _, e := range c.events {
				if err == nil {
					err = charges.Add(e)
				}
			}
			if err == nil {
				err = charges.Check()
			}
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, not that it was %s", err, c.says)
			}
		})
	}
}
