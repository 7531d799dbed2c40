package api_test

import (
	"testing"
	"time"

	"tender/handlers/handlerstest"
)

// A session past its time takes nothing more, whether a worker has said so yet or
// not; then it is expired, with its payment.
func TestSessionExpires(t *testing.T) {
	t.Parallel()
	b := setup(t, handlerstest.At(-25*time.Hour))
	customer := b.First.Caller(t, "")
	untouched, untouchedCheckout := b.Create(10_000)
	failed, failedPayment := b.Paid(10_000, declinedCard)
	paid, _ := b.Paid(10_000, goodCard)
	b.Clock.Advance(24*time.Hour - time.Second)
	b.Get(sessions + "/" + untouched).Is(200).Shows(object{"status": "active"})
	b.Clock.Advance(time.Second)

	customer.Pay(untouchedCheckout, goodCard).Problem(409, "session_not_active")
	b.cancel(untouched).Problem(409, "session_not_active")

	b.First.Project()
	b.First.Work()
	for _, id := range []string{untouched, failed} {
		eventually(t, "the session has expired", func() bool { return b.Get(sessions+"/"+id).Text("status") == "expired" })
		b.Get(sessions + "/" + id).Shows(object{"payment_outcome": "unpaid", "payment_status": "unpaid"})
	}
	b.Payment(failedPayment).Shows(object{"status": "expired"})
	b.Get(sessions + "/" + paid).Shows(object{"status": "completed", "payment_outcome": "paid"})
	customer.Pay(untouchedCheckout, goodCard).Problem(409, "session_not_active")
}

// An attempt in flight is never cut off: its outcome comes first, whatever the
// time, and ends the session.
func TestAttemptOutlivesItsSession(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		decision string
		session  object
		payment  object
	}{
		"approved": {"approve", object{"status": "completed", "payment_outcome": "paid"}, object{"status": "succeeded"}},
		"refused": {"refuse", object{"status": "expired", "payment_outcome": "unpaid", "last_payment_error.error_code": "authentication_failed"},
			object{"status": "expired"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, handlerstest.At(-time.Hour))
			a := b.Post(sessions, with(checkoutOptions(object{"expires_at": b.Clock.Now().Add(6 * time.Minute).UTC().Format(time.RFC3339)}))).Is(201)
			sessionID := a.Text("id")
			state := b.First.Caller(t, "").Pay(a.Text("checkout_session_id"), challengeCard).Is(200)
			b.Clock.Advance(7 * time.Minute)
			b.First.Project()
			b.First.Work()
			b.cancelsNothingYet(t, sessionID)
			b.Decide(t, state.Text("next_action.url"), c.decision)
			eventually(t, "the attempt has ended", func() bool {
				return b.Get(sessions+"/"+sessionID).Text("status") != "active"
			})
			s := b.Get(sessions + "/" + sessionID).Shows(c.session)
			b.Payment(s.Text("payment_id")).Shows(c.payment)
		})
	}
}

// cancelsNothingYet holds that a session in flight is still active.
func (b *bundle) cancelsNothingYet(t *testing.T, sessionID string) {
	t.Helper()
	b.Get(sessions + "/" + sessionID).Is(200).Shows(object{"status": "active", "payment_outcome": "pending"})
}

// A customer who does not come back from their bank: the acquirer closes the
// attempt, and the session may be tried again.
func TestChallengeTimesOut(t *testing.T) {
	t.Parallel()
	b := setup(t, handlerstest.At(-time.Hour))
	sessionID, checkoutID := b.Create(10_000)
	customer := b.First.Caller(t, "")
	state := customer.Pay(checkoutID, challengeCard).Is(200).Shows(object{"next_action.type": "redirect"})
	b.cancelsNothingYet(t, sessionID)
	b.Clock.Advance(15 * time.Minute)
	b.First.Project()
	b.First.Work()
	eventually(t, "the attempt has timed out", func() bool {
		return b.Get(sessions+"/"+sessionID).Text("last_payment_error.error_code") == "timed_out"
	})
	// What the customer decides now comes too late, and says so.
	b.Decide(t, state.Text("next_action.url"), "approve")
	b.Get(sessions + "/" + sessionID).Shows(object{"status": "active", "payment_outcome": "pending"})
	customer.Pay(checkoutID, goodCard).Is(200).Shows(object{"payment_outcome": "paid"})
}
