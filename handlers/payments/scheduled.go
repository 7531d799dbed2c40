package payments

import (
	"context"

	"github.com/cockroachdb/errors"

	"tender/acquirers"
	"tender/domain"
	"tender/domain/collect"
	"tender/domain/id"
	"tender/domain/mandate"
	"tender/domain/merchant"
	"tender/domain/method"
	"tender/domain/payment"
	"tender/domain/session"
	"tender/domain/subscription"
	"tender/handlers/engine"
	"tender/handlers/people"
)

// Scheduled is a payment whose intent stands, and which is to be sent.
type Scheduled struct {
	call acquirers.Authorisation
	with method.State
}

// StartScheduled adds to tx the try that a subscription's schedule wants: its session,
// its payment and the intent, under ids that follow from the occurrence, so that it
// can't be begun twice. What the mandate or the method forbids for good is recorded
// as a failure in its place, and nil returned. Every other refusal is an error: the
// same try may be let through later.
func (s *Service) StartScheduled(ctx context.Context, tx *engine.Tx, sub subscription.State, want subscription.Charge) (*Scheduled, error) {
	if err := supported(s.Acquirer, true, ""); err != nil {
		return nil, err
	}
	tx.Origin.CommandID = want.CommandID
	w, err := s.parties(ctx, tx, payment.State{
		CustomerID: sub.CustomerID, MandateID: want.MandateID, Attempt: payment.Attempt{PaymentMethodID: want.PaymentMethodID},
	})
	if err != nil {
		return nil, err
	}
	m, err := engine.Read(ctx, tx, s.Engine.Merchants, tx.Origin.MerchantID)
	if err != nil {
		return nil, err
	}
	c, err := scheduledSession(m.Value, sub, want, tx.Now)
	if err != nil {
		return nil, err
	}
	paymentID, ok := id.Parse(id.Payment, want.PaymentID)
	if !ok {
		return nil, errors.AssertionFailedf("%s is no payment's id", want.PaymentID)
	}
	changes, refusal := collect.StartCharge(w, collect.Charge{ID: paymentID, Session: c, Acquirer: s.Acquirer.Name(), Takes: s.acquirerTakes()})
	refused := forGood(refusal)
	if refusal != nil && refused == "" {
		return nil, refusal
	}
	changes, err = people.DecideSubscription(ctx, tx, s.Engine, w.Customer, changes, sub.ID, subscription.Start{
		Number: want.Number, Attempt: want.Attempt, Refused: refused, Now: tx.Now,
	})
	if err != nil {
		return nil, err
	}
	s.write(tx, changes)
	if refused != "" {
		return nil, nil
	}
	return &Scheduled{call: withoutCustomer(asked(c, m.Value, started(changes).Key), w.Mandate, w.Method), with: w.Method}, nil
}

// scheduledSession is the session that a subscription's try is made in.
func scheduledSession(m merchant.State, sub subscription.State, want subscription.Charge, now domain.Moment) (session.Create, error) {
	sessionID, ok := id.Parse(id.Session, want.SessionID)
	if !ok {
		return session.Create{}, errors.AssertionFailedf("%s is no session's id", want.SessionID)
	}
	occurrence := want.Occurrence()
	return session.Create{
		ID: sessionID, Type: session.TypeNextInSeries, Amount: want.Amount, Currency: want.Currency,
		Country: m.Settings.Country, CaptureMethod: payment.CaptureAutomatic, CustomerID: sub.CustomerID, Now: now,
		Charge: &session.Charge{
			PaymentMethodID: want.PaymentMethodID, MandateID: want.MandateID,
			SubscriptionID: sub.ID, Occurrence: &occurrence,
		},
	}, nil
}

// SendScheduled sends a payment whose intent stands, and records what it came to.
// Settled is false if the acquirer has not answered in time.
func (s *Service) SendScheduled(ctx context.Context, p Scheduled) (outcome engine.Done, settled bool) {
	return s.collect(ctx, p.call, p.with)
}

// forGood returns the code with which the mandate or the method forbids a payment for
// good; "" where it is not they, or not for good.
func forGood(refusal error) domain.Code {
	var violations *mandate.Violations
	switch {
	case errors.As(refusal, &violations):
		code := violations.Broken[0].Code
		for _, broken := range violations.Broken {
			if broken.Code == mandate.NotActive {
				code = mandate.NotActive
			}
		}
		return code
	case errors.Is(refusal, method.ErrUnusable), errors.Is(refusal, method.ErrExpired), errors.Is(refusal, method.ErrUnknown):
		return subscription.CodeMethodUnusable
	}
	return ""
}
