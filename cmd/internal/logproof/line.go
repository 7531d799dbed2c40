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

// fields are an event as proofs and exports hold it. Everything that encoded(n) needs is
// in it; the payload is a string, because its bytes count.
type fields struct {
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
}

// line is an event as an export holds it, one JSON object on a line.
type line struct {
	fields
	Hash string `json:"hash"`
}

// ParseEvent reads an event from a line of an export.
func ParseEvent(text []byte) (*Event, error) {
	var l line
	if err := decodeStrictly(text, &l); err != nil {
		return nil, err
	}
	e, err := l.event()
	if err != nil {
		return nil, err
	}
	return e, parseHex(e.Hash[:], l.Hash)
}

// event is the event that the fields are of; its hash is not among them.
func (f *fields) event() (*Event, error) {
	e := &Event{
		Position: f.Position, Stream: []byte(f.Stream), Version: f.Version, Type: []byte(f.Type), SchemaVersion: f.SchemaVersion,
		MerchantID: []byte(f.MerchantID), RequestID: []byte(f.RequestID),
		ActorKind: []byte(f.ActorKind), ActorID: []byte(f.ActorID), Payload: []byte(f.Payload),
		HasEffectiveAt: f.EffectiveAt != nil, HasCausation: f.Causation != nil,
	}
	err := errors.Join(
		parseUUID(&e.EventID, f.EventID), parseUUID(&e.CommandID, f.CommandID),
		parseTime(&e.At, f.At), parseTime(&e.RecordedAt, f.RecordedAt),
	)
	if f.EffectiveAt != nil {
		err = errors.Join(err, parseTime(&e.EffectiveAt, *f.EffectiveAt))
	}
	if f.Causation != nil {
		err = errors.Join(err, parseUUID(&e.Causation, *f.Causation))
	}
	if err != nil {
		return nil, fmt.Errorf("position %d: %w", f.Position, err)
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
