package api_test

import (
	"slices"
	"testing"

	"tender/handlers/handlerstest"
)

// What the mandate does not allow is refused before anybody is asked, every limit
// by name, and remembered by its key.
func TestMandateViolations(t *testing.T) {
	t.Parallel()
	b := setup(t)
	monthly := object{"type": "monthly", "interval_count": 1, "on": object{"type": "day_of_month", "days": []int{1}}}
	for _, c := range []struct {
		name    string
		mandate object
		paid    []int64 // before
		amount  int64
		more    object // of the request
		broken  []string
		amounts object
	}{
		{"more than at most", object{"amount": object{"max": 700}}, nil, 701, nil, []string{"/amount: amount_not_allowed"}, object{"allowed_amount_max": 700}},
		{"less than at least", object{"amount": object{"min": 300, "max": 700}}, nil, 299, nil, []string{"/amount: amount_not_allowed"},
			object{"allowed_amount_min": 300, "allowed_amount_max": 700}},
		{"not exactly", object{"amount": 700}, nil, 699, nil, []string{"/amount: amount_not_allowed"}, object{"allowed_amount_min": 700, "allowed_amount_max": 700}},
		{"more than the first", object{}, nil, 1001, nil, []string{"/amount: amount_not_allowed"}, object{"allowed_amount_max": 1000}},
		{"too early", object{"amount": 700, "validity_period": object{"start_date": b.day(2)}}, nil, 700, nil,
			[]string{": outside_validity_period"}, object{"allowed_amount_max": 0}},
		{"too many this year", object{"amount": 100, "period_limits": object{"period": "year", "max_count": 1}}, []int64{100}, 100, nil,
			[]string{": period_limit_exceeded"}, nil},
		{"too much this year", object{"amount": object{"max": 600}, "period_limits": object{"period": "year", "max_amount": 1000}}, []int64{600}, 401, nil,
			[]string{": period_limit_exceeded"}, object{"allowed_amount_max": 400, "period_remaining_amount": 400}},
		{"another currency", object{"amount": 700}, nil, 700, object{"currency": "USD"}, []string{"/currency: currency_mismatch"}, nil},
		{"not one of the parts", object{"type": "installment", "total_amount": 900, "terms": object{"type": "periodic", "amount": 300, "recurrence": monthly, "max_occurrences": 3}},
			nil, 301, nil, []string{"/amount: amount_not_allowed"}, object{"allowed_amount_max": 300}},
		{"a part before its day", object{"type": "installment", "total_amount": 900, "terms": object{"type": "fixed", "items": []object{{"amount": 400, "date": b.day(0)}, {"amount": 500, "date": b.day(9)}}}},
			nil, 500, nil, []string{"/amount: amount_not_allowed"}, object{"allowed_amount_max": 400}},
		{"everything at once", object{"amount": 700, "validity_period": object{"start_date": b.day(2)}}, nil, 701, object{"currency": "usd"},
			[]string{"/currency: currency_mismatch", ": outside_validity_period"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := handlerstest.Key("k-" + c.name)
			caller := b.of(t)
			s := caller.Series(1000, goodCard, c.mandate)
			for _, amount := range c.paid {
				caller.Post(sessions, s.Next(amount)).Is(201).Shows(object{"payment_outcome": "paid"})
			}
			before := caller.Get(mandates + "/" + s.MandateID).Is(200)
			body := s.Next(c.amount, object{"mandate_id": s.MandateID})
			for name, value := range c.more {
				body[name] = value
			}
			first := caller.Post(sessions, body, h).Problem(422, "mandate_violation")
			slices.Sort(c.broken)
			if got := wrong(first); !slices.Equal(got, c.broken) {
				t.Errorf("broken is %q, not %q: %s", got, c.broken, first.Body)
			}
			for name, value := range c.amounts {
				first.Shows(object{"amounts." + name: value})
			}
			again := caller.Post(sessions, body, h).Problem(422, "mandate_violation")
			if again.Header.Get("Idempotent-Replayed") != "true" || text(again.At("errors")) != text(first.At("errors")) || text(again.At("amounts")) != text(first.At("amounts")) {
				t.Errorf("again it is %s", again.Body)
			}
			// Nothing has happened.
			after := caller.Get(mandates + "/" + s.MandateID).Is(200)
			if string(after.Body) != string(before.Body) {
				t.Errorf("the mandate became %s", after.Body)
			}
		})
	}
}

// A refusal is for good, whatever becomes of the limits.
func TestViolationsAreRemembered(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := b.Series(1000, goodCard, object{"max_occurrences": 1})
	paid := b.Post(sessions, s.Next(700, handlerstest.Later())).Is(201)
	b.Post(sessions, s.Next(500), key("k")).Problem(422, "mandate_violation")
	calls := b.First.Line.Calls(handlerstest.CallAuthorise)
	b.Void(paid.Text("payment_id")).Is(200) // now it would be allowed
	b.Post(sessions, s.Next(500), key("k")).Problem(422, "mandate_violation")
	if n := b.First.Line.Calls(handlerstest.CallAuthorise); n != calls {
		t.Error("the acquirer was called")
	}
	b.Post(sessions, s.Next(500), key("another")).Is(201).Shows(object{"payment_outcome": "paid"})
}

// After some declines nothing more is sent without the customer.
func TestUnusableMethods(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := b.Series(1000, authenticationCard, nil)
	b.Post(sessions, s.Next(700)).Is(201).Shows(object{"status": "completed", "payment_outcome": "unpaid", "last_payment_error.decline_code": "authentication_required"})
	calls := b.First.Line.Calls(handlerstest.CallAuthorise)
	b.Get(methods + "/" + s.MethodID).Is(200).Shows(object{"usable": false})
	b.Get(mandates + "/" + s.MandateID).Is(200).Shows(object{"status": "active"})
	b.Post(sessions, s.Next(700), key("k")).Problem(422, "payment_method_unusable")
	b.Post(sessions, s.Next(700), key("k")).Problem(422, "payment_method_unusable")

	revoked := b.Series(1000, revokedCard, nil)
	b.Post(sessions, revoked.Next(700)).Is(201).Shows(object{"payment_outcome": "unpaid", "last_payment_error.decline_code": "revocation_of_authorisation"})
	b.Get(mandates + "/" + revoked.MandateID).Is(200).Shows(object{"status": "revoked", "revocation.by": "issuer"})
	a := b.Post(sessions, revoked.Next(700))
	if a.Is(422).Text("code") != "mandate_violation" && a.Text("code") != "payment_method_unusable" {
		t.Errorf("it is %s", a.Body)
	}
	if n := b.First.Line.Calls(handlerstest.CallAuthorise) - calls; n != 2 { // the first, and the one that was declined
		t.Errorf("the acquirer was called %d times more", n)
	}
}

func TestSeveralMandates(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := b.Series(1000, goodCard, object{"amount": 100})
	_, checkoutID := b.Create(0, object{"type": "first_in_series", "options": object{"customer_id": s.CustomerID, "mandate_options": object{"amount": 200}}})
	b.Post("/checkout/"+checkoutID+"/attempts", object{
		"payment_method": object{"type": "saved", "payment_method_id": s.MethodID, "cvc": "737"}, "accept_mandate": true,
	}).Is(200).Shows(object{"status": "completed", "payment_outcome": "payment_method_verified"})
	b.First.Project()
	var second string
	eventually(t, "both are listed", func() bool {
		a := b.list(t, mandates, "customer_id", s.CustomerID).Is(200)
		second = a.Text("data.0.id")
		return a.Len("data") == 2
	})
	b.Get(mandates + "/" + second).Is(200).Shows(object{"payment_method_id": s.MethodID, "amount": 200})
	a := b.Post(sessions, s.Next(200), key("k")).Problem(422, "mandate_ambiguous")
	if got := wrong(a); !slices.Equal(got, []string{"/options/mandate_id: invalid"}) {
		t.Errorf("blamed is %q", got)
	}
	b.Post(sessions, s.Next(200), key("k")).Problem(422, "mandate_ambiguous")
	b.Post(sessions, s.Next(200, object{"mandate_id": second})).Is(201).Shows(object{"payment_outcome": "paid", "mandate_id": second})
	b.Post(sessions, s.Next(200, object{"mandate_id": s.MandateID})).Problem(422, "mandate_violation").Shows(object{"errors.0.code": "amount_not_allowed"})
	b.Post(mandates+"/"+second+"/revoke", nil).Is(200)
	b.Post(sessions, s.Next(100)).Is(201).Shows(object{"mandate_id": s.MandateID})
	b.Post(sessions, s.Next(200, object{"mandate_id": second})).Problem(422, "mandate_violation").Shows(object{"errors.0.code": "mandate_not_active"})
}
