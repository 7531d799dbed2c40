package invariants

import (
	"time"

	"tender/domain/mandate"
	"tender/domain/recurrence"
)

// charge is a payment under a mandate.
type charge struct {
	amount, back int64
	day          recurrence.Date
	item         *int
	word         word
	reserved     bool
	over         bool // nothing of it can come back
}

// counts reports whether the charge counts towards the limits.
func (c *charge) counts() bool { return c.word != failed && !(c.over && c.back == c.amount) }

// mandateNotes is what is noted of a mandate. Of charges that are over the sums are
// kept, and of periods the windows of the latest days: those of a mandate come in the
// order of their days.
type mandateNotes struct {
	said    mandate.Created
	charges map[string]*charge // that are not over
	seen    once               // every payment
	ended   string
	latest  recurrence.Date

	over   tally // of charges that are over and count
	window map[recurrence.Date]*tally
	items  map[int]bool // fixed items that are paid, or being paid
}

// tally counts payments.
type tally struct {
	count  int
	amount int64
}

// counted is what counts towards the limits of all time.
func (n *mandateNotes) counted() tally {
	all := n.over
	for _, c := range n.charges {
		if c.counts() {
			all.count++
			all.amount += c.amount - c.back
		}
	}
	return all
}

// period returns the tally of the period that a day lies in; nil without such limits.
func (n *mandateNotes) period(day recurrence.Date) *tally {
	limits := n.said.Terms.PeriodLimits
	if limits == nil || day.IsZero() {
		return nil
	}
	first, _ := limits.Window.Bounds(limits.Period, day)
	if n.window == nil {
		n.window = map[recurrence.Date]*tally{}
	}
	t := n.window[first]
	if t == nil {
		t = &tally{}
		n.window[first] = t
	}
	return t
}

func noteMandate(n *mandateNotes, e *Event) {
	switch d := e.Said.(type) {
	case mandate.Created:
		n.create(d)
	case mandate.ChargeStarted:
		n.start(d)
	case mandate.ChargeSucceeded:
		n.succeed(d)
	case mandate.ChargeFailed:
		if c := n.charges[d.PaymentID]; c != nil {
			c.word = failed
			n.giveBack(c, c.amount-c.back, true)
			n.close(d.PaymentID, c)
		}
	case mandate.ChargeReduced:
		if c := n.charges[d.PaymentID]; c != nil {
			c.back += d.Amount
			n.giveBack(c, d.Amount, d.Whole)
			if d.Final {
				n.close(d.PaymentID, c)
			}
		}
	case mandate.Revoked, mandate.Expired, mandate.Exhausted:
		n.ended = e.Type
	}
}

func (n *mandateNotes) create(d mandate.Created) {
	n.said, n.charges, n.items = d, map[string]*charge{}, map[int]bool{}
	c := d.Carried
	if c == nil {
		return
	}
	n.over = tally{c.Count, c.Amount}
	for _, item := range c.Items {
		n.items[item] = true
	}
	if first, err := recurrence.ParseDate(c.WindowStart); err == nil {
		if t := n.period(first); t != nil {
			*t = tally{c.WindowCount, c.WindowAmount}
		}
	}
}

func (n *mandateNotes) start(d mandate.ChargeStarted) {
	day, err := recurrence.ParseDate(d.Date)
	if err != nil || n.charges == nil {
		return
	}
	n.charges[d.PaymentID] = &charge{amount: d.Amount, day: day, item: d.Item}
	n.seen.add(d.PaymentID)
	if day.After(n.latest) {
		n.latest = day
	}
	if d.Item != nil {
		n.items[*d.Item] = true
	}
	if t := n.period(day); t != nil {
		t.count++
		t.amount += d.Amount
	}
}

func (n *mandateNotes) succeed(d mandate.ChargeSucceeded) {
	c := n.charges[d.PaymentID]
	if c == nil {
		return
	}
	c.word, c.reserved = performed, d.Reserved
	if !d.Reserved {
		n.close(d.PaymentID, c)
	}
}

// giveBack takes what counts no longer out of its period; whole: the payment itself.
func (n *mandateNotes) giveBack(c *charge, amount int64, whole bool) {
	t := n.period(c.day)
	if t != nil {
		t.amount -= amount
	}
	if !whole {
		return
	}
	if t != nil {
		t.count--
	}
	if c.item != nil {
		delete(n.items, *c.item)
	}
}

// close keeps the sums of a charge that is over.
func (n *mandateNotes) close(paymentID string, c *charge) {
	c.over = true
	if c.counts() {
		n.over.count++
		n.over.amount += c.amount - c.back
	}
	delete(n.charges, paymentID)
}

// dayIn returns the day that calendars in a zone show at an instant.
func dayIn(zone string, at time.Time) (recurrence.Date, bool) {
	location, err := recurrence.Zone(zone)
	if err != nil {
		return recurrence.Date{}, false
	}
	return recurrence.DateOf(at, location), true
}
