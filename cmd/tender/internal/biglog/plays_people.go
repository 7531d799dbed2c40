package biglog

import (
	"time"

	"tender/domain/collect"
	"tender/domain/customer"
	"tender/domain/mandate"
	"tender/domain/session"
	"tender/domain/subscription"
)

// verifyCard takes no money, and saves the card.
func (l *lane) verifyCard() {
	newcomer := l.newcomer()
	l.pays(l.session(session.Create{Save: session.SaveAlways}, newcomer), l.card())
}

// payWithSavedCard comes back to a card that was saved.
func (l *lane) payWithSavedCard() {
	customerID := l.registers()
	c := of(l.amount())
	c.CustomerID, c.Save = customerID, session.SavePrompt
	with := l.card()
	with.save = true
	methodID := l.payments.of(l.pays(l.session(c, nil), with)).PaymentMethodID()
	for range l.between(1, 4) {
		l.pass(time.Duration(l.between(1, 20)) * 24 * time.Hour)
		again := of(l.amount())
		again.CustomerID = customerID
		l.pays(l.session(again, nil), saved(methodID))
	}
}

// registers makes a customer without a payment.
func (l *lane) registers() string {
	by := l.command(l.asMerchant())
	c := customer.Create{ID: by.ID, ProfileRef: l.vaultRef(), ClockID: l.clockID}
	writes(by, l.customers, c.CustomerID(), customer.DecideCreate(c)...)
	by.send()
	return c.CustomerID()
}

// removeMethod ends what a method was for.
func (l *lane) removeMethod() {
	a := l.agrees(l.first(l.amount(), "", ""))
	if l.once(50) {
		l.approved(l.charges(a, l.amount(), ""))
	}
	l.pass(48 * time.Hour)
	by := l.command(l.asMerchant())
	owner := l.customers.of(a.customerID)
	changes, err := collect.RemoveMethod(owner, l.methods.of(a.methodID), []mandate.State{l.mandates.of(a.mandateID)})
	l.must(err)
	by.decided(l.endSubscriptions(owner, changes), time.Time{})
	by.send()
}

// eraseCustomer forgets one with all that is theirs.
func (l *lane) eraseCustomer() {
	a := l.agrees(l.first(l.amount(), monthly, `{}`))
	l.collects(a.subscriptionID, l.now.At.AddDate(0, l.between(1, 3), 0), paid)
	by := l.command(l.asMerchant())
	c := l.customers.of(a.customerID)
	var b collect.Belongings
	for _, methodID := range c.Methods {
		b.Methods = append(b.Methods, l.methods.of(methodID))
	}
	for _, m := range c.Mandates {
		b.Mandates = append(b.Mandates, l.mandates.of(m.ID))
	}
	for _, subscriptionID := range c.Subscriptions {
		events, err := subscription.Decide(l.subscriptions.of(subscriptionID), subscription.Cancel{
			By: subscription.BySystem, Reason: collect.ReasonCustomerErased, Now: l.now,
		})
		l.must(err)
		b.Subscriptions = append(b.Subscriptions, collect.Stream[subscription.Event]{ID: subscriptionID, Events: events})
	}
	changes, err := collect.EraseCustomer(c, b)
	l.must(err)
	by.decided(changes, time.Time{})
	by.send()
}
