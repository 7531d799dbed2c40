package object

import (
	"time"

	"tender/domain/codec"
	"tender/domain/mandate"
	"tender/domain/recurrence"
	"tender/domain/subscription"
	"tender/eventstore"
)

// Subscription is a subscription as clients see it. Amounts are minor units.
//
// What comes next is as things stood at the last event of its stream. As each
// occurrence adds events when it falls due, that is the present; and a GET, a list
// and a webhook of one version say the same.
type Subscription struct {
	ID     string              `json:"id"`
	Status subscription.Status `json:"status"`
	// PaymentMethodRequired: there is no usable method, and nothing is collected.
	PaymentMethodRequired bool                 `json:"payment_method_required,omitempty"`
	Amount                int64                `json:"amount,omitempty"` // left out where each item has its own
	Currency              string               `json:"currency"`
	OverdueAmount         int64                `json:"overdue_amount,omitempty"`
	CustomerID            string               `json:"customer_id"`
	PaymentMethodID       string               `json:"payment_method_id"`
	MandateID             string               `json:"mandate_id"`
	PaymentSessionID      string               `json:"payment_session_id"` // that began it
	ActivePeriod          *Validity            `json:"active_period,omitempty"`
	ScheduledTime         recurrence.TimeOfDay `json:"scheduled_time"`
	TimeZone              string               `json:"time_zone"`
	Recurrence            *Rule                `json:"recurrence,omitempty"`
	Items                 []mandate.Item       `json:"items,omitempty"`
	MaxOccurrences        int                  `json:"max_occurrences,omitempty"`
	Retry                 subscription.Retry   `json:"retry"`
	Missed                subscription.Missed  `json:"missed"`
	NextPaymentAt         *Time                `json:"next_payment_at,omitempty"`
	Upcoming              []Time               `json:"upcoming,omitempty"`
	Pause                 *SubscriptionStopped `json:"pause,omitempty"`
	Cancellation          *SubscriptionStopped `json:"cancellation,omitempty"`
	Mode                  string               `json:"mode"`
	Version               int                  `json:"version"`
	CreatedAt             Time                 `json:"created_at"`
	UpdatedAt             Time                 `json:"updated_at"`

	state subscription.State
}

// SubscriptionStopped says when, by whom and why a subscription was paused or
// cancelled.
type SubscriptionStopped struct {
	At     Time            `json:"at"`
	By     subscription.By `json:"by"`
	Reason string          `json:"reason,omitempty"`
}

// State is what the object's next event builds on, beside what clients see.
func (o Subscription) State() subscription.State { return o.state }

// WithState returns an object that was written as JSON, which leaves the state out,
// with its state.
func (o Subscription) WithState(s subscription.State) Subscription {
	o.state = s
	return o
}

// Apply returns the subscription after one more event of its stream. Events of other
// aggregates change nothing.
func (o Subscription) Apply(mode string, e eventstore.Event, d codec.Named) Subscription {
	said, ok := d.(subscription.Event)
	if !ok {
		return o
	}
	o.state = subscription.Evolve(o.state, e.Stream, e.At, said)
	switch d := said.(type) {
	case subscription.Created:
		o = newSubscription(mode, e, d).WithState(o.state)
	case subscription.Paused:
		o.Pause = &SubscriptionStopped{At: Time(e.At), By: d.By, Reason: d.Reason}
	case subscription.Resumed:
		o.Pause = nil
	case subscription.Cancelled:
		o.Cancellation = &SubscriptionStopped{At: Time(e.At), By: d.By, Reason: d.Reason}
	case subscription.ChargeStarted, subscription.ChargeSucceeded, subscription.ChargeFailed,
		subscription.OccurrenceSkipped, subscription.OccurrenceUncollected, subscription.BecamePastDue,
		subscription.Recovered, subscription.PaymentMethodRequired, subscription.OverdueClaimed,
		subscription.OverdueReleased, subscription.MethodReplaced, subscription.Completed:
		// The state says what becomes of it.
	}
	o.Status, o.PaymentMethodRequired = o.state.Status(), o.state.MethodRequired && o.state.Ended == ""
	o.PaymentMethodID, o.MandateID = o.state.PaymentMethodID, o.state.MandateID
	o.OverdueAmount = o.state.OverdueAmount()
	o.NextPaymentAt = timeOf(o.state.NextPaymentAt(e.At))
	o.Upcoming = upcoming(o.state, e.At)
	o.Version, o.UpdatedAt = e.Version, Time(e.At)
	return o
}

func upcoming(s subscription.State, now time.Time) []Time {
	var instants []Time
	for _, o := range s.Upcoming(now, subscription.UpcomingCount) {
		instants = append(instants, Time(o.At))
	}
	return instants
}

func newSubscription(mode string, e eventstore.Event, d subscription.Created) Subscription {
	p := d.Plan
	o := Subscription{
		ID: e.Stream, Amount: p.Amount, Currency: p.Currency, CustomerID: d.CustomerID, PaymentSessionID: d.SessionID,
		ScheduledTime: p.ScheduledTime, TimeZone: p.TimeZone, Recurrence: ruleOf(p.Recurrence), Items: p.Items,
		MaxOccurrences: p.Occurrences, Retry: p.Retry, Missed: p.Missed, Mode: mode, CreatedAt: Time(e.At),
	}
	if p.Active != (mandate.Validity{}) {
		o.ActivePeriod = &p.Active
	}
	return o
}
