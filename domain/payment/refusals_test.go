package payment_test

import (
	"testing"
	"time"

	"tender/domain"
	"tender/domain/payment"
)

// The contract quotes these texts; merchants compare them.
func TestRefusalsAreToTheLetter(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		refusal *domain.Refusal
		want    domain.Refusal
	}{
		{payment.ErrCaptureNotAllowed, domain.Refusal{Code: "capture_not_allowed", Detail: "The payment is not in an authorised state and cannot be captured."}},
		{payment.ErrAuthorisationExpired, domain.Refusal{Code: "authorisation_expired", Detail: "The authorisation has expired and can no longer be captured."}},
		{payment.ErrCaptureTooHigh, domain.Refusal{Code: "capture_amount_too_high", Detail: "The capture amount exceeds the remaining authorised amount."}},
		{payment.ErrVoidNotAllowed, domain.Refusal{Code: "void_not_allowed", Detail: "The payment is not in an authorised state and cannot be voided."}},
		{payment.ErrAlreadyVoided, domain.Refusal{Code: "already_voided", Detail: "The payment has already been fully voided."}},
		{payment.ErrNothingToVoid, domain.Refusal{Code: "nothing_to_void", Detail: "There is no remaining authorised amount to void."}},
		{payment.ErrNothingToRefund, domain.Refusal{Code: "nothing_to_refund", Detail: "The payment has nothing left to refund."}},
		{payment.ErrRefundTooHigh, domain.Refusal{Code: "refund_amount_too_high", Detail: "The refund amount exceeds the refundable amount."}},
		{payment.ErrRefundAmountInvalid, domain.Refusal{Code: "invalid_request", Detail: "A refund's amount is 1 or more.", Field: "/amount"}},
		{payment.ErrTooManyRefunds, domain.Refusal{Code: "too_many_refunds", Detail: "A payment takes at most 200 refunds."}},
		{payment.ErrOperationInProgress, domain.Refusal{Code: "operation_in_progress", Detail: "Another operation on this payment waits for the acquirer's answer. Try again in a moment.", Transient: true}},
		{payment.ErrTooManyOperations, domain.Refusal{Code: "too_many_operations", Detail: "A payment takes at most 200 captures and voids."}},
		{payment.ErrCaptureAmountInvalid, domain.Refusal{Code: "invalid_request", Detail: "A capture's amount is 1 or more.", Field: "/amount"}},
	} {
		if *c.refusal != c.want {
			t.Errorf("the refusal is\n%+v, not\n%+v", *c.refusal, c.want)
		}
	}
}

func TestLimitsAreTheContracts(t *testing.T) {
	t.Parallel()
	if payment.AttemptsMax != 10 || payment.OperationsMax != 200 || payment.RefundsMax != 200 || payment.VoidsBeyondMax != 10 {
		t.Errorf("%d attempts, %d operations, %d refunds and %d voids beyond", payment.AttemptsMax, payment.OperationsMax, payment.RefundsMax, payment.VoidsBeyondMax)
	}
	if payment.CallTimeout != 5*time.Second || payment.AnswerWindow != 15*time.Second {
		t.Errorf("a call takes %v, its answer %v", payment.CallTimeout, payment.AnswerWindow)
	}
}

// alien stands for an event or a command that was added and not handled.
type alien struct {
	payment.Event
	payment.Command
}

func (alien) Type() string { return "payment.alien" }

func TestWhatIsForgottenPanics(t *testing.T) {
	t.Parallel()
	odd := fold(authorised(100))
	odd.Pending = []payment.Operation{{ID: "odd", Kind: "odd", Key: "odd"}}
	for name, forgotten := range map[string]func(){
		"an event":     func() { payment.Evolve(payment.State{}, paymentID, alien{}) },
		"a command":    func() { _, _ = payment.Decide(payment.State{}, alien{}) },
		"an operation": func() { _, _ = payment.Decide(odd, payment.SettleOperation{Key: "odd"}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s that nobody handles goes unnoticed", name)
				}
			}()
			forgotten()
		}()
	}
}
