package logproof

import (
	"crypto/sha256"
	"encoding/binary"

	"golang.org/x/mod/sumdb/tlog"
)

// Hash is a chain hash, or one of the tree's.
type Hash = tlog.Hash

// format is the version of the encoding that this package knows.
const format = 1

// columns is the number of encoded columns of that format.
const columns = 17

// The tags of the encoded columns.
const (
	tagBigint      = 20
	tagInteger     = 23
	tagText        = 25
	tagJSON        = 114
	tagTimestamptz = 1184
	tagUUID        = 2950
)

// null is the length that stands for a column without a value.
const null = 0xffffffff

// Time is an instant as the log holds it: microseconds since 2000-01-01 00:00:00 UTC.
type Time int64

// Event is a row of the log. Its texts may lie in memory that the reader uses again
// for the next event: who keeps an event takes a Clone.
type Event struct {
	Position       int64
	Stream         []byte
	Version        int32
	Type           []byte
	SchemaVersion  int32
	EventID        [16]byte
	CommandID      [16]byte
	MerchantID     []byte
	At             Time
	EffectiveAt    Time
	HasEffectiveAt bool
	RecordedAt     Time
	RequestID      []byte
	Causation      [16]byte
	HasCausation   bool
	ActorKind      []byte
	ActorID        []byte
	Payload        []byte
	Hash           Hash

	// Malformed says what makes the row one that nobody can have appended, such as
	// a column without a value that must have one; "" for a row as it should be.
	Malformed string
}

// Clone returns a copy that shares no memory with e.
func (e *Event) Clone() *Event {
	c := *e
	for _, text := range []*[]byte{&c.Stream, &c.Type, &c.MerchantID, &c.RequestID, &c.ActorKind, &c.ActorID, &c.Payload} {
		*text = append([]byte(nil), *text...)
	}
	return &c
}

// AppendEncoded appends encoded(n), as docs/log-format.md defines it, to b.
func (e *Event) AppendEncoded(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, columns)
	b = appendInteger(b, format)
	b = binary.BigEndian.AppendUint64(appendHead(b, tagBigint, 8), uint64(e.Position))
	b = appendBytes(b, tagText, e.Stream)
	b = appendInteger(b, e.Version)
	b = appendBytes(b, tagText, e.Type)
	b = appendInteger(b, e.SchemaVersion)
	b = appendBytes(b, tagUUID, e.EventID[:])
	b = appendBytes(b, tagUUID, e.CommandID[:])
	b = appendBytes(b, tagText, e.MerchantID)
	b = appendTime(b, e.At, true)
	b = appendTime(b, e.EffectiveAt, e.HasEffectiveAt)
	b = appendTime(b, e.RecordedAt, true)
	b = appendBytes(b, tagText, e.RequestID)
	if e.HasCausation {
		b = appendBytes(b, tagUUID, e.Causation[:])
	} else {
		b = appendHead(b, tagUUID, null)
	}
	b = appendBytes(b, tagText, e.ActorKind)
	b = appendBytes(b, tagText, e.ActorID)
	return appendBytes(b, tagJSON, e.Payload)
}

func appendHead(b []byte, tag, length uint32) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, tag), length)
}

func appendInteger(b []byte, v int32) []byte {
	return binary.BigEndian.AppendUint32(appendHead(b, tagInteger, 4), uint32(v))
}

func appendBytes(b []byte, tag uint32, v []byte) []byte {
	return append(appendHead(b, tag, uint32(len(v))), v...)
}

func appendTime(b []byte, t Time, present bool) []byte {
	if !present {
		return appendHead(b, tagTimestamptz, null)
	}
	return binary.BigEndian.AppendUint64(appendHead(b, tagTimestamptz, 8), uint64(t))
}

// hasher computes an event's two hashes over one encoding of it, in memory that is
// used again.
type hasher struct{ buf []byte }

// hashes returns what the chain hash of e must be after previous, and e's leaf.
func (h *hasher) hashes(previous Hash, e *Event) (chain, leaf Hash) {
	h.buf = append(h.buf[:0], previous[:]...)
	h.buf = e.AppendEncoded(h.buf)
	chain = sha256.Sum256(h.buf)
	// RFC 6962 puts a zero byte before a leaf's data, where the last byte of the
	// previous hash is not needed any more.
	h.buf[len(previous)-1] = 0
	leaf = sha256.Sum256(h.buf[len(previous)-1:])
	return chain, leaf
}

// ChainHash returns the chain hash of e after previous, the hash of the event before.
func ChainHash(previous Hash, e *Event) Hash {
	var h hasher
	chain, _ := h.hashes(previous, e)
	return chain
}

// LeafHash returns e's leaf in the tree.
func LeafHash(e *Event) Hash {
	var h hasher
	_, leaf := h.hashes(Hash{}, e)
	return leaf
}
