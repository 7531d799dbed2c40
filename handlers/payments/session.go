package payments

import (
	"context"
	"slices"
	"time"

	"tender/acquirers"
	"tender/domain"
	"tender/domain/collect"
	"tender/domain/customer"
	"tender/domain/id"
	"tender/domain/merchant"
	"tender/domain/payment"
	"tender/domain/session"
	"tender/eventstore"
	"tender/handlers/engine"
	"tender/handlers/people"
	"tender/handlers/problem"
)

// ClaimCheckout is the kind of look-up key by which a checkout finds its session.
const ClaimCheckout = "checkout"

// CreateSession makes a session that a customer comes to, and with newcomer the
// customer. Where the id, the URL and the time are not for the caller to choose,
// they are set here.
func (s *Service) CreateSession(ctx context.Context, origin engine.Origin, k *eventstore.IdempotencyKey, newcomer *customer.Create, c session.Create) (engine.Done, error) {
	sessionID := c.SessionID()
	return s.Engine.Do(ctx, engine.Command{
		Origin: origin, Key: k.About(sessionID), Subject: sessionID,
		Decide: func(ctx context.Context, tx *engine.Tx) error {
			m, err := s.Permitted(ctx, tx)
			if err != nil {
				return err
			}
			if err := allowsReturn(m, tx.Origin.Actor, c.ReturnURL); err != nil {
				return err
			}
			if err := allowsFrame(m, c.Options.Presentation()); err != nil {
				return err
			}
			if err := s.offers(c); err != nil {
				return err
			}
			c, err := s.replaces(ctx, tx, c)
			if err != nil {
				return err
			}
			owner, err := s.ownerOf(ctx, tx, newcomer, c)
			if err != nil {
				return err
			}
			c.Now, c.Country = tx.Now, m.Settings.Country
			changes, err := collect.CreateSession(owner, newcomer, s.Takes(m), c)
			if err != nil {
				return err
			}
			s.write(tx, changes)
			tx.Claim(eventstore.Claim{Kind: ClaimCheckout, Value: c.CheckoutID, Stream: sessionID})
			tx.Answer(c.ID, 201, sessionID)
			return nil
		},
	})
}

// ownerOf reads the customer whom a new session names, and takes their time; or that
// of the clock which a new customer shall live on.
func (s *Service) ownerOf(ctx context.Context, tx *engine.Tx, newcomer *customer.Create, c session.Create) (customer.State, error) {
	if newcomer != nil && newcomer.ClockID != "" {
		clock, err := engine.Read(ctx, tx, s.Engine.ClockObjects, newcomer.ClockID)
		if err != nil {
			return customer.State{}, err
		}
		if clock.Value.ID == "" || clock.MerchantID != tx.Origin.MerchantID {
			return customer.State{}, &domain.Refusal{
				Code: problem.Invalid, Field: "/options/customer/test_clock_id", Detail: "There is no such test clock.",
			}
		}
		return customer.State{}, tx.OnClock(ctx, newcomer.ClockID)
	}
	if newcomer != nil || c.CustomerID == "" {
		return customer.State{}, nil
	}
	owner, err := s.readCustomer(ctx, tx, c.CustomerID)
	if err != nil {
		return owner, err
	}
	return owner, tx.OnClock(ctx, owner.ClockID)
}

// allowsReturn holds sessions that a browser makes to the merchant's own pages.
func allowsReturn(m merchant.State, by domain.Actor, url string) error {
	if by.Kind != domain.ActorMerchant || m.Keys[by.ID].Kind != merchant.KeyPublic || url == "" || m.AllowsReturnURL(url) {
		return nil
	}
	return &domain.Refusal{
		Code: problem.NotAllowed, Field: "/options/checkout_options/return_url",
		Detail: "With a public key the return URL must be one that the merchant allows.",
	}
}

// allowsFrame refuses an embedded checkout to merchants who have named no page that
// it may be embedded in.
func allowsFrame(m merchant.State, p session.PresentationMode) error {
	if !p.Embedded() || len(m.Settings.AllowedOrigins) > 0 {
		return nil
	}
	return &domain.Refusal{
		Code: problem.NotAllowed, Field: "/options/checkout_options/presentation_mode/mode",
		Detail: "The embedded modes need the merchant's allowed_origins: the pages that may show the checkout.",
	}
}

// offers refuses a session that the acquirer could not carry out.
func (s *Service) offers(c session.Create) error {
	if err := supported(s.Acquirer, true, ""); err != nil {
		return err
	}
	can := s.Acquirer.Capabilities()
	if can.Currencies != nil && !slices.Contains(can.Currencies, c.Currency) {
		return supported(s.Acquirer, false, "the currency "+c.Currency)
	}
	if err := supported(s.Acquirer, c.Amount > 0 || can.Verification, "the verification of payment methods"); err != nil {
		return err
	}
	return supported(s.Acquirer, c.CaptureMethod != payment.CaptureManual || can.ManualCapture, "manual capture")
}

// CancelSession gives a session up. While the customer has to act elsewhere, the
// acquirer closes the attempt first; then outstanding is true if it has not
// answered in time.
func (s *Service) CancelSession(ctx context.Context, origin engine.Origin, k *eventstore.IdempotencyKey, sessionID string, by session.CancelledBy) (done engine.Done, outstanding bool, err error) {
	var closing string
	done, err = s.Engine.Do(ctx, engine.Command{
		Origin: origin, Key: k.About(sessionID), Subject: sessionID,
		Decide: func(ctx context.Context, tx *engine.Tx) error {
			closing = ""
			st, p, err := s.readSession(ctx, tx, sessionID)
			if err != nil {
				return err
			}
			changes, err := collect.CancelSession(st, p, collect.Cancel{ID: tx.Origin.CommandID, By: by, Now: tx.Now})
			if err != nil {
				return err
			}
			s.write(tx, changes)
			if p.InFlight() {
				closing = p.Attempt.Key
				return nil
			}
			tx.Answer(tx.Origin.CommandID, 200, sessionID)
			return nil
		},
	})
	if err != nil || closing == "" {
		return done, false, err
	}
	var unasked error
	ended := s.await(ctx, func(ctx context.Context) { _, _, unasked = s.ask(ctx, closing) })
	if !ended {
		return done, true, nil
	}
	return s.cancelled(ctx, sessionID, done, unasked)
}

// cancelled says what became of a cancel that had to wait for the acquirer.
func (s *Service) cancelled(ctx context.Context, sessionID string, done engine.Done, err error) (engine.Done, bool, error) {
	if err != nil {
		s.Log.WarnContext(ctx, "attempt not closed yet", "session", sessionID, "error", err)
		return done, true, nil
	}
	ref := s.Engine.Sessions.Ref(sessionID)
	if err := s.Engine.Refresh(ctx, ref); err != nil {
		return done, false, err
	}
	switch ref.Value.Status {
	case session.StatusCancelled:
		// What was appended here was the wish; the answer was settled by whoever
		// recorded the attempt's end.
		return engine.Done{}, false, nil
	case session.StatusActive:
		return done, true, nil
	case session.StatusCompleted, session.StatusExpired:
	}
	return done, false, problem.From(collect.ErrSessionNotActive)
}

// ExpireSession ends a session that is past its time.
func (s *Service) ExpireSession(ctx context.Context, origin engine.Origin, sessionID string) (engine.Done, error) {
	return s.Engine.Do(ctx, engine.Command{
		Origin: origin, Subject: sessionID, Unbounded: true,
		Decide: func(ctx context.Context, tx *engine.Tx) error {
			st, p, err := s.readSession(ctx, tx, sessionID)
			if err != nil {
				return err
			}
			tx.Because(sessionID, session.Created{}.Type())
			s.write(tx, collect.ExpireSession(st, p, tx.Now))
			return nil
		},
	})
}

// readSession reads a session and its payment, if it has one, for a caller who
// may see them.
func (s *Service) readSession(ctx context.Context, tx *engine.Tx, sessionID string) (session.State, payment.State, error) {
	var none payment.State
	if tx.Origin.Actor.Kind == domain.ActorMerchant {
		if _, err := s.Permitted(ctx, tx); err != nil {
			return session.State{}, none, err
		}
	}
	st, err := engine.Read(ctx, tx, s.Engine.Sessions, sessionID)
	if err != nil {
		return session.State{}, none, err
	}
	if !st.Value.Exists() || tx.Origin.MerchantID != "" && st.MerchantID != tx.Origin.MerchantID {
		return session.State{}, none, notFound("payment session")
	}
	tx.Origin.MerchantID = st.MerchantID
	if err := tx.OnClock(ctx, st.Value.ClockID); err != nil {
		return session.State{}, none, err
	}
	if st.Value.PaymentID == "" {
		return st.Value, none, nil
	}
	p, err := engine.Read(ctx, tx, s.Engine.Payments, st.Value.PaymentID)
	if err != nil {
		return session.State{}, none, err
	}
	return st.Value, p.Value, nil
}

// write adds a decision about a session and whatever it concerns to tx.
func (s *Service) write(tx *engine.Tx, c collect.Changes) { s.writeAt(tx, c, time.Time{}) }

// writeAt is write for what the acquirer dates: what happens to the payment. The
// session comes last: it is what requests are answered with, and the position that
// they are told must be the decision's end.
func (s *Service) writeAt(tx *engine.Tx, c collect.Changes, effectiveAt time.Time) {
	if c.Payment.New {
		engine.Create(tx, s.Engine.Payments, c.Payment.ID)
	}
	people.Write(tx, s.Engine, c)
	engine.WriteAt(tx, payment.Codec, c.Payment.ID, effectiveAt, c.Payment.Events...)
	if c.Session.New {
		engine.Create(tx, s.Engine.Sessions, c.Session.ID)
	}
	engine.Write(tx, session.Codec, c.Session.ID, c.Session.Events...)
}

// supported refuses what the acquirer can't do, before it is called.
func supported(a acquirers.Acquirer, ok bool, what string) error {
	if a == nil {
		return domain.Refuse(problem.NoAcquirer, "No acquirer is configured for this mode.")
	}
	if !ok {
		return domain.Refuse(problem.NotSupportedByAcquirer, "The acquirer "+a.Name()+" does not support "+what+".")
	}
	return nil
}

// PaymentOf returns the payment that an operation's key belongs to.
func PaymentOf(key string) (paymentID, operation string, ok bool) {
	for i := range key {
		if key[i] == '-' {
			return key[:i], key[i+1:], id.Valid(id.Payment, key[:i])
		}
	}
	return "", "", false
}
