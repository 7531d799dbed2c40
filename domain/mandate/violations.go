package mandate

import (
	"fmt"
	"strings"

	"tender/domain"
	"tender/domain/money"
	"tender/domain/recurrence"
)

// The rules that a payment may break, in the order in which they are listed.
const (
	AmountNotAllowed      domain.Code = "amount_not_allowed"
	OutsideValidityPeriod domain.Code = "outside_validity_period"
	MaxOccurrencesReached domain.Code = "max_occurrences_reached"
	PeriodLimitExceeded   domain.Code = "period_limit_exceeded"
	CurrencyMismatch      domain.Code = "currency_mismatch"
	NotActive             domain.Code = "mandate_not_active"
)

// Violation is one rule of a mandate that a payment breaks.
type Violation struct {
	Code    domain.Code
	Pointer string // JSON pointer to the field of the session's request that is to blame; "": none alone
	Detail  string // one sentence for people, with what the mandate allows
}

// Violations refuses a payment: every rule that it breaks, and what the mandate
// still allows. It unwraps to [ErrViolation].
type Violations struct {
	Broken    []Violation // at least one
	Remaining Remaining
}

// Error lists the codes, without amounts.
func (v *Violations) Error() string {
	codes := make([]string, len(v.Broken))
	for i, b := range v.Broken {
		codes[i] = string(b.Code)
	}
	return string(CodeViolation) + ": " + strings.Join(codes, ", ")
}

// Unwrap returns [ErrViolation].
func (v *Violations) Unwrap() error { return ErrViolation }

// Remaining is what a mandate allows at a moment, with what is in flight taken
// off. A nil number is no limit.
type Remaining struct {
	Currency string
	// AmountMin and AmountMax bound the next payment, in minor units; with period
	// limits AmountMax is no more than what is left of the window. If AmountMax lies
	// below AmountMin, or is 0, none is allowed now.
	AmountMin int64
	AmountMax *int64
	// Due are the fixed instalments that may be paid now, by number from 0. With
	// fixed instalments each has its own amount, which AmountMin and AmountMax span.
	Due []int
	// Payments is how many may still be made in all; 0 once the mandate has ended.
	Payments *int
	// PeriodPayments and PeriodAmount are what is left of the window that ends, last
	// day included, with PeriodEnd.
	PeriodPayments *int
	PeriodAmount   *int64 // minor units
	PeriodEnd      recurrence.Date
}

// Amounts returns the sums in r by name, in minor units: allowed_amount_min,
// allowed_amount_max and period_remaining_amount, where there are such.
func (r Remaining) Amounts() map[string]int64 {
	amounts := map[string]int64{}
	if r.AmountMin > 0 {
		amounts["allowed_amount_min"] = r.AmountMin
	}
	if r.AmountMax != nil {
		amounts["allowed_amount_max"] = *r.AmountMax
	}
	if r.PeriodAmount != nil {
		amounts["period_remaining_amount"] = *r.PeriodAmount
	}
	return amounts
}

// RemainingAt returns what the mandate allows at a moment, for everybody who would
// rather know before they ask.
func (s State) RemainingAt(now domain.Moment) (Remaining, error) {
	day, err := s.dayOf(Charge{Now: now})
	if err != nil {
		return Remaining{}, err
	}
	return s.remaining(day), nil
}

func (s State) remaining(day recurrence.Date) Remaining {
	r := Remaining{Currency: s.Terms.Currency}
	count, _ := s.Counted()
	if occurrences := s.Terms.Occurrences(); occurrences > 0 {
		r.Payments = new(max(occurrences-count, 0))
	}
	least, most := s.Terms.bounds()
	r.AmountMin = least
	if most > 0 {
		r.AmountMax = &most
	}
	if s.itemised() {
		s.remainingItems(&r, day)
	}
	if limits := s.Terms.PeriodLimits; limits != nil {
		s.remainingInPeriod(&r, limits, day)
	}
	over := !s.Active() || s.Terms.Validity.ended(day)
	if over || !s.Terms.Validity.Contains(day) {
		r.AmountMin, r.AmountMax, r.Due = 0, new(int64(0)), nil
	}
	if over {
		r.Payments = new(0)
	}
	return r
}

func (s State) remainingItems(r *Remaining, day recurrence.Date) {
	r.AmountMax = new(int64(0))
	for _, i := range s.unpaid() {
		item := s.Terms.Instalments.Items[i]
		if item.Date.After(day) {
			break
		}
		if r.Due == nil {
			r.AmountMin = item.Amount
		}
		r.Due = append(r.Due, i)
		r.AmountMin, *r.AmountMax = min(r.AmountMin, item.Amount), max(*r.AmountMax, item.Amount)
	}
}

func (s State) remainingInPeriod(r *Remaining, limits *PeriodLimits, day recurrence.Date) {
	in := s.inWindow(day)
	_, r.PeriodEnd = limits.Window.Bounds(limits.Period, day)
	if limits.MaxCount > 0 {
		r.PeriodPayments = new(max(limits.MaxCount-in.Count, 0))
	}
	if limits.MaxAmount > 0 {
		left := max(limits.MaxAmount-in.Amount, 0)
		r.PeriodAmount = &left
		if r.AmountMax == nil || left < *r.AmountMax {
			r.AmountMax = new(left)
		}
	}
}

func (s State) amountNotAllowed(day recurrence.Date) Violation {
	return Violation{Code: AmountNotAllowed, Pointer: "/amount", Detail: s.allowedInWords(day)}
}

func (s State) allowedInWords(day recurrence.Date) string {
	format := func(amount int64) string { return money.Format(amount, s.Terms.Currency) }
	least, most := s.Terms.bounds()
	switch {
	case s.itemised():
		return s.dueInWords(day)
	case least == most:
		return fmt.Sprintf("Each payment must be %s.", format(least))
	case least == 0:
		return fmt.Sprintf("A payment may be at most %s.", format(most))
	case most == 0:
		return fmt.Sprintf("A payment must be at least %s.", format(least))
	default:
		return fmt.Sprintf("A payment must be between %s and %s.", format(least), format(most))
	}
}

func (s State) dueInWords(day recurrence.Date) string {
	var due []string
	for _, i := range s.unpaid() {
		item := s.Terms.Instalments.Items[i]
		amount := money.Format(item.Amount, s.Terms.Currency)
		if item.Date.After(day) {
			if len(due) == 0 {
				return fmt.Sprintf("No instalment is due. The next is %s on %s.", amount, item.Date)
			}
			break
		}
		due = append(due, fmt.Sprintf("%s of %s", amount, item.Date))
	}
	return fmt.Sprintf("A payment must be one of the instalments that are due: %s.", strings.Join(due, ", "))
}

func (s State) outsideValidity() Violation {
	v := Violation{Code: OutsideValidityPeriod}
	switch start, end := s.Terms.Validity.Start, s.Terms.Validity.End; {
	case start.IsZero():
		v.Detail = fmt.Sprintf("The mandate is valid until %s, in the time zone %s.", end, s.Terms.TimeZone)
	case end.IsZero():
		v.Detail = fmt.Sprintf("The mandate is valid from %s on, in the time zone %s.", start, s.Terms.TimeZone)
	default:
		v.Detail = fmt.Sprintf("The mandate is valid from %s to %s, in the time zone %s.", start, end, s.Terms.TimeZone)
	}
	return v
}

func (s State) occurrencesReached() Violation {
	return Violation{Code: MaxOccurrencesReached, Detail: fmt.Sprintf(
		"%s may be made under the mandate, and as many were made or are in flight.", counted(s.Terms.Occurrences(), "payment"))}
}

func (s State) periodLimitExceeded(day recurrence.Date) Violation {
	limits := s.Terms.PeriodLimits
	r := s.remaining(day)
	left := []string{}
	if r.PeriodPayments != nil {
		left = append(left, fmt.Sprintf("%d of %s", *r.PeriodPayments, counted(limits.MaxCount, "payment")))
	}
	if r.PeriodAmount != nil {
		left = append(left, fmt.Sprintf("%s of %s", money.Format(*r.PeriodAmount, s.Terms.Currency), money.Format(limits.MaxAmount, s.Terms.Currency)))
	}
	first, last := limits.Window.Bounds(limits.Period, day)
	return Violation{Code: PeriodLimitExceeded, Detail: fmt.Sprintf(
		"In the %s that goes from %s to %s there remain %s.", limits.Period, first, last, strings.Join(left, " and "))}
}

func (s State) currencyMismatch() Violation {
	return Violation{Code: CurrencyMismatch, Pointer: "/currency", Detail: fmt.Sprintf("The mandate is for payments in %s.", s.Terms.Currency)}
}

func (s State) notActive() Violation {
	return Violation{Code: NotActive, Detail: fmt.Sprintf("The mandate is %s.", s.Status)}
}

// counted writes a number with its noun: "1 payment", "2 payments".
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
