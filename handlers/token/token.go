// Package token makes the opaque tokens of the API: where in the log a write
// stands, and where a list goes on.
//
// They are sealed, because plain positions would tell every merchant how much
// the whole platform writes, and bound to merchant, mode and purpose, so that a
// token is good only where it was given out.
package token

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"sync"
)

// LengthMax bounds a token that is read; what is longer was not made here.
const LengthMax = 128

const (
	format       = 1
	keyBytes     = 32
	digestBytes  = 16
	positionSize = 8

	purposePosition = "position"
	purposeCursor   = "cursor"
)

var (
	// ErrMalformedToken says that a token was not made by this package.
	ErrMalformedToken = errors.New("not a token")
	// ErrForeignToken says that a token was not made for this merchant, mode
	// and purpose, or was changed.
	ErrForeignToken = errors.New("the token was not made for this request's merchant and mode")
	// ErrOtherList says that a cursor belongs to a list with other filters.
	ErrOtherList = errors.New("the cursor belongs to a list with other filters")
)

var encoding = base64.RawURLEncoding.Strict()

// Sealer makes and opens tokens. It is safe for concurrent use.
type Sealer struct{ macs sync.Pool }

// NewSealer returns a sealer under a key of 32 secret bytes. Tokens made under
// another key are foreign.
func NewSealer(key []byte) (*Sealer, error) {
	if len(key) != keyBytes {
		return nil, fmt.Errorf("a sealer needs a key of %d bytes, not %d", keyBytes, len(key))
	}
	own := append([]byte(nil), key...)
	return &Sealer{macs: sync.Pool{New: func() any { return hmac.New(sha256.New, own) }}}, nil
}

// Position seals a position of the mode's log, for Event-Position and
// Projection-Position. Two tokens of one position differ.
func (s *Sealer) Position(merchant, mode string, position int64) string {
	plain := binary.BigEndian.AppendUint64(make([]byte, 0, positionSize), uint64(position))
	return s.seal(merchant, mode, purposePosition, plain)
}

// OpenPosition returns the position in a token, or [ErrMalformedToken] or
// [ErrForeignToken].
func (s *Sealer) OpenPosition(merchant, mode, token string) (int64, error) {
	plain, err := s.open(merchant, mode, purposePosition, token)
	if err != nil {
		return 0, err
	}
	if len(plain) != positionSize {
		return 0, ErrMalformedToken
	}
	return int64(binary.BigEndian.Uint64(plain)), nil
}

// Cursor is where a list goes on: with what stands before a position, in the
// list that these filters make.
type Cursor struct {
	BeforePosition int64
	// AfterID, if any, has the list go on with what stands at that very position, and
	// comes after this id: where several rows share one.
	AfterID string
	Filter  Filter
}

// Filter is a digest of what a list shows: its kind, and its filters.
type Filter [digestBytes]byte

// NewFilter digests a list's name and filters, given in a fixed order.
func NewFilter(parts ...string) Filter {
	h := sha256.New()
	writeParts(h, parts...)
	return Filter(h.Sum(nil)[:digestBytes])
}

// Cursor seals a cursor.
func (s *Sealer) Cursor(merchant, mode string, c Cursor) string {
	plain := make([]byte, 0, positionSize+digestBytes+len(c.AfterID))
	plain = binary.BigEndian.AppendUint64(plain, uint64(c.BeforePosition))
	plain = append(plain, c.Filter[:]...)
	plain = append(plain, c.AfterID...)
	return s.seal(merchant, mode, purposeCursor, plain)
}

// OpenCursor returns the cursor in a token, which must be of a list with this
// filter; otherwise [ErrMalformedToken], [ErrForeignToken] or [ErrOtherList].
func (s *Sealer) OpenCursor(merchant, mode string, filter Filter, token string) (Cursor, error) {
	plain, err := s.open(merchant, mode, purposeCursor, token)
	if err != nil {
		return Cursor{}, err
	}
	if len(plain) < positionSize+digestBytes {
		return Cursor{}, ErrMalformedToken
	}
	c := Cursor{
		BeforePosition: int64(binary.BigEndian.Uint64(plain)),
		Filter:         Filter(plain[positionSize : positionSize+digestBytes]),
		AfterID:        string(plain[positionSize+digestBytes:]),
	}
	if c.Filter != filter {
		return Cursor{}, ErrOtherList
	}
	return c, nil
}

func (s *Sealer) seal(merchant, mode, purpose string, plain []byte) string {
	aead := s.aead(merchant, mode, purpose)
	out := make([]byte, 1, 1+aead.Overhead()+len(plain))
	out[0] = format
	return encoding.EncodeToString(aead.Seal(out, nil, plain, additionalData(merchant, mode, purpose)))
}

func (s *Sealer) open(merchant, mode, purpose, token string) ([]byte, error) {
	if len(token) > LengthMax {
		return nil, ErrMalformedToken
	}
	sealed, err := encoding.DecodeString(token)
	if err != nil {
		return nil, ErrMalformedToken
	}
	aead := s.aead(merchant, mode, purpose)
	if len(sealed) < 1+aead.Overhead() || sealed[0] != format {
		return nil, ErrMalformedToken
	}
	plain, err := aead.Open(nil, nil, sealed[1:], additionalData(merchant, mode, purpose))
	if err != nil {
		return nil, ErrForeignToken
	}
	return plain, nil
}

// aead returns AES-256-GCM with a random nonce under a key for this merchant,
// mode and purpose alone. One key for all would come near the number of messages
// that random nonces are safe for (2³²) within months on a busy platform.
func (s *Sealer) aead(merchant, mode, purpose string) cipher.AEAD {
	mac := s.macs.Get().(hash.Hash)
	mac.Reset()
	writeParts(mac, merchant, mode, purpose)
	var sum [keyBytes]byte
	key := mac.Sum(sum[:0])
	s.macs.Put(mac)
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(fmt.Sprintf("token: AES refuses a key of %d bytes: %v", len(key), err))
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(fmt.Sprintf("token: GCM refuses AES: %v", err))
	}
	return aead
}

func additionalData(merchant, mode, purpose string) []byte {
	data := make([]byte, 0, 64)
	for _, p := range [...]string{merchant, mode, purpose} {
		data = binary.BigEndian.AppendUint32(data, uint32(len(p)))
		data = append(data, p...)
	}
	return data
}

// writeParts writes parts with their lengths, so that no two lists of parts have
// one encoding.
func writeParts(h hash.Hash, parts ...string) {
	var length [4]byte
	for _, p := range parts {
		binary.BigEndian.PutUint32(length[:], uint32(len(p)))
		h.Write(length[:]) // a hash never fails
		h.Write([]byte(p))
	}
}
