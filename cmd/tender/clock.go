package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
)

// clockPoll is how often an advancing clock is looked at.
const clockPoll = 200 * time.Millisecond

// clockShown is what the command line reads of a test clock.
type clockShown struct {
	ID         string    `json:"id"`
	Name       string    `json:"name"`
	FrozenTime time.Time `json:"frozen_time"`
	Status     string    `json:"status"`
}

// runClock makes a test clock, or advances one and waits until all that fell due
// has been done.
func runClock(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	const use = "tender: use tender clock create [--at TIME] [--name NAME], or tender clock advance clk_… --to TIME | --by 30d"
	if len(args) == 0 {
		return usageError(use)
	}
	switch args[0] {
	case "create":
		return createClock(ctx, args[1:], stdout, stderr)
	case "advance":
		if len(args) > 1 && !strings.HasPrefix(args[1], "-") {
			return advanceClock(ctx, args[1], args[2:], stdout, stderr)
		}
	}
	return usageError(use)
}

func createClock(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var c client
	fs := newFlags("clock create", stderr)
	at := fs.String("at", "", "where it stands, RFC 3339 or YYYY-MM-DD; default: now")
	name := fs.String("name", "", "a name for it")
	if err := parseSettings(fs, args, c.settings()); err != nil {
		return err
	}
	frozen := time.Now().UTC().Truncate(time.Second)
	if *at != "" {
		var err error
		if frozen, err = instantOf(*at); err != nil {
			return err
		}
	}
	body := map[string]string{"frozen_time": frozen.Format(time.RFC3339)}
	if *name != "" {
		body["name"] = *name
	}
	var shown clockShown
	if err := c.call(ctx, http.MethodPost, "/test/clocks", body, &shown); err != nil {
		return err
	}
	_, err := fmt.Fprintf(stdout, "%s stands at %s\n", shown.ID, shown.FrozenTime.Format(time.RFC3339))
	return err
}

func advanceClock(ctx context.Context, clockID string, args []string, stdout, stderr io.Writer) error {
	var c client
	fs := newFlags("clock advance", stderr)
	to := fs.String("to", "", "where to, RFC 3339 or YYYY-MM-DD")
	by := fs.String("by", "", "how far: 12h, 30d, 2w")
	if err := parseSettings(fs, args, c.settings()); err != nil {
		return err
	}
	var shown clockShown
	if err := c.call(ctx, http.MethodGet, "/test/clocks/"+clockID, nil, &shown); err != nil {
		return err
	}
	target, err := targetOf(*to, *by, shown.FrozenTime)
	if err != nil {
		return err
	}
	return advanceTo(ctx, &c, clockID, target, stdout)
}

// advanceTo lets a clock's time pass, prints where it has come to meanwhile, and
// returns when all that fell due has been done.
func advanceTo(ctx context.Context, c *client, clockID string, target time.Time, stdout io.Writer) error {
	path := "/test/clocks/" + clockID
	var shown clockShown
	body := map[string]string{"to": target.Format(time.RFC3339)}
	if err := c.call(ctx, http.MethodPost, path+"/advance", body, &shown); err != nil {
		return err
	}
	tick := time.NewTicker(clockPoll)
	defer tick.Stop()
	for last := shown.FrozenTime; shown.Status != "ready"; {
		select {
		case <-ctx.Done():
			return errors.New("stopped waiting; the clock goes on by itself")
		case <-tick.C:
		}
		if err := c.call(ctx, http.MethodGet, path, nil, &shown); err != nil {
			return err
		}
		if shown.FrozenTime.After(last) {
			fmt.Fprintf(stdout, "  %s\n", shown.FrozenTime.Format(time.RFC3339))
			last = shown.FrozenTime
		}
	}
	_, err := fmt.Fprintf(stdout, "%s stands at %s\n", shown.ID, shown.FrozenTime.Format(time.RFC3339))
	return err
}

// targetOf is where a clock shall go.
func targetOf(to, by string, from time.Time) (time.Time, error) {
	if (to == "") == (by == "") {
		return time.Time{}, usageError("tender: say where to with --to, or how far with --by")
	}
	if to != "" {
		return instantOf(to)
	}
	for suffix, days := range map[string]int{"d": 1, "w": 7} {
		if count, found := strings.CutSuffix(by, suffix); found {
			n, err := strconv.Atoi(count)
			if err != nil {
				return time.Time{}, usageError("tender: --by is a number and a unit, for example 30d")
			}
			return from.AddDate(0, 0, n*days), nil
		}
	}
	d, err := time.ParseDuration(by)
	if err != nil {
		return time.Time{}, usageError("tender: --by is a number and a unit, for example 12h, 30d or 2w")
	}
	return from.Add(d), nil
}

// instantOf reads a time, or a date as its first instant, UTC.
func instantOf(s string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, usageError(fmt.Sprintf("tender: %q is no time; write 2026-01-31T09:00:00Z or 2026-01-31", s))
}
