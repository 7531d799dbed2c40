package mandate

import (
	"fmt"
	"slices"

	"tender/domain/money"
	"tender/domain/recurrence"
)

// charged decides a payment. Which rules it breaks is looked at before anything
// else is, because that answer is for good.
func (s State) charged(c Charge) ([]Event, error) {
	if c.Amount < 1 || c.Amount > money.AmountMax {
		return nil, ErrAmountInvalid
	}
	day, err := s.dayOf(c)
	if err != nil {
		return nil, err
	}
	item, broken := s.judge(c, day)
	if len(broken) > 0 {
		return nil, &Violations{Broken: broken, Remaining: s.remaining(day)}
	}
	_, known := s.charge(c.PaymentID)
	_, amount := s.Counted()
	switch {
	case known >= 0:
		return nil, fmt.Errorf("%w: %s was begun before", ErrOutOfOrder, c.PaymentID)
	case !fits(amount, c.Amount):
		return nil, fmt.Errorf("mandate: %d more can't be added to %d", c.Amount, amount)
	case len(s.Open) >= OpenMax:
		return nil, ErrTooManyOpen
	}
	return []Event{ChargeStarted{
		PaymentID: c.PaymentID, SessionID: c.SessionID, Amount: c.Amount, Currency: c.Currency, Date: day.String(), Item: item,
	}}, nil
}

// dayOf returns the day that a payment would count for. Another process's clock
// may have been ahead when the one before it was decided: days never go back.
func (s State) dayOf(c Charge) (recurrence.Date, error) {
	day, err := s.Terms.DayOf(c.Now.At)
	if err != nil {
		return recurrence.Date{}, err
	}
	return later(s.Day, day), nil
}

// judge returns every rule that a payment breaks, in the contract's order, and the
// fixed item that it would pay.
func (s State) judge(c Charge, day recurrence.Date) (item *int, broken []Violation) {
	comparable := c.Currency == s.Terms.Currency
	count, _ := s.Counted()
	full := s.Terms.Occurrences() > 0 && count >= s.Terms.Occurrences()

	item, allowed := s.allows(c.Amount, day)
	if comparable && !allowed && !(full && s.itemised()) {
		broken = append(broken, s.amountNotAllowed(day))
	}
	if !s.Terms.Validity.Contains(day) {
		broken = append(broken, s.outsideValidity())
	}
	if full {
		broken = append(broken, s.occurrencesReached())
	}
	if limits := s.Terms.PeriodLimits; limits != nil {
		in := s.inWindow(day)
		tooMany := limits.MaxCount > 0 && in.Count >= limits.MaxCount
		tooMuch := limits.MaxAmount > 0 && c.Amount > limits.MaxAmount-in.Amount
		if tooMany || comparable && tooMuch {
			broken = append(broken, s.periodLimitExceeded(day))
		}
	}
	if !comparable {
		broken = append(broken, s.currencyMismatch())
	}
	if !s.Active() {
		broken = append(broken, s.notActive())
	}
	return item, broken
}

// itemised reports whether each payment is of an instalment with a date.
func (s State) itemised() bool {
	return s.Terms.Instalments != nil && len(s.Terms.Instalments.Items) > 0
}

// allows reports whether a payment may be of an amount on a day, and which fixed
// item that would pay: the earliest one of that amount that is due and unpaid.
func (s State) allows(amount int64, day recurrence.Date) (item *int, ok bool) {
	if !s.itemised() {
		least, most := s.Terms.bounds()
		return nil, amount >= least && (most == 0 || amount <= most)
	}
	for _, i := range s.unpaid() {
		if at := s.Terms.Instalments.Items[i]; at.Amount == amount && !at.Date.After(day) {
			return &i, true
		}
	}
	return nil, false
}

// unpaid returns the fixed items that nothing has paid or is paying, in order.
func (s State) unpaid() []int {
	taken := s.takenItems()
	var unpaid []int
	for i := range s.Terms.Instalments.Items {
		if !slices.Contains(taken, i) {
			unpaid = append(unpaid, i)
		}
	}
	return unpaid
}
