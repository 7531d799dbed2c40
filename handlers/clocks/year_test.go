package clocks_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// The year that is told: a card that fails without the customer twice and then
// succeeds, charged every day under a mandate for a hundred payments. So every third
// day is paid, and the hundredth payment, on the 300th day, is the last.
const (
	yearCard  = "4000000000000432"
	yearDays  = 300
	yearPaid  = 100
	yearBegin = "2025-12-31T12:00:00Z"
	yearEnd   = "2026-12-31T12:00:00Z"
)

// What happens when the customer comes, and on each day, in order.
var (
	whenAgreed = []string{
		"cus customer.created", "ps session.created",
		"cus customer.payment_opened", "pay payment.initiated", "pay payment.attempt_started", "ps session.attempt_started",
		"cus customer.method_saved", "cus customer.mandate_added", "cus customer.payment_closed", "cus customer.subscription_added",
		"pmt method.saved", "pmt method.mandate_added", "sub subscription.created", "mdt mandate.created",
		"pay payment.paid", "ps session.completed",
	}
	whenTried = []string{
		"cus customer.payment_opened", "sub subscription.charge_started", "mdt mandate.charge_started",
		"pay payment.initiated", "pay payment.attempt_started", "ps session.created", "ps session.attempt_started",
	}
	whenFailedFirst = []string{
		"cus customer.payment_closed", "sub subscription.charge_failed", "sub subscription.became_past_due",
		"sub subscription.occurrence_uncollected", "mdt mandate.charge_failed", "pay payment.attempt_failed", "ps session.completed",
	}
	whenFailedAgain = []string{
		"cus customer.payment_closed", "sub subscription.charge_failed",
		"sub subscription.occurrence_uncollected", "mdt mandate.charge_failed", "pay payment.attempt_failed", "ps session.completed",
	}
	whenPaid = []string{
		"cus customer.payment_closed", "sub subscription.charge_succeeded", "sub subscription.recovered",
		"mdt mandate.charge_succeeded", "pay payment.paid", "ps session.completed",
	}
	whenPaidLast = []string{
		"cus customer.mandate_ended", "cus customer.payment_closed", "cus customer.subscription_ended", "pmt method.mandate_ended",
		"sub subscription.charge_succeeded", "sub subscription.recovered", "sub subscription.completed",
		"mdt mandate.charge_succeeded", "mdt mandate.exhausted", "pay payment.paid", "ps session.completed",
	}
)

// theYear is all that happens, each line with its instant.
func theYear() []string {
	var all []string
	at := func(instant string, lines ...[]string) {
		for _, l := range slices.Concat(lines...) {
			all = append(all, instant+" "+l)
		}
	}
	at(yearBegin, whenAgreed)
	for day := 1; day <= yearDays; day++ {
		instant := time.Date(2026, 1, day, 0, 0, 0, 0, time.UTC).Format(time.RFC3339)
		switch {
		case day%3 == 1:
			at(instant, whenTried, whenFailedFirst)
		case day%3 == 2:
			at(instant, whenTried, whenFailedAgain)
		case day < yearDays:
			at(instant, whenTried, whenPaid)
		default:
			at(instant, whenTried, whenPaidLast)
		}
	}
	return all
}

// A year passes over a daily subscription with a card that fails and a mandate that
// runs out: exactly this happens, in this order, each at its instant. And whenever it
// passes, the same happens.
func TestAYearGoesAsItMust(t *testing.T) {
	t.Parallel()
	first := setup(t)
	first.First.Clocks()
	second := *first
	second.merchant = first.House.Merchant("test")
	second.Caller = first.First.Caller(t, second.merchant.Secret)
	var told [][]string
	for _, b := range []*bundle{first, &second} {
		clockID := b.clock(yearBegin)
		_, a := b.subscribed(clockID, yearCard, 500, object{
			"type": "scheduled", "amount": 500, "max_occurrences": yearPaid,
			"recurrence": object{"type": "daily", "interval_count": 1},
		}, object{})
		b.advance(t, clockID, yearEnd)
		told = append(told, b.told(t))
		b.Get("/collect/mandates/" + a.Text("mandate_id")).Is(200).Shows(object{
			"status": "exhausted", "usage.successful_count": 100, "usage.successful_amount": 50_000,
			"usage.last_payment_at": "2026-10-27T00:00:00.000Z",
		})
		b.Get("/collect/subscriptions/" + a.Text("subscription_id")).Is(200).Shows(object{
			"status": "completed", "next_payment_at": nil, "upcoming": nil,
		})
	}
	var events []string
	for _, line := range told[0] {
		// stream type instant actor payload
		part := strings.SplitN(line, " ", 4)
		kind, _, _ := strings.Cut(part[0], "#")
		events = append(events, fmt.Sprintf("%s %s %s", part[2], kind, part[1]))
	}
	compare(t, events, theYear())
	compare(t, told[1], told[0])
}
