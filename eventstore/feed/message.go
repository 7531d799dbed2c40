package feed

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/google/uuid"

	"tender/domain"
	"tender/eventstore"
)

// message is an event as it travels: a JSON object of all columns. The payload
// stands in it byte for byte as the log holds it, because the chain hash covers
// those bytes.
type message struct {
	Position      int64           `json:"position"`
	Stream        string          `json:"stream"`
	Version       int             `json:"version"`
	Type          string          `json:"type"`
	SchemaVersion int             `json:"schema_version"`
	ID            uuid.UUID       `json:"id"`
	CommandID     uuid.UUID       `json:"command_id"`
	MerchantID    string          `json:"merchant_id"`
	At            time.Time       `json:"at"`
	EffectiveAt   *time.Time      `json:"effective_at,omitempty"`
	RecordedAt    time.Time       `json:"recorded_at"`
	RequestID     string          `json:"request_id,omitempty"`
	Causation     *uuid.UUID      `json:"causation,omitempty"`
	ActorKind     string          `json:"actor_kind"`
	ActorID       string          `json:"actor_id,omitempty"`
	Hash          string          `json:"hash"`
	Payload       json.RawMessage `json:"payload,omitempty"`
	// PayloadBytes holds a payload that wouldn't survive as part of a JSON
	// object: with white space around it, or no JSON at all.
	PayloadBytes []byte `json:"payload_bytes,omitempty"`
}

// Encode returns the message that carries e.
func Encode(e eventstore.Event) []byte {
	b := make([]byte, 0, 640+len(e.Payload))
	b = append(b, `{"position":`...)
	b = strconv.AppendInt(b, e.Position, 10)
	b = appendString(b, `,"stream":`, e.Stream)
	b = append(b, `,"version":`...)
	b = strconv.AppendInt(b, int64(e.Version), 10)
	b = appendString(b, `,"type":`, e.Type)
	b = append(b, `,"schema_version":`...)
	b = strconv.AppendInt(b, int64(e.SchemaVersion), 10)
	b = appendString(b, `,"id":`, e.ID.String())
	b = appendString(b, `,"command_id":`, e.CommandID.String())
	b = appendString(b, `,"merchant_id":`, e.MerchantID)
	b = appendTime(b, `,"at":`, e.At)
	if !e.EffectiveAt.IsZero() {
		b = appendTime(b, `,"effective_at":`, e.EffectiveAt)
	}
	b = appendTime(b, `,"recorded_at":`, e.RecordedAt)
	if e.RequestID != "" {
		b = appendString(b, `,"request_id":`, e.RequestID)
	}
	if e.Causation != uuid.Nil {
		b = appendString(b, `,"causation":`, e.Causation.String())
	}
	b = appendString(b, `,"actor_kind":`, string(e.Actor.Kind))
	if e.Actor.ID != "" {
		b = appendString(b, `,"actor_id":`, e.Actor.ID)
	}
	b = appendString(b, `,"hash":`, hex.EncodeToString(e.Hash[:]))
	return append(appendPayload(b, e.Payload), '}')
}

// Decode returns the event in a message. It checks the form only: whether the
// event is what the log holds is for the chain hash to say.
func Decode(data []byte) (eventstore.Event, error) {
	var m message
	if err := json.Unmarshal(data, &m); err != nil {
		return eventstore.Event{}, errors.Wrap(err, "decode a message of the feed")
	}
	e := eventstore.Event{
		Position: m.Position, Stream: m.Stream, Version: m.Version, Type: m.Type, SchemaVersion: m.SchemaVersion,
		ID: m.ID, CommandID: m.CommandID, MerchantID: m.MerchantID,
		At: m.At, RecordedAt: m.RecordedAt, RequestID: m.RequestID,
		Actor: domain.Actor{Kind: domain.ActorKind(m.ActorKind), ID: m.ActorID}, Payload: m.Payload,
	}
	if m.EffectiveAt != nil {
		e.EffectiveAt = *m.EffectiveAt
	}
	if m.Causation != nil {
		e.Causation = *m.Causation
	}
	if m.PayloadBytes != nil {
		e.Payload = m.PayloadBytes
	}
	if n, err := hex.Decode(e.Hash[:], []byte(m.Hash)); err != nil || n != len(e.Hash) || len(m.Hash) != 2*len(e.Hash) {
		return eventstore.Event{}, errors.Newf("decode a message of the feed: the hash has not %d bytes", len(e.Hash))
	}
	return e, nil
}

func appendString(b []byte, member, s string) []byte {
	b = append(b, member...)
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			quoted, err := json.Marshal(s)
			if err != nil {
				panic(errors.NewAssertionErrorWithWrappedErrf(err, "quote a string"))
			}
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

func appendTime(b []byte, member string, t time.Time) []byte {
	b = append(b, member...)
	b = append(b, '"')
	b = t.UTC().AppendFormat(b, time.RFC3339Nano)
	return append(b, '"')
}

func appendPayload(b []byte, payload json.RawMessage) []byte {
	if json.Valid(payload) && len(bytes.TrimSpace(payload)) == len(payload) {
		b = append(b, `,"payload":`...)
		return append(b, payload...)
	}
	b = append(b, `,"payload_bytes":"`...)
	b = base64.StdEncoding.AppendEncode(b, payload)
	return append(b, '"')
}

// subjects is the pattern that the log's stream listens to.
func subjects(log eventstore.Log) string { return "tender." + log.Mode + ".events.>" }

// subject is where an event of type t is published. Types are few, so the
// stream's index by subject stays small; a subject per object would not.
func subject(log eventstore.Log, t string) string {
	return "tender." + log.Mode + ".events." + subjectToken(t)
}

// SignalSubject carries, without JetStream, one small message per commit batch: the
// position of the batch's last event, in decimal.
func SignalSubject(log eventstore.Log) string { return "tender." + log.Mode + ".signal" }

// subjectToken returns t with everything replaced that a subject can't hold.
func subjectToken(t string) string {
	safe := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '_', r == '-':
			return r
		}
		return '_'
	}, t)
	if safe == "" || strings.HasPrefix(safe, ".") || strings.HasSuffix(safe, ".") || strings.Contains(safe, "..") {
		return "_"
	}
	return safe
}
