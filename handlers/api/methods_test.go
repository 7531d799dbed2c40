package api_test

import (
	"slices"
	"testing"

	"tender/handlers/handlerstest"
)

// sent is for goroutines and closures, where an error is a mistake of the test's.
func sent[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestSavedMethods(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.First.Project()
	// Where nobody was named a customer is made along with the card.
	first := b.Saved(1000, goodCard)
	a := b.Get(methods + "/" + first.MethodID).Is(200).Shows(object{
		"customer_id": first.CustomerID, "type": "card", "usable": true, "mode": "test",
		"card.last4": "4242", "card.bin": "424242", "card.scheme": "VISA", "card.exp_month": 12, "card.exp_year": 2031,
	})
	b.Get(customers + "/" + first.CustomerID).Is(200).Shows(object{"name": nil})
	second := b.Saved(1000, "5555555555554444", object{"customer_id": first.CustomerID})
	same := b.Saved(1000, goodCard, object{"customer_id": first.CustomerID})
	if second.CustomerID != first.CustomerID || same.MethodID == first.MethodID {
		t.Errorf("saved were %v, %v and %v", first, second, same)
	}
	fingerprint := a.Text("card.fingerprint")
	b.Get(methods + "/" + same.MethodID).Is(200).Shows(object{"card.fingerprint": fingerprint})
	if other := b.Get(methods + "/" + second.MethodID).Is(200).Text("card.fingerprint"); other == fingerprint {
		t.Error("different cards have one fingerprint")
	}
	stranger := b.First.Caller(t, b.Merchant("test").Secret)
	elsewhere := stranger.Saved(1000, goodCard)
	if stranger.Get(methods+"/"+elsewhere.MethodID).Is(200).Text("card.fingerprint") == fingerprint {
		t.Error("a card can be recognised at another merchant's")
	}
	gone := b.Delete(methods+"/"+second.MethodID, key("remove")).Is(204)
	b.Delete(methods+"/"+second.MethodID, key("remove")).Is(204)
	b.Delete(methods+"/"+second.MethodID).Problem(404, "not_found")
	b.Get(methods+"/"+second.MethodID).Problem(404, "not_found")
	list := b.list(t, customers+"/"+first.CustomerID+"/payment_methods", "min_position", gone.Header.Get(positionHeader)).Is(200)
	if got := ids(list); !slices.Equal(got, []string{same.MethodID, first.MethodID}) {
		t.Errorf("theirs are %v", got)
	}
	page := b.list(t, customers+"/"+first.CustomerID+"/payment_methods", "limit", "1").Is(200)
	rest := b.list(t, customers+"/"+first.CustomerID+"/payment_methods", "cursor", page.Text("next_cursor")).Is(200)
	if got := ids(rest); !slices.Equal(got, []string{first.MethodID}) {
		t.Errorf("the rest is %v", got)
	}
	blames(t, b.list(t, customers+"/"+first.CustomerID+"/payment_methods", "colour", "red", "status", "usable"), "colour: unknown", "status: unknown")
	b.Get(customers+"/cus_1/payment_methods").Problem(404, "not_found")
}

// A card that was saved without an agreement is for when the customer is present.
func TestSavedMethodsNeedAMandate(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := b.Saved(1000, goodCard)
	a := b.Post(sessions, s.Next(500), key("k")).Problem(422, "mandate_violation")
	if got := wrong(a); !slices.Equal(got, []string{": mandate_not_active"}) {
		t.Errorf("broken is %v", got)
	}
	if n := b.First.Line.Calls(handlerstest.CallAuthorise); n != 1 {
		t.Errorf("the acquirer was called %d times", n)
	}
}

func TestCardsThatAreNotSaved(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, options := range map[string]object{
		"never":       {"checkout_options": object{"save_payment_method": "never"}},
		"not said":    {},
		"nobody's":    {"customer": thandi()},
		"not wanted":  {"checkout_options": object{"save_payment_method": "prompt"}},
		"of somebody": {"customer_id": b.Post(customers, nil).Is(201).Text("id")},
	} {
		sessionID, _ := b.Paid(1000, goodCard, object{"options": options})
		a := b.Get(sessions + "/" + sessionID).Is(200).Shows(object{"payment_outcome": "paid", "payment_method_id": nil, "mandate_id": nil})
		b.Payment(a.Text("payment_id")).Shows(object{"payment_method_id": nil})
		if named := a.Text("customer_id") != ""; named != (name == "nobody's" || name == "of somebody") {
			t.Errorf("%s: the customer is %q", name, a.Text("customer_id"))
		}
	}
	// Asked, they may say yes.
	sessionID, checkoutID := b.Create(1000, object{"options": object{"checkout_options": object{"save_payment_method": "prompt"}}})
	b.Accept(checkoutID, goodCard).Is(200)
	if b.Get(sessions+"/"+sessionID).Is(200).Text("payment_method_id") == "" {
		t.Error("the card was not saved")
	}
	// Declined, nothing is saved, and nobody is made.
	sessionID, checkoutID = b.Create(1000, object{"options": object{"checkout_options": object{"save_payment_method": "always"}}})
	b.Pay(checkoutID, declinedCard).Is(200)
	b.Get(sessions + "/" + sessionID).Is(200).Shows(object{"customer_id": nil, "payment_method_id": nil})
}

func TestRemovingAMethodRevokesItsMandates(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := b.Series(1000, goodCard, nil)
	other := b.Series(1000, "5555555555554444", nil, object{"customer_id": s.CustomerID})
	b.Delete(methods + "/" + s.MethodID).Is(204)
	b.Get(mandates + "/" + s.MandateID).Is(200).Shows(object{"status": "revoked", "revocation.by": "system"})
	b.Post(sessions, s.Next(500)).Problem(404, "not_found")
	b.Get(mandates + "/" + other.MandateID).Is(200).Shows(object{"status": "active"})
	b.Post(sessions, other.Next(500)).Is(201).Shows(object{"payment_outcome": "paid"})
}
