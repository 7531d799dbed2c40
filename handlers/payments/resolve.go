package payments

import (
	"context"
	"slices"
	"sync"

	"github.com/cockroachdb/errors"

	"tender/acquirers"
	"tender/domain"
	"tender/domain/payment"
	"tender/eventstore"
	"tender/handlers/engine"
	"tender/handlers/problem"
)

// Limits of asking at an operator's wish.
const (
	askMax      = 16 // calls of a payment, the longest wait first
	askParallel = 8
)

// Refusals of what operators ask for.
var (
	errNothingOverdue = domain.Refuse(problem.NotUnresolved, "No answer of the acquirer's about this payment is overdue.")
	errReferenceTaken = domain.Refuse(problem.ReferenceTaken, "The acquirer's reference belongs to another payment.")
)

// AskedCall is a call that the acquirer was asked about, and what it said.
type AskedCall struct {
	payment.Call
	Answer acquirers.Status // [AnswerNone]: it said nothing
}

// Ask has the acquirer say now what became of a payment's calls whose answer is
// overdue, as a worker does when their turn comes, and records what it says. Nothing
// is sent again.
func (s *Service) Ask(ctx context.Context, paymentID string) ([]AskedCall, error) {
	if s.Acquirer == nil {
		return nil, supported(nil, true, "")
	}
	p := s.Engine.Payments.Ref(paymentID)
	if err := s.Engine.Refresh(ctx, p); err != nil {
		return nil, err
	}
	wall := s.Engine.Now().Wall
	calls := slices.DeleteFunc(p.Value.Calls(), func(c payment.Call) bool { return !c.Unanswered(wall) })
	if len(calls) == 0 {
		return nil, errNothingOverdue
	}
	slices.SortStableFunc(calls, func(a, b payment.Call) int { return a.AnswerBy.Compare(b.AnswerBy) })
	asked := make([]AskedCall, min(len(calls), askMax))
	failed := make([]error, len(asked))
	var group sync.WaitGroup
	places := make(chan struct{}, askParallel)
	for i := range asked {
		places <- struct{}{}
		group.Go(func() {
			defer func() { <-places }()
			_, answer, err := s.ask(ctx, calls[i].Key)
			if asked[i] = (AskedCall{calls[i], answer}); answer != AnswerNone {
				failed[i] = err // the answer is there, and could not be recorded
			}
		})
	}
	group.Wait()
	return asked, errors.Join(failed...)
}

// Propose takes down what an operator says has become of a call that the acquirer has
// left unanswered. Nothing comes of it until a second person agrees.
func (s *Service) Propose(ctx context.Context, origin engine.Origin, paymentID string, v payment.Verdict, reason string) error {
	_, err := s.Engine.Do(ctx, engine.Command{
		Origin: origin, Subject: paymentID,
		Decide: func(ctx context.Context, tx *engine.Tx) error {
			p, err := s.readPayment(ctx, tx, paymentID)
			if err != nil {
				return err
			}
			events, err := payment.Decide(p, payment.ProposeResolution{
				ID: tx.Origin.CommandID, Verdict: v, Reason: reason, By: tx.Origin.Actor.ID, Now: tx.Now,
			})
			if err != nil {
				return err
			}
			for _, e := range events {
				if said, is := e.(payment.ResolutionProposed); is {
					tx.Because(paymentID, said.Key)
				}
			}
			engine.Write(tx, payment.Codec, paymentID, events...)
			return s.checkReference(ctx, p, v.Reference)
		},
	})
	return err
}

// checkReference refuses a reference that is another payment's already. Whether it is
// when the resolution is confirmed, the append says.
func (s *Service) checkReference(ctx context.Context, p payment.State, reference string) error {
	if reference == "" {
		return nil
	}
	holder, held, err := s.Engine.Store.Claimed(ctx, ClaimReference, referenceValue(p, reference))
	if err != nil || !held || holder == p.ID {
		return err
	}
	return errReferenceTaken
}

// Confirm agrees to a resolution that another person has proposed, and records what
// that means to everybody whom it concerns: the same as the acquirer's answer would.
func (s *Service) Confirm(ctx context.Context, origin engine.Origin, paymentID, resolutionID string) error {
	var recorded []payment.Event
	var answer acquirers.Answer
	done, err := s.Engine.Do(ctx, engine.Command{
		Origin: origin, Subject: paymentID,
		Decide: func(ctx context.Context, tx *engine.Tx) error {
			recorded = nil
			p, err := s.readPayment(ctx, tx, paymentID)
			if err != nil {
				return err
			}
			events, err := payment.Decide(p, payment.ConfirmResolution{ResolutionID: resolutionID, By: tx.Origin.Actor.ID, Now: tx.Now})
			if err != nil || len(events) == 0 {
				return err
			}
			tx.Because(paymentID, resolutionID)
			engine.Write(tx, payment.Codec, paymentID, events...)
			for _, e := range events {
				p = payment.Evolve(p, paymentID, e)
			}
			r, _ := p.Resolution(resolutionID)
			_, operation, _ := PaymentOf(r.Verdict.Key)
			answer = answerOf(r.Verdict)
			recorded, err = s.record(ctx, tx, p, operation, answer)
			return err
		},
	})
	if errors.As(err, new(*eventstore.ClaimTaken)) {
		return errReferenceTaken
	}
	if err != nil {
		return err
	}
	s.followUp(ctx, answer, done, recorded)
	return nil
}

// answerOf is the acquirer's answer that a verdict stands for.
func answerOf(v payment.Verdict) acquirers.Answer {
	if v.Performed {
		return acquirers.Answer{
			Key: v.Key, Status: acquirers.StatusApproved, Reference: v.Reference,
			NetworkTransactionID: v.NetworkTransactionID, EffectiveAt: v.EffectiveAt, ExpiresAt: v.ExpiresAt,
		}
	}
	return acquirers.Answer{
		Key: v.Key, Status: acquirers.StatusDeclined, EffectiveAt: v.EffectiveAt,
		ErrorCode: string(v.Failure.ErrorCode), DeclineCode: string(v.Failure.DeclineCode),
	}
}

// Reject turns a resolution down, or takes it back.
func (s *Service) Reject(ctx context.Context, origin engine.Origin, paymentID, resolutionID, reason string) error {
	_, err := s.Engine.Do(ctx, engine.Command{
		Origin: origin, Subject: paymentID,
		Decide: func(ctx context.Context, tx *engine.Tx) error {
			p, err := s.readPayment(ctx, tx, paymentID)
			if err != nil {
				return err
			}
			events, err := payment.Decide(p, payment.RejectResolution{ResolutionID: resolutionID, Reason: reason, By: tx.Origin.Actor.ID})
			if err != nil {
				return err
			}
			tx.Because(paymentID, resolutionID)
			engine.Write(tx, payment.Codec, paymentID, events...)
			return nil
		},
	})
	return err
}
