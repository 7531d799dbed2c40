package vault

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"strconv"

	"github.com/cockroachdb/errors"
)

const (
	// masterVersionsMax is how many master keys may be live: while one replaces
	// another, both are.
	masterVersionsMax = 2
	// DerivedKeyBytes is the length of every derived key.
	DerivedKeyBytes = 32

	derivePurpose = "tender/derive/"
)

var (
	// ErrUnknownMasterKey says that an owner's key was wrapped by a master key that
	// the ring doesn't hold.
	ErrUnknownMasterKey = errors.New("wrapped by a master key that is not in the key ring")
	// ErrClosedMasterKey says that a new owner's key can't be wrapped, because the
	// ring's newest master key was replaced by one that it doesn't hold.
	ErrClosedMasterKey = errors.New("the key ring's master key was replaced by a newer one")
)

// Wrapped is an owner's key as the database holds it.
type Wrapped struct {
	MasterID      string
	MasterVersion int
	Bytes         []byte
}

// KeyWrapper wraps and unwraps owners' keys by a master key. The file's master
// key is one; a key management service is another. Data is bound to the result:
// the same must be given to unwrap it.
type KeyWrapper interface {
	Wrap(ctx context.Context, key, data []byte) (Wrapped, error)
	Unwrap(ctx context.Context, w Wrapped, data []byte) ([]byte, error)
	// Current names the master key that Wrap uses now.
	Current() (masterID string, masterVersion int)
}

// KeyRing holds what never enters a database: the master keys, and the secret
// that derived keys come from.
type KeyRing struct {
	wrapper KeyWrapper
	file    *keyFile // the wrapper, where that is a file
	root    []byte
}

// NewKeyRing makes a ring from a wrapper, such as a key management service, and
// the root of derived keys: 32 secret bytes that must stay the same for as long
// as derived keys are in use.
func NewKeyRing(wrapper KeyWrapper, root []byte) (KeyRing, error) {
	if wrapper == nil || len(root) != keyBytes {
		return KeyRing{}, errors.Newf("a key ring needs a wrapper and a root of %d bytes", keyBytes)
	}
	return KeyRing{wrapper: wrapper, root: root}, nil
}

// Derive returns the key for a purpose, 32 bytes (HKDF-SHA256): the same in
// every process with this ring, and no help in finding any other. It outlives a
// change of the master key, because what hangs on it (fingerprints of requests,
// opaque tokens) is compared across that change.
func (k KeyRing) Derive(purpose string) []byte {
	key, err := hkdf.Key(sha256.New, k.root, nil, derivePurpose+purpose, DerivedKeyBytes)
	if err != nil {
		// Only a length beyond 255 hashes or a root too short for FIPS fails.
		panic(errors.NewAssertionErrorWithWrappedErrf(err, "derive a key for %s", purpose))
	}
	return key
}

// masterKeys wraps by AES-256-GCM under keys held in memory.
type masterKeys struct {
	id       string
	current  int
	versions map[int][]byte // staged ones, too: they unwrap
}

func (m *masterKeys) Current() (string, int) { return m.id, m.current }

func (m *masterKeys) Wrap(_ context.Context, key, data []byte) (Wrapped, error) {
	bytes, err := seal(m.versions[m.current], key, m.bind(m.current, data))
	if err != nil {
		return Wrapped{}, err
	}
	return Wrapped{MasterID: m.id, MasterVersion: m.current, Bytes: bytes}, nil
}

func (m *masterKeys) Unwrap(_ context.Context, w Wrapped, data []byte) ([]byte, error) {
	master, live := m.versions[w.MasterVersion]
	if w.MasterID != m.id || !live {
		return nil, errors.Wrapf(ErrUnknownMasterKey, "%s version %d", w.MasterID, w.MasterVersion)
	}
	return open(master, w.Bytes, m.bind(w.MasterVersion, data))
}

func (m *masterKeys) bind(version int, data []byte) []byte {
	return additionalData(m.id, strconv.Itoa(version), string(data))
}
