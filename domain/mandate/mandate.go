// Package mandate holds the rules of a mandate: what a customer has agreed that a
// merchant may charge later without them, what was charged under it, and when
// nothing more may be.
//
// # What counts
//
// The payment that made the mandate counts towards nothing: limits and usage are
// about the payments without the customer. Such a payment counts from the intent
// on, before an acquirer is called, with the amount that was asked for, on the day
// that it is in the mandate's time zone at that moment. It stops counting if it
// fails. Of one that is captured later, what a void or an expiry gives back counts
// no longer; where all of it is given back, its count is given back, too. A refund
// gives nothing back.
//
// All limits hold together. A payment that breaks any is refused with every one
// that it breaks (see [Violations]). The codes are the contract's; nothing else
// stands between a merchant and the limits that the customer agreed to.
//
// # What a recurrence is
//
// A recurrence says for when payments are planned. It does not bound them: late
// ones are collected, failed ones tried again, and neither on the planned day. What
// bounds them are the amount, the validity, the number of payments and the limits
// by period.
//
// Fixed instalments are different, because each has its date: a payment must be of
// the amount of an instalment that is due and unpaid. The earliest such one is
// paid by it.
//
// The package knows no acquirer and no public JSON; whether a method may still be
// used is the method's own business (package method).
package mandate

import (
	"slices"
	"time"

	"tender/domain/money"
	"tender/domain/recurrence"
)

// Limits of a mandate.
const (
	// OccurrencesMax is the most payments that max_occurrences and max_count may
	// name. So many of the largest amount still add up within an int64.
	OccurrencesMax = 1_000_000
	// ItemsMax is how many fixed instalments there may be: ten years of months.
	ItemsMax = 120
	// OpenMax is how many payments under one mandate may be in flight or capturable
	// at once. It keeps the state small; no customer buys as often.
	OpenMax = 1000
	// ReasonCharactersMax bounds the reason of a revocation, in characters.
	ReasonCharactersMax = 500
)

// Status is where a mandate stands. All but active are final.
type Status string

// Where a mandate may stand.
const (
	StatusActive    Status = "active"
	StatusRevoked   Status = "revoked"
	StatusExpired   Status = "expired"
	StatusExhausted Status = "exhausted"
)

// State is what the rules need to know of a mandate. The zero State does not exist
// yet.
//
// It does not grow with the number of payments: of those that are over, only sums
// are kept. Of the windows of a period limit the latest alone can matter, because
// the time of a stream never runs backwards.
type State struct {
	ID                   string
	CustomerID           string
	PaymentMethodID      string
	SubscriptionID       string
	Reference            string // of the first payment, the acquirer's
	NetworkTransactionID string // of the first payment, the card scheme's; "" if it had none
	ClockID              string
	Terms                Terms
	Status               Status

	// Open holds the payments that may still stop counting, in the order in which
	// they began: those in flight, and those that are reserved.
	Open []Open

	// Succeeded and SucceededAmount are the payments that were paid or are reserved,
	// less what was given back; with what a mandate that this one replaced had used.
	Succeeded       int
	SucceededAmount int64 // minor units
	SucceededItems  []int // the fixed items that these paid, in order
	LastPaymentAt   time.Time

	// Day is the latest day that a payment counts for.
	Day recurrence.Date
	// Window is what counts in the window that holds Day, where there are period
	// limits.
	Window Tally
}

// Open is a payment that may still stop counting, in whole or in part.
type Open struct {
	PaymentID string
	Amount    int64 // that counts, minor units
	Day       recurrence.Date
	Item      *int // the fixed item that it pays
	// Reserved: it succeeded, and is captured or given back later. If not, it is in
	// flight.
	Reserved bool
}

// Tally is what counts in one window of a period limit.
type Tally struct {
	First  recurrence.Date // of the window; zero: no window yet
	Count  int
	Amount int64 // minor units
}

// Exists reports whether the mandate was ever made.
func (s State) Exists() bool { return s.ID != "" }

// Active reports whether payments may be made under the mandate, as far as its
// status says. Whether its validity is over is judged at the moment of each.
func (s State) Active() bool { return s.Status == StatusActive }

// Counted is what counts towards the mandate's limits: what succeeded and what is
// in flight.
func (s State) Counted() (count int, amount int64) {
	count, amount = s.Succeeded, s.SucceededAmount
	for _, o := range s.Open {
		if !o.Reserved {
			count++
			amount += o.Amount
		}
	}
	return count, amount
}

// Usage is what a mandate that takes the place of this one begins with. What is in
// flight is included, and what comes back of it later goes to neither: the new
// mandate never allows more than the old one would have.
func (s State) Usage() Usage {
	u := Usage{Currency: s.Terms.Currency, LastPaymentAt: s.LastPaymentAt, Items: s.takenItems()}
	u.Count, u.Amount = s.Counted()
	if s.Terms.PeriodLimits != nil && !s.Window.First.IsZero() {
		u.WindowStart = s.Window.First.String()
		u.WindowCount, u.WindowAmount = s.Window.Count, s.Window.Amount
	}
	return u
}

// charge returns the open payment with this id, and its place.
func (s State) charge(paymentID string) (Open, int) {
	i := slices.IndexFunc(s.Open, func(o Open) bool { return o.PaymentID == paymentID })
	if i < 0 {
		return Open{}, i
	}
	return s.Open[i], i
}

// takenItems returns the fixed items that were paid or are being paid, in order.
func (s State) takenItems() []int {
	taken := slices.Clone(s.SucceededItems)
	for _, o := range s.Open {
		if o.Item != nil && !o.Reserved {
			taken = append(taken, *o.Item)
		}
	}
	slices.Sort(taken)
	return taken
}

// spent reports whether no payment can ever be made any more, because as many as
// there may be were made and nothing of them can come back.
func (s State) spent() bool {
	occurrences := s.Terms.Occurrences()
	return s.Active() && occurrences > 0 && s.Succeeded >= occurrences && len(s.Open) == 0
}

// inWindow returns what counts in the window of the period limits that holds a day.
func (s State) inWindow(day recurrence.Date) Tally {
	limits := s.Terms.PeriodLimits
	first, _ := limits.Window.Bounds(limits.Period, day)
	if s.Window.First == first {
		return s.Window
	}
	return Tally{First: first}
}

// fits reports whether the sum with one more amount can be counted at all.
func fits(sum, amount int64) bool {
	_, ok := money.Add(sum, amount)
	return ok
}
