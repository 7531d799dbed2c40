package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// deliveryShown is what the command line reads of a webhook delivery.
type deliveryShown struct {
	ID            string     `json:"id"`
	EndpointID    string     `json:"endpoint_id"`
	EventID       string     `json:"event_id"`
	EventType     string     `json:"event_type"`
	Status        string     `json:"status"`
	CreatedAt     time.Time  `json:"created_at"`
	NextAttemptAt *time.Time `json:"next_attempt_at"`
	Attempts      []struct {
		Number     int       `json:"number"`
		StartedAt  time.Time `json:"started_at"`
		DurationMS int       `json:"duration_ms"`
		Status     int       `json:"status"`
		ErrorClass string    `json:"error_class"`
		Address    string    `json:"address"`
		Response   string    `json:"response"`
	} `json:"attempts"`
}

// Limits of what is printed of deliveries.
const (
	deliveriesDefault = 20
	responseShownMax  = 200 // characters of an endpoint's answer
)

// runWebhooks shows what became of webhooks: deliveries, and every try of one.
func runWebhooks(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	const use = "tender: use tender webhooks deliveries [--status pending] [--endpoint whe_…] [--type TYPE], tender webhooks show|resend whd_…, or tender webhooks recover whe_… --since TIME [--until TIME] [--wait]"
	if len(args) == 0 {
		return usageError(use)
	}
	switch args[0] {
	case "deliveries":
		return listDeliveries(ctx, args[1:], stdout, stderr)
	case "recover":
		if len(args) > 1 && !strings.HasPrefix(args[1], "-") {
			return recoverWebhooks(ctx, args[1], args[2:], stdout, stderr)
		}
	case "show", "resend":
		if len(args) > 1 && !strings.HasPrefix(args[1], "-") {
			return oneDelivery(ctx, args[0] == "resend", args[1], args[2:], stdout, stderr)
		}
	}
	return usageError(use)
}

func listDeliveries(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var c client
	fs := newFlags("webhooks deliveries", stderr)
	filters := map[string]*string{
		"status":      fs.String("status", "", "pending, delivered or exhausted"),
		"endpoint_id": fs.String("endpoint", "", "of one endpoint"),
		"event_type":  fs.String("type", "", "of one type, for example payment.captured"),
	}
	most := fs.Int("most", deliveriesDefault, "how many, newest first")
	if err := parseSettings(fs, args, c.settings()); err != nil {
		return err
	}
	query := url.Values{}
	for name, value := range filters {
		if *value != "" {
			query.Set(name, *value)
		}
	}
	n := 0
	return pages(ctx, &c, "/webhooks/deliveries", query, func(d deliveryShown) bool {
		d.print(stdout)
		n++
		return n < *most
	})
}

func (d deliveryShown) print(w io.Writer) {
	fmt.Fprintf(w, "%s  %s  %-9s  %-36s %s  %s\n", d.CreatedAt.Format(time.RFC3339), d.ID, d.Status, d.EventType, d.EventID, d.EndpointID)
}

// oneDelivery shows a delivery with every try, or has it sent again first.
func oneDelivery(ctx context.Context, resend bool, deliveryID string, args []string, stdout, stderr io.Writer) error {
	var c client
	if err := parseSettings(newFlags("webhooks", stderr), args, c.settings()); err != nil {
		return err
	}
	path := "/webhooks/deliveries/" + url.PathEscape(deliveryID)
	if resend {
		if err := c.call(ctx, http.MethodPost, path+"/resend", nil, nil); err != nil {
			return err
		}
	}
	var d deliveryShown
	if err := c.call(ctx, http.MethodGet, path, nil, &d); err != nil {
		return err
	}
	d.showTries(stdout)
	return nil
}

func (d deliveryShown) showTries(stdout io.Writer) {
	d.print(stdout)
	for _, a := range d.Attempts {
		came := a.ErrorClass
		if a.Status > 0 {
			came = strings.TrimSuffix(strconv.Itoa(a.Status)+" "+came, " ")
		}
		fmt.Fprintf(stdout, "  #%-2d %s  %5d ms  %-16s %s", a.Number, a.StartedAt.Format(time.RFC3339), a.DurationMS, came, a.Address)
		if answer := []rune(a.Response); len(answer) > 0 {
			fmt.Fprintf(stdout, "  %q", string(answer[:min(len(answer), responseShownMax)]))
		}
		fmt.Fprintln(stdout)
	}
	if d.NextAttemptAt != nil {
		fmt.Fprintf(stdout, "  again %s\n", d.NextAttemptAt.Format(time.RFC3339))
	}
}
