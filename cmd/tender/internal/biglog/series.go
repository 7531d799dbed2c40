package biglog

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/cockroachdb/errors"

	"tender/domain"
	"tender/domain/collect"
	"tender/domain/customer"
	"tender/domain/mandate"
	"tender/domain/method"
	"tender/domain/payment"
	"tender/domain/recurrence"
	"tender/domain/session"
	"tender/domain/subscription"
)

// value reads JSON as a request's body is read.
func (l *lane) value(text string) (v any) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	l.must(d.Decode(&v))
	return v
}

func (l *lane) right(problems []recurrence.FieldProblem) {
	if len(problems) > 0 {
		l.must(errors.AssertionFailedf("%+v", problems))
	}
}

// first is a session by which a customer agrees to terms, and with options to a
// subscription; "": to none.
func (l *lane) first(amount int64, terms, options string) session.Create {
	var problems []recurrence.FieldProblem
	series := &session.Series{Terms: mandate.Unconstrained(mandate.Basis{Currency: l.market.currency, TimeZone: l.market.zone})}
	if terms != "" {
		series.Terms, problems = mandate.Read(l.value(terms), mandate.Basis{Amount: amount, Currency: l.market.currency, TimeZone: l.market.zone})
		l.right(problems)
	}
	if options != "" {
		plan, problems := subscription.Read(l.value(options), subscription.Basis{Terms: &series.Terms, Amount: amount, Currency: l.market.currency})
		l.right(problems)
		series.Plan = &plan
	}
	return session.Create{Type: session.TypeFirstInSeries, Amount: amount, Series: series}
}

// agreement is what a first session has made.
type agreement struct{ customerID, methodID, mandateID, subscriptionID string }

// agrees has a new customer agree.
func (l *lane) agrees(c session.Create) agreement {
	newcomer := l.newcomer()
	paymentID := l.pays(l.session(c, newcomer), l.card())
	return l.agreed(newcomer.CustomerID(), paymentID)
}

// agreed is what came of a payment.
func (l *lane) agreed(customerID, paymentID string) agreement {
	owner := l.customers.of(customerID)
	a := agreement{customerID: customerID, methodID: l.payments.of(paymentID).PaymentMethodID()}
	for _, m := range owner.Mandates {
		if m.PaymentMethodID == a.methodID {
			a.mandateID = m.ID
		}
	}
	if n := len(owner.Subscriptions); n > 0 {
		a.subscriptionID = owner.Subscriptions[n-1]
	}
	return a
}

// charges has the merchant charge a saved method, and returns the payment's id.
func (l *lane) charges(a agreement, amount int64, capture payment.CaptureMethod) string {
	l.pass(time.Duration(l.between(60, 86_400)) * time.Second)
	by := l.command(l.asMerchant())
	c := session.Create{
		ID: by.ID, Type: session.TypeNextInSeries, Amount: amount, Currency: l.market.currency, Country: l.market.country,
		CaptureMethod: capture, CustomerID: a.customerID, Now: l.now,
		Charge: &session.Charge{PaymentMethodID: a.methodID, MandateID: a.mandateID},
	}
	w := collect.Parties{Customer: l.customers.of(a.customerID), Method: l.methods.of(a.methodID), Mandate: l.mandates.of(a.mandateID)}
	changes, err := collect.StartCharge(w, collect.Charge{ID: by.ID, Session: c, Acquirer: acquirer, Takes: takes})
	l.must(err)
	by.decided(changes, time.Time{})
	by.send()
	return changes.Payment.ID
}

// decideSubscription adds to changes what is asked of a subscription in the same
// decision.
func (l *lane) decideSubscription(owner customer.State, changes collect.Changes, subscriptionID string, c subscription.Command) collect.Changes {
	state := l.subscriptions.of(subscriptionID)
	for _, s := range changes.Subscriptions {
		if s.ID == subscriptionID {
			for _, e := range s.Events {
				state = subscription.Evolve(state, subscriptionID, l.now.At, e)
			}
		}
	}
	events, err := subscription.Decide(state, c)
	l.must(err)
	for _, e := range changes.Customer.Events {
		owner = customer.Evolve(owner, changes.Customer.ID, e)
	}
	if len(events) == 0 {
		return changes
	}
	return changes.WithSubscription(owner, subscriptionID, events...)
}

// claimsOverdue reserves what a session is to pay of its subscription.
func (l *lane) claimsOverdue(s session.State, owner customer.State, changes collect.Changes) collect.Changes {
	if s.Series == nil || s.Series.SubscriptionID == "" {
		return changes
	}
	return l.decideSubscription(owner, changes, s.Series.SubscriptionID, subscription.ClaimOverdue{SessionID: s.ID, Amount: s.Amount})
}

// replaced is the mandate whose place a session's new one takes.
func (l *lane) replaced(s session.State) collect.Replaced {
	if s.Series == nil || s.Series.SubscriptionID == "" {
		return collect.Replaced{}
	}
	m := l.mandates.of(l.subscriptions.of(s.Series.SubscriptionID).MandateID)
	return collect.Replaced{Mandate: m, Method: l.methods.of(m.PaymentMethodID)}
}

// subscribed adds what an attempt's outcome means to subscriptions.
func (l *lane) subscribed(s session.State, owner customer.State, o collect.Outcome, changes collect.Changes) collect.Changes {
	done, completed := changes.Completed()
	failed := slices.ContainsFunc(changes.Payment.Events, func(e payment.Event) bool { _, is := e.(payment.AttemptFailed); return is })
	switch {
	case s.Charge != nil:
		if s.Charge.Occurrence != nil && completed {
			changes = l.decideSubscription(owner, changes, s.Charge.SubscriptionID, subscription.Settle{
				Number: s.Charge.Occurrence.Number, Attempt: s.Charge.Occurrence.Attempt, Failure: done.Failure, Now: o.Now,
			})
		}
	case s.Series == nil:
	case completed && s.Series.SubscriptionID != "":
		changes = l.decideSubscription(owner, changes, done.SubscriptionID, subscription.ReplaceMethod{
			SessionID: s.ID, PaymentMethodID: done.PaymentMethodID, MandateID: done.MandateID, Now: o.Now,
		})
	case completed && s.Series.Plan != nil:
		changes = l.decideSubscription(owner, changes, done.SubscriptionID, subscription.Create{
			ID: o.ID, CustomerID: done.CustomerID, PaymentMethodID: done.PaymentMethodID, MandateID: done.MandateID,
			SessionID: s.ID, Plan: *s.Series.Plan, ClockID: s.ClockID, Now: o.Now,
		})
	case s.Series.SubscriptionID != "" && failed:
		changes = l.decideSubscription(owner, changes, s.Series.SubscriptionID, subscription.ReleaseOverdue{SessionID: s.ID, Now: o.Now})
	}
	return l.endSubscriptions(owner, changes)
}

// endSubscriptions adds what changes mean to the subscriptions whose mandates they end,
// or whose method they show to be unusable.
func (l *lane) endSubscriptions(owner customer.State, changes collect.Changes) collect.Changes {
	end := func(mandateID string, cause subscription.Cause) {
		if m := l.mandates.of(mandateID); m.SubscriptionID != "" {
			changes = l.decideSubscription(owner, changes, m.SubscriptionID, subscription.End{MandateID: mandateID, Cause: cause, Now: l.now})
		}
	}
	for _, s := range slices.Clone(changes.Mandates) {
		for _, e := range s.Events {
			switch e.(type) {
			case mandate.Revoked:
				end(s.ID, subscription.CauseRevoked)
			case mandate.Expired:
				end(s.ID, subscription.CauseExpired)
			case mandate.Exhausted:
				end(s.ID, subscription.CauseExhausted)
			case mandate.Created, mandate.ChargeStarted, mandate.ChargeSucceeded, mandate.ChargeFailed, mandate.ChargeReduced:
			}
		}
	}
	for _, s := range slices.Clone(changes.Methods) {
		if slices.ContainsFunc(s.Events, func(e method.Event) bool { _, is := e.(method.BecameUnusable); return is }) {
			for _, mandateID := range l.methods.of(s.ID).Mandates {
				end(mandateID, subscription.CauseMethodUnusable)
			}
		}
	}
	return changes
}

// ends ends a mandate: by the merchant, or because its time is over.
func (l *lane) ends(by domain.Actor, a agreement, c mandate.Command) {
	l.pass(time.Duration(l.between(1, 48)) * time.Hour)
	if expire, is := c.(mandate.Expire); is {
		expire.Now = l.now
		c = expire
	}
	cmd := l.command(by)
	w := collect.Parties{Customer: l.customers.of(a.customerID), Method: l.methods.of(a.methodID), Mandate: l.mandates.of(a.mandateID)}
	changes, err := collect.EndMandate(w, c)
	l.must(err)
	cmd.decided(l.endSubscriptions(w.Customer, changes), time.Time{})
	cmd.send()
}
