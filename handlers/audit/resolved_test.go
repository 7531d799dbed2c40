package audit_test

import (
	"context"
	"testing"

	"tender/acquirers"
	"tender/domain/payment"
	"tender/domain/staff"
	"tender/handlers/handlerstest"
)

// What people have resolved by hand says so, who did, and why: in the history, and by
// its entries in the journal.
func TestWhatWasResolvedByHandSaysSo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	paymentID := b.calls.Reserved(10_000, goodCard)
	b.First.Line.Between(func(context.Context, string, handlerstest.Send) (acquirers.Answer, error) {
		return acquirers.Answer{}, handlerstest.ErrLost
	})
	operation := b.calls.Capture(paymentID, 6_000).Is(202).Text("captures.0.id")
	b.Clock.Advance(payment.AnswerWindow + payment.UnresolvedAfter)
	secret, thandi, _ := b.Staff(staff.RoleOperator, payment.UnresolvedAfter)
	first := b.First.Caller(t, secret)
	secret, pieter, _ := b.Staff(staff.RoleOperator, payment.UnresolvedAfter)
	second := b.First.Caller(t, secret)
	b.finance = b.First.Caller(t, b.StaffKey(staff.RoleFinance))

	resolutions := "/ops/payments/" + paymentID + "/resolutions"
	said := object{"operation_id": operation, "outcome": "failed", "error_code": "timed_out", "reason": "Nothing is known of it"}
	wrong := first.Post(resolutions, said).Is(201).Text("operations.0.resolution.id")
	second.Post(resolutions+"/"+wrong+"/reject", object{"reason": "It stands in their file"}).Is(200)
	said = object{"operation_id": operation, "outcome": "succeeded", "reference": "cap-17", "reason": "Line 17 of their file."}
	right := first.Post(resolutions, said).Is(201).Text("operations.0.resolution.id")
	second.Post(resolutions+"/"+right+"/confirm", nil).Is(200)

	b.ask("objects/" + paymentID + "/history").Is(200).Shows(object{
		"events.4.words": "A person said that " + operation + " was not performed (timed_out): Nothing is known of it.",
		"events.5.words": "What was said of the operation was rejected: It stands in their file.",
		"events.6.words": "A person said that " + operation + " was performed, under the acquirer's reference cap-17: Line 17 of their file.",
		"events.7.words": "A second person confirmed what was said of the operation. What comes of it is recorded.",
		"events.8.words": "ZAR 60.00 was captured. People resolved it by hand: Line 17 of their file.",

		"events.6.actor.id": thandi, "events.6.cause.type": "payment.capture_requested",
		"events.8.actor.id": pieter, "events.8.actor.kind": "staff", "events.8.cause.type": "payment.resolution_proposed",
		"events.8.references.reference": "cap-17", "events.8.sums.paid_amount": "6000", "events.6.sums.paid_amount": "0",
	})
	journal := b.ask("journal", "payment", paymentID).Is(200)
	last := "data." + string(rune('0'+journal.Len("data")-1))
	journal.Shows(object{last + ".event_type": "payment.captured", last + ".actor.kind": "staff", last + ".actor.id": pieter})
}
