package logproof

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
)

// pgEpoch is the instant that Time counts from.
var pgEpoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// line is an event as an export holds it, one JSON object on a line. Everything that
// encoded(n) needs is in it; the payload is a string, because its bytes count.
type line struct {
	Position      int64   `json:"position"`
	Stream        string  `json:"stream"`
	Version       int32   `json:"version"`
	Type          string  `json:"type"`
	SchemaVersion int32   `json:"schema_version"`
	EventID       string  `json:"event_id"`
	CommandID     string  `json:"command_id"`
	MerchantID    string  `json:"merchant_id"`
	At            string  `json:"at"`
	EffectiveAt   *string `json:"effective_at"`
	RecordedAt    string  `json:"recorded_at"`
	RequestID     string  `json:"request_id"`
	Causation     *string `json:"causation"`
	ActorKind     string  `json:"actor_kind"`
	ActorID       string  `json:"actor_id"`
	Payload       string  `json:"payload"`
	Hash          string  `json:"hash"`
}

// ParseEvent reads an event from a line of an export.
func ParseEvent(text []byte) (*Event, error) {
	var l line
	if err := decodeStrictly(text, &l); err != nil {
		return nil, err
	}
	e := &Event{
		Position: l.Position, Stream: []byte(l.Stream), Version: l.Version, Type: []byte(l.Type), SchemaVersion: l.SchemaVersion,
		MerchantID: []byte(l.MerchantID), RequestID: []byte(l.RequestID),
		ActorKind: []byte(l.ActorKind), ActorID: []byte(l.ActorID), Payload: []byte(l.Payload),
		HasEffectiveAt: l.EffectiveAt != nil, HasCausation: l.Causation != nil,
	}
	err := errors.Join(
		parseUUID(&e.EventID, l.EventID), parseUUID(&e.CommandID, l.CommandID),
		parseTime(&e.At, l.At), parseTime(&e.RecordedAt, l.RecordedAt),
		parseHex(e.Hash[:], l.Hash),
	)
	if l.EffectiveAt != nil {
		err = errors.Join(err, parseTime(&e.EffectiveAt, *l.EffectiveAt))
	}
	if l.Causation != nil {
		err = errors.Join(err, parseUUID(&e.Causation, *l.Causation))
	}
	if err != nil {
		return nil, fmt.Errorf("position %d: %w", l.Position, err)
	}
	return e, nil
}

func parseHex(into []byte, text string) error {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(into) {
		return fmt.Errorf("%q are not %d bytes in hexadecimal", text, len(into))
	}
	copy(into, b)
	return nil
}

func parseUUID(into *[16]byte, text string) error {
	digits := strings.ReplaceAll(text, "-", "")
	if len(text) != 36 || parseHex(into[:], digits) != nil {
		return fmt.Errorf("%q is no UUID", text)
	}
	return nil
}

func parseTime(into *Time, text string) error {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || t.Nanosecond()%1000 != 0 {
		return fmt.Errorf("%q is no time in microseconds", text)
	}
	*into = Time(t.UnixMicro() - pgEpoch.UnixMicro())
	return nil
}
