package api_test

import (
	"testing"
	"time"

	"tender/handlers/handlerstest"
)

const (
	declinedCard  = "4000000000000002"
	challengeCard = "4000000000003220"
)

func (b *bundle) cancel(sessionID string, headers ...handlerstest.Header) *handlerstest.Answer {
	return b.Post(sessions+"/"+sessionID+"/cancel", nil, headers...)
}

func TestCancel(t *testing.T) {
	t.Parallel()
	b := setup(t)
	customer := b.First.Caller(t, "")

	sessionID, checkoutID := b.Create(10_000)
	b.cancel(sessionID).Is(200).Shows(object{"status": "cancelled", "payment_outcome": "unpaid", "payment_status": "unpaid", "payment_id": nil, "version": 2})
	b.cancel(sessionID).Problem(409, "session_not_active").Shows(object{"detail": "The payment session is no longer active."})
	customer.Pay(checkoutID, goodCard).Problem(409, "session_not_active")

	// After an attempt that failed.
	sessionID, paymentID := b.Paid(10_000, declinedCard)
	b.cancel(sessionID).Is(200).Shows(object{"status": "cancelled", "payment_outcome": "unpaid", "last_payment_error.decline_code": "generic_decline"})
	b.Payment(paymentID).Shows(object{"status": "cancelled"})

	// Completed.
	sessionID, _ = b.Paid(10_000, goodCard)
	b.cancel(sessionID).Problem(409, "session_not_active")
	b.Get(sessions + "/" + sessionID).Shows(object{"status": "completed", "payment_outcome": "paid"})
}

// While the customer is at their bank, the acquirer closes the attempt first.
func TestCancelDuringAChallenge(t *testing.T) {
	t.Parallel()
	b := setup(t)
	sessionID, paymentID := b.Paid(10_000, challengeCard)
	b.Payment(paymentID).Shows(object{"status": "pending_action"})
	first := b.cancel(sessionID, key("k")).Is(200).Shows(object{
		"status": "cancelled", "payment_outcome": "unpaid", "last_payment_error.error_code": "customer_cancelled",
	})
	if first.Header.Get(positionHeader) == "" {
		t.Error("no Event-Position")
	}
	same(t, first, b.cancel(sessionID, key("k")))
	same(t, first, b.On(b.Process()).Post(sessions+"/"+sessionID+"/cancel", nil, key("k")))
	b.Payment(paymentID).Shows(object{"status": "cancelled", "authorised_amount": 0})
	if n := b.First.Line.Calls(handlerstest.CallSettle); n != 1 {
		t.Errorf("the acquirer was asked to settle %d times", n)
	}
}

// The acquirer can't be reached: the cancel is outstanding until a worker has
// closed the attempt.
func TestCancelOutstanding(t *testing.T) {
	t.Parallel()
	b := setup(t, handlerstest.At(-time.Minute))
	sessionID, paymentID := b.Paid(10_000, challengeCard)
	b.First.Line.LoseRequests(handlerstest.CallSettle)
	b.cancel(sessionID, key("k")).Is(202).Shows(object{"status": "active", "payment_outcome": "pending"})
	b.cancel(sessionID, key("another")).Problem(409, "attempt_in_progress")
	b.First.Line.Between(nil)
	b.Clock.Advance(16 * time.Second)
	b.First.Project()
	b.First.Work()
	eventually(t, "the worker has closed the attempt", func() bool {
		return b.Get(sessions+"/"+sessionID).Text("status") == "cancelled"
	})
	final := b.cancel(sessionID, key("k")).Is(200).Shows(object{"status": "cancelled"})
	same(t, final, b.cancel(sessionID, key("k")))
	b.Payment(paymentID).Shows(object{"status": "cancelled"})
	b.cancel(sessionID, key("another")).Problem(409, "session_not_active")
}

// The customer approves while the cancel is on its way: what the acquirer says
// first stands, and the cancel is refused for good.
func TestCancelAfterTheCustomerApproved(t *testing.T) {
	t.Parallel()
	b := setup(t)
	sessionID, checkoutID := b.Create(10_000)
	state := b.First.Caller(t, "").Pay(checkoutID, challengeCard).Is(200)
	b.First.Line.Before(handlerstest.CallSettle, func() { b.Decide(t, state.Text("next_action.url"), "approve") })
	first := b.cancel(sessionID, key("k")).Problem(409, "session_not_active")
	b.Get(sessions + "/" + sessionID).Is(200).Shows(object{"status": "completed", "payment_outcome": "paid"})
	same(t, first, b.cancel(sessionID, key("k")))
}

// A cancel and a payment at once: one of them wins, and the books agree.
func TestCancelRacesPayment(t *testing.T) {
	t.Parallel()
	b := setup(t)
	customer := b.First.Caller(t, "").On(b.Process())
	for range 8 {
		sessionID, checkoutID := b.Create(10_000)
		answers := together(2, func(i int) *handlerstest.Answer {
			var a *handlerstest.Answer
			var err error
			if i == 0 {
				a, err = b.Send("POST", sessions+"/"+sessionID+"/cancel", nil)
			} else {
				a, err = customer.Send("POST", "/checkout/"+checkoutID+"/attempts", handlerstest.Card(goodCard))
			}
			if err != nil {
				t.Error(err)
			}
			return a
		})
		s := b.Get(sessions + "/" + sessionID).Is(200)
		switch {
		case answers[0].Status == 200 && answers[1].Status == 409:
			s.Shows(object{"status": "cancelled", "payment_outcome": "unpaid"})
		case answers[0].Status == 409 && answers[1].Status == 200:
			s.Shows(object{"status": "completed", "payment_outcome": "paid"})
		default:
			t.Errorf("cancel %d, payment %d: %s", answers[0].Status, answers[1].Status, s.Body)
		}
	}
}
