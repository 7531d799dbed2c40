package vault_test

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"testing"

	"tender/vault"
)

// keyService stands in for a key management service: keys go there to be wrapped,
// and it has a version of its own.
type keyService struct {
	version atomic.Int32
	calls   atomic.Int32
	down    atomic.Bool
}

var errServiceDown = errors.New("the service is away")

func (s *keyService) Current() (string, int) { return "service", int(s.version.Load()) }

// Wrap shows the version and the data in what it returns, which the real thing
// would encrypt.
func (s *keyService) Wrap(_ context.Context, key, data []byte) (vault.Wrapped, error) {
	s.calls.Add(1)
	if s.down.Load() {
		return vault.Wrapped{}, errServiceDown
	}
	version := int(s.version.Load())
	return vault.Wrapped{MasterID: "service", MasterVersion: version, Bytes: append(s.mark(version, data), key...)}, nil
}

func (s *keyService) Unwrap(_ context.Context, w vault.Wrapped, data []byte) ([]byte, error) {
	s.calls.Add(1)
	if s.down.Load() {
		return nil, errServiceDown
	}
	key, ours := bytes.CutPrefix(w.Bytes, s.mark(w.MasterVersion, data))
	if !ours {
		return nil, vault.ErrCorrupt
	}
	return key, nil
}

func (s *keyService) mark(version int, data []byte) []byte {
	return append([]byte("version "+strconv.Itoa(version)+" "), data...)
}

// With a key management service the vault works the same; the service is asked
// once for an owner, and rotates its own key.
func TestKeyService(t *testing.T) {
	t.Parallel()
	b := setup(t)
	service := &keyService{}
	service.version.Store(4)
	keys, err := vault.NewKeyRing(service, bytes.Repeat([]byte{1}, 32))
	if err != nil {
		t.Fatal(err)
	}
	v := open(t, b.db, keys)
	refs := people(t, v, 3)
	calls := service.calls.Load()
	b.readable(t, v, refs)
	if n := service.calls.Load() - calls; n != 0 {
		t.Errorf("the service was asked %d times for what is known", n)
	}
	b.readable(t, open(t, b.db, keys), refs)

	service.version.Store(5)
	r, err := v.Rotate(t.Context(), nil)
	if err != nil || r.Moved != 3 || r.Version != 5 || r.MasterID != "service" || b.wrappedBy(t, 5) != 3 {
		t.Errorf("%+v, %v", r, err)
	}
	b.readable(t, open(t, b.db, keys), refs)
	for name, change := range map[string]func() error{
		"stage":  func() error { _, err := v.Stage(t.Context()); return err },
		"retire": func() error { _, err := v.Retire(t.Context()); return err },
	} {
		if err := change(); !errors.Is(err, vault.ErrNoKeyFile) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s, err := v.Status(t.Context())
	if want := (vault.MasterVersion{ID: "service", Version: 5, Keys: 3, Held: true, Current: true}); err != nil || len(s.Masters) != 1 || s.Masters[0] != want {
		t.Errorf("%+v, %v", s, err)
	}

	service.down.Store(true)
	service.version.Store(6)
	if _, err := v.Rotate(t.Context(), nil); !errors.Is(err, errServiceDown) {
		t.Errorf("while the service is away: %v", err)
	}
	if _, err := v.Put(t.Context(), "cus_new", card, secret); !errors.Is(err, errServiceDown) {
		t.Errorf("while the service is away: %v", err)
	}
	b.readable(t, v, refs)
}
