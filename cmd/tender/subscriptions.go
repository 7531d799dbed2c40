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

	"tender/domain/money"
)

// subscriptionShown and trialShown are what the command line reads of a
// subscription and of the sessions that it made.
type (
	subscriptionShown struct {
		ID            string      `json:"id"`
		Status        string      `json:"status"`
		Amount        int64       `json:"amount"`
		Currency      string      `json:"currency"`
		CustomerID    string      `json:"customer_id"`
		Required      bool        `json:"payment_method_required"`
		NextPaymentAt *time.Time  `json:"next_payment_at"`
		Upcoming      []time.Time `json:"upcoming"`
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

func printSchedule(w io.Writer, sub subscriptionShown, tries []trialShown) error {
	status := sub.Status
	if sub.Required {
		status += ", a payment method is required"
	}
	fmt.Fprintf(w, "%s  %s  %s\n", sub.ID, status, money.Format(sub.Amount, sub.Currency))
	for _, t := range tries {
		line := fmt.Sprintf("  #%-4d %s  %-12s %s", t.Occurrence.Number, t.Occurrence.ScheduledFor.Format("2006-01-02 15:04"),
			money.Format(t.Amount, t.Currency), t.PaymentOutcome)
		if t.Occurrence.Attempt > 1 {
			line += fmt.Sprintf(" (try %d, %s)", t.Occurrence.Attempt, t.CreatedAt.Format("2006-01-02"))
		}
		if e := t.LastPaymentError; e != nil {
			line += ": " + strings.TrimSuffix(e.ErrorCode+" "+e.DeclineCode, " ")
		}
		if t.Occurrence.NextAttemptAt != nil {
			line += ", again " + t.Occurrence.NextAttemptAt.Format("2006-01-02 15:04")
		}
		fmt.Fprintln(w, line)
	}
	for i, at := range sub.Upcoming {
		says := "comes"
		if i == 0 {
			says = "comes next"
		}
		fmt.Fprintf(w, "        %s  %-12s %s\n", at.Format("2006-01-02 15:04"), money.Format(sub.Amount, sub.Currency), says)
	}
	return nil
}
