package seal

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"syscall"

	"github.com/cockroachdb/errors"
	"tender/eventstore"
)

const (
	keyFileMode    = 0o600
	keyFileDirMode = 0o700
	keyFileSizeMax = 64 << 10
)

// namePattern is what an installation may be called: as a host's name, or like one.
var namePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9.:-]{0,99}$`)

// keyFile is the file with the sealing keys: JSON, so that a person can see what is
// in it. Bytes are base64.
type keyFile struct {
	Name string    `json:"name"` // the installation's, with which every origin begins
	Keys []sealKey `json:"keys"` // oldest first; the last one signs
}

// sealKey is one key, from which each log's is derived.
type sealKey struct {
	Seed []byte `json:"seed,omitempty"` // gone once two later keys were made
	// Verifiers are the public halves, of a key whose seed is gone.
	Verifiers []string `json:"verifiers,omitempty"`
}

// Keys are the sealing keys in a file. The file is read again when it has changed, so
// that a running sealer notices a rotation.
type Keys struct {
	path string
	mu   sync.Mutex
	seen fs.FileInfo
	held keyFile
}

// LoadKeys reads the key file at path, which must be there: where it isn't, the error
// is [fs.ErrNotExist]. A file that others than its owner may read is refused.
func LoadKeys(path string) (*Keys, error) {
	k := &Keys{path: path}
	_, err := k.fresh()
	return k, err
}

// CreateKeys makes a key file for an installation of this name, such as the host that
// merchants reach it at, in lower case. A file that is there already is left as it
// is: the error is [fs.ErrExist].
func CreateKeys(path, name string) error {
	if !namePattern.MatchString(name) {
		return errors.Newf("%q can't be the name of a key: use lower-case letters, digits, dots and dashes, as in pay.example", name)
	}
	if err := os.MkdirAll(filepath.Dir(path), keyFileDirMode); err != nil {
		return errors.Wrap(err, "make the sealing key's directory")
	}
	draft, err := keyFile{Name: name, Keys: []sealKey{newKey()}}.draft(filepath.Dir(path), nil)
	if err != nil {
		return err
	}
	defer os.Remove(draft)
	if err := os.Link(draft, path); err != nil {
		return errors.Wrap(err, "put the sealing key in place")
	}
	return syncDir(filepath.Dir(path))
}

func newKey() sealKey {
	k := sealKey{Seed: make([]byte, ed25519.SeedSize)}
	rand.Read(k.Seed) // never fails: without randomness the process ends
	return k
}

// Rotate adds a new key, which signs from then on; the one before it signs the next
// checkpoint of each log, too, and then no more. Seeds from before that are removed.
// The logs are those that the keys were used for.
func (k *Keys) Rotate(logs ...eventstore.Log) error {
	file, err := k.fresh()
	if err != nil {
		return err
	}
	for i := range file.Keys[:len(file.Keys)-1] {
		old := &file.Keys[i]
		if old.Seed == nil {
			continue
		}
		for _, log := range logs {
			signer, err := old.of(file.origin(log))
			if err != nil {
				return err
			}
			old.Verifiers = append(old.Verifiers, signer.verifier)
		}
		old.Seed = nil
	}
	file.Keys = append(file.Keys, newKey())
	k.mu.Lock()
	defer k.mu.Unlock()
	draft, err := file.draft(filepath.Dir(k.path), k.seen)
	if err != nil {
		return err
	}
	defer os.Remove(draft)
	if err := os.Rename(draft, k.path); err != nil {
		return errors.Wrap(err, "put the sealing keys in place")
	}
	return syncDir(filepath.Dir(k.path))
}

// SignedLast reports whether the key that signs now has signed a checkpoint of a log:
// if not, a rotation isn't complete yet.
func (k *Keys) SignedLast(log eventstore.Log, c Checkpoint) (bool, error) {
	r, err := k.ring(log)
	if err != nil {
		return false, err
	}
	_, current, err := r.open(c.Note)
	return current, err
}

// Verifiers returns the public half of every key that there ever was, oldest first,
// as verifiers take them.
func (k *Keys) Verifiers(logs ...eventstore.Log) ([]string, error) {
	file, err := k.fresh()
	if err != nil {
		return nil, err
	}
	var all []string
	for _, key := range file.Keys {
		all = append(all, key.Verifiers...)
		for _, log := range logs {
			if key.Seed == nil {
				continue
			}
			s, err := key.of(file.origin(log))
			if err != nil {
				return nil, err
			}
			all = append(all, s.verifier)
		}
	}
	return all, nil
}

// fresh returns what the file holds now.
func (k *Keys) fresh() (keyFile, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now, err := os.Stat(k.path)
	if err != nil {
		return keyFile{}, errors.Wrap(err, "look at the sealing keys")
	}
	if k.seen != nil && os.SameFile(now, k.seen) && now.ModTime().Equal(k.seen.ModTime()) && now.Size() == k.seen.Size() {
		return k.held.clone(), nil
	}
	file, info, err := readKeyFile(k.path)
	if err != nil {
		return keyFile{}, err
	}
	k.seen, k.held = info, file
	return file.clone(), nil
}

func (f keyFile) clone() keyFile {
	f.Keys = slices.Clone(f.Keys)
	for i := range f.Keys {
		f.Keys[i].Verifiers = slices.Clone(f.Keys[i].Verifiers)
	}
	return f
}

// readKeyFile never quotes what it read: errors end up in logs.
func readKeyFile(path string) (keyFile, fs.FileInfo, error) {
	f, err := os.Open(path)
	if err != nil {
		return keyFile{}, nil, errors.Wrap(err, "open the sealing keys")
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return keyFile{}, nil, errors.Wrap(err, "look at the sealing keys")
	}
	if info.Mode().Perm()&^keyFileMode != 0 || !info.Mode().IsRegular() {
		return keyFile{}, nil, errors.Newf("The sealing key %s has mode %04o, but nobody except its owner may read or write it: run `chmod 600 %s`, and rotate the key if others had access.", path, info.Mode().Perm(), path)
	}
	text, err := io.ReadAll(io.LimitReader(f, keyFileSizeMax+1))
	if err != nil {
		return keyFile{}, nil, errors.Wrap(err, "read the sealing keys")
	}
	var file keyFile
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if len(text) > keyFileSizeMax || d.Decode(&file) != nil || !namePattern.MatchString(file.Name) || len(file.Keys) == 0 {
		return keyFile{}, nil, errors.Newf("%s is not a file of sealing keys", path)
	}
	for i, key := range file.Keys {
		recent := i >= len(file.Keys)-2
		if recent != (len(key.Seed) == ed25519.SeedSize) || recent != (len(key.Verifiers) == 0) {
			return keyFile{}, nil, errors.Newf("%s: key number %d is not whole", path, i+1)
		}
	}
	return file, info, nil
}

// draft writes the file, durably, under a name of its own, and returns that. It gets
// the mode and owner of the file that it is to replace.
func (f keyFile) draft(dir string, replaces fs.FileInfo) (path string, err error) {
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return "", errors.Wrap(err, "encode the sealing keys")
	}
	draft, err := os.CreateTemp(dir, ".sealing-key-*") // mode 0600
	if err != nil {
		return "", errors.Wrap(err, "make the file of the sealing keys")
	}
	_, err = draft.Write(append(text, '\n'))
	if replaces != nil {
		if owner, ok := replaces.Sys().(*syscall.Stat_t); ok {
			err = errors.CombineErrors(err, draft.Chown(int(owner.Uid), int(owner.Gid)))
		}
	}
	err = errors.CombineErrors(err, draft.Sync())
	err = errors.CombineErrors(err, draft.Close())
	if err != nil {
		_ = os.Remove(draft.Name())
		return "", errors.Wrap(err, "write the sealing keys")
	}
	return draft.Name(), nil
}

// syncDir makes a new name durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return errors.Wrap(err, "open a directory")
	}
	defer d.Close()
	return errors.Wrap(d.Sync(), "sync a directory")
}
