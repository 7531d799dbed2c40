package subscription

import (
	"time"

	"tender/domain/codec"
	"tender/domain/decline"
)

// Event is something that happened to a subscription.
//
//sumtype:decl
type Event interface {
	codec.Named
	subscriptionEvent()
}

// Created: the platform makes the payments itself from now on.
type Created struct {
	CustomerID      string `json:"customer_id"`
	PaymentMethodID string `json:"payment_method_id"`
	MandateID       string `json:"mandate_id"`
	SessionID       string `json:"session_id"`
	Plan            Plan   `json:"plan"`
	// After is the instant that all occurrences lie strictly after.
	After   time.Time `json:"after"`
	ClockID string    `json:"clock_id,omitempty"`
}

// ChargeStarted: a try to collect an occurrence was begun, as a session of its own.
type ChargeStarted struct {
	Occurrence Occurrence `json:"occurrence"`
	SessionID  string     `json:"session_id"`
	PaymentID  string     `json:"payment_id"`
	Amount     int64      `json:"amount"`
	Currency   string     `json:"currency"`
}

// ChargeSucceeded: the occurrence is paid.
type ChargeSucceeded struct {
	Occurrence Occurrence `json:"occurrence"`
	PaymentID  string     `json:"payment_id"`
	Amount     int64      `json:"amount"`
	Currency   string     `json:"currency"`
}

// ChargeFailed: the try failed. The occurrence says whether and when it is tried
// again.
type ChargeFailed struct {
	Occurrence Occurrence `json:"occurrence"`
	// PaymentID is empty where the mandate or the method forbade the try.
	PaymentID string          `json:"payment_id,omitempty"`
	Amount    int64           `json:"amount"`
	Currency  string          `json:"currency"`
	Failure   decline.Failure `json:"failure,omitzero"`
	// Refused names why nothing was sent, where nothing was.
	Refused string `json:"refused,omitempty"`
}

// OccurrenceSkipped: the occurrence is not collected, and this says why.
type OccurrenceSkipped struct {
	Number int `json:"number"`
	// Through is the last of several that are skipped at once; 0: it is one alone.
	Through      int        `json:"through,omitempty"`
	ScheduledFor time.Time  `json:"scheduled_for"` // of the first
	Reason       SkipReason `json:"reason"`
}

// Last returns the number of the last occurrence that is skipped.
func (e OccurrenceSkipped) Last() int { return max(e.Number, e.Through) }

// OccurrenceUncollected: no try is left for the occurrence.
type OccurrenceUncollected struct {
	Number       int       `json:"number"`
	ScheduledFor time.Time `json:"scheduled_for"`
}

// BecamePastDue: an occurrence was not paid at its time.
type BecamePastDue struct{}

// Recovered: nothing is overdue any more.
type Recovered struct{}

// PaymentMethodRequired: there is no usable method; nothing is collected until the
// customer gives another.
type PaymentMethodRequired struct{}

// MethodReplaced: the customer gave another method, with a mandate of its own.
type MethodReplaced struct {
	PaymentMethodID string `json:"payment_method_id"`
	MandateID       string `json:"mandate_id"`
	SessionID       string `json:"session_id"`
	// Settled are the numbers of overdue occurrences that the session paid.
	Settled []int `json:"settled,omitempty"`
}

// OverdueClaimed: a session of the customer's is about to pay these overdue
// occurrences, so that until it has ended no try of the schedule, and no other
// session, may.
type OverdueClaimed struct {
	SessionID string `json:"session_id"`
	Numbers   []int  `json:"numbers"`
}

// OverdueReleased: that session did not pay, and what it claimed is free again.
type OverdueReleased struct {
	SessionID string `json:"session_id"`
}

// Paused: nothing is collected until it is resumed.
type Paused struct {
	By     By     `json:"by"`
	Reason string `json:"reason,omitempty"`
}

// Resumed: occurrences after this moment are collected again.
type Resumed struct{}

// Cancelled: nothing is collected any more.
type Cancelled struct {
	By     By     `json:"by"`
	Reason string `json:"reason,omitempty"`
}

// Completed: the last occurrence is over.
type Completed struct{}

// By says who changed a subscription.
type By string

// Who may change a subscription.
const (
	ByMerchant By = "merchant"
	BySchedule By = "schedule" // retry.then
	BySystem   By = "system"   // its mandate, method or customer is gone
)

// SkipReason says why an occurrence is not collected.
type SkipReason string

// Why an occurrence may be skipped.
const (
	SkippedMissed        SkipReason = "missed" // downtime made it late, and the merchant wants it skipped
	SkippedPastEnd       SkipReason = "past_end"
	SkippedPaused        SkipReason = "paused"
	SkippedMethodMissing SkipReason = "payment_method_required"
	// What was due and not yet begun when the subscription came to its end.
	SkippedCancelled SkipReason = "cancelled"
	SkippedExhausted SkipReason = "mandate_exhausted"
)

// Occurrence is one try of one occurrence.
type Occurrence struct {
	Number        int       `json:"number"` // from 1
	ScheduledFor  time.Time `json:"scheduled_for"`
	Attempt       int       `json:"attempt"` // from 1
	WillRetry     bool      `json:"will_retry"`
	NextAttemptAt time.Time `json:"next_attempt_at,omitzero"`
}

func (Created) Type() string               { return "subscription.created" }
func (ChargeStarted) Type() string         { return "subscription.charge_started" }
func (ChargeSucceeded) Type() string       { return "subscription.charge_succeeded" }
func (ChargeFailed) Type() string          { return "subscription.charge_failed" }
func (OccurrenceSkipped) Type() string     { return "subscription.occurrence_skipped" }
func (OccurrenceUncollected) Type() string { return "subscription.occurrence_uncollected" }
func (BecamePastDue) Type() string         { return "subscription.became_past_due" }
func (Recovered) Type() string             { return "subscription.recovered" }
func (PaymentMethodRequired) Type() string { return "subscription.payment_method_required" }
func (MethodReplaced) Type() string        { return "subscription.method_replaced" }
func (OverdueClaimed) Type() string        { return "subscription.overdue_claimed" }
func (OverdueReleased) Type() string       { return "subscription.overdue_released" }
func (Paused) Type() string                { return "subscription.paused" }
func (Resumed) Type() string               { return "subscription.resumed" }
func (Cancelled) Type() string             { return "subscription.cancelled" }
func (Completed) Type() string             { return "subscription.completed" }

func (Created) subscriptionEvent()               {}
func (ChargeStarted) subscriptionEvent()         {}
func (ChargeSucceeded) subscriptionEvent()       {}
func (ChargeFailed) subscriptionEvent()          {}
func (OccurrenceSkipped) subscriptionEvent()     {}
func (OccurrenceUncollected) subscriptionEvent() {}
func (BecamePastDue) subscriptionEvent()         {}
func (Recovered) subscriptionEvent()             {}
func (PaymentMethodRequired) subscriptionEvent() {}
func (MethodReplaced) subscriptionEvent()        {}
func (OverdueClaimed) subscriptionEvent()        {}
func (OverdueReleased) subscriptionEvent()       {}
func (Paused) subscriptionEvent()                {}
func (Resumed) subscriptionEvent()               {}
func (Cancelled) subscriptionEvent()             {}
func (Completed) subscriptionEvent()             {}

// Codec reads and writes every event of a subscription.
var Codec = codec.New(
	codec.Define("subscription.created", 1, func(e Created) Event { return e }),
	codec.Define("subscription.charge_started", 1, func(e ChargeStarted) Event { return e }),
	codec.Define("subscription.charge_succeeded", 1, func(e ChargeSucceeded) Event { return e }),
	codec.Define("subscription.charge_failed", 1, func(e ChargeFailed) Event { return e }),
	codec.Define("subscription.occurrence_skipped", 1, func(e OccurrenceSkipped) Event { return e }),
	codec.Define("subscription.occurrence_uncollected", 1, func(e OccurrenceUncollected) Event { return e }),
	codec.Define("subscription.became_past_due", 1, func(e BecamePastDue) Event { return e }),
	codec.Define("subscription.recovered", 1, func(e Recovered) Event { return e }),
	codec.Define("subscription.payment_method_required", 1, func(e PaymentMethodRequired) Event { return e }),
	codec.Define("subscription.method_replaced", 1, func(e MethodReplaced) Event { return e }),
	codec.Define("subscription.overdue_claimed", 1, func(e OverdueClaimed) Event { return e }),
	codec.Define("subscription.overdue_released", 1, func(e OverdueReleased) Event { return e }),
	codec.Define("subscription.paused", 1, func(e Paused) Event { return e }),
	codec.Define("subscription.resumed", 1, func(e Resumed) Event { return e }),
	codec.Define("subscription.cancelled", 1, func(e Cancelled) Event { return e }),
	codec.Define("subscription.completed", 1, func(e Completed) Event { return e }),
)
