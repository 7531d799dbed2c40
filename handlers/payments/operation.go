package payments

import (
	"context"
	"maps"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/google/uuid"

	"tender/acquirers"
	"tender/domain"
	"tender/domain/collect"
	"tender/domain/id"
	"tender/domain/payment"
	"tender/eventstore"
	"tender/handlers/engine"
	"tender/handlers/people"
	"tender/handlers/problem"
)

// Capture takes part or all of what a payment has reserved; amount 0 means all
// that remains. Outstanding is true if the acquirer has not answered in time.
func (s *Service) Capture(ctx context.Context, origin engine.Origin, k *eventstore.IdempotencyKey, paymentID string, amount int64, metadata map[string]string) (done engine.Done, outstanding bool, err error) {
	return s.operate(ctx, origin, k, paymentID, id.Capture, func(p payment.State, tx *engine.Tx) ([]payment.Event, error) {
		events, err := payment.Decide(p, payment.Capture{ID: tx.Origin.CommandID, Amount: amount, Metadata: metadata, Now: tx.Now})
		if err != nil {
			return nil, explain(err, p, amount)
		}
		return events, supported(s.Acquirer, p.Captured == 0 || s.Acquirer.Capabilities().SeveralCaptures, "several captures of one payment")
	})
}

// Void gives back all that remains reserved. Outstanding is true if the acquirer
// has not answered in time.
func (s *Service) Void(ctx context.Context, origin engine.Origin, k *eventstore.IdempotencyKey, paymentID string, metadata map[string]string) (done engine.Done, outstanding bool, err error) {
	return s.operate(ctx, origin, k, paymentID, id.Void, func(p payment.State, tx *engine.Tx) ([]payment.Event, error) {
		events, err := payment.Decide(p, payment.Void{ID: tx.Origin.CommandID, Metadata: metadata, Now: tx.Now})
		if err != nil {
			return nil, explain(err, p, 0)
		}
		return events, supported(s.Acquirer, p.Captured == 0 || s.Acquirer.Capabilities().VoidAfterCapture, "voids after a capture")
	})
}

// Refund pays part or all of what was captured back; amount 0 means all that is
// refundable. Outstanding is true if the acquirer has not answered in time. A
// refund that was performed may still fail, days later: a notification says so.
func (s *Service) Refund(ctx context.Context, origin engine.Origin, k *eventstore.IdempotencyKey, paymentID string, amount int64, reason string, metadata map[string]string) (done engine.Done, outstanding bool, err error) {
	return s.operate(ctx, origin, k, paymentID, id.Refund, func(p payment.State, tx *engine.Tx) ([]payment.Event, error) {
		events, err := payment.Decide(p, payment.Refund{ID: tx.Origin.CommandID, Amount: amount, Reason: reason, Metadata: metadata, Now: tx.Now})
		if err != nil {
			return nil, explain(err, p, amount)
		}
		return events, supported(s.Acquirer, s.Acquirer != nil && s.Acquirer.Capabilities().Refund, "refunds")
	})
}

// ExpireAuthorisation ends an authorisation that is past its time, and asks the
// acquirer to release what remained.
func (s *Service) ExpireAuthorisation(ctx context.Context, origin engine.Origin, paymentID string) (engine.Done, error) {
	done, _, err := s.operate(ctx, origin, nil, paymentID, id.Reversal, func(p payment.State, tx *engine.Tx) ([]payment.Event, error) {
		tx.Because(paymentID, payment.Authorised{}.Type())
		return payment.Decide(p, payment.ExpireAuthorisation{ID: tx.Origin.CommandID, Now: tx.Now})
	})
	return done, err
}

// operate appends the intent of a capture, void, refund or reversal, calls, and
// appends the outcome.
func (s *Service) operate(
	ctx context.Context, origin engine.Origin, k *eventstore.IdempotencyKey, paymentID string, kind id.Prefix,
	decide func(payment.State, *engine.Tx) ([]payment.Event, error),
) (done engine.Done, outstanding bool, err error) {
	var op payment.Operation
	var currency string
	done, err = s.Engine.Do(ctx, engine.Command{
		Origin: origin, Key: k.About(paymentID), Subject: paymentID, Explain: withAmounts,
		Decide: func(ctx context.Context, tx *engine.Tx) error {
			op = payment.Operation{}
			p, err := s.readPayment(ctx, tx, paymentID)
			if err != nil {
				return err
			}
			events, err := decide(p, tx)
			if err != nil {
				return err
			}
			if err := s.writeOperation(ctx, tx, p, time.Time{}, events); err != nil {
				return err
			}
			for _, e := range events {
				p = payment.Evolve(p, paymentID, e)
			}
			op, _ = p.PendingOperation(id.Format(kind, tx.Origin.CommandID))
			currency = p.Currency
			return nil
		},
	})
	if err != nil || op.ID == "" {
		return done, false, err
	}
	var outcome engine.Done
	var settled bool
	var refused error
	ended := s.await(ctx, func(ctx context.Context) {
		outcome, settled, refused = s.conclude(ctx, op.Key, func(ctx context.Context) (acquirers.Answer, error) {
			return s.call(ctx, op, currency)
		})
	})
	if !ended || !settled {
		return done, true, nil
	}
	return outcome, false, refused
}

// call sends an operation to the acquirer.
func (s *Service) call(ctx context.Context, op payment.Operation, currency string) (acquirers.Answer, error) {
	switch {
	case op.Kind == payment.OperationCapture:
		return s.Acquirer.Capture(ctx, acquirers.Capture{Key: op.Key, Reference: op.Reference, Amount: op.Amount, Currency: currency})
	case op.Kind == payment.OperationRefund, op.PaysBack:
		return s.Acquirer.Refund(ctx, acquirers.Refund{Key: op.Key, Reference: op.Reference, Amount: op.Amount, Currency: currency})
	}
	return s.Acquirer.Void(ctx, acquirers.Void{Key: op.Key, Reference: op.Reference, Amount: op.Amount, Currency: currency})
}

func (s *Service) readPayment(ctx context.Context, tx *engine.Tx, paymentID string) (payment.State, error) {
	if tx.Origin.Actor.Kind == domain.ActorMerchant {
		if _, err := s.Permitted(ctx, tx); err != nil {
			return payment.State{}, err
		}
	}
	p, err := engine.Read(ctx, tx, s.Engine.Payments, paymentID)
	if err != nil {
		return payment.State{}, err
	}
	if !p.Value.Exists() || tx.Origin.MerchantID != "" && p.MerchantID != tx.Origin.MerchantID {
		return payment.State{}, notFound("payment")
	}
	tx.Origin.MerchantID = p.MerchantID
	return p.Value, tx.OnClock(ctx, p.Value.ClockID)
}

// writeOperation adds to tx what happens to a payment that stands, and what that
// means to its customer and its mandate.
func (s *Service) writeOperation(ctx context.Context, tx *engine.Tx, p payment.State, effectiveAt time.Time, events []payment.Event) error {
	w, err := s.parties(ctx, tx, p)
	if err != nil {
		return err
	}
	changes, err := collect.Operate(p, w, events)
	if err != nil {
		return err
	}
	if changes, err = people.EndSubscriptions(ctx, tx, s.Engine, w.Customer, changes); err != nil {
		return err
	}
	s.writeAt(tx, changes, effectiveAt)
	return nil
}

// explained is a refusal with the sums that show why.
type explained struct {
	error
	amounts map[string]int64
}

func (e explained) Unwrap() error { return e.error }

func explain(err error, p payment.State, requested int64) error {
	amounts := map[string]int64{"refunded_amount": p.Refunded, "refundable_amount": p.Refundable()}
	if p.Reserves() {
		maps.Copy(amounts, map[string]int64{
			"authorised_amount": p.Authorised, "paid_amount": p.Captured, "voided_amount": p.Voided,
			"expired_amount": p.Expired, "pending_amount": p.PendingAmount(), "capturable_amount": p.Capturable(),
		})
	}
	if requested > 0 {
		amounts["requested_amount"] = requested
	}
	return explained{error: err, amounts: amounts}
}

func withAmounts(err error) problem.Problem {
	p := problem.From(err)
	var e explained
	if errors.As(err, &e) {
		p = p.WithAmounts(e.amounts)
	}
	return p
}

// commandOf returns the command whose request an operation carries out: the id
// of a capture, a void or a refund is made from it.
func commandOf(operation string) (uuid.UUID, bool) {
	for _, p := range []id.Prefix{id.Capture, id.Void, id.Refund} {
		if strings.HasPrefix(operation, string(p)+"_") {
			return id.Parse(p, operation)
		}
	}
	return uuid.UUID{}, false
}

// declined is the problem that a request is answered with whose operation the
// acquirer refused. One whose refund failed late was answered before.
func declined(e payment.Event) (problem.Problem, bool) {
	switch e := e.(type) {
	case payment.CaptureFailed:
		return problem.New(problem.CaptureDeclined, e.Failure.After("The acquirer declined the capture")), true
	case payment.VoidFailed:
		return problem.New(problem.VoidDeclined, e.Failure.After("The acquirer declined the void")), true
	case payment.RefundFailed:
		return problem.New(problem.RefundDeclined, e.Failure.After("The acquirer declined the refund")), !e.Late
	}
	return problem.Problem{}, false
}
