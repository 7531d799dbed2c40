// Package logo holds the pictures by which merchants are known at the checkout,
// each in a stream of its own, so that a merchant's stream stays as small as its
// facts. A stored logo never changes; which one is shown, the merchant's brand says.
package logo

import (
	"crypto/sha256"
	"fmt"

	"github.com/google/uuid"

	"tender/domain/codec"
	"tender/domain/id"
)

// Limits of a stored logo.
const (
	WidthMax  = 400 // pixels
	HeightMax = 160 // pixels
	// BytesMax is how large the picture is at most. In the log it takes a third more,
	// as base64, and that is what the feed and each reader of the log carry.
	BytesMax = 32 << 10
)

// ID is what the logo of a merchant is known by: the first 128 bits of a hash of
// both, so that the same picture is stored once, and other bytes are another logo.
func ID(merchantID string, png []byte) string {
	h := sha256.New()
	h.Write([]byte(merchantID + "\n"))
	h.Write(png)
	return id.Format(id.Logo, uuid.UUID(h.Sum(nil)[:16]))
}

// State is what the rules need to know of a logo. The zero State does not exist yet.
// The picture is not kept with it: who wants that reads the event.
type State struct{ Stored bool }

// Event is something that happened to a logo.
//
//sumtype:decl
type Event interface {
	codec.Named
	logoEvent()
}

// Stored: the picture is kept from now on. It was encoded by us and holds nothing
// but pixels.
type Stored struct {
	PNG []byte `json:"png"`
}

// Type names the event on the wire.
func (Stored) Type() string { return "logo.stored" }

func (Stored) logoEvent() {}

// Codec reads and writes every event of a logo.
var Codec = codec.New(
	codec.Define("logo.stored", 1, func(e Stored) Event { return e }),
)

// Evolve returns the state after e. It panics on an event type that this build
// was compiled with and forgot to handle.
func Evolve(s State, e Event) State {
	switch e.(type) {
	case Stored:
		s.Stored = true
	default:
		panic(fmt.Sprintf("logo: %T is not handled", e))
	}
	return s
}

// Store keeps a picture.
type Store struct{ PNG []byte }

// Decide returns what happens when a picture is to be kept that may be kept already.
// One beyond [BytesMax] is a mistake of ours: whoever prepares logos keeps to it.
func Decide(s State, c Store) []Event {
	switch {
	case len(c.PNG) == 0 || len(c.PNG) > BytesMax:
		panic(fmt.Sprintf("logo: a picture of %d bytes", len(c.PNG)))
	case s.Stored:
		return nil
	}
	return []Event{Stored(c)}
}
