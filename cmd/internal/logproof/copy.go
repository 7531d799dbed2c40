package logproof

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Columns are an event's columns as a CopyReader expects them: what is to be
// selected from a log's table.
const Columns = `position, stream, version, type, schema_version, event_id, command_id, merchant_id,
	at, effective_at, recorded_at, request_id, causation, actor_kind, actor_id, payload, hash`

// copySignature begins PostgreSQL's binary COPY format.
const copySignature = "PGCOPY\n\xff\r\n\x00"

// fieldBytesMax bounds one column: PostgreSQL allows no more than 1 GiB.
const fieldBytesMax = 1 << 30

// CopyReader takes the output of COPY (SELECT [Columns] …) TO STDOUT (FORMAT binary),
// cut into pieces in any way, and hands on each event.
type CopyReader struct {
	take  func(*Event) error
	begun bool
	ended bool
	rest  []byte // of a piece: the beginning of a row
	event Event
}

// NewCopyReader returns a reader that calls take with each event. The event is valid
// until take returns.
func NewCopyReader(take func(*Event) error) *CopyReader { return &CopyReader{take: take} }

// Write takes the next piece. Its error is one of the format, or take's.
func (r *CopyReader) Write(piece []byte) (int, error) {
	data := piece
	if len(r.rest) > 0 {
		r.rest = append(r.rest, piece...)
		data = r.rest
	}
	used, err := r.rows(data)
	if err != nil {
		return 0, err
	}
	r.rest = append(r.rest[:0], data[used:]...)
	return len(piece), nil
}

// Close says that the output has ended, and that it ended where it should.
func (r *CopyReader) Close() error {
	if !r.ended || len(r.rest) > 0 {
		return fmt.Errorf("the rows of the log end in the middle")
	}
	return nil
}

// rows hands on the whole rows in data, and returns how many bytes they took.
func (r *CopyReader) rows(data []byte) (used int, err error) {
	if !r.begun {
		n, err := copyHeader(data)
		if n == 0 || err != nil {
			return 0, err
		}
		r.begun, used = true, n
	}
	for {
		row := data[used:]
		if len(row) < 2 {
			return used, nil
		}
		if r.ended {
			return used, fmt.Errorf("there is more after the end of the rows")
		}
		count := int16(binary.BigEndian.Uint16(row))
		if count == -1 {
			r.ended = true
			used += 2
			continue
		}
		if count != columns { // the hash instead of the format's version
			return used, fmt.Errorf("a row has %d columns instead of %d", count, columns)
		}
		n, err := r.row(row[2:])
		if n == 0 || err != nil {
			return used, err
		}
		if err := r.take(&r.event); err != nil {
			return used, err
		}
		used += 2 + n
	}
}

// copyHeader returns how long the header is; 0: it isn't whole yet.
func copyHeader(data []byte) (int, error) {
	const fixed = len(copySignature) + 8
	if len(data) < fixed {
		return 0, nil
	}
	if !bytes.HasPrefix(data, []byte(copySignature)) {
		return 0, fmt.Errorf("the rows are not in PostgreSQL's binary format")
	}
	extension := int64(binary.BigEndian.Uint32(data[fixed-4:]))
	if extension > fieldBytesMax {
		return 0, fmt.Errorf("the header of the rows is too large")
	}
	if int64(len(data)) < int64(fixed)+extension {
		return 0, nil
	}
	return fixed + int(extension), nil
}

// row reads the columns of a row into r.event, and returns how long they are; 0: the
// row isn't whole yet.
func (r *CopyReader) row(data []byte) (int, error) {
	var fields [columns][]byte
	at := 0
	for i := range fields {
		if len(data) < at+4 {
			return 0, nil
		}
		length := int64(int32(binary.BigEndian.Uint32(data[at:])))
		at += 4
		switch {
		case length == -1:
			continue // NULL; a value is never nil, not even an empty one
		case length < 0 || length > fieldBytesMax:
			return 0, fmt.Errorf("a column of %d bytes", length)
		case int64(len(data)-at) < length:
			return 0, nil
		}
		fields[i] = data[at : at+int(length) : at+int(length)]
		at += int(length)
	}
	r.event.fill(&fields)
	return at, nil
}

// textColumns are those that hold a text, never NULL.
var textColumns = []struct {
	index int
	name  string
}{{1, "stream"}, {3, "type"}, {7, "merchant_id"}, {11, "request_id"}, {13, "actor_kind"}, {14, "actor_id"}, {15, "payload"}}

// fill takes a row's columns, in the order of Columns.
func (e *Event) fill(f *[columns][]byte) {
	*e = Event{
		Stream: f[1], Type: f[3], MerchantID: f[7], RequestID: f[11], ActorKind: f[13], ActorID: f[14], Payload: f[15],
		HasEffectiveAt: f[9] != nil, HasCausation: f[12] != nil,
	}
	e.Position = int64(e.number(f[0], 8, "position"))
	e.Version = int32(e.number(f[2], 4, "version"))
	e.SchemaVersion = int32(e.number(f[4], 4, "schema_version"))
	e.At = Time(e.number(f[8], 8, "at"))
	e.RecordedAt = Time(e.number(f[10], 8, "recorded_at"))
	e.bytes(e.EventID[:], f[5], "event_id")
	e.bytes(e.CommandID[:], f[6], "command_id")
	e.bytes(e.Hash[:], f[16], "hash")
	if e.HasEffectiveAt {
		e.EffectiveAt = Time(e.number(f[9], 8, "effective_at"))
	}
	if e.HasCausation {
		e.bytes(e.Causation[:], f[12], "causation")
	}
	for _, text := range textColumns {
		if f[text.index] == nil {
			e.Malformed = text.name + " has no value"
		}
	}
}

// number reads a column that holds an integer of so many bytes.
func (e *Event) number(field []byte, size int, name string) uint64 {
	if len(field) != size {
		e.Malformed = fmt.Sprintf("%s has %d bytes instead of %d", name, len(field), size)
		return 0
	}
	if size == 4 {
		return uint64(binary.BigEndian.Uint32(field))
	}
	return binary.BigEndian.Uint64(field)
}

// bytes reads a column that holds as many bytes as into.
func (e *Event) bytes(into, field []byte, name string) {
	if copy(into, field) != len(into) || len(field) != len(into) {
		e.Malformed = fmt.Sprintf("%s has %d bytes instead of %d", name, len(field), len(into))
	}
}
