package payments_test

import (
	"context"
	"testing"

	"tender/acquirers"
	"tender/handlers/handlerstest"
)

// misled has calls of a kind performed, and the engine told that they were not.
func (b *bundle) misled(kind string) {
	b.First.Line.Between(func(_ context.Context, call string, send handlerstest.Send) (acquirers.Answer, error) {
		answer, err := send()
		if call == kind {
			return acquirers.Answer{Status: acquirers.StatusDeclined, ErrorCode: "processing_error"}, nil
		}
		return answer, err
	})
}

// hears records what the acquirer says of the last operation when it is asked.
func (b *bundle) hears(t *testing.T, key string) {
	t.Helper()
	answer, err := b.First.Line.Settle(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // it may say so again
		if _, _, err := b.service().Record(t.Context(), answer); err != nil {
			t.Fatal(err)
		}
	}
	b.service().Drain()
}

// Money that was captured although the record says that it was not is paid back on
// our own account: the sums that the merchant sees know nothing of it.
func TestAContradictedCaptureIsPaidBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	paymentID := b.Reserved(10_000, goodCard)
	b.misled(handlerstest.CallCapture)
	b.Capture(paymentID, 4_000).Problem(402, "capture_declined")
	b.First.Line.Between(nil)
	before := b.Payment(paymentID)
	b.hears(t, paymentID+"-"+before.Text("captures.0.id"))
	b.tells(t, []string{paymentID},
		"pay 1 payment.initiated",
		"pay 2 payment.attempt_started",
		"pay 3 payment.authorised of pay 2",
		"pay 4 payment.capture_requested",
		"pay 5 payment.capture_failed of pay 4",
		"pay 6 payment.contradicted of pay 4",
		"pay 7 payment.reversal_requested of pay 4",
		"pay 8 payment.reversed of pay 7",
	)
	if n := b.First.Line.Calls(handlerstest.CallRefund); n != 1 {
		t.Errorf("it was paid back %d times", n)
	}
	b.Payment(paymentID).Shows(handlerstest.Object{
		"paid_amount": 0, "refunded_amount": 0, "refundable_amount": 0, "capturable_amount": 10_000, "refunds.0": nil,
		"captures.0.status": "failed",
	})
	b.Capture(paymentID, 6_000).Is(200)
	b.Refund(paymentID, 0).Is(200).Shows(handlerstest.Object{"paid_amount": 6_000, "refunded_amount": 6_000})
}

// A sale that was recorded as failed is paid back, too: there is nothing to void.
func TestAContradictedSaleIsPaidBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.misled(handlerstest.CallAuthorise)
	_, paymentID := b.Paid(10_000, goodCard)
	b.First.Line.Between(nil)
	b.hears(t, paymentID+"-1")
	b.tells(t, []string{paymentID},
		"pay 1 payment.initiated",
		"pay 2 payment.attempt_started",
		"pay 3 payment.attempt_failed of pay 2",
		"pay 4 payment.contradicted of pay 2",
		"pay 5 payment.reversal_requested of pay 2",
		"pay 6 payment.reversed of pay 5",
	)
	if refunds, voids := b.First.Line.Calls(handlerstest.CallRefund), b.First.Line.Calls(handlerstest.CallVoid); refunds != 1 || voids != 0 {
		t.Errorf("the acquirer was asked for %d refunds and %d voids", refunds, voids)
	}
}

// A refund that was recorded as failed and performed all the same is something to
// look at: nobody can take it back.
func TestAContradictedRefund(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, paymentID := b.Paid(10_000, goodCard)
	b.misled(handlerstest.CallRefund)
	b.Refund(paymentID, 4_000).Problem(402, "refund_declined")
	b.First.Line.Between(nil)
	b.hears(t, paymentID+"-"+b.Payment(paymentID).Text("refunds.0.id"))
	b.tells(t, []string{paymentID},
		"pay 1 payment.initiated",
		"pay 2 payment.attempt_started",
		"pay 3 payment.paid of pay 2",
		"pay 4 payment.refund_requested",
		"pay 5 payment.refund_failed of pay 4",
		"pay 6 payment.contradicted of pay 4",
	)
	b.Payment(paymentID).Shows(handlerstest.Object{"refunded_amount": 0, "refundable_amount": 10_000, "refunds.0.status": "failed"})
}
