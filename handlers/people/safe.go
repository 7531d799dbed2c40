package people

import (
	"context"
	"encoding/json"

	"github.com/cockroachdb/errors"

	"tender/domain/collect"
	"tender/domain/method"
	"tender/vault"
)

// Kinds of entries in the vault, as their fields begin.
const (
	ProfileKind = "profile"
	CardKind    = "card"
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

// Safe keeps profiles and cards, each sealed under its customer's own key.
type Safe struct {
	vault *vault.Vault
	keys  vault.KeyRing
}

// NewSafe returns the profiles and cards in v.
func NewSafe(v *vault.Vault, keys vault.KeyRing) *Safe { return &Safe{vault: v, keys: keys} }

func profileField(customerID string) string { return ProfileKind + "/" + customerID }

// A card's field names the method, and the session that saves it: whether it is
// still awaited, the session's payment says.
func cardField(methodID, sessionID string) string { return CardKind + "/" + methodID + "/" + sessionID }

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

// sealedCard is a card as the vault has it. It has no CVC: that is never kept.
type sealedCard struct {
	Number   string `json:"number"`
	ExpMonth int    `json:"exp_month"`
	ExpYear  int    `json:"exp_year"`
	Name     string `json:"name,omitempty"`
}

// KeepCard seals a card that is to be saved if the attempt with it succeeds.
func (s *Safe) KeepCard(ctx context.Context, merchantID, sessionID string, k collect.Keeping, card method.CardInput) (collect.Kept, error) {
	plain, err := json.Marshal(sealedCard{Number: card.Number, ExpMonth: card.ExpMonth, ExpYear: card.ExpYear, Name: card.Name})
	if err != nil {
		return collect.Kept{}, errors.New("a card can't be encoded")
	}
	ref, err := s.vault.Put(ctx, k.CustomerID, cardField(k.PaymentMethodID, sessionID), plain)
	if err != nil {
		return collect.Kept{}, s.lost(err, "seal a card")
	}
	return collect.Kept{CardRef: ref, Fingerprint: s.keys.Fingerprint(merchantID, card.Number)}, nil
}

// Card opens a saved card, without a CVC.
func (s *Safe) Card(ctx context.Context, m method.State) (method.CardInput, error) {
	plain, err := s.vault.Get(ctx, m.CustomerID, cardField(m.ID, m.SessionID), m.CardRef)
	if err != nil {
		return method.CardInput{}, s.lost(err, "the card of "+m.ID)
	}
	var card sealedCard
	if err := json.Unmarshal(plain, &card); err != nil {
		return method.CardInput{}, errors.New("a saved card can't be decoded")
	}
	return method.CardInput{Number: card.Number, ExpMonth: card.ExpMonth, ExpYear: card.ExpYear, Name: card.Name}, nil
}

// Fingerprint tells equal cards of one session; see [vault.KeyRing.Fingerprint]. Of
// different sessions it says nothing.
func (s *Safe) Fingerprint(sessionID, number string) string {
	return s.keys.Fingerprint(sessionID, number)
}

// Doubt makes the sweep ask about a card again whose method is about to be removed.
func (s *Safe) Doubt(ctx context.Context, m method.State) error {
	return errors.Wrap(s.vault.Doubt(ctx, m.CustomerID, m.CardRef), "put a card in doubt")
}

// DeleteCard deletes the card of a method that was removed. It may be repeated.
func (s *Safe) DeleteCard(ctx context.Context, m method.State) error {
	return errors.Wrap(s.vault.Delete(ctx, m.CustomerID, m.CardRef), "delete a card")
}

// Forget destroys the key of a customer who was erased, and all that it seals. It
// may be repeated.
func (s *Safe) Forget(ctx context.Context, customerID string) error {
	return errors.Wrap(s.vault.DestroyOwner(ctx, customerID), "destroy a customer's key")
}
