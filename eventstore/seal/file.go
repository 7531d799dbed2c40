package seal

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/cockroachdb/errors"

	"tender/eventstore"
)

const (
	checkpointFileMode = 0o644 // nothing in it is secret
	checkpointDirMode  = 0o755
	// tailBytes is how much of the file's end is read to find the last checkpoints: a
	// note is some 300 bytes, one at a handover 450.
	tailBytes = 64 << 10
)

// File lets checkpoints out into a file that is only appended to, one after the other
// with an empty line behind each. Nothing is ever taken out of it: it is evidence,
// whatever stands there.
type File struct{ path string }

// NewFile returns the file of a log's checkpoints in a directory, which is made if it
// isn't there.
func NewFile(dir string, log eventstore.Log) *File {
	return &File{path: filepath.Join(dir, log.Schema()+".checkpoints")}
}

// Name implements [Outlet].
func (f *File) Name() string { return f.path }

// Latest implements [Outlet]. The piece of a checkpoint that a crash has left behind, or
// that another process is just writing, is passed over.
func (f *File) Latest(context.Context) ([]string, error) {
	file, err := os.Open(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, errors.Wrap(err, "open the file of checkpoints")
	}
	defer file.Close()
	t, err := f.tail(file)
	slices.Reverse(t.notes)
	return t.notes, err
}

// Put implements [Outlet]: the checkpoint is on the disk when it returns. A sealer that
// was suspended must not put an older one behind a later one: while somebody else
// writes, and when something later is there already, it is refused.
func (f *File) Put(ctx context.Context, note string) error {
	dir := filepath.Dir(f.path)
	if err := os.MkdirAll(dir, checkpointDirMode); err != nil {
		return errors.Wrap(err, "make the directory of checkpoints")
	}
	file, err := os.OpenFile(f.path, os.O_CREATE|os.O_APPEND|os.O_RDWR, checkpointFileMode)
	if err != nil {
		return errors.Wrap(err, "open the file of checkpoints")
	}
	err = errors.CombineErrors(f.add(ctx, file, note), file.Close())
	if err != nil {
		return errors.Wrap(err, "write a checkpoint")
	}
	return syncDir(dir)
}

// add appends a note to the open file, whose closing ends the lock.
func (f *File) add(ctx context.Context, file *os.File, note string) error {
	// Whoever has the lock may be suspended for long: nobody waits for it.
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return errors.Wrapf(err, "lock %s", f.path)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	c, err := parse(note)
	if err != nil {
		return err
	}
	t, err := f.tail(file)
	if err != nil {
		return err
	}
	for _, there := range t.notes {
		if later, err := parse(there); err == nil && later.Size > c.Size {
			return errors.Newf("%s holds a checkpoint of %d events, this one is of %d", f.path, later.Size, c.Size)
		}
	}
	if _, err := file.WriteString(t.gap + note + "\n"); err != nil {
		return err
	}
	return file.Sync()
}

// tail is the end of the file.
type tail struct {
	notes []string // the whole ones
	gap   string   // what has to follow before the next note
}

func (f *File) tail(file *os.File) (tail, error) {
	info, err := file.Stat()
	if err != nil {
		return tail{}, errors.Wrap(err, "look at the file of checkpoints")
	}
	start := max(info.Size()-tailBytes, 0)
	b, err := io.ReadAll(io.NewSectionReader(file, start, info.Size()-start))
	if err != nil {
		return tail{}, errors.Wrap(err, "read the file of checkpoints")
	}
	text := string(b)
	t := tail{notes: wholeNotes(text)}
	switch {
	case start == 0:
	case len(t.notes) < 2:
		return tail{}, errors.Newf("%s is no file of checkpoints", f.path)
	default:
		t.notes = t.notes[1:] // it may have begun before
	}
	switch {
	case text == "" || strings.HasSuffix(text, "\n\n"):
	case strings.HasSuffix(text, "\n"):
		t.gap = "\n"
	default:
		t.gap = "\n\n"
	}
	return t, nil
}

// wholeNotes returns the notes in a text. A piece of one is what has no signatures
// behind it, or half of one.
func wholeNotes(text string) []string {
	var all []string
	var body, signatures string
	ended, whole := false, true // the body is; each of the signatures is
	end := func() {
		if signatures != "" && whole {
			all = append(all, body+"\n"+signatures)
		}
		body, signatures, ended, whole = "", "", false, true
	}
	for l := range strings.Lines(text) {
		l = strings.TrimSuffix(l, "\n")
		switch {
		case l == "" && (ended || body == ""):
			end()
		case l == "":
			ended = true
		case strings.HasPrefix(l, "— ") && ended:
			signatures += l + "\n"
			whole = whole && wholeSignature(l)
		case ended:
			end()
			body = l + "\n"
		default:
			body += l + "\n"
		}
	}
	end()
	return all
}

// wholeSignature reports whether a signature's line is as long as one is at least.
func wholeSignature(l string) bool {
	const keyHash = 4
	_, text, _ := strings.Cut(strings.TrimPrefix(l, "— "), " ")
	b, err := base64.StdEncoding.DecodeString(text)
	return err == nil && len(b) >= keyHash+ed25519.SignatureSize
}
