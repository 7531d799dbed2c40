package biglog

import (
	"time"

	"tender/domain"
	"tender/domain/collect"
	"tender/domain/decline"
	"tender/domain/method"
	"tender/domain/payment"
	"tender/domain/session"
)

// soft are the declines after which another try may go through.
var soft = []decline.Code{decline.InsufficientFunds, decline.DoNotHonor, decline.GenericDecline, decline.TryAgainLater}

func (l *lane) softly() decline.Code { return soft[l.random.IntN(len(soft))] }

// sale is paid at the first attempt.
func (l *lane) sale() { l.pays(l.session(of(l.amount()), nil), l.card()) }

// saleAtLast is paid after failures.
func (l *lane) saleAtLast() {
	sessionID := l.session(of(l.amount()), nil)
	for range l.between(1, 3) {
		l.declined(l.tries(sessionID, l.card()), l.softly())
	}
	l.pays(sessionID, l.card())
}

// challenge sends the customer to their bank, who may or may not come back.
func (l *lane) challenge() {
	paymentID := l.tries(l.session(of(l.amount()), nil), l.card())
	l.answers(paymentID, collect.OutcomeActionRequired, decline.Failure{})
	l.pass(time.Duration(l.between(10, 300)) * time.Second)
	if l.once(20) {
		l.answers(paymentID, collect.OutcomeDeclined, decline.New(decline.AuthenticationFailed, ""))
		return
	}
	l.approved(paymentID)
}

// payByAccount is paid from a bank or a telephone, where that is used.
func (l *lane) payByAccount() {
	if l.market.country != "ZA" {
		l.sale()
		return
	}
	sessionID := l.session(of(l.amount()), nil)
	if l.once(50) {
		paymentID := l.tries(sessionID, l.account(method.KindInstantEFT, method.AccountDetails{Bank: "first"}))
		l.answers(paymentID, collect.OutcomeActionRequired, decline.Failure{})
		l.pass(2 * time.Minute)
		l.approved(paymentID)
		return
	}
	paymentID := l.tries(sessionID, l.account(method.KindCapitecPay, method.AccountDetails{Phone: "•••• " + l.digits(4)}))
	l.answers(paymentID, collect.OutcomePending, decline.Failure{})
	l.pass(time.Minute)
	l.approved(paymentID)
}

func (l *lane) captureAll() {
	l.captured(l.reserves(l.amount()), 0)
}

// captureInParts leaves a rest, which is given back.
func (l *lane) captureInParts() {
	amount := l.amount()
	paymentID := l.reserves(amount)
	for range l.between(1, 3) {
		l.captured(paymentID, amount/int64(l.between(4, 8)))
	}
	l.voided(paymentID)
}

func (l *lane) captureFails() {
	paymentID := l.reserves(l.amount())
	l.captures(paymentID, 0)
	l.failed(paymentID)
	l.captured(paymentID, 0)
}

func (l *lane) voidAll() { l.voided(l.reserves(l.amount())) }

func (l *lane) voidFails() {
	paymentID := l.reserves(l.amount())
	l.voids(paymentID)
	l.failed(paymentID)
	l.voided(paymentID)
}

// authorisationExpires with part of it captured; most acquirers release the rest.
func (l *lane) authorisationExpires() {
	amount := l.amount()
	paymentID := l.reserves(amount)
	if l.once(60) {
		l.captured(paymentID, amount/3)
	}
	l.expires(paymentID)
	if l.once(10) {
		l.failed(paymentID)
		return
	}
	l.performed(paymentID)
}

func (l *lane) refund() {
	amount := l.amount()
	paymentID := l.pays(l.session(of(amount), nil), l.card())
	if l.once(50) {
		l.refunded(paymentID, amount/2)
	}
	if l.once(70) {
		l.refunded(paymentID, 0)
	}
}

func (l *lane) refundFails() {
	paymentID := l.pays(l.session(of(l.amount()), nil), l.card())
	l.refunded(paymentID, 100)
	l.refunds(paymentID, 0)
	l.failed(paymentID)
}

// refundFailsLate comes back after days.
func (l *lane) refundFailsLate() {
	paymentID := l.pays(l.session(of(l.amount()), nil), l.card())
	l.refunds(paymentID, 0)
	key := l.key(paymentID)
	l.performed(paymentID)
	l.pass(72 * time.Hour)
	l.settles(paymentID, key, false)
}

// abandon leaves a session to its end.
func (l *lane) abandon() {
	sessionID := l.session(of(l.amount()), nil)
	if l.once(80) {
		l.sessionExpires(sessionID)
	}
}

// sessionExpires ends a session whose time is over, unless an attempt did.
func (l *lane) sessionExpires(sessionID string) {
	s := l.sessions.of(sessionID)
	l.pass(s.ExpiresAt.Sub(l.now.At) + time.Second)
	by := l.command(asSystem("due"))
	by.because(sessionID, session.Created{}.Type())
	by.decided(collect.ExpireSession(s, l.payments.of(s.PaymentID), l.now), time.Time{})
	by.send()
}

// cancels gives a session up.
func (l *lane) cancels(sessionID string, by session.CancelledBy) {
	l.pass(time.Duration(l.between(10, 600)) * time.Second)
	actor := l.asMerchant()
	if by == session.ByCustomer {
		actor = domain.Actor{Kind: domain.ActorCustomer, ID: sessionID}
	}
	c := l.command(actor)
	s := l.sessions.of(sessionID)
	changes, err := collect.CancelSession(s, l.payments.of(s.PaymentID), collect.Cancel{ID: c.ID, By: by, Now: l.now})
	l.must(err)
	c.decided(changes, time.Time{})
	c.send()
}

// giveUp cancels a session, before or after an attempt.
func (l *lane) giveUp() {
	l.cancels(l.session(of(l.amount()), nil), session.ByMerchant)
	sessionID := l.session(of(l.amount()), nil)
	l.declined(l.tries(sessionID, l.card()), l.softly())
	l.cancels(sessionID, session.ByCustomer)
}

func (l *lane) leaveAfterFailure() {
	sessionID := l.session(of(l.amount()), nil)
	l.declined(l.tries(sessionID, l.card()), l.softly())
	l.sessionExpires(sessionID)
}

// cancelWhileAway takes effect once the acquirer has closed the attempt.
func (l *lane) cancelWhileAway() {
	sessionID := l.session(of(l.amount()), nil)
	paymentID := l.tries(sessionID, l.card())
	l.answers(paymentID, collect.OutcomeActionRequired, decline.Failure{})
	l.cancels(sessionID, session.ByCustomer)
	l.answers(paymentID, collect.OutcomeClosed, decline.Failure{})
}

func (l *lane) allAttemptsFail() {
	sessionID := l.session(of(l.amount()), nil)
	for range payment.AttemptsMax {
		l.declined(l.tries(sessionID, l.card()), l.softly())
	}
}

// nobodyAnswers leaves a call in flight: an attempt, a capture, or a refund.
func (l *lane) nobodyAnswers() {
	switch l.random.IntN(3) {
	case 0:
		l.tries(l.session(of(l.amount()), nil), l.card())
	case 1:
		l.captures(l.reserves(l.amount()), 0)
	default:
		l.refunds(l.pays(l.session(of(l.amount()), nil), l.card()), 0)
	}
}

// lateApproval comes after the attempt was closed: it is given back.
func (l *lane) lateApproval() {
	paymentID := l.tries(l.session(of(l.amount()), nil), l.card())
	key := l.payments.of(paymentID).Attempt.Key
	l.pass(payment.AnswerWindow)
	l.answers(paymentID, collect.OutcomeClosed, decline.Failure{})
	l.pass(time.Minute)
	l.hears(paymentID, key, collect.OutcomeApproved, decline.Failure{})
	l.performed(paymentID)
}

// lateCapture was performed although it was recorded as failed; that it is paid back
// the acquirer refuses.
func (l *lane) lateCapture() {
	paymentID := l.reserves(l.amount())
	l.captures(paymentID, 0)
	key := l.key(paymentID)
	l.failed(paymentID)
	l.pass(time.Hour)
	l.settles(paymentID, key, true)
	l.failed(paymentID)
}

// lateDecline comes after a success.
func (l *lane) lateDecline() {
	amount := l.amount()
	paymentID := l.reserves(amount)
	l.captures(paymentID, amount/2)
	key := l.key(paymentID)
	l.performed(paymentID)
	l.pass(time.Hour)
	l.settles(paymentID, key, false)
}
