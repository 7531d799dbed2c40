package vault

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/cockroachdb/errors"
	"github.com/google/uuid"

	"tender/domain/id"
)

const (
	masterKeyPrefix   id.Prefix = "mk"
	masterFileMode              = 0o600
	masterDirMode               = 0o700
	masterFileMaxSize           = 4 << 10
)

// masterFile is the master key's file: JSON, so that a person can see which
// versions it holds. Bytes are base64.
type masterFile struct {
	ID       string          `json:"id"`
	Root     []byte          `json:"root"` // of derived keys; stays when versions change
	Versions []masterVersion `json:"versions"`
}

type masterVersion struct {
	Version int    `json:"version"`
	Key     []byte `json:"key"`
	// Staged: it unwraps, and wraps nothing yet.
	Staged bool `json:"staged,omitempty"`
}

// LoadOrCreateMasterKey reads the master key at path, or makes one there, in a
// file that only its owner may read. A file that others may read is refused: the
// error says what to do. Several processes that start at once end up with one
// key. The file may hold two versions; the higher one wraps, both unwrap.
//
// The file is read again when it has changed, so that a process which was
// running while the key was rotated goes on; it must not go away meanwhile.
//
// Whoever loses the file loses what the vault holds.
func LoadOrCreateMasterKey(path string) (KeyRing, error) {
	ring, err := LoadMasterKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return ring, err
	}
	if err := createMasterKey(path); err != nil {
		return KeyRing{}, err
	}
	return LoadMasterKey(path)
}

// LoadMasterKey is [LoadOrCreateMasterKey] for a key that must be there already:
// where it isn't, the error is [fs.ErrNotExist].
func LoadMasterKey(path string) (KeyRing, error) {
	file, info, err := readMasterFile(path)
	if err != nil {
		return KeyRing{}, err
	}
	held := &keyFile{path: path, root: file.Root, seen: info, held: file.keys()}
	ring, err := NewKeyRing(held, file.Root)
	ring.file = held
	return ring, err
}

// readMasterFile returns what the file holds, and which file it was.
func readMasterFile(path string) (masterFile, fs.FileInfo, error) {
	f, err := os.Open(path)
	if err != nil {
		return masterFile{}, nil, errors.Wrap(err, "open the master key")
	}
	defer f.Close()
	info, err := f.Stat() // of the open file: nobody can swap it in between
	if err != nil {
		return masterFile{}, nil, errors.Wrap(err, "look at the master key")
	}
	if !info.Mode().IsRegular() {
		return masterFile{}, nil, errors.Newf("The master key %s is not a file.", path)
	}
	if loose := info.Mode().Perm() &^ masterFileMode; loose != 0 {
		return masterFile{}, nil, errors.Newf("The master key %s has mode %04o, but nobody except its owner may read or write it: run `chmod 600 %s`, and replace the key if others had access.",
			path, info.Mode().Perm(), path)
	}
	text, err := io.ReadAll(io.LimitReader(f, masterFileMaxSize+1))
	if err != nil {
		return masterFile{}, nil, errors.Wrap(err, "read the master key")
	}
	file, err := parseMasterFile(text)
	return file, info, errors.Wrapf(err, "the master key %s", path)
}

// parseMasterFile never quotes what it read: errors end up in logs.
func parseMasterFile(text []byte) (masterFile, error) {
	var file masterFile
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if len(text) > masterFileMaxSize || d.Decode(&file) != nil {
		return masterFile{}, errors.New("is not a master key's file")
	}
	if !id.Valid(masterKeyPrefix, file.ID) || len(file.Root) != keyBytes {
		return masterFile{}, errors.New("lacks its id or its root")
	}
	if n := len(file.Versions); n == 0 || n > masterVersionsMax {
		return masterFile{}, errors.Newf("holds %d versions; it may hold 1 or %d", n, masterVersionsMax)
	}
	slices.SortFunc(file.Versions, func(a, b masterVersion) int { return a.Version - b.Version })
	for i, v := range file.Versions {
		if i > 0 && v.Version == file.Versions[i-1].Version || v.Version < 1 || len(v.Key) != keyBytes {
			return masterFile{}, errors.Newf("has a version %d that stands twice, is below 1, or is not of %d bytes", v.Version, keyBytes)
		}
		if newest := i == len(file.Versions)-1; v.Staged && (!newest || i == 0) {
			return masterFile{}, errors.Newf("has version %d staged, but only a second, newer one can be", v.Version)
		}
	}
	return file, nil
}

// current is the newest version that is not only staged.
func (f masterFile) current() masterVersion {
	newest := f.Versions[len(f.Versions)-1]
	if newest.Staged {
		return f.Versions[0]
	}
	return newest
}

func (f masterFile) keys() *masterKeys {
	keys := &masterKeys{id: f.ID, current: f.current().Version, versions: make(map[int][]byte, len(f.Versions))}
	for _, v := range f.Versions {
		keys.versions[v.Version] = v.Key
	}
	return keys
}

func newMasterVersion(number int) masterVersion {
	v := masterVersion{Version: number, Key: make([]byte, keyBytes)}
	rand.Read(v.Key) // never fails: without randomness the process ends
	return v
}

// createMasterKey writes a new key beside path and links it there, which fails
// where another process was first: a reader never sees half a file, and a key
// that is in use is never overwritten.
func createMasterKey(path string) error {
	file, err := newMasterFile()
	if err != nil {
		return err
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, masterDirMode); err != nil {
		return errors.Wrap(err, "make the master key's directory")
	}
	draft, err := file.draft(dir, nil)
	if err != nil {
		return err
	}
	defer os.Remove(draft)
	if err := os.Link(draft, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return errors.Wrap(err, "put the master key in place")
	}
	return syncDir(dir)
}

// draft writes the file, durably, under a name of its own, and returns that. With
// the file that it is to replace, it gets that one's mode and owner: who rotates
// the key need not be who reads it.
func (f masterFile) draft(dir string, replaces fs.FileInfo) (path string, err error) {
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return "", errors.Wrap(err, "encode the master key")
	}
	draft, err := os.CreateTemp(dir, ".master-key-*") // mode 0600
	if err != nil {
		return "", errors.Wrap(err, "make the master key's file")
	}
	_, err = draft.Write(append(text, '\n'))
	if replaces != nil {
		err = errors.CombineErrors(err, draft.Chmod(replaces.Mode().Perm()))
		if owner, ok := replaces.Sys().(*syscall.Stat_t); ok {
			err = errors.CombineErrors(err, draft.Chown(int(owner.Uid), int(owner.Gid)))
		}
	}
	err = errors.CombineErrors(err, draft.Sync())
	err = errors.CombineErrors(err, draft.Close())
	if err != nil {
		_ = os.Remove(draft.Name())
		return "", errors.Wrap(err, "write the master key")
	}
	return draft.Name(), nil
}

func newMasterFile() (masterFile, error) {
	unique, err := uuid.NewV7()
	if err != nil {
		return masterFile{}, errors.Wrap(err, "draw the master key's id")
	}
	file := masterFile{
		ID:       id.Format(masterKeyPrefix, unique),
		Root:     make([]byte, keyBytes),
		Versions: []masterVersion{newMasterVersion(1)},
	}
	rand.Read(file.Root) // never fails
	return file, nil
}

// syncDir makes a new name durable: a key that is lost in a crash would take
// everything sealed since with it.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return errors.Wrap(err, "open the master key's directory")
	}
	defer d.Close()
	return errors.Wrap(d.Sync(), "sync the master key's directory")
}
