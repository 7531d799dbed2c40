package payments

import (
	"context"
	"net/http"

	"tender/acquirers"
	"tender/domain/collect"
	"tender/domain/customer"
	"tender/domain/id"
	"tender/domain/mandate"
	"tender/domain/merchant"
	"tender/domain/method"
	"tender/domain/payment"
	"tender/domain/session"
	"tender/eventstore"
	"tender/handlers/engine"
)

// Charge makes a payment without the customer: the session, its payment and the
// intent in one append, the call, and the outcome. Outstanding is true if the
// acquirer has not answered in time. What the mandate or the method does not allow
// is refused before anything is sent.
func (s *Service) Charge(ctx context.Context, origin engine.Origin, k *eventstore.IdempotencyKey, c session.Create) (done engine.Done, outstanding bool, err error) {
	sessionID := c.SessionID()
	var call acquirers.Authorisation
	var with method.State
	done, err = s.Engine.Do(ctx, engine.Command{
		Origin: origin, Key: k.About(sessionID), Subject: sessionID,
		Decide: func(ctx context.Context, tx *engine.Tx) error {
			m, err := s.Permitted(ctx, tx)
			if err != nil {
				return err
			}
			if err := s.offers(c); err != nil {
				return err
			}
			w, err := s.chooses(ctx, tx, c)
			if err != nil {
				return err
			}
			c := c
			c.Now, c.Country = tx.Now, m.Settings.Country
			charge := *c.Charge
			charge.MandateID = w.Mandate.ID
			c.Charge = &charge
			changes, err := collect.StartCharge(w, collect.Charge{ID: c.ID, Session: c, Acquirer: s.Acquirer.Name(), Takes: s.acquirerTakes()})
			if err != nil {
				return err
			}
			s.write(tx, changes)
			with, call = w.Method, withoutCustomer(asked(c, m, started(changes).Key), w.Mandate, w.Method)
			return nil
		},
	})
	if err != nil {
		return done, false, err
	}
	outcome, settled := s.collect(ctx, call, with)
	if !settled {
		return done, true, nil
	}
	return outcome, false, nil
}

// collect sends a payment without the customer, and records what it came to.
func (s *Service) collect(ctx context.Context, call acquirers.Authorisation, with method.State) (outcome engine.Done, settled bool) {
	ended := s.await(ctx, func(ctx context.Context) {
		// What it came to, the session tells: a decline is an outcome like any other.
		outcome, settled, _ = s.conclude(ctx, call.Key, s.authorises(call, with))
	})
	if !ended {
		return engine.Done{}, false
	}
	return outcome, settled
}

// asked is what a session wants of the acquirer.
func asked(c session.Create, m merchant.State, key string) acquirers.Authorisation {
	return acquirers.Authorisation{
		Key: key, Payee: m.Settings.Name, Amount: c.Amount, Currency: c.Currency, Country: c.Country, Capture: c.CaptureMethod != payment.CaptureManual,
	}
}

// withoutCustomer adds to what the acquirer is asked how it is to be taken when nobody
// is present.
func withoutCustomer(call acquirers.Authorisation, under mandate.State, with method.State) acquirers.Authorisation {
	call.Initiator, call.StoredCredential = acquirers.InitiatorMerchant, acquirers.StoredCredentialSubsequent
	call.Reason, call.Authentication = reasonOf(under.Terms.Kind), acquirers.AuthenticationNone
	call.FirstReference, call.NetworkTransactionID = under.Reference, under.NetworkTransactionID
	if call.NetworkTransactionID == "" {
		call.NetworkTransactionID = with.NetworkTransactionID
	}
	return call
}

func reasonOf(k mandate.Kind) acquirers.Reason {
	switch k {
	case mandate.KindScheduled:
		return acquirers.ReasonRecurring
	case mandate.KindInstalment:
		return acquirers.ReasonInstalment
	case mandate.KindOnDemand:
	}
	return acquirers.ReasonUnscheduled
}

// chooses reads the customer, the method and the mandate of a payment without the
// customer, and takes their time. Which mandate is meant rests on the streams that
// name them.
func (s *Service) chooses(ctx context.Context, tx *engine.Tx, c session.Create) (collect.Parties, error) {
	owner, err := s.readCustomer(ctx, tx, c.CustomerID)
	if err != nil {
		return collect.Parties{}, err
	}
	if err := tx.OnClock(ctx, owner.ClockID); err != nil {
		return collect.Parties{}, err
	}
	w, err := s.partiesOf(ctx, tx, session.State{CustomerID: owner.ID}, c.Charge.PaymentMethodID)
	if err != nil {
		return w, err
	}
	candidates := w.Method.Mandates
	if c.Charge.MandateID != "" {
		candidates = []string{c.Charge.MandateID}
	}
	var mandates []mandate.State
	for _, mandateID := range candidates {
		m, err := engine.Read(ctx, tx, s.Engine.Mandates, mandateID)
		if err != nil {
			return w, err
		}
		mandates = append(mandates, m.Value)
	}
	w.Mandate, err = collect.ChooseMandate(w.Customer, w.Method, mandates, c.Charge.MandateID)
	return w, err
}

// readCustomer reads a customer who must be the caller's.
func (s *Service) readCustomer(ctx context.Context, tx *engine.Tx, customerID string) (customer.State, error) {
	c, err := engine.Read(ctx, tx, s.Engine.Customers, customerID)
	if err != nil {
		return customer.State{}, err
	}
	if !c.Value.Exists() || c.Value.Erased || tx.Origin.MerchantID != "" && c.MerchantID != tx.Origin.MerchantID {
		return customer.State{}, customer.ErrUnknown
	}
	return c.Value, nil
}

// answerCharge settles the idempotency key of the request that a payment without the
// customer was made by: its session's id is made from the command's.
func answerCharge(tx *engine.Tx, c collect.Changes) {
	if _, completed := c.Completed(); !completed {
		return
	}
	if command, ok := id.Parse(id.Session, c.Session.ID); ok {
		tx.Answer(command, http.StatusCreated, c.Session.ID)
	}
}
