package api_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"tender/handlers/handlerstest"
)

// The contract's own example.
func TestCaptureAndVoid(t *testing.T) {
	t.Parallel()
	b := setup(t)
	sessionID, paymentID := b.Paid(100_000, goodCard, manual())
	sum := func(paid, voided, capturable int) object {
		return object{
			"status": "succeeded", "authorised_amount": 100_000, "paid_amount": paid, "voided_amount": voided,
			"expired_amount": 0, "pending_amount": 0, "capturable_amount": capturable,
		}
	}
	b.Payment(paymentID).Shows(sum(0, 0, 100_000)).Shows(object{
		"amount": 100_000, "currency": "ZAR", "country": "ZA", "capture_method": "manual", "intent": "payment", "mode": "test",
		"payment_session_id": sessionID, "payment_method_details.type": "card", "payment_method_details.card.scheme": "VISA",
		"payment_method_details.card.bin": "424242", "payment_method_details.card.last4": "4242", "payment_method_details.card.type": "CREDIT",
		"payment_method_details.card.exp_month": 12, "payment_method_details.card.exp_year": 2031, "last_payment_error": nil,
	})
	expires, err := time.Parse(time.RFC3339, b.Payment(paymentID).Text("authorisation_expires_at"))
	if left := time.Until(expires); err != nil || left < 6*24*time.Hour || left > 7*24*time.Hour {
		t.Errorf("the authorisation is good until %s", expires)
	}
	b.Get(sessions + "/" + sessionID).Shows(object{"status": "completed", "payment_outcome": "reserved", "payment_status": "paid", "payment_id": paymentID})

	captured := b.Post(payments+"/"+paymentID+"/captures", object{"amount": 60_000, "metadata": object{"parcel": "1"}}).Is(200)
	captured.Shows(sum(60_000, 0, 40_000)).Shows(object{
		"captures.0.amount": 60_000, "captures.0.status": "succeeded", "captures.0.metadata.parcel": "1", "captures.1": nil,
	})
	voided := b.Post(payments+"/"+paymentID+"/voids", object{"metadata": object{"why": "sold out"}}).Is(200)
	voided.Shows(sum(60_000, 40_000, 0)).Shows(object{"voids.0.amount": 40_000, "voids.0.status": "succeeded", "voids.0.metadata.why": "sold out"})
	if got := b.Payment(paymentID); string(got.Body) != string(voided.Body) {
		t.Errorf("read it is\n%s\nnot\n%s", got.Body, voided.Body)
	}
	b.Get(sessions + "/" + sessionID).Shows(object{"payment_outcome": "reserved"}) // whatever is captured or voided
}

func TestCaptureOfAllThatRemains(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, body := range []any{nil, "", "{}", object{"metadata": object{"k": "v"}}} {
		paymentID := b.Reserved(10_000, goodCard)
		b.Capture(paymentID, 3_000).Is(200)
		b.Post(payments+"/"+paymentID+"/captures", body).Is(200).Shows(object{"paid_amount": 10_000, "capturable_amount": 0, "captures.1.amount": 7_000})
	}
}

// Automatic capture: all of it is paid at once.
func TestAutomaticCapture(t *testing.T) {
	t.Parallel()
	b := setup(t)
	sessionID, paymentID := b.Paid(12_345, goodCard, object{"currency": "JPY", "external_reference": "A-1", "metadata": object{"k": "v"}})
	b.Payment(paymentID).Shows(object{
		"status": "succeeded", "authorised_amount": 12_345, "paid_amount": 12_345, "capturable_amount": 0, "currency": "JPY",
		"capture_method": "automatic", "authorisation_expires_at": nil, "external_reference": "A-1", "metadata.k": "v",
	})
	b.Get(sessions + "/" + sessionID).Shows(object{"payment_outcome": "paid", "payment_status": "paid", "status": "completed"})
}

// What is in flight counts as gone: captures that fit together may be in flight
// together, what doesn't fit is refused, a void has to wait.
func TestSeveralCapturesInFlight(t *testing.T) {
	t.Parallel()
	b := setup(t)
	other := b.On(b.Process())
	paymentID := b.Reserved(10_000, goodCard)
	arrived, release := b.First.Line.Hold(handlerstest.CallCapture)
	defer release()
	var running sync.WaitGroup
	for i := range 3 {
		running.Go(func() {
			a, err := b.Send("POST", payments+"/"+paymentID+"/captures", object{"amount": 3_000}, key(fmt.Sprint("capture ", i)))
			if err != nil || a.Status != 200 {
				t.Errorf("%v: %+v", err, a)
			}
		})
	}
	for range 3 {
		<-arrived
	}
	other.Payment(paymentID).Shows(object{"paid_amount": 0, "pending_amount": 9_000, "capturable_amount": 1_000, "captures.2.status": "pending"})
	refused(t, other.Capture(paymentID, 1_001), refusal{"capture_amount_too_high", captureTooHigh},
		object{"amounts.pending_amount": 9_000, "amounts.capturable_amount": 1_000, "amounts.requested_amount": 1_001})
	wait := other.Void(paymentID).Problem(409, "operation_in_progress").Shows(object{"retryable": true, "amounts.pending_amount": 9_000})
	if wait.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	other.Capture(paymentID, 1_000).Is(200).Shows(object{"paid_amount": 1_000, "pending_amount": 9_000, "capturable_amount": 0})
	// All of the rest is in flight: whether anything will remain, nobody knows yet.
	other.Capture(paymentID, 1).Problem(409, "operation_in_progress")
	other.Capture(paymentID, 0).Problem(409, "operation_in_progress")
	release()
	running.Wait()
	b.Payment(paymentID).Shows(object{"paid_amount": 10_000, "pending_amount": 0, "capturable_amount": 0})
}

func TestNothingBesideAVoidInFlight(t *testing.T) {
	t.Parallel()
	b := setup(t)
	paymentID := b.Reserved(10_000, goodCard)
	arrived, release := b.First.Line.Hold(handlerstest.CallVoid)
	defer release()
	var voiding sync.WaitGroup
	voiding.Go(func() {
		if a, err := b.Send("POST", payments+"/"+paymentID+"/voids", nil); err != nil || a.Status != 200 {
			t.Errorf("%v: %+v", err, a)
		}
	})
	<-arrived
	b.Capture(paymentID, 1).Problem(409, "operation_in_progress")
	b.Void(paymentID).Problem(409, "operation_in_progress")
	b.Payment(paymentID).Shows(object{"voids.0.status": "pending", "voids.0.amount": 10_000, "pending_amount": 10_000, "capturable_amount": 0})
	release()
	voiding.Wait()
	b.Payment(paymentID).Shows(object{"voided_amount": 10_000})
}

// Many who want the whole of it: one gets it, over two processes, too.
func TestRacingCaptures(t *testing.T) {
	t.Parallel()
	b := setup(t)
	callers := []*handlerstest.Caller{b.Caller, b.On(b.Process())}
	paymentID := b.Reserved(10_000, goodCard)
	answers := together(30, func(i int) *handlerstest.Answer {
		path := payments + "/" + paymentID + "/captures"
		if i%3 == 0 {
			path = payments + "/" + paymentID + "/voids"
		}
		a, err := callers[i%2].Send("POST", path, nil)
		if err != nil {
			t.Error(err)
		}
		return a
	})
	won := 0
	for _, a := range answers {
		switch a.Status {
		case 200:
			won++
		case 409:
		default:
			t.Errorf("one answer is %d: %s", a.Status, a.Body)
		}
	}
	if won != 1 {
		t.Errorf("%d got all of it", won)
	}
	p := b.Payment(paymentID)
	if p.Int("paid_amount")+p.Int("voided_amount") != 10_000 || p.Int("pending_amount") != 0 {
		t.Errorf("it came to %s", p.Body)
	}
}

func TestDeclinedCapture(t *testing.T) {
	t.Parallel()
	b := setup(t)
	paymentID := b.Reserved(10_000, "4000000000000457")
	for i := range 2 {
		b.Capture(paymentID, 4_000).Problem(402, "capture_declined")
		b.Payment(paymentID).Shows(object{
			"status": "succeeded", "paid_amount": 0, "pending_amount": 0, "capturable_amount": 10_000,
			fmt.Sprintf("captures.%d.status", i): "failed", fmt.Sprintf("captures.%d.amount", i): 4_000,
		})
	}
	b.Void(paymentID).Is(200).Shows(object{"voided_amount": 10_000, "capturable_amount": 0})
}

// The acquirer refuses a void.
func TestDeclinedVoid(t *testing.T) {
	t.Parallel()
	b := setup(t)
	paymentID := b.Reserved(10_000, goodCard)
	b.First.Line.Decline(handlerstest.CallVoid)
	first := b.Void(paymentID, key("k")).Problem(402, "void_declined")
	b.Payment(paymentID).Shows(object{"voids.0.status": "failed", "voids.0.amount": 10_000, "voided_amount": 0, "pending_amount": 0, "capturable_amount": 10_000})
	b.First.Line.Between(nil)
	same(t, first, b.Void(paymentID, key("k")))
	b.Void(paymentID).Is(200).Shows(object{"voided_amount": 10_000, "voids.1.status": "succeeded"})
}

// The card whose first capture is performed and its answer lost: 202 at once, the
// same again while nobody knows, and 200 for good once a worker has asked.
func TestLostAnswerOfACapture(t *testing.T) {
	t.Parallel()
	b := setup(t, handlerstest.At(-time.Minute))
	paymentID := b.Reserved(10_000, "4000000000000440")
	outstanding := object{"captures.0.status": "pending", "captures.0.amount": 4_000, "pending_amount": 4_000, "paid_amount": 0, "capturable_amount": 6_000}
	first := b.Capture(paymentID, 4_000, key("k")).Is(202).Shows(outstanding)
	if first.Header.Get("Event-Position") == "" {
		t.Error("no Event-Position")
	}
	b.Void(paymentID).Problem(409, "operation_in_progress")
	// Within its window the call counts as under way.
	b.Capture(paymentID, 1_000, key("second")).Is(200).Shows(object{"paid_amount": 1_000, "pending_amount": 4_000, "capturable_amount": 5_000})

	// After it the outcome is unknown, and nothing is decided until it is settled.
	b.Clock.Advance(16 * time.Second)
	b.Capture(paymentID, 1, key("third")).Problem(409, "operation_in_progress")
	b.Void(paymentID, key("void")).Problem(409, "operation_in_progress")

	b.First.Project()
	b.settleAll(t, b.First, paymentID)
	b.Payment(paymentID).Shows(object{"captures.0.status": "succeeded", "paid_amount": 5_000, "capturable_amount": 5_000})
	final := b.Capture(paymentID, 4_000, key("k")).Is(200).Shows(object{"captures.0.status": "succeeded", "paid_amount": 5_000})
	if !replayed(final) {
		t.Error("the final answer does not say that it is a replay")
	}
	same(t, final, b.Capture(paymentID, 4_000, key("k")))
	b.Capture(paymentID, 1, key("third")).Is(200)
	b.Void(paymentID, key("void")).Is(200).Shows(object{"paid_amount": 5_001, "voided_amount": 4_999})
}

// While an outcome is outstanding the answer is 202 each time, with the object as
// it is now and without saying that it is a replay; a lost request comes to 402.
func TestOutstandingAnswers(t *testing.T) {
	t.Parallel()
	b := setup(t, handlerstest.At(-time.Minute))
	paymentID := b.Reserved(10_000, goodCard)
	b.First.Line.LoseRequests(handlerstest.CallVoid)
	b.Void(paymentID, key("k")).Is(202).Shows(object{"voids.0.status": "pending", "pending_amount": 10_000})
	b.First.Line.Between(nil)

	var again *handlerstest.Answer
	eventually(t, "the first request can no longer be running", func() bool {
		again = b.Void(paymentID, key("k"))
		return again.Status != 409
	})
	if again.Is(202); replayed(again) {
		t.Error("what is outstanding says that it is a replay")
	}
	again.Shows(object{"voids.0.status": "pending"})
	b.Clock.Advance(16 * time.Second)
	b.First.Project()
	b.settleAll(t, b.First, paymentID)
	final := b.Void(paymentID, key("k")).Problem(402, "void_declined")
	same(t, final, b.Void(paymentID, key("k")))
	b.Payment(paymentID).Shows(object{"voids.0.status": "failed", "voided_amount": 0, "capturable_amount": 10_000})
}
