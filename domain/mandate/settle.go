package mandate

import (
	"fmt"

	"tender/domain/decline"
)

// settle records the outcome of a payment in flight. The same outcome again
// changes nothing.
func (s State) settle(c Settle) ([]Event, error) {
	o, i := s.charge(c.PaymentID)
	if i < 0 || o.Reserved {
		return nil, nil
	}
	if c.Succeeded {
		return []Event{ChargeSucceeded{PaymentID: o.PaymentID, Amount: o.Amount, Currency: s.Terms.Currency, Reserved: c.Reserved}}, nil
	}
	events := []Event{ChargeFailed{PaymentID: o.PaymentID, Amount: o.Amount, Currency: s.Terms.Currency, Failure: c.Failure}}
	if s.Active() && c.Failure.DeclineCode.Class() == decline.ClassRevoked {
		events = append(events, Revoked{By: ByIssuer, Reason: string(c.Failure.DeclineCode)})
	}
	return events, nil
}

// reduce records what comes back of a reserved payment. One that is given back
// whole is over, whatever the command says.
func (s State) reduce(c Reduce) ([]Event, error) {
	o, i := s.charge(c.PaymentID)
	switch {
	case i < 0, c.Amount == 0 && !c.Final:
		return nil, nil
	case !o.Reserved:
		return nil, fmt.Errorf("%w: %s is in flight, and nothing of it can be given back", ErrOutOfOrder, c.PaymentID)
	case c.Amount < 0, c.Amount > o.Amount:
		return nil, fmt.Errorf("%w: of %s %d counts, and %d is given back", ErrOutOfOrder, c.PaymentID, o.Amount, c.Amount)
	}
	whole := c.Amount == o.Amount
	return []Event{ChargeReduced{
		PaymentID: o.PaymentID, Amount: c.Amount, Currency: s.Terms.Currency, Whole: whole, Final: c.Final || whole,
	}}, nil
}
