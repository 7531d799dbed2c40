package collect_test

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"tender/domain/collect"
	"tender/domain/customer"
	"tender/domain/decline"
	"tender/domain/id"
	"tender/domain/mandate"
	"tender/domain/payment"
	"tender/domain/session"
	"tender/domain/subscription"
)

// thrice are terms that allow three payments.
var thrice = mandate.Terms{Kind: mandate.KindOnDemand, Currency: "ZAR", TimeZone: "UTC", MaxOccurrences: 3}

func TestTheFirstOfASeriesMakesAMandate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		sum     int64
		capture payment.CaptureMethod
		outcome session.Outcome
		event   string
		closes  []string // at the customer
	}{
		{"paid", amount, payment.CaptureAutomatic, session.OutcomePaid, "pay payment.paid", []string{"cus customer.payment_closed"}},
		{"reserved", amount, payment.CaptureManual, session.OutcomeReserved, "pay payment.authorised", nil},
		{"verified", 0, payment.CaptureAutomatic, session.OutcomeVerified, "pay payment.verified", []string{"cus customer.payment_closed"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			ask := w.asks(session.TypeFirstInSeries, w.newcomer(t))
			ask.Amount, ask.CaptureMethod, ask.Series.Terms = c.sum, c.capture, thrice
			sessionID := w.session(t, ask)
			paymentID := w.attempts(t, sessionID, "")
			save := w.payments[paymentID].Attempt.Save
			w.later(time.Minute)
			o := w.word(paymentID, collect.OutcomeApproved, decline.Failure{})
			changes := w.settles(t, paymentID, o)
			tells(t, changes, append(append([]string{
				"ps session.completed", c.event, "cus customer.method_saved", "cus customer.mandate_added",
			}, c.closes...), "pmt method.saved", "pmt method.mandate_added", "mdt mandate.created")...)

			mandateID := id.Format(id.Mandate, o.ID)
			want := mandate.Created{
				CustomerID: ask.CustomerID, PaymentMethodID: save.PaymentMethodID, SessionID: sessionID, Terms: thrice,
				Consent: mandate.Consent{
					AcceptedAt: noon, Text: "You agree.", TextVersion: "1", Locale: "en-ZA", CheckoutSessionID: ask.CheckoutID,
				},
				Reference: "auth", NetworkTransactionID: "ntx",
			}
			if got := holds[mandate.Created](t, changes.Mandates, 1)[0]; !reflect.DeepEqual(got, want) || changes.Mandates[0].ID != mandateID {
				t.Errorf("%s is made as\n%+v, not\n%+v", changes.Mandates[0].ID, got, want)
			}
			if got := completed(t, changes); got != (session.Completed{
				PaymentID: paymentID, Outcome: c.outcome, CustomerID: ask.CustomerID, PaymentMethodID: save.PaymentMethodID, MandateID: mandateID,
			}) {
				t.Errorf("the session ends as %+v", got)
			}
			if count, sum := w.mandates[mandateID].Counted(); count != 0 || sum != 0 {
				t.Errorf("the first payment counts: %d of %d", count, sum)
			}
			if got := w.people[ask.CustomerID].MandatesOf(save.PaymentMethodID); !reflect.DeepEqual(got, []string{mandateID}) {
				t.Errorf("the customer's mandates for the method are %v", got)
			}
		})
	}
}

// Everything of a customer who lives on a test clock lives there, too.
func TestWhatIsMadeLivesOnTheCustomersClock(t *testing.T) {
	t.Parallel()
	w := newWorld()
	newcomer := customer.Create{ID: w.command(), ClockID: "clk_1"}
	ask := w.asks(session.TypeFirstInSeries, "")
	ask.Series.Plan = &subscription.Plan{}
	changes, err := collect.CreateSession(customer.State{}, &newcomer, collect.Takes{}, ask)
	tells(t, w.decided(t, changes, err), "ps session.created", "cus customer.created")
	if s := w.sessions[ask.SessionID()]; s.ClockID != "clk_1" || s.CustomerID != newcomer.CustomerID() {
		t.Fatalf("the session is that of %q on %q", s.CustomerID, s.ClockID)
	}
	by := completed(t, w.pays(t, ask.SessionID(), ""))
	if s := w.sessions[w.session(t, w.asks(session.TypeOneTime, by.CustomerID))]; s.ClockID != "clk_1" {
		t.Errorf("another session lives on %q", s.ClockID)
	}
	c := w.charge(by)
	w.charges(t, c)
	for name, clock := range map[string]string{
		"the payment": w.events[by.PaymentID][0].(payment.Initiated).ClockID,
		"the method":  w.methods[by.PaymentMethodID].ClockID,
		"the mandate": w.mandates[by.MandateID].ClockID,
		"a charge":    w.sessions[c.Session.SessionID()].ClockID,
		"its payment": w.events[w.sessions[c.Session.SessionID()].PaymentID][0].(payment.Initiated).ClockID,
	} {
		if clock != "clk_1" {
			t.Errorf("%s lives on %q", name, clock)
		}
	}
}

// A session is made for a customer who is there, and has room for what it makes.
func TestASessionForACustomer(t *testing.T) {
	t.Parallel()
	w := newWorld()
	customerID := w.newcomer(t)
	ask := w.asks(session.TypeOneTime, customerID)
	changes, err := collect.CreateSession(w.people[customerID], nil, collect.Takes{}, ask)
	tells(t, w.decided(t, changes, err), "ps session.created")
	if got := changes.Session; got.ID != ask.SessionID() || !got.New {
		t.Errorf("the session is %+v", got)
	}
	for name, c := range map[string]struct {
		owner customer.State
		ask   session.Create
		want  error
	}{
		"nobody's":          {customer.State{}, w.asks(session.TypeOneTime, "cus_guessed"), customer.ErrUnknown},
		"another's":         {w.people[customerID], w.asks(session.TypeOneTime, "cus_guessed"), collect.ErrIncomplete},
		"without a series":  {customer.State{}, w.asks(session.TypeFirstInSeries, ""), session.ErrCustomerMissing},
		"in another amount": {w.people[customerID], func() session.Create { c := w.asks(session.TypeOneTime, customerID); c.Amount = -1; return c }(), session.ErrAmountOutOfRange},
	} {
		if changes, err := collect.CreateSession(c.owner, nil, collect.Takes{}, c.ask); !errors.Is(err, c.want) || !changes.Empty() {
			t.Errorf("%s: the answer is %v, %+v", name, err, changes)
		}
	}
	if _, err := collect.CreateSession(w.people[customerID], nil, collect.Takes{}, w.charge(w.agrees(t, anything)).Session); err == nil {
		t.Error("a session without the customer is made without its charge")
	}
}

// A customer may agree to a series with a method that was saved before: then it gets
// one more mandate, and nothing is saved.
func TestASeriesWithASavedMethod(t *testing.T) {
	t.Parallel()
	w := newWorld()
	by := w.agrees(t, thrice)
	sessionID := w.session(t, w.asks(session.TypeFirstInSeries, by.CustomerID))
	paymentID := w.attempts(t, sessionID, by.PaymentMethodID)
	if save := w.payments[paymentID].Attempt.Save; save == nil || save.VaultRef != "" || save.PaymentMethodID != by.PaymentMethodID || save.Consent == nil {
		t.Errorf("the intent saves %+v", save)
	}
	changes := w.answers(t, paymentID, collect.OutcomeApproved, decline.Failure{})
	tells(t, changes,
		"ps session.completed", "pay payment.paid", "cus customer.mandate_added", "cus customer.payment_closed",
		"pmt method.mandate_added", "mdt mandate.created",
	)
	if got := completed(t, changes); got.PaymentMethodID != by.PaymentMethodID || got.MandateID == "" || got.MandateID == by.MandateID {
		t.Errorf("the session ends as %+v", got)
	}
}

// A method may be taken out of use while it pays. What the customer has agreed to
// meanwhile is kept, and nothing can come of it.
func TestASeriesWithAMethodThatIsRemovedMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld()
	by := w.agrees(t, thrice)
	paymentID := w.attempts(t, w.session(t, w.asks(session.TypeFirstInSeries, by.CustomerID)), by.PaymentMethodID)
	removed, err := collect.RemoveMethod(w.people[by.CustomerID], w.methods[by.PaymentMethodID], []mandate.State{w.mandates[by.MandateID]})
	w.decided(t, removed, err)
	changes := w.answers(t, paymentID, collect.OutcomeApproved, decline.Failure{})
	tells(t, changes,
		"ps session.completed", "pay payment.paid",
		"cus customer.mandate_added", "cus customer.mandate_ended", "cus customer.payment_closed",
		"mdt mandate.created", "mdt mandate.revoked",
	)
	if m := w.mandates[completed(t, changes).MandateID]; m.Active() || len(w.people[by.CustomerID].Mandates) != 0 {
		t.Errorf("the mandate is %s", m.Status)
	}
}

// subscribes has a new customer agree to a subscription, and returns what that made.
func (w *world) subscribes(t tester, terms mandate.Terms) session.Completed {
	t.Helper()
	ask := w.asks(session.TypeFirstInSeries, w.newcomer(t))
	ask.Series.Terms, ask.Series.Plan = terms, &subscription.Plan{Amount: amount, Currency: "ZAR"}
	paymentID := w.attempts(t, w.session(t, ask), "")
	p := w.payments[paymentID]
	o := w.word(paymentID, collect.OutcomeApproved, decline.Failure{})
	changes, err := collect.SettleAttempt(w.sessions[p.SessionID], p, w.concerned(p), o)
	if err != nil {
		t.Fatal(err)
	}
	done := completed(t, changes)
	if done.SubscriptionID != id.Format(id.Subscription, o.ID) {
		t.Fatalf("the subscription is called %s", done.SubscriptionID)
	}
	w.record(t, changes.WithSubscription(w.people[ask.CustomerID], done.SubscriptionID, subscription.Created{CustomerID: ask.CustomerID}))
	return done
}

// What happens to a subscription is said in the same append to everybody who has to
// know of it.
func TestWithSubscription(t *testing.T) {
	t.Parallel()
	w := newWorld()
	by := w.subscribes(t, thrice)
	if got := w.people[by.CustomerID].Subscriptions; !reflect.DeepEqual(got, []string{by.SubscriptionID}) {
		t.Errorf("the customer's subscriptions are %v", got)
	}
	if got := w.mandates[by.MandateID].SubscriptionID; got != by.SubscriptionID {
		t.Errorf("the mandate is that of %q", got)
	}

	// A charge that fails says in the session, too, when it is tried again.
	c := w.charge(by)
	scheduled := subscription.Occurrence{Number: 1, ScheduledFor: noon, Attempt: 1}
	c.Session.Charge.Occurrence = &scheduled
	paymentID := w.charges(t, c)
	p := w.payments[paymentID]
	again := scheduled
	again.WillRetry, again.NextAttemptAt = true, noon.Add(24*time.Hour)
	settle := func(kind collect.OutcomeKind) collect.Changes {
		changes, err := collect.SettleAttempt(w.sessions[p.SessionID], p, w.concerned(p), w.word(paymentID, kind, declined))
		if err != nil {
			t.Fatal(err)
		}
		return changes
	}
	failed := settle(collect.OutcomeDeclined)
	with := failed.WithSubscription(w.people[by.CustomerID], by.SubscriptionID, subscription.ChargeFailed{Occurrence: again, PaymentID: paymentID})
	if got := completed(t, with).Occurrence; got == nil || *got != again {
		t.Errorf("the session ends with the occurrence %+v", got)
	}
	if got := completed(t, failed).Occurrence; got == nil || *got != scheduled {
		t.Errorf("without the subscription's word the session ends with the occurrence %+v", got)
	}
	paid := settle(collect.OutcomeApproved).WithSubscription(w.people[by.CustomerID], by.SubscriptionID, subscription.ChargeSucceeded{Occurrence: scheduled})
	if got := completed(t, paid).Occurrence; got == nil || *got != scheduled {
		t.Errorf("paid, the session ends with the occurrence %+v", got)
	}
	w.record(t, paid)

	// Its end is said to the customer, once.
	var none collect.Changes
	ends := none.WithSubscription(w.people[by.CustomerID], by.SubscriptionID, subscription.Cancelled{By: subscription.ByMerchant}, subscription.Completed{})
	tells(t, w.record(t, ends), "cus customer.subscription_ended", "sub subscription.cancelled", "sub subscription.completed")
	tells(t, none.WithSubscription(w.people[by.CustomerID], by.SubscriptionID, subscription.Cancelled{}), "sub subscription.cancelled")

	// One that is over as soon as it begins leaves nothing behind.
	brief := none.WithSubscription(w.people[by.CustomerID], "sub_brief", subscription.Created{}, subscription.Completed{})
	tells(t, w.record(t, brief),
		"cus customer.subscription_added", "cus customer.subscription_ended", "sub subscription.created", "sub subscription.completed")
	if got := w.people[by.CustomerID].Subscriptions; len(got) != 0 {
		t.Errorf("the customer's subscriptions are %v", got)
	}
}

// A new card gives a subscription a method and a mandate in the place of the old
// one, under which as much is left as there was.
func TestANewCardForASubscription(t *testing.T) {
	t.Parallel()
	w := newWorld()
	by := w.subscribes(t, thrice)
	for range 2 {
		w.answers(t, w.charges(t, w.charge(by)), collect.OutcomeApproved, decline.Failure{})
	}
	ask := w.asks(session.TypeFirstInSeries, by.CustomerID)
	ask.Amount, ask.Series = 0, &session.Series{Terms: thrice, SubscriptionID: by.SubscriptionID}
	paymentID := w.attempts(t, w.session(t, ask), "")

	p := w.payments[paymentID]
	incomplete := w.concerned(p)
	incomplete.Replaced = collect.Replaced{}
	word := w.word(paymentID, collect.OutcomeApproved, decline.Failure{})
	if _, err := collect.SettleAttempt(w.sessions[p.SessionID], p, incomplete, word); !errors.Is(err, collect.ErrIncomplete) {
		t.Errorf("without the old mandate it comes to %v", err)
	}

	changes := w.settles(t, paymentID, word)
	tells(t, changes,
		"ps session.completed", "pay payment.verified",
		"cus customer.method_saved", "cus customer.mandate_added", "cus customer.mandate_ended", "cus customer.payment_closed",
		"pmt method.saved", "pmt method.mandate_added", "pmt method.mandate_ended", "mdt mandate.created", "mdt mandate.revoked",
	)
	done := completed(t, changes)
	if done.SubscriptionID != by.SubscriptionID || done.MandateID == by.MandateID || done.PaymentMethodID == by.PaymentMethodID {
		t.Errorf("the session ends as %+v", done)
	}
	if changes.Methods[0].ID != done.PaymentMethodID || changes.Methods[1].ID != by.PaymentMethodID {
		t.Errorf("the methods are %s and %s", changes.Methods[0].ID, changes.Methods[1].ID)
	}
	if got := holds[mandate.Revoked](t, changes.Mandates, 1)[0]; got.By != mandate.ByReplaced {
		t.Errorf("the old mandate is revoked by %s", got.By)
	}
	if got := holds[mandate.Created](t, changes.Mandates, 1)[0]; got.Carried == nil || got.Carried.Count != 2 || got.Carried.Amount != 2*amount || got.SubscriptionID != by.SubscriptionID {
		t.Errorf("carried over is %+v", got.Carried)
	}

	// One payment is left.
	refused := func(c collect.Charge, code string) {
		t.Helper()
		_, err := collect.StartCharge(w.chargeParties(c), c)
		var v *mandate.Violations
		if !errors.As(err, &v) || string(v.Broken[0].Code) != code {
			t.Errorf("the charge comes to %v, not to %s", err, code)
		}
	}
	refused(w.charge(by), "mandate_not_active")
	w.charges(t, w.charge(done))
	refused(w.charge(done), "max_occurrences_reached")
}

// A new card may be the old one, saved before.
func TestANewMandateForTheSameMethod(t *testing.T) {
	t.Parallel()
	w := newWorld()
	by := w.subscribes(t, thrice)
	ask := w.asks(session.TypeFirstInSeries, by.CustomerID)
	ask.Series.SubscriptionID = by.SubscriptionID
	done := completed(t, w.pays(t, w.session(t, ask), by.PaymentMethodID))
	if got := w.methods[by.PaymentMethodID].Mandates; !reflect.DeepEqual(got, []string{done.MandateID}) {
		t.Errorf("the method's mandates are %v", got)
	}
	if got := w.people[by.CustomerID].MandatesOf(by.PaymentMethodID); !reflect.DeepEqual(got, []string{done.MandateID}) {
		t.Errorf("the customer's mandates are %v", got)
	}
}

// A mandate that takes over what was used up is over as soon as it is made.
func TestANewMandateThatIsUsedUp(t *testing.T) {
	t.Parallel()
	w := newWorld()
	by := w.subscribes(t, thrice)
	for range 3 {
		w.answers(t, w.charges(t, w.charge(by)), collect.OutcomeApproved, decline.Failure{})
	}
	ask := w.asks(session.TypeFirstInSeries, by.CustomerID)
	ask.Series.Terms, ask.Series.SubscriptionID = thrice, by.SubscriptionID
	done := completed(t, w.pays(t, w.session(t, ask), ""))
	if m := w.mandates[done.MandateID]; m.Status != mandate.StatusExhausted {
		t.Errorf("the mandate is %s", m.Status)
	}
	if n, at := len(w.people[by.CustomerID].Mandates), len(w.methods[done.PaymentMethodID].Mandates); n != 0 || at != 0 {
		t.Errorf("the customer has %d mandates, the method %d", n, at)
	}
}

// A series is not begun that would bring more mandates or subscriptions than a
// customer may have.
func TestAsManySeriesAsThereMayBe(t *testing.T) {
	t.Parallel()
	w := newWorld()
	by := w.agrees(t, anything)
	full := w.people[by.CustomerID]
	ask := w.asks(session.TypeFirstInSeries, by.CustomerID)
	ask.Series.Plan = &subscription.Plan{}
	sessionID := w.session(t, ask)
	begin := func() error {
		s := w.sessions[sessionID]
		_, err := collect.StartAttempt(s, payment.State{}, collect.Parties{Customer: full, Method: w.methods[by.PaymentMethodID]}, w.tries(s))
		return err
	}
	for i := range customer.SubscriptionsMax {
		full = customer.Evolve(full, full.ID, customer.SubscriptionAdded{SubscriptionID: fmt.Sprint("sub_", i)})
	}
	again := w.asks(session.TypeFirstInSeries, by.CustomerID)
	again.Series.Plan = &subscription.Plan{}
	if _, err := collect.CreateSession(full, nil, collect.Takes{}, again); !errors.Is(err, customer.ErrTooManySubscriptions) {
		t.Errorf("a session for one subscription more comes to %v", err)
	}
	if err := begin(); !errors.Is(err, customer.ErrTooManySubscriptions) {
		t.Errorf("one subscription more comes to %v", err)
	}
	for i := len(full.Mandates); i < customer.MandatesMax; i++ {
		full = customer.Evolve(full, full.ID, customer.MandateAdded{MandateID: fmt.Sprint("mdt_", i)})
	}
	again.Series.Plan = nil
	if _, err := collect.CreateSession(full, nil, collect.Takes{}, again); !errors.Is(err, customer.ErrTooManyMandates) {
		t.Errorf("a session for one mandate more comes to %v", err)
	}
	if err := begin(); !errors.Is(err, customer.ErrTooManyMandates) {
		t.Errorf("one mandate more comes to %v", err)
	}
}
