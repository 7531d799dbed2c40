package payment

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"tender/domain"
	"tender/domain/id"
)

// Refusals, to the letter of the API's contract.
var (
	ErrCaptureNotAllowed    = domain.Refuse("capture_not_allowed", "The payment is not in an authorised state and cannot be captured.")
	ErrAuthorisationExpired = domain.Refuse("authorisation_expired", "The authorisation has expired and can no longer be captured.")
	ErrCaptureTooHigh       = domain.Refuse("capture_amount_too_high", "The capture amount exceeds the remaining authorised amount.")
	ErrCaptureAmountInvalid = &domain.Refusal{Code: "invalid_request", Detail: "A capture's amount is 1 or more.", Field: "/amount"}
	ErrVoidNotAllowed       = domain.Refuse("void_not_allowed", "The payment is not in an authorised state and cannot be voided.")
	ErrAlreadyVoided        = domain.Refuse("already_voided", "The payment has already been fully voided.")
	ErrNothingToVoid        = domain.Refuse("nothing_to_void", "There is no remaining authorised amount to void.")
	ErrTooManyOperations    = domain.Refuse("too_many_operations", fmt.Sprintf("A payment takes at most %d captures and voids.", OperationsMax))
	ErrNothingToRefund      = domain.Refuse("nothing_to_refund", "The payment has nothing left to refund.")
	ErrRefundTooHigh        = domain.Refuse("refund_amount_too_high", "The refund amount exceeds the refundable amount.")
	ErrRefundAmountInvalid  = &domain.Refusal{Code: "invalid_request", Detail: "A refund's amount is 1 or more.", Field: "/amount"}
	ErrTooManyRefunds       = domain.Refuse("too_many_refunds", fmt.Sprintf("A payment takes at most %d refunds.", RefundsMax))
	ErrOperationInProgress  = domain.RefuseForNow("operation_in_progress", "Another operation on this payment waits for the acquirer's answer. Try again in a moment.")
)

// Command is something that may be asked of a payment alone. Attempts concern
// the session, too, and are decided in package collect.
type Command interface{ paymentCommand() }

// Capture asks to take part or all of what is reserved.
type Capture struct {
	ID       uuid.UUID // of the command; the capture's id is made from it
	Amount   int64     // minor units; 0: all that remains
	Metadata map[string]string
	Now      domain.Moment
}

// Void asks to give back all that remains reserved.
type Void struct {
	ID       uuid.UUID // of the command; the void's id is made from it
	Metadata map[string]string
	Now      domain.Moment
}

// Refund asks to pay part or all of what was captured back to the customer.
type Refund struct {
	ID       uuid.UUID // of the command; the refund's id is made from it
	Amount   int64     // minor units; 0: all that is refundable
	Reason   string    // the merchant's own words; ""
	Metadata map[string]string
	Now      domain.Moment
}

// ExpireAuthorisation ends an authorisation that is past its time.
type ExpireAuthorisation struct {
	ID  uuid.UUID // of the command; the reversal's id is made from it
	Now domain.Moment
}

// SettleOperation records what the acquirer says of a capture, void, refund or
// reversal.
type SettleOperation struct {
	ID        uuid.UUID // of the command; a reversal's id is made from it
	Key       string
	Performed bool
	Reference string  // the acquirer's, when performed
	Failure   Failure // when not
	Now       domain.Moment
}

func (Capture) paymentCommand()             {}
func (Void) paymentCommand()                {}
func (Refund) paymentCommand()              {}
func (ExpireAuthorisation) paymentCommand() {}
func (SettleOperation) paymentCommand()     {}

// Decide returns what happens when c is asked of a payment in state s: events,
// none if there is nothing left to do, or a refusal.
func Decide(s State, c Command) ([]Event, error) {
	switch c := c.(type) {
	case Capture:
		return s.capture(c)
	case Void:
		return s.void(c)
	case Refund:
		return s.refund(c)
	case ExpireAuthorisation:
		return s.expireAuthorisation(c)
	case SettleOperation:
		return s.settleOperation(c)
	case ProposeResolution:
		return s.propose(c)
	case ConfirmResolution:
		return s.confirm(c)
	case RejectResolution:
		return s.reject(c)
	default:
		panic(fmt.Sprintf("payment: %T is not handled", c))
	}
}

func answerBy(wall time.Time) time.Time { return wall.Add(AnswerWindow) }

func (s State) operationKey(op string) string { return s.ID + "-" + op }

func operationID(p id.Prefix, command uuid.UUID) string { return id.Format(p, command) }
