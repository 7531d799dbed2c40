package people

import (
	"context"
	"encoding/json"

	"github.com/cockroachdb/errors"

	"tender/domain/method"
	"tender/vault"
)

// Kinds of entries in the vault, as their fields begin.
const (
	ProfileKind = "profile"
	CardKind    = "card"
	AccountKind = "account" // that a method which is no card pays from
)

// ErrErased says that what was asked for belonged to somebody who has been erased,
// or was deleted with its method.
var ErrErased = errors.New("the customer's data has been erased")

// Profile is who a customer is. It stands in the vault and in answers to the
// merchant, nowhere else.
type Profile struct {
	Name  string `json:"name,omitempty"`
	Email string `json:"email,omitempty"`
	Phone string `json:"phone,omitempty"`
}

// String keeps the person out of what is printed.
func (Profile) String() string { return "[profile]" }

// GoString keeps the person out of what %#v prints.
func (Profile) GoString() string { return "[profile]" }

// Safe keeps profiles, cards and accounts, each sealed under its customer's own key.
type Safe struct {
	vault *vault.Vault
	keys  vault.KeyRing
}

// NewSafe returns the profiles, cards and accounts in v.
func NewSafe(v *vault.Vault, keys vault.KeyRing) *Safe { return &Safe{vault: v, keys: keys} }

func profileField(customerID string) string { return ProfileKind + "/" + customerID }

// KeepProfile seals who a customer is; "" where nothing is known of them.
func (s *Safe) KeepProfile(ctx context.Context, customerID string, p Profile) (ref string, err error) {
	if p == (Profile{}) {
		return "", nil
	}
	plain, err := json.Marshal(p)
	if err != nil {
		return "", errors.Wrap(err, "encode a profile")
	}
	ref, err = s.vault.Put(ctx, customerID, profileField(customerID), plain)
	return ref, errors.Wrap(err, "seal a profile")
}

// Profile opens who a customer is; [ErrErased] once they are forgotten.
func (s *Safe) Profile(ctx context.Context, customerID, ref string) (Profile, error) {
	var p Profile
	if ref == "" {
		return p, nil
	}
	plain, err := s.vault.Get(ctx, customerID, profileField(customerID), ref)
	if err != nil {
		return p, s.lost(err, "the profile of "+customerID)
	}
	return p, errors.Wrap(json.Unmarshal(plain, &p), "decode a profile")
}

// lost tells what was destroyed from what is broken.
func (s *Safe) lost(err error, what string) error {
	if errors.IsAny(err, vault.ErrNotFound, vault.ErrDestroyed) {
		return errors.Wrap(ErrErased, what)
	}
	return errors.Wrap(err, what)
}

// Fingerprint tells equal cards of one session; see [vault.KeyRing.Fingerprint]. Of
// different sessions it says nothing.
func (s *Safe) Fingerprint(sessionID, number string) string {
	return s.keys.Fingerprint(sessionID, number)
}

// Doubt makes the sweep ask again about what a method was saved with that is about to
// be removed.
func (s *Safe) Doubt(ctx context.Context, m method.State) error {
	return errors.Wrap(s.vault.Doubt(ctx, m.CustomerID, m.VaultRef), "put a saved method in doubt")
}

// DeleteMethod deletes what a method was saved with that was removed. It may be
// repeated.
func (s *Safe) DeleteMethod(ctx context.Context, m method.State) error {
	return errors.Wrap(s.vault.Delete(ctx, m.CustomerID, m.VaultRef), "delete a saved method")
}

// Forget destroys the key of a customer who was erased, and all that it seals. It
// may be repeated.
func (s *Safe) Forget(ctx context.Context, customerID string) error {
	return errors.Wrap(s.vault.DestroyOwner(ctx, customerID), "destroy a customer's key")
}
