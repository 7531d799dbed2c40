package checkout_test

import (
	"fmt"
	"testing"
	"time"

	"tender/handlers/handlerstest"
)

// Every test card that concerns a customer who is present, with one that no bank
// knows.
func TestCards(t *testing.T) {
	t.Parallel()
	h := open(t)
	paid := object{"status": "completed", "payment_outcome": "paid"}
	for _, c := range []struct {
		number  string
		state   object // what the customer is told
		payment object // what the merchant sees
	}{
		{"4242424242424242", paid, object{"payment_method_details.card.scheme": "VISA", "payment_method_details.card.type": "CREDIT"}},
		{"4242 4242 4242 4242", paid, object{"payment_method_details.card.last4": "4242"}},
		{"5555555555554444", paid, object{"payment_method_details.card.scheme": "MASTERCARD"}},
		{"5273460000073333", paid, object{"payment_method_details.card.scheme": "MASTERCARD", "payment_method_details.card.type": "DEBIT"}},
		{"378282246310005", paid, object{"payment_method_details.card.scheme": "AMEX", "payment_method_details.card.bin": "378282"}},
		{"4000000000000341", paid, nil},
		{"4000000000000432", paid, nil},
		{"4000000000000473", paid, nil},
		{"4000000000000481", paid, nil},
		{"4000000000000424", paid, nil}, // slow, but in time
		{"4000000000000002", refusedWith("card_declined"), declinedWith("generic_decline")},
		{"4000000000009995", refusedWith("card_declined"), declinedWith("insufficient_funds")},
		{"4000000000009987", refusedWith("card_declined"), declinedWith("lost_card")},
		{"4000000000009979", refusedWith("card_declined"), declinedWith("stolen_card")},
		{"4000000000000457", refusedWith("card_declined"), declinedWith("generic_decline")}, // a sale holds a capture
		{"4111111111111111", refusedWith("card_declined"), declinedWith("invalid_account")},
		{"4000000000000069", refusedWith("expired_card"), object{"last_payment_error.decline_code": nil}},
		{"4000000000000127", refusedWith("incorrect_cvc"), object{"last_payment_error.decline_code": nil}},
		{"4000000000000119", refusedWith("processing_error"), object{"last_payment_error.decline_code": nil}},
	} {
		t.Run(c.number, func(t *testing.T) {
			t.Parallel()
			k := h.sells(t)
			a := k.pays(k.attempt(c.number)).Is(200).Shows(c.state).Shows(object{"next_action": nil})
			discreet(t, a)
			discreet(t, k.page().Is(200))
			if got := k.state(); string(got.Body) != string(a.Body) {
				t.Errorf("the state is\n%s\nafter\n%s", got.Body, a.Body)
			}
			p := k.payment().Shows(c.payment)
			if c.state["status"] == "completed" {
				p.Shows(object{"status": "succeeded", "paid_amount": 10_000, "authorised_amount": 10_000, "capturable_amount": 0, "last_payment_error": nil})
				k.session().Shows(object{"status": "completed", "payment_outcome": "paid", "payment_status": "paid"})
				if a.At("attempt_id") != nil || p.Text("reconciliation_reference") == "" || p.Text("network_transaction_id") == "" {
					t.Errorf("the state is %s, the payment %s", a.Body, p.Body)
				}
				return
			}
			p.Shows(object{"status": "draft", "authorised_amount": 0, "paid_amount": 0})
			k.session().Shows(object{"status": "active", "payment_outcome": "pending", "payment_status": "pending",
				"last_payment_error.error_code": p.At("last_payment_error.error_code")})
			// Another card, another try.
			k.pays(k.attempt(visa)).Is(200).Shows(paid)
			k.payment().Shows(object{"status": "succeeded", "paid_amount": 10_000, "last_payment_error": nil, "payment_method_details.card.last4": "4242"})
		})
	}
}

func refusedWith(code string) object {
	return object{"status": "active", "payment_outcome": "pending", "last_payment_error.error_code": code, "last_payment_error.decline_code": nil}
}

func declinedWith(code string) object {
	return object{"last_payment_error.error_code": "card_declined", "last_payment_error.decline_code": code}
}

func TestThreeDSecure(t *testing.T) {
	t.Parallel()
	h := open(t)
	for _, c := range []struct {
		name, decision string
		more           object
		state          object
		session        object
	}{
		{"approved", "approve", nil, object{"status": "completed", "payment_outcome": "paid"}, object{"payment_outcome": "paid"}},
		{"approved, captured later", "approve", handlerstest.Manual(), object{"status": "completed", "payment_outcome": "reserved"}, object{"payment_outcome": "reserved"}},
		{"refused", "refuse", nil, refusedWith("authentication_failed"), object{"last_payment_error.error_code": "authentication_failed", "status": "active"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			k := h.sells(t, c.more)
			attempt := k.attempt(asks)
			a := k.pays(attempt).Is(200).Shows(object{
				"status": "active", "payment_outcome": "pending", "last_payment_error": nil, "next_action.type": "redirect", "attempt_id": attempt["attempt_id"],
			})
			k.payment().Shows(object{"status": "pending_action", "authorised_amount": 0})
			if location := h.Decide(t, a.Text("next_action.url"), c.decision); location != fmt.Sprintf("%s/checkout/%s?back=%s", handlerstest.BaseURL, k.id, attempt["attempt_id"]) {
				t.Errorf("the customer is led to %s", location)
			}
			eventually(t, "the outcome is known", func() bool { return k.state().At("next_action") == nil })
			discreet(t, k.state().Shows(c.state))
			k.session().Shows(c.session)
			// The same decision again changes nothing.
			version := k.payment().Int("version")
			h.Decide(t, a.Text("next_action.url"), "approve")
			k.payment().Shows(object{"version": int(version)})
		})
	}
}

// While the customer is at their bank nobody else can pay, and the same attempt
// is joined.
func TestASecondTryDuringAChallenge(t *testing.T) {
	t.Parallel()
	h := open(t)
	k := h.sells(t)
	attempt := k.attempt(asks)
	first := k.pays(attempt).Is(200)
	joined := k.pays(attempt).Is(200)
	if string(joined.Body) != string(first.Body) {
		t.Errorf("joined it is %s, not %s", joined.Body, first.Body)
	}
	k.pays(card(visa)).Problem(409, "attempt_in_progress")
	k.pays(card(visa, object{"attempt_id": "att_01hzy3v7q8e4xk2m9c5b7d6f0a"})).Problem(409, "attempt_in_progress")
	if n := h.authorisations(); n != 1 {
		t.Errorf("the acquirer was asked %d times", n)
	}
}

// The answer, or the request, is lost: the state says that the outcome is not
// known, nobody can pay a second time meanwhile, and a worker finds out.
func TestUnknownOutcomes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, number string
		more         object
		state        object
		payment      object
	}{
		{"performed, the answer lost", "4000000000000408", nil, object{"status": "completed", "payment_outcome": "paid"}, object{"paid_amount": 10_000}},
		{"reserved, the answer lost", "4000000000000408", handlerstest.Manual(), object{"status": "completed", "payment_outcome": "reserved"}, object{"capturable_amount": 10_000}},
		{"a sale whose capture's answer is lost", "4000000000000440", nil, object{"status": "completed", "payment_outcome": "paid"}, object{"paid_amount": 10_000}},
		{"the request lost", "4000000000000416", nil, refusedWith("processing_error"), object{"authorised_amount": 0, "status": "draft"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := open(t, handlerstest.At(-time.Minute))
			h.First.Project()
			k := h.sells(t, c.more)
			attempt := k.attempt(c.number)
			k.pays(attempt).Is(200).Shows(object{"status": "active", "payment_outcome": "pending", "last_payment_error": nil, "next_action": nil, "attempt_id": attempt["attempt_id"]})
			k.payment().Shows(object{"status": "processing"})
			k.pays(card(visa)).Problem(409, "attempt_in_progress")
			k.pays(attempt).Is(200).Shows(object{"payment_outcome": "pending"})
			k.customer.Post("/checkout/"+k.id+"/cancel", nil).Problem(409, "attempt_in_progress")
			discreet(t, k.page().Is(200))

			h.Clock.Advance(16 * time.Second)
			k.pays(card(visa)).Problem(409, "attempt_in_progress")
			k.settles()
			discreet(t, k.state().Shows(c.state))
			k.payment().Shows(c.payment)
			if c.state["status"] == "active" {
				k.pays(k.attempt(visa)).Is(200).Shows(object{"payment_outcome": "paid"})
				k.payment().Shows(object{"paid_amount": 10_000})
			}
		})
	}
}

// A request that arrives after the acquirer was asked what became of it is
// refused there: the customer pays again, and once.
func TestALateRequest(t *testing.T) {
	t.Parallel()
	h := open(t, handlerstest.At(-time.Minute))
	h.First.Project()
	k := h.sells(t)
	arrived, release := h.First.Line.Hold(handlerstest.CallAuthorise)
	defer release()
	first := make(chan *handlerstest.Answer, 1)
	attempt := k.attempt(visa)
	go func() {
		a, _ := k.customer.Send("POST", "/checkout/"+k.id+"/attempts", attempt)
		first <- a
	}()
	<-arrived
	h.Clock.Advance(16 * time.Second)
	k.settles()
	k.state().Shows(refusedWith("processing_error"))
	release() // now it arrives
	(<-first).Is(200)
	k.payment().Shows(object{"status": "draft", "authorised_amount": 0})
	k.pays(k.attempt(visa)).Is(200).Shows(object{"payment_outcome": "paid"})
	k.payment().Shows(object{"paid_amount": 10_000})
}
