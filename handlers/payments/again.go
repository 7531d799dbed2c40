package payments

import (
	"context"

	"tender/acquirers"
	"tender/domain/method"
	"tender/domain/payment"
	"tender/handlers/engine"
)

// sendAgain sends once more what was sent on a test clock without the customer, and
// went unanswered. Under the same key the acquirer performs it at most once, and says
// what it did if it has performed it already. The clock stands where it stood, so
// this is still the moment of the try: a process that was killed before it could send
// changes nothing of what happens on the clock. By the wall time has passed, and
// what was not performed then is not made good for now. Settled is false where there
// is nothing to send, or no answer came again.
func (s *Service) sendAgain(ctx context.Context, key string) (done engine.Done, settled bool, err error) {
	paymentID, _, ok := PaymentOf(key)
	if !ok {
		return done, false, nil
	}
	g := s.Engine
	p := g.Payments.Ref(paymentID)
	if err := g.Refresh(ctx, p); err != nil {
		return done, false, err
	}
	sent := p.Value.Attempt.AnswerBy.Add(-payment.AnswerWindow)
	if s.Engine.Now().Wall.Sub(sent) >= s.Acquirer.Capabilities().KeyMemory {
		return done, false, nil // the acquirer may take an old key for a new one
	}
	if p.Value.ClockID == "" || !p.Value.InFlight() || p.Value.Attempt.Key != key || p.Value.MandateID == "" {
		return done, false, nil
	}
	st, with, under := g.Sessions.Ref(p.Value.SessionID), g.Methods.Ref(p.Value.Attempt.PaymentMethodID), g.Mandates.Ref(p.Value.MandateID)
	if err := g.Refresh(ctx, st, with, under); err != nil {
		return done, false, err
	}
	if st.Value.Attended() || !under.Value.Active() || with.Value.Available() != nil || with.Value.Unusable {
		return done, false, nil
	}
	call := withoutCustomer(acquirers.Authorisation{
		Key: key, Amount: st.Value.Amount, Currency: st.Value.Currency, Country: st.Value.Country,
		Capture: st.Value.CaptureMethod != payment.CaptureManual,
	}, under.Value, with.Value)
	// What it came to is recorded, or the acquirer is asked for it.
	done, settled, _ = s.conclude(ctx, key, s.authorises(call, with.Value))
	return done, settled, nil
}

// authorises is the call that a saved method is charged by.
func (s *Service) authorises(call acquirers.Authorisation, saved method.State) func(context.Context) (acquirers.Answer, error) {
	return func(ctx context.Context) (acquirers.Answer, error) {
		card, account, err := s.Cards.Open(ctx, saved)
		if err != nil {
			return acquirers.Answer{}, err
		}
		return s.Acquirer.Authorise(ctx, with(call, saved.Details.Type, card, account))
	}
}
