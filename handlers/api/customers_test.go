package api_test

import (
	"strings"
	"testing"

	"tender/handlers/handlerstest"
)

const (
	customers = handlerstest.CustomersPath
	methods   = handlerstest.MethodsPath
	mandates  = handlerstest.MandatesPath

	subscriptions = handlerstest.SubscriptionsPath
)

func thandi() object {
	return object{"name": "Thandi Nkosi", "email": "thandi@example.com", "phone": "+27 82 555 0100"}
}

func TestCustomers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	made := b.Post(customers, thandi(), key("k")).Is(201).Shows(thandi()).Shows(object{"mode": "test", "version": 1, "profile_ref": nil})
	customerID := made.Text("id")
	read := b.Get(customers + "/" + customerID).Is(200)
	if text(read.At("")) != text(made.At("")) {
		t.Errorf("made it is\n%s\nread\n%s", made.Body, read.Body)
	}
	again := b.Post(customers, thandi(), key("k")).Is(201)
	if string(again.Body) != string(made.Body) || again.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("again it is\n%s\nnot\n%s", again.Body, made.Body)
	}
	other := thandi()
	other["phone"] = "+27 82 555 0101"
	b.Post(customers, other, key("k")).Problem(422, "idempotency_key_reused").
		Shows(object{"errors.0.pointer": "/phone", "conflicting_resource_id": customerID})
	// Nothing need be known of anybody.
	empty := b.Post(customers, nil).Is(201).Shows(object{"name": nil, "email": nil, "phone": nil})
	b.Get(customers + "/" + empty.Text("id")).Is(200)
}

func TestCustomersAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	blames(t, b.Post(customers, object{"name": " ", "email": "thandi", "phone": "call me", "test_clock_id": "clk_1", "age": 40}),
		"/name: invalid_format", "/email: invalid_format", "/phone: invalid_format", "/test_clock_id: invalid_format", "/age: unknown")
	blames(t, b.Post(customers, object{"name": strings.Repeat("n", 201), "email": strings.Repeat("e", 250) + "@x.example", "phone": 27}),
		"/name: invalid_format", "/email: invalid_format", "/phone: wrong_type")
	blames(t, b.Post(customers, object{"test_clock_id": "clk_01kjpy64c8ej6tkhd7mh6hksbh"}), "/test_clock_id: invalid")
	b.Post(customers, thandi(), handlerstest.Header{Name: handlerstest.KeyHeader}).Problem(400, "idempotency_key_missing")
	live := b.First.Caller(t, b.Merchant("live").Secret)
	blames(t, live.Post(customers, object{"test_clock_id": "clk_01kjpy64c8ej6tkhd7mh6hksbh"}), "/test_clock_id: not_allowed")
	// What can't be stored is refused, not broken upon.
	for _, field := range []string{"name", "email", "phone"} {
		blames(t, b.Post(customers, object{field: "a\x00b@x.example"}), "/"+field+": invalid_format")
	}
}

// Whose they are not, for them they are not there.
func TestCustomersAreTheirMerchants(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := b.Series(1000, goodCard, nil, object{"customer": thandi()})
	for name, c := range map[string]*handlerstest.Caller{
		"another merchant": b.First.Caller(t, b.Merchant("test").Secret),
		"another mode":     b.First.Caller(t, b.Merchant("live").Secret),
	} {
		for _, path := range []string{
			customers + "/" + s.CustomerID, customers + "/" + s.CustomerID + "/payment_methods", methods + "/" + s.MethodID, mandates + "/" + s.MandateID,
		} {
			if a := c.Get(path); a.Status != 404 {
				t.Errorf("%s reads %s: %s", name, path, a.Body)
			}
		}
		for _, path := range []string{customers + "/" + s.CustomerID, methods + "/" + s.MethodID} {
			c.Delete(path).Problem(404, "not_found")
		}
		c.Post(mandates+"/"+s.MandateID+"/revoke", nil).Problem(404, "not_found")
		c.Post(sessions, s.Next(500)).Problem(404, "not_found")
		c.Post(sessions, handlerstest.Session(500, object{"options": object{"customer_id": s.CustomerID}})).Problem(404, "not_found")
	}
	public := b.First.Caller(t, b.merchant.Public)
	public.Get(customers+"/"+s.CustomerID).Problem(403, "forbidden")
	public.Post(customers, thandi()).Problem(403, "forbidden")
	public.Delete(methods+"/"+s.MethodID).Problem(403, "forbidden")
	b.Get(mandates + "/" + s.MandateID).Is(200).Shows(object{"status": "active"})
}

func TestErasure(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.First.Project()
	made := b.Post(customers, thandi(), key("made")).Is(201)
	customerID := made.Text("id")
	s := b.Series(1000, goodCard, nil, object{"customer_id": customerID})
	if s.CustomerID != customerID {
		t.Fatalf("the series is %s's, not %s's", s.CustomerID, customerID)
	}
	paid := b.Post(sessions, s.Next(700), key("next")).Is(201).Shows(object{"payment_outcome": "paid"})

	gone := b.Delete(customers+"/"+customerID, key("erase")).Is(204)
	again := b.Delete(customers+"/"+customerID, key("erase")).Is(204)
	if again.Header.Get("Idempotent-Replayed") != "true" {
		t.Error("the second answer is no replay")
	}
	b.Delete(customers+"/"+customerID).Problem(404, "not_found")
	b.Get(customers+"/"+customerID).Problem(404, "not_found")
	b.Get(customers+"/"+customerID+"/payment_methods").Problem(404, "not_found")
	b.Get(methods+"/"+s.MethodID).Problem(404, "not_found")
	b.Get(mandates + "/" + s.MandateID).Is(200).Shows(object{"status": "revoked", "revocation.by": "system"})
	// What told of the person is not told again; what told of money is.
	b.Post(customers, thandi(), key("made")).Problem(410, "erased")
	b.Post(sessions, s.Next(700), key("next")).Is(201).Shows(object{"id": paid.Text("id"), "payment_outcome": "paid"})
	// Nothing more is made in their name.
	b.Post(sessions, s.Next(700)).Problem(404, "not_found")
	b.Post(sessions, handlerstest.Session(700, object{"options": object{"customer_id": customerID}})).Problem(404, "not_found")
	// Captured payments stay refundable.
	b.Refund(paid.Text("payment_id"), 300).Is(200).Shows(object{"refunded_amount": 300})
	a := b.list(t, customers, "min_position", gone.Header.Get(positionHeader)).Is(200)
	if a.Len("data") != 0 {
		t.Errorf("they are still listed: %s", a.Body)
	}
	b.list(t, mandates, "customer_id", customerID, "status", "revoked", "min_position", gone.Header.Get(positionHeader)).
		Is(200).Shows(object{"data.0.id": s.MandateID})
}

// Nobody is forgotten to whom money is still reserved.
func TestErasureWaitsForOpenPayments(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := b.Series(1000, goodCard, nil)
	reserved := b.Post(sessions, s.Next(700, handlerstest.Later())).Is(201).Shows(object{"payment_outcome": "reserved"})
	b.Delete(customers+"/"+s.CustomerID, key("k")).Problem(409, "customer_has_open_payments")
	b.Capture(reserved.Text("payment_id"), 300).Is(200)
	b.Delete(customers+"/"+s.CustomerID).Problem(409, "customer_has_open_payments")
	b.Void(reserved.Text("payment_id")).Is(200)
	// A refusal by a rule is remembered.
	b.Delete(customers+"/"+s.CustomerID, key("k")).Problem(409, "customer_has_open_payments")
	b.Get(customers + "/" + s.CustomerID).Is(200)
	b.Delete(customers + "/" + s.CustomerID).Is(204)
}

// A payment whose outcome is not known is in flight.
func TestErasureWaitsForOutcomes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := b.Series(1000, goodCard, nil)
	arrived, release := b.First.Line.Hold(handlerstest.CallAuthorise)
	next := make(chan *handlerstest.Answer, 1)
	go func() { next <- sent(b.Send("POST", sessions, s.Next(700))) }()
	<-arrived
	b.Delete(customers+"/"+s.CustomerID).Problem(409, "customer_has_open_payments")
	release()
	(<-next).Is(201).Shows(object{"payment_outcome": "paid"})
	b.Delete(customers + "/" + s.CustomerID).Is(204)
}

// Of erasures and payments that come at once, either the payment is made and stays
// in the way, or the customer is gone and it is not made.
func TestErasureAndPaymentsAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	second := b.Process()
	s := b.Series(1000, goodCard, nil)
	answers := together(20, func(i int) *handlerstest.Answer {
		if i%4 == 0 {
			return sent(b.Caller.On(second).Send("DELETE", customers+"/"+s.CustomerID, nil))
		}
		return sent(b.Send("POST", sessions, s.Next(100)))
	})
	var paid, erased int64
	for _, a := range answers {
		switch a.Status {
		case 201:
			a.Shows(object{"payment_outcome": "paid"})
			paid++
		case 204:
			erased++
		case 404, 409, 503:
		default:
			t.Errorf("an answer is %d: %s", a.Status, a.Body)
		}
	}
	if calls := b.First.Line.Calls(handlerstest.CallAuthorise); calls != paid+1 {
		t.Errorf("the acquirer was called %d times for %d payments", calls, paid)
	}
	if erased > 1 {
		t.Errorf("they were erased %d times", erased)
	}
	if erased == 0 {
		b.Delete(customers + "/" + s.CustomerID).Is(204)
	}
	b.Get(mandates + "/" + s.MandateID).Is(200).Shows(object{"status": "revoked", "usage.successful_count": int(paid)})
	b.Get(customers+"/"+s.CustomerID).Problem(404, "not_found")
}
