package payments

import (
	"context"

	"tender/acquirers"
	"tender/domain/decline"
	"tender/domain/payment"
	"tender/handlers/engine"
	"tender/handlers/limits"
)

// followUp does what an outcome leads to beside the log, once it is there.
func (s *Service) followUp(ctx context.Context, a acquirers.Answer, done engine.Done, recorded []payment.Event) {
	s.alarm(ctx, a, done, recorded)
	s.count(ctx, a.Key, recorded)
	s.reverse(ctx, recorded)
}

// alarm says aloud what people have to look at.
func (s *Service) alarm(ctx context.Context, a acquirers.Answer, done engine.Done, events []payment.Event) {
	for _, c := range done.Taken {
		s.Log.ErrorContext(ctx, "the acquirer's reference belongs to another payment", "reference", c.Value, "payment", c.Stream)
	}
	for _, e := range events {
		switch e := e.(type) {
		case payment.Contradicted:
			s.Log.ErrorContext(ctx, "the acquirer contradicts what is recorded", "key", e.Key, "performed", e.Performed, "reference", e.Reference)
		case payment.ReversalFailed:
			s.Log.ErrorContext(ctx, "the acquirer did not give back what should not stand", "key", a.Key, "reason", e.Failure.ErrorCode)
		}
	}
}

// count tells the guard what became of a customer's attempt. Payments without the
// customer are none: nobody could try anything out by them.
func (s *Service) count(ctx context.Context, key string, recorded []payment.Event) {
	paymentID, _, _ := PaymentOf(key)
	p := s.Engine.Payments.Ref(paymentID)
	if p.Version == 0 || p.Value.MandateID != "" {
		return
	}
	for _, e := range recorded {
		switch e := e.(type) {
		case payment.Paid, payment.Authorised, payment.Verified:
			s.Guard.Count(ctx, p.MerchantID, key, limits.Succeeded)
		case payment.AttemptFailed:
			s.Guard.Count(ctx, p.MerchantID, key, blame(e.Failure))
		}
	}
}

// blame says whether a failure tells something of the card or the customer. One who
// gives up, or is away too long, may have seen all that they wanted to know.
func blame(f payment.Failure) limits.Outcome {
	switch f.ErrorCode {
	case decline.ProcessingError, decline.PaymentMethodUnavailable:
		return limits.NobodysFault
	case decline.CardDeclined, decline.AuthenticationFailed, decline.ExpiredCard, decline.IncorrectCVC, decline.CustomerCancelled, decline.TimedOut:
	}
	return limits.Failed
}

// reverse gives back what a contradiction has shown should not stand. Nobody waits
// for it: it is carried out beside whatever the answer was recorded for.
func (s *Service) reverse(ctx context.Context, events []payment.Event) {
	for _, e := range events {
		intent, reverses := e.(payment.ReversalRequested)
		if !reverses {
			continue
		}
		op := payment.Operation{
			ID: intent.ReversalID, Kind: payment.OperationReversal, Amount: intent.Amount,
			Key: intent.Key, Reference: intent.Reference, PaysBack: intent.Refund,
		}
		s.running.Go(func() {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), payment.AnswerWindow)
			defer cancel()
			// What it came to is recorded, or a worker asks for it.
			_, _, _ = s.conclude(ctx, op.Key, func(ctx context.Context) (acquirers.Answer, error) {
				return s.call(ctx, op, intent.Currency)
			})
		})
	}
}
