package object_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"tender/domain"
	"tender/domain/codec"
	"tender/domain/collect"
	"tender/domain/decline"
	"tender/domain/payment"
	"tender/domain/session"
	"tender/domain/webhook"
	"tender/eventstore"
	"tender/projections/object"
)

// walk leads a session and its payment through whatever the rules allow, and
// shows clients each step.
type walk struct {
	now      domain.Moment
	commands int

	session        session.State
	payment        payment.State
	sessionObject  object.Session
	paymentObject  object.Payment
	sessionVersion int
	paymentVersion int
	failures       int // attempts that failed
}

// What clients see and what the rules go by are two folds of the same events:
// they never say different things.
func TestObjectsAgreeWithTheRules(t *testing.T) {
	t.Parallel()
	for _, method := range []payment.CaptureMethod{payment.CaptureManual, payment.CaptureAutomatic} {
		t.Run(string(method), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				w := &walk{now: domain.Moment{At: noon, Wall: noon}}
				created := asked()[0].(session.Created)
				created.CaptureMethod = method
				w.happens(t, collect.Changes{Session: collect.Stream[session.Event]{ID: sessionID, New: true, Events: []session.Event{created}}})
				if rapid.Bool().Draw(t, "begin with an approval") {
					w.attempt(t)
					w.settle(t, collect.OutcomeApproved)
				}
				t.Repeat(map[string]func(*rapid.T){
					"attempt":                  w.attempt,
					"an attempt's outcome":     w.outcome,
					"end":                      w.end,
					"capture":                  w.capture,
					"capture again":            w.capture,
					"void":                     w.void,
					"refund":                   w.refund,
					"expire the authorisation": w.expireAuthorisation,
					"an operation's outcome":   w.operationOutcome,
					"another outcome":          w.operationOutcome,
				})
			})
		})
	}
}

func (w *walk) command() uuid.UUID {
	w.commands++
	return uuid.MustParse(fmt.Sprintf("01900000-0000-7000-8000-%012d", w.commands))
}

func (w *walk) attempt(t *rapid.T) {
	changes, err := collect.StartAttempt(w.session, w.payment, collect.Parties{}, collect.Attempt{ID: w.command(), Details: visa, Acquirer: "simulator", Now: w.now})
	if err == nil {
		w.happens(t, changes)
	}
}

func (w *walk) outcome(t *rapid.T) {
	w.settle(t, rapid.SampledFrom([]collect.OutcomeKind{
		collect.OutcomeApproved, collect.OutcomeDeclined, collect.OutcomeActionRequired, collect.OutcomeClosed,
	}).Draw(t, "word"))
}

func (w *walk) settle(t *rapid.T, kind collect.OutcomeKind) {
	number := rapid.IntRange(max(1, w.payment.Attempt.Number-1), max(1, w.payment.Attempt.Number)).Draw(t, "attempt")
	changes, err := collect.SettleAttempt(w.session, w.payment, collect.Parties{}, collect.Outcome{
		ID: w.command(), Key: fmt.Sprintf("%s-%d", w.payment.ID, number), Kind: kind, URL: "https://acs.example",
		Reference: fmt.Sprint("auth ", w.commands), Failure: declined, ExpiresAt: noon.Add(7 * 24 * time.Hour), Now: w.now,
	})
	if err != nil {
		t.Fatal(err)
	}
	w.happens(t, changes)
}

func (w *walk) end(t *rapid.T) {
	switch rapid.IntRange(0, 5).Draw(t, "how") {
	case 0:
		w.now.At = noon.Add(time.Hour) // when the session ends
		w.happens(t, collect.ExpireSession(w.session, w.payment, w.now))
	case 1:
		changes, err := collect.CancelSession(w.session, w.payment, collect.Cancel{ID: w.command(), By: session.ByCustomer, Now: w.now})
		if err == nil {
			w.happens(t, changes)
		}
	}
}

func (w *walk) capture(t *rapid.T) {
	sum := rapid.Int64Range(0, amount/3).Draw(t, "amount")
	w.operate(t, payment.Capture{ID: w.command(), Amount: sum, Metadata: map[string]string{"n": fmt.Sprint(w.commands)}, Now: w.now})
}

func (w *walk) void(t *rapid.T) { w.operate(t, payment.Void{ID: w.command(), Now: w.now}) }

func (w *walk) refund(t *rapid.T) {
	sum := rapid.Int64Range(0, amount/3).Draw(t, "amount")
	w.operate(t, payment.Refund{ID: w.command(), Amount: sum, Reason: "damaged", Now: w.now})
}

func (w *walk) expireAuthorisation(t *rapid.T) {
	now := w.now
	if rapid.IntRange(0, 3).Draw(t, "past its end") == 0 {
		now.At = noon.Add(8 * 24 * time.Hour)
	}
	w.operate(t, payment.ExpireAuthorisation{ID: w.command(), Now: now})
}

func (w *walk) operationOutcome(t *rapid.T) {
	keys := append([]string{"unknown"}, w.payment.Done...)
	keys = append(keys, w.payment.Failed...)
	for _, op := range w.payment.Pending {
		keys = append(keys, op.Key, op.Key, op.Key)
	}
	w.operate(t, payment.SettleOperation{
		ID: w.command(), Now: w.now,
		Key: rapid.SampledFrom(keys).Draw(t, "key"), Performed: rapid.Bool().Draw(t, "performed"), Reference: "ref", Failure: declined,
	})
}

func (w *walk) operate(t *rapid.T, c payment.Command) {
	events, err := payment.Decide(w.payment, c)
	if err == nil {
		w.happens(t, collect.Changes{Payment: collect.Stream[payment.Event]{ID: w.payment.ID, Events: events}})
	}
}

// happens folds each event twice, for the rules and for clients, and compares.
func (w *walk) happens(t *rapid.T, c collect.Changes) {
	checkTold(t, c)
	for _, e := range c.Session.Events {
		w.sessionVersion++
		w.session = session.Evolve(w.session, sessionID, "mer_1", e)
		w.sessionObject = applied(t, w.sessionObject, envelope(sessionID, w.sessionVersion), e)
		w.checkSession(t)
	}
	for _, e := range c.Payment.Events {
		w.paymentVersion++
		if _, failed := e.(payment.AttemptFailed); failed {
			w.failures++
		}
		w.payment = payment.Evolve(w.payment, c.Payment.ID, e)
		w.paymentObject = applied(t, w.paymentObject, envelope(c.Payment.ID, w.paymentVersion), e)
		w.checkPayment(t)
	}
}

// checkTold holds that a session which is told as completed is told of once: not as
// updated beside it.
func checkTold(t *rapid.T, c collect.Changes) {
	var told []string
	for _, e := range c.Session.Events {
		if public, ok := object.PublicType(e); ok {
			told = append(told, public)
		}
	}
	if slices.Contains(told, webhook.PaymentSessionCompleted) && len(told) > 1 {
		t.Fatalf("at once a session is told as %q", told)
	}
}

// applied is the object after an event. The one before stays as it was, and the
// one after survives its way through JSON: lists keep it so.
func applied[T folded[T]](t *rapid.T, o T, e eventstore.Event, d codec.Named) T {
	before := string(marshal(t, o))
	next := o.Apply("test", e, d)
	if got := string(marshal(t, o)); got != before {
		t.Fatalf("the object that another was made from is now\n%s, not\n%s", got, before)
	}
	var back T
	if err := json.Unmarshal(marshal(t, next), &back); err != nil || !reflect.DeepEqual(back, next) {
		t.Fatalf("out of JSON the object is\n%+v, %v, not\n%+v", back, err, next)
	}
	return next
}

func (w *walk) checkSession(t *rapid.T) {
	o, s := w.sessionObject, w.session
	want := session.OutcomeUnpaid
	switch {
	case s.Status == session.StatusCompleted && s.CaptureMethod == payment.CaptureManual:
		want = session.OutcomeReserved
	case s.Status == session.StatusCompleted:
		want = session.OutcomePaid
	case s.Status == session.StatusActive && len(s.AttemptIDs) == 0:
		want = session.OutcomeNotStarted
	case s.Status == session.StatusActive:
		want = session.OutcomePending
	}
	if o.Status != s.Status || o.PaymentOutcome != want || o.PaymentID != s.PaymentID || o.ID != s.ID {
		t.Fatalf("the session is shown as\n%+v, the rules have\n%+v", o, s)
	}
	if o.Amount != s.Amount || o.Currency != s.Currency || o.CheckoutSessionID != s.CheckoutID || o.ExpiresAt == nil || !time.Time(*o.ExpiresAt).Equal(s.ExpiresAt) {
		t.Fatalf("the session is shown as\n%+v, the rules have\n%+v", o, s)
	}
	if o.Version != w.sessionVersion {
		t.Fatalf("after %d events the session's version is %d", w.sessionVersion, o.Version)
	}
}

func (w *walk) checkPayment(t *rapid.T) {
	o, s := w.paymentObject, w.payment
	shown := [...]int64{o.AuthorisedAmount, o.PaidAmount, o.VoidedAmount, o.ExpiredAmount, o.PendingAmount, o.CapturableAmount}
	rules := [...]int64{s.Authorised, s.Captured, s.Voided, s.Expired, s.PendingAmount(), s.Capturable()}
	if shown != rules {
		t.Fatalf("shown are %v, the rules have %v", shown, rules)
	}
	var parts int64
	for i, sum := range shown {
		if sum < 0 {
			t.Fatalf("shown are %v", shown)
		}
		if i > 0 {
			parts += sum
		}
	}
	if parts != o.AuthorisedAmount {
		t.Fatalf("authorised are %d, the parts add up to %d", o.AuthorisedAmount, parts)
	}
	if o.RefundedAmount != s.Refunded || o.RefundableAmount != s.Refundable() || s.Refunded < 0 || s.Refundable() < 0 || s.Refunded+s.Refundable() > s.Captured {
		t.Fatalf("refunded are %d, refundable %d, the rules have %+v", o.RefundedAmount, o.RefundableAmount, s)
	}
	if o.Status != s.Status || o.ID != s.ID || o.PaymentSessionID != s.SessionID || o.Version != w.paymentVersion {
		t.Fatalf("the payment is shown as\n%+v, the rules have\n%+v", o, s)
	}
	if hasError := w.failures > 0 && !s.Attempt.Approved; hasError != (o.LastPaymentError != nil) {
		t.Fatalf("after %d failures the payment is %s with the error %v", w.failures, s.Status, o.LastPaymentError)
	}
	if o.LastPaymentError != nil && (o.LastPaymentError.DeclineCode != "") != (o.LastPaymentError.ErrorCode == decline.CardDeclined) {
		t.Fatalf("the error is %+v", *o.LastPaymentError)
	}
	w.checkOperations(t)
}

// checkOperations holds that the listed operations add up to the sums.
func (w *walk) checkOperations(t *rapid.T) {
	sums := map[string]int64{}
	for kind, list := range map[string][]object.Operation{"capture ": w.paymentObject.Captures, "void ": w.paymentObject.Voids, "refund ": w.paymentObject.Refunds} {
		for _, op := range list {
			sums[kind+string(op.Status)] += op.Amount
		}
	}
	captured := w.payment.Captured
	if w.payment.CaptureMethod == payment.CaptureAutomatic {
		captured = 0 // in one step with the authorisation, so nothing is listed
	}
	if sums["capture succeeded"] != captured || sums["void succeeded"] != w.payment.Voided ||
		sums["capture pending"]+sums["void pending"] != w.payment.PendingAmount() || sums["refund succeeded"] != w.payment.Refunded ||
		sums["refund pending"] != w.payment.Captured-w.payment.Refunded-w.payment.Refundable() {
		t.Fatalf("the operations add up to %v, the rules have %+v", sums, w.payment)
	}
}
