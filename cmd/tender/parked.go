package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"text/tabwriter"
	"time"

	"github.com/cockroachdb/errors"

	"tender/cmd/tender/internal/devenv"
)

// parkedUse is how what a read model has set aside is seen and steered.
const parkedUse = "tender projections parked NAME [POSITION], retry NAME POSITION, skip NAME POSITION --reason TEXT, skipped NAME or restore NAME POSITION --reason TEXT"

// parkedCommand is what is done about an event that a read model has set aside. It goes
// by the API, so that it is recorded who did it.
type parkedCommand struct {
	client client
	stdout io.Writer
	name   string
	query  url.Values
}

// operatorSettings are what a client for operators needs to know.
func (c *client) operatorSettings() []setting {
	return []setting{
		{"url", devenv.URL, "http://127.0.0.1:8080", "where the API is served", false, &c.base},
		{"key", devenv.OperatorKey, "", "an operator's key, ops_…", true, &c.key},
	}
}

// runParked runs projections parked, retry, skip, skipped and restore.
func runParked(ctx context.Context, does string, args []string, stdout, stderr io.Writer) error {
	words := 0
	for words < len(args) && len(args[words]) > 0 && args[words][0] != '-' {
		words++
	}
	about, rest := args[:words], args[words:]
	fs := newFlags("projections "+does, stderr)
	reason := new(string)
	if does == "skip" || does == "restore" {
		fs.StringVar(reason, "reason", "", "why; whoever looks at it later will read it")
	}
	mode := fs.String("mode", "", "test or live; default: live, where it has an acquirer")
	c := parkedCommand{stdout: stdout, query: url.Values{}}
	if err := parseSettings(fs, rest, c.client.operatorSettings()); err != nil {
		return err
	}
	single := does == "retry" || does == "skip" || does == "restore" || does == "parked" && len(about) == 2
	if len(about) == 0 || single != (len(about) == 2) || len(about) > 2 {
		return usageError("tender: use " + parkedUse)
	}
	if c.name = about[0]; *mode != "" {
		c.query.Set("mode", *mode)
	}
	position := ""
	if single {
		position = about[1]
	}
	switch does {
	case "parked":
		if single {
			return c.show(ctx, position)
		}
		return c.list(ctx)
	case "skipped":
		return c.listSkipped(ctx)
	case "restore":
		return c.decide(ctx, "skipped_events/"+position+"/restore", *reason)
	case "skip":
		return c.decide(ctx, "parked_events/"+position+"/skip", *reason)
	default:
		return c.change(ctx, "parked_events/"+position+"/retry", nil)
	}
}

// path is that of something of the read model.
func (c parkedCommand) path(of string) string {
	p := "/ops/projections/" + url.PathEscape(c.name)
	if of != "" {
		p += "/" + of
	}
	if len(c.query) > 0 {
		p += "?" + c.query.Encode()
	}
	return p
}

// list lists what is set aside.
func (c parkedCommand) list(ctx context.Context) error {
	type parked struct {
		Position     int64
		Stream, Type string
		Error        string
		ParkedAt     time.Time `json:"parked_at"`
	}
	w := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "POSITION\tSTREAM\tTYPE\tSET ASIDE\tBECAUSE")
	err := pages(ctx, &c.client, "/ops/projections/"+url.PathEscape(c.name)+"/parked_events", c.query, func(e parked) bool {
		if e.Error == "" {
			e.Error = "it follows one of these in its stream"
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\n", e.Position, e.Stream, e.Type, e.ParkedAt.Format(time.RFC3339), e.Error)
		return true
	})
	return errors.CombineErrors(err, w.Flush())
}

// listSkipped lists what is left out.
func (c parkedCommand) listSkipped(ctx context.Context) error {
	type skipped struct {
		Position     int64
		Stream, Type string
		Reason       string
		SkippedBy    string    `json:"skipped_by"`
		SkippedAt    time.Time `json:"skipped_at"`
	}
	w := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "POSITION\tSTREAM\tTYPE\tLEFT OUT\tBY\tBECAUSE")
	err := pages(ctx, &c.client, "/ops/projections/"+url.PathEscape(c.name)+"/skipped_events", c.query, func(e skipped) bool {
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\n", e.Position, e.Stream, e.Type, e.SkippedAt.Format(time.RFC3339), e.SkippedBy, e.Reason)
		return true
	})
	return errors.CombineErrors(err, w.Flush())
}

// show shows one event that is set aside, with what the log has there.
func (c parkedCommand) show(ctx context.Context, position string) error {
	var one json.RawMessage
	if err := c.client.call(ctx, http.MethodGet, c.path("parked_events/"+position), nil, &one); err != nil {
		return err
	}
	var laid any
	if err := json.Unmarshal(one, &laid); err != nil {
		return errors.Wrap(err, "read an answer")
	}
	e := json.NewEncoder(c.stdout)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return errors.Wrap(e.Encode(laid), "lay an answer out")
}

func (c parkedCommand) decide(ctx context.Context, of, reason string) error {
	return c.change(ctx, of, map[string]string{"reason": reason})
}

// change has something done, and says how the read model stands then.
func (c parkedCommand) change(ctx context.Context, of string, body any) error {
	var now struct {
		Name       string
		Generation int
		State      string
		Error      string
		LagEvents  int64 `json:"lag_events"`
		SetAside   int64 `json:"set_aside_events"`
	}
	if err := c.client.call(ctx, http.MethodPost, c.path(of), body, &now); err != nil {
		return err
	}
	fmt.Fprintf(c.stdout, "%s, generation %d, is %s: %d events behind, %d set aside\n", now.Name, now.Generation, now.State, now.LagEvents, now.SetAside)
	if now.Error != "" {
		fmt.Fprintln(c.stdout, now.Error)
	}
	return nil
}
