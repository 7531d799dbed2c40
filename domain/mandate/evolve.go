package mandate

import (
	"fmt"
	"slices"
	"time"

	"tender/domain/recurrence"
)

// Evolve returns the state after e, which happened at an instant. It panics on an
// event type that this build was compiled with and forgot to handle, on an amount
// in another currency than the mandate's, and on an outcome of a payment that was
// never begun: sums that miss one would let too much through.
func Evolve(s State, id string, at time.Time, e Event) State {
	switch e := e.(type) {
	case Created:
		return created(id, e)
	case ChargeStarted:
		s.mustBeIn(e.Currency, e)
		s = s.started(e)
	case ChargeSucceeded:
		s.mustBeIn(e.Currency, e)
		s = s.succeeded(e)
		s.LastPaymentAt = at
	case ChargeFailed:
		s.mustBeIn(e.Currency, e)
		o, i := s.mustBeOpen(e.PaymentID, false, e)
		s.Open = slices.Delete(slices.Clone(s.Open), i, i+1)
		s = s.takeBack(o.Day, 1, o.Amount)
	case ChargeReduced:
		s.mustBeIn(e.Currency, e)
		s = s.reduced(e)
	case Revoked:
		s.Status = StatusRevoked
	case Expired:
		s.Status = StatusExpired
	case Exhausted:
		s.Status = StatusExhausted
	default:
		panic(fmt.Sprintf("mandate: %T is not handled", e))
	}
	return s
}

func created(id string, e Created) State {
	s := State{
		ID: id, CustomerID: e.CustomerID, PaymentMethodID: e.PaymentMethodID, SubscriptionID: e.SubscriptionID,
		Reference: e.Reference, NetworkTransactionID: e.NetworkTransactionID, ClockID: e.ClockID, Terms: e.Terms, Status: StatusActive,
	}
	c := e.Carried
	if c == nil {
		return s
	}
	s.mustBeIn(c.Currency, e)
	s.Succeeded, s.SucceededAmount, s.LastPaymentAt = c.Count, c.Amount, c.LastPaymentAt
	s.SucceededItems = slices.Clone(c.Items)
	if s.Terms.PeriodLimits != nil && c.WindowStart != "" {
		s.Day = mustParse(c.WindowStart, e)
		s.Window = s.inWindow(s.Day)
		s.Window.Count, s.Window.Amount = c.WindowCount, c.WindowAmount
	}
	return s
}

func (s State) started(e ChargeStarted) State {
	day := mustParse(e.Date, e)
	s.Open = append(slices.Clone(s.Open), Open{PaymentID: e.PaymentID, Amount: e.Amount, Day: day, Item: e.Item})
	s.Day = later(s.Day, day)
	if s.Terms.PeriodLimits != nil {
		s.Window = s.inWindow(s.Day)
		s.Window.Count++
		s.Window.Amount += e.Amount
	}
	return s
}

func (s State) succeeded(e ChargeSucceeded) State {
	o, i := s.mustBeOpen(e.PaymentID, false, e)
	s.Open = slices.Clone(s.Open)
	s.Open[i].Reserved = true
	if !e.Reserved {
		s.Open = slices.Delete(s.Open, i, i+1)
	}
	s.Succeeded++
	s.SucceededAmount += o.Amount
	if o.Item != nil {
		s.SucceededItems = append(slices.Clone(s.SucceededItems), *o.Item)
		slices.Sort(s.SucceededItems)
	}
	return s
}

func (s State) reduced(e ChargeReduced) State {
	o, i := s.mustBeOpen(e.PaymentID, true, e)
	s.Open = slices.Clone(s.Open)
	s.Open[i].Amount -= e.Amount
	if e.Final {
		s.Open = slices.Delete(s.Open, i, i+1)
	}
	s.SucceededAmount -= e.Amount
	count := 0
	if e.Whole {
		count = 1
		s.Succeeded--
		if o.Item != nil {
			s.SucceededItems = slices.DeleteFunc(slices.Clone(s.SucceededItems), func(item int) bool { return item == *o.Item })
		}
	}
	return s.takeBack(o.Day, count, e.Amount)
}

// takeBack takes what counts no longer out of the window that it counted in, if
// that is still the latest.
func (s State) takeBack(day recurrence.Date, count int, amount int64) State {
	if s.Terms.PeriodLimits == nil {
		return s
	}
	if s.inWindow(day).First == s.Window.First {
		s.Window.Count -= count
		s.Window.Amount -= amount
	}
	return s
}

func (s State) mustBeIn(currency string, e Event) {
	if currency != s.Terms.Currency {
		panic(fmt.Sprintf("mandate: %s is in %q, and the mandate in %q", e.Type(), currency, s.Terms.Currency))
	}
}

func (s State) mustBeOpen(paymentID string, reserved bool, e Event) (Open, int) {
	o, i := s.charge(paymentID)
	if i < 0 || o.Reserved != reserved {
		panic(fmt.Sprintf("mandate: %s of the payment %s, which is not at that point", e.Type(), paymentID))
	}
	return o, i
}

func later(a, b recurrence.Date) recurrence.Date {
	if a.After(b) {
		return a
	}
	return b
}

func mustParse(date string, e Event) recurrence.Date {
	day, err := recurrence.ParseDate(date)
	if err != nil {
		panic(fmt.Sprintf("mandate: %s has the date %q", e.Type(), date))
	}
	return day
}
