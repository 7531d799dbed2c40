package handlerstest

import "net/http"

// The paths of what belongs to customers.
const (
	CustomersPath = "/collect/customers"
	MethodsPath   = "/collect/payment_methods"
	MandatesPath  = "/collect/mandates"

	SubscriptionsPath = "/collect/subscriptions"
)

// Series is what a first payment has left: whose card may be charged, and under
// which mandate.
type Series struct {
	SessionID, CustomerID, MethodID, MandateID string
}

// Accept pays a checkout's session with a card, and agrees to what it asks.
func (c *Caller) Accept(checkoutID, number string) *Answer {
	c.t.Helper()
	return c.Post("/checkout/"+checkoutID+"/attempts", Card(number, Object{"accept_mandate": true, "save_payment_method": true}))
}

// Series begins a series with a card, under a mandate that these options ask for;
// nil: any amount at any time. More are further options of the session.
func (c *Caller) Series(amount int64, number string, mandate Object, more ...Object) Series {
	c.t.Helper()
	options := Object{}
	if mandate != nil {
		options["mandate_options"] = mandate
	}
	for _, m := range more {
		for name, value := range m {
			options[name] = value
		}
	}
	sessionID, checkoutID := c.Create(amount, Object{"type": "first_in_series", "options": options})
	c.customer().Accept(checkoutID, number).Is(http.StatusOK).Shows(Object{"status": "completed"})
	a := c.Get(SessionsPath + "/" + sessionID).Is(http.StatusOK)
	return Series{
		SessionID: sessionID, CustomerID: a.Text("customer_id"), MethodID: a.Text("payment_method_id"), MandateID: a.Text("mandate_id"),
	}
}

// Saved pays a one_time session and saves the card; more are further options.
func (c *Caller) Saved(amount int64, number string, more ...Object) Series {
	c.t.Helper()
	options := Object{"checkout_options": Object{"save_payment_method": "always"}}
	for _, m := range more {
		for name, value := range m {
			options[name] = value
		}
	}
	sessionID, checkoutID := c.Create(amount, Object{"options": options})
	c.customer().Pay(checkoutID, number).Is(http.StatusOK).Shows(Object{"status": "completed"})
	a := c.Get(SessionsPath + "/" + sessionID).Is(http.StatusOK)
	return Series{SessionID: sessionID, CustomerID: a.Text("customer_id"), MethodID: a.Text("payment_method_id")}
}

// Next is a request for the next payment of a series; more are further options.
func (s Series) Next(amount int64, more ...Object) Object {
	options := Object{"customer_id": s.CustomerID, "payment_method_id": s.MethodID}
	for _, m := range more {
		for name, value := range m {
			options[name] = value
		}
	}
	return Session(amount, Object{"type": "next_in_series", "options": options})
}

// Later are the options of a payment that is captured later.
func Later() Object {
	return Object{"payment_method_options": Object{"card": Object{"capture_method": "manual"}}}
}

// Delete deletes, without an idempotency key unless a header says otherwise.
func (c *Caller) Delete(path string, headers ...Header) *Answer {
	c.t.Helper()
	return c.do(http.MethodDelete, path, nil, headers...)
}
