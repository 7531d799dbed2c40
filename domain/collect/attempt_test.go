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

func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		refusal *domain.Refusal
		want    domain.Refusal
	}{
		{collect.ErrSessionNotActive, domain.Refusal{Code: "session_not_active", Detail: "The payment session is no longer active."}},
		{collect.ErrAttemptInProgress, domain.Refusal{Code: "attempt_in_progress", Detail: "An attempt to pay waits for the acquirer's answer. Try again in a moment.", Transient: true}},
		{collect.ErrUnknownAttempt, domain.Refusal{Code: "attempt_id_unknown", Detail: "The attempt_id is not the one that the session's state gives. Read the state again."}},
	} {
		if *c.refusal != c.want {
			t.Errorf("the refusal is %+v, not %+v", *c.refusal, c.want)
		}
	}
}

// starts is what an accepted attempt gives.
func starts(n int, at time.Duration) collect.Changes {
	changes := happens([]session.Event{sessionAttempt(n)}, []payment.Event{paymentAttempt(n, at)})
	if n == 1 {
		changes.Payment.New = true
		changes.Payment.Events = []payment.Event{initiated(payment.CaptureManual), paymentAttempt(n, at)}
	}
	return changes
}

func TestStartAttempt(t *testing.T) {
	t.Parallel()
	open := created(payment.CaptureManual)
	sale := starts(1, 0)
	sale.Payment.Events[0] = initiated(payment.CaptureAutomatic)

	for _, c := range []struct {
		name      string
		given     history
		attemptID string
		at        time.Duration
		then      collect.Changes
		refused   error
	}{
		{"the first", open, attemptIDs[1], 0, starts(1, 0), nil},
		{"the first, without an id", open, "", 0, starts(1, 0), nil},
		{"the first of a sale", created(payment.CaptureAutomatic), "", 0, sale, nil},
		{"the second", open.failedTimes(1), attemptIDs[2], time.Minute, starts(2, time.Minute), nil},
		{"the second, without an id", open.failedTimes(1), "", time.Minute, starts(2, time.Minute), nil},
		{"the last", open.failedTimes(9), attemptIDs[10], time.Minute, starts(10, time.Minute), nil},
		{"an instant before the end", open, "", lifetime - time.Millisecond, starts(1, lifetime-time.Millisecond), nil},

		{"with the id of the one after", open, attemptIDs[2], 0, collect.Changes{}, collect.ErrUnknownAttempt},
		{"with an id of nobody", open, "att_guessed", 0, collect.Changes{}, collect.ErrUnknownAttempt},
		{"with the id of one that failed", open.failedTimes(1), attemptIDs[1], 0, collect.Changes{}, collect.ErrUnknownAttempt},

		{"with the acquirer", open.attempted(), attemptIDs[2], 0, collect.Changes{}, collect.ErrAttemptInProgress},
		{"with the acquirer, its own id", open.attempted(), attemptIDs[1], 0, collect.Changes{}, collect.ErrAttemptInProgress},
		{"with the acquirer, without an id", open.attempted(), "", 0, collect.Changes{}, collect.ErrAttemptInProgress},
		{"with the acquirer, its outcome long unknown", open.attempted(), "", 50 * time.Minute, collect.Changes{}, collect.ErrAttemptInProgress},
		{"with the acquirer, with an id of nobody", open.attempted(), "att_guessed", 0, collect.Changes{}, collect.ErrAttemptInProgress},
		{"with the customer", open.attempted().sentAway(), attemptIDs[2], 0, collect.Changes{}, collect.ErrAttemptInProgress},
		{"with the customer, its time over", open.attempted().sentAway(), "", 20 * time.Minute, collect.Changes{}, collect.ErrAttemptInProgress},
		{"the second with the acquirer", open.failedTimes(1).attempted(), "", 0, collect.Changes{}, collect.ErrAttemptInProgress},

		{"no session", history{}, "", 0, collect.Changes{}, collect.ErrSessionNotActive},
		{"at the end", open, attemptIDs[1], lifetime, collect.Changes{}, collect.ErrSessionNotActive},
		{"after the end, with the acquirer", open.attempted(), "", lifetime, collect.Changes{}, collect.ErrSessionNotActive},
		{"expired", open.expired(), "", 0, collect.Changes{}, collect.ErrSessionNotActive},
		{"an eleventh", exhausted(), attemptIDs[11], 0, collect.Changes{}, collect.ErrSessionNotActive},
		{"reserved", open.attempted().approved(), attemptIDs[2], 0, collect.Changes{}, collect.ErrSessionNotActive},
		{"paid", created(payment.CaptureAutomatic).attempted().approved(), "", 0, collect.Changes{}, collect.ErrSessionNotActive},
		{"cancelled", open.cancelled(), "", 0, collect.Changes{}, collect.ErrSessionNotActive},
		{"cancelled after an attempt", open.failedTimes(1).cancelled(), "", 0, collect.Changes{}, collect.ErrSessionNotActive},
		{"a cancel was asked for", open.attempted().sentAway().cancelAsked(session.ByCustomer), "", 0, collect.Changes{}, collect.ErrSessionNotActive},
		{"not active, with an id of nobody", open.cancelled(), "att_guessed", 0, collect.Changes{}, collect.ErrSessionNotActive},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, p := c.given.fold()
			command := commandID(1)
			if p.Exists() {
				command = commandID(2) // a payment keeps the id that its first attempt gave it
			}
			got, err := collect.StartAttempt(s, p, collect.Parties{}, collect.Attempt{
				ID: command, AttemptID: c.attemptID, Details: visa, Acquirer: "simulator", Now: now(c.at),
			})
			if !errors.Is(err, c.refused) {
				t.Fatalf("the answer is %v, not %v", err, c.refused)
			}
			sameChanges(t, got, c.then)
		})
	}
}

// The session ends by its own clock; the acquirer's answer is awaited by the
// wall's.
func TestStartAttemptOnTwoClocks(t *testing.T) {
	t.Parallel()
	s, p := created(payment.CaptureManual).fold()
	attempt := collect.Attempt{ID: commandID(1), Details: visa, Acquirer: "simulator"}

	attempt.Now = domain.Moment{At: noon, Wall: noon.Add(1000 * time.Hour)}
	got, err := collect.StartAttempt(s, p, collect.Parties{}, attempt)
	if err != nil {
		t.Fatal(err)
	}
	sameChanges(t, got, starts(1, 1000*time.Hour))

	attempt.Now = domain.Moment{At: noon.Add(lifetime), Wall: noon}
	if _, err := collect.StartAttempt(s, p, collect.Parties{}, attempt); !errors.Is(err, collect.ErrSessionNotActive) {
		t.Errorf("after the end by its own clock the answer is %v", err)
	}
}

// The id of an attempt stands in pages that are open somewhere: it is the same in
// every process and in every release.
func TestNextAttemptID(t *testing.T) {
	t.Parallel()
	open := created(payment.CaptureManual)
	first, _ := open.fold()
	if got, want := collect.NextAttemptID(first), "att_0cz3kep9xtb7javg7rzk17nggy"; got != want {
		t.Errorf("the first is %s, not %s", got, want)
	}
	for n := range payment.AttemptsMax {
		s, _ := open.failedTimes(n).fold()
		if got := collect.NextAttemptID(s); got != attemptIDs[n+1] {
			t.Errorf("after %d attempts the next is %s, not %s", n, got, attemptIDs[n+1])
		}
	}
	flying, _ := open.attempted().fold()
	if got := collect.NextAttemptID(flying); got != attemptIDs[2] {
		t.Errorf("while the first is in flight the next is %s", got)
	}
	other := first
	other.CheckoutID += "x"
	if collect.NextAttemptID(other) == collect.NextAttemptID(first) {
		t.Error("two sessions have the same next attempt")
	}
}

func TestJoins(t *testing.T) {
	t.Parallel()
	open := created(payment.CaptureManual)
	for _, c := range []struct {
		name      string
		given     history
		attemptID string
		want      bool
	}{
		{"nothing was tried", open, attemptIDs[1], false},
		{"in flight", open.attempted(), attemptIDs[1], true},
		{"with the customer", open.attempted().sentAway(), attemptIDs[1], true},
		{"failed", open.failedTimes(1), attemptIDs[1], true},
		{"an earlier one", open.failedTimes(2).attempted(), attemptIDs[1], true},
		{"succeeded", open.attempted().approved(), attemptIDs[1], true},
		{"the session has ended", open.failedTimes(1).cancelled(), attemptIDs[1], true},
		{"the next one", open.attempted(), attemptIDs[2], false},
		{"no id", open.attempted(), "", false},
		{"an id of nobody", open.attempted(), "att_guessed", false},
	} {
		s, _ := c.given.fold()
		if got := collect.Joins(s, c.attemptID); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
}
