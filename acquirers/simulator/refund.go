package simulator

import (
	"context"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
)

// failRefund enters that a refund has failed, unless that was entered before: then
// it returns no notification. The authorisation is locked before the key is taken,
// as by every draw.
func (s *Server) failRefund(ctx context.Context, o operation) ([]notification, error) {
	o.decline(decline(processingError, "", "The customer's bank has sent the refund back."))
	o.EffectiveAt = truncated(s.cfg.Now())
	var told []notification
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
		n, err := s.outbox.add(ctx, tx, o.answer(s.public))
		told = append(told, n)
		return err
	})
	return told, err
}
