package biglog

import (
	"time"

	"github.com/cockroachdb/errors"

	"tender/domain"
	"tender/domain/clock"
	"tender/domain/collect"
	"tender/domain/decline"
	"tender/domain/id"
	"tender/domain/mandate"
	"tender/domain/method"
	"tender/domain/payment"
	"tender/domain/session"
	"tender/domain/subscription"
)

// scheduledMax bounds what a schedule may want in one play.
const scheduledMax = 200

// verdict says what the acquirer answers to a try of an occurrence; the zero Failure:
// it is paid.
type verdict func(o subscription.Occurrence) decline.Failure

func paid(subscription.Occurrence) decline.Failure { return decline.Failure{} }

var (
	noMoney = decline.New(decline.CardDeclined, decline.InsufficientFunds)
	stolen  = decline.New(decline.CardDeclined, decline.StolenCard)
)

// collects lives until an instant, and does what the schedule wants on the way.
func (l *lane) collects(subscriptionID string, until time.Time, says verdict) {
	for range scheduledMax {
		s := l.subscriptions.of(subscriptionID)
		due := s.NextDueAt()
		if due.IsZero() || due.After(until) {
			l.reach(until)
			return
		}
		l.reach(due)
		switch work := s.Due(l.now.At); {
		case work.Charge != nil:
			l.scheduled(s, *work.Charge, says)
		case len(work.Events) > 0:
			by := l.command(asSystem("schedule"))
			by.because(s.ID, subscription.Created{}.Type())
			by.decided(collect.Changes{}.WithSubscription(l.customers.of(s.CustomerID), s.ID, work.Events...), time.Time{})
			by.send()
		default:
			l.must(errors.AssertionFailedf("%s wants nothing at %s", s.ID, due))
		}
	}
	l.must(errors.AssertionFailedf("%s wants no end of things", subscriptionID))
}

// reach lets time pass until an instant, on the clock by a step of it.
func (l *lane) reach(at time.Time) {
	if !at.After(l.now.At) {
		return
	}
	if l.clockID == "" {
		at = at.Add(time.Second - 1).Truncate(time.Second)
		l.now = domain.Moment{At: at, Wall: at}
		return
	}
	l.pass(300 * time.Millisecond)
	l.ticks(clock.Step{To: at})
	l.now.At = l.clocks.of(l.clockID).FrozenTime
}

// ticks has something happen to the play's clock.
func (l *lane) ticks(c clock.Command) {
	by := l.command(asSystem("clock"))
	events, err := clock.Decide(l.clocks.of(l.clockID), c)
	l.must(err)
	writes(by, l.clocks, l.clockID, events...)
	by.send()
}

// scheduled begins the try that a schedule wants, and records what it came to.
func (l *lane) scheduled(s subscription.State, want subscription.Charge, says verdict) {
	by := l.command(asSystem("schedule"))
	by.ID = want.CommandID
	by.because(s.ID, subscription.Created{}.Type())
	sessionID, _ := id.Parse(id.Session, want.SessionID)
	paymentID, _ := id.Parse(id.Payment, want.PaymentID)
	occurrence := want.Occurrence()
	w := collect.Parties{Customer: l.customers.of(s.CustomerID), Method: l.methods.of(want.PaymentMethodID), Mandate: l.mandates.of(want.MandateID)}
	changes, refusal := collect.StartCharge(w, collect.Charge{ID: paymentID, Acquirer: acquirer, Takes: takes, Session: session.Create{
		ID: sessionID, Type: session.TypeNextInSeries, Amount: want.Amount, Currency: want.Currency, Country: l.market.country,
		CaptureMethod: payment.CaptureAutomatic, CustomerID: s.CustomerID, Now: l.now,
		Charge: &session.Charge{
			PaymentMethodID: want.PaymentMethodID, MandateID: want.MandateID, SubscriptionID: s.ID, Occurrence: &occurrence,
		},
	}})
	refused := forGood(refusal)
	if refused == "" {
		l.must(refusal)
	}
	changes = l.decideSubscription(w.Customer, changes, s.ID, subscription.Start{
		Number: want.Number, Attempt: want.Attempt, Refused: refused, Now: l.now,
	})
	by.decided(changes, time.Time{})
	by.send()
	if refused != "" {
		return
	}
	if f := says(occurrence); f != (decline.Failure{}) {
		l.answers(want.PaymentID, collect.OutcomeDeclined, f)
		return
	}
	l.approved(want.PaymentID)
}

// forGood is the code with which a mandate or a method forbids a try for good.
func forGood(refusal error) domain.Code {
	var violations *mandate.Violations
	switch {
	case errors.As(refusal, &violations):
		code := violations.Broken[0].Code
		for _, broken := range violations.Broken {
			if broken.Code == mandate.NotActive {
				code = mandate.NotActive
			}
		}
		return code
	case errors.IsAny(refusal, method.ErrUnusable, method.ErrExpired, method.ErrUnknown):
		return subscription.CodeMethodUnusable
	}
	return ""
}

// asksOf has something asked of a subscription alone.
func (l *lane) asksOf(a agreement, c subscription.Command) {
	by := l.command(l.asMerchant())
	by.decided(l.decideSubscription(l.customers.of(a.customerID), collect.Changes{}, a.subscriptionID, c), time.Time{})
	by.send()
}
