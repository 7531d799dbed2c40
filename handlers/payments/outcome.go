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
			recorded, err = s.record(ctx, tx, p, operation, a)
			return err
		},
	})
	if err != nil {
		return done, false, err
	}
	s.followUp(ctx, a, done, recorded)
	for _, e := range recorded {
		if p, refused := declined(e); refused {
			return done, true, p
		}
	}
	return done, final(a), nil
}

// record adds to tx what an answer means to everybody whom it concerns, and settles
// the request that an operation carries out.
func (s *Service) record(ctx context.Context, tx *engine.Tx, p payment.State, operation string, a acquirers.Answer) ([]payment.Event, error) {
	command, ours := commandOf(operation)
	if !ours && !isReversal(operation) {
		return s.recordAttempt(ctx, tx, p, a)
	}
	recorded, err := s.recordOperation(ctx, tx, p, a)
	if err == nil && len(recorded) > 0 && ours {
		answerOperation(tx, command, p.ID, recorded)
	}
	return recorded, err
}

// final reports whether an answer is the acquirer's last word on what was asked, as
// far as it knows now.
func final(a acquirers.Answer) bool {
	return a.Status != acquirers.StatusActionRequired && a.Status != acquirers.StatusPending
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
	s.claim(tx, p, a)
	return events, nil
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
		s.claim(tx, p, a)
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
// holds it, that is an alarm: what happened outside is recorded all the same. What a
// person says happened is refused.
func (s *Service) claim(tx *engine.Tx, p payment.State, a acquirers.Answer) {
	if a.Reference == "" {
		return
	}
	tx.Claim(eventstore.Claim{
		Kind: ClaimReference, Value: referenceValue(p, a.Reference), Stream: p.ID, Soft: tx.Origin.Actor.Kind != domain.ActorStaff,
	})
}

// referenceValue is an acquirer's reference among those of all acquirers.
func referenceValue(p payment.State, reference string) string { return p.Acquirer + "/" + reference }

// failureOf says why, in the API's closed table of reasons.
func failureOf(a acquirers.Answer) decline.Failure {
	if a.Status == acquirers.StatusClosed {
		return decline.New(decline.ProcessingError, "")
	}
	return decline.New(decline.ErrorCode(a.ErrorCode), decline.Code(a.DeclineCode))
}
