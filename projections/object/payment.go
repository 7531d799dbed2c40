package object

import (
	"slices"

	"tender/domain/codec"
	"tender/domain/method"
	"tender/domain/payment"
	"tender/eventstore"
)

// Payment is a payment as clients see it. Amounts are minor units; at any time
// authorised = paid + voided + expired + pending + capturable, where there are such
// sums, and paid = refunded + refundable + refunds pending.
type Payment struct {
	ID                      string                `json:"id"`
	ReconciliationReference string                `json:"reconciliation_reference,omitempty"`
	Status                  payment.Status        `json:"status"`
	Intent                  payment.Intent        `json:"intent"`
	Amount                  int64                 `json:"amount"`
	Currency                string                `json:"currency"`
	Country                 string                `json:"country"`
	CaptureMethod           payment.CaptureMethod `json:"capture_method"`
	*Sums                                         // nil with methods that know no authorisation
	RefundedAmount          int64                 `json:"refunded_amount"`
	RefundableAmount        int64                 `json:"refundable_amount"`
	AuthorisationExpiresAt  *Time                 `json:"authorisation_expires_at,omitempty"`
	Captures                []Operation           `json:"captures"`
	Voids                   []Operation           `json:"voids"`
	Refunds                 []Operation           `json:"refunds"`
	PaymentMethodDetails    *method.Details       `json:"payment_method_details,omitempty"`
	PaymentSessionID        string                `json:"payment_session_id"`
	CustomerID              string                `json:"customer_id,omitempty"`
	PaymentMethodID         string                `json:"payment_method_id,omitempty"`
	MandateID               string                `json:"mandate_id,omitempty"`
	NetworkTransactionID    string                `json:"network_transaction_id,omitempty"`
	ExternalReference       string                `json:"external_reference,omitempty"`
	Metadata                map[string]string     `json:"metadata,omitempty"`
	LastPaymentError        *PaymentError         `json:"last_payment_error,omitempty"`
	Mode                    string                `json:"mode"`
	Version                 int                   `json:"version"`
	CreatedAt               Time                  `json:"created_at"`
	UpdatedAt               Time                  `json:"updated_at"`
}

// Sums say what became of an authorisation.
type Sums struct {
	AuthorisedAmount int64 `json:"authorised_amount"`
	PaidAmount       int64 `json:"paid_amount"`
	VoidedAmount     int64 `json:"voided_amount"`
	ExpiredAmount    int64 `json:"expired_amount"`
	PendingAmount    int64 `json:"pending_amount"`
	CapturableAmount int64 `json:"capturable_amount"`
}

// Operation is a capture, a void or a refund as clients see it.
type Operation struct {
	ID        string            `json:"id"`
	Amount    int64             `json:"amount"`
	Status    OperationStatus   `json:"status"`
	Reason    string            `json:"reason,omitempty"` // of a refund
	Metadata  map[string]string `json:"metadata,omitempty"`
	CreatedAt Time              `json:"created_at"`
}

// OperationStatus says whether the acquirer has answered, and what.
type OperationStatus string

// Statuses of an operation.
const (
	operationPending   OperationStatus = "pending"
	operationSucceeded OperationStatus = "succeeded"
	operationFailed    OperationStatus = "failed"
)

// Apply returns the payment after one more event of its stream. Events of other
// aggregates change nothing.
func (p Payment) Apply(mode string, e eventstore.Event, d codec.Named) Payment {
	if _, ours := d.(payment.Event); !ours {
		return p
	}
	if p.Sums != nil {
		sums := *p.Sums // objects are values that several holders share
		p.Sums = &sums
	}
	switch d := d.(type) {
	case payment.Initiated:
		p = Payment{
			ID: e.Stream, Status: payment.StatusProcessing, Intent: d.Intent, Amount: d.Amount,
			Currency: d.Currency, Country: d.Country, CaptureMethod: d.CaptureMethod,
			Captures: []Operation{}, Voids: []Operation{}, Refunds: []Operation{}, PaymentSessionID: d.SessionID,
			ExternalReference: d.ExternalReference, Metadata: d.Metadata, Mode: mode, CreatedAt: Time(e.At),
			CustomerID: d.CustomerID, MandateID: d.MandateID, Sums: &Sums{},
		}
	case payment.AttemptStarted:
		details := d.Details
		p.Status, p.PaymentMethodDetails, p.Sums = payment.StatusProcessing, &details, sumsOf(details.Type)
		p.PaymentMethodID = d.PaymentMethodID
	case payment.ActionRequired:
		p.Status = payment.StatusPendingAction
	case payment.Authorised:
		p = p.succeeded(d.Amount, d.Reference, d.NetworkTransactionID).with(d.CustomerID, d.PaymentMethodID, d.MandateID)
		p.CapturableAmount = d.Amount
		p.AuthorisationExpiresAt = timeOf(d.ExpiresAt)
	case payment.Paid:
		p = p.succeeded(d.Amount, d.Reference, d.NetworkTransactionID).with(d.CustomerID, d.PaymentMethodID, d.MandateID)
		p.RefundableAmount = d.Amount
		if p.Sums != nil {
			p.PaidAmount = d.Amount
		}
	case payment.Verified:
		p = p.succeeded(0, d.Reference, d.NetworkTransactionID).with(d.CustomerID, d.PaymentMethodID, d.MandateID)
	case payment.AttemptFailed:
		p.Status, p.LastPaymentError = payment.StatusDraft, paymentError(d.Failure, e)
		if d.Final {
			p.Status = payment.StatusFailed
		}
	case payment.Cancelled:
		p.Status = payment.StatusCancelled
	case payment.Expired:
		p.Status = payment.StatusExpired
	default:
		p = p.applyOperation(e, d)
	}
	p.Version, p.UpdatedAt = e.Version, Time(e.At)
	return p
}

func (p Payment) applyOperation(e eventstore.Event, d codec.Named) Payment {
	switch d := d.(type) {
	case payment.CaptureRequested:
		p = p.moveToPending(d.Amount)
		p.Captures = begun(p.Captures, Operation{ID: d.CaptureID, Amount: d.Amount, Metadata: d.Metadata, CreatedAt: Time(e.At)})
	case payment.Captured:
		p.PendingAmount -= d.Amount
		p.PaidAmount += d.Amount
		p.RefundableAmount += d.Amount
		p.Captures = ended(p.Captures, d.CaptureID, operationSucceeded)
	case payment.CaptureFailed:
		p = p.moveToPending(-d.Amount)
		p.Captures = ended(p.Captures, d.CaptureID, operationFailed)
	case payment.VoidRequested:
		p = p.moveToPending(d.Amount)
		p.Voids = begun(p.Voids, Operation{ID: d.VoidID, Amount: d.Amount, Metadata: d.Metadata, CreatedAt: Time(e.At)})
	case payment.Voided:
		p.PendingAmount -= d.Amount
		p.VoidedAmount += d.Amount
		p.Voids = ended(p.Voids, d.VoidID, operationSucceeded)
	case payment.VoidFailed:
		p = p.moveToPending(-d.Amount)
		p.Voids = ended(p.Voids, d.VoidID, operationFailed)
	case payment.RefundRequested:
		p.RefundableAmount -= d.Amount
		p.Refunds = begun(p.Refunds, Operation{ID: d.RefundID, Amount: d.Amount, Reason: d.Reason, Metadata: d.Metadata, CreatedAt: Time(e.At)})
	case payment.Refunded:
		p.RefundedAmount += d.Amount
		p.Refunds = ended(p.Refunds, d.RefundID, operationSucceeded)
	case payment.RefundFailed:
		p.RefundableAmount += d.Amount
		if d.Late {
			p.RefundedAmount -= d.Amount
		}
		p.Refunds = ended(p.Refunds, d.RefundID, operationFailed)
	case payment.AuthorisationExpired:
		p.CapturableAmount -= d.Amount
		p.ExpiredAmount += d.Amount
	}
	return p
}

func (p Payment) succeeded(amount int64, reference, networkTransactionID string) Payment {
	p.Status = payment.StatusSucceeded
	p.LastPaymentError = nil
	if p.Sums != nil {
		p.AuthorisedAmount = amount
	}
	p.ReconciliationReference = reference
	p.NetworkTransactionID = networkTransactionID
	return p
}

// sumsOf are those of a payment that is about to be made with a kind of method. What
// is not known here has the sums that all had once.
func sumsOf(k method.Kind) *Sums {
	if w, known := k.Way(); known && !w.Reserves {
		return nil
	}
	return &Sums{}
}

func (p Payment) moveToPending(amount int64) Payment {
	p.CapturableAmount -= amount
	p.PendingAmount += amount
	return p
}

// begun and ended return slices of their own, because objects are values that
// several holders share.
func begun(list []Operation, op Operation) []Operation {
	op.Status = operationPending
	return append(slices.Clone(list), op)
}

func ended(list []Operation, id string, status OperationStatus) []Operation {
	list = slices.Clone(list)
	for i := range list {
		if list[i].ID == id {
			list[i].Status = status
		}
	}
	return list
}

// with takes over what the payment was made with, or has made.
func (p Payment) with(customerID, methodID, mandateID string) Payment {
	if customerID != "" {
		p.CustomerID = customerID
	}
	if methodID != "" {
		p.PaymentMethodID = methodID
	}
	if mandateID != "" {
		p.MandateID = mandateID
	}
	return p
}
