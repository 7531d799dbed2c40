package invariants

import (
	"fmt"

	"tender/domain/mandate"
	"tender/domain/recurrence"
)

var mandateRules = []rule[mandateNotes]{
	when("mandate-currency", "Every payment under a mandate is in the mandate's currency.", func(n *mandateNotes, e *Event) string {
		currency := n.said.Terms.Currency
		switch d := e.Said.(type) {
		case mandate.ChargeStarted:
			currency = d.Currency
		case mandate.ChargeSucceeded:
			currency = d.Currency
		case mandate.ChargeFailed:
			currency = d.Currency
		case mandate.ChargeReduced:
			currency = d.Currency
		}
		if currency != n.said.Terms.Currency {
			return fmt.Sprintf("it is in %q, and the mandate in %q", currency, n.said.Terms.Currency)
		}
		return ""
	}),
	when("mandate-outcome", "A payment is begun once under a mandate and has one outcome, of the amount that it was begun with; only what is reserved comes back, and no more than that.", chargeOutcome),
	when("mandate-active", "No payment is begun under a mandate that has ended.", func(n *mandateNotes, e *Event) string {
		if _, ok := e.Said.(mandate.ChargeStarted); ok && n.ended != "" {
			return "it comes after " + n.ended
		}
		return ""
	}),
	when("mandate-one-end", "A mandate ends once.", func(n *mandateNotes, e *Event) string {
		switch e.Said.(type) {
		case mandate.Revoked, mandate.Expired, mandate.Exhausted:
			if n.ended != "" {
				return "it comes after " + n.ended
			}
		}
		return ""
	}),
	when("mandate-end-why", "A mandate is exhausted only when as many payments were made as there may be and none of them can come back, and expires only after its last day.", endedRightly),
	when("mandate-amount", "Every payment is of an amount that the terms allow; of a fixed instalment that is due and unpaid, if there are such.", chargeAmount),
	when("mandate-validity", "Every payment counts for a day within the validity, which is that of its instant in the mandate's zone, and days never go back.", chargeDay),
	always("mandate-occurrences", "Never more payments count than may be made.", func(n *mandateNotes) string {
		if most := n.said.Terms.Occurrences(); most > 0 && n.counted().count > most {
			return fmt.Sprintf("%d payments count, and %d may be made", n.counted().count, most)
		}
		return ""
	}),
	always("mandate-period", "In no period do more payments, or does a higher sum, count than the limits allow.", func(n *mandateNotes) string {
		t, limits := n.period(n.latest), n.said.Terms.PeriodLimits
		switch {
		case t == nil:
		case limits.MaxCount > 0 && t.count > limits.MaxCount:
			return fmt.Sprintf("%d payments count in the %s of %s, and %d may be made", t.count, limits.Period, n.latest, limits.MaxCount)
		case limits.MaxAmount > 0 && t.amount > limits.MaxAmount:
			return fmt.Sprintf("%d counts in the %s of %s, and the limit is %d", t.amount, limits.Period, n.latest, limits.MaxAmount)
		}
		return ""
	}),
}

func chargeOutcome(n *mandateNotes, e *Event) string {
	open := func(paymentID string) (*charge, string) {
		c := n.charges[paymentID]
		switch {
		case c != nil:
			return c, ""
		case n.seen.known(paymentID):
			return nil, fmt.Sprintf("of payment %s nothing is open any more", paymentID)
		}
		return nil, fmt.Sprintf("payment %s was never begun", paymentID)
	}
	settled := func(paymentID string, amount int64) string {
		c, wrong := open(paymentID)
		switch {
		case wrong != "":
			return wrong
		case c.word != unanswered:
			return fmt.Sprintf("payment %s has had its outcome before", paymentID)
		case amount != c.amount:
			return fmt.Sprintf("payment %s is of %d, and was begun with %d", paymentID, amount, c.amount)
		}
		return ""
	}
	switch d := e.Said.(type) {
	case mandate.ChargeStarted:
		return n.seen.joins("payment", d.PaymentID)
	case mandate.ChargeSucceeded:
		return settled(d.PaymentID, d.Amount)
	case mandate.ChargeFailed:
		return settled(d.PaymentID, d.Amount)
	case mandate.ChargeReduced:
		c, wrong := open(d.PaymentID)
		switch {
		case wrong != "":
			return wrong
		case !c.reserved:
			return fmt.Sprintf("nothing of payment %s is reserved", d.PaymentID)
		case c.back+d.Amount > c.amount:
			return fmt.Sprintf("of payment %s %d comes back, and it is of %d", d.PaymentID, c.back+d.Amount, c.amount)
		case d.Whole != (c.back+d.Amount == c.amount), d.Whole && !d.Final:
			return fmt.Sprintf("of payment %s %d of %d have come back, and whether that is all is told wrongly", d.PaymentID, c.back+d.Amount, c.amount)
		}
	}
	return ""
}

func endedRightly(n *mandateNotes, e *Event) string {
	switch e.Said.(type) {
	case mandate.Exhausted:
		most := n.said.Terms.Occurrences()
		if most == 0 || n.over.count < most || len(n.charges) > 0 {
			return fmt.Sprintf("%d of %d payments are over, and %d may come back", n.over.count, most, len(n.charges))
		}
	case mandate.Expired:
		end := n.said.Terms.Validity.End
		day, known := dayIn(n.said.Terms.TimeZone, e.At)
		if end.IsZero() || known && !day.After(end) {
			return fmt.Sprintf("it expires on %s, and is valid until %s", day, end)
		}
	}
	return ""
}

func chargeAmount(n *mandateNotes, e *Event) string {
	d, ok := e.Said.(mandate.ChargeStarted)
	if !ok {
		return ""
	}
	terms := n.said.Terms
	var least, most int64
	switch {
	case terms.Instalments != nil && len(terms.Instalments.Items) > 0:
		return n.instalment(d)
	case terms.Instalments != nil:
		least, most = terms.Instalments.Amount, terms.Instalments.Amount
	case terms.Amount != nil && terms.Amount.Exact > 0:
		least, most = terms.Amount.Exact, terms.Amount.Exact
	case terms.Amount != nil:
		least, most = terms.Amount.Min, terms.Amount.Max
	}
	if d.Amount < least || most > 0 && d.Amount > most {
		return fmt.Sprintf("%d is charged, and allowed is from %d to %d", d.Amount, least, most)
	}
	return ""
}

// instalment holds a payment to the fixed item that it says to pay.
func (n *mandateNotes) instalment(d mandate.ChargeStarted) string {
	items := n.said.Terms.Instalments.Items
	day, _ := recurrence.ParseDate(d.Date)
	switch {
	case d.Item == nil || *d.Item < 0 || *d.Item >= len(items):
		return "it names none of the instalments"
	case n.items[*d.Item]:
		return fmt.Sprintf("instalment %d is paid, or being paid, already", *d.Item+1)
	case items[*d.Item].Amount != d.Amount:
		return fmt.Sprintf("instalment %d is of %d, and %d is charged", *d.Item+1, items[*d.Item].Amount, d.Amount)
	case items[*d.Item].Date.After(day):
		return fmt.Sprintf("instalment %d is due on %s, and charged for %s", *d.Item+1, items[*d.Item].Date, day)
	}
	return ""
}

func chargeDay(n *mandateNotes, e *Event) string {
	d, ok := e.Said.(mandate.ChargeStarted)
	if !ok {
		return ""
	}
	day, err := recurrence.ParseDate(d.Date)
	valid := n.said.Terms.Validity
	switch {
	case err != nil:
		return fmt.Sprintf("%q is no day", d.Date)
	case n.latest.After(day):
		return fmt.Sprintf("it counts for %s, and one before it for %s", day, n.latest)
	case day.Before(valid.Start) || !valid.End.IsZero() && day.After(valid.End):
		return fmt.Sprintf("it counts for %s, and the mandate is valid from %s to %s", day, valid.Start, valid.End)
	}
	// Clocks that were set back over midnight show a day twice, and one process's may
	// have been ahead of another's.
	from, known := dayIn(n.said.Terms.TimeZone, e.At.Add(-skewMax))
	to, _ := dayIn(n.said.Terms.TimeZone, e.At)
	if known && n.latest != day && (day.Before(from) || day.After(to.AddDays(1))) {
		return fmt.Sprintf("it counts for %s, and is dated %s", day, instant(e.At))
	}
	return ""
}
