package payment_test

import (
	"reflect"
	"testing"
	"time"

	"tender/domain/decline"
	"tender/domain/id"
	"tender/domain/payment"
)

func TestSettleOperation(t *testing.T) {
	t.Parallel()
	performed := func(key, reference string) payment.SettleOperation {
		return payment.SettleOperation{Key: key, Performed: true, Reference: reference}
	}
	refused := func(key string) payment.SettleOperation {
		return payment.SettleOperation{Key: key, Failure: declined}
	}
	lost := payment.SettleOperation{Key: keyOf(id.Capture, 1), Failure: decline.New(decline.ProcessingError, "")}
	capturing := authorised(100, captureRequested(1, 60))
	voiding := authorised(100, voidRequested(1, 100))
	refunding := after(sold(100), refundRequested(1, 70))
	reversing := authorised(100, payment.AuthorisationExpired{Amount: 100, Currency: "ZAR"}, reversalRequested(1, 100, reference))

	check(t, []rule{
		{"a capture is performed", capturing, performed(keyOf(id.Capture, 1), "cap"), []payment.Event{captured(1, 60)}, nil},
		{"a capture is declined", capturing, refused(keyOf(id.Capture, 1)), []payment.Event{captureFailed(1, 60)}, nil},
		{"a capture was lost", capturing, lost, []payment.Event{payment.CaptureFailed{CaptureID: opID(id.Capture, 1), Amount: 60, Currency: "ZAR", Failure: lost.Failure}}, nil},
		{"a void is performed", voiding, performed(keyOf(id.Void, 1), "voi"), []payment.Event{voided(1, 100)}, nil},
		{"a void is declined", voiding, refused(keyOf(id.Void, 1)), []payment.Event{voidFailed(1, 100)}, nil},
		{"a refund is performed", refunding, performed(keyOf(id.Refund, 1), "ref"), []payment.Event{refunded(1, 70)}, nil},
		{"a refund is declined", refunding, refused(keyOf(id.Refund, 1)), []payment.Event{refundFailed(1, 70)}, nil},
		{"a reversal is performed", reversing, performed(keyOf(id.Reversal, 1), "rev"), []payment.Event{reversed(1, 100)}, nil},
		{"a reversal is declined", reversing, refused(keyOf(id.Reversal, 1)), []payment.Event{reversalFailed(1, 100)}, nil},
		{
			"one of two captures", after(capturing, captureRequested(2, 40)), performed(keyOf(id.Capture, 2), "cap"),
			[]payment.Event{captured(2, 40)}, nil,
		},

		{"nothing was asked", authorised(100), performed(keyOf(id.Capture, 1), "cap"), nil, nil},
		{"nothing was asked, and it was refused", authorised(100), refused(keyOf(id.Capture, 1)), nil, nil},
		{"another payment's", capturing, performed("pay_01hzy3v7q8e4xk2m9c5b7d6f0z-"+opID(id.Capture, 1), "cap"), nil, nil},
		{"there is no payment", nil, performed(keyOf(id.Capture, 1), "cap"), nil, nil},
	})
}

// Acquirers repeat themselves, in any order, and sometimes take back their word.
func TestSettleOperationAgain(t *testing.T) {
	t.Parallel()
	payBack := reversalRequested(9, 60, reference)
	payBack.Refund, payBack.AnswerBy = true, noon.Add(time.Hour+payment.AnswerWindow)
	for _, kind := range []struct {
		name               string
		key                string
		amount             int64
		asked              []payment.Event
		performed, notDone payment.Event
		then               []payment.Event // beside the contradiction, if it was performed after all
	}{
		{"capture", keyOf(id.Capture, 1), 60, authorised(100, captureRequested(1, 60)), captured(1, 60), captureFailed(1, 60), []payment.Event{payBack}},
		{"void", keyOf(id.Void, 1), 100, authorised(100, voidRequested(1, 100)), voided(1, 100), voidFailed(1, 100), nil},
		{
			"reversal", keyOf(id.Reversal, 1), 100, authorised(100, payment.AuthorisationExpired{Amount: 100, Currency: "ZAR"}, reversalRequested(1, 100, reference)),
			reversed(1, 100), reversalFailed(1, 100), nil,
		},
	} {
		yes := payment.SettleOperation{ID: commandID(9), Key: kind.key, Performed: true, Reference: "late", Now: now(time.Hour)}
		no := payment.SettleOperation{ID: commandID(9), Key: kind.key, Failure: declined, Now: now(time.Hour)}
		contradictedYes := payment.Contradicted{Key: kind.key, Performed: true, Amount: kind.amount, Currency: "ZAR", Reference: "late"}
		contradictedNo := payment.Contradicted{Key: kind.key, Amount: kind.amount, Currency: "ZAR"}
		check(t, []rule{
			{kind.name + " performed twice", after(kind.asked, kind.performed), yes, nil, nil},
			{kind.name + " refused twice", after(kind.asked, kind.notDone), no, nil, nil},
			{kind.name + " performed after it was refused", after(kind.asked, kind.notDone), yes, append([]payment.Event{contradictedYes}, kind.then...), nil},
			{kind.name + " refused after it was performed", after(kind.asked, kind.performed), no, []payment.Event{contradictedNo}, nil},
			{kind.name + " performed after it was refused, twice", after(kind.asked, kind.notDone, contradictedYes), yes, nil, nil},
			{kind.name + " refused after it was performed, twice", after(kind.asked, kind.performed, contradictedNo), no, nil, nil},
			{kind.name + " refused, contradicted, and refused", after(kind.asked, kind.notDone, contradictedYes), no, nil, nil},
			{kind.name + " performed, contradicted, and performed", after(kind.asked, kind.performed, contradictedNo), yes, nil, nil},
		})
	}
}

// Money that was sent back may bounce, days later: that is no contradiction. The
// words of an acquirer may come repeatedly and in any order.
func TestRefundsMayFailLate(t *testing.T) {
	t.Parallel()
	yes := payment.SettleOperation{ID: commandID(9), Key: keyOf(id.Refund, 1), Performed: true, Reference: "late"}
	no := payment.SettleOperation{ID: commandID(9), Key: keyOf(id.Refund, 1), Failure: declined}
	asked := after(sold(100), refundRequested(1, 70))
	done, refused := after(asked, refunded(1, 70)), after(asked, refundFailed(1, 70))
	late := after(done, refundFailedLate(1, 70))
	contradicted := payment.Contradicted{Key: keyOf(id.Refund, 1), Performed: true, Amount: 70, Currency: "ZAR", Reference: "late"}
	check(t, []rule{
		{"performed twice", done, yes, nil, nil},
		{"refused twice", refused, no, nil, nil},
		{"refused after it was performed", done, no, []payment.Event{refundFailedLate(1, 70)}, nil},
		{"refused after it was performed, twice", late, no, nil, nil},
		{"the first word again, after the last", late, yes, nil, nil},
		{"the second of two", after(done, back(2, 30)...), payment.SettleOperation{Key: keyOf(id.Refund, 2), Failure: declined}, []payment.Event{refundFailedLate(2, 30)}, nil},

		{"performed after it was refused", refused, yes, []payment.Event{contradicted}, nil},
		{"performed after it was refused, twice", after(refused, contradicted), yes, nil, nil},
		{"refused, contradicted, and refused", after(refused, contradicted), no, nil, nil},
		{"nothing was asked", sold(100), no, nil, nil},
	})
}

// A contradiction is something to look at: it moves no sum by itself.
func TestContradictionMovesNothing(t *testing.T) {
	t.Parallel()
	before := fold(authorised(100, captureRequested(1, 60), captureFailed(1, 60)))
	got := payment.Evolve(before, paymentID, payment.Contradicted{Key: keyOf(id.Capture, 1), Performed: true, Amount: 60, Currency: "ZAR"})
	want := before
	want.Contradicted = []string{keyOf(id.Capture, 1)}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the state is\n%+v, not\n%+v", got, want)
	}
}

func TestReverseContradicted(t *testing.T) {
	t.Parallel()
	got := fold(failed(false)).ReverseContradicted(commandID(9), 100, "auth_late", noon.Add(time.Hour))
	want := reversalRequested(9, 100, "auth_late")
	want.AnswerBy = noon.Add(time.Hour + payment.AnswerWindow)
	if got != payment.Event(want) {
		t.Errorf("the intent is %+v, not %+v", got, want)
	}
	// What was taken at once can't be released any more: it is paid back.
	want.Refund = true
	sale := after(started(payment.CaptureAutomatic, 100), payment.AttemptFailed{AttemptID: attemptID, Failure: declined})
	if got := fold(sale).ReverseContradicted(commandID(9), 100, "auth_late", noon.Add(time.Hour)); got != payment.Event(want) {
		t.Errorf("of a sale the intent is %+v, not %+v", got, want)
	}
}
