package payment_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"tender/domain/id"
	"tender/domain/method"
	"tender/domain/payment"
)

// sums are a payment's amounts: authorised = captured + voided + expired +
// pending + capturable; and of what was captured, refunded and refundable.
type sums struct {
	authorised, captured, voided, expired, pending, capturable int64
	refunded, refundable                                       int64
}

func sumsOf(s payment.State) sums {
	return sums{s.Authorised, s.Captured, s.Voided, s.Expired, s.PendingAmount(), s.Capturable(), s.Refunded, s.Refundable()}
}

func TestSums(t *testing.T) {
	t.Parallel()
	contract := authorised(100_000, captureRequested(1, 60_000), captured(1, 60_000), voidRequested(2, 40_000), voided(2, 40_000))
	for _, c := range []struct {
		name  string
		given []payment.Event
		want  sums
	}{
		{"with the acquirer", started(payment.CaptureManual, 100), sums{}},
		{"failed", failed(true), sums{}},
		{"sold", sold(100), sums{authorised: 100, captured: 100, refundable: 100}},

		{"the contract's table: authorise", contract[:3], sums{authorised: 100_000, capturable: 100_000}},
		{"the contract's table: capture asked for", contract[:4], sums{authorised: 100_000, pending: 60_000, capturable: 40_000}},
		{"the contract's table: capture", contract[:5], sums{authorised: 100_000, captured: 60_000, capturable: 40_000, refundable: 60_000}},
		{"the contract's table: void asked for", contract[:6], sums{authorised: 100_000, captured: 60_000, pending: 40_000, refundable: 60_000}},
		{"the contract's table: void", contract, sums{authorised: 100_000, captured: 60_000, voided: 40_000, refundable: 60_000}},

		{"a capture declined", authorised(100, captureRequested(1, 60), captureFailed(1, 60)), sums{authorised: 100, capturable: 100}},
		{"a void declined", authorised(100, voidRequested(1, 100), voidFailed(1, 100)), sums{authorised: 100, capturable: 100}},
		{"a refund in flight", authorised(100, append(wholly(1, 60), refundRequested(2, 50))...), sums{authorised: 100, captured: 60, capturable: 40, refundable: 10}},
		{"a refund", authorised(100, append(wholly(1, 60), back(2, 50)...)...), sums{authorised: 100, captured: 60, capturable: 40, refunded: 50, refundable: 10}},
		{"a refund declined", authorised(100, append(wholly(1, 60), refundRequested(2, 50), refundFailed(2, 50))...), sums{authorised: 100, captured: 60, capturable: 40, refundable: 60}},
		{"a refund that failed late", after(sold(100), append(back(1, 70), refundFailedLate(1, 70))...), sums{authorised: 100, captured: 100, refundable: 100}},
		{"a refund after one that failed late", after(sold(100), append(back(1, 70), refundFailedLate(1, 70), refundRequested(2, 100))...), sums{authorised: 100, captured: 100}},
		{"all refunded", after(sold(100), append(back(1, 70), back(2, 30)...)...), sums{authorised: 100, captured: 100, refunded: 100}},
		{"two captures in flight", authorised(100, captureRequested(1, 60), captureRequested(2, 30)), sums{authorised: 100, pending: 90, capturable: 10}},
		{"expired, its reversal in flight", authorised(100, payment.AuthorisationExpired{Amount: 100, Currency: "ZAR"}, reversalRequested(1, 100, reference)), sums{authorised: 100, expired: 100}},
		{"expired, its reversal refused", authorised(100, payment.AuthorisationExpired{Amount: 100, Currency: "ZAR"}, reversalRequested(1, 100, reference), reversalFailed(1, 100)), sums{authorised: 100, expired: 100}},
		{"failed, and being reversed", failed(true, reversalRequested(1, 100, "auth_late")), sums{}},
	} {
		if got := sumsOf(fold(c.given)); got != c.want {
			t.Errorf("%s: %+v, not %+v", c.name, got, c.want)
		}
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	action := payment.ActionRequired{AttemptID: attemptID, Action: payment.ActionRedirect, URL: "https://acs.example", ActionBy: noon.Add(15 * time.Minute)}
	again := payment.AttemptStarted{AttemptID: "att_2", Number: 2, Key: paymentID + "-2", AnswerBy: noon.Add(time.Hour)}
	begun := started(payment.CaptureManual, 100)
	for _, c := range []struct {
		name              string
		given             []payment.Event
		want              payment.Status
		inFlight, waiting bool
	}{
		{"no payment", nil, "", false, false},
		{"initiated", begun[:1], payment.StatusProcessing, false, false},
		{"with the acquirer", begun, payment.StatusProcessing, true, false},
		{"with the customer", after(begun, action), payment.StatusPendingAction, true, true},
		{"failed", failed(false), payment.StatusDraft, false, false},
		{"failed with the customer", after(begun, action, payment.AttemptFailed{AttemptID: attemptID, Failure: declined}), payment.StatusDraft, false, false},
		{"tried again", failed(false, again), payment.StatusProcessing, true, false},
		{"tried again after an action", after(begun, action, payment.AttemptFailed{AttemptID: attemptID, Failure: declined}, again), payment.StatusProcessing, true, false},
		{"failed for good", failed(true), payment.StatusFailed, false, false},
		{"authorised", authorised(100), payment.StatusSucceeded, false, false},
		{"sold", sold(100), payment.StatusSucceeded, false, false},
		{"captured", authorised(100, wholly(1, 100)...), payment.StatusSucceeded, false, false},
		{"voided", authorised(100, voidRequested(1, 100), voided(1, 100)), payment.StatusSucceeded, false, false},
		{"authorisation expired", authorised(100, payment.AuthorisationExpired{Amount: 100, Currency: "ZAR"}), payment.StatusSucceeded, false, false},
		{"refunded", after(sold(100), back(1, 100)...), payment.StatusSucceeded, false, false},
		{"cancelled", failed(false, payment.Cancelled{}), payment.StatusCancelled, false, false},
		{"expired", failed(false, payment.Expired{}), payment.StatusExpired, false, false},
		{"contradicted after it failed", failed(true, payment.Contradicted{Key: paymentID + "-1", Performed: true, Currency: "ZAR"}), payment.StatusFailed, false, false},
	} {
		s := fold(c.given)
		if s.Status != c.want || s.InFlight() != c.inFlight || s.WaitsForCustomer() != c.waiting || s.Exists() != (c.given != nil) {
			t.Errorf("%s: %q, in flight %t, waiting %t", c.name, s.Status, s.InFlight(), s.WaitsForCustomer())
		}
	}
}

// What an acquirer is asked about an authorisation names the one it is about.
func TestOperationsNameTheirAuthorisation(t *testing.T) {
	t.Parallel()
	payingBack := reversalRequested(3, 100, "auth_0")
	payingBack.Refund = true
	s := fold(authorised(100, captureRequested(1, 60), voidRequested(2, 40), payingBack, refundRequested(4, 50)))
	due := noon.Add(payment.AnswerWindow)
	want := []payment.Operation{
		{ID: opID(id.Capture, 1), Kind: payment.OperationCapture, Amount: 60, Key: keyOf(id.Capture, 1), AnswerBy: due, Reference: reference},
		{ID: opID(id.Void, 2), Kind: payment.OperationVoid, Amount: 40, Key: keyOf(id.Void, 2), AnswerBy: due, Reference: reference},
		{ID: opID(id.Reversal, 3), Kind: payment.OperationReversal, Amount: 100, Key: keyOf(id.Reversal, 3), AnswerBy: due, Reference: "auth_0", PaysBack: true},
		{ID: opID(id.Refund, 4), Kind: payment.OperationRefund, Amount: 50, Key: keyOf(id.Refund, 4), AnswerBy: due, Reference: reference},
	}
	if !reflect.DeepEqual(s.Pending, want) {
		t.Fatalf("in flight are\n%+v, not\n%+v", s.Pending, want)
	}
	for _, op := range want {
		if got, ok := s.PendingOperation(op.ID); !ok || got != op {
			t.Errorf("%s is found as %+v, %t", op.ID, got, ok)
		}
	}
	if got, ok := s.PendingOperation("cap_none"); ok {
		t.Errorf("an operation that nobody asked for is found: %+v", got)
	}
}

// States are shared between goroutines: what one of them makes of a state never
// shows in another's.
func TestStatesAreValues(t *testing.T) {
	t.Parallel()
	base := fold(authorised(100, captureRequested(1, 10), captureFailed(1, 10), captureRequested(2, 10), captureRequested(3, 10)))
	one := payment.Evolve(base, paymentID, captured(2, 10))
	other := payment.Evolve(base, paymentID, captureFailed(3, 10))
	asked := payment.Evolve(base, paymentID, captureRequested(4, 10))
	if !reflect.DeepEqual(base, fold(authorised(100, captureRequested(1, 10), captureFailed(1, 10), captureRequested(2, 10), captureRequested(3, 10)))) {
		t.Errorf("the state that others were made from is now %+v", base)
	}
	for name, c := range map[string]struct {
		state payment.State
		want  sums
	}{
		"captured": {one, sums{authorised: 100, captured: 10, pending: 10, capturable: 80, refundable: 10}},
		"declined": {other, sums{authorised: 100, pending: 10, capturable: 90}},
		"asked":    {asked, sums{authorised: 100, pending: 30, capturable: 70}},
	} {
		if got := sumsOf(c.state); got != c.want {
			t.Errorf("%s: %+v, not %+v", name, got, c.want)
		}
	}
}

// What is kept of the latest attempt, and the keys of all that were settled: a
// late answer is recognised by them.
func TestAttempts(t *testing.T) {
	t.Parallel()
	begun := started(payment.CaptureManual, 100)
	action := payment.ActionRequired{AttemptID: attemptID, Action: payment.ActionRedirect, URL: "https://acs.example", ActionBy: noon.Add(15 * time.Minute)}
	again := payment.AttemptStarted{AttemptID: "att_2", Number: 2, Key: paymentID + "-2", AnswerBy: noon.Add(time.Hour)}
	first := payment.Attempt{
		ID: attemptID, Number: 1, Key: paymentID + "-1", AnswerBy: noon.Add(payment.AnswerWindow), Details: method.Details{Type: method.KindCard},
	}
	with := func(a payment.Attempt, change func(*payment.Attempt)) payment.Attempt {
		change(&a)
		return a
	}
	approved := func(a *payment.Attempt) { a.Settled, a.Approved, a.Reference = true, true, reference }
	key := []string{paymentID + "-1"}

	for _, c := range []struct {
		name         string
		given        []payment.Event
		want         payment.Attempt
		failed, done []string
	}{
		{"with the acquirer", begun, first, nil, nil},
		{"with the customer", after(begun, action), with(first, func(a *payment.Attempt) { a.ActionBy = action.ActionBy }), nil, nil},
		{"failed", failed(false), with(first, func(a *payment.Attempt) { a.Settled = true }), key, nil},
		{"failed for good", failed(true), with(first, func(a *payment.Attempt) { a.Settled = true }), key, nil},
		{"tried again after an action", after(begun, action, payment.AttemptFailed{AttemptID: attemptID}, again), payment.Attempt{
			ID: "att_2", Number: 2, Key: paymentID + "-2", AnswerBy: noon.Add(time.Hour),
		}, key, nil},
		{"authorised", authorised(100), with(first, approved), nil, key},
		{"sold", sold(100), with(first, approved), nil, key},
	} {
		s := fold(c.given)
		if s.Attempt != c.want || !slices.Equal(s.Failed, c.failed) || !slices.Equal(s.Done, c.done) {
			t.Errorf("%s: the attempt is\n%+v (failed %v, done %v), not\n%+v (failed %v, done %v)",
				c.name, s.Attempt, s.Failed, s.Done, c.want, c.failed, c.done)
		}
	}
}
