package eventstore

import (
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/google/uuid"
)

// hashFormat is the version of the encoding that the chain hash covers. Another
// encoding, or another column, gets another number.
const hashFormat = 1

// hashColumns is the number of columns of format 1, the format version among them.
const hashColumns = 17

// The tags of the encoded columns: PostgreSQL's numbers for its built-in types.
const (
	tagInt8        = 20
	tagInt4        = 23
	tagText        = 25
	tagJSON        = 114
	tagTimestamptz = 1184
	tagUUID        = 2950
)

// absent is the length that stands for a column without a value.
const absent = 0xFFFFFFFF

// pgEpoch is where timestamptz counts its microseconds from, in those of Unix.
const pgEpoch = 946684800 * 1_000_000

// ChainHash returns the hash at e: SHA-256 over prev, the hash of the event before
// (32 zero bytes before the first), and every column of e but the hash itself, in
// the encoding of docs/log-format.md. It is what append computes in PostgreSQL, so
// a log is whole if ChainHash over its events gives their hashes.
func ChainHash(prev [32]byte, e Event) [32]byte {
	b := make([]byte, 0, 512+len(e.Payload))
	b = append(b, prev[:]...)
	b = AppendEncoded(b, e)
	return sha256.Sum256(b)
}

// AppendEncoded appends to b the encoding of e that the chain hash covers.
func AppendEncoded(b []byte, e Event) []byte {
	b = binary.BigEndian.AppendUint32(b, hashColumns)
	b = appendInt4(b, hashFormat)
	b = appendInt8(b, tagInt8, e.Position)
	b = appendText(b, tagText, e.Stream)
	b = appendInt4(b, e.Version)
	b = appendText(b, tagText, e.Type)
	b = appendInt4(b, e.SchemaVersion)
	b = appendUUID(b, e.ID)
	b = appendUUID(b, e.CommandID)
	b = appendText(b, tagText, e.MerchantID)
	b = appendTime(b, e.At)
	b = appendOptionalTime(b, e.EffectiveAt)
	b = appendTime(b, e.RecordedAt)
	b = appendText(b, tagText, e.RequestID)
	b = appendOptionalUUID(b, e.Causation)
	b = appendText(b, tagText, string(e.Actor.Kind))
	b = appendText(b, tagText, e.Actor.ID)
	return appendText(b, tagJSON, string(e.Payload))
}

func appendHead(b []byte, tag, length uint32) []byte {
	b = binary.BigEndian.AppendUint32(b, tag)
	return binary.BigEndian.AppendUint32(b, length)
}

func appendInt4(b []byte, v int) []byte {
	b = appendHead(b, tagInt4, 4)
	return binary.BigEndian.AppendUint32(b, uint32(int32(v)))
}

func appendInt8(b []byte, tag uint32, v int64) []byte {
	b = appendHead(b, tag, 8)
	return binary.BigEndian.AppendUint64(b, uint64(v))
}

func appendText(b []byte, tag uint32, s string) []byte {
	b = appendHead(b, tag, uint32(len(s)))
	return append(b, s...)
}

func appendUUID(b []byte, u uuid.UUID) []byte {
	b = appendHead(b, tagUUID, 16)
	return append(b, u[:]...)
}

func appendOptionalUUID(b []byte, u uuid.UUID) []byte {
	if u == uuid.Nil {
		return appendHead(b, tagUUID, absent)
	}
	return appendUUID(b, u)
}

func appendTime(b []byte, t time.Time) []byte {
	return appendInt8(b, tagTimestamptz, t.UnixMicro()-pgEpoch)
}

func appendOptionalTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return appendHead(b, tagTimestamptz, absent)
	}
	return appendTime(b, t)
}
