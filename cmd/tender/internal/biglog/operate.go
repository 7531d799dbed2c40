package biglog

import (
	"time"

	"tender/domain"
	"tender/domain/collect"
	"tender/domain/decline"
	"tender/domain/payment"
)

// operates has something happen to a payment that stands.
func (l *lane) operates(by *command, paymentID string, effective time.Time, c payment.Command) {
	l.decides(by, paymentID, effective, c)
	by.send()
}

// decides adds what happens to a payment that stands, when c is asked of it.
func (l *lane) decides(by *command, paymentID string, effective time.Time, c payment.Command) {
	p := l.payments.of(paymentID)
	events, err := payment.Decide(p, c)
	l.must(err)
	w := collect.Parties{Customer: l.customers.of(p.CustomerID), Method: l.methods.of(p.PaymentMethodID()), Mandate: l.mandates.of(p.MandateID)}
	changes, err := collect.Operate(p, w, events)
	l.must(err)
	by.decided(l.endSubscriptions(w.Customer, changes), effective)
}

// asks has the merchant ask for a capture, a void or a refund.
func (l *lane) asks(paymentID string, ask func(c *command) payment.Command) {
	l.pass(time.Duration(l.between(10, 7200)) * time.Second)
	by := l.command(l.asMerchant())
	l.operates(by, paymentID, time.Time{}, ask(by))
}

// captures has part of a payment asked for; 0: all that remains.
func (l *lane) captures(paymentID string, amount int64) {
	l.asks(paymentID, func(c *command) payment.Command { return payment.Capture{ID: c.ID, Amount: amount, Now: l.now} })
}

func (l *lane) voids(paymentID string) {
	l.asks(paymentID, func(c *command) payment.Command { return payment.Void{ID: c.ID, Now: l.now} })
}

func (l *lane) refunds(paymentID string, amount int64) {
	l.asks(paymentID, func(c *command) payment.Command {
		return payment.Refund{ID: c.ID, Amount: amount, Reason: "returned goods", Now: l.now}
	})
}

// expires ends an authorisation whose time is over.
func (l *lane) expires(paymentID string) {
	l.pass(l.payments.of(paymentID).AuthorisationExpiresAt.Sub(l.now.At) + time.Second)
	by := l.command(asSystem("due"))
	by.because(paymentID, payment.Authorised{}.Type())
	l.operates(by, paymentID, time.Time{}, payment.ExpireAuthorisation{ID: by.ID, Now: l.now})
}

// key is that of a payment's last operation which waits for an answer.
func (l *lane) key(paymentID string) string {
	pending := l.payments.of(paymentID).Pending
	return pending[len(pending)-1].Key
}

// performed has the acquirer say that a payment's last operation was performed.
func (l *lane) performed(paymentID string) { l.settles(paymentID, l.key(paymentID), true) }

// failed has it say that it was not.
func (l *lane) failed(paymentID string) { l.settles(paymentID, l.key(paymentID), false) }

// settles records the acquirer's word on any operation.
func (l *lane) settles(paymentID, key string, performed bool) {
	l.pass(time.Duration(l.between(100, 4000)) * time.Millisecond)
	by := l.command(domain.Actor{Kind: domain.ActorAcquirer, ID: acquirer})
	by.because(paymentID, key)
	c := payment.SettleOperation{ID: by.ID, Key: key, Performed: performed, Now: l.now}
	if performed {
		c.Reference = l.reference(by, paymentID)
	} else {
		c.Failure = decline.New(decline.ProcessingError, "")
	}
	l.operates(by, paymentID, l.effective(), c)
}

// captured takes part of a payment; 0: all that remains.
func (l *lane) captured(paymentID string, amount int64) {
	l.captures(paymentID, amount)
	l.performed(paymentID)
}

func (l *lane) refunded(paymentID string, amount int64) {
	l.refunds(paymentID, amount)
	l.performed(paymentID)
}

func (l *lane) voided(paymentID string) {
	l.voids(paymentID)
	l.performed(paymentID)
}
