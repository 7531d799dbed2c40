package subscription

import (
	"tender/domain/mandate"
	"tender/domain/recurrence"
)

// Plan is what is collected, and when. It is fixed when the subscription is made:
// what it inherits from the mandate has been filled in.
type Plan struct {
	Amount   int64            `json:"amount"` // of each; 0: each fixed item's own
	Currency string           `json:"currency"`
	TimeZone string           `json:"time_zone"`
	Active   mandate.Validity `json:"active_period,omitzero"`
	// ScheduledTime is the time of day in TimeZone.
	ScheduledTime recurrence.TimeOfDay `json:"scheduled_time"`
	Recurrence    recurrence.Rule      `json:"recurrence,omitzero"`
	// Items are the mandate's, in the mandate's order.
	Items []mandate.Item `json:"items,omitempty"`
	// Occurrences is how many there are at most; 0: no end but Active's.
	Occurrences int `json:"occurrences,omitempty"`
	// PaymentsMax is how many payments the mandate lets succeed, where that is not
	// what ends the row of occurrences: what was skipped or not collected leaves its
	// place to a later one. 0: any number.
	PaymentsMax int    `json:"payments_max,omitempty"`
	Retry       Retry  `json:"retry"`
	Missed      Missed `json:"missed"`
}

// Retry says how a failed occurrence is tried again.
type Retry struct {
	Days []int `json:"days"` // so many days after the first try, ascending
	Then Then  `json:"then"`
}

// Limits of a plan's retries.
const (
	RetriesMax  = 10 // of one occurrence
	RetryDayMax = 60 // the latest of them, in days after the first try
)

// DefaultRetry returns how a failed occurrence is tried again where a plan does
// not say.
func DefaultRetry() Retry { return Retry{Days: []int{1, 3, 5}, Then: ThenContinue} }

// Then says what becomes of the subscription when no try is left.
type Then string

// What may become of a subscription whose occurrence stays unpaid.
const (
	ThenContinue Then = "continue"
	ThenPause    Then = "pause"
	ThenCancel   Then = "cancel"
)

// Missed says what becomes of occurrences that downtime made late: those that are
// got to more than [LateAfter] after their instant.
type Missed string

// What may become of late occurrences.
const (
	MissedCollect Missed = "collect" // oldest first, [ChargesApart] from each other
	MissedSkip    Missed = "skip"
)
