package vault

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path/filepath"

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
}

// LoadOrCreateMasterKey reads the master key at path, or makes one there, in a
// file that only its owner may read. A file that others may read is refused: the
// error says what to do. Several processes that start at once end up with one
// key. The file may hold two versions; the higher one wraps, both unwrap.
//
// Whoever loses the file loses what the vault holds.
func LoadOrCreateMasterKey(path string) (KeyRing, error) {
	ring, err := loadMasterKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return ring, err
	}
	if err := createMasterKey(path); err != nil {
		return KeyRing{}, err
	}
	return loadMasterKey(path)
}

func loadMasterKey(path string) (KeyRing, error) {
	f, err := os.Open(path)
	if err != nil {
		return KeyRing{}, errors.Wrap(err, "open the master key")
	}
	defer f.Close()
	info, err := f.Stat() // of the open file: nobody can swap it in between
	if err != nil {
		return KeyRing{}, errors.Wrap(err, "look at the master key")
	}
	if !info.Mode().IsRegular() {
		return KeyRing{}, errors.Newf("The master key %s is not a file.", path)
	}
	if loose := info.Mode().Perm() &^ masterFileMode; loose != 0 {
		return KeyRing{}, errors.Newf("The master key %s has mode %04o, but nobody except its owner may read or write it: run `chmod 600 %s`, and replace the key if others had access.",
			path, info.Mode().Perm(), path)
	}
	text, err := io.ReadAll(io.LimitReader(f, masterFileMaxSize+1))
	if err != nil {
		return KeyRing{}, errors.Wrap(err, "read the master key")
	}
	ring, err := parseMasterFile(text)
	return ring, errors.Wrapf(err, "the master key %s", path)
}

// parseMasterFile never quotes what it read: errors end up in logs.
func parseMasterFile(text []byte) (KeyRing, error) {
	var file masterFile
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if len(text) > masterFileMaxSize || d.Decode(&file) != nil {
		return KeyRing{}, errors.New("is not a master key's file")
	}
	if !id.Valid(masterKeyPrefix, file.ID) || len(file.Root) != keyBytes {
		return KeyRing{}, errors.New("lacks its id or its root")
	}
	if n := len(file.Versions); n == 0 || n > masterVersionsMax {
		return KeyRing{}, errors.Newf("holds %d versions; it may hold 1 or %d", n, masterVersionsMax)
	}
	keys := &masterKeys{id: file.ID, versions: make(map[int][]byte, len(file.Versions))}
	for _, v := range file.Versions {
		if _, twice := keys.versions[v.Version]; twice || v.Version < 1 || len(v.Key) != keyBytes {
			return KeyRing{}, errors.Newf("has a version %d that stands twice, is below 1, or is not of %d bytes", v.Version, keyBytes)
		}
		keys.versions[v.Version] = v.Key
		keys.current = max(keys.current, v.Version)
	}
	return NewKeyRing(keys, file.Root)
}

// createMasterKey writes a new key beside path and links it there, which fails
// where another process was first: a reader never sees half a file, and a key
// that is in use is never overwritten.
func createMasterKey(path string) error {
	text, err := newMasterFile()
	if err != nil {
		return err
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, masterDirMode); err != nil {
		return errors.Wrap(err, "make the master key's directory")
	}
	draft, err := os.CreateTemp(dir, ".master-key-*") // mode 0600
	if err != nil {
		return errors.Wrap(err, "make the master key's file")
	}
	defer os.Remove(draft.Name())
	_, err = draft.Write(text)
	err = errors.CombineErrors(err, draft.Sync())
	err = errors.CombineErrors(err, draft.Close())
	if err != nil {
		return errors.Wrap(err, "write the master key")
	}
	if err := os.Link(draft.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return errors.Wrap(err, "put the master key in place")
	}
	return syncDir(dir)
}

func newMasterFile() ([]byte, error) {
	unique, err := uuid.NewV7()
	if err != nil {
		return nil, errors.Wrap(err, "draw the master key's id")
	}
	file := masterFile{
		ID:       id.Format(masterKeyPrefix, unique),
		Root:     make([]byte, keyBytes),
		Versions: []masterVersion{{Version: 1, Key: make([]byte, keyBytes)}},
	}
	rand.Read(file.Root) // never fails: without randomness the process ends
	rand.Read(file.Versions[0].Key)
	text, err := json.MarshalIndent(file, "", "  ")
	return append(text, '\n'), errors.Wrap(err, "encode the master key")
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
