package subscriptions_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"tender/domain/subscription"
	"tender/eventstore"
	"tender/handlers/handlerstest"
)

const (
	sessionsPath      = handlerstest.SessionsPath
	subscriptionsPath = "/collect/subscriptions"

	goodCard       = "4242424242424242"
	soonGoodCard   = "4000000000000432" // without the customer: declined twice, then good
	challengedCard = "4000000000000473" // without the customer: authentication_required
	revokedCard    = "4000000000000481"
)

type object = handlerstest.Object

var eventually = handlerstest.Eventually

// bundle is an installation whose clock stands far enough back for a test's months to
// pass, with a merchant who calls its first process.
type bundle struct {
	*handlerstest.House
	*handlerstest.Caller
	merchant *handlerstest.Merchant
	customer *handlerstest.Caller
}

func setup(t *testing.T, options ...handlerstest.Option) *bundle {
	t.Helper()
	h := handlerstest.New(t, append([]handlerstest.Option{handlerstest.At(-400 * 24 * time.Hour)}, options...)...)
	m := h.Merchant("test")
	return &bundle{House: h, merchant: m, Caller: h.First.Caller(t, m.Secret), customer: h.First.Caller(t, "")}
}

// daily are the options of a subscription that collects 2000 each day at midnight, UTC.
func daily(more ...object) object {
	subscription := object{}
	for _, m := range more {
		for name, value := range m {
			subscription[name] = value
		}
	}
	return object{"type": "first_in_series", "options": object{
		"mandate_options":      object{"type": "scheduled", "amount": 2000, "recurrence": object{"type": "daily", "interval_count": 1}},
		"subscription_options": subscription,
	}}
}

// subscribed makes a subscription, as a customer does who comes to the checkout.
func (b *bundle) subscribed(number string, options object) (subscriptionID string) {
	sessionID, checkoutID := b.Create(2000, options)
	b.agrees(checkoutID, number)
	return b.Get(sessionsPath + "/" + sessionID).Is(200).Shows(object{"status": "completed"}).Text("subscription_id")
}

// agrees pays at the checkout, and agrees to what comes later.
func (b *bundle) agrees(checkoutID, number string) *handlerstest.Answer {
	return b.customer.Post("/checkout/"+checkoutID+"/attempts", handlerstest.Card(number, object{"accept_mandate": true})).Is(200)
}

// subscription is a subscription as its merchant reads it.
func (b *bundle) subscription(subscriptionID string) *handlerstest.Answer {
	return b.Get(subscriptionsPath + "/" + subscriptionID).Is(200)
}

// types lists what happened to a stream.
func (b *bundle) types(t *testing.T, stream string) []string {
	t.Helper()
	var types []string
	for _, e := range b.events(t, stream) {
		types = append(types, e.Type)
	}
	return types
}

func (b *bundle) events(t *testing.T, stream string) []eventstore.Event {
	t.Helper()
	events, err := b.First.Test.Engine.Store.Stream(t.Context(), stream)
	if err != nil {
		t.Fatal(err)
	}
	return events
}

// collects does what is due of a subscription now.
func (b *bundle) collects(t *testing.T, subscriptionID string) {
	t.Helper()
	if _, err := b.First.Test.Subscriptions.Collect(t.Context(), subscriptionID); err != nil {
		t.Fatalf("%+v", err)
	}
}

// nextDay goes to so many midnights ahead, and a little more.
func (b *bundle) nextDay(days int) {
	now := b.Clock.Now().UTC()
	midnight := now.Truncate(24*time.Hour).AddDate(0, 0, days)
	b.Clock.Advance(midnight.Add(time.Minute).Sub(now))
}

// lastSession is the session of a subscription's latest try.
func (b *bundle) lastSession(t *testing.T, id string) string {
	t.Helper()
	for _, e := range slices.Backward(b.events(t, id)) {
		if e.Type == "subscription.charge_started" {
			var started subscription.ChargeStarted
			if err := json.Unmarshal(e.Payload, &started); err != nil {
				t.Fatal(err)
			}
			return started.SessionID
		}
	}
	t.Fatal("no try was begun")
	return ""
}
