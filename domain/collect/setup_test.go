package collect_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"tender/domain"
	"tender/domain/codec"
	"tender/domain/collect"
	"tender/domain/decline"
	"tender/domain/id"
	"tender/domain/method"
	"tender/domain/payment"
	"tender/domain/session"
)

const (
	sessionID  = "ps_01hzy3v7q8e4xk2m9c5b7d6f0b"
	merchantID = "mer_01hzy3v7q8e4xk2m9c5b7d6f0d"
	checkoutID = "ckt_7v3k9m2x5q8w1r4t6y0zabcdef"
	paymentID  = "pay_01j0000000e008000000000001" // made from the first command
	amount     = 100_000
	lifetime   = time.Hour // of the sessions of these tests
	authEnds   = 7 * 24 * time.Hour
)

// noon is when the sessions of these tests are made.
var noon = time.Date(2026, time.May, 4, 12, 0, 0, 123e6, time.UTC)

var (
	declined  = decline.New(decline.CardDeclined, decline.DoNotHonor)
	lost      = decline.New(decline.ProcessingError, "")
	timedOut  = decline.New(decline.TimedOut, "")
	cancelled = decline.New(decline.CustomerCancelled, "")
	visa      = method.Details{Type: "card"}
)

// commandID is the id of the n-th command of a test.
func commandID(n int) uuid.UUID {
	return uuid.MustParse(fmt.Sprintf("01900000-0000-7000-8000-%012d", n))
}

// now is the moment at which both clocks show noon and so much more.
func now(after time.Duration) domain.Moment {
	return domain.Moment{At: noon.Add(after), Wall: noon.Add(after)}
}

// attemptIDs are those that a session's attempts have, in order: SHA-1 UUIDs of
// the checkout's id and the number, as pages hold them.
var attemptIDs = func() []string {
	ids := []string{""} // attempts count from 1
	for n := 1; n <= payment.AttemptsMax+1; n++ {
		u := uuid.NewSHA1(uuid.NameSpaceOID, fmt.Appendf(nil, "%s/%d", checkoutID, n))
		ids = append(ids, id.Format(id.Attempt, u))
	}
	return ids
}()

func attemptKey(n int) string { return fmt.Sprintf("%s-%d", paymentID, n) }

// history is what has happened to a session and to its payment.
type history struct {
	session []session.Event
	payment []payment.Event
	method  payment.CaptureMethod
	number  int // of the last attempt
}

// created is a new session for a payment that is captured by method.
func created(method payment.CaptureMethod) history {
	return history{method: method, session: []session.Event{session.Created{
		CheckoutID: checkoutID, Kind: session.TypeOneTime, Amount: amount, Currency: "ZAR", Country: "ZA",
		CaptureMethod: method, ExternalReference: "ORDER-10442", Metadata: map[string]string{"basket": "7"},
		SessionURL: "https://pay.example/checkout/" + checkoutID, ExpiresAt: noon.Add(lifetime),
	}}}
}

func (h history) and(s []session.Event, p []payment.Event) history {
	h.session = append(slices.Clone(h.session), s...)
	h.payment = append(slices.Clone(h.payment), p...)
	return h
}

// attempted goes on with the next attempt, made at noon.
func (h history) attempted() history {
	h.number++
	if h.number == 1 {
		h = h.and(nil, []payment.Event{initiated(h.method)})
	}
	return h.and([]session.Event{sessionAttempt(h.number)}, []payment.Event{paymentAttempt(h.number, 0)})
}

// sentAway goes on with the customer being sent to authenticate at noon.
func (h history) sentAway() history { return h.and(nil, []payment.Event{actionRequired(h.number, 0)}) }

// failed goes on with the attempt's failure.
func (h history) failed() history {
	final := h.number == payment.AttemptsMax
	return h.and(
		[]session.Event{session.AttemptFailed{PaymentID: paymentID, AttemptID: attemptIDs[h.number], Failure: declined}},
		[]payment.Event{payment.AttemptFailed{AttemptID: attemptIDs[h.number], Failure: declined, Final: final}},
	)
}

// failedTimes goes on with so many attempts that fail.
func (h history) failedTimes(n int) history {
	for range n {
		h = h.attempted().failed()
	}
	return h
}

// approved goes on with the attempt's success.
func (h history) approved() history {
	if h.method == payment.CaptureManual {
		return h.and(
			[]session.Event{session.Completed{PaymentID: paymentID, Outcome: session.OutcomeReserved}},
			[]payment.Event{payment.Authorised{AttemptID: attemptIDs[h.number], Amount: amount, Currency: "ZAR", Reference: "auth", ExpiresAt: noon.Add(authEnds)}},
		)
	}
	return h.and(
		[]session.Event{session.Completed{PaymentID: paymentID, Outcome: session.OutcomePaid}},
		[]payment.Event{payment.Paid{AttemptID: attemptIDs[h.number], Amount: amount, Currency: "ZAR", Reference: "auth"}},
	)
}

// cancelAsked goes on with somebody giving the session up while the customer is
// away.
func (h history) cancelAsked(by session.CancelledBy) history {
	return h.and([]session.Event{session.CancelRequested{By: by, CommandID: commandID(5).String()}}, nil)
}

// cancelled goes on with the session's end.
func (h history) cancelled() history {
	h = h.and([]session.Event{session.Cancelled{By: session.ByMerchant}}, nil)
	if h.number > 0 {
		h = h.and(nil, []payment.Event{payment.Cancelled{}})
	}
	return h
}

// expired goes on with the session's end by time.
func (h history) expired() history {
	h = h.and([]session.Event{session.Expired{Reason: session.ExpiredByTime}}, nil)
	if h.number > 0 {
		h = h.and(nil, []payment.Event{payment.Expired{}})
	}
	return h
}

// exhausted is a session that ended because its last attempt failed.
func exhausted() history {
	return created(payment.CaptureManual).failedTimes(payment.AttemptsMax).
		and([]session.Event{session.Expired{Reason: session.ExpiredByAttempts}}, nil)
}

func (h history) fold() (session.State, payment.State) {
	var s session.State
	for _, e := range h.session {
		s = session.Evolve(s, sessionID, merchantID, e)
	}
	var p payment.State
	for _, e := range h.payment {
		p = payment.Evolve(p, paymentID, e)
	}
	return s, p
}

func initiated(method payment.CaptureMethod) payment.Initiated {
	return payment.Initiated{
		SessionID: sessionID, Amount: amount, Currency: "ZAR", Country: "ZA", CaptureMethod: method,
		Intent: payment.IntentPayment, Acquirer: "simulator",
		ExternalReference: "ORDER-10442", Metadata: map[string]string{"basket": "7"},
	}
}

func sessionAttempt(n int) session.AttemptStarted {
	return session.AttemptStarted{PaymentID: paymentID, AttemptID: attemptIDs[n], Number: n}
}

func paymentAttempt(n int, at time.Duration) payment.AttemptStarted {
	return payment.AttemptStarted{
		AttemptID: attemptIDs[n], Number: n, Key: attemptKey(n),
		AnswerBy: noon.Add(at + 15*time.Second), Details: visa,
	}
}

func actionRequired(n int, at time.Duration) payment.ActionRequired {
	return payment.ActionRequired{AttemptID: attemptIDs[n], Action: payment.ActionRedirect, URL: "https://acs.example/1", ActionBy: noon.Add(at + 15*time.Minute)}
}

// happens is what happens to a session and to its payment alone.
func happens(s []session.Event, p []payment.Event) collect.Changes {
	return collect.Changes{
		Session: collect.Stream[session.Event]{ID: sessionID, Events: s},
		Payment: collect.Stream[payment.Event]{ID: paymentID, Events: p},
	}
}

// settle records a word on an attempt that concerns nobody but the session.
func settle(t *testing.T, s session.State, p payment.State, o collect.Outcome) collect.Changes {
	t.Helper()
	changes, err := collect.SettleAttempt(s, p, collect.Parties{}, o)
	if err != nil {
		t.Fatal(err)
	}
	return changes
}

// sameChanges compares what happens; whose id stands beside no events is of no
// account.
func sameChanges(t *testing.T, got, want collect.Changes) {
	t.Helper()
	sameStreams(t, "the session", one(got.Session), one(want.Session))
	sameStreams(t, "the payment", one(got.Payment), one(want.Payment))
	sameStreams(t, "the customer", one(got.Customer), one(want.Customer))
	sameStreams(t, "the methods", got.Methods, want.Methods)
	sameStreams(t, "the mandates", got.Mandates, want.Mandates)
	sameStreams(t, "the subscriptions", got.Subscriptions, want.Subscriptions)
	nothing := len(want.Session.Events)+len(want.Payment.Events)+len(want.Customer.Events)+
		len(want.Methods)+len(want.Mandates)+len(want.Subscriptions) == 0
	if got.Empty() != nothing {
		t.Errorf("there was nothing to do: %t", got.Empty())
	}
}

func one[E codec.Named](s collect.Stream[E]) []collect.Stream[E] {
	if len(s.Events) == 0 {
		return nil
	}
	return []collect.Stream[E]{s}
}

func sameStreams[E codec.Named](t *testing.T, name string, got, want []collect.Stream[E]) {
	t.Helper()
	if len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
		t.Errorf("of %s happens\n%#v, not\n%#v", name, got, want)
	}
}
