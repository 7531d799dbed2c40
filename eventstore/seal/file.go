package seal

import (
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/cockroachdb/errors"

	"tender/eventstore"
)

const (
	checkpointFileMode = 0o644 // nothing in it is secret
	checkpointDirMode  = 0o755
	// tailBytes is how much of the file's end is read to find the last checkpoint: a
	// note is some 300 bytes, one at a handover 450.
	tailBytes = 64 << 10
)

// noteEnd is the last line of a checkpoint's signatures, and the empty line after it.
var noteEnd = regexp.MustCompile(`(?m)^— [^\n]*\n\n`)

// File lets checkpoints out into a file that is only appended to, one after the other
// with an empty line behind each.
type File struct{ path string }

// NewFile returns the file of a log's checkpoints in a directory, which is made if it
// isn't there.
func NewFile(dir string, log eventstore.Log) *File {
	return &File{path: filepath.Join(dir, log.Schema()+".checkpoints")}
}

// Name implements [Outlet].
func (f *File) Name() string { return f.path }

// Last implements [Outlet]. The piece of a checkpoint that a crash has left behind it
// is removed.
func (f *File) Last(context.Context) (string, error) {
	file, err := os.OpenFile(f.path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", errors.Wrap(err, "open the file of checkpoints")
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return "", errors.Wrap(err, "look at the file of checkpoints")
	}
	start := max(info.Size()-tailBytes, 0)
	tail, err := io.ReadAll(io.NewSectionReader(file, start, info.Size()-start))
	if err != nil {
		return "", errors.Wrap(err, "read the file of checkpoints")
	}
	ends := noteEnd.FindAllIndex(tail, -1)
	if len(ends) == 0 {
		if start > 0 {
			return "", errors.Newf("%s is no file of checkpoints", f.path)
		}
		return "", errors.Wrap(file.Truncate(0), "cut off half a checkpoint")
	}
	end := ends[len(ends)-1][1]
	if end < len(tail) {
		if err := file.Truncate(start + int64(end)); err != nil {
			return "", errors.Wrap(err, "cut off half a checkpoint")
		}
	}
	begin := 0
	if len(ends) > 1 {
		begin = ends[len(ends)-2][1]
	}
	return strings.TrimSuffix(string(tail[begin:end]), "\n"), nil
}

// Put implements [Outlet]: the checkpoint is on the disk when it returns.
func (f *File) Put(_ context.Context, note string) error {
	dir := filepath.Dir(f.path)
	if err := os.MkdirAll(dir, checkpointDirMode); err != nil {
		return errors.Wrap(err, "make the directory of checkpoints")
	}
	file, err := os.OpenFile(f.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, checkpointFileMode)
	if err != nil {
		return errors.Wrap(err, "open the file of checkpoints")
	}
	_, err = file.WriteString(note + "\n")
	err = errors.CombineErrors(err, file.Sync())
	err = errors.CombineErrors(err, file.Close())
	if err != nil {
		return errors.Wrap(err, "write a checkpoint")
	}
	return syncDir(dir)
}
