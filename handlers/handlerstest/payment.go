package handlerstest

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// The paths of the API that tests use again and again.
const (
	SessionsPath = "/collect/payment_sessions"
	PaymentsPath = "/collect/payments"
)

// Session is a request for a session of so much.
func Session(amount int64, more ...Object) Object {
	o := Object{"amount": amount, "currency": "ZAR"}
	for _, m := range more {
		for name, value := range m {
			o[name] = value
		}
	}
	return o
}

// Manual are the options of a session whose payment is captured later.
func Manual() Object {
	return Object{"options": Object{"payment_method_options": Object{"card": Object{"capture_method": "manual"}}}}
}

// Card is a customer's try to pay with a card that is otherwise in order.
func Card(number string, more ...Object) Object {
	cvc := "737"
	if strings.HasPrefix(number, "3") {
		cvc = "7373"
	}
	o := Object{"payment_method": Object{"type": "card", "card": Object{
		"number": number, "exp_month": 12, "exp_year": 2031, "cvc": cvc, "name": "A Customer",
	}}}
	for _, m := range more {
		for name, value := range m {
			o[name] = value
		}
	}
	return o
}

// Create makes a session, and returns its id and its checkout's.
func (c *Caller) Create(amount int64, more ...Object) (sessionID, checkoutID string) {
	c.t.Helper()
	a := c.Post(SessionsPath, Session(amount, more...)).Is(201)
	return a.Text("id"), a.Text("checkout_session_id")
}

// Pay tries to pay a checkout's session with a card, and returns the state.
func (c *Caller) Pay(checkoutID, number string) *Answer {
	c.t.Helper()
	return c.Post("/checkout/"+checkoutID+"/attempts", Card(number))
}

// Paid makes a session and pays it, and returns the session's and the payment's id.
func (c *Caller) Paid(amount int64, number string, more ...Object) (sessionID, paymentID string) {
	c.t.Helper()
	sessionID, checkoutID := c.Create(amount, more...)
	c.customer().Pay(checkoutID, number).Is(200)
	return sessionID, c.Get(SessionsPath + "/" + sessionID).Is(200).Text("payment_id")
}

// customer is a caller who shows no key.
func (c *Caller) customer() *Caller {
	other := *c
	other.key = ""
	return &other
}

// Reserved makes a session and reserves its amount, to be captured later.
func (c *Caller) Reserved(amount int64, number string) (paymentID string) {
	c.t.Helper()
	_, paymentID = c.Paid(amount, number, Manual())
	return paymentID
}

// Capture captures; amount 0: all that remains.
func (c *Caller) Capture(paymentID string, amount int64, headers ...Header) *Answer {
	c.t.Helper()
	body := Object{}
	if amount != 0 {
		body["amount"] = amount
	}
	return c.Post(PaymentsPath+"/"+paymentID+"/captures", body, headers...)
}

// Void gives the rest back.
func (c *Caller) Void(paymentID string, headers ...Header) *Answer {
	c.t.Helper()
	return c.Post(PaymentsPath+"/"+paymentID+"/voids", nil, headers...)
}

// Refund pays back; amount 0: all that is refundable.
func (c *Caller) Refund(paymentID string, amount int64, headers ...Header) *Answer {
	c.t.Helper()
	body := Object{}
	if amount != 0 {
		body["amount"] = amount
	}
	return c.Post(PaymentsPath+"/"+paymentID+"/refunds", body, headers...)
}

// Payment reads a payment.
func (c *Caller) Payment(paymentID string) *Answer {
	c.t.Helper()
	return c.Get(PaymentsPath + "/" + paymentID).Is(200)
}

// Decide answers a 3-D Secure challenge on the bank's page, as the customer does:
// decision is "approve" or "refuse". It returns where the customer is led.
func (h *House) Decide(t testing.TB, challengeURL, decision string) (location string) {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.PostForm(challengeURL, url.Values{"decision": {decision}})
	if err != nil {
		t.Fatalf("the bank's page: %v", err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusSeeOther {
		t.Fatalf("the bank's page answers %d", res.StatusCode)
	}
	return res.Header.Get("Location")
}
