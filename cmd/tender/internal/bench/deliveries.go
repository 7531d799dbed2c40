package bench

import (
	"fmt"
	"time"

	"tender/domain/catalogue"
	"tender/domain/id"
	"tender/domain/webhook"
	"tender/eventstore"
	"tender/projections/object"
)

// Deliveries follows in the log how the public events of some merchants come to be
// delivered, where each merchant has one endpoint.
type Deliveries struct {
	merchants map[string]bool
	committed map[string]time.Time // by public event
	delivered map[string]int
	// First is when the first outcome was recorded.
	First time.Time
}

// NewDeliveries follows what is delivered to these merchants.
func NewDeliveries(merchants []string) *Deliveries {
	d := &Deliveries{merchants: map[string]bool{}, committed: map[string]time.Time{}, delivered: map[string]int{}}
	for _, m := range merchants {
		d.merchants[m] = true
	}
	return d
}

// Add takes in the log's next event. It fails for a delivery that was given up.
func (d *Deliveries) Add(e eventstore.Event) error {
	if !d.merchants[e.MerchantID] {
		return nil
	}
	said, err := catalogue.Decode(e.Type, e.SchemaVersion, e.Payload)
	if err != nil {
		return err
	}
	if _, public := object.PublicType(said); public {
		d.committed[id.Format(id.Event, e.ID)] = e.RecordedAt
		return nil
	}
	switch said := said.(type) {
	case webhook.Delivered:
		if d.First.IsZero() {
			d.First = e.RecordedAt
		}
		d.delivered[said.EventID]++
	case webhook.Exhausted:
		return fmt.Errorf("event %s was not delivered: %s %d", said.EventID, said.Failure, said.Status)
	}
	return nil
}

// Count is how many public events there were.
func (d *Deliveries) Count() int { return len(d.committed) }

// Check fails unless each public event was recorded as delivered exactly once, and
// has arrived.
func (d *Deliveries) Check(arrived *Arrivals) error {
	for eventID := range d.committed {
		if n := d.delivered[eventID]; n != 1 {
			return fmt.Errorf("event %s was delivered %d times, not once", eventID, n)
		}
		if _, there := arrived.first[eventID]; !there {
			return fmt.Errorf("event %s was recorded as delivered and did not arrive", eventID)
		}
	}
	return nil
}

// Latencies are the times from each event's commit to its first acceptance, by the
// clock of one machine.
func (d *Deliveries) Latencies(arrived *Arrivals) []time.Duration {
	all := make([]time.Duration, 0, len(d.committed))
	for eventID, at := range d.committed {
		if accepted, there := arrived.first[eventID]; there {
			all = append(all, accepted.Sub(at))
		}
	}
	return all
}
