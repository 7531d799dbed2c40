package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/cockroachdb/errors"

	"tender/domain/money"
)

// subscriptionShown and trialShown are what the command line reads of a
// subscription and of the sessions that it made.
type (
	subscriptionShown struct {
		ID         string      `json:"id"`
		Status     string      `json:"status"`
		Amount     int64       `json:"amount"`
		Currency   string      `json:"currency"`
		CustomerID string      `json:"customer_id"`
		Required   bool        `json:"payment_method_required"`
		Upcoming   []time.Time `json:"upcoming"`
		Overdue    int64       `json:"overdue_amount"`
		TimeZone   string      `json:"time_zone"`
		Items      []struct {
			Amount int64  `json:"amount"`
			Date   string `json:"date"`
		} `json:"items"`
	}
	trialShown struct {
		ID             string    `json:"id"`
		SubscriptionID string    `json:"subscription_id"`
		Amount         int64     `json:"amount"`
		Currency       string    `json:"currency"`
		PaymentOutcome string    `json:"payment_outcome"`
		CreatedAt      time.Time `json:"created_at"`
		Occurrence     *struct {
			Number        int        `json:"number"`
			ScheduledFor  time.Time  `json:"scheduled_for"`
			Attempt       int        `json:"attempt"`
			NextAttemptAt *time.Time `json:"next_attempt_at"`
		} `json:"occurrence"`
		LastPaymentError *struct {
			ErrorCode   string `json:"error_code"`
			DeclineCode string `json:"decline_code"`
		} `json:"last_payment_error"`
	}
)

// runSubscriptions shows a subscription as a schedule: what was paid, what comes.
func runSubscriptions(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) < 2 || args[0] != "show" || strings.HasPrefix(args[1], "-") {
		return usageError("tender: use tender subscriptions show sub_…")
	}
	var c client
	if err := parseSettings(newFlags("subscriptions show", stderr), args[2:], c.settings()); err != nil {
		return err
	}
	var sub subscriptionShown
	if err := c.call(ctx, http.MethodGet, "/collect/subscriptions/"+args[1], nil, &sub); err != nil {
		return err
	}
	var tries []trialShown
	query := url.Values{"customer_id": {sub.CustomerID}, "limit": {"100"}}
	err := pages(ctx, &c, "/collect/payment_sessions", query, func(t trialShown) bool {
		if t.SubscriptionID == sub.ID && t.Occurrence != nil {
			tries = append(tries, t)
		}
		return true
	})
	if err != nil {
		return err
	}
	slices.Reverse(tries)
	return printSchedule(stdout, sub, tries)
}

// printSchedule prints what was tried and what comes, each on the day that it is in
// the schedule's own time zone. Occurrences that nothing was tried for, as they were
// missed, paused or not allowed, are named where they belong.
func printSchedule(w io.Writer, sub subscriptionShown, tries []trialShown) error {
	zone, err := time.LoadLocation(sub.TimeZone)
	if err != nil {
		return errors.Wrap(err, "the subscription's time zone")
	}
	head := []string{sub.ID, sub.Status}
	if sub.Amount > 0 {
		head = append(head, money.Format(sub.Amount, sub.Currency))
	}
	if sub.Overdue > 0 {
		head = append(head, money.Format(sub.Overdue, sub.Currency)+" overdue")
	}
	if sub.Required {
		head = append(head, "a payment method is required")
	}
	fmt.Fprintln(w, strings.Join(append(head, "times of "+sub.TimeZone), "  "))
	last := 0
	for _, t := range tries {
		printGap(w, last+1, t.Occurrence.Number-1)
		last = max(last, t.Occurrence.Number)
		t.print(w, zone)
	}
	for i, at := range sub.Upcoming {
		says := "comes"
		if i == 0 {
			says = "comes next"
		}
		at = at.In(zone)
		fmt.Fprintf(w, "        %s  %-12s %s\n", at.Format(scheduleLayout), money.Format(sub.amountOn(at), sub.Currency), says)
	}
	return nil
}

// scheduleLayout is how a schedule writes instants.
const scheduleLayout = "2006-01-02 15:04"

// amountOn is what the payment of a day comes to.
func (sub subscriptionShown) amountOn(day time.Time) int64 {
	for _, item := range sub.Items {
		if item.Date == day.Format(time.DateOnly) {
			return item.Amount
		}
	}
	return sub.Amount
}

func printGap(w io.Writer, from, to int) {
	switch {
	case from == to:
		fmt.Fprintf(w, "  #%-4d not tried\n", from)
	case from < to:
		fmt.Fprintf(w, "  #%d to #%d not tried\n", from, to)
	}
}

func (t trialShown) print(w io.Writer, zone *time.Location) {
	line := fmt.Sprintf("  #%-4d %s  %-12s %s", t.Occurrence.Number, t.Occurrence.ScheduledFor.In(zone).Format(scheduleLayout),
		money.Format(t.Amount, t.Currency), t.PaymentOutcome)
	if t.Occurrence.Attempt > 1 {
		line += fmt.Sprintf(" (try %d, %s)", t.Occurrence.Attempt, t.CreatedAt.In(zone).Format(time.DateOnly))
	}
	if e := t.LastPaymentError; e != nil {
		line += ": " + strings.TrimSuffix(e.ErrorCode+" "+e.DeclineCode, " ")
	}
	if t.Occurrence.NextAttemptAt != nil {
		line += ", again " + t.Occurrence.NextAttemptAt.In(zone).Format(scheduleLayout)
	}
	fmt.Fprintln(w, line)
}
