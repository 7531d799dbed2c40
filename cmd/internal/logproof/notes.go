package logproof

import (
	"bufio"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"io"
	"strings"
)

// noteBytesMax bounds a checkpoint: one is some 300 bytes, and 150 more for each
// further signature.
const noteBytesMax = 64 << 10

// EachNote calls f with each note of a file of checkpoints, in order, and returns how
// many pieces of one it has passed over: what a crash left behind has no signatures, or
// half of one. A note ends where its signatures do. However long the file is, one note
// of it is in memory.
func EachNote(r io.Reader, f func(text string) error) (pieces int, err error) {
	scanner := bufio.NewScanner(r)
	scanner.Buffer(nil, noteBytesMax)
	n := noteReader{take: f}
	for scanner.Scan() {
		if err := n.line(scanner.Text()); err != nil {
			return n.pieces, err
		}
	}
	if err := scanner.Err(); err != nil {
		return n.pieces, err
	}
	err = n.end()
	return n.pieces, err
}

// noteReader puts notes together from lines.
type noteReader struct {
	take   func(text string) error
	pieces int

	text   strings.Builder
	ended  bool // the text that is signed has, by an empty line
	signed bool
	half   bool // a signature is not whole
}

func (n *noteReader) line(l string) error {
	signature := n.ended && strings.HasPrefix(l, "— ")
	if n.ended && !signature {
		if err := n.end(); err != nil {
			return err
		}
	}
	if l == "" && n.text.Len() == 0 {
		return nil
	}
	if n.text.Len() > noteBytesMax {
		return errors.New("this is no file of checkpoints: one is too long")
	}
	n.text.WriteString(l + "\n")
	n.ended = n.ended || l == ""
	n.signed = signature
	n.half = n.half || signature && !wholeSignature(l)
	return nil
}

// end hands on what has been put together, if it is a note.
func (n *noteReader) end() error {
	text, note := n.text.String(), n.signed && !n.half
	n.text.Reset()
	n.ended, n.signed, n.half = false, false, false
	switch {
	case note:
		return n.take(text)
	case text != "":
		n.pieces++
	}
	return nil
}

// wholeSignature reports whether a signature's line is as long as one is at least.
func wholeSignature(l string) bool {
	const keyHash = 4
	_, text, _ := strings.Cut(strings.TrimPrefix(l, "— "), " ")
	b, err := base64.StdEncoding.DecodeString(text)
	return err == nil && len(b) >= keyHash+ed25519.SignatureSize
}
