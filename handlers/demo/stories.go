package demo

import (
	"fmt"
	"strconv"
)

// The stories of series: what follows a card that was kept.

func storyOfSaving(o *order) []step {
	steps, ready := sale(o,
		step{Title: "The shop asks for a payment and a mandate", Text: "The first session of a series asks for consent as well: later charges, each up to " + money(tabMax) + "."},
		step{
			Title: "The customer agrees and pays", PayText: "Go to the checkout", Docs: []docs{{"Mandates", "getMandate"}},
			Text: "The checkout says in plain words what they agree to. The card is kept by Tender, the shop keeps an id.",
		})
	later := o.later()
	again := step{
		Title: "Another cup: charge the saved card", State: stepNow,
		Text:    "No page, no customer: a `next_in_series` session is paid before it is answered.",
		Actions: []action{{Name: "charge", Label: "Charge the saved card: " + money(priceCup), Turn: strconv.Itoa(len(later))}},
		Ledger:  ledger(later),
	}
	more := step{
		Title: "Too much: try " + money(tooMuch), State: stepMay,
		Text:    "The mandate stands above the shop. What it does not allow is refused before any bank is asked.",
		Actions: []action{{Name: "overcharge", Label: "Try to charge " + money(tooMuch), Turn: strconv.Itoa(len(later)), Quiet: true}},
	}
	if ready {
		return append(steps, again, more, visitStep(o))
	}
	return follow(steps, false, again, more, visitStep(o))
}

func storyOfVerifying(o *order) []step {
	steps, ready := sale(o,
		step{Title: "The shop asks for a session over nothing", Text: "An amount of 0 is a verification: the card is checked, kept, and not charged."},
		step{Title: "The customer shows a card", Text: "They see no amount, because there is none.", PayText: "Go to the checkout"})
	if ready {
		return append(steps, visitStep(o))
	}
	return follow(steps, false, visitStep(o))
}

// visitStep is the customer's return to a checkout that knows them.
func visitStep(o *order) step {
	st := step{
		Title: "They come back for a bag", State: stepMay, Docs: []docs{{"Saved payment methods", "listCustomerPaymentMethods"}},
		Text: "A session that names the customer offers their saved card at the checkout; only its security code is asked for.",
	}
	visits := o.visits()
	if len(visits) > 0 {
		last := visits[len(visits)-1]
		st = atCheckout(st, last, o.payments[last.PaymentID].value, nil)
		if st.PayURL != "" {
			st.PayText = "Go to the checkout"
			return st
		}
		st.State = stepMay
	}
	st.Actions = []action{{Name: "visit", Label: "Sell them a bag: " + money(priceBag), Turn: strconv.Itoa(len(visits)), Quiet: true}}
	return st
}

func storyOfSubscribing(o *order) []step {
	steps, ready := sale(o,
		step{
			Title: "The shop makes a clock, and asks for a subscription", Docs: []docs{{"Test clocks", "createTestClock"}},
			Text: "The customer lives on a test clock, so that months can pass in seconds. Everything else is as in earnest.",
		},
		step{
			Title: "The customer agrees and pays the first month", PayText: "Go to the checkout",
			Text: "The checkout says what will be collected, and when. Their agreement is kept as evidence.",
		})
	sub, next := o.subscription(), o.nextTurn()
	months := step{
		Title: "Months pass", State: stepNow, Ledger: ledger(o.later()), Docs: []docs{{"Advance a test clock", "advanceTestClock"}, {"Subscriptions", "getSubscription"}},
		Text: "Tender collects by itself on the day, tries again where a card fails, and tells the shop each time.",
	}
	switch {
	case o.turning:
		months.State, months.Result = stepWait, "The clock is on its way. Everything that falls due happens in order."
	case sub.Status == "cancelled", sub.Status == "completed":
		months.State = stepDone
	case !next.IsZero():
		months.Actions = []action{{Name: "clock", Label: "Turn the clock to next month: " + day(next), Turn: next.UTC().Format("20060102")}}
	default:
		months.State = stepWait // the webhook that names the subscription is on its way
	}
	ends := step{Title: "They have enough coffee", State: stepMay, Text: "Cancelled once, nothing is ever collected again.", Docs: []docs{{"Cancel a subscription", "cancelSubscription"}}}
	switch {
	case sub.Status == "cancelled":
		ends.State, ends.Result = stepDone, "Cancelled. The agreement ended with it."
	case sub.ID != "" && !o.turning:
		ends.Actions = []action{{Name: "cancel", Label: "Cancel the subscription", Turn: "0", Quiet: true}}
	}
	if ready {
		return append(steps, months, ends)
	}
	return follow(steps, false, months, ends)
}

// ledger lists the payments without the customer: each try with its own day, which
// of a retry is not the one that the payment was planned for.
func ledger(later []session) []ledgerRow {
	var rows []ledgerRow
	for i, one := range later {
		row := ledgerRow{Date: one.CreatedAt, Text: fmt.Sprintf("№ %d", i+1), Amount: money(one.Amount), Status: one.Outcome, Good: one.Outcome == "paid"}
		if occ := one.Occurrence; occ != nil {
			row.Text = fmt.Sprintf("№ %d", occ.Number)
			if occ.Attempt > 1 {
				row.Text += fmt.Sprintf(", try %d", occ.Attempt)
			}
		}
		if one.LastError != nil {
			row.Status = one.LastError.Message
		}
		rows = append(rows, row)
	}
	return rows
}
