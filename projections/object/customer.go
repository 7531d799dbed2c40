package object

import (
	"tender/domain/codec"
	"tender/domain/customer"
	"tender/eventstore"
)

// Customer is a customer as the log knows them. Who they are lies in the vault, and
// is added where the contract shows it.
type Customer struct {
	ID          string `json:"id"`
	TestClockID string `json:"test_clock_id,omitempty"`
	Mode        string `json:"mode"`
	Version     int    `json:"version"`
	CreatedAt   Time   `json:"created_at"`
	UpdatedAt   Time   `json:"updated_at"`

	// ProfileRef names the person's data in the vault. Clients see that data instead.
	ProfileRef string `json:"profile_ref,omitempty"`
}

// Apply returns the customer after one more event of its stream. Events of other
// aggregates change nothing. One who was erased has no id.
func (o Customer) Apply(mode string, e eventstore.Event, d codec.Named) Customer {
	switch d := d.(type) {
	case customer.Created:
		o = Customer{ID: e.Stream, TestClockID: d.ClockID, Mode: mode, CreatedAt: Time(e.At), ProfileRef: d.ProfileRef}
	case customer.Erased:
		return Customer{Version: e.Version}
	case customer.Event:
		// What is theirs changes the version only.
	default:
		return o
	}
	o.Version, o.UpdatedAt = e.Version, Time(e.At)
	return o
}
