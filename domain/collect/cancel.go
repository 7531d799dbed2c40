package collect

import (
	"github.com/google/uuid"

	"tender/domain"
	"tender/domain/payment"
	"tender/domain/session"
)

// Cancel asks to give a session up.
type Cancel struct {
	ID  uuid.UUID // of the command
	By  session.CancelledBy
	Now domain.Moment
}

// CancelSession gives a session up. While the customer is away to authenticate,
// it is only asked for: the acquirer closes the attempt first, and the outcome
// ends the session (see [SettleAttempt]). One that is past its time is no longer
// active, whether that is recorded yet or not. One without the customer can't be
// given up: it ends with its only attempt.
func CancelSession(s session.State, p payment.State, c Cancel) (Changes, error) {
	waits := p.WaitsForCustomer() && s.Attended()
	switch {
	case s.Status != session.StatusActive, !p.InFlight() && s.Expired(c.Now.At):
		return Changes{}, ErrSessionNotActive
	case p.InFlight() && (!waits || s.CancelRequested != ""):
		return Changes{}, ErrAttemptInProgress
	case p.InFlight():
		asked := session.CancelRequested{By: c.By, CommandID: c.ID.String()}
		return Changes{Session: Stream[session.Event]{ID: s.ID, Events: []session.Event{asked}}}, nil
	}
	return ended(s, p, session.Cancelled{By: c.By}, payment.Cancelled{}), nil
}

// ExpireSession ends a session that is past its time. An attempt in flight is
// not cut off: its outcome comes first and ends the session itself.
func ExpireSession(s session.State, p payment.State, now domain.Moment) Changes {
	if s.Status != session.StatusActive || !s.Expired(now.At) || p.InFlight() {
		return Changes{}
	}
	return ended(s, p, session.Expired{Reason: session.ExpiredByTime}, payment.Expired{})
}

// ended ends a session and, if there is one, its payment. Nothing of that is in
// flight, so at the customer it is closed already.
func ended(s session.State, p payment.State, se session.Event, pe payment.Event) Changes {
	changes := Changes{Session: Stream[session.Event]{ID: s.ID, Events: []session.Event{se}}}
	if p.Exists() {
		changes.Payment = Stream[payment.Event]{ID: p.ID, Events: []payment.Event{pe}}
	}
	return changes
}
