package object_test

import (
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
		if got := [3]string{string(s.Status), string(s.PaymentOutcome), s.PaymentStatus}; got != want {
			t.Errorf("%s: %v, not %v", name, got, want)
		}
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
