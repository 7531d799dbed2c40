package simulator

import (
	"context"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"

	"tender/acquirers"
)

// later says after which while o goes on by itself; ok is false where it doesn't.
// With a further behaviour here the index operations_unfinished needs it, too.
func (o operation) later() (while time.Duration, ok bool) {
	waits := o.Kind == kindAuthorisation && o.Status == acquirers.StatusPending
	switch o.Behaviour {
	case refundFailsLate:
		return refundFailsAfter, o.Kind == kindRefund && o.Status == acquirers.StatusApproved
	case approvesItself, refusesItself, answerLost:
		return decidesAfter, waits && o.Decision == undecided
	case toldLate:
		return toldAfter, waits && o.Decision != undecided
	case paysAfterTheEnd:
		return paysAfter, o.Kind == kindAuthorisation && o.Status == acquirers.StatusClosed && o.Decision == approved
	default:
		return 0, false
	}
}

// goOn lets an operation go on by itself after a while, if it does, and tells the
// caller. If this process ends before, the next one's [Server.Run] takes it up.
func (s *Server) goOn(o operation) {
	while, ok := o.later()
	if !ok || !s.enter() {
		return
	}
	go func() {
		defer s.busy.Done()
		if err := s.hold(context.Background(), while); err != nil {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), operationTimeout)
		defer cancel()
		n, err := s.carryOn(ctx, o)
		if err != nil {
			s.log.ErrorContext(ctx, "simulator: an operation could not go on", "key", o.Key, "error", err)
			return
		}
		s.outbox.sendNow(n...)
	}()
}

// carryOn does what an operation does after its while, unless that was done before
// or the operation has come to another end: then it returns no notification.
func (s *Server) carryOn(ctx context.Context, o operation) ([]notification, error) {
	if o.Kind == kindRefund {
		return s.failRefund(ctx, o)
	}
	_, told, err := s.change(ctx, o.Key, func(o *operation, now time.Time) bool {
		_, ok := o.later()
		if !ok {
			return false
		}
		switch o.Behaviour {
		case refusesItself:
			o.decide(refused, now)
		case approvesItself, answerLost:
			o.decide(approved, now)
		case paysAfterTheEnd:
			o.EffectiveAt, o.Message = now, "The money came after the key had been closed."
			o.open(now)
		default: // toldLate: it happened when it was decided
			o.conclude(o.EffectiveAt)
		}
		return true
	})
	return told, err
}

// resume takes up what was to go on by itself, each from the beginning of its while.
func (s *Server) resume(ctx context.Context) error {
	const unfinished = `
		select ` + operationColumns + ` from simulator.operations
		 where behaviour in ('refund_fails_late', 'approves_itself', 'refuses_itself', 'answer_lost', 'told_late',
		                     'pays_after_the_end')
		   and (kind = 'refund' and status = 'approved'
		        or kind = 'authorisation' and status = 'pending'
		        or kind = 'authorisation' and status = 'closed' and decision = 'approved')
		 order by key limit $1`
	rows, err := s.book.pool.Query(ctx, unfinished, resumedMax)
	if err != nil {
		return errors.Wrap(err, "find the unfinished operations")
	}
	left, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (operation, error) {
		var o operation
		err := row.Scan(o.columns()...)
		return o, err
	})
	if err != nil {
		return errors.Wrap(err, "find the unfinished operations")
	}
	for _, o := range left {
		s.goOn(o)
	}
	return nil
}
