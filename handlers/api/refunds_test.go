package api_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"tender/acquirers"
	"tender/handlers/handlerstest"
	"tender/handlers/webhooks"
)

// To the letter of the contract.
const (
	nothingToRefund = "The payment has nothing left to refund."
	refundTooHigh   = "The refund amount exceeds the refundable amount."
)

// Cards that are paid, and whose refunds go wrong.
const (
	refundDeclinedCard  = "4000000000000507"
	refundLostCard      = "4000000000000515"
	refundFailsLateCard = "4000000000000523"
)

// sold is a payment of so much that was captured at once.
func (b *bundle) sold(amount int64, number string) (paymentID string) {
	_, paymentID = b.Paid(amount, number)
	return paymentID
}

// back is what a payment shows of its refunds.
func back(paid, refunded, refundable int) object {
	return object{"status": "succeeded", "paid_amount": paid, "refunded_amount": refunded, "refundable_amount": refundable, "pending_amount": 0}
}

func TestRefund(t *testing.T) {
	t.Parallel()
	b := setup(t)
	sessionID, paymentID := b.Paid(100_000, goodCard)
	b.Payment(paymentID).Shows(back(100_000, 0, 100_000)).Shows(object{"refunds.0": nil})

	first := b.Post(payments+"/"+paymentID+"/refunds", object{"amount": 60_000, "reason": "one of three was damaged", "metadata": object{"return": "1"}}).Is(200)
	first.Shows(back(100_000, 60_000, 40_000)).Shows(object{
		"refunds.0.amount": 60_000, "refunds.0.status": "succeeded", "refunds.0.reason": "one of three was damaged",
		"refunds.0.metadata.return": "1", "refunds.1": nil, "authorised_amount": 100_000, "capturable_amount": 0,
	})
	if got := b.Payment(paymentID); string(got.Body) != string(first.Body) {
		t.Errorf("read it is\n%s\nnot\n%s", got.Body, first.Body)
	}
	b.Refund(paymentID, 30_000).Is(200).Shows(back(100_000, 90_000, 10_000)).Shows(object{
		"refunds.1.amount": 30_000, "refunds.1.reason": nil, "refunds.1.metadata": nil,
	})
	refused(t, b.Refund(paymentID, 10_001), refusal{"refund_amount_too_high", refundTooHigh}, object{
		"amounts.requested_amount": 10_001, "amounts.refundable_amount": 10_000, "amounts.refunded_amount": 90_000, "amounts.paid_amount": 100_000,
	})
	b.Refund(paymentID, 0).Is(200).Shows(back(100_000, 100_000, 0)).Shows(object{"refunds.2.amount": 10_000})
	for _, amount := range []int64{0, 1, 1_000_000} {
		refused(t, b.Refund(paymentID, amount), refusal{"nothing_to_refund", nothingToRefund}, object{"amounts.refundable_amount": 0})
	}
	b.Get(sessions + "/" + sessionID).Shows(object{"status": "completed", "payment_outcome": "paid"})
}

func TestRefundOfAllThatIsRefundable(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, body := range []any{nil, "", "{}", object{"metadata": object{"k": "v"}}, object{"reason": "r"}} {
		paymentID := b.sold(10_000, goodCard)
		b.Refund(paymentID, 3_000).Is(200)
		b.Post(payments+"/"+paymentID+"/refunds", body).Is(200).Shows(back(10_000, 10_000, 0)).Shows(object{"refunds.1.amount": 7_000})
	}
}

// What was captured can be refunded, whatever becomes of the rest.
func TestRefundOfCaptures(t *testing.T) {
	t.Parallel()
	b := setup(t)
	paymentID := b.Reserved(10_000, goodCard)
	refused(t, b.Refund(paymentID, 0), refusal{"nothing_to_refund", nothingToRefund}, object{"amounts.capturable_amount": 10_000})
	b.Capture(paymentID, 4_000).Is(200)
	b.Refund(paymentID, 4_001).Problem(409, "refund_amount_too_high")
	b.Refund(paymentID, 4_000).Is(200).Shows(back(4_000, 4_000, 0)).Shows(object{"capturable_amount": 6_000})
	b.Refund(paymentID, 1).Problem(409, "nothing_to_refund")
	b.Capture(paymentID, 1_000).Is(200).Shows(back(5_000, 4_000, 1_000))
	b.Void(paymentID).Is(200).Shows(back(5_000, 4_000, 1_000)).Shows(object{"voided_amount": 5_000})
	b.Clock.Advance(8 * 24 * time.Hour) // the authorisation is long over
	b.Refund(paymentID, 0).Is(200).Shows(back(5_000, 5_000, 0))
}

func TestNothingWasPaid(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, number := range []string{"4000000000000002", "4000000000003220"} {
		refused(t, b.Refund(b.sold(10_000, number), 0), refusal{"nothing_to_refund", nothingToRefund}, nil)
	}
	b.Refund("pay_01hzy3v7q8e4xk2m9c5b7d6f0a", 0).Problem(404, "not_found")
	b.Refund("pay_nonsense", 0).Problem(404, "not_found")
	paymentID := b.sold(10_000, goodCard)
	b.First.Caller(t, b.Merchant("test").Secret).Refund(paymentID, 0).Problem(404, "not_found")
	b.First.Caller(t, b.merchant.Public).Refund(paymentID, 0).Problem(403, "forbidden")
	b.Refund(paymentID, 0, key("")).Problem(400, "idempotency_key_missing")
}

func TestRefundRequests(t *testing.T) {
	t.Parallel()
	b := setup(t)
	paymentID := b.sold(10_000, goodCard)
	path := payments + "/" + paymentID + "/refunds"
	for body, want := range map[string][]string{
		`{"amount":0}`:               {"/amount: too_small"},
		`{"amount":-1}`:              {"/amount: too_small"},
		`{"amount":1.5}`:             {"/amount: wrong_type"},
		`{"amount":1000000000000}`:   {"/amount: too_large"},
		`{"reason":""}`:              {"/reason: too_short"},
		`{"reason":7}`:               {"/reason: wrong_type"},
		`{"reason":"a\u0000b"}`:      {"/reason: invalid_format"},
		`{"metadata":{"":"v"}}`:      {"/metadata/: too_short"},
		`{"currency":"ZAR"}`:         {"/currency: unknown"},
		`{"amount":0,"reason":null}`: {"/amount: too_small", "/reason: wrong_type"},
		`{"reason":"` + strings.Repeat("é", 256) + `"}`: {"/reason: too_long"},
	} {
		blames(t, b.Post(path, body), want...)
	}
	longest := strings.Repeat("é", 255)
	b.Post(path, object{"amount": 1, "reason": longest}).Is(200).Shows(object{"refunds.0.reason": longest})
}

// A refund that is declined takes nothing: it may be asked for again.
func TestDeclinedRefund(t *testing.T) {
	t.Parallel()
	b := setup(t)
	paymentID := b.sold(10_000, refundDeclinedCard)
	first := b.Refund(paymentID, 4_000, key("k")).Problem(402, "refund_declined")
	b.Payment(paymentID).Shows(back(10_000, 0, 10_000)).Shows(object{"refunds.0.status": "failed", "refunds.0.amount": 4_000})
	same(t, first, b.Refund(paymentID, 4_000, key("k")))
	b.Refund(paymentID, 0).Problem(402, "refund_declined")
	b.Payment(paymentID).Shows(back(10_000, 0, 10_000)).Shows(object{"refunds.1.status": "failed", "refunds.1.amount": 10_000, "refunds.2": nil})
	if n := b.First.Line.Calls(handlerstest.CallRefund); n != 2 {
		t.Errorf("the acquirer was asked %d times", n)
	}
}

func TestRefundsAreIdempotent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	other := b.On(b.Process())
	paymentID := b.sold(10_000, goodCard)
	path := payments + "/" + paymentID + "/refunds"
	body := object{"amount": 4_000, "reason": "late", "metadata": object{"k": "v"}}
	first := b.Post(path, body, key("k")).Is(200)
	b.Refund(paymentID, 1_000).Is(200)
	same(t, first, b.Post(path, body, key("k")))
	same(t, first, other.Post(path, `{"metadata":{"k":"v"},"reason":"late", "amount":4000}`, key("k")))
	for field, another := range map[string]object{
		"/amount":     {"amount": 4_001, "reason": "late", "metadata": object{"k": "v"}},
		"/reason":     {"amount": 4_000, "reason": "later", "metadata": object{"k": "v"}},
		"/metadata/k": {"amount": 4_000, "reason": "late"},
	} {
		b.Post(path, another, key("k")).Problem(422, "idempotency_key_reused").Shows(object{
			"errors.0.pointer": field, "conflicting_resource_id": paymentID,
		})
	}
	b.Post(payments+"/"+paymentID+"/captures", object{"amount": 4_000}, key("k")).Problem(422, "idempotency_key_reused")

	// A refusal is an answer, too: what was too much stays so under this key.
	refusal := b.Refund(paymentID, 9_000, key("too much")).Problem(409, "refund_amount_too_high")
	same(t, refusal, other.Refund(paymentID, 9_000, key("too much")))
	b.Payment(paymentID).Shows(back(10_000, 5_000, 5_000))
}

// Twenty at once, of a tenth each, over two processes: ten are refunded, never more.
func TestRacingRefunds(t *testing.T) {
	t.Parallel()
	b := setup(t)
	second := b.Process()
	callers := []*handlerstest.Caller{b.Caller, b.On(second)}
	paymentID := b.sold(10_000, goodCard)
	answers := together(20, func(i int) *handlerstest.Answer {
		for {
			a, err := callers[i%2].Send("POST", payments+"/"+paymentID+"/refunds", object{"amount": 1_000}, key(fmt.Sprint("refund ", i)))
			if err != nil {
				t.Error(err)
			}
			if a.Status != 409 || a.At("retryable") != true {
				return a
			}
			// Another is in flight: the same request again, until it is decided.
		}
	})
	won := 0
	for _, a := range answers {
		switch a.Status {
		case 200:
			won++
			if a.Int("refunded_amount") > 10_000 || a.Int("refundable_amount") < 0 {
				t.Errorf("it is told %s", a.Body)
			}
		default:
			a.Problem(409, "nothing_to_refund")
		}
	}
	if won != 10 {
		t.Errorf("%d of 20 were refunded", won)
	}
	b.Payment(paymentID).Shows(back(10_000, 10_000, 0))
	if n := b.First.Line.Calls(handlerstest.CallRefund) + second.Line.Calls(handlerstest.CallRefund); n != 10 {
		t.Errorf("the acquirer was asked %d times", n)
	}
}

// Beside a refund in flight a capture is possible, a void and another refund not;
// and no refund beside anything.
func TestRefundsInFlight(t *testing.T) {
	t.Parallel()
	b := setup(t)
	other := b.On(b.Process())
	paymentID := b.Reserved(10_000, goodCard)
	b.Capture(paymentID, 4_000).Is(200)
	wait := func(a *handlerstest.Answer) {
		t.Helper()
		if a.Problem(409, "operation_in_progress"); a.Header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	}
	flying := func(call, path string, amount int, beside func()) {
		t.Helper()
		arrived, release := b.First.Line.Hold(call)
		defer release()
		var running sync.WaitGroup
		running.Go(func() {
			if a, err := b.Send("POST", payments+"/"+paymentID+path, object{"amount": amount}); err != nil || a.Status != 200 {
				t.Errorf("%v: %+v", err, a)
			}
		})
		<-arrived
		beside()
		release()
		running.Wait()
	}
	flying(handlerstest.CallRefund, "/refunds", 3_000, func() {
		other.Payment(paymentID).Shows(back(4_000, 0, 1_000)).Shows(object{"refunds.0.status": "pending", "refunds.0.amount": 3_000})
		wait(other.Refund(paymentID, 1_000))
		wait(other.Refund(paymentID, 0))
		wait(other.Void(paymentID))
		other.Capture(paymentID, 1_000).Is(200).Shows(back(5_000, 0, 2_000))
	})
	b.Payment(paymentID).Shows(back(5_000, 3_000, 2_000))
	flying(handlerstest.CallCapture, "/captures", 500, func() { wait(other.Refund(paymentID, 1)) })
	b.Refund(paymentID, 0).Is(200).Shows(back(5_500, 5_500, 0))
}

// The card whose refunds are performed and their answers lost: 202 at once, the
// same again while nobody knows, and 200 for good once a worker has asked.
func TestLostAnswerOfARefund(t *testing.T) {
	t.Parallel()
	b := setup(t, handlerstest.At(-time.Minute))
	_, paymentID := b.Paid(10_000, refundLostCard, manual())
	b.Capture(paymentID, 8_000).Is(200)
	first := b.Refund(paymentID, 4_000, key("k")).Is(202).Shows(back(8_000, 0, 4_000)).Shows(object{"refunds.0.status": "pending"})
	if first.Header.Get("Event-Position") == "" {
		t.Error("no Event-Position")
	}
	b.Refund(paymentID, 1, key("second")).Problem(409, "operation_in_progress")
	b.Capture(paymentID, 500).Is(200) // within its window the call counts as under way
	b.Clock.Advance(16 * time.Second)
	b.Capture(paymentID, 500, key("capture")).Problem(409, "operation_in_progress")

	b.First.Project()
	b.settleRefund(t, paymentID, "succeeded")
	final := b.Refund(paymentID, 4_000, key("k")).Is(200).Shows(back(8_500, 4_000, 4_500))
	if !replayed(final) {
		t.Error("the final answer does not say that it is a replay")
	}
	same(t, final, b.Refund(paymentID, 4_000, key("k")))
	b.Capture(paymentID, 500, key("capture")).Is(200)
	b.First.Line.LoseRequests(handlerstest.CallRefund)
	b.Refund(paymentID, 0, key("lost")).Is(202).Shows(back(9_000, 4_000, 0))
	b.First.Line.Between(nil)

	// A request that was lost comes to nothing: its amount is free again.
	b.Clock.Advance(16 * time.Second)
	b.settleRefund(t, paymentID, "failed")
	lost := b.Refund(paymentID, 0, key("lost")).Problem(402, "refund_declined")
	same(t, lost, b.Refund(paymentID, 0, key("lost")))
	b.Payment(paymentID).Shows(back(9_000, 4_000, 5_000)).Shows(object{"refunds.1.status": "failed", "refunds.1.amount": 5_000})
}

// settleRefund lets a worker find out what became of the last refund.
func (b *bundle) settleRefund(t *testing.T, paymentID, status string) {
	t.Helper()
	defer b.First.Work()()
	b.refundIs(t, paymentID, status)
}

// refundIs waits until the last refund has a status.
func (b *bundle) refundIs(t *testing.T, paymentID, status string) {
	t.Helper()
	eventually(t, "the refund has "+status, func() bool {
		p := b.Payment(paymentID)
		return p.Text(fmt.Sprintf("refunds.%d.status", p.Len("refunds")-1)) == status
	})
}

// A refund that was performed fails in the end: refunded falls again, a message
// tells, and the answer that the merchant once had stays what it was.
func TestRefundFailsLate(t *testing.T) {
	t.Parallel()
	b := setup(t)
	paymentID := b.sold(10_000, refundFailsLateCard)
	first := b.Refund(paymentID, 4_000, key("k")).Is(200).Shows(back(10_000, 4_000, 6_000)).Shows(object{"refunds.0.status": "succeeded"})
	b.refundIs(t, paymentID, "failed")
	now := b.Payment(paymentID).Shows(back(10_000, 0, 10_000)).Shows(object{"refunds.0.amount": 4_000, "refunds.1": nil})
	same(t, first, b.Refund(paymentID, 4_000, key("k")))

	events, err := b.First.Test.Engine.Store.Stream(t.Context(), paymentID)
	must(t, err)
	var told []string
	for n := range events {
		m, err := webhooks.Render("test", events[:n+1])
		if err != nil {
			continue // it is told to nobody
		}
		told = append(told, m.Type)
		if n+1 < len(events) {
			continue
		}
		var body struct{ Data json.RawMessage }
		must(t, json.Unmarshal(m.Body, &body))
		if string(body.Data) != string(now.Body) {
			t.Errorf("the merchant is sent\n%s\nand reads\n%s", body.Data, now.Body)
		}
	}
	if want := "payment.succeeded payment.refunded payment.refund_failed"; strings.Join(told, " ") != want {
		t.Errorf("told are %v, not %s", told, want)
	}
	last := events[len(events)-1]
	if last.Causation != events[len(events)-3].ID || last.EffectiveAt.IsZero() {
		t.Errorf("the last event is of %v at %v", last.Causation, last.EffectiveAt)
	}

	// What came back can be refunded again.
	b.Refund(paymentID, 0).Is(200).Shows(back(10_000, 10_000, 0))
	b.refundIs(t, paymentID, "failed")
	b.Payment(paymentID).Shows(back(10_000, 0, 10_000))
}

// noRefunds is an acquirer that can't refund.
type noRefunds struct{ acquirers.Acquirer }

func (a noRefunds) Capabilities() acquirers.Capabilities {
	can := a.Acquirer.Capabilities()
	can.Refund = false
	return can
}

func TestRefundsThatTheAcquirerCannotDo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.First.Line.Acquirer = noRefunds{b.First.Line.Acquirer}
	paymentID := b.sold(10_000, goodCard)
	first := b.Refund(paymentID, 4_000, key("k")).Problem(422, "not_supported_by_acquirer")
	same(t, first, b.Refund(paymentID, 4_000, key("k")))
	b.Payment(paymentID).Shows(back(10_000, 0, 10_000)).Shows(object{"refunds.0": nil})
	if n := b.First.Line.Calls(handlerstest.CallRefund); n != 0 {
		t.Errorf("the acquirer was asked %d times", n)
	}
}
