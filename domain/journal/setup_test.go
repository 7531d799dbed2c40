package journal_test

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"tender/domain"
	"tender/domain/collect"
	"tender/domain/decline"
	"tender/domain/id"
	"tender/domain/journal"
	"tender/domain/method"
	"tender/domain/payment"
	"tender/domain/session"
)

const (
	sessionID  = "ps_01hzy3v7q8e4xk2m9c5b7d6f0b"
	merchantID = "mer_01hzy3v7q8e4xk2m9c5b7d6f0d"
	checkoutID = "ckt_7v3k9m2x5q8w1r4t6y0zabcdef"
	paymentID  = "pay_01hzy3v7q8e4xk2m9c5b7d6f0a"
	attemptID  = "att_01hzy3v7q8e4xk2m9c5b7d6f0c"
)

var (
	noon     = time.Date(2026, time.May, 4, 12, 0, 0, 123e6, time.UTC)
	declined = decline.New(decline.CardDeclined, decline.DoNotHonor)
)

func commandID(n int) uuid.UUID {
	return uuid.MustParse(fmt.Sprintf("01900000-0000-7000-8000-%012d", n))
}

func opID(p id.Prefix, n int) string  { return id.Format(p, commandID(n)) }
func keyOf(p id.Prefix, n int) string { return paymentID + "-" + opID(p, n) }

// fold is the journal's state after a history.
func fold(events ...payment.Event) journal.State {
	var s journal.State
	for _, e := range events {
		s = journal.Evolve(s, e)
	}
	return s
}

func initiated(how payment.CaptureMethod) payment.Event {
	return payment.Initiated{SessionID: sessionID, Amount: 100, Currency: "ZAR", CaptureMethod: how, Intent: payment.IntentPayment}
}

// purchase is a session with its payment, to which anything may happen.
type purchase struct {
	s        session.State
	p        payment.State
	commands int
	now      domain.Moment
}

func newPurchase(how payment.CaptureMethod, amount int64) *purchase {
	created := session.Created{
		CheckoutID: checkoutID, Kind: session.TypeOneTime, Amount: amount, Currency: "ZAR", Country: "ZA",
		CaptureMethod: how, ExpiresAt: noon.Add(1000 * time.Hour),
	}
	return &purchase{
		s:   session.Evolve(session.State{}, sessionID, merchantID, created),
		now: domain.Moment{At: noon, Wall: noon},
	}
}

func (p *purchase) command() uuid.UUID {
	p.commands++
	return commandID(p.commands)
}

// attempts begins to pay; what may not be, doesn't happen.
func (p *purchase) attempts() collect.Changes {
	changes, _ := collect.StartAttempt(p.s, p.p, collect.Parties{}, collect.Attempt{
		ID: p.command(), Details: method.Details{Type: method.KindCard}, Acquirer: "simulator", Now: p.now,
	})
	return changes
}
