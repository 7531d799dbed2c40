package object_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"
	"time"

	"tender/domain/decline"
	"tender/domain/payment"
	"tender/domain/session"
	"tender/projections/object"
)

// asked is a session with everything in it, and what happens to it then.
func asked(more ...session.Event) []session.Event {
	expires := noon.Add(time.Hour)
	created := session.Created{
		CheckoutID: checkoutID, Kind: session.TypeOneTime, Amount: amount, Currency: "ZAR", Country: "ZA",
		CaptureMethod: payment.CaptureManual, ExternalReference: "ORDER-10442", Metadata: map[string]string{"basket": "7"},
		Options: &session.Options{
			CheckoutOptions:      &session.CheckoutOptions{ReturnURL: "https://shop.example/thanks", ExpiresAt: &expires, Locale: "en-ZA"},
			PaymentMethodOptions: &session.PaymentMethodOptions{Card: &session.CardOptions{CaptureMethod: payment.CaptureManual}},
		},
		ReturnURL: "https://shop.example/thanks", SessionURL: "https://pay.example/checkout/" + checkoutID, ExpiresAt: expires,
	}
	return append([]session.Event{created}, more...)
}

// ending is a session that a merchant has given up.
func ending() []session.Event { return asked(session.Cancelled{By: session.ByMerchant}) }

// sessionStates has a history for each state in which clients may see a session.
func sessionStates() map[string][]session.Event {
	started := session.AttemptStarted{PaymentID: paymentID, AttemptID: attemptID, Number: 1}
	failed := session.AttemptFailed{PaymentID: paymentID, AttemptID: attemptID, Failure: declined}
	givenUp := failed
	givenUp.Failure = decline.New(decline.CustomerCancelled, "")
	plain := asked()
	plain[0] = session.Created{
		CheckoutID: checkoutID, Kind: session.TypeOneTime, Amount: 1, Currency: "JPY", Country: "JP", CaptureMethod: payment.CaptureAutomatic,
		SessionURL: "https://pay.example/checkout/" + checkoutID, ExpiresAt: noon.Add(24 * time.Hour),
	}
	return map[string][]session.Event{
		"not_started":        asked(),
		"plain":              plain,
		"pending":            asked(started),
		"pending_and_failed": asked(started, failed),
		"tried_again":        asked(started, failed, session.AttemptStarted{PaymentID: paymentID, AttemptID: "att_2", Number: 2}),
		"paid":               asked(started, session.Completed{PaymentID: paymentID, Outcome: session.OutcomePaid}),
		"reserved":           asked(started, failed, started, session.Completed{PaymentID: paymentID, Outcome: session.OutcomeReserved}),
		"cancelled":          ending(),
		"cancel_requested":   asked(started, session.CancelRequested{By: session.ByMerchant, CommandID: "c1"}),
		"cancelled_late":     asked(started, session.CancelRequested{By: session.ByMerchant, CommandID: "c1"}, givenUp, session.Cancelled{By: session.ByMerchant}),
		"expired":            asked(session.Expired{Reason: session.ExpiredByTime}),
		"exhausted":          asked(started, failed, session.Expired{Reason: session.ExpiredByAttempts}),
	}
}

func TestSessionsAsClientsSeeThem(t *testing.T) {
	t.Parallel()
	for name, events := range sessionStates() {
		checkGolden(t, "session_"+name, show[object.Session](sessionID, events))
	}
}

// The contract's table of outcomes.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	states := sessionStates()
	for name, want := range map[string][3]string{
		"not_started":        {"active", "not_started", "unpaid"},
		"pending":            {"active", "pending", "pending"},
		"pending_and_failed": {"active", "pending", "pending"},
		"tried_again":        {"active", "pending", "pending"},
		"cancel_requested":   {"active", "pending", "pending"},
		"paid":               {"completed", "paid", "paid"},
		"reserved":           {"completed", "reserved", "paid"},
		"cancelled":          {"cancelled", "unpaid", "unpaid"},
		"cancelled_late":     {"cancelled", "unpaid", "unpaid"},
		"expired":            {"expired", "unpaid", "unpaid"},
		"exhausted":          {"expired", "unpaid", "unpaid"},
	} {
		s := show[object.Session](sessionID, states[name])
		if got := [3]string{string(s.Status), string(s.PaymentOutcome), string(s.PaymentStatus)}; got != want {
			t.Errorf("%s: %v, not %v", name, got, want)
		}
	}
}

// The expiry that a merchant asked for is shown as all instants are, however it
// was written: in UTC, with milliseconds, also where these are zero.
func TestTheExpiryAskedForIsShownAsAllInstantsAre(t *testing.T) {
	t.Parallel()
	whole := time.Date(2026, time.May, 4, 13, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		given time.Time
		want  string
	}{
		"a whole second":    {whole, "2026-05-04T13:00:00.000Z"},
		"in another zone":   {whole.In(time.FixedZone("SAST", 2*60*60)), "2026-05-04T13:00:00.000Z"},
		"tens of ms":        {whole.Add(120 * time.Millisecond), "2026-05-04T13:00:00.120Z"},
		"and microseconds":  {whole.Add(123_456 * time.Microsecond), "2026-05-04T13:00:00.123Z"},
		"the end of a year": {time.Date(2026, time.December, 31, 23, 59, 59, 999e6, time.UTC), "2026-12-31T23:59:59.999Z"},
	} {
		created := asked()[0].(session.Created)
		created.Options = &session.Options{CheckoutOptions: &session.CheckoutOptions{ExpiresAt: &c.given}}
		shown := show[object.Session](sessionID, []session.Event{created})
		want := `{"checkout_options":{"expires_at":"` + c.want + `"}}`
		if got := string(marshal(t, shown.Options)); got != want {
			t.Errorf("%s: the options are shown as %s, not %s", name, got, want)
		}
	}
}

// What is added to the options is shown, too.
func TestOptionsAreShownWhole(t *testing.T) {
	t.Parallel()
	expires := noon
	given := &session.Options{
		CheckoutOptions: &session.CheckoutOptions{
			ReturnURL: "https://shop.example/thanks", SavePaymentMethod: "never",
			PresentationMode: &session.PresentationMode{Mode: "redirect"}, ExpiresAt: &expires, Locale: "en-ZA",
		},
		PaymentMethodOptions: &session.PaymentMethodOptions{Card: &session.CardOptions{CaptureMethod: payment.CaptureManual}},
		CustomerID:           "cus_01hzy3v7q8e4xk2m9c5b7d6f0e", PaymentMethodID: "pmt_01hzy3v7q8e4xk2m9c5b7d6f0f",
		MandateID: "mdt_01hzy3v7q8e4xk2m9c5b7d6f0g", SubscriptionID: "sub_01hzy3v7q8e4xk2m9c5b7d6f0h",
		MandateOptions: json.RawMessage(`{"amount":100}`), SubscriptionOptions: json.RawMessage(`{}`),
	}
	for _, v := range []reflect.Value{reflect.ValueOf(*given), reflect.ValueOf(*given.CheckoutOptions)} {
		for i := range v.NumField() {
			if v.Field(i).IsZero() {
				t.Fatalf("%s is not given here", v.Type().Field(i).Name)
			}
		}
	}
	created := asked()[0].(session.Created)
	created.Options = given
	shown := marshal(t, show[object.Session](sessionID, []session.Event{created}).Options)
	if want := marshal(t, given); !slices.Equal(shown, want) { // noon has milliseconds, so both write it alike
		t.Errorf("the options are shown as\n%s, not\n%s", shown, want)
	}
}

func TestSessionsAreValues(t *testing.T) {
	t.Parallel()
	for name, events := range sessionStates() {
		base := show[object.Session](sessionID, events)
		before := marshal(t, base)
		base.Apply("test", envelope(sessionID, 99), session.Expired{})
		if got := marshal(t, base); !slices.Equal(got, before) {
			t.Errorf("%s: the object that another was made from is now\n%s, not\n%s", name, got, before)
		}
	}
}
