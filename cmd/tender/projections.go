package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"tender/projections"
)

// runProjections lists the read models, has one stand still or go on, and deals with what
// one has set aside.
func runProjections(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	does, name, rest := "list", "", args
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		does, rest = args[0], args[1:]
	}
	switch does {
	case "parked", "retry", "skip", "skipped", "restore":
		return runParked(ctx, does, rest, stdout, stderr)
	}
	if len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
		name, rest = rest[0], rest[1:]
	}
	steers := does == "pause" || does == "resume"
	if steers != (name != "") || !steers && does != "list" {
		return usageError("tender: use tender projections list, pause NAME or resume NAME; " + parkedUse)
	}
	fs := newFlags("projections "+does, stderr)
	mode := fs.String("mode", "test", "test or live")
	var database string
	if err := parseSettings(fs, rest, []setting{databaseSetting(&database)}); err != nil {
		return err
	}
	g, err := openEngine(ctx, database, *mode)
	if err != nil {
		return err
	}
	defer g.Store.Close()
	c := projections.NewCursors(g.Store)
	switch does {
	case "pause":
		err = c.Pause(ctx, name)
	case "resume":
		err = c.Resume(ctx, name)
	default:
		return listProjections(ctx, c, stdout)
	}
	if err != nil {
		return explain(name, err)
	}
	return listProjections(ctx, c, stdout)
}

func listProjections(ctx context.Context, c *projections.Cursors, stdout io.Writer) error {
	all, err := c.Statuses(ctx)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tGENERATION\tSTATE\tPOSITION\tBEHIND\tFOR\tRATE\tSET ASIDE")
	for _, s := range all {
		fmt.Fprintf(w, "%s\t%d %s\t%s\t%d\t%d events\t%s\t%.0f/s\t%d\n",
			s.Name, s.Generation, role(s), s.State, s.Position, s.Lag, s.LagTime.Round(100*time.Millisecond), s.Rate, s.Parked)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, s := range all {
		if s.Error != "" {
			fmt.Fprintf(stdout, "%s, generation %d: %s\n", s.Name, s.Generation, s.Error)
		}
	}
	return nil
}

// role is what a generation is for.
func role(s projections.Status) string {
	switch {
	case s.Serving:
		return "served"
	case s.Retired:
		return "before"
	}
	return "new"
}
