package seal

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Checkpoint is what was signed of a log at some size.
type Checkpoint struct {
	Number int64 // 1, 2, 3 …; 0: it is not one of the database's
	Size   int64 // the log's
	Root   tlog.Hash
	Chain  [32]byte // the chain hash at position Size
	Time   time.Time
	Note   string // the whole of it, with its signatures
}

// tree is the checkpoint's tree as x/mod knows it.
func (c Checkpoint) tree() tlog.Tree { return tlog.Tree{N: c.Size, Hash: c.Root} }

// body is what is signed.
func (c Checkpoint) body(origin string) string {
	return fmt.Sprintf("%s\n%d\n%s\nchain %s\ntime %s\n", origin, c.Size, c.Root,
		base64.StdEncoding.EncodeToString(c.Chain[:]), c.Time.UTC().Format(time.RFC3339Nano))
}

// sign completes a checkpoint.
func (c Checkpoint) sign(origin string, signers ...note.Signer) (Checkpoint, error) {
	signed, err := note.Sign(&note.Note{Text: c.body(origin)}, signers...)
	c.Note = string(signed)
	return c, errors.Wrap(err, "sign a checkpoint")
}

var errNoCheckpoint = errors.New("this is no checkpoint")

// parse reads a checkpoint without believing it: whoever does holds it against keys
// first, or against the log.
func parse(text string) (Checkpoint, error) {
	lines := strings.Split(text, "\n")
	if len(lines) < 5 {
		return Checkpoint{}, errNoCheckpoint
	}
	c := Checkpoint{Note: text}
	var err [4]error
	c.Size, err[0] = strconv.ParseInt(lines[1], 10, 64)
	c.Root, err[1] = tlog.ParseHash(lines[2])
	var chain tlog.Hash
	chain, err[2] = tlog.ParseHash(strings.TrimPrefix(lines[3], "chain "))
	c.Chain = chain
	c.Time, err[3] = time.Parse(time.RFC3339Nano, strings.TrimPrefix(lines[4], "time "))
	for _, err := range err {
		if err != nil {
			return Checkpoint{}, errNoCheckpoint
		}
	}
	return c, nil
}
