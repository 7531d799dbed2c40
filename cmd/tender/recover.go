package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/cockroachdb/errors"
)

// recoveryPoll is how often a running recovery is looked at.
const recoveryPoll = 500 * time.Millisecond

// recoveryShown is what the command line reads of a recovery.
type recoveryShown struct {
	ID         string     `json:"id"`
	EndpointID string     `json:"endpoint_id"`
	Status     string     `json:"status"`
	StopReason string     `json:"stop_reason"`
	Since      time.Time  `json:"since"`
	Until      *time.Time `json:"until"`
	Examined   int        `json:"examined"`
	Resent     int        `json:"resent"`
	Pending    int        `json:"pending"`
}

// recoverWebhooks has an endpoint sent again what did not arrive there.
func recoverWebhooks(ctx context.Context, endpointID string, args []string, stdout, stderr io.Writer) error {
	var c client
	fs := newFlags("webhooks recover", stderr)
	since := fs.String("since", "", "what was recorded from then on, RFC 3339 or YYYY-MM-DD")
	until := fs.String("until", "", "and before then; default: all that there is")
	wait := fs.Bool("wait", false, "wait until it has ended and nothing of it is pending, and show how far it is")
	if err := parseSettings(fs, args, c.settings()); err != nil {
		return err
	}
	if *since == "" {
		return usageError("tender: say from when on with --since")
	}
	body := map[string]string{}
	for name, value := range map[string]string{"since": *since, "until": *until} {
		if value == "" {
			continue
		}
		at, err := instantOf(value)
		if err != nil {
			return err
		}
		body[name] = at.Format(time.RFC3339Nano)
	}
	path := "/webhooks/endpoints/" + url.PathEscape(endpointID) + "/recover"
	var r recoveryShown
	if err := c.call(ctx, http.MethodPost, path, body, &r); err != nil {
		return err
	}
	r.print(stdout)
	if !*wait {
		return nil
	}
	return r.wait(ctx, &c, path+"/"+r.ID, stdout)
}

// wait prints how far a recovery is until it has ended and all of it has arrived, or
// was given up again.
func (r recoveryShown) wait(ctx context.Context, c *client, path string, stdout io.Writer) error {
	tick := time.NewTicker(recoveryPoll)
	defer tick.Stop()
	for r.Status == "running" || r.Pending > 0 {
		select {
		case <-ctx.Done():
			return errors.New("stopped waiting; the recovery goes on by itself")
		case <-tick.C:
		}
		before := r
		if err := c.call(ctx, http.MethodGet, path, nil, &r); err != nil {
			return err
		}
		if r.Status != before.Status || r.Examined != before.Examined || r.Resent != before.Resent || r.Pending != before.Pending {
			r.print(stdout)
		}
	}
	return nil
}

func (r recoveryShown) print(w io.Writer) {
	fmt.Fprintf(w, "%s  %-9s  %d looked at, %d sent again, %d pending", r.ID, r.Status, r.Examined, r.Resent, r.Pending)
	if r.StopReason != "" {
		fmt.Fprintf(w, "  (%s)", r.StopReason)
	}
	fmt.Fprintln(w)
}
