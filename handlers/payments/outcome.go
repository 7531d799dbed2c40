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
	"tender/handlers/problem"
)

// ClaimReference is the kind of look-up key by which an acquirer's reference
// finds its payment.
const ClaimReference = "acquirer_reference"

// conclude makes one call and records what it says. Settled is false while the
// outcome is unknown. A refusal by the acquirer comes back as the problem that
// the request is answered with.
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
	// again until the window ends in which only this process acts; then a worker
	// asks the acquirer anew.
	deadline := time.Now().Add(payment.AnswerWindow)
	for wait := 10 * time.Millisecond; ; wait = min(2*wait, outcomeRetryMax) {
		done, settled, err := s.Record(ctx, answer)
		var shown problem.Problem
		if err == nil || errors.As(err, &shown) || time.Now().After(deadline) {
			return done, settled, err
		}
		s.Log.WarnContext(ctx, "the outcome could not be recorded yet", "key", key, "error", err)
		time.Sleep(wait)
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
	if a.Status == acquirers.StatusPending {
		return done, false, nil
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
			if command, ours := commandOf(operation); ours || isReversal(operation) {
				recorded, err = s.recordOperation(tx, p, a)
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
	for _, e := range recorded {
		if p, refused := declined(e); refused {
			return done, true, p
		}
	}
	return done, a.Status != acquirers.StatusActionRequired, nil
}

func isReversal(operation string) bool { return len(operation) > 4 && operation[:4] == "rev_" }

func (s *Service) recordOperation(tx *engine.Tx, p payment.State, a acquirers.Answer) ([]payment.Event, error) {
	c := payment.SettleOperation{Key: a.Key, Performed: a.Status == acquirers.StatusApproved, Reference: a.Reference}
	if !c.Performed {
		c.Failure = failureOf(a)
	}
	events, err := payment.Decide(p, c)
	if err != nil {
		return nil, err
	}
	engine.WriteAt(tx, payment.Codec, p.ID, a.EffectiveAt, events...)
	s.claim(tx, p.ID, a)
	return events, nil
}

// answerOperation settles the idempotency key of the request that an operation
// carries out.
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
		ExpiresAt: a.ExpiresAt, Now: tx.Now,
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
		return nil, nil
	default:
		return nil, errors.AssertionFailedf("the acquirer's status %q is not known", a.Status)
	}
	changes := collect.SettleAttempt(st.Value, p, o)
	engine.WriteAt(tx, payment.Codec, p.ID, a.EffectiveAt, changes.Payment...)
	engine.Write(tx, session.Codec, p.SessionID, changes.Session...)
	if o.Kind == collect.OutcomeApproved {
		s.claim(tx, p.ID, a)
	}
	answerCancel(tx, st.Value, changes.Session)
	return changes.Payment, nil
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
			s.Log.ErrorContext(ctx, "the acquirer did not release a reservation", "key", a.Key, "reason", e.Failure.ErrorCode)
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
