package payments_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tender/acquirers"
	"tender/handlers/handlerstest"
)

// tells fails the test unless the story of streams is this.
func (b *bundle) tells(t *testing.T, streams []string, want ...string) {
	t.Helper()
	if got := b.story(t, streams...); !slices.Equal(got, want) {
		t.Errorf("the log tells\n%s\nnot\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// An outcome names the intent that it answers, whichever of several that is. What
// somebody asked for names nothing: nobody but they caused it.
func TestOutcomesNameTheirIntents(t *testing.T) {
	t.Parallel()
	b := setup(t)
	sessionID, checkoutID := b.Create(10_000, handlerstest.Manual())
	b.customer.Pay(checkoutID, declinedCard).Is(200)
	b.customer.Pay(checkoutID, goodCard).Is(200)
	paymentID := b.Get(sessionsPath + "/" + sessionID).Is(200).Text("payment_id")
	b.Capture(paymentID, 4_000).Is(200)
	b.First.Line.Decline(handlerstest.CallCapture)
	b.Capture(paymentID, 1_000).Is(402)
	b.First.Line.Decline(handlerstest.CallVoid)
	b.Void(paymentID).Is(402)
	b.First.Line.Between(nil)
	b.On(b.Process()).Void(paymentID).Is(200) // by a process that has seen nothing of it
	b.Refund(paymentID, 1_000).Is(200)
	b.First.Line.Decline(handlerstest.CallRefund)
	b.Refund(paymentID, 1_000).Is(402)

	b.tells(t, []string{sessionID, paymentID},
		"ps 1 session.created",
		"ps 2 session.attempt_started",
		"ps 3 session.attempt_failed of pay 2",
		"ps 4 session.attempt_started",
		"ps 5 session.completed of pay 4",
		"pay 1 payment.initiated",
		"pay 2 payment.attempt_started",
		"pay 3 payment.attempt_failed of pay 2",
		"pay 4 payment.attempt_started",
		"pay 5 payment.authorised of pay 4",
		"pay 6 payment.capture_requested",
		"pay 7 payment.captured of pay 6",
		"pay 8 payment.capture_requested",
		"pay 9 payment.capture_failed of pay 8",
		"pay 10 payment.void_requested",
		"pay 11 payment.void_failed of pay 10",
		"pay 12 payment.void_requested",
		"pay 13 payment.voided of pay 12",
		"pay 14 payment.refund_requested",
		"pay 15 payment.refunded of pay 14",
		"pay 16 payment.refund_requested",
		"pay 17 payment.refund_failed of pay 16",
	)
}

// So does one that the acquirer reports by itself, after the customer was away.
func TestNotifiedOutcomesNameTheirIntents(t *testing.T) {
	t.Parallel()
	b := setup(t)
	sessionID, checkoutID := b.Create(10_000)
	state := b.customer.Pay(checkoutID, challengeCard).Is(200)
	b.Decide(t, state.Text("next_action.url"), "approve")
	eventually(t, "the session is paid", func() bool {
		return b.Get(sessionsPath+"/"+sessionID).Text("status") == "completed"
	})
	paymentID := b.Get(sessionsPath + "/" + sessionID).Text("payment_id")
	b.tells(t, []string{sessionID, paymentID},
		"ps 1 session.created",
		"ps 2 session.attempt_started",
		"ps 3 session.completed of pay 2",
		"pay 1 payment.initiated",
		"pay 2 payment.attempt_started",
		"pay 3 payment.action_required of pay 2",
		"pay 4 payment.paid of pay 2",
	)
}

// So does one that a worker had to ask for, and one that contradicts the record,
// with the intent that comes of it.
func TestSettledAndContradictingOutcomesNameTheirIntents(t *testing.T) {
	t.Parallel()
	b := setup(t, handlerstest.At(-time.Minute))
	sessionID, checkoutID := b.Create(10_000, handlerstest.Manual())
	b.First.Line.LoseRequests(handlerstest.CallAuthorise)
	b.customer.Pay(checkoutID, goodCard).Is(200)
	b.First.Line.Between(nil)
	paymentID := b.Get(sessionsPath + "/" + sessionID).Is(200).Text("payment_id")
	b.Clock.Advance(16 * time.Second)
	b.First.Project()
	stop := b.First.Work()
	eventually(t, "the attempt is settled", func() bool { return len(b.events(t, paymentID)) == 3 })
	stop()

	// Another process hears that it was performed after all.
	late := acquirers.Answer{Key: paymentID + "-1", Status: acquirers.StatusApproved, Reference: "late"}
	other := b.Process().Test.Payments
	if _, _, err := other.Record(t.Context(), late); err != nil {
		t.Fatal(err)
	}
	other.Drain()
	b.tells(t, []string{sessionID, paymentID},
		"ps 1 session.created",
		"ps 2 session.attempt_started",
		"ps 3 session.attempt_failed of pay 2",
		"pay 1 payment.initiated",
		"pay 2 payment.attempt_started",
		"pay 3 payment.attempt_failed of pay 2",
		"pay 4 payment.contradicted of pay 2",
		"pay 5 payment.reversal_requested of pay 2",
		"pay 6 payment.reversal_failed of pay 5", // it knows nothing of such a reference
	)
}

// What time brings names the event that said when: a session's first, and the
// authorisation. A reversal is an intent like any other.
func TestExpiriesNameWhatSetTheTime(t *testing.T) {
	t.Parallel()
	b := setup(t, handlerstest.At(-40*24*time.Hour))
	untouched, _ := b.Create(10_000)
	tried, triedPayment := b.Paid(10_000, declinedCard)
	paymentID := b.Reserved(10_000, goodCard)
	b.Capture(paymentID, 4_000).Is(200)
	b.Clock.Advance(39 * 24 * time.Hour)
	b.First.Project()
	worker := b.Process() // that has seen nothing of them
	stop := worker.Work()
	eventually(t, "all is over", func() bool {
		return len(b.events(t, untouched)) == 2 && len(b.events(t, triedPayment)) == 4 && len(b.events(t, paymentID)) == 8
	})
	stop()
	b.tells(t, []string{untouched}, "ps 1 session.created", "ps 2 session.expired of ps 1")
	b.tells(t, []string{tried, triedPayment},
		"ps 1 session.created",
		"ps 2 session.attempt_started",
		"ps 3 session.attempt_failed of pay 2",
		"ps 4 session.expired of ps 1",
		"pay 1 payment.initiated",
		"pay 2 payment.attempt_started",
		"pay 3 payment.attempt_failed of pay 2",
		"pay 4 payment.expired of ps 1",
	)
	b.tells(t, []string{paymentID},
		"pay 1 payment.initiated",
		"pay 2 payment.attempt_started",
		"pay 3 payment.authorised of pay 2",
		"pay 4 payment.capture_requested",
		"pay 5 payment.captured of pay 4",
		"pay 6 payment.authorisation_expired of pay 3",
		"pay 7 payment.reversal_requested of pay 3",
		"pay 8 payment.reversed of pay 7",
	)
}
