package people

import (
	"context"
	"encoding/json"

	"github.com/cockroachdb/errors"

	"tender/domain/collect"
	"tender/domain/method"
)

// sealedCard is a card as the vault has it. It has no CVC: that is never kept.
type sealedCard struct {
	Number   string `json:"number"`
	ExpMonth int    `json:"exp_month"`
	ExpYear  int    `json:"exp_year"`
	Name     string `json:"name,omitempty"`
}

// sealedAccount is an account as the vault has it.
type sealedAccount struct {
	Bank  string `json:"bank,omitempty"`
	Phone string `json:"phone,omitempty"`
}

// methodField names a method in the vault, and the session that saves it: whether it
// is still awaited, the session's payment says.
func methodField(kind, methodID, sessionID string) string {
	return kind + "/" + methodID + "/" + sessionID
}

// KeepCard seals a card that is to be saved if the attempt with it succeeds.
func (s *Safe) KeepCard(ctx context.Context, merchantID, sessionID string, k collect.Keeping, card method.CardInput) (collect.Kept, error) {
	ref, err := s.keep(ctx, CardKind, sessionID, k, sealedCard{Number: card.Number, ExpMonth: card.ExpMonth, ExpYear: card.ExpYear, Name: card.Name})
	return collect.Kept{VaultRef: ref, Fingerprint: s.keys.Fingerprint(merchantID, card.Number)}, err
}

// KeepAccount seals an account of a kind that is to be saved if the attempt with it
// succeeds.
func (s *Safe) KeepAccount(ctx context.Context, merchantID, sessionID string, k collect.Keeping, kind method.Kind, account method.AccountInput) (collect.Kept, error) {
	ref, err := s.keep(ctx, AccountKind, sessionID, k, sealedAccount(account))
	whole := string(kind) + "/" + account.Bank + "/" + account.Phone // no card's number
	return collect.Kept{VaultRef: ref, Fingerprint: s.keys.Fingerprint(merchantID, whole)}, err
}

func (s *Safe) keep(ctx context.Context, kind, sessionID string, k collect.Keeping, what any) (ref string, err error) {
	plain, err := json.Marshal(what)
	if err != nil {
		return "", errors.New("what is to be saved can't be encoded")
	}
	if ref, err = s.vault.Put(ctx, k.CustomerID, methodField(kind, k.PaymentMethodID, sessionID), plain); err != nil {
		return "", s.lost(err, "seal a payment method")
	}
	return ref, nil
}

// Open opens what a method was saved with: a card, without a CVC, or an account. The
// other of the two is zero.
func (s *Safe) Open(ctx context.Context, m method.State) (card method.CardInput, account method.AccountInput, err error) {
	if m.Details.Type != method.KindCard {
		var sealed sealedAccount
		err = s.open(ctx, AccountKind, m, &sealed)
		return card, method.AccountInput(sealed), err
	}
	var sealed sealedCard
	err = s.open(ctx, CardKind, m, &sealed)
	return method.CardInput{Number: sealed.Number, ExpMonth: sealed.ExpMonth, ExpYear: sealed.ExpYear, Name: sealed.Name}, account, err
}

func (s *Safe) open(ctx context.Context, kind string, m method.State, into any) error {
	plain, err := s.vault.Get(ctx, m.CustomerID, methodField(kind, m.ID, m.SessionID), m.VaultRef)
	if err != nil {
		return s.lost(err, "what "+m.ID+" was saved with")
	}
	if err := json.Unmarshal(plain, into); err != nil {
		return errors.New("a saved payment method can't be decoded")
	}
	return nil
}
