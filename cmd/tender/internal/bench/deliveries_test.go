package bench_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tender/cmd/tender/internal/bench"
	"tender/domain/id"
	"tender/domain/session"
	"tender/domain/webhook"
	"tender/eventstore"
	logbench "tender/eventstore/bench"
)

// told is a public event of a merchant, recorded so many milliseconds after the
// first, and its id.
func told(ms int, merchantID string) (eventstore.Event, string) {
	e := recorded(ms, "ps_a", session.Created{})
	e.ID, e.MerchantID = uuid.Must(uuid.NewV7()), merchantID
	return e, id.Format(id.Event, e.ID)
}

// arrives is the outcome of a delivery.
func arrives(ms int, eventID string) eventstore.Event {
	e := recorded(ms, "whd_a", webhook.Delivered{EventID: eventID})
	e.MerchantID = "mer_a"
	return e
}

func TestLatenciesGoFromTheCommitToTheFirstAcceptance(t *testing.T) {
	t.Parallel()
	first, firstID := told(0, "mer_a")
	second, secondID := told(100, "mer_a")
	foreign, foreignID := told(0, "mer_b")
	d := bench.NewDeliveries([]string{"mer_a"})
	for _, e := range []eventstore.Event{first, second, foreign, arrives(50, firstID), arrives(180, secondID)} {
		if err := d.Add(e); err != nil {
			t.Fatal(err)
		}
	}
	sent := bench.NewArrivals()
	sent.Add(firstID, first.RecordedAt.Add(40*time.Millisecond))
	sent.Add(firstID, first.RecordedAt.Add(10*time.Second))
	sent.Add(secondID, second.RecordedAt.Add(60*time.Millisecond))
	sent.Add(foreignID, foreign.RecordedAt.Add(time.Hour))
	var wire bytes.Buffer
	if err := sent.Write(&wire); err != nil {
		t.Fatal(err)
	}
	text := wire.String()
	arrived, err := bench.ReadArrivals(&wire)
	if err != nil {
		t.Fatal(err)
	}
	if arrived.Count() != 3 || arrived.Again() != 1 || d.Count() != 2 || !d.First.Equal(first.RecordedAt.Add(50*time.Millisecond)) {
		t.Errorf("%d arrived, %d again, of %d events, the first outcome at %s", arrived.Count(), arrived.Again(), d.Count(), d.First)
	}
	if err := d.Check(arrived); err != nil {
		t.Error(err)
	}
	if p50, p99 := logbench.Percentiles(d.Latencies(arrived)); p50 != 60*time.Millisecond || p99 != 60*time.Millisecond {
		t.Errorf("p50 %s, p99 %s", p50, p99)
	}
	if _, err := bench.ReadArrivals(strings.NewReader(text[:len(text)-20])); err == nil {
		t.Error("half of it was read as all")
	}
}

func TestEveryDeliveryMustHaveArrived(t *testing.T) {
	t.Parallel()
	e, eventID := told(0, "mer_a")
	given := recorded(1, "whd_a", webhook.Exhausted{EventID: eventID, Status: 500})
	given.MerchantID = "mer_a"
	for name, c := range map[string]struct {
		events  []eventstore.Event
		arrived bool
		says    string
	}{
		"not recorded":   {[]eventstore.Event{e}, true, "delivered 0 times"},
		"recorded twice": {[]eventstore.Event{e, arrives(1, eventID), arrives(2, eventID)}, true, "delivered 2 times"},
		"not arrived":    {[]eventstore.Event{e, arrives(1, eventID)}, false, "did not arrive"},
		"given up":       {[]eventstore.Event{e, given}, true, "was not delivered"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, arrived := bench.NewDeliveries([]string{"mer_a"}), bench.NewArrivals()
			if c.arrived {
				arrived.Add(eventID, e.RecordedAt)
			}
			var err error
			for _, e := range c.events {
				if err == nil {
					err = d.Add(e)
				}
			}
			if err == nil {
				err = d.Check(arrived)
			}
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, not that it was %s", err, c.says)
			}
		})
	}
}
