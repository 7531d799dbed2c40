package audit

import (
	"fmt"
	"strings"

	"tender/domain"
	"tender/domain/codec"
	"tender/domain/mandate"
	"tender/domain/money"
	"tender/domain/payment"
	"tender/domain/readmodel"
	"tender/domain/session"
	"tender/domain/subscription"
	"tender/domain/webhook"
)

// by says who or what caused an event.
func by(a domain.Actor) string {
	switch a.Kind {
	case domain.ActorMerchant:
		return "the merchant, with key " + a.ID
	case domain.ActorCustomer:
		return "the customer, at checkout " + a.ID
	case domain.ActorStaff:
		return "a member of the staff, " + a.ID
	case domain.ActorAcquirer:
		return "the acquirer " + a.ID
	case domain.ActorSystem:
		return "Tender itself, " + a.ID
	}
	return string(a.Kind) + " " + a.ID
}

// Words say what happened, in one sentence, as finance reads it. Every event type has
// some.
func Words(said codec.Named) string {
	switch e := said.(type) {
	case payment.Event:
		if s := ofPayment(e); s != "" {
			return s
		}
	case session.Created:
		return fmt.Sprintf("A session (%s) over %s was created.", e.Kind, money.Format(e.Amount, e.Currency))
	case session.AttemptFailed:
		return "The attempt failed: " + because(e.Failure)
	case session.Completed:
		return fmt.Sprintf("The session was completed: %s.", e.Outcome)
	case mandate.ChargeStarted:
		return fmt.Sprintf("A payment of %s under the mandate was begun.", money.Format(e.Amount, e.Currency))
	case mandate.ChargeSucceeded:
		return fmt.Sprintf("A payment of %s under the mandate succeeded.", money.Format(e.Amount, e.Currency))
	case mandate.ChargeFailed:
		return fmt.Sprintf("A payment of %s under the mandate failed: %s", money.Format(e.Amount, e.Currency), because(e.Failure))
	case mandate.ChargeReduced:
		return fmt.Sprintf("Of a payment under the mandate, %s was given back.", money.Format(e.Amount, e.Currency))
	case mandate.Revoked:
		return fmt.Sprintf("The mandate was revoked: %s.", e.By)
	case subscription.ChargeStarted:
		return fmt.Sprintf("Try %d to collect occurrence %d, %s, was begun.", e.Occurrence.Attempt, e.Occurrence.Number, money.Format(e.Amount, e.Currency))
	case subscription.ChargeSucceeded:
		return fmt.Sprintf("Occurrence %d was paid: %s.", e.Occurrence.Number, money.Format(e.Amount, e.Currency))
	case subscription.ChargeFailed:
		return fmt.Sprintf("Try %d to collect occurrence %d, %s, failed.", e.Occurrence.Attempt, e.Occurrence.Number, money.Format(e.Amount, e.Currency))
	case readmodel.EventSkipped:
		return fmt.Sprintf("The read model leaves out %s at position %d, of %s: %s", e.EventType, e.Position, e.Stream, e.Reason)
	case readmodel.EventRestored:
		return fmt.Sprintf("The read model takes in again what is at position %d, of %s: %s", e.Position, e.Stream, e.Reason)
	case webhook.Delivered:
		return fmt.Sprintf("The endpoint accepted the message at try %d, with status %d.", e.Attempts, e.Status)
	case webhook.Exhausted:
		return fmt.Sprintf("The message was given up after %d tries.", e.Attempts)
	}
	return sentences[said.Type()]
}

// ofPayment says what happened to a payment; "": the table does.
func ofPayment(said payment.Event) string {
	switch e := said.(type) {
	case payment.Initiated:
		return fmt.Sprintf("A payment of %s, with %s capture, was begun.", money.Format(e.Amount, e.Currency), e.CaptureMethod)
	case payment.AttemptStarted:
		return fmt.Sprintf("Attempt %d was sent to the acquirer.", e.Number)
	case payment.Authorised:
		return fmt.Sprintf("%s was authorised, and is reserved.", money.Format(e.Amount, e.Currency))
	case payment.Paid:
		return fmt.Sprintf("%s was authorised and captured at once.", money.Format(e.Amount, e.Currency))
	case payment.AttemptFailed:
		return "The attempt failed: " + because(e.Failure)
	case payment.CaptureRequested:
		return fmt.Sprintf("The acquirer was asked to capture %s.", money.Format(e.Amount, e.Currency))
	case payment.Captured:
		return fmt.Sprintf("%s was captured.", money.Format(e.Amount, e.Currency))
	case payment.CaptureFailed:
		return fmt.Sprintf("The capture of %s failed: %s", money.Format(e.Amount, e.Currency), because(e.Failure))
	case payment.VoidRequested:
		return fmt.Sprintf("The acquirer was asked to void %s.", money.Format(e.Amount, e.Currency))
	case payment.Voided:
		return fmt.Sprintf("%s was voided.", money.Format(e.Amount, e.Currency))
	case payment.VoidFailed:
		return fmt.Sprintf("The void of %s failed: %s", money.Format(e.Amount, e.Currency), because(e.Failure))
	case payment.RefundRequested:
		return fmt.Sprintf("The acquirer was asked to refund %s.", money.Format(e.Amount, e.Currency))
	case payment.Refunded:
		return fmt.Sprintf("%s was refunded.", money.Format(e.Amount, e.Currency))
	case payment.RefundFailed:
		if e.Late {
			return fmt.Sprintf("The refund of %s came back, after it had counted as performed: %s", money.Format(e.Amount, e.Currency), because(e.Failure))
		}
		return fmt.Sprintf("The refund of %s failed: %s", money.Format(e.Amount, e.Currency), because(e.Failure))
	case payment.AuthorisationExpired:
		return fmt.Sprintf("The authorisation expired, with %s neither captured nor voided.", money.Format(e.Amount, e.Currency))
	case payment.ReversalRequested:
		if e.Refund {
			return fmt.Sprintf("The acquirer was asked to pay back %s that should not stand.", money.Format(e.Amount, e.Currency))
		}
		return fmt.Sprintf("The acquirer was asked to release %s.", money.Format(e.Amount, e.Currency))
	case payment.Reversed:
		return fmt.Sprintf("%s was given back on our own account.", money.Format(e.Amount, e.Currency))
	case payment.ReversalFailed:
		return fmt.Sprintf("%s was not given back, and people have to look: %s", money.Format(e.Amount, e.Currency), because(e.Failure))
	case payment.Contradicted:
		was := "was not performed, after it was recorded as performed"
		if e.Performed {
			was = "was performed, after it was recorded as failed"
		}
		return fmt.Sprintf("The acquirer says that an operation over %s %s. The record stands, and people have to look.", money.Format(e.Amount, e.Currency), was)
	case payment.ResolutionProposed:
		return fmt.Sprintf("A person said that %s %s: %s", e.OperationID, became(e.Verdict), sentence(e.Reason))
	case payment.ResolutionRejected:
		if e.Reason != "" {
			return "What was said of the operation was rejected: " + sentence(e.Reason)
		}
	case payment.ResolutionConfirmed, payment.ActionRequired, payment.Verified, payment.Cancelled, payment.Expired:
	}
	return ""
}

// became is what a person says has become of an operation.
func became(v payment.Verdict) string {
	if v.Performed {
		return fmt.Sprintf("was performed, under the acquirer's reference %s", v.Reference)
	}
	if v.Failure == nil {
		return "was not performed"
	}
	return fmt.Sprintf("was not performed (%s)", v.Failure.ErrorCode)
}

// sentence is what a person has written, with a full stop.
func sentence(text string) string {
	if strings.HasSuffix(text, ".") {
		return text
	}
	return text + "."
}

// because is why something failed, in a sentence.
func because(f payment.Failure) string {
	if said := f.Message(); said != "" {
		return said
	}
	return string(f.ErrorCode) + "."
}
