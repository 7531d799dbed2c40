package subscriptions_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"tender/acquirers"
	"tender/handlers/handlerstest"
)

// tells fails the test unless these events, and no others, have happened to a stream
// after the first so many.
func (b *bundle) tells(t *testing.T, stream string, after int, want ...string) {
	t.Helper()
	got := b.types(t, stream)
	for i := range want {
		want[i] = "subscription." + want[i]
	}
	if len(got) < after || !slices.Equal(got[after:], want) {
		t.Errorf("the subscription's events are\n%q\nand not, after %d,\n%q", got, after, want)
	}
}

// A decline that may pass is tried again, on the plan's days after the first try. What
// is overdue meanwhile is said, and that it is over.
func TestDeclinedAndTriedAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	weekly := daily()
	weekly["options"].(object)["mandate_options"].(object)["recurrence"] = object{"type": "weekly", "interval_count": 1}
	id := b.subscribed(soonGoodCard, weekly)
	b.nextDay(7)
	b.collects(t, id)
	b.tells(t, id, 1, "charge_started", "charge_failed", "became_past_due")
	failed := b.Get(sessionsPath + "/" + b.lastSession(t, id)).Is(200).Shows(object{
		"status": "completed", "payment_outcome": "unpaid", "last_payment_error.decline_code": "insufficient_funds",
		"occurrence.number": 1, "occurrence.attempt": 1, "occurrence.will_retry": true,
	})
	again := failed.Text("occurrence.next_attempt_at")
	b.subscription(id).Shows(object{"status": "past_due", "overdue_amount": 2000, "next_payment_at": again})
	b.collects(t, id)
	b.tells(t, id, 4)

	b.Clock.Advance(24 * time.Hour)
	b.collects(t, id)
	b.tells(t, id, 4, "charge_started", "charge_failed")
	b.Clock.Advance(2 * 24 * time.Hour)
	b.collects(t, id)
	b.tells(t, id, 6, "charge_started", "charge_succeeded", "recovered")
	b.subscription(id).Shows(object{"status": "active", "overdue_amount": nil})
	b.Get(sessionsPath + "/" + b.lastSession(t, id)).Is(200).Shows(object{"payment_outcome": "paid", "occurrence.attempt": 3})
}

// A decline for good leaves a subscription without a method: what falls due is skipped,
// until the customer gives another card and pays what is overdue.
func TestDeclinedForGoodAndANewCard(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.subscribed(challengedCard, daily())
	first := b.subscription(id)
	b.nextDay(1)
	b.collects(t, id)
	b.tells(t, id, 1, "charge_started", "charge_failed", "became_past_due", "occurrence_uncollected", "payment_method_required")
	b.subscription(id).Shows(object{
		"status": "past_due", "payment_method_required": true, "overdue_amount": 2000, "next_payment_at": nil,
	})
	b.Get("/collect/payment_methods/" + first.Text("payment_method_id")).Is(200).Shows(object{"usable": false})
	b.nextDay(1)
	b.collects(t, id)
	b.tells(t, id, 6, "occurrence_skipped")

	b.Post(sessionsPath, handlerstest.Session(1000, b.another(id))).Problem(422, "overdue_amount_mismatch")
	s := b.Post(sessionsPath, handlerstest.Session(2000, b.another(id))).Is(201)
	s.Shows(object{"customer_id": first.Text("customer_id"), "subscription_id": id})
	declined := b.agrees(s.Text("checkout_session_id"), "4000000000000002")
	declined.Shows(object{"last_payment_error.error_code": "card_declined"})
	b.tells(t, id, 7, "overdue_claimed", "overdue_released")
	b.agrees(s.Text("checkout_session_id"), goodCard).Shows(object{"payment_outcome": "paid"})
	b.tells(t, id, 9, "overdue_claimed", "method_replaced", "recovered")
	now := b.subscription(id).Shows(object{"status": "active", "payment_method_required": nil, "overdue_amount": nil})
	if now.Text("payment_method_id") == first.Text("payment_method_id") || now.Text("mandate_id") == first.Text("mandate_id") {
		t.Errorf("the subscription has its old method or mandate: %s", now.Body)
	}
	b.Get("/collect/mandates/" + first.Text("mandate_id")).Is(200).Shows(object{"status": "revoked", "revocation.by": "replaced"})
	b.Get("/collect/mandates/" + now.Text("mandate_id")).Is(200).Shows(object{"status": "active", "subscription_id": id, "type": "scheduled", "amount": 2000})

	b.nextDay(1)
	b.collects(t, id)
	b.tells(t, id, 12, "charge_started", "charge_succeeded")
}

// another is a session that gives a subscription another method.
func (b *bundle) another(id string) object {
	return object{"type": "first_in_series", "options": object{"subscription_id": id}}
}

// What the issuer revokes, the merchant revokes, or the removal of the method ends,
// leaves a subscription without a mandate.
func TestTheMandatesEnd(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, c := range map[string]struct {
		card string
		ends func(s *handlerstest.Answer)
	}{
		"by the issuer": {revokedCard, func(s *handlerstest.Answer) {
			b.nextDay(1)
			b.collects(t, s.Text("id"))
		}},
		"by the merchant": {goodCard, func(s *handlerstest.Answer) {
			b.Post("/collect/mandates/"+s.Text("mandate_id")+"/revoke", object{}).Is(200)
		}},
		"with its method": {goodCard, func(s *handlerstest.Answer) {
			if _, err := b.Send("DELETE", "/collect/payment_methods/"+s.Text("payment_method_id"), nil); err != nil {
				t.Error(err)
			}
		}},
	} {
		id := b.subscribed(c.card, daily())
		c.ends(b.subscription(id))
		if got := b.subscription(id); got.At("payment_method_required") != true || got.Text("status") != "past_due" {
			t.Errorf("ended %s, it is %s", name, got.Body)
		}
	}
}

// A mandate that lets no more through completes its subscription; one whose customer
// is erased is cancelled with everything theirs.
func TestTheEnd(t *testing.T) {
	t.Parallel()
	b := setup(t)
	twice := daily()
	twice["options"].(object)["mandate_options"].(object)["max_occurrences"] = 2
	id := b.subscribed(goodCard, twice)
	if shown := b.subscription(id); shown.At("upcoming.1") == nil || shown.At("upcoming.2") != nil {
		t.Errorf("of two that may succeed it shows %v", shown.At("upcoming"))
	}
	for range 3 {
		b.nextDay(1)
		b.collects(t, id)
	}
	b.tells(t, id, 1, "charge_started", "charge_succeeded", "charge_started", "charge_succeeded", "completed")
	ended := b.subscription(id).Shows(object{"status": "completed", "next_payment_at": nil, "upcoming": nil})
	b.Get("/collect/mandates/" + ended.Text("mandate_id")).Is(200).Shows(object{"status": "exhausted", "usage.successful_count": 2})
	b.Post(subscriptionsPath+"/"+id+"/pause", object{}).Problem(409, "subscription_ended")

	id = b.subscribed(goodCard, daily())
	customerID := b.subscription(id).Text("customer_id")
	a, err := b.Send("DELETE", "/collect/customers/"+customerID, nil)
	if err != nil {
		t.Fatal(err)
	}
	a.Is(204)
	b.subscription(id).Shows(object{"status": "cancelled", "cancellation.by": "system", "cancellation.reason": "customer_erased"})
}

// Paused, nothing is collected; resumed, only what lies ahead; cancelled, nothing ever.
func TestPausedResumedAndCancelled(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.subscribed(goodCard, daily())
	at := subscriptionsPath + "/" + id
	b.Post(at+"/resume", nil).Problem(409, "subscription_not_paused")
	b.Post(at+"/pause", object{"reason": "on holiday"}).Is(200).Shows(object{
		"status": "paused", "pause.by": "merchant", "pause.reason": "on holiday", "next_payment_at": nil,
	})
	b.Post(at+"/pause", object{}).Problem(409, "subscription_paused")
	b.nextDay(3)
	b.Post(at+"/resume", nil).Is(200).Shows(object{"status": "active", "pause": nil})
	b.tells(t, id, 1, "paused", "occurrence_skipped", "resumed")
	b.collects(t, id)
	b.tells(t, id, 4)
	b.nextDay(1)
	b.collects(t, id)
	b.tells(t, id, 4, "charge_started", "charge_succeeded")
	b.Post(at+"/cancel", object{"reason": "moved away"}, handlerstest.Key("cancel")).Is(200).Shows(object{
		"status": "cancelled", "cancellation.reason": "moved away", "upcoming": nil,
	})
	b.Post(at+"/cancel", object{"reason": "moved away"}, handlerstest.Key("cancel")).Is(200).Shows(object{"status": "cancelled"})
	b.Post(at+"/cancel", object{}).Problem(409, "subscription_ended")
	b.nextDay(1)
	b.collects(t, id)
	b.tells(t, id, 6, "cancelled")
	b.First.Caller(t, b.Merchant("test").Secret).Get(at).Problem(404, "not_found")
}

// Whoever dies between the intent and the outcome leaves a payment that is settled, and
// never one that is begun again.
func TestKilledBeforeTheOutcome(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(*handlerstest.Line, string){
		"performed": (*handlerstest.Line).LoseAnswers, "never sent": (*handlerstest.Line).LoseRequests,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			id := b.subscribed(goodCard, daily())
			b.nextDay(1)
			lose(b.First.Line, handlerstest.CallAuthorise)
			b.collects(t, id)
			b.tells(t, id, 1, "charge_started")
			other := b.Process() // which knows nothing of it
			if _, err := other.Test.Subscriptions.Collect(t.Context(), id); err != nil {
				t.Fatal(err)
			}
			b.tells(t, id, 1, "charge_started")
			b.Clock.Advance(time.Minute)
			other.Project()
			other.Work()
			eventually(t, "it is settled", func() bool { return len(b.events(t, id)) > 2 })
			if name == "performed" {
				b.tells(t, id, 1, "charge_started", "charge_succeeded")
				return
			}
			b.tells(t, id, 1, "charge_started", "charge_failed", "became_past_due", "occurrence_uncollected")
		})
	}
}

// Many workers at once begin each try once, and call for it once.
func TestManyWorkersBeginATryOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.subscribed(goodCard, daily())
	processes := []*handlerstest.Process{b.First, b.Process(), b.Process()}
	var calls sync.Map
	for _, p := range processes {
		p.Line.Between(func(_ context.Context, kind string, send handlerstest.Send) (acquirers.Answer, error) {
			answer, err := send()
			if n, again := calls.LoadOrStore(answer.Reference, kind); again {
				t.Errorf("the acquirer was called twice for %s, by %v", answer.Reference, n)
			}
			return answer, err
		})
	}
	for day := range 5 {
		b.nextDay(1)
		var all sync.WaitGroup
		for i := range 9 {
			all.Go(func() {
				if _, err := processes[i%3].Test.Subscriptions.Collect(t.Context(), id); err != nil {
					t.Errorf("%+v", err)
				}
			})
		}
		all.Wait()
		if got := len(b.events(t, id)); got != 3+2*day {
			t.Fatalf("after %d days: %q", day+1, b.types(t, id))
		}
	}
}

// A mandate whose validity is over expires by itself, and its subscription is completed.
func TestAMandateExpires(t *testing.T) {
	t.Parallel()
	b := setup(t)
	last := b.Clock.Now().UTC().AddDate(0, 0, 1)
	limited := daily()
	limited["options"].(object)["mandate_options"].(object)["validity_period"] = object{"end_date": last.Format(time.DateOnly)}
	id := b.subscribed(goodCard, limited)
	made := b.subscription(id).Shows(object{"active_period.end_date": last.Format(time.DateOnly), "upcoming.1": nil})
	b.nextDay(1)
	b.collects(t, id)
	b.subscription(id).Shows(object{"status": "completed"})
	mandate := "/collect/mandates/" + made.Text("mandate_id")
	b.Get(mandate).Is(200).Shows(object{"status": "active"})
	b.nextDay(1)
	b.First.Project()
	b.First.Work()
	eventually(t, "the mandate has expired", func() bool { return b.Get(mandate).Is(200).Text("status") == "expired" })
	b.tells(t, id, 1, "charge_started", "charge_succeeded", "completed")
}

// A session for another method is the customer's whose subscription it is, and changes
// nothing of what was agreed.
func TestWhoseMethodIsReplaced(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.subscribed(goodCard, daily())
	other := b.subscription(b.subscribed(goodCard, daily())).Text("customer_id")
	create := func(options object) *handlerstest.Answer {
		options["subscription_id"] = id
		return b.Post(sessionsPath, handlerstest.Session(0, object{"type": "first_in_series", "options": options}))
	}
	create(object{"customer_id": other}).Problem(404, "not_found")
	create(object{"mandate_options": object{"type": "on_demand", "amount": 9000}}).Problem(400, "invalid_request")
	create(object{"customer": object{"name": "Somebody"}}).Problem(400, "invalid_request")
	b.First.Caller(t, b.Merchant("test").Secret).Post(sessionsPath, handlerstest.Session(0, b.another(id))).Problem(404, "not_found")
	b.First.Caller(t, b.merchant.Public).Post(sessionsPath, handlerstest.Session(2000, b.another(id))).Problem(400, "invalid_request")

	s := create(object{}).Is(201)
	b.Post(subscriptionsPath+"/"+id+"/cancel", object{}).Is(200)
	create(object{}).Problem(409, "subscription_ended")
	b.customer.Post("/checkout/"+s.Text("checkout_session_id")+"/attempts",
		handlerstest.Card(goodCard, object{"accept_mandate": true})).Problem(409, "subscription_ended")
}
