package biglog

import (
	"fmt"
	"time"

	"tender/domain/clock"
	"tender/domain/decline"
	"tender/domain/mandate"
	"tender/domain/payment"
	"tender/domain/session"
	"tender/domain/subscription"
)

// chargeOnDemand charges a card again and again; some tries fail.
func (l *lane) chargeOnDemand() {
	a := l.agrees(l.first(l.amount(), "", ""))
	for range l.between(2, 10) {
		paymentID := l.charges(a, l.amount(), payment.CaptureAutomatic)
		if l.once(12) {
			l.declined(paymentID, l.softly())
			continue
		}
		l.approved(paymentID)
	}
	if l.once(40) {
		l.ends(l.asMerchant(), a, mandate.Revoke{By: mandate.ByMerchant, Reason: "contract ended"})
	}
}

// chargeAndGiveBack reserves under a mandate, and gives part back.
func (l *lane) chargeAndGiveBack() {
	a := l.agrees(l.first(l.amount(), "", ""))
	for range l.between(1, 3) {
		paymentID := l.charges(a, 10_000, payment.CaptureManual)
		l.approved(paymentID)
		l.captured(paymentID, 4_000)
		l.voided(paymentID)
	}
}

// methodForbidden is a card for which nothing more may be sent, until the customer has
// used it again.
func (l *lane) methodForbidden() {
	a := l.agrees(l.first(l.amount(), "", ""))
	l.approved(l.charges(a, l.amount(), payment.CaptureAutomatic))
	l.declined(l.charges(a, l.amount(), payment.CaptureAutomatic), decline.LostCard)
	c := of(l.amount())
	c.CustomerID = a.customerID
	l.pays(l.session(c, nil), saved(a.methodID))
	l.approved(l.charges(a, l.amount(), payment.CaptureAutomatic))
}

// cardholderRevokes by the issuer's mouth.
func (l *lane) cardholderRevokes() {
	a := l.agrees(l.first(l.amount(), "", ""))
	l.approved(l.charges(a, l.amount(), payment.CaptureAutomatic))
	l.declined(l.charges(a, l.amount(), payment.CaptureAutomatic), decline.RevocationOfAuthorisation)
}

func (l *lane) mandateExhausted() {
	const most = 3
	a := l.agrees(l.first(l.amount(), fmt.Sprintf(`{"amount":{"max":500000},"max_occurrences":%d,"period_limits":{"period":"month","max_count":5}}`, most), ""))
	for range most {
		l.approved(l.charges(a, l.amount(), payment.CaptureAutomatic))
	}
}

// mandateExpires on a day that was agreed.
func (l *lane) mandateExpires() {
	last := l.now.At.AddDate(0, 1, 0).Format(time.DateOnly)
	a := l.agrees(l.first(l.amount(), `{"amount":{"max":500000},"validity_period":{"end_date":"`+last+`"}}`, ""))
	for range l.between(0, 3) {
		l.approved(l.charges(a, l.amount(), payment.CaptureAutomatic))
	}
	l.pass(35 * 24 * time.Hour)
	l.ends(asSystem("due"), a, mandate.Expire{})
}

// instalments on fixed dates, collected by the platform.
func (l *lane) instalments() {
	const parts, each = 3, 25_000
	items := ""
	for n := range parts {
		items += fmt.Sprintf(`,{"amount":%d,"date":"%s"}`, each, l.now.At.AddDate(0, n+1, 0).Format(time.DateOnly))
	}
	terms := fmt.Sprintf(`{"type":"installment","total_amount":%d,"terms":{"type":"fixed","items":[%s]}}`, parts*each, items[1:])
	a := l.agrees(l.first(0, terms, `{}`))
	l.collects(a.subscriptionID, l.now.At.AddDate(0, parts+1, 0), paid)
}

const (
	monthly = `{"type":"scheduled","recurrence":{"type":"monthly","interval_count":1}}`
	weekly  = `{"type":"scheduled","recurrence":{"type":"weekly","interval_count":1}}`
)

// subscribe is a subscription that goes on, most of it paid at the first try.
func (l *lane) subscribe() {
	terms := monthly
	if l.once(30) {
		terms = weekly
	}
	a := l.agrees(l.first(l.amount(), terms, `{}`))
	l.collects(a.subscriptionID, l.now.At.AddDate(0, l.between(1, 6), 0), func(o subscription.Occurrence) decline.Failure {
		if o.Attempt == 1 && l.once(6) {
			return noMoney
		}
		return decline.Failure{}
	})
}

// subscribeWithRetries has one occurrence fail at first, and one to the end.
func (l *lane) subscribeWithRetries() {
	a := l.agrees(l.first(l.amount(), monthly, `{"retry":{"days":[1,3],"then":"continue"}}`))
	l.collects(a.subscriptionID, l.now.At.AddDate(0, 4, 0), func(o subscription.Occurrence) decline.Failure {
		if o.Number == 1 && o.Attempt < 3 || o.Number == 2 {
			return noMoney
		}
		return decline.Failure{}
	})
}

// subscriptionPauses skips what falls into the pause.
func (l *lane) subscriptionPauses() {
	a := l.agrees(l.first(l.amount(), monthly, `{}`))
	l.collects(a.subscriptionID, l.now.At.AddDate(0, 1, 5), paid)
	l.asksOf(a, subscription.Pause{By: subscription.ByMerchant, Reason: "holidays"})
	l.collects(a.subscriptionID, l.now.At.AddDate(0, 2, 0), paid)
	l.asksOf(a, subscription.Resume{Now: l.now})
	l.collects(a.subscriptionID, l.now.At.AddDate(0, 1, 0), paid)
	l.asksOf(a, subscription.Cancel{By: subscription.ByMerchant, Reason: "moved", Now: l.now})
}

// subscriptionEnds with its period.
func (l *lane) subscriptionEnds() {
	last := l.now.At.AddDate(0, 3, 2).Format(time.DateOnly)
	a := l.agrees(l.first(l.amount(), monthly, `{"active_period":{"end_date":"`+last+`"}}`))
	l.collects(a.subscriptionID, l.now.At.AddDate(0, 4, 0), paid)
}

// withoutMethod is a subscription that has something overdue, and no usable method.
func (l *lane) withoutMethod() agreement {
	a := l.agrees(l.first(l.amount(), monthly, `{}`))
	l.collects(a.subscriptionID, l.now.At.AddDate(0, 2, 5), func(o subscription.Occurrence) decline.Failure {
		if o.Number == 2 {
			return stolen
		}
		return decline.Failure{}
	})
	return a
}

// replacement is the session by which a customer gives a subscription another card,
// and pays what is overdue.
func (l *lane) replacement(a agreement) session.Create {
	s := l.subscriptions.of(a.subscriptionID)
	return session.Create{
		Type: session.TypeFirstInSeries, Amount: s.OverdueAmount(), CustomerID: a.customerID,
		Series: &session.Series{Terms: l.mandates.of(s.MandateID).Terms, SubscriptionID: s.ID},
	}
}

func (l *lane) methodReplaced() {
	a := l.withoutMethod()
	l.pays(l.session(l.replacement(a), nil), l.card())
	l.collects(a.subscriptionID, l.now.At.AddDate(0, l.between(1, 3), 0), paid)
}

// overdueReleased is a new card that is declined, too.
func (l *lane) overdueReleased() {
	a := l.withoutMethod()
	sessionID := l.session(l.replacement(a), nil)
	l.declined(l.tries(sessionID, l.card()), l.softly())
	l.pays(sessionID, l.card())
}

// nobodyReplaces skips one occurrence after the other.
func (l *lane) nobodyReplaces() {
	a := l.withoutMethod()
	l.collects(a.subscriptionID, l.now.At.AddDate(0, 2, 0), paid)
}

// onAClock lets half a year pass at once.
func (l *lane) onAClock() {
	c := clock.Create{ID: l.draw(), Name: "half a year", FrozenTime: l.now.At.Truncate(24 * time.Hour)}
	clockID := c.ClockID()
	by := l.command(l.asMerchant())
	events, err := clock.Decide(clock.State{}, c)
	l.must(err)
	writes(by, l.clocks, clockID, events...)
	by.send()
	l.clockID, l.now.At = clockID, c.FrozenTime
	a := l.agrees(l.first(l.amount(), monthly, `{}`))
	until := c.FrozenTime.AddDate(0, 6, 0)
	l.ticks(clock.Advance{To: until})
	l.collects(a.subscriptionID, until, paid)
	l.ticks(clock.Finish{})
}

// clockDeleted takes the time away from whoever lives on it.
func (l *lane) clockDeleted() {
	l.onAClock()
	l.ticks(clock.Delete{})
}
