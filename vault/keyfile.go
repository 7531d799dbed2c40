package vault

import (
	"bytes"
	"context"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"

	"github.com/cockroachdb/errors"
)

// keyFile wraps by the master key in a file. Before it wraps it looks whether
// the file has changed: what a process wraps from memory alone could be lost
// with it.
type keyFile struct {
	path string
	root []byte

	mu   sync.Mutex
	seen fs.FileInfo // of the file that held was read from
	held *masterKeys
}

var _ KeyWrapper = (*keyFile)(nil)

// Current is the version that the file names now, or did when it could last be
// read.
func (f *keyFile) Current() (string, int) {
	keys, err := f.fresh()
	if err != nil {
		keys = f.known()
	}
	return keys.Current()
}

func (f *keyFile) Wrap(ctx context.Context, key, data []byte) (Wrapped, error) {
	keys, err := f.fresh()
	if err != nil {
		return Wrapped{}, err
	}
	return keys.Wrap(ctx, key, data)
}

// Unwrap looks into the file only for a version that is not known yet, so that
// what is known stays readable whatever becomes of the file.
func (f *keyFile) Unwrap(ctx context.Context, w Wrapped, data []byte) ([]byte, error) {
	plain, err := f.known().Unwrap(ctx, w, data)
	if !errors.Is(err, ErrUnknownMasterKey) {
		return plain, err
	}
	keys, unread := f.fresh()
	if unread != nil {
		return nil, errors.CombineErrors(err, unread)
	}
	return keys.Unwrap(ctx, w, data)
}

func (f *keyFile) known() *masterKeys {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.held
}

// fresh returns the keys as the file holds them now.
func (f *keyFile) fresh() (*masterKeys, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now, err := os.Stat(f.path)
	if err != nil {
		return nil, errors.Wrap(err, "look at the master key")
	}
	if os.SameFile(now, f.seen) && now.ModTime().Equal(f.seen.ModTime()) && now.Size() == f.seen.Size() {
		return f.held, nil
	}
	file, info, err := readMasterFile(f.path)
	if err != nil {
		return nil, err
	}
	if file.ID != f.held.id || !bytes.Equal(file.Root, f.root) {
		return nil, errors.Newf("the master key %s is another one than this process began with", f.path)
	}
	f.seen, f.held = info, file.keys()
	return f.held, nil
}

// closed is told that a version wraps nothing any more: another machine has put
// the one to use that is only staged here.
func (f *keyFile) closed(version int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	newest := slices.Max(slices.Collect(maps.Keys(f.held.versions)))
	if f.held.current == version && newest > version {
		f.held = &masterKeys{id: f.held.id, current: newest, versions: f.held.versions}
	}
}

// edit replaces the file by what change makes of it, in one step; change returns
// false to leave it as it is. Two edits on one machine follow each other.
func (f *keyFile) edit(change func(*masterFile) (bool, error)) (masterFile, error) {
	path, err := filepath.EvalSymlinks(f.path) // the link stays
	if err != nil {
		return masterFile{}, errors.Wrap(err, "find the master key")
	}
	unlock, err := lockDir(filepath.Dir(path))
	if err != nil {
		return masterFile{}, err
	}
	defer unlock()
	file, info, err := readMasterFile(path)
	if err != nil {
		return masterFile{}, err
	}
	changed, err := change(&file)
	if err != nil || !changed {
		return file, err
	}
	draft, err := file.draft(filepath.Dir(path), info)
	if err != nil {
		return masterFile{}, err
	}
	defer os.Remove(draft)
	// What can't be read again must not take the place of what can.
	if _, _, err := readMasterFile(draft); err != nil {
		return masterFile{}, errors.Wrap(err, "read the new master key back")
	}
	if err := os.Rename(draft, path); err != nil {
		return masterFile{}, errors.Wrap(err, "put the master key in place")
	}
	return file, syncDir(filepath.Dir(path))
}

// lockDir keeps edits of the directory's key apart; the lock goes with the
// process.
func lockDir(path string) (unlock func(), err error) {
	dir, err := os.Open(path)
	if err != nil {
		return nil, errors.Wrap(err, "open the master key's directory")
	}
	for {
		err = syscall.Flock(int(dir.Fd()), syscall.LOCK_EX)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		_ = dir.Close()
		return nil, errors.Wrap(err, "lock the master key's directory")
	}
	return func() { _ = dir.Close() }, nil
}
