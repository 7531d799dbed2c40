package payments

import (
	"context"
	"net/netip"

	"github.com/cockroachdb/errors"

	"tender/acquirers"
	"tender/domain"
	"tender/domain/collect"
	"tender/domain/mandate"
	"tender/domain/merchant"
	"tender/domain/method"
	"tender/domain/payment"
	"tender/domain/session"
	"tender/handlers/engine"
	"tender/handlers/limits"
	"tender/handlers/people"
	"tender/handlers/problem"
)

// Attempt is a customer's try to pay: with what was typed in, or with a saved method.
type Attempt struct {
	SessionID string
	AttemptID string // "": none was given
	// Card or Account is what was typed in; with a saved card its CVC alone.
	Card    method.CardInput
	Account method.AccountInput
	Details method.Details // of what was typed in
	// PaymentMethodID is the saved method that pays; "": what was typed in does.
	PaymentMethodID string
	// Save: the customer wants it saved, where the session asks.
	Save bool
	// AcceptMandate: the customer agrees to the terms of the series.
	AcceptMandate bool
	// TermsShown is the text that they agreed to, where the caller knows it; it must
	// be what the mandate would keep. "": not known.
	TermsShown string
	Locale     string // of the page that the terms were shown on
	// Address is where the request came from; zero: it is not known.
	Address netip.Addr
}

// ErrTermsChanged refuses an agreement to a text that is no longer the one that would
// be kept: the merchant's name stands in it.
var ErrTermsChanged = &domain.Refusal{
	Code: problem.Invalid, Field: "/accept_mandate", Detail: "The terms have changed since they were shown. Read them again.",
}

// Pay tries to pay a session: intent, call, outcome. It returns when the outcome
// is recorded, or when the caller has waited long enough; the session's state
// tells which. A request with the id of an earlier attempt joins that one.
func (s *Service) Pay(ctx context.Context, origin engine.Origin, a Attempt) error {
	if err := supported(s.Acquirer, true, ""); err != nil {
		return err
	}
	a, err := s.withSaved(ctx, a)
	if err != nil {
		return err
	}
	flight, call, err := s.admitted(ctx, origin, a, s.Engine.Merchants.Ref(origin.MerchantID).Value.Slowed())
	if errors.Is(err, errSlowed) {
		flight, call, err = s.admitted(ctx, origin, a, true)
	}
	if err != nil || call.Key == "" {
		return err
	}
	s.await(ctx, func(ctx context.Context) {
		defer flight.End(ctx)
		// What it came to, the session's state tells.
		_, _, _ = s.conclude(ctx, call.Key, func(ctx context.Context) (acquirers.Answer, error) { return s.Acquirer.Authorise(ctx, call) })
	})
	return nil
}

// errSlowed says that the merchant is slowed, which this process did not know.
var errSlowed = errors.New("the merchant is slowed")

// admitted has the guard let an attempt through, and begins it. Without a call there is
// no flight either.
func (s *Service) admitted(ctx context.Context, origin engine.Origin, a Attempt, slowed bool) (*limits.Flight, acquirers.Authorisation, error) {
	flight, err := s.Guard.Admit(ctx, limits.Attempt{
		MerchantID: origin.MerchantID, SessionID: a.SessionID, Address: a.Address, Card: a.Card.Number, Phone: a.Account.Phone,
		Slowed: slowed,
	})
	if err != nil {
		return nil, acquirers.Authorisation{}, err
	}
	call, err := s.begin(ctx, origin, a, slowed)
	if err != nil || call.Key == "" {
		flight.Abandon()
		return nil, acquirers.Authorisation{}, err
	}
	flight.Under(call.Key)
	return flight, call, nil
}

// begin appends the intent of an attempt, and returns the call that carries it out;
// one without a key where the attempt joins an earlier one. It is errSlowed where the
// log says that the merchant is, and the attempt was not admitted as a slowed one's.
func (s *Service) begin(ctx context.Context, origin engine.Origin, a Attempt, slowed bool) (call acquirers.Authorisation, err error) {
	kept, err := s.keep(ctx, origin, a)
	if err != nil {
		return call, err
	}
	_, err = s.Engine.Do(ctx, engine.Command{
		Origin: origin, Subject: a.SessionID,
		Decide: func(ctx context.Context, tx *engine.Tx) error {
			st, p, err := s.readSession(ctx, tx, a.SessionID)
			if err != nil {
				return err
			}
			call = acquirers.Authorisation{}
			if collect.Joins(st, a.AttemptID) {
				return nil
			}
			w, err := s.partiesOf(ctx, tx, st, a.PaymentMethodID)
			if err != nil {
				return err
			}
			if a.PaymentMethodID != "" && (!w.Method.Exists() || st.CustomerID == "") {
				return method.ErrUnknown
			}
			m, err := engine.Read(ctx, tx, s.Engine.Merchants, tx.Origin.MerchantID)
			if err != nil {
				return err
			}
			if m.Value.Slowed() && !slowed {
				return errSlowed
			}
			attempt := collect.Attempt{
				ID: tx.Origin.CommandID, AttemptID: a.AttemptID, Now: tx.Now,
				Details: a.Details, Takes: s.Takes(m.Value), CardsMax: s.Guard.Limits.CardsPerSession,
				Acquirer: s.Acquirer.Name(), SaveAsked: a.Save, Kept: kept,
			}
			if a.Card.Number != "" {
				attempt.CardFingerprint = s.Cards.Fingerprint(a.SessionID, a.Card.Number)
			}
			if attempt.Consent, err = s.consent(st, m.Value, a); err != nil {
				return err
			}
			changes, err := collect.StartAttempt(st, p, w, attempt)
			if err != nil {
				return err
			}
			if changes, err = s.claimOverdue(ctx, tx, st, w.Customer, changes); err != nil {
				return err
			}
			s.write(tx, changes)
			call = s.withCustomer(st, m.Value, started(changes), a)
			return nil
		},
	})
	return call, err
}

// withSaved returns an attempt with what the method that pays was saved with, opened:
// which card it is counts before anything is decided. That the method is the
// customer's, and is still there, the decision makes sure of.
func (s *Service) withSaved(ctx context.Context, a Attempt) (Attempt, error) {
	if a.PaymentMethodID == "" {
		return a, nil
	}
	m := s.Engine.Methods.Ref(a.PaymentMethodID)
	if m.Version == 0 {
		if err := s.Engine.Refresh(ctx, m); err != nil {
			return a, err
		}
	}
	if err := m.Value.Available(); err != nil {
		return a, err
	}
	cvc := a.Card.CVC
	var err error
	a.Card, a.Account, err = s.Cards.Open(ctx, m.Value)
	if errors.Is(err, people.ErrErased) {
		return a, method.ErrUnknown // it was removed just now
	}
	a.Card.CVC, a.Details = cvc, m.Value.Details
	return a, err
}

// keep puts what is to be saved into the vault, before the intent that names
// it; nil where none is to be. Whether it is, the session says, and once it was
// created that does not change.
func (s *Service) keep(ctx context.Context, origin engine.Origin, a Attempt) (*collect.Kept, error) {
	if a.PaymentMethodID != "" {
		return nil, nil
	}
	st := s.Engine.Sessions.Ref(a.SessionID)
	if st.Version == 0 {
		if err := s.Engine.Refresh(ctx, st); err != nil {
			return nil, err
		}
	}
	k, saves := collect.Keeps(st.Value, a.Details.Type, a.Save, origin.CommandID)
	if !saves || st.Value.Series != nil && !a.AcceptMandate {
		return nil, nil
	}
	var kept collect.Kept
	var err error
	if a.Details.Type == method.KindCard {
		kept, err = s.Cards.KeepCard(ctx, st.MerchantID, a.SessionID, k, a.Card)
	} else {
		kept, err = s.Cards.KeepAccount(ctx, st.MerchantID, a.SessionID, k, a.Details.Type, a.Account)
	}
	if errors.Is(err, people.ErrErased) {
		return nil, collect.ErrSessionNotActive // nobody can pay for one who is forgotten
	}
	return &kept, err
}

// consent is the text that the customer agreed to; nil where they did not, or had
// nothing to agree to.
func (s *Service) consent(st session.State, m merchant.State, a Attempt) (*collect.Consent, error) {
	if st.Series == nil || !a.AcceptMandate {
		return nil, nil
	}
	locale := a.Locale
	if locale == "" {
		locale = localeDefault
	}
	text, version := mandate.TermsText(st.Series.Terms, m.Settings.Name, locale)
	if a.TermsShown != "" && a.TermsShown != text {
		return nil, ErrTermsChanged
	}
	return &collect.Consent{Text: text, TextVersion: version, Locale: locale}, nil
}

// ReturnParam is the query parameter by which a customer's page knows that they come
// back from the bank, and of which attempt.
const ReturnParam = "back"

// localeDefault is that of pages which name no other.
const localeDefault = "en"

// withCustomer is what the acquirer is asked when the customer is present.
func (s *Service) withCustomer(st session.State, m merchant.State, intent payment.AttemptStarted, a Attempt) acquirers.Authorisation {
	call := with(acquirers.Authorisation{
		Key: intent.Key, Amount: st.Amount, Currency: st.Currency, Country: st.Country,
		Capture:   st.CaptureMethod != payment.CaptureManual,
		Initiator: acquirers.InitiatorCustomer, Payee: m.Settings.Name,
		Authentication: acquirers.AuthenticationIfRequired, StoredCredential: acquirers.StoredCredentialNone,
		ReturnURL: s.BaseURL + "/checkout/" + st.CheckoutID + "?" + ReturnParam + "=" + intent.AttemptID,
	}, intent.Details.Type, a.Card, a.Account)
	switch {
	case intent.PaymentMethodID != "":
		call.StoredCredential = acquirers.StoredCredentialSubsequent
	case intent.Save != nil:
		call.StoredCredential = acquirers.StoredCredentialInitial
	}
	return call
}

// with adds to what the acquirer is asked what pays: a card, or an account of a kind.
func with(call acquirers.Authorisation, kind method.Kind, card method.CardInput, account method.AccountInput) acquirers.Authorisation {
	if kind == method.KindCard {
		call.Card = acquirers.Card{
			Number: card.Number, ExpMonth: card.ExpMonth, ExpYear: card.ExpYear, CVC: card.CVC, Holder: card.Name,
		}
		return call
	}
	call.Account = &acquirers.Account{Kind: string(kind), Bank: account.Bank, Phone: account.Phone}
	return call
}

// started returns the intent in a decision to start an attempt.
func started(c collect.Changes) payment.AttemptStarted {
	for _, e := range c.Payment.Events {
		if intent, ok := e.(payment.AttemptStarted); ok {
			return intent
		}
	}
	panic("payments: an attempt was started without an intent")
}
