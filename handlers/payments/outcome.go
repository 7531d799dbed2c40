package payments

import (
	"context"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/google/uuid"

	"tender/acquirers"
	"tender/domain"
	"tender/domain/collect"
	"tender/domain/decline"
	"tender/domain/payment"
	"tender/domain/session"
	"tender/eventstore"
	"tender/handlers/engine"
	"tender/handlers/limits"
	"tender/handlers/problem"
)

// ClaimReference is the kind of look-up key by which an acquirer's reference
// finds its payment.
const ClaimReference = "acquirer_reference"

// conclude makes one call and records what it says, for as long as ctx lets it.
// Settled is false while the outcome is unknown. A refusal by the acquirer comes
// back as the problem that the request is answered with.
func (s *Service) conclude(ctx context.Context, key string, call func(context.Context) (acquirers.Answer, error)) (engine.Done, bool, error) {
	callCtx, cancel := context.WithTimeout(ctx, payment.CallTimeout)
	answer, err := call(callCtx)
	cancel()
	if err != nil {
		s.Log.WarnContext(ctx, "the acquirer's answer is unknown", "key", key, "error", err)
		return engine.Done{}, false, nil
	}
	answer.Key = key
	// The word of the outside is not lost for want of a database: it is offered
	// again until ctx ends; then a worker asks the acquirer anew.
	for wait := outcomeRetryMin; ; wait = min(2*wait, outcomeRetryMax) {
		done, settled, err := s.Record(ctx, answer)
		var shown problem.Problem
		if err == nil || errors.As(err, &shown) {
			return done, settled, err
		}
		s.Log.WarnContext(ctx, "the outcome could not be recorded yet", "key", key, "error", err)
		select {
		case <-ctx.Done():
			return done, settled, err
		case <-time.After(wait):
		}
	}
}

// ask has the acquirer say what became of key, or close it, and records that.
func (s *Service) ask(ctx context.Context, key string) (engine.Done, error) {
	callCtx, cancel := context.WithTimeout(ctx, payment.CallTimeout)
	defer cancel()
	answer, err := s.Acquirer.Settle(callCtx, key)
	if err != nil {
		return engine.Done{}, errors.Wrap(err, "settle with the acquirer")
	}
	answer.Key = key
	done, _, err := s.Record(ctx, answer)
	if errors.As(err, new(problem.Problem)) {
		return done, nil // a decline is an outcome like any other
	}
	return done, err
}

// Settle ends the doubt about key. Workers call it for intents whose window is
// over, and for customers who did not come back.
func (s *Service) Settle(ctx context.Context, key string) (engine.Done, error) {
	if s.Acquirer == nil {
		return engine.Done{}, errors.New("no acquirer is configured for this mode")
	}
	if done, settled, err := s.sendAgain(ctx, key); settled || err != nil {
		return done, err
	}
	return s.ask(ctx, key)
}

// Record appends what the acquirer says of an operation: at once, when asked, or
// in a notification. The same word twice changes nothing. Settled is false where
// the word was not final.
func (s *Service) Record(ctx context.Context, a acquirers.Answer) (done engine.Done, settled bool, err error) {
	paymentID, operation, ok := PaymentOf(a.Key)
	if !ok {
		return done, false, notFound("payment")
	}
	var recorded []payment.Event
	done, err = s.Engine.Do(ctx, engine.Command{
		Origin: engine.Origin{
			CommandID: engine.NewID(), Actor: domain.Actor{Kind: domain.ActorAcquirer, ID: s.Acquirer.Name()},
		},
		Subject: paymentID, Unbounded: true,
		Decide: func(ctx context.Context, tx *engine.Tx) error {
			p, err := s.readPayment(ctx, tx, paymentID)
			if err != nil {
				return err
			}
			tx.Because(paymentID, a.Key)
			if command, ours := commandOf(operation); ours || isReversal(operation) {
				recorded, err = s.recordOperation(ctx, tx, p, a)
				if err == nil && len(recorded) > 0 && ours {
					answerOperation(tx, command, paymentID, recorded)
				}
			} else {
				recorded, err = s.recordAttempt(ctx, tx, p, a)
			}
			return err
		},
	})
	if err != nil {
		return done, false, err
	}
	s.alarm(ctx, a, done, recorded)
	s.count(ctx, a.Key, recorded)
	s.reverse(ctx, recorded)
	for _, e := range recorded {
		if p, refused := declined(e); refused {
			return done, true, p
		}
	}
	return done, final(a), nil
}

// final reports whether an answer is the acquirer's last word on what was asked, as
// far as it knows now.
func final(a acquirers.Answer) bool {
	return a.Status != acquirers.StatusActionRequired && a.Status != acquirers.StatusPending
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

func isReversal(operation string) bool { return len(operation) > 4 && operation[:4] == "rev_" }

func (s *Service) recordOperation(ctx context.Context, tx *engine.Tx, p payment.State, a acquirers.Answer) ([]payment.Event, error) {
	if !final(a) {
		return nil, nil // the answer comes by itself
	}
	c := payment.SettleOperation{
		ID: tx.Origin.CommandID, Key: a.Key, Performed: a.Status == acquirers.StatusApproved, Reference: a.Reference, Now: tx.Now,
	}
	if !c.Performed {
		c.Failure = failureOf(a)
	}
	events, err := payment.Decide(p, c)
	if err != nil {
		return nil, err
	}
	if err := s.writeOperation(ctx, tx, p, a.EffectiveAt, events); err != nil {
		return nil, err
	}
	s.claim(tx, p.ID, a)
	return events, nil
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

// answerOperation settles the idempotency key of the request that an operation
// carries out: with the acquirer's first word on it, later ones change nothing.
func answerOperation(tx *engine.Tx, command uuid.UUID, paymentID string, events []payment.Event) {
	for _, e := range events {
		if p, refused := declined(e); refused {
			tx.AnswerProblem(command, p, paymentID)
			return
		}
	}
	tx.Answer(command, 200, paymentID)
}

func (s *Service) recordAttempt(ctx context.Context, tx *engine.Tx, p payment.State, a acquirers.Answer) ([]payment.Event, error) {
	st, err := engine.Read(ctx, tx, s.Engine.Sessions, p.SessionID)
	if err != nil {
		return nil, err
	}
	o := collect.Outcome{
		ID: tx.Origin.CommandID, Key: a.Key, Reference: a.Reference, URL: a.RedirectURL,
		NetworkTransactionID: a.NetworkTransactionID, ThreeDSecure: string(a.ThreeDSecure),
		ExpiresAt: onClock(a.ExpiresAt, p, tx.Now), Now: tx.Now,
	}
	switch a.Status {
	case acquirers.StatusApproved:
		o.Kind = collect.OutcomeApproved
	case acquirers.StatusDeclined:
		o.Kind, o.Failure = collect.OutcomeDeclined, failureOf(a)
	case acquirers.StatusActionRequired:
		o.Kind = collect.OutcomeActionRequired
	case acquirers.StatusClosed:
		o.Kind = collect.OutcomeClosed
	case acquirers.StatusPending:
		o.Kind = collect.OutcomePending
	default:
		return nil, errors.AssertionFailedf("the acquirer's status %q is not known", a.Status)
	}
	w, err := s.parties(ctx, tx, p)
	if err != nil {
		return nil, err
	}
	if w.Replaced, err = s.replaced(ctx, tx, st.Value); err != nil {
		return nil, err
	}
	changes, err := collect.SettleAttempt(st.Value, p, w, o)
	if err != nil {
		return nil, err
	}
	if changes, err = s.subscribed(ctx, tx, st.Value, w.Customer, o, changes); err != nil {
		return nil, err
	}
	s.writeAt(tx, changes, a.EffectiveAt)
	if !st.Value.Attended() {
		answerCharge(tx, changes)
	}
	if o.Kind == collect.OutcomeApproved {
		s.claim(tx, p.ID, a)
	}
	answerCancel(tx, st.Value, changes.Session.Events)
	return changes.Payment.Events, nil
}

// onClock is the instant by a payment's own time that the acquirer names by the
// wall's: as far ahead as it was when the attempt began, to the minute, so that what
// happens on a test clock doesn't depend on how quickly anybody answers.
func onClock(t time.Time, p payment.State, now domain.Moment) time.Time {
	if t.IsZero() || p.ClockID == "" {
		return t
	}
	begun := p.Attempt.AnswerBy.Add(-payment.AnswerWindow)
	return now.At.Add(t.Sub(begun).Round(time.Minute))
}

// answerCancel settles the idempotency key of a cancel that had to wait for the
// attempt's end.
func answerCancel(tx *engine.Tx, s session.State, events []session.Event) {
	if s.CancelRequested == "" {
		return
	}
	command, err := uuid.Parse(s.CancelCommand)
	if err != nil {
		return // it came from the checkout, where no key is kept
	}
	for _, e := range events {
		switch e.(type) {
		case session.Cancelled:
			tx.Answer(command, 200, s.ID)
		case session.Completed, session.Expired:
			tx.AnswerProblem(command, problem.From(collect.ErrSessionNotActive), s.ID)
		case session.Created, session.AttemptStarted, session.AttemptFailed, session.CancelRequested:
		}
	}
}

// claim takes the acquirer's reference for the payment. Where another payment
// holds it, that is an alarm: what happened outside is recorded all the same.
func (s *Service) claim(tx *engine.Tx, paymentID string, a acquirers.Answer) {
	if a.Reference == "" {
		return
	}
	tx.Claim(eventstore.Claim{
		Kind: ClaimReference, Value: s.Acquirer.Name() + "/" + a.Reference, Stream: paymentID, Soft: true,
	})
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

// failureOf says why, in the API's closed table of reasons.
func failureOf(a acquirers.Answer) decline.Failure {
	if a.Status == acquirers.StatusClosed {
		return decline.New(decline.ProcessingError, "")
	}
	return decline.New(decline.ErrorCode(a.ErrorCode), decline.Code(a.DeclineCode))
}
