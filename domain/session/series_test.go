package session_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"tender/domain/mandate"
	"tender/domain/payment"
	"tender/domain/session"
	"tender/domain/subscription"
)

// terms are what the customers of these tests agree to.
var terms = mandate.Terms{Kind: mandate.KindOnDemand, Currency: "ZAR", TimeZone: "Africa/Johannesburg", Amount: &mandate.Amount{Max: 5_000}, MaxOccurrences: 12}

// plan is what is collected of them.
var plan = subscription.Plan{
	Amount: 5_000, Currency: "ZAR", TimeZone: "Africa/Johannesburg", Occurrences: 12,
	Items: []mandate.Item{{Amount: 5_000}}, Retry: subscription.Retry{Days: []int{1, 3, 5}, Then: subscription.ThenContinue}, Missed: subscription.MissedCollect,
}

// createFirst asks for the first of a series.
func createFirst() session.Create {
	c := create()
	c.Type, c.CustomerID, c.ClockID = session.TypeFirstInSeries, customerID, clockID
	c.Options = &session.Options{
		CustomerID: customerID, MandateOptions: []byte(`{"amount":{"max":5000},"max_occurrences":12}`),
		SubscriptionOptions: []byte(`{}`), SubscriptionID: subscriptionID,
	}
	c.Series = &session.Series{Terms: terms, Plan: &plan, SubscriptionID: subscriptionID}
	return c
}

func createdFirst() session.Created {
	c := createFirst()
	e := created()
	e.Kind, e.CustomerID, e.ClockID, e.Options, e.Series = c.Type, c.CustomerID, c.ClockID, c.Options, c.Series
	return e
}

// createNext asks for a payment without the customer.
func createNext(o *subscription.Occurrence) session.Create {
	c := create()
	c.Type, c.CustomerID, c.ClockID = session.TypeNextInSeries, customerID, clockID
	c.ReturnURL, c.ExpiresAt = "", time.Time{}
	c.Options = &session.Options{
		CustomerID: customerID, PaymentMethodID: methodID, MandateID: mandateID,
		PaymentMethodOptions: &session.PaymentMethodOptions{Card: &session.CardOptions{CaptureMethod: payment.CaptureManual}},
	}
	c.Charge = &session.Charge{PaymentMethodID: methodID, MandateID: mandateID, SubscriptionID: subscriptionID, Occurrence: o}
	return c
}

func createdNext(o *subscription.Occurrence) session.Created {
	c := createNext(o)
	e := created()
	e.CheckoutID, e.SessionURL, e.ReturnURL, e.ExpiresAt = "", "", "", time.Time{}
	e.Kind, e.CustomerID, e.ClockID, e.Options, e.Charge = c.Type, c.CustomerID, c.ClockID, c.Options, c.Charge
	return e
}

func TestCreateOfEachType(t *testing.T) {
	t.Parallel()
	one := func(change func(*session.Create)) session.Create {
		c := create()
		change(&c)
		return c
	}
	first := func(change func(*session.Create)) session.Create {
		c := createFirst()
		change(&c)
		return c
	}
	next := func(change func(*session.Create)) session.Create {
		c := createNext(nil)
		change(&c)
		return c
	}
	for _, c := range []struct {
		name    string
		command session.Create
		then    func(*session.Created)
		from    session.Created
		refused error
	}{
		{"one_time of a customer", one(func(c *session.Create) { c.CustomerID, c.ClockID = customerID, clockID }), func(e *session.Created) { e.CustomerID, e.ClockID = customerID, clockID }, created(), nil},
		{"one_time that never saves", one(func(c *session.Create) { c.Save = session.SaveNever }), func(e *session.Created) { e.Save = session.SaveNever }, created(), nil},
		{"one_time that saves", one(func(c *session.Create) { c.Save = session.SaveAlways }), func(e *session.Created) { e.Save = session.SaveAlways }, created(), nil},
		{"one_time that asks", one(func(c *session.Create) { c.Save = session.SavePrompt }), func(e *session.Created) { e.Save = session.SavePrompt }, created(), nil},
		{"one_time that verifies", one(func(c *session.Create) { c.Amount = 0 }), func(e *session.Created) { e.Amount, e.Save = 0, session.SaveAlways }, created(), nil},
		{"one_time that verifies, and says so", one(func(c *session.Create) { c.Amount, c.Save = 0, session.SaveAlways }), func(e *session.Created) { e.Amount, e.Save = 0, session.SaveAlways }, created(), nil},
		{"one_time that verifies, and asks", one(func(c *session.Create) { c.Amount, c.Save = 0, session.SavePrompt }), nil, created(), session.ErrVerifiedUnsaved},
		{"one_time that verifies, and never saves", one(func(c *session.Create) { c.Amount, c.Save = 0, session.SaveNever }), nil, created(), session.ErrVerifiedUnsaved},
		{"one_time that saves somehow", one(func(c *session.Create) { c.Save = "sometimes" }), nil, created(), session.ErrSaveUnknown},
		{"one_time with a series", one(func(c *session.Create) { c.Series = &session.Series{} }), nil, created(), session.ErrSeriesMisplaced},
		{"one_time with a method", one(func(c *session.Create) { c.Charge = &session.Charge{} }), nil, created(), session.ErrMethodMisplaced},
		{"of no type", one(func(c *session.Create) { c.Type = "" }), nil, created(), session.ErrTypeUnknown},

		{"first_in_series", createFirst(), func(*session.Created) {}, createdFirst(), nil},
		{"first_in_series that verifies", first(func(c *session.Create) { c.Amount = 0 }), func(e *session.Created) { e.Amount = 0 }, createdFirst(), nil},
		{"first_in_series that expires by default", first(func(c *session.Create) { c.ExpiresAt = time.Time{} }), func(e *session.Created) { e.ExpiresAt = noon.Add(24 * time.Hour) }, createdFirst(), nil},
		{"first_in_series that expires too soon", first(func(c *session.Create) { c.ExpiresAt = noon }), nil, createdFirst(), session.ErrExpiryOutOfRange},
		{"first_in_series of nobody", first(func(c *session.Create) { c.CustomerID = "" }), nil, createdFirst(), session.ErrCustomerMissing},
		{"first_in_series without terms", first(func(c *session.Create) { c.Series = nil }), nil, createdFirst(), session.ErrTermsMissing},
		{"first_in_series in two currencies", first(func(c *session.Create) { c.Currency = "USD" }), nil, createdFirst(), session.ErrTermsCurrency},
		{"first_in_series that saves", first(func(c *session.Create) { c.Save = session.SaveAlways }), nil, createdFirst(), session.ErrSaveMisplaced},
		{"first_in_series with a method", first(func(c *session.Create) { c.Charge = &session.Charge{} }), nil, createdFirst(), session.ErrMethodMisplaced},

		{"next_in_series", createNext(nil), func(*session.Created) {}, createdNext(nil), nil},
		{"next_in_series of nothing", next(func(c *session.Create) { c.Amount = 0 }), nil, createdNext(nil), session.ErrAmountMissing},
		{"next_in_series that expires", next(func(c *session.Create) { c.ExpiresAt = noon.Add(time.Hour) }), nil, createdNext(nil), session.ErrExpiryMisplaced},
		{"next_in_series that returns", next(func(c *session.Create) { c.ReturnURL = "https://shop.example" }), nil, createdNext(nil), session.ErrReturnMisplaced},
		{"next_in_series that saves", next(func(c *session.Create) { c.Save = session.SaveNever }), nil, createdNext(nil), session.ErrSaveMisplaced},
		{"next_in_series with a series", next(func(c *session.Create) { c.Series = &session.Series{} }), nil, createdNext(nil), session.ErrSeriesMisplaced},
		{"next_in_series of nobody", next(func(c *session.Create) { c.CustomerID = "" }), nil, createdNext(nil), session.ErrCustomerMissing},
		{"next_in_series without a charge", next(func(c *session.Create) { c.Charge = nil }), nil, createdNext(nil), session.ErrMethodMissing},
		{"next_in_series without a method", next(func(c *session.Create) { c.Charge = &session.Charge{MandateID: mandateID} }), nil, createdNext(nil), session.ErrMethodMissing},
		{"next_in_series without a mandate", next(func(c *session.Create) { c.Charge = &session.Charge{PaymentMethodID: methodID} }), nil, createdNext(nil), session.ErrMandateUnresolved},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := session.DecideCreate(c.command)
			if !errors.Is(err, c.refused) || (err != nil) != (got == nil) {
				t.Fatalf("the answer is %+v, %v", got, err)
			}
			if c.refused != nil {
				return
			}
			c.then(&c.from)
			if !reflect.DeepEqual(got, []session.Event{c.from}) {
				t.Fatalf("what happens is\n%#v, not\n%#v", got, c.from)
			}
		})
	}
}

// What a request alone shows to be wrong is refused with the field that is to
// blame, and never remembered.
func TestRefusalsNameTheirFields(t *testing.T) {
	t.Parallel()
	for field, err := range map[string]error{
		"/amount":                       session.ErrAmountMissing,
		"/type":                         session.ErrTypeUnknown,
		"/currency":                     session.ErrTermsCurrency,
		"/options/customer_id":          session.ErrCustomerMissing,
		"/options/payment_method_id":    session.ErrMethodMissing,
		"/options/mandate_id":           session.ErrMandateUnresolved,
		"/options/mandate_options":      session.ErrTermsMissing,
		"/options/checkout_options/":    session.ErrSaveMisplaced,
		"/options/checkout_options/ret": session.ErrReturnMisplaced,
	} {
		r := refusalOf(t, err)
		if r.Code != "invalid_request" || r.Transient || len(r.Field) < len(field) || r.Field[:len(field)] != field && r.Field != field {
			t.Errorf("%s: the refusal is %+v", field, r)
		}
	}
}

func TestEvolveOfASeries(t *testing.T) {
	t.Parallel()
	occurrence := &subscription.Occurrence{Number: 1, ScheduledFor: noon, Attempt: 1}
	first, next := fold(createdFirst()), fold(createdNext(occurrence))
	if first.Type != session.TypeFirstInSeries || first.CustomerID != customerID || first.ClockID != clockID || !reflect.DeepEqual(first.Series, createFirst().Series) || first.Charge != nil {
		t.Errorf("the first is %+v", first)
	}
	if next.Type != session.TypeNextInSeries || next.CustomerID != customerID || next.Series != nil || !reflect.DeepEqual(next.Charge, createNext(occurrence).Charge) || !next.ExpiresAt.IsZero() {
		t.Errorf("the next is %+v", next)
	}
	e := created()
	e.Save = session.SavePrompt
	if got := fold(e).Save; got != session.SavePrompt {
		t.Errorf("it saves %q", got)
	}
}

// A session without the customer is nobody's to wait for.
func TestExpired(t *testing.T) {
	t.Parallel()
	at := create().ExpiresAt
	for _, c := range []struct {
		name     string
		s        session.State
		at       time.Time
		want     bool
		attended bool
	}{
		{"one_time, before", fold(created()), at.Add(-time.Nanosecond), false, true},
		{"one_time, at the end", fold(created()), at, true, true},
		{"first_in_series, before", fold(createdFirst()), at.Add(-time.Nanosecond), false, true},
		{"first_in_series, after", fold(createdFirst()), at.Add(time.Hour), true, true},
		{"next_in_series, years later", fold(createdNext(nil)), at.AddDate(10, 0, 0), false, false},
	} {
		if got := c.s.Expired(c.at); got != c.want || c.s.Attended() != c.attended {
			t.Errorf("%s: over is %t, attended %t", c.name, got, c.s.Attended())
		}
	}
}

func TestSavesMethod(t *testing.T) {
	t.Parallel()
	oneTime := func(save session.Save) session.State {
		e := created()
		e.Save = save
		return fold(e)
	}
	for _, c := range []struct {
		name             string
		s                session.State
		unasked, ifAsked bool
	}{
		{"by default", oneTime(""), false, false},
		{"never", oneTime(session.SaveNever), false, false},
		{"always", oneTime(session.SaveAlways), true, true},
		{"prompt", oneTime(session.SavePrompt), false, true},
		{"first_in_series", fold(createdFirst()), true, true},
		{"next_in_series", fold(createdNext(nil)), false, false},
		{"no session", session.State{}, false, false},
	} {
		if a, b := c.s.SavesMethod(false), c.s.SavesMethod(true); a != c.unasked || b != c.ifAsked {
			t.Errorf("%s: saved is %t, and if the customer wants it %t", c.name, a, b)
		}
	}
}
