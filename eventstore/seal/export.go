package seal

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/tlog"

	"tender/eventstore"
)

// columns are an event as proofs and exports hold it: all that its leaf is made of, so
// that what was hashed can be made again to the byte. The payload is a string, because
// its bytes count.
type columns struct {
	Position      int64      `json:"position"`
	Stream        string     `json:"stream"`
	Version       int        `json:"version"`
	Type          string     `json:"type"`
	SchemaVersion int        `json:"schema_version"`
	EventID       uuid.UUID  `json:"event_id"`
	CommandID     uuid.UUID  `json:"command_id"`
	MerchantID    string     `json:"merchant_id"`
	At            time.Time  `json:"at"`
	EffectiveAt   *time.Time `json:"effective_at,omitempty"`
	RecordedAt    time.Time  `json:"recorded_at"`
	RequestID     string     `json:"request_id"`
	Causation     *uuid.UUID `json:"causation,omitempty"`
	ActorKind     string     `json:"actor_kind"`
	ActorID       string     `json:"actor_id"`
	Payload       string     `json:"payload"`
}

// line is an event of an export, which has the chain hashes, too. The leaf doesn't cover
// them, so a proof of inclusion would prove nothing about one.
type line struct {
	columns
	Hash string `json:"hash"`
}

func newColumns(e eventstore.Event) columns {
	c := columns{
		Position: e.Position, Stream: e.Stream, Version: e.Version, Type: e.Type, SchemaVersion: e.SchemaVersion,
		EventID: e.ID, CommandID: e.CommandID, MerchantID: e.MerchantID, At: e.At.UTC(), RecordedAt: e.RecordedAt.UTC(),
		RequestID: e.RequestID, ActorKind: string(e.Actor.Kind), ActorID: e.Actor.ID, Payload: string(e.Payload),
	}
	if !e.EffectiveAt.IsZero() {
		at := e.EffectiveAt.UTC()
		c.EffectiveAt = &at
	}
	if e.Causation != uuid.Nil {
		c.Causation = &e.Causation
	}
	return c
}

// present keeps an empty list from being null.
func present(hashes []tlog.Hash) []tlog.Hash {
	if hashes == nil {
		return []tlog.Hash{}
	}
	return hashes
}

// MarshalJSON writes the proof as tender-verify takes it.
func (p Inclusion) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Format     string      `json:"format"`
		Event      columns     `json:"event"`
		Hashes     []tlog.Hash `json:"hashes"`
		Checkpoint string      `json:"checkpoint"`
	}{"tender-inclusion-1", newColumns(p.Event), present(p.Hashes), p.Checkpoint.Note})
}

// MarshalJSON writes the proof as tender-verify takes it.
func (p Consistency) MarshalJSON() ([]byte, error) {
	v := struct {
		Format     string      `json:"format"`
		From       int64       `json:"from"`
		To         int64       `json:"to"`
		Hashes     []tlog.Hash `json:"hashes"`
		Checkpoint string      `json:"checkpoint,omitempty"`
	}{"tender-consistency-1", p.From, p.To, present(p.Hashes), ""}
	if p.Checkpoint != nil {
		v.Checkpoint = p.Checkpoint.Note
	}
	return json.Marshal(v)
}

// MarshalJSON writes the first line of an export.
func (r Range) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Format     string      `json:"format"`
		From       int64       `json:"from"`
		To         int64       `json:"to"`
		Previous   tlog.Hash   `json:"previous"`
		Before     []tlog.Hash `json:"before"`
		After      []tlog.Hash `json:"after"`
		Checkpoint string      `json:"checkpoint"`
	}{"tender-events-1", r.From, r.To, r.Previous, present(r.Before), present(r.After), r.Checkpoint.Note})
}

// Export writes a range and its proof as JSON Lines, which tender-verify verifies with
// no database: a line with what leads to the checkpoint, then a line per event. Page
// is called before each page of events is read, for instance to extend a deadline.
func (p *Proofs) Export(ctx context.Context, w io.Writer, r Range, page func()) error {
	out := json.NewEncoder(w)
	if err := out.Encode(r); err != nil {
		return errors.Wrap(err, "write an export")
	}
	for position := r.From - 1; position < r.To; {
		page()
		events, err := p.store.After(ctx, position, int(min(r.To-position, readBatch)))
		if err != nil {
			return err
		}
		if len(events) == 0 {
			return errors.Wrapf(ErrBroken, "the log ends at %d, but %d events were sealed", position, r.To)
		}
		for _, e := range events {
			if err := out.Encode(line{newColumns(e), hex.EncodeToString(e.Hash[:])}); err != nil {
				return errors.Wrap(err, "write an export")
			}
		}
		position += int64(len(events))
	}
	return nil
}
