package collect_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"tender/domain"
	"tender/domain/codec"
	"tender/domain/collect"
	"tender/domain/customer"
	"tender/domain/decline"
	"tender/domain/id"
	"tender/domain/mandate"
	"tender/domain/method"
	"tender/domain/payment"
	"tender/domain/session"
	"tender/domain/subscription"
)

// card is what may be known of the card that pays in these tests.
var card = method.CardDetails{Type: method.TypeCredit, Scheme: "VISA", BIN: "424242", Last4: "4242", ExpMonth: 12, ExpYear: 2030}

var (
	stolen     = decline.New(decline.CardDeclined, decline.StolenCard)
	asksForYou = decline.New(decline.CardDeclined, decline.AuthenticationRequired)
	withdrawn  = decline.New(decline.CardDeclined, decline.RevocationOfAuthorisation)
	outOfDate  = decline.New(decline.ExpiredCard, "")
)

// tester is what a test and a property have in common.
type tester interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// world is every stream that the rules of this package touch, as a log would hold
// them. What is decided is recorded there, and held to what a log demands.
type world struct {
	now      domain.Moment
	commands int
	sessions map[string]session.State
	payments map[string]payment.State
	people   map[string]customer.State
	methods  map[string]method.State
	mandates map[string]mandate.State
	// subscriptions holds their events: their state is another package's.
	subscriptions map[string][]subscription.Event
	events        map[string][]any
}

func newWorld() *world {
	return &world{
		now: now(0), sessions: map[string]session.State{}, payments: map[string]payment.State{},
		people: map[string]customer.State{}, methods: map[string]method.State{}, mandates: map[string]mandate.State{},
		subscriptions: map[string][]subscription.Event{}, events: map[string][]any{},
	}
}

func (w *world) command() uuid.UUID {
	w.commands++
	return commandID(w.commands)
}

// record folds a decision into the world's streams.
func (w *world) record(t tester, c collect.Changes) collect.Changes {
	t.Helper()
	at := w.now.At
	fold(t, w, w.sessions, session.Codec, one(c.Session), func(s session.State, id string, e session.Event) session.State {
		return session.Evolve(s, id, merchantID, e)
	})
	fold(t, w, w.payments, payment.Codec, one(c.Payment), payment.Evolve)
	fold(t, w, w.people, customer.Codec, one(c.Customer), customer.Evolve)
	fold(t, w, w.methods, method.Codec, c.Methods, method.Evolve)
	fold(t, w, w.mandates, mandate.Codec, c.Mandates, func(s mandate.State, id string, e mandate.Event) mandate.State {
		return mandate.Evolve(s, id, at, e)
	})
	fold(t, w, w.subscriptions, subscription.Codec, c.Subscriptions, func(s []subscription.Event, _ string, e subscription.Event) []subscription.Event {
		return append(slices.Clone(s), e)
	})
	return c
}

// fold adds events to streams of one kind. A stream begins with what says that it
// is new, and nothing else does; no stream has a part in a decision twice.
func fold[S any, E codec.Named](t tester, w *world, states map[string]S, c codec.Codec[E], streams []collect.Stream[E], evolve func(S, string, E) S) {
	t.Helper()
	seen := map[string]bool{}
	for _, stream := range streams {
		before, exists := states[stream.ID]
		switch {
		case stream.ID == "" || seen[stream.ID] || len(stream.Events) == 0:
			t.Fatalf("a stream takes part without a name, without events, or twice: %+v", stream)
		case exists == stream.New:
			t.Fatalf("%s exists is %t, and it is new is %t", stream.ID, exists, stream.New)
		}
		seen[stream.ID] = true
		after := before
		for _, e := range stream.Events {
			after = evolve(after, stream.ID, e)
			w.events[stream.ID] = append(w.events[stream.ID], e)
		}
		states[stream.ID] = after
		// What is decided and what is read back are the same.
		again := before
		for _, e := range stream.Events {
			encoded := c.Encode(e)
			back, err := c.Decode(encoded.Type, encoded.SchemaVersion, encoded.Payload)
			if err != nil {
				t.Fatal(err)
			}
			again = evolve(again, stream.ID, back)
		}
		if !reflect.DeepEqual(again, after) {
			t.Fatalf("read back, %s is\n%+v, not\n%+v", stream.ID, again, after)
		}
	}
}

// decided records what was accepted.
func (w *world) decided(t tester, c collect.Changes, err error) collect.Changes {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return w.record(t, c)
}

// newcomer makes a customer, and returns their id.
func (w *world) newcomer(t tester) string {
	c := customer.Create{ID: w.command(), ProfileRef: "vault/1"}
	w.record(t, collect.Changes{Customer: collect.Stream[customer.Event]{ID: c.CustomerID(), New: true, Events: customer.DecideCreate(c)}})
	return c.CustomerID()
}

// asks is a request for a session of a type.
func (w *world) asks(kind session.Type, customerID string) session.Create {
	c := session.Create{
		ID: w.command(), CheckoutID: "ckt_" + w.command().String(), Type: kind, Amount: amount, Currency: "ZAR", Country: "ZA",
		CaptureMethod: payment.CaptureAutomatic, SessionURL: "https://pay.example", CustomerID: customerID, Now: w.now,
	}
	if kind == session.TypeFirstInSeries {
		c.Series = &session.Series{Terms: anything}
	}
	return c
}

// anything are terms without limits.
var anything = mandate.Unconstrained(mandate.Basis{Currency: "ZAR"})

// session makes the session that is asked for, and returns its id.
func (w *world) session(t tester, c session.Create) string {
	t.Helper()
	changes, err := collect.CreateSession(w.people[c.CustomerID], nil, collect.Takes{}, c)
	w.decided(t, changes, err)
	return c.SessionID()
}

// tries is an attempt to pay a session: with a card that is typed in, and kept if it
// is to be; the customer agrees to everything.
func (w *world) tries(s session.State) collect.Attempt { return w.triesBy(s, method.KindCard) }

// accountOf is what is known of the account that attempts of a kind are made with.
func accountOf(k method.Kind) method.Details {
	return method.AccountOf(k, method.AccountDetails{Phone: "•••• 4567"})
}

// triesBy is an attempt to pay a session with a card or an account.
func (w *world) triesBy(s session.State, k method.Kind) collect.Attempt {
	details := accountOf(k)
	if k == method.KindCard {
		details = method.CardOf(card)
	}
	c := collect.Attempt{
		ID: w.command(), Acquirer: "simulator", Now: w.now, Details: details, Takes: everything,
		Consent: &collect.Consent{Text: "You agree.", TextVersion: "1", Locale: "en-ZA"}, SaveAsked: true,
	}
	if _, saves := collect.Keeps(s, c.Details.Type, c.SaveAsked, c.ID); saves {
		c.Kept = &collect.Kept{VaultRef: "card/" + c.ID.String(), Fingerprint: "fp"}
	}
	return c
}

// parties are those whom a session concerns, with the saved method that pays.
func (w *world) parties(s session.State, methodID string) collect.Parties {
	return collect.Parties{Customer: w.people[s.CustomerID], Method: w.methods[methodID]}
}

// attempts begins to pay a session; methodID is the saved method that pays, "": a
// card that is typed in. It returns the payment's id.
func (w *world) attempts(t tester, sessionID, methodID string) string {
	t.Helper()
	s := w.sessions[sessionID]
	changes, err := collect.StartAttempt(s, w.payments[s.PaymentID], w.parties(s, methodID), w.tries(s))
	w.decided(t, changes, err)
	return changes.Payment.ID
}

// attemptsBy begins to pay a session with what is typed in. It returns the payment's
// id.
func (w *world) attemptsBy(t tester, s session.State, k method.Kind) string {
	t.Helper()
	try := w.triesBy(s, k)
	try.SaveAsked = false
	changes, err := collect.StartAttempt(s, w.payments[s.PaymentID], w.parties(s, ""), try)
	w.decided(t, changes, err)
	return changes.Payment.ID
}

// concerned are those whom a payment concerns.
func (w *world) concerned(p payment.State) collect.Parties {
	parties := collect.Parties{
		Customer: w.people[p.CustomerID], Method: w.methods[p.PaymentMethodID()], Mandate: w.mandates[p.MandateID],
	}
	s := w.sessions[p.SessionID]
	if s.Series != nil && s.Series.SubscriptionID != "" {
		for _, m := range w.mandates { // the latest of the subscription's
			if old := parties.Replaced.Mandate; m.SubscriptionID == s.Series.SubscriptionID && (!old.Exists() || m.ID > old.ID) {
				parties.Replaced = collect.Replaced{Mandate: m, Method: w.methods[m.PaymentMethodID]}
			}
		}
	}
	return parties
}

// word is the acquirer's word on a payment's last attempt.
func (w *world) word(paymentID string, kind collect.OutcomeKind, f decline.Failure) collect.Outcome {
	return collect.Outcome{
		ID: w.command(), Key: w.payments[paymentID].Attempt.Key, Kind: kind, Failure: f, Now: w.now, Reference: "auth",
		NetworkTransactionID: "ntx", URL: "https://acs.example", ExpiresAt: w.now.At.Add(authEnds),
	}
}

// answers records a word on a payment's last attempt, and returns what came of it.
func (w *world) answers(t tester, paymentID string, kind collect.OutcomeKind, f decline.Failure) collect.Changes {
	t.Helper()
	return w.settles(t, paymentID, w.word(paymentID, kind, f))
}

func (w *world) settles(t tester, paymentID string, o collect.Outcome) collect.Changes {
	t.Helper()
	p := w.payments[paymentID]
	changes, err := collect.SettleAttempt(w.sessions[p.SessionID], p, w.concerned(p), o)
	return w.decided(t, changes, err)
}

// pays has a session paid, and returns what its success gave.
func (w *world) pays(t tester, sessionID, methodID string) collect.Changes {
	t.Helper()
	return w.answers(t, w.attempts(t, sessionID, methodID), collect.OutcomeApproved, decline.Failure{})
}

// agrees has a new customer agree to terms, and returns what that made.
func (w *world) agrees(t tester, terms mandate.Terms) session.Completed {
	t.Helper()
	return w.agreesAs(t, w.newcomer(t), terms)
}

func (w *world) agreesAs(t tester, customerID string, terms mandate.Terms) session.Completed {
	t.Helper()
	c := w.asks(session.TypeFirstInSeries, customerID)
	c.Series.Terms = terms
	return completed(t, w.pays(t, w.session(t, c), ""))
}

func completed(t tester, c collect.Changes) session.Completed {
	t.Helper()
	done, ok := c.Completed()
	if !ok {
		t.Fatalf("the session is not completed: %+v", c)
	}
	return done
}

// charge is a request for a payment without the customer, by what an agreement made.
func (w *world) charge(by session.Completed) collect.Charge {
	c := session.Create{
		ID: w.command(), Type: session.TypeNextInSeries, Amount: amount, Currency: "ZAR", Country: "ZA",
		CaptureMethod: payment.CaptureAutomatic, CustomerID: by.CustomerID, Now: w.now,
		Charge: &session.Charge{PaymentMethodID: by.PaymentMethodID, MandateID: by.MandateID, SubscriptionID: by.SubscriptionID},
	}
	return collect.Charge{ID: w.command(), Session: c, Acquirer: "simulator"}
}

func (w *world) chargeParties(c collect.Charge) collect.Parties {
	return collect.Parties{
		Customer: w.people[c.Session.CustomerID], Method: w.methods[c.Session.Charge.PaymentMethodID],
		Mandate: w.mandates[c.Session.Charge.MandateID],
	}
}

// charges begins a payment without the customer, and returns its id.
func (w *world) charges(t tester, c collect.Charge) string {
	t.Helper()
	changes, err := collect.StartCharge(w.chargeParties(c), c)
	return w.decided(t, changes, err).Payment.ID
}

// operates has something done to a payment that stands.
func (w *world) operates(t tester, paymentID string, c payment.Command) collect.Changes {
	t.Helper()
	p := w.payments[paymentID]
	events, err := payment.Decide(p, c)
	if err != nil {
		t.Fatal(err)
	}
	changes, err := collect.Operate(p, w.concerned(p), events)
	return w.decided(t, changes, err)
}

// captures takes part of a payment or, with 0, all of it; performed says how the
// acquirer answers. It returns what the answer gave.
func (w *world) captures(t tester, paymentID string, sum int64, performed bool) collect.Changes {
	t.Helper()
	return w.operation(t, paymentID, payment.Capture{ID: w.command(), Amount: sum, Now: w.now}, performed)
}

func (w *world) voids(t tester, paymentID string, performed bool) collect.Changes {
	t.Helper()
	return w.operation(t, paymentID, payment.Void{ID: w.command(), Now: w.now}, performed)
}

func (w *world) operation(t tester, paymentID string, c payment.Command, performed bool) collect.Changes {
	t.Helper()
	w.operates(t, paymentID, c)
	pending := w.payments[paymentID].Pending
	return w.operates(t, paymentID, payment.SettleOperation{Key: pending[len(pending)-1].Key, Performed: performed, Reference: "op", Failure: declined})
}

// story lists what happens, as "cus customer.created", each stream's in order.
func story(c collect.Changes) []string {
	var lines []string
	lines = append(lines, told(one(c.Session))...)
	lines = append(lines, told(one(c.Payment))...)
	lines = append(lines, told(one(c.Customer))...)
	lines = append(lines, told(c.Methods)...)
	lines = append(lines, told(c.Mandates)...)
	return append(lines, told(c.Subscriptions)...)
}

func told[E codec.Named](streams []collect.Stream[E]) []string {
	var lines []string
	for _, s := range streams {
		for _, e := range s.Events {
			lines = append(lines, string(id.PrefixOf(s.ID))+" "+e.Type())
		}
	}
	return lines
}

// tells fails the test unless what happens is this.
func tells(t *testing.T, c collect.Changes, want ...string) {
	t.Helper()
	if got := story(c); !slices.Equal(got, want) {
		t.Errorf("what happens is\n%q, not\n%q", got, want)
	}
}

// holds returns the events of a type that a stream of changes holds, which must be
// as many as are wanted.
func holds[T any, E codec.Named](t *testing.T, streams []collect.Stream[E], want int) []T {
	t.Helper()
	var found []T
	for _, s := range streams {
		for _, e := range s.Events {
			if one, ok := any(e).(T); ok {
				found = append(found, one)
			}
		}
	}
	if len(found) != want {
		t.Fatalf("%d events are %T, not %d", len(found), *new(T), want)
	}
	return found
}

// later lets time pass, by both clocks.
func (w *world) later(d time.Duration) {
	w.now = domain.Moment{At: w.now.At.Add(d), Wall: w.now.Wall.Add(d)}
}
