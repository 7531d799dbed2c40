package collect_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"tender/domain/collect"
	"tender/domain/customer"
	"tender/domain/decline"
	"tender/domain/id"
	"tender/domain/mandate"
	"tender/domain/method"
	"tender/domain/payment"
	"tender/domain/session"
)

// What an attempt saves follows from what the merchant asked for, and where they
// ask the customer, from what the customer wants.
func TestWhatIsSaved(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name       string
		kind       session.Type
		save       session.Save
		sum        int64
		known      bool // the session names a customer
		asked      bool
		want       bool
		madeOfThem bool // the customer is made along with the method
	}{
		{"by default", session.TypeOneTime, "", amount, true, true, false, false},
		{"never", session.TypeOneTime, session.SaveNever, amount, true, true, false, false},
		{"always", session.TypeOneTime, session.SaveAlways, amount, true, false, true, false},
		{"always, of nobody", session.TypeOneTime, session.SaveAlways, amount, false, false, true, true},
		{"if they want, and they do", session.TypeOneTime, session.SavePrompt, amount, true, true, true, false},
		{"if they want, and they don't", session.TypeOneTime, session.SavePrompt, amount, true, false, false, false},
		{"if they want, of nobody, and they do", session.TypeOneTime, session.SavePrompt, amount, false, true, true, true},
		{"if they want, of nobody, and they don't", session.TypeOneTime, session.SavePrompt, amount, false, false, false, false},
		{"a verification", session.TypeOneTime, "", 0, true, false, true, false},
		{"a verification, of nobody", session.TypeOneTime, session.SaveAlways, 0, false, false, true, true},
		{"the first of a series", session.TypeFirstInSeries, "", amount, true, false, true, false},
		{"the first of a series, verified", session.TypeFirstInSeries, "", 0, true, false, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			customerID := ""
			if c.known {
				customerID = w.newcomer(t)
			}
			ask := w.asks(c.kind, customerID)
			ask.Save, ask.Amount = c.save, c.sum
			s := w.sessions[w.session(t, ask)]

			try := w.tries(s)
			try.SaveAsked = c.asked
			keeping, saves := collect.Keeps(s, method.KindCard, c.asked, try.ID)
			if saves != c.want || saves != (keeping.PaymentMethodID == id.Format(id.Method, try.ID)) || keeping.NewCustomer != c.madeOfThem {
				t.Fatalf("it is saved: %t, %+v", saves, keeping)
			}
			if saves && (keeping.CustomerID == customerID) != c.known {
				t.Fatalf("it becomes that of %s", keeping.CustomerID)
			}
			changes, err := collect.StartAttempt(s, payment.State{}, w.parties(s, ""), try)
			started := holds[payment.AttemptStarted](t, one(w.decided(t, changes, err).Payment), 1)[0]
			if (started.Save != nil) != c.want {
				t.Fatalf("what would be saved is %+v", started.Save)
			}
			if c.want && (started.Save.CustomerID != keeping.CustomerID || started.Save.PaymentMethodID != keeping.PaymentMethodID ||
				started.Save.NewCustomer != keeping.NewCustomer || started.Save.VaultRef != try.Kept.VaultRef || started.Save.Fingerprint != "fp") {
				t.Fatalf("what would be saved is %+v", started.Save)
			}
			done := w.answers(t, changes.Payment.ID, collect.OutcomeApproved, decline.Failure{})
			if got := completed(t, done); (got.PaymentMethodID != "") != c.want || (got.CustomerID != "") != (c.known || c.want) {
				t.Errorf("the session ends as %+v", got)
			}
		})
	}
}

// A method is saved with everything that is known of it, and its customer with it
// where there was none.
func TestSaving(t *testing.T) {
	t.Parallel()
	w := newWorld()
	ask := w.asks(session.TypeOneTime, "")
	ask.Save, ask.CaptureMethod = session.SaveAlways, payment.CaptureManual
	sessionID := w.session(t, ask)
	paymentID := w.attempts(t, sessionID, "")
	if p := w.payments[paymentID]; p.CustomerID != "" || len(w.people) != 0 {
		t.Errorf("before it succeeds the payment is that of %q, and there are %v", p.CustomerID, w.people)
	}
	changes := w.answers(t, paymentID, collect.OutcomeApproved, decline.Failure{})
	tells(t, changes,
		"ps session.completed", "pay payment.authorised",
		"cus customer.created", "cus customer.method_saved", "cus customer.payment_opened", "pmt method.saved",
	)
	save := w.payments[paymentID].Attempt.Save
	want := method.Saved{
		CustomerID: save.CustomerID, Details: method.CardOf(card), Fingerprint: "fp", VaultRef: save.VaultRef,
		SessionID: sessionID, NetworkTransactionID: "ntx",
	}
	if got := holds[method.Saved](t, changes.Methods, 1)[0]; !reflect.DeepEqual(got, want) || changes.Methods[0].ID != save.PaymentMethodID || !changes.Methods[0].New {
		t.Errorf("saved is\n%+v, not\n%+v", got, want)
	}
	done := session.Completed{PaymentID: paymentID, Outcome: session.OutcomeReserved, CustomerID: save.CustomerID, PaymentMethodID: save.PaymentMethodID}
	if got := completed(t, changes); got != done {
		t.Errorf("the session ends as\n%+v, not\n%+v", got, done)
	}
	if p := w.payments[paymentID]; p.CustomerID != save.CustomerID || p.PaymentMethodID() != save.PaymentMethodID {
		t.Errorf("the payment is that of %s, made with %s", p.CustomerID, p.PaymentMethodID())
	}

	// And closed at the customer once it has come to rest.
	tells(t, w.captures(t, paymentID, 0, true), "pay payment.captured", "cus customer.payment_closed")
	if c := w.people[save.CustomerID]; len(c.Open) != 0 || !c.HasMethod(save.PaymentMethodID) {
		t.Errorf("the customer has %+v", c)
	}
}

// What lies in the vault for an attempt that fails, no event ever names again.
func TestNothingIsSavedOfWhatFails(t *testing.T) {
	t.Parallel()
	for _, kind := range []collect.OutcomeKind{collect.OutcomeDeclined, collect.OutcomeClosed} {
		w := newWorld()
		ask := w.asks(session.TypeOneTime, "")
		ask.Save = session.SaveAlways
		first := w.session(t, ask)
		tells(t, w.answers(t, w.attempts(t, first, ""), kind, declined), "ps session.attempt_failed", "pay payment.attempt_failed")
		if len(w.people) != 0 {
			t.Errorf("%s: there are %v", kind, w.people)
		}
		ask = w.asks(session.TypeOneTime, w.newcomer(t))
		ask.Save = session.SaveAlways
		second := w.session(t, ask)
		tells(t, w.answers(t, w.attempts(t, second, ""), kind, declined),
			"ps session.attempt_failed", "pay payment.attempt_failed", "cus customer.payment_closed")
	}
}

// A card that is to be saved lies in the vault before anybody is asked.
func TestACardThatIsNotKeptIsNotSaved(t *testing.T) {
	t.Parallel()
	w := newWorld()
	ask := w.asks(session.TypeOneTime, "")
	ask.Save = session.SaveAlways
	s := w.sessions[w.session(t, ask)]
	try := w.tries(s)
	try.Kept = nil
	if changes, err := collect.StartAttempt(s, payment.State{}, collect.Parties{}, try); err == nil || !changes.Empty() {
		t.Errorf("it is begun: %+v", changes)
	}
}

// A verification moves no money, whatever is asked of its capture.
func TestVerification(t *testing.T) {
	t.Parallel()
	for _, capture := range []payment.CaptureMethod{payment.CaptureAutomatic, payment.CaptureManual} {
		w := newWorld()
		ask := w.asks(session.TypeOneTime, w.newcomer(t))
		ask.Amount, ask.CaptureMethod = 0, capture
		sessionID := w.session(t, ask)
		paymentID := w.attempts(t, sessionID, "")
		if p := w.payments[paymentID]; !p.Verifies() || !p.Open() {
			t.Errorf("%s: the payment is %+v", capture, p)
		}
		changes := w.answers(t, paymentID, collect.OutcomeApproved, decline.Failure{})
		tells(t, changes,
			"ps session.completed", "pay payment.verified",
			"cus customer.method_saved", "cus customer.payment_closed", "pmt method.saved",
		)
		if got := completed(t, changes).Outcome; got != session.OutcomeVerified {
			t.Errorf("%s: its outcome is %s", capture, got)
		}
		verified := holds[payment.Verified](t, one(changes.Payment), 1)[0]
		if verified.Reference != "auth" || verified.NetworkTransactionID != "ntx" {
			t.Errorf("%s: verified is %+v", capture, verified)
		}
		p := w.payments[paymentID]
		if _, err := payment.Decide(p, payment.Capture{ID: w.command(), Now: w.now}); !errors.Is(err, payment.ErrCaptureNotAllowed) {
			t.Errorf("%s: a capture comes to %v", capture, err)
		}
		if _, err := payment.Decide(p, payment.Void{ID: w.command(), Now: w.now}); !errors.Is(err, payment.ErrVoidNotAllowed) {
			t.Errorf("%s: a void comes to %v", capture, err)
		}
	}
}

// An approval that comes too late to count verifies nothing, and there is nothing
// to give back.
func TestAVerificationThatIsContradicted(t *testing.T) {
	t.Parallel()
	w := newWorld()
	ask := w.asks(session.TypeOneTime, w.newcomer(t))
	ask.Amount = 0
	paymentID := w.attempts(t, w.session(t, ask), "")
	late := w.word(paymentID, collect.OutcomeApproved, decline.Failure{})
	w.answers(t, paymentID, collect.OutcomeClosed, decline.Failure{})
	tells(t, w.settles(t, paymentID, late), "pay payment.contradicted")
}

// A method that was saved before pays like a card, and only for its own customer.
func TestPayingWithASavedMethod(t *testing.T) {
	t.Parallel()
	w := newWorld()
	by := w.agrees(t, anything)
	sessionID := w.session(t, w.asks(session.TypeOneTime, by.CustomerID))
	s := w.sessions[sessionID]

	stranger := w.agrees(t, anything)
	for name, theirs := range map[string]collect.Parties{
		"another's method":            w.parties(s, stranger.PaymentMethodID),
		"a method, and no customer":   {Method: w.methods[by.PaymentMethodID]},
		"another's customer's method": {Customer: w.people[stranger.CustomerID], Method: w.methods[stranger.PaymentMethodID]},
	} {
		if changes, err := collect.StartAttempt(s, payment.State{}, theirs, w.tries(s)); err == nil || !changes.Empty() {
			t.Errorf("%s: it is begun: %+v", name, changes)
		}
	}
	if _, err := collect.StartAttempt(s, payment.State{}, w.parties(s, stranger.PaymentMethodID), w.tries(s)); !errors.Is(err, method.ErrUnknown) {
		t.Errorf("another's method comes to %v", err)
	}

	try := w.tries(s)
	try.Details = method.Details{} // the method's own are known
	changes, err := collect.StartAttempt(s, payment.State{}, w.parties(s, by.PaymentMethodID), try)
	w.decided(t, changes, err)
	started := holds[payment.AttemptStarted](t, one(changes.Payment), 1)[0]
	if started.PaymentMethodID != by.PaymentMethodID || started.Save != nil || !reflect.DeepEqual(started.Details, method.Details{Type: "card", Card: &card}) {
		t.Errorf("the intent is %+v", started)
	}
	tells(t, w.answers(t, changes.Payment.ID, collect.OutcomeApproved, decline.Failure{}),
		"ps session.completed", "pay payment.paid", "cus customer.payment_closed")

	removed, err := collect.RemoveMethod(w.people[by.CustomerID], w.methods[by.PaymentMethodID], []mandate.State{w.mandates[by.MandateID]})
	w.decided(t, removed, err)
	s = w.sessions[w.session(t, w.asks(session.TypeOneTime, by.CustomerID))]
	if _, err := collect.StartAttempt(s, payment.State{}, w.parties(s, by.PaymentMethodID), w.tries(s)); !errors.Is(err, method.ErrUnknown) {
		t.Errorf("a removed method comes to %v", err)
	}
}

// What the issuer says of a saved method holds for payments without the customer;
// the customer can show at any time that it is good.
func TestWhatAPaymentSaysOfItsMethod(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		failure decline.Failure
		forbids bool
	}{
		{"declined for want of money", decline.New(decline.CardDeclined, decline.InsufficientFunds), false},
		{"declined for now", declined, false},
		{"stolen", stolen, true},
		{"the issuer asks for the customer", asksForYou, true},
		{"out of date", outOfDate, true},
		{"a wrong security code", decline.New(decline.IncorrectCVC, ""), false},
		{"stopped by the cardholder", withdrawn, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			by := w.agrees(t, anything)
			sessionID := w.session(t, w.asks(session.TypeOneTime, by.CustomerID))
			w.answers(t, w.attempts(t, sessionID, by.PaymentMethodID), collect.OutcomeDeclined, c.failure)
			usable := w.methods[by.PaymentMethodID].UsableAlone(w.now.At)
			if (usable != nil) != c.forbids || c.forbids && !errors.Is(usable, method.ErrUnusable) {
				t.Fatalf("afterwards the method is refused by %v", usable)
			}
			want := []string{"ps session.completed", "pay payment.paid", "cus customer.payment_closed"}
			if c.forbids {
				want = append(want, "pmt method.verified")
			}
			tells(t, w.pays(t, sessionID, by.PaymentMethodID), want...)
			if err := w.methods[by.PaymentMethodID].UsableAlone(w.now.At); err != nil {
				t.Errorf("used with success, the method is refused by %v", err)
			}
		})
	}
}

// The first of a series is not begun before the customer has agreed; what they
// agreed to is kept with the intent.
func TestConsent(t *testing.T) {
	t.Parallel()
	w := newWorld()
	sessionID := w.session(t, w.asks(session.TypeFirstInSeries, w.newcomer(t)))
	s := w.sessions[sessionID]
	try := w.tries(s)
	try.Consent = nil
	if changes, err := collect.StartAttempt(s, payment.State{}, w.parties(s, ""), try); !errors.Is(err, collect.ErrConsentMissing) || !changes.Empty() {
		t.Errorf("without it the answer is %v, %+v", err, changes)
	}
	if e := collect.ErrConsentMissing; e.Code != "invalid_request" || e.Field != "/accept_mandate" || e.Transient {
		t.Errorf("the refusal is %+v", e)
	}
	paymentID := w.attempts(t, sessionID, "")
	got := w.payments[paymentID].Attempt.Save.Consent
	if got == nil || !got.AcceptedAt.Equal(w.now.At) || got.Text != "You agree." || got.TextVersion != "1" || got.Locale != "en-ZA" || got.CheckoutSessionID != s.CheckoutID {
		t.Errorf("the evidence is %+v", got)
	}

	// A session that is paid once asks for nothing.
	paymentID = w.attempts(t, w.session(t, w.asks(session.TypeOneTime, w.newcomer(t))), "")
	if save := w.payments[paymentID].Attempt.Save; save != nil {
		t.Errorf("a single payment saves %+v", save)
	}
}

// The session of one who was erased can't be paid any more.
func TestNobodyPaysForOneWhoWasErased(t *testing.T) {
	t.Parallel()
	w := newWorld()
	customerID := w.newcomer(t)
	s := w.sessions[w.session(t, w.asks(session.TypeOneTime, customerID))]
	gone, err := collect.EraseCustomer(w.people[customerID], collect.Belongings{})
	w.decided(t, gone, err)
	if _, err := collect.StartAttempt(s, payment.State{}, w.parties(s, ""), w.tries(s)); !errors.Is(err, collect.ErrSessionNotActive) {
		t.Errorf("the answer is %v", err)
	}
	if _, err := collect.CreateSession(w.people[customerID], nil, collect.Takes{}, w.asks(session.TypeOneTime, customerID)); !errors.Is(err, customer.ErrErased) {
		t.Errorf("a session for them comes to %v", err)
	}
}

// What is on its way counts, so that a customer never has more than there may be.
func TestAsManyMethodsAsThereMayBe(t *testing.T) {
	t.Parallel()
	w := newWorld()
	customerID := w.newcomer(t)
	ask := func() session.Create {
		c := w.asks(session.TypeOneTime, customerID)
		c.Save = session.SaveAlways
		return c
	}
	sessions := []string{}
	for range customer.MethodsMax + 1 {
		sessions = append(sessions, w.session(t, ask()))
	}
	payments := []string{}
	for _, sessionID := range sessions[:customer.MethodsMax] {
		payments = append(payments, w.attempts(t, sessionID, ""))
	}
	over := w.sessions[sessions[customer.MethodsMax]]
	begin := func() error {
		_, err := collect.StartAttempt(over, payment.State{}, w.parties(over, ""), w.tries(over))
		return err
	}
	if err := begin(); !errors.Is(err, customer.ErrTooManyMethods) {
		t.Fatalf("one more in flight comes to %v", err)
	}
	for _, paymentID := range payments[1:] {
		w.answers(t, paymentID, collect.OutcomeApproved, decline.Failure{})
	}
	if err := begin(); !errors.Is(err, customer.ErrTooManyMethods) {
		t.Fatalf("one more beside one in flight comes to %v", err)
	}
	w.answers(t, payments[0], collect.OutcomeDeclined, declined)
	if err := begin(); err != nil {
		t.Fatalf("in the place of one that failed it comes to %v", err)
	}
	w.answers(t, w.attempts(t, sessions[0], ""), collect.OutcomeApproved, decline.Failure{})
	if n := len(w.people[customerID].Methods); n != customer.MethodsMax {
		t.Errorf("the customer has %d methods", n)
	}
	if _, err := collect.CreateSession(w.people[customerID], nil, collect.Takes{}, ask()); !errors.Is(err, customer.ErrTooManyMethods) {
		t.Errorf("a session that would save one more comes to %v", err)
	}
	// A series may be paid with one that they have.
	w.attempts(t, w.session(t, w.asks(session.TypeFirstInSeries, customerID)), w.people[customerID].Methods[0])
	w.session(t, w.asks(session.TypeOneTime, customerID)) // one that saves nothing is as good as ever
}

// An erasure is one append, however much there is.
func TestAnErasureFitsIntoOneAppend(t *testing.T) {
	t.Parallel()
	// A subscription says of each occurrence that is still open what becomes of it.
	const eventsMax, eventsOfASubscription = 256, 6
	if n := 1 + customer.MethodsMax + customer.MandatesMax + eventsOfASubscription*customer.SubscriptionsMax; n > eventsMax {
		t.Errorf("an erasure takes %d events", n)
	}
}

// A refusal for want of room names what there is too much of.
func TestLimitsAreNamed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		says string
	}{
		{customer.ErrTooManyMethods, fmt.Sprint(customer.MethodsMax, " payment methods")},
		{customer.ErrTooManyMandates, fmt.Sprint(customer.MandatesMax, " mandates")},
		{customer.ErrTooManySubscriptions, fmt.Sprint(customer.SubscriptionsMax, " subscriptions")},
		{customer.ErrTooManyOpenPayments, fmt.Sprint(customer.OpenPaymentsMax, " payments")},
	} {
		if !strings.Contains(c.err.Error(), c.says) {
			t.Errorf("%q doesn't say %q", c.err, c.says)
		}
	}
}
