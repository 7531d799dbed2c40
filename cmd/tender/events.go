package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"tender/eventstore"
)

// Limits of reading the log by hand.
const (
	tailBatch = 500
	tailPoll  = 500 * time.Millisecond
)

// runEvents reads the log: tail shows the last events, and with --follow those
// that come; show one stream, or one position.
func runEvents(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) == 0 || args[0] != "tail" && args[0] != "show" {
		return usageError("tender: use tender events tail [--follow] [-n 20], or tender events show pay_…")
	}
	fs := newFlags("events "+args[0], stderr)
	asJSON := fs.Bool("json", false, "one JSON object per event")
	mode := fs.String("mode", "test", "test or live")
	var database string
	follow := fs.Bool("follow", false, "go on with events as they come")
	n := fs.Int64("n", 20, "how many of the last events to begin with")
	rest, stream := args[1:], ""
	if args[0] == "show" && len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
		stream, rest = rest[0], rest[1:]
	}
	if err := parseSettings(fs, rest, []setting{databaseSetting(&database)}); err != nil {
		return err
	}
	if args[0] == "show" && stream == "" {
		return usageError("tender: tender events show needs a stream, for example pay_… or ps_…")
	}
	g, err := openEngine(ctx, database, *mode)
	if err != nil {
		return err
	}
	defer g.Store.Close()
	print := printLine
	if *asJSON {
		print = printJSON
	}
	if stream != "" {
		return showStream(ctx, g.Store, stdout, stream, print)
	}
	return tail(ctx, g.Store, stdout, *n, *follow, print)
}

func showStream(ctx context.Context, store *eventstore.Store, w io.Writer, stream string, print func(io.Writer, eventstore.Event) error) error {
	events, err := store.Stream(ctx, stream)
	if err != nil {
		return err
	}
	if len(events) == 0 {
		return fmt.Errorf("there is no stream %s in the %s log", stream, store.Log().Mode)
	}
	for _, e := range events {
		if err := print(w, e); err != nil {
			return err
		}
	}
	return nil
}

func tail(ctx context.Context, store *eventstore.Store, w io.Writer, n int64, follow bool, print func(io.Writer, eventstore.Event) error) error {
	head, _, err := store.Head(ctx)
	if err != nil {
		return err
	}
	position := max(head-n, 0)
	tick := time.NewTicker(tailPoll)
	defer tick.Stop()
	for {
		events, err := store.After(ctx, position, tailBatch)
		if err != nil {
			return err
		}
		for _, e := range events {
			if err := print(w, e); err != nil {
				return err
			}
			position = e.Position
		}
		if len(events) == tailBatch {
			continue
		}
		if !follow {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// printLine writes an event on one line, for people.
func printLine(w io.Writer, e eventstore.Event) error {
	actor := string(e.Actor.Kind)
	_, err := fmt.Fprintf(w, "%8d  %s  %s#%d  %-32s %-9s %s\n",
		e.Position, e.At.UTC().Format("2006-01-02 15:04:05.000"), e.Stream, e.Version, e.Type, actor, e.Payload)
	return err
}

// eventJSON is an event with every column, for programs.
type eventJSON struct {
	Position      int64           `json:"position"`
	Stream        string          `json:"stream"`
	Version       int             `json:"version"`
	Type          string          `json:"type"`
	SchemaVersion int             `json:"schema_version"`
	EventID       string          `json:"event_id"`
	CommandID     string          `json:"command_id"`
	MerchantID    string          `json:"merchant_id,omitempty"`
	At            time.Time       `json:"at"`
	EffectiveAt   time.Time       `json:"effective_at,omitzero"`
	RecordedAt    time.Time       `json:"recorded_at"`
	RequestID     string          `json:"request_id,omitempty"`
	Actor         string          `json:"actor"`
	ActorID       string          `json:"actor_id,omitempty"`
	Payload       json.RawMessage `json:"payload"`
	Hash          string          `json:"hash"`
}

func printJSON(w io.Writer, e eventstore.Event) error {
	return json.NewEncoder(w).Encode(eventJSON{
		Position: e.Position, Stream: e.Stream, Version: e.Version, Type: e.Type, SchemaVersion: e.SchemaVersion,
		EventID: e.ID.String(), CommandID: e.CommandID.String(), MerchantID: e.MerchantID, At: e.At.UTC(),
		EffectiveAt: e.EffectiveAt.UTC(), RecordedAt: e.RecordedAt.UTC(), RequestID: e.RequestID,
		Actor: string(e.Actor.Kind), ActorID: e.Actor.ID, Payload: e.Payload, Hash: hex.EncodeToString(e.Hash[:]),
	})
}
