package invariants

import (
	"fmt"
	"time"

	"tender/domain/subscription"
)

var subscriptionRules = []rule[subscriptionNotes]{
	when("subscription-order", "Occurrences are begun or skipped in the order of their numbers, none is left out, and their instants rise.", inOrder),
	when("subscription-attempts", "Tries of an occurrence are numbered 1, 2, 3 …, come one at a time, not before its instant, and none once it is paid, given up, skipped or claimed by the customer's own session.", func(n *subscriptionNotes, e *Event) string {
		var o subscription.Occurrence
		switch d := e.Said.(type) {
		case subscription.ChargeStarted:
			o = d.Occurrence
		case subscription.ChargeFailed:
			if d.PaymentID != "" {
				return "" // of a try that was begun
			}
			o = d.Occurrence
		default:
			return ""
		}
		was := n.occurrences[o.Number]
		switch {
		case was.stage != untouched && was.stage != waiting:
			return fmt.Sprintf("occurrence %d is %s", o.Number, was.stage)
		case n.held[o.Number]:
			return fmt.Sprintf("occurrence %d is claimed by session %s", o.Number, n.holder)
		case o.Attempt != was.attempts+1:
			return fmt.Sprintf("try %d of occurrence %d follows %d others", o.Attempt, o.Number, was.attempts)
		case e.At.Before(o.ScheduledFor):
			return fmt.Sprintf("occurrence %d is scheduled for %s", o.Number, instant(o.ScheduledFor))
		}
		return ""
	}),
	when("subscription-outcome", "Every outcome is that of the try in flight: of its payment, attempt and amount.", func(n *subscriptionNotes, e *Event) string {
		var o subscription.Occurrence
		var paymentID string
		var amount int64
		switch d := e.Said.(type) {
		case subscription.ChargeSucceeded:
			o, paymentID, amount = d.Occurrence, d.PaymentID, d.Amount
		case subscription.ChargeFailed:
			if d.PaymentID == "" {
				return ""
			}
			o, paymentID, amount = d.Occurrence, d.PaymentID, d.Amount
		default:
			return ""
		}
		was := n.occurrences[o.Number]
		if was.stage == paid && o.Attempt == was.attempts {
			return "" // that it is paid twice is said elsewhere
		}
		if was.stage != trying || was.attempts != o.Attempt || was.payment != paymentID || was.amount != amount {
			return fmt.Sprintf("no try %d of occurrence %d with payment %s of %d is in flight", o.Attempt, o.Number, paymentID, amount)
		}
		return ""
	}),
	when("subscription-paid-once", "No occurrence is paid twice, by the schedule or by the customer's own session.", func(n *subscriptionNotes, e *Event) string {
		var numbers []int
		switch d := e.Said.(type) {
		case subscription.ChargeSucceeded:
			numbers = []int{d.Occurrence.Number}
		case subscription.MethodReplaced:
			numbers = d.Settled
		}
		for _, number := range numbers {
			if n.occurrences[number].stage == paid {
				return fmt.Sprintf("occurrence %d was paid before", number)
			}
		}
		return ""
	}),
	when("subscription-payments", "Every try has a payment of its own.", func(n *subscriptionNotes, e *Event) string {
		if d, ok := e.Said.(subscription.ChargeStarted); ok {
			return n.payments.joins("payment", d.PaymentID)
		}
		return ""
	}),
	when("subscription-amount", "What is collected is in the plan's currency and, where the plan fixes it, of the plan's amount.", func(n *subscriptionNotes, e *Event) string {
		d, ok := e.Said.(subscription.ChargeStarted)
		switch {
		case !ok:
		case d.Currency != n.said.Plan.Currency:
			return fmt.Sprintf("it is in %q, and the plan in %q", d.Currency, n.said.Plan.Currency)
		case n.said.Plan.Amount > 0 && d.Amount != n.said.Plan.Amount:
			return fmt.Sprintf("%d is collected, and the plan is for %d", d.Amount, n.said.Plan.Amount)
		}
		return ""
	}),
	when("subscription-standstill", "No try is begun while a subscription is paused, has no usable method, or has ended.", func(n *subscriptionNotes, e *Event) string {
		_, ok := e.Said.(subscription.ChargeStarted)
		switch {
		case !ok:
		case n.paused:
			return "it is paused"
		case n.methodRequired:
			return "it has no usable method"
		case n.ended != "":
			return "it comes after " + n.ended
		}
		return ""
	}),
	when("subscription-turns", "A subscription becomes past due, recovers, is paused, resumed, and wants a method, each only if it is not so already, and ends once.", turns),
	when("subscription-given-up", "What is given up was begun, is not paid, and no try of it is in flight.", func(n *subscriptionNotes, e *Event) string {
		d, ok := e.Said.(subscription.OccurrenceUncollected)
		if ok && n.occurrences[d.Number].stage != waiting {
			return fmt.Sprintf("occurrence %d is %s", d.Number, n.occurrences[d.Number].stage)
		}
		return ""
	}),
	when("subscription-claims", "One session of the customer's at a time claims what is overdue: what was begun and is neither paid nor in flight; it settles or releases what it claimed.", claims),
}

func (s stage) String() string {
	return [...]string{"not begun", "being tried", "waiting to be tried again", "paid", "given up", "skipped"}[s]
}

func inOrder(n *subscriptionNotes, e *Event) string {
	var number int
	var at time.Time
	switch d := e.Said.(type) {
	case subscription.ChargeStarted:
		number, at = d.Occurrence.Number, d.Occurrence.ScheduledFor
	case subscription.ChargeFailed:
		number, at = d.Occurrence.Number, d.Occurrence.ScheduledFor
	case subscription.OccurrenceSkipped:
		number, at = d.Number, d.ScheduledFor
		if number < n.next {
			return fmt.Sprintf("occurrence %d is skipped, and was begun or skipped before", number)
		}
	default:
		return ""
	}
	switch {
	case number < n.next: // it was begun before
	case number > n.next:
		return fmt.Sprintf("occurrence %d is begun or skipped before %d", number, n.next)
	case !at.After(n.said.After), !at.After(n.lastFor):
		return fmt.Sprintf("occurrence %d is scheduled for %s, not after what lies before it", number, instant(at))
	}
	return ""
}

func turns(n *subscriptionNotes, e *Event) string {
	already := func(is bool, what string) string {
		if is {
			return what
		}
		return ""
	}
	switch e.Said.(type) {
	case subscription.BecamePastDue:
		return already(n.pastDue, "it is past due already")
	case subscription.Recovered:
		return already(!n.pastDue, "it is not past due")
	case subscription.PaymentMethodRequired:
		return already(n.methodRequired, "it wants a method already")
	case subscription.Paused:
		return already(n.paused, "it is paused already")
	case subscription.Resumed:
		return already(!n.paused, "it is not paused")
	case subscription.Cancelled, subscription.Completed:
		return already(n.ended != "", "it comes after "+n.ended)
	}
	return ""
}

func claims(n *subscriptionNotes, e *Event) string {
	switch d := e.Said.(type) {
	case subscription.OverdueClaimed:
		if n.holder != "" {
			return fmt.Sprintf("session %s has a claim", n.holder)
		}
		for _, number := range d.Numbers {
			if s := n.occurrences[number].stage; s != waiting && s != uncollected {
				return fmt.Sprintf("occurrence %d is %s", number, s)
			}
		}
	case subscription.OverdueReleased:
		if d.SessionID != n.holder {
			return fmt.Sprintf("session %s has no claim", d.SessionID)
		}
	case subscription.MethodReplaced:
		for _, number := range d.Settled {
			if d.SessionID != n.holder || !n.held[number] {
				return fmt.Sprintf("session %s settles occurrence %d, which it has not claimed", d.SessionID, number)
			}
		}
	}
	return ""
}
