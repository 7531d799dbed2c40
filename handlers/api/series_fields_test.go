package api_test

import (
	"testing"

	"tender/handlers/handlerstest"
)

const (
	noCustomer = "cus_01kjpy64c8ej6tkhd7mh6hksbd"
	noMethod   = "pmt_01kjpy64c8ej6tkhd7mh6hksbe"
	noMandate  = "mdt_01kjpy64c8ej6tkhd7mh6hksbf"
)

// inSeries is a request for a session of a type with these options.
func inSeries(kind string, options object) object {
	return handlerstest.Session(1000, object{"type": kind, "options": options})
}

func TestSeriesFieldsAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const options, terms, plan = "/options", "/options/mandate_options", "/options/subscription_options"
	next, first := "next_in_series", "first_in_series"
	for _, c := range []struct {
		name string
		body object
		want []string
	}{
		{"nothing is named", handlerstest.Session(1000, object{"type": next}), []string{options + ": required"}},
		{"neither is named", inSeries(next, object{}), []string{options + "/customer_id: required", options + "/payment_method_id: required"}},
		{"all is wrong at once", object{"type": next, "amount": 0, "currency": "ZZZ", "tip": 1, "options": object{"mandate_id": "x", "colour": 1}},
			[]string{"/amount: too_small", "/currency: unknown_currency", "/tip: unknown", options + "/mandate_id: invalid_format", options + "/colour: unknown",
				options + "/customer_id: required", options + "/payment_method_id: required"}},
		{"other kinds of ids", inSeries(next, object{"customer_id": noMethod, "payment_method_id": noCustomer}),
			[]string{options + "/customer_id: invalid_format", options + "/payment_method_id: invalid_format"}},
		{"ids that are none", inSeries(next, object{"customer_id": 1, "payment_method_id": nil}),
			[]string{options + "/customer_id: wrong_type", options + "/payment_method_id: wrong_type"}},
		{"a page for nobody", inSeries(next, object{"customer_id": noCustomer, "payment_method_id": noMethod, "checkout_options": object{
			"return_url": "https://shop.example", "expires_at": "2030-01-01T00:00:00Z", "save_payment_method": "always"}}),
			[]string{options + "/checkout_options/return_url: contradiction", options + "/checkout_options/expires_at: contradiction",
				options + "/checkout_options/save_payment_method: contradiction"}},
		{"somebody new", inSeries(next, object{"customer": thandi(), "payment_method_id": noMethod}),
			[]string{options + "/customer: contradiction", options + "/customer_id: required"}},
		{"terms for a next one", inSeries(next, object{"customer_id": noCustomer, "payment_method_id": noMethod, "mandate_options": object{}, "subscription_options": 1, "subscription_id": "x"}),
			[]string{terms + ": contradiction", plan + ": contradiction", options + "/subscription_id: contradiction"}},
		{"terms for one", inSeries("one_time", object{"mandate_options": object{}, "subscription_options": object{}}),
			[]string{terms + ": contradiction", plan + ": contradiction"}},
		{"a method for one", inSeries("one_time", object{"payment_method_id": noMethod, "mandate_id": noMandate}),
			[]string{options + "/payment_method_id: contradiction", options + "/mandate_id: contradiction"}},
		{"a method for the first", inSeries(first, object{"payment_method_id": noMethod}), []string{options + "/payment_method_id: contradiction"}},
		{"both customers", inSeries(first, object{"customer": thandi(), "customer_id": noCustomer}), []string{options + "/customer: contradiction"}},
		{"an unknown member of a customer", inSeries(first, object{"customer": object{"nickname": "T"}}), []string{options + "/customer/nickname: unknown"}},
		{"saving beside a series", inSeries(first, object{"checkout_options": object{"save_payment_method": "never"}}),
			[]string{options + "/checkout_options/save_payment_method: contradiction"}},
		{"terms that are none", inSeries(first, object{"mandate_options": "any"}), []string{terms + ": wrong_type"}},
		{"terms with everything wrong", inSeries(first, object{"mandate_options": object{
			"type": "scheduled", "amount": 0, "max_occurrences": 0, "period_limits": object{"period": "hour"}, "time_zone": "Mars/Olympus", "colour": 1,
			"validity_period": object{"start_date": "2026-02-30"}}}),
			[]string{terms + "/amount: too_small", terms + "/recurrence: required", terms + "/max_occurrences: too_small", terms + "/period_limits/period: not_an_option",
				terms + "/period_limits: required", terms + "/time_zone: not_an_option", terms + "/colour: unknown", terms + "/validity_period/start_date: invalid_format"}},
		{"a validity that is over", inSeries(first, object{"mandate_options": object{"validity_period": object{"end_date": b.day(-2)}}}),
			[]string{terms + "/validity_period/end_date: too_small"}},
		{"a plan without a cadence", inSeries(first, object{"subscription_options": object{}}), []string{plan + ": contradiction"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			blames(t, b.of(t).Post(sessions, c.body), c.want...)
		})
	}
}

// What is somebody else's, or nobody's, is not there; which of it, is not told.
func TestSeriesOfOthers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := b.Series(1000, goodCard, nil)
	other := b.Series(1000, goodCard, nil)
	stranger := b.First.Caller(t, b.Merchant("test").Secret)
	theirs := stranger.Series(1000, goodCard, nil)
	calls := b.First.Line.Calls(handlerstest.CallAuthorise)
	for name, body := range map[string]object{
		"nobody":                 inSeries("next_in_series", object{"customer_id": noCustomer, "payment_method_id": s.MethodID}),
		"no method":              inSeries("next_in_series", object{"customer_id": s.CustomerID, "payment_method_id": noMethod}),
		"no mandate":             s.Next(100, object{"mandate_id": noMandate}),
		"another's method":       inSeries("next_in_series", object{"customer_id": s.CustomerID, "payment_method_id": other.MethodID}),
		"another's mandate":      s.Next(100, object{"mandate_id": other.MandateID}),
		"a stranger's all":       theirs.Next(100),
		"a stranger's method":    inSeries("next_in_series", object{"customer_id": s.CustomerID, "payment_method_id": theirs.MethodID}),
		"a stranger's mandate":   s.Next(100, object{"mandate_id": theirs.MandateID}),
		"a stranger's customer":  inSeries("first_in_series", object{"customer_id": theirs.CustomerID}),
		"nobody comes":           inSeries("one_time", object{"customer_id": noCustomer}),
		"nobody comes the first": inSeries("first_in_series", object{"customer_id": noCustomer}),
	} {
		a := b.Post(sessions, body, key("k "+name))
		if a.Status != 404 || a.Text("code") != "not_found" {
			t.Errorf("%s: %s", name, a.Body)
		}
		// The key is not used up.
		b.Post(sessions, handlerstest.Session(1), key("k "+name)).Is(201)
	}
	if n := b.First.Line.Calls(handlerstest.CallAuthorise); n != calls {
		t.Errorf("the acquirer was called %d times", n-calls)
	}
}

// A browser begins series, and nothing more.
func TestPublicKeysAndSeries(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := b.Series(1000, goodCard, nil)
	public := b.First.Caller(t, b.merchant.Public)
	a := public.Post(sessions, inSeries("first_in_series", object{"customer": thandi(), "mandate_options": object{"amount": 100}}), key("k")).Is(201)
	if a.Len("") != 4 {
		t.Errorf("a browser is told %s", a.Body)
	}
	again := public.Post(sessions, inSeries("first_in_series", object{"customer": thandi(), "mandate_options": object{"amount": 100}}), key("k")).Is(201)
	if string(again.Body) != string(a.Body) {
		t.Errorf("again it is told %s", again.Body)
	}
	session := b.Get(sessions + "/" + a.Text("id")).Is(200)
	b.Get(customers + "/" + session.Text("customer_id")).Is(200).Shows(thandi())
	blames(t, public.Post(sessions, s.Next(100)), "/type: not_allowed", "/options/customer_id: not_allowed")
	blames(t, public.Post(sessions, handlerstest.Session(0)), "/amount: not_allowed")
	blames(t, public.Post(sessions, handlerstest.Session(0, object{"type": "first_in_series"})), "/amount: not_allowed")
	blames(t, public.Post(sessions, inSeries("one_time", object{"customer_id": s.CustomerID})), "/options/customer_id: not_allowed")
	blames(t, public.Post(sessions, inSeries("one_time", object{"customer": object{"test_clock_id": "clk_01kjpy64c8ej6tkhd7mh6hksbh"}})), "/options/customer/test_clock_id: not_allowed")
}
