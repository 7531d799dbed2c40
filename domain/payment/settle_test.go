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
	reversing := authorised(100, payment.AuthorisationExpired{Amount: 100}, reversalRequested(1, 100, reference))

	check(t, []rule{
		{"a capture is performed", capturing, performed(keyOf(id.Capture, 1), "cap"), []payment.Event{captured(1, 60)}, nil},
		{"a capture is declined", capturing, refused(keyOf(id.Capture, 1)), []payment.Event{captureFailed(1, 60)}, nil},
		{"a capture was lost", capturing, lost, []payment.Event{payment.CaptureFailed{CaptureID: opID(id.Capture, 1), Amount: 60, Failure: lost.Failure}}, nil},
		{"a void is performed", voiding, performed(keyOf(id.Void, 1), "voi"), []payment.Event{voided(1, 100)}, nil},
		{"a void is declined", voiding, refused(keyOf(id.Void, 1)), []payment.Event{voidFailed(1, 100)}, nil},
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
	for _, kind := range []struct {
		name               string
		key                string
		asked              []payment.Event
		performed, notDone payment.Event
	}{
		{"capture", keyOf(id.Capture, 1), authorised(100, captureRequested(1, 60)), captured(1, 60), captureFailed(1, 60)},
		{"void", keyOf(id.Void, 1), authorised(100, voidRequested(1, 100)), voided(1, 100), voidFailed(1, 100)},
		{
			"reversal", keyOf(id.Reversal, 1), authorised(100, payment.AuthorisationExpired{Amount: 100}, reversalRequested(1, 100, reference)),
			reversed(1, 100), reversalFailed(1, 100),
		},
	} {
		yes := payment.SettleOperation{Key: kind.key, Performed: true, Reference: "late"}
		no := payment.SettleOperation{Key: kind.key, Failure: declined}
		contradictedYes := payment.Contradicted{Key: kind.key, Performed: true, Reference: "late"}
		contradictedNo := payment.Contradicted{Key: kind.key}
		check(t, []rule{
			{kind.name + " performed twice", after(kind.asked, kind.performed), yes, nil, nil},
			{kind.name + " refused twice", after(kind.asked, kind.notDone), no, nil, nil},
			{kind.name + " performed after it was refused", after(kind.asked, kind.notDone), yes, []payment.Event{contradictedYes}, nil},
			{kind.name + " refused after it was performed", after(kind.asked, kind.performed), no, []payment.Event{contradictedNo}, nil},
			{kind.name + " performed after it was refused, twice", after(kind.asked, kind.notDone, contradictedYes), yes, nil, nil},
			{kind.name + " refused after it was performed, twice", after(kind.asked, kind.performed, contradictedNo), no, nil, nil},
			{kind.name + " refused, contradicted, and refused", after(kind.asked, kind.notDone, contradictedYes), no, nil, nil},
			{kind.name + " performed, contradicted, and performed", after(kind.asked, kind.performed, contradictedNo), yes, nil, nil},
		})
	}
}

// A contradiction is something to look at: it moves no sum by itself.
func TestContradictionMovesNothing(t *testing.T) {
	t.Parallel()
	before := fold(authorised(100, captureRequested(1, 60), captureFailed(1, 60)))
	got := payment.Evolve(before, paymentID, payment.Contradicted{Key: keyOf(id.Capture, 1), Performed: true, Amount: 60})
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
}
