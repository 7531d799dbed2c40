package object

import (
	"time"

	"tender/domain/codec"
	"tender/domain/payment"
	"tender/eventstore"
)

// Action is what the customer has to do next for a payment. The zero Action is
// nothing.
type Action struct {
	Kind payment.ActionKind
	URL  string // where to go; of an approval: perhaps the page that plays the telephone
	By   time.Time
}

// Apply returns the action after one more event of the payment's stream.
func (a Action) Apply(_ string, _ eventstore.Event, d codec.Named) Action {
	switch d := d.(type) {
	case payment.ActionRequired:
		return Action{Kind: d.Action, URL: d.URL, By: d.ActionBy}
	case payment.Authorised, payment.Paid, payment.AttemptFailed:
		return Action{}
	}
	return a
}
