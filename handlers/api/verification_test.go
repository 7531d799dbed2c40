package api_test

import (
	"testing"

	"tender/handlers/handlerstest"
)

// With an amount of 0 the card is verified and nothing is paid.
func TestVerification(t *testing.T) {
	t.Parallel()
	b := setup(t)
	verified := func(a *handlerstest.Answer) {
		t.Helper()
		a.Shows(object{"status": "completed", "payment_outcome": "payment_method_verified", "payment_status": "paid"})
		paymentID := a.Text("payment_id")
		b.Payment(paymentID).Shows(object{
			"status": "succeeded", "intent": "payment_method_verification", "amount": 0, "authorised_amount": 0, "paid_amount": 0,
			"capturable_amount": 0, "refundable_amount": 0, "customer_id": a.Text("customer_id"), "payment_method_id": a.Text("payment_method_id"),
		})
		b.Capture(paymentID, 0).Problem(409, "capture_not_allowed")
		b.Void(paymentID).Problem(409, "void_not_allowed")
		b.Refund(paymentID, 0).Problem(409, "nothing_to_refund")
		b.Get(methods + "/" + a.Text("payment_method_id")).Is(200).Shows(object{"usable": true, "card.last4": "4242"})
	}
	t.Log("one_time saves the card")
	sessionID, checkoutID := b.Create(0, manual()) // the capture method is ignored
	b.Pay(checkoutID, goodCard).Is(200)
	a := b.Get(sessions + "/" + sessionID).Is(200).Shows(object{"mandate_id": nil})
	verified(a)
	b.Get(customers + "/" + a.Text("customer_id")).Is(200)

	t.Log("first_in_series makes the mandate as well")
	s := b.Series(0, goodCard, object{"amount": object{"max": 700}})
	verified(b.Get(sessions + "/" + s.SessionID).Is(200).Shows(object{"mandate_id": s.MandateID}))
	b.Post(sessions, s.Next(700)).Is(201).Shows(object{"payment_outcome": "paid"})

	t.Log("a card that is no good saves nothing")
	sessionID, checkoutID = b.Create(0)
	b.Pay(checkoutID, declinedCard).Is(200).Shows(object{"status": "active", "payment_outcome": "pending"})
	b.Get(sessions + "/" + sessionID).Is(200).Shows(object{"payment_method_id": nil, "customer_id": nil})

	t.Log("what can't be meant")
	blames(t, b.Post(sessions, handlerstest.Session(0, object{"type": "next_in_series",
		"options": object{"customer_id": s.CustomerID, "payment_method_id": s.MethodID}})), "/amount: too_small")
	for _, save := range []string{"never", "prompt"} {
		blames(t, b.Post(sessions, handlerstest.Session(0, object{"options": object{"checkout_options": object{"save_payment_method": save}}})),
			"/options/checkout_options/save_payment_method: contradiction")
	}
	b.Create(0, object{"options": object{"checkout_options": object{"save_payment_method": "always"}}})
	blames(t, b.Post(sessions, handlerstest.Session(0, object{"type": "first_in_series", "options": object{"mandate_options": object{}}})),
		"/options/mandate_options/amount: required")
}

// Verified, a card may be charged again that was not to be.
func TestVerificationMakesUsableAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := b.Series(1000, authenticationCard, nil)
	b.Post(sessions, s.Next(500)).Is(201).Shows(object{"payment_outcome": "unpaid", "last_payment_error.decline_code": "authentication_required"})
	b.Get(methods + "/" + s.MethodID).Is(200).Shows(object{"usable": false})
	b.Post(sessions, s.Next(500)).Problem(422, "payment_method_unusable")
	_, checkoutID := b.Create(0, object{"options": object{"customer_id": s.CustomerID}})
	b.Post("/checkout/"+checkoutID+"/attempts", object{"payment_method": object{"type": "saved", "payment_method_id": s.MethodID, "cvc": "737"}}).
		Is(200).Shows(object{"status": "completed", "payment_outcome": "payment_method_verified"})
	b.Get(methods + "/" + s.MethodID).Is(200).Shows(object{"usable": true})
}
