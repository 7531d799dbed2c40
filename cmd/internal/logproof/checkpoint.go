package logproof

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Checkpoint is what was signed of a log at some size.
type Checkpoint struct {
	Origin  string // the installation's name and the log's
	Size    int64
	Root    Hash
	Chain   Hash // the chain hash at position Size
	Time    time.Time
	Signers []string // the names and numbers of the listed keys that signed it
	Note    string
}

// Contradicts reports whether two checkpoints of one log, of the same size, were signed
// over two histories. Whoever holds both can prove that.
func (c Checkpoint) Contradicts(other Checkpoint) bool {
	return c.Origin == other.Origin && c.Size == other.Size && (c.Root != other.Root || c.Chain != other.Chain)
}

// Keys are the public keys that a verifier believes.
type Keys struct{ list []note.Verifier }

// ParseKeys reads keys, one a line; empty lines and those that begin with # are
// passed over.
func ParseKeys(text string) (Keys, error) {
	var keys Keys
	for i, l := range strings.Split(text, "\n") {
		l = strings.TrimSpace(l)
		if l == "" || strings.HasPrefix(l, "#") {
			continue
		}
		v, err := note.NewVerifier(l)
		if err != nil {
			return Keys{}, fmt.Errorf("line %d of the keys is no verifier key: %w", i+1, err)
		}
		keys.list = append(keys.list, v)
	}
	if len(keys.list) == 0 {
		return Keys{}, errors.New("there is no key in the list")
	}
	return keys, nil
}

// Checkpoint reads a signed checkpoint. It fails unless a key of the list that has
// the checkpoint's origin as its name has signed it, and if a listed key's signature
// is false.
func (k Keys) Checkpoint(text string) (Checkpoint, error) {
	n, err := note.Open([]byte(text), note.VerifierList(k.list...))
	if err != nil {
		return Checkpoint{}, fmt.Errorf("the checkpoint can't be believed: %w", err)
	}
	c, err := parseBody(n.Text)
	if err != nil {
		return Checkpoint{}, err
	}
	for _, s := range n.Sigs {
		if s.Name == c.Origin {
			c.Signers = append(c.Signers, fmt.Sprintf("%s+%08x", s.Name, s.Hash))
		}
	}
	if len(c.Signers) == 0 {
		return Checkpoint{}, fmt.Errorf("the checkpoint of %s is signed by the key of another log", c.Origin)
	}
	c.Note = text
	return c, nil
}

// Unsigned reads a checkpoint without looking at its signatures, for who has no keys:
// it shows what was changed by accident, and proves nothing.
func Unsigned(text string) (Checkpoint, error) {
	body, _, found := strings.Cut(text, "\n\n")
	if !found {
		return Checkpoint{}, errors.New("this is no checkpoint: the signatures are missing")
	}
	c, err := parseBody(body + "\n")
	c.Note = text
	return c, err
}

// parseBody reads what is signed: origin, size, root, and the lines after them, of
// which those that this package doesn't know are passed over.
func parseBody(body string) (Checkpoint, error) {
	lines := strings.Split(strings.TrimSuffix(body, "\n"), "\n")
	if len(lines) < 3 || lines[0] == "" {
		return Checkpoint{}, errors.New("this is no checkpoint: origin, size and root are missing")
	}
	c := Checkpoint{Origin: lines[0]}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 1 || strconv.FormatInt(size, 10) != lines[1] {
		return Checkpoint{}, fmt.Errorf("the checkpoint's size is %q", lines[1])
	}
	c.Size = size
	if c.Root, err = parseHash(lines[2]); err != nil {
		return Checkpoint{}, fmt.Errorf("the checkpoint's root: %w", err)
	}
	for _, l := range lines[3:] {
		name, value, _ := strings.Cut(l, " ")
		switch name {
		case "chain":
			c.Chain, err = parseHash(value)
		case "time":
			c.Time, err = time.Parse(time.RFC3339Nano, value)
		}
		if err != nil {
			return Checkpoint{}, fmt.Errorf("the checkpoint's line %q: %w", l, err)
		}
	}
	if c.Chain == (Hash{}) || c.Time.IsZero() {
		return Checkpoint{}, errors.New("the checkpoint lacks the chain hash or the time")
	}
	return c, nil
}

func parseHash(text string) (Hash, error) {
	var h Hash
	b, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(b) != tlog.HashSize {
		return h, fmt.Errorf("%q are not 32 bytes in base64", text)
	}
	return Hash(b), nil
}
