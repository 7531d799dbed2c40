package payments

import (
	"context"

	"tender/acquirers"
	"tender/domain/collect"
	"tender/domain/method"
	"tender/domain/payment"
	"tender/handlers/engine"
)

// Attempt is a customer's try to pay.
type Attempt struct {
	SessionID string
	AttemptID string // "": none was given
	Card      method.CardInput
	Details   method.CardDetails
}

// Pay tries to pay a session: intent, call, outcome. It returns when the outcome
// is recorded, or when the caller has waited long enough; the session's state
// tells which. A request with the id of an earlier attempt joins that one.
func (s *Service) Pay(ctx context.Context, origin engine.Origin, a Attempt) error {
	if err := supported(s.Acquirer, true, ""); err != nil {
		return err
	}
	var call acquirers.Authorisation
	var joins bool
	_, err := s.Engine.Do(ctx, engine.Command{
		Origin: origin, Subject: a.SessionID,
		Decide: func(ctx context.Context, tx *engine.Tx) error {
			st, p, err := s.readSession(ctx, tx, a.SessionID)
			if err != nil {
				return err
			}
			if joins = collect.Joins(st, a.AttemptID); joins {
				return nil
			}
			details := a.Details
			changes, err := collect.StartAttempt(st, p, collect.Attempt{
				ID: tx.Origin.CommandID, AttemptID: a.AttemptID, Now: tx.Now,
				Details:  payment.Details{Type: "card", Card: &details},
				Acquirer: s.Acquirer.Name(),
			})
			if err != nil {
				return err
			}
			if !p.Exists() {
				engine.Create(tx, s.Engine.Payments, changes.PaymentID)
			}
			write(tx, a.SessionID, changes)
			call = acquirers.Authorisation{
				Key: started(changes).Key, Amount: st.Amount, Currency: st.Currency, Country: st.Country,
				Capture:        st.CaptureMethod != payment.CaptureManual,
				Initiator:      acquirers.InitiatorCustomer,
				Authentication: acquirers.AuthenticationIfRequired, StoredCredential: acquirers.StoredCredentialNone,
				Card: acquirers.Card{
					Number: a.Card.Number, ExpMonth: a.Card.ExpMonth, ExpYear: a.Card.ExpYear,
					CVC: a.Card.CVC, Holder: a.Card.Name,
				},
				ReturnURL: s.BaseURL + "/checkout/" + st.CheckoutID,
			}
			return nil
		},
	})
	if err != nil || joins {
		return err
	}
	s.await(ctx, func(ctx context.Context) {
		// What it came to, the session's state tells.
		_, _, _ = s.conclude(ctx, call.Key, func(ctx context.Context) (acquirers.Answer, error) {
			return s.Acquirer.Authorise(ctx, call)
		})
	})
	return nil
}

// started returns the intent in a decision to start an attempt.
func started(c collect.Changes) payment.AttemptStarted {
	for _, e := range c.Payment {
		if intent, ok := e.(payment.AttemptStarted); ok {
			return intent
		}
	}
	panic("payments: an attempt was started without an intent")
}
