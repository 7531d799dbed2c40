package simulator

import (
	"context"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"

	"tender/acquirers"
)

// willFail reports whether o is a refund that counts as performed and is to fail.
func (o operation) willFail() bool {
	return o.Kind == kindRefund && o.Status == acquirers.StatusApproved && o.Behaviour == refundFailsLate
}

// failLater lets a refund fail after a while, and tells the caller. If this process
// ends before, the next one's [Server.Run] takes it up.
func (s *Server) failLater(o operation) {
	if !s.enter() {
		return
	}
	go func() {
		defer s.busy.Done()
		if err := s.hold(context.Background(), refundFailsAfter); err != nil {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), operationTimeout)
		defer cancel()
		n, err := s.failRefund(ctx, o)
		if err != nil {
			s.log.ErrorContext(ctx, "simulator: a refund could not be made to fail", "key", o.Key, "error", err)
			return
		}
		if n.id != "" {
			s.outbox.sendNow(n)
		}
	}()
}

// failRefund enters that a refund has failed, unless that was entered before: then
// it returns no notification. The authorisation is locked before the key is taken,
// as by every draw.
func (s *Server) failRefund(ctx context.Context, o operation) (notification, error) {
	o.decline(decline(processingError, "", "The customer's bank has sent the refund back."))
	o.EffectiveAt = truncated(s.cfg.Now())
	var n notification
	err := pgx.BeginFunc(ctx, s.book.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `select from simulator.authorisations where reference = $1 for no key update`, o.Authorisation); err != nil {
			return errors.Wrap(err, "lock an authorisation")
		}
		const fail = `
			update simulator.operations set status = $2, error_code = $3, message = $4, effective_at = $5
			 where key = $1 and status = 'approved'`
		tag, err := tx.Exec(ctx, fail, o.Key, o.Status, o.ErrorCode, o.Message, o.EffectiveAt)
		if err != nil || tag.RowsAffected() == 0 {
			return errors.Wrap(err, "let a refund fail")
		}
		const takeBack = `update simulator.authorisations set refunded = refunded - $2 where reference = $1`
		if _, err := tx.Exec(ctx, takeBack, o.Authorisation, o.Amount); err != nil {
			return errors.Wrap(err, "take a refund back")
		}
		n, err = s.outbox.add(ctx, tx, o.answer(s.acs))
		return err
	})
	return n, err
}

// resumeRefunds takes up the refunds that are to fail, each from the beginning of
// its while.
func (s *Server) resumeRefunds(ctx context.Context) error {
	const open = `
		select ` + operationColumns + ` from simulator.operations
		 where kind = 'refund' and status = 'approved' and behaviour = 'refund_fails_late'
		 order by key limit $1`
	rows, err := s.book.pool.Query(ctx, open, resumedMax)
	if err != nil {
		return errors.Wrap(err, "find the refunds that are to fail")
	}
	left, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (operation, error) {
		var o operation
		err := row.Scan(o.columns()...)
		return o, err
	})
	if err != nil {
		return errors.Wrap(err, "find the refunds that are to fail")
	}
	for _, o := range left {
		s.failLater(o)
	}
	return nil
}
