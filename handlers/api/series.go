package api

import (
	"encoding/json"

	"tender/domain/id"
	"tender/domain/mandate"
	"tender/domain/merchant"
	"tender/domain/recurrence"
	"tender/domain/session"
	"tender/domain/subscription"
	"tender/handlers/body"
	"tender/handlers/problem"
)

const (
	mandatePointer      = "/options/mandate_options"
	subscriptionPointer = "/options/subscription_options"
)

// readParties reads whose session it is, and what a payment without the customer is
// made with.
func readParties(o *body.Fields, r *sessionRequest, mode string) {
	r.Options.CustomerID = readID(o, "customer_id", id.Customer)
	r.Options.PaymentMethodID = readID(o, "payment_method_id", id.Method)
	r.Options.MandateID = readID(o, "mandate_id", id.Mandate)
	if r.Type == session.TypeFirstInSeries {
		r.Options.SubscriptionID = readID(o, "subscription_id", id.Subscription)
	}
	if c := o.Object("customer"); c != nil {
		in := readCustomer(c, mode)
		c.Unknown()
		r.Customer = &in
		if r.Options.CustomerID != "" {
			o.Wrong("customer", problem.Contradiction, "Name a customer with customer_id, or have one made with customer; not both.")
		}
	}
	next := r.Type == session.TypeNextInSeries
	if next && r.Customer != nil {
		o.Wrong("customer", problem.Contradiction, "A next_in_series payment is of a customer who is there already: send customer_id.")
	}
	for name, value := range map[string]string{"customer_id": r.Options.CustomerID, "payment_method_id": r.Options.PaymentMethodID} {
		if next && value == "" && !o.Has(name) {
			o.Wrong(name, problem.Required, "A next_in_series payment needs it.")
		}
	}
	for _, name := range []string{"payment_method_id", "mandate_id"} {
		if !next && o.Has(name) {
			o.Wrong(name, problem.Contradiction, "It goes with next_in_series only.")
		}
	}
}

func readID(o *body.Fields, name string, prefix id.Prefix) string {
	s, ok := o.Text(name)
	if ok && !id.Valid(prefix, s) {
		o.Wrong(name, problem.InvalidFormat, "This is not an id of that kind: they begin with "+string(prefix)+"_.")
	}
	return s
}

// readSeries reads what a first_in_series session begins. O is nil where the
// request has no options.
func readSeries(f, o *body.Fields, r *sessionRequest, zone string) {
	if r.Type != session.TypeFirstInSeries {
		for _, name := range []string{"mandate_options", "subscription_options", "subscription_id"} {
			if o != nil && o.Has(name) {
				o.Take(name)
				o.Wrong(name, problem.Contradiction, "It goes with first_in_series only.")
			}
		}
		if o == nil && r.Type == session.TypeNextInSeries {
			f.Wrong("options", problem.Required, "A next_in_series payment needs options.customer_id and options.payment_method_id.")
		}
		return
	}
	basis := mandate.Basis{Amount: r.Amount, Currency: r.Currency, TimeZone: zone}
	terms := mandate.Unconstrained(basis)
	known := &terms
	if o == nil {
		r.Series = &session.Series{Terms: terms}
		return
	}
	r.Series = &session.Series{Terms: terms, SubscriptionID: r.Options.SubscriptionID}
	if r.Series.SubscriptionID != "" {
		readReplacement(o, r)
		return
	}
	if v, given := o.Take("mandate_options"); given {
		var wrong []recurrence.FieldProblem
		terms, wrong = mandate.Read(v, basis)
		addProblems(f, mandatePointer, wrong)
		if len(wrong) > 0 {
			known = nil
		}
		r.Options.MandateOptions = asGiven(v)
	}
	r.Series.Terms = terms
	v, given := o.Take("subscription_options")
	if !given {
		return
	}
	plan, wrong := subscription.Read(v, subscription.Basis{Terms: known, Amount: r.Amount, Currency: r.Currency})
	addProblems(f, subscriptionPointer, wrong)
	r.Series.Plan = &plan
	r.Options.SubscriptionOptions = asGiven(v)
}

// readReplacement refuses what a session may not say that gives a subscription another
// method: the constraints stay as the customer agreed to them, and the customer too.
func readReplacement(o *body.Fields, r *sessionRequest) {
	for _, name := range []string{"mandate_options", "subscription_options"} {
		if o.Has(name) {
			o.Take(name)
			o.Wrong(name, problem.Contradiction, "subscription_id gives a subscription another method under the same constraints; it takes no options.")
		}
	}
	if r.Customer != nil {
		o.Wrong("customer", problem.Contradiction, "The subscription's customer gives it another method; none is made.")
	}
}

func addProblems(f *body.Fields, at string, wrong []recurrence.FieldProblem) {
	for _, p := range wrong {
		f.WrongAt(at+p.Pointer, p.Code, p.Detail)
	}
}

// asGiven is a decoded value as JSON again, members in order.
func asGiven(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // it was JSON
	}
	return b
}

// allowedTo holds requests with a public key to what a browser may ask for.
func (r sessionRequest) allowedTo(kind merchant.KeyKind) error {
	if kind != merchant.KeyPublic {
		return nil
	}
	var wrong problem.FieldErrors
	if r.Type == session.TypeNextInSeries {
		wrong.Add("/type", problem.NotAllowed, "A public key creates one_time and first_in_series sessions only.")
	}
	if r.Amount == 0 {
		wrong.Add("/amount", problem.NotAllowed, "With a public key the amount is 1 or more.")
	}
	if r.Options != nil && r.Options.CustomerID != "" {
		wrong.Add("/options/customer_id", problem.NotAllowed, "A public key may not name a customer.")
	}
	if r.Options != nil && r.Options.SubscriptionID != "" {
		wrong.Add("/options/subscription_id", problem.NotAllowed, "A public key may not name a subscription.")
	}
	if r.Customer != nil && r.Customer.TestClockID != "" {
		wrong.Add("/options/customer/test_clock_id", problem.NotAllowed, "A public key may not name a test clock.")
	}
	if len(wrong) > 0 {
		return wrong
	}
	return nil
}
