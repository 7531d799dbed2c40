package collect_test

import (
	"errors"
	"testing"
	"time"

	"tender/domain"
	"tender/domain/collect"
	"tender/domain/payment"
	"tender/domain/session"
)

// Past its time a session is no longer active, whether its expiry is recorded
// yet or not; an attempt in flight keeps it open.
func TestCancelSessionPastItsTime(t *testing.T) {
	t.Parallel()
	open := created(payment.CaptureManual)
	for _, c := range []struct {
		name    string
		given   history
		now     domain.Moment
		refused error
	}{
		{"an instant before", open, now(lifetime - time.Millisecond), nil},
		{"by the wall alone", open, domain.Moment{At: noon, Wall: noon.Add(lifetime)}, nil},
		{"at the end", open, now(lifetime), collect.ErrSessionNotActive},
		{"at the end by its own clock", open, domain.Moment{At: noon.Add(lifetime), Wall: noon}, collect.ErrSessionNotActive},
		{"an attempt failed", open.failedTimes(1), now(lifetime), collect.ErrSessionNotActive},
		{"with the acquirer", open.attempted(), now(lifetime), collect.ErrAttemptInProgress},
		{"with the customer", open.attempted().sentAway(), now(lifetime), nil},
	} {
		s, p := c.given.fold()
		if _, err := collect.CancelSession(s, p, collect.Cancel{ID: commandID(3), By: session.ByMerchant, Now: c.now}); !errors.Is(err, c.refused) {
			t.Errorf("%s: the answer is %v, not %v", c.name, err, c.refused)
		}
	}
}

func TestCancelSession(t *testing.T) {
	t.Parallel()
	open := created(payment.CaptureManual)
	ends := func(by session.CancelledBy) collect.Changes {
		return happens([]session.Event{session.Cancelled{By: by}}, nil)
	}
	endsBoth := func(by session.CancelledBy) collect.Changes {
		return happens([]session.Event{session.Cancelled{By: by}}, []payment.Event{payment.Cancelled{}})
	}
	asks := func(by session.CancelledBy) collect.Changes {
		return happens([]session.Event{session.CancelRequested{By: by, CommandID: commandID(3).String()}}, nil)
	}
	for _, c := range []struct {
		name    string
		given   history
		by      session.CancelledBy
		then    collect.Changes
		refused error
	}{
		{"nothing was tried", open, session.ByMerchant, ends(session.ByMerchant), nil},
		{"nothing was tried, by the customer", open, session.ByCustomer, ends(session.ByCustomer), nil},
		{"an attempt failed", open.failedTimes(1), session.ByMerchant, endsBoth(session.ByMerchant), nil},
		{"nine attempts failed", open.failedTimes(9), session.ByCustomer, endsBoth(session.ByCustomer), nil},
		{"with the customer", open.attempted().sentAway(), session.ByMerchant, asks(session.ByMerchant), nil},
		{"with the customer, by the customer", open.attempted().sentAway(), session.ByCustomer, asks(session.ByCustomer), nil},
		{"the second with the customer", open.failedTimes(1).attempted().sentAway(), session.ByMerchant, asks(session.ByMerchant), nil},

		{"with the acquirer", open.attempted(), session.ByMerchant, collect.Changes{}, collect.ErrAttemptInProgress},
		{"the second with the acquirer, the first had a challenge", open.attempted().sentAway().failed().attempted(), session.ByMerchant, collect.Changes{}, collect.ErrAttemptInProgress},
		{"asked for already", open.attempted().sentAway().cancelAsked(session.ByCustomer), session.ByMerchant, collect.Changes{}, collect.ErrAttemptInProgress},

		{"no session", history{}, session.ByMerchant, collect.Changes{}, collect.ErrSessionNotActive},
		{"reserved", open.attempted().approved(), session.ByMerchant, collect.Changes{}, collect.ErrSessionNotActive},
		{"paid", created(payment.CaptureAutomatic).attempted().approved(), session.ByCustomer, collect.Changes{}, collect.ErrSessionNotActive},
		{"cancelled", open.cancelled(), session.ByMerchant, collect.Changes{}, collect.ErrSessionNotActive},
		{"expired", open.expired(), session.ByMerchant, collect.Changes{}, collect.ErrSessionNotActive},
		{"out of attempts", exhausted(), session.ByMerchant, collect.Changes{}, collect.ErrSessionNotActive},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, p := c.given.fold()
			got, err := collect.CancelSession(s, p, collect.Cancel{ID: commandID(3), By: c.by, Now: now(time.Minute)})
			if !errors.Is(err, c.refused) {
				t.Fatalf("the answer is %v, not %v", err, c.refused)
			}
			sameChanges(t, got, c.then)
		})
	}
}

// A cancel while the customer is away takes effect when the acquirer has closed
// the attempt, unless that was approved first.
func TestCancelWhileTheCustomerIsAway(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		word   collect.OutcomeKind
		status session.Status
		paying payment.Status
	}{
		"closed":   {collect.OutcomeClosed, session.StatusCancelled, payment.StatusCancelled},
		"declined": {collect.OutcomeDeclined, session.StatusCancelled, payment.StatusCancelled},
		"approved": {collect.OutcomeApproved, session.StatusCompleted, payment.StatusSucceeded},
	} {
		h := created(payment.CaptureManual).attempted().sentAway()
		s, p := h.fold()
		asked, err := collect.CancelSession(s, p, collect.Cancel{ID: commandID(3), By: session.ByMerchant, Now: now(time.Minute)})
		if err != nil {
			t.Fatal(err)
		}
		h = h.and(asked.Session.Events, asked.Payment.Events)
		s, p = h.fold()
		if s.Status != session.StatusActive || p.Status != payment.StatusPendingAction {
			t.Errorf("%s: once asked for, the session is %s, the payment %s", name, s.Status, p.Status)
		}
		if c := collect.ExpireSession(s, p, now(2*lifetime)); !c.Empty() {
			t.Errorf("%s: time cuts the attempt off: %+v", name, c)
		}
		end := settle(t, s, p, word(c.word, 1))
		s, p = h.and(end.Session.Events, end.Payment.Events).fold()
		if s.Status != c.status || p.Status != c.paying {
			t.Errorf("%s: at the end the session is %s, the payment %s", name, s.Status, p.Status)
		}
	}
}

func TestExpireSession(t *testing.T) {
	t.Parallel()
	open := created(payment.CaptureManual)
	byTime := []session.Event{session.Expired{Reason: session.ExpiredByTime}}
	ends, endsBoth := happens(byTime, nil), happens(byTime, []payment.Event{payment.Expired{}})

	for _, c := range []struct {
		name  string
		given history
		now   domain.Moment
		then  collect.Changes
	}{
		{"at the end", open, now(lifetime), ends},
		{"after the end", open, now(2 * lifetime), ends},
		{"an attempt failed", open.failedTimes(1), now(lifetime), endsBoth},
		{"nine attempts failed", open.failedTimes(9), now(lifetime), endsBoth},
		{"by its own clock", open, domain.Moment{At: noon.Add(lifetime), Wall: noon}, ends},

		{"an instant before the end", open, now(lifetime - time.Millisecond), collect.Changes{}},
		{"by the wall alone", open, domain.Moment{At: noon, Wall: noon.Add(lifetime)}, collect.Changes{}},
		{"with the acquirer", open.attempted(), now(lifetime), collect.Changes{}},
		{"the second with the acquirer", open.failedTimes(1).attempted(), now(lifetime), collect.Changes{}},
		{"with the customer", open.attempted().sentAway(), now(lifetime), collect.Changes{}},
		{"with the customer, given up", open.attempted().sentAway().cancelAsked(session.ByMerchant), now(lifetime), collect.Changes{}},
		{"reserved", open.attempted().approved(), now(lifetime), collect.Changes{}},
		{"paid", created(payment.CaptureAutomatic).attempted().approved(), now(lifetime), collect.Changes{}},
		{"cancelled", open.cancelled(), now(lifetime), collect.Changes{}},
		{"expired", open.expired(), now(lifetime), collect.Changes{}},
		{"out of attempts", exhausted(), now(lifetime), collect.Changes{}},
		{"no session", history{}, now(lifetime), collect.Changes{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, p := c.given.fold()
			sameChanges(t, collect.ExpireSession(s, p, c.now), c.then)
		})
	}
}
