package invariants

import (
	"time"

	"tender/domain/subscription"
)

// stage is where an occurrence of a subscription is.
type stage int

const (
	untouched stage = iota
	trying          // a try is in flight
	waiting         // for another try
	paid
	uncollected
	skipped
)

// occurrence is one of a subscription's.
type occurrence struct {
	stage    stage
	attempts int
	payment  string // of the try in flight
	amount   int64  // of that try
}

// subscriptionNotes is what is noted of a subscription. What is over is kept as its
// stage alone.
type subscriptionNotes struct {
	said        subscription.Created
	occurrences map[int]occurrence
	next        int // the first that was neither begun nor skipped
	lastFor     time.Time
	payments    once
	ended       string

	paused, pastDue, methodRequired bool
	holder                          string // the session that has claimed what is overdue
	held                            map[int]bool
}

func noteSubscription(n *subscriptionNotes, e *Event) {
	switch d := e.Said.(type) {
	case subscription.Created:
		n.said, n.next, n.occurrences = d, 1, map[int]occurrence{}
	case subscription.ChargeStarted:
		n.tried(d.Occurrence, occurrence{stage: trying, attempts: d.Occurrence.Attempt, payment: d.PaymentID, amount: d.Amount})
		n.payments.add(d.PaymentID)
	case subscription.ChargeSucceeded:
		n.tried(d.Occurrence, occurrence{stage: paid, attempts: d.Occurrence.Attempt})
	case subscription.ChargeFailed:
		n.tried(d.Occurrence, occurrence{stage: waiting, attempts: d.Occurrence.Attempt})
	case subscription.OccurrenceSkipped:
		for number := d.Number; number <= d.Last() && number-d.Number < skippedMax; number++ {
			n.set(number, occurrence{stage: skipped})
		}
		n.next, n.lastFor = max(n.next, d.Last()+1), d.ScheduledFor
	case subscription.OccurrenceUncollected:
		n.set(d.Number, occurrence{stage: uncollected})
	case subscription.MethodReplaced:
		n.methodRequired = false
		for _, number := range d.Settled {
			n.set(number, occurrence{stage: paid})
		}
		if d.SessionID == n.holder {
			n.holder, n.held = "", nil
		}
	case subscription.OverdueClaimed:
		n.holder, n.held = d.SessionID, map[int]bool{}
		for _, number := range d.Numbers {
			n.held[number] = true
		}
	case subscription.OverdueReleased:
		n.holder, n.held = "", nil
	default:
		n.turn(e)
	}
}

// skippedMax bounds what one event may skip: more than a century of days.
const skippedMax = 40_000

// turn notes what a subscription becomes as a whole.
func (n *subscriptionNotes) turn(e *Event) {
	switch e.Said.(type) {
	case subscription.BecamePastDue:
		n.pastDue = true
	case subscription.Recovered:
		n.pastDue = false
	case subscription.PaymentMethodRequired:
		n.methodRequired = true
	case subscription.Paused:
		n.paused = true
	case subscription.Resumed:
		n.paused = false
	case subscription.Cancelled, subscription.Completed:
		n.ended = e.Type
	}
}

// tried notes what became of a try.
func (n *subscriptionNotes) tried(o subscription.Occurrence, now occurrence) {
	if o.Number >= n.next {
		n.next, n.lastFor = o.Number+1, o.ScheduledFor
	}
	n.set(o.Number, now)
}

func (n *subscriptionNotes) set(number int, o occurrence) {
	if n.occurrences != nil {
		n.occurrences[number] = o
	}
}
