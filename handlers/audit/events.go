package audit

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/cockroachdb/errors"
	"github.com/google/uuid"

	"tender/domain/catalogue"
	"tender/domain/id"
	"tender/eventstore"
	"tender/handlers/problem"
	desk "tender/handlers/staff"
	"tender/projections"
)

// readMax is how many events are read at once.
const readMax = 1000

var eventColumns = []string{
	"position", "stream", "version", "type", "schema_version", "event_id", "command_id", "causation", "merchant_id",
	"at", "effective_at", "recorded_at", "request_id", "actor_kind", "actor_id",
	"amount_minor", "exponent", "amount", "currency", "payload", "hash",
}

// event is an event of the log on the wire, every column of it.
type event struct {
	Position      int64  `json:"position"`
	Stream        string `json:"stream"`
	Version       int    `json:"version"`
	Type          string `json:"type"`
	SchemaVersion int    `json:"schema_version"`
	EventID       string `json:"event_id"`
	CommandID     string `json:"command_id"`
	Causation     string `json:"causation,omitempty"`
	MerchantID    string `json:"merchant_id,omitempty"`
	At            string `json:"at"`
	EffectiveAt   string `json:"effective_at,omitempty"`
	RecordedAt    string `json:"recorded_at"`
	RequestID     string `json:"request_id,omitempty"`
	Actor         actor  `json:"actor"`
	Payload       string `json:"payload"` // the very text that was hashed
	Hash          string `json:"hash"`
}

func eventOf(e eventstore.Event) event {
	out := event{
		Position: e.Position, Stream: e.Stream, Version: e.Version, Type: e.Type, SchemaVersion: e.SchemaVersion,
		EventID: eventIDOf(e), CommandID: e.CommandID.String(), MerchantID: e.MerchantID,
		At: timeText(e.At), EffectiveAt: timeText(e.EffectiveAt), RecordedAt: timeText(e.RecordedAt), RequestID: e.RequestID,
		Actor: actor{e.Actor.Kind, e.Actor.ID}, Payload: string(e.Payload), Hash: hex.EncodeToString(e.Hash[:]),
	}
	if e.Causation != (uuid.UUID{}) {
		out.Causation = id.Format(id.Event, e.Causation)
	}
	return out
}

// amountOf is the amount that an event is about, where it is about one.
func amountOf(e eventstore.Event) (int64, string) {
	var said struct {
		Amount   json.Number `json:"amount"`
		Currency string      `json:"currency"`
	}
	if json.Unmarshal(e.Payload, &said) != nil {
		return 0, "" // an amount that is no number is one of a mandate's bounds
	}
	n, err := strconv.ParseInt(said.Amount.String(), 10, 64)
	if err != nil || said.Currency == "" {
		return 0, ""
	}
	return n, said.Currency
}

func eventRow(e eventstore.Event) row {
	o := eventOf(e)
	r := row{object: o}
	r.amount, r.currency = amountOf(e)
	r.cells = []cell{
		number(o.Position), plain(o.Stream), number(int64(o.Version)), plain(o.Type), number(int64(o.SchemaVersion)),
		plain(o.EventID), plain(o.CommandID), plain(o.Causation), plain(o.MerchantID),
		plain(o.At), plain(o.EffectiveAt), plain(o.RecordedAt), text(o.RequestID), plain(string(o.Actor.Kind)), text(o.Actor.ID),
	}
	r.cells = append(r.cells, amountCells(r.amount, r.currency)...)
	r.cells = append(r.cells, text(string(e.Payload)), plain(o.Hash))
	return r
}

// readEvents reads which events of the log are asked for.
func readEvents(r *desk.Request) opener {
	from, to := readWhen(r, "from"), readWhen(r, "to")
	stream, kind := r.Query.Text("stream"), r.Query.Text("type")
	if stream != "" && !id.Names(stream) {
		r.Query.Wrong("stream", problem.InvalidFormat, "This is not the name of a stream: they begin with what they are about, as pay_.")
	}
	if kind != "" && !knownType(kind) {
		r.Query.Wrong("type", problem.NotAnOption, "There is no event of that type. Name one, as payment.captured, or all of an aggregate, as payment.*")
	}
	return func(ctx context.Context, r *desk.Request, m *mode) (*sheet, error) {
		first, err := m.first(ctx, from)
		if err != nil {
			return nil, err
		}
		last, err := m.last(ctx, r, to)
		if err != nil {
			return nil, err
		}
		s := &sheet{
			position: last, columns: eventColumns,
			query: url.Values{"from": {strconv.FormatInt(first, 10)}, "to": {strconv.FormatInt(last, 10)}},
			scope: scope{Mode: m.name, Merchants: r.Merchants, From: first, To: last},
		}
		s.name("merchant", r.Merchants...)
		s.name("stream", stream)
		s.name("type", kind)
		wanted := func(e eventstore.Event) bool {
			return r.Covers(e.MerchantID) && (stream == "" || e.Stream == stream) && ofType(e.Type, kind)
		}
		s.each = m.scan(first, last, wanted)
		if stream != "" {
			s.each = m.scanStream(stream, first, last, wanted)
		}
		return s, nil
	}
}

// name adds what the rows are narrowed by to the sheet's query, where it is one thing.
func (s *sheet) name(parameter string, values ...string) {
	if len(values) == 1 && values[0] != "" {
		s.query.Set(parameter, values[0])
	}
}

// knownType reports whether there are events of a type, or of an aggregate.
func knownType(kind string) bool {
	return slices.ContainsFunc(catalogue.Names(), func(name string) bool { return ofType(name, kind) })
}

// ofType reports whether a type is the one that is asked for, "": any, or "payment.*".
func ofType(name, kind string) bool {
	if aggregate, all := strings.CutSuffix(kind, "*"); all {
		return strings.HasSuffix(aggregate, ".") && strings.HasPrefix(name, aggregate)
	}
	return kind == "" || name == kind
}

// scan goes through the log.
func (m *mode) scan(first, last int64, wanted func(eventstore.Event) bool) func(context.Context, projections.JournalPlace, int, yield) (projections.JournalPlace, bool, error) {
	return func(ctx context.Context, behind projections.JournalPlace, scanMax int, yield yield) (projections.JournalPlace, bool, error) {
		at := max(first-1, behind.Position)
		for scanned := 0; at < last && (scanMax == 0 || scanned < scanMax); {
			events, err := m.Store.After(ctx, at, int(min(readMax, last-at)))
			if err != nil {
				return behind, false, err
			}
			if len(events) == 0 {
				return behind, false, errors.AssertionFailedf("the log ends at %d, and was at %d", at, last)
			}
			for _, e := range events {
				at = e.Position
				if !wanted(e) {
					continue
				}
				if more, err := yield(eventRow(e)); err != nil || !more {
					return projections.JournalPlace{Position: at}, at >= last, err
				}
			}
			scanned += len(events)
		}
		return projections.JournalPlace{Position: at}, at >= last, nil
	}
}

// scanStream goes through one stream. Streams are short: their rules bound them.
func (m *mode) scanStream(stream string, first, last int64, wanted func(eventstore.Event) bool) func(context.Context, projections.JournalPlace, int, yield) (projections.JournalPlace, bool, error) {
	return func(ctx context.Context, behind projections.JournalPlace, _ int, yield yield) (projections.JournalPlace, bool, error) {
		events, err := m.Store.Stream(ctx, stream)
		if err != nil {
			return behind, false, err
		}
		for _, e := range events {
			if e.Position < first || e.Position > last || e.Position <= behind.Position || !wanted(e) {
				continue
			}
			if more, err := yield(eventRow(e)); err != nil || !more {
				return projections.JournalPlace{Position: e.Position}, false, err
			}
		}
		return behind, true, nil
	}
}
