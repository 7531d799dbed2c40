package payments

import (
	"context"

	"tender/domain/collect"
	"tender/domain/payment"
	"tender/domain/session"
	"tender/handlers/engine"
)

// parties reads those whom a payment concerns beside its session: the customer, the
// method that pays and the mandate that is charged.
func (s *Service) parties(ctx context.Context, tx *engine.Tx, p payment.State) (collect.Parties, error) {
	var w collect.Parties
	if p.CustomerID != "" {
		c, err := engine.Read(ctx, tx, s.Engine.Customers, p.CustomerID)
		if err != nil {
			return w, err
		}
		w.Customer = c.Value
	}
	if p.Attempt.PaymentMethodID != "" {
		m, err := engine.Read(ctx, tx, s.Engine.Methods, p.Attempt.PaymentMethodID)
		if err != nil {
			return w, err
		}
		w.Method = m.Value
	}
	if p.MandateID != "" {
		m, err := engine.Read(ctx, tx, s.Engine.Mandates, p.MandateID)
		if err != nil {
			return w, err
		}
		w.Mandate = m.Value
	}
	return w, nil
}

// partiesOf reads those whom a session's next attempt concerns: its customer, and
// the saved method that shall pay, if any.
func (s *Service) partiesOf(ctx context.Context, tx *engine.Tx, st session.State, methodID string) (collect.Parties, error) {
	return s.parties(ctx, tx, payment.State{
		CustomerID: st.CustomerID, Attempt: payment.Attempt{PaymentMethodID: methodID},
	})
}
