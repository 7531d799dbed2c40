package payment_test

import (
	"errors"
	"testing"
	"time"

	"tender/domain"
	"tender/domain/decline"
	"tender/domain/id"
	"tender/domain/method"
	"tender/domain/payment"
)

const (
	thandi = "stf_01hzy3v7q8e4xk2m9c5b7d6f0a"
	pieter = "stf_01hzy3v7q8e4xk2m9c5b7d6f0b"

	day = payment.AnswerWindow + payment.UnresolvedAfter // after which a call of noon is unresolved
)

var took = payment.Verdict{OperationID: opID(id.Capture, 1), Performed: true, Reference: "cap"}

// proposes is the n-th command of a test, by which somebody says what became of a call.
func proposes(n int, by string, v payment.Verdict) payment.ProposeResolution {
	return payment.ProposeResolution{ID: commandID(n), Verdict: v, Reason: "Their report of 4 May lists it.", By: by, Now: now(day)}
}

// proposed is what comes of it.
func proposed(n int, by string, v payment.Verdict, key string) payment.ResolutionProposed {
	c := proposes(n, by, v)
	c.Verdict.Key = key
	return payment.ResolutionProposed{ResolutionID: opID(id.Resolution, n), Verdict: c.Verdict, Reason: c.Reason, By: by}
}

func confirms(n int, by string) payment.ConfirmResolution {
	return payment.ConfirmResolution{ResolutionID: opID(id.Resolution, n), By: by, Now: now(day)}
}

func confirmed(n int, by string) payment.ResolutionConfirmed {
	return payment.ResolutionConfirmed{ResolutionID: opID(id.Resolution, n), By: by}
}

func rejects(n int, by, reason string) payment.RejectResolution {
	return payment.RejectResolution{ResolutionID: opID(id.Resolution, n), Reason: reason, By: by}
}

func rejected(n int, by string) payment.ResolutionRejected {
	return payment.ResolutionRejected{ResolutionID: opID(id.Resolution, n), By: by}
}

func TestProposeResolution(t *testing.T) {
	t.Parallel()
	capturing := authorised(100, captureRequested(1, 60), captureRequested(2, 40))
	first := proposed(3, thandi, took, keyOf(id.Capture, 1))
	other := took
	other.OperationID = opID(id.Capture, 2)
	early := proposes(3, thandi, took)
	early.Now = now(day - time.Millisecond)
	elsewhere := took
	elsewhere.Reference = "another"

	check(t, []rule{
		{"of a capture", capturing, proposes(3, thandi, took), []payment.Event{first}, nil},
		{"of the other", after(capturing, first), proposes(4, pieter, other), []payment.Event{proposed(4, pieter, other, keyOf(id.Capture, 2))}, nil},
		{"again", after(capturing, first), proposes(4, thandi, took), nil, nil},
		{"by another person", after(capturing, first), proposes(4, pieter, took), nil, payment.ErrResolutionPending},
		{"something else", after(capturing, first), proposes(4, thandi, elsewhere), nil, payment.ErrResolutionPending},
		{"after it was taken back", after(capturing, first, rejected(3, thandi)), proposes(4, thandi, elsewhere),
			[]payment.Event{proposed(4, thandi, elsewhere, keyOf(id.Capture, 1))}, nil},
		{"before a day has passed", capturing, early, nil, payment.ErrNotUnresolved},
		{"of what was answered", after(capturing, captured(1, 60)), proposes(3, thandi, took), nil, payment.ErrNotUnresolved},
		{"of what was never asked", authorised(100), proposes(3, thandi, took), nil, payment.ErrNotUnresolved},
		{"of no payment", nil, proposes(3, thandi, took), nil, payment.ErrNotUnresolved},
	})
}

// A customer who is away has their own time; the day begins after it.
func TestProposeResolutionOfAnAttempt(t *testing.T) {
	t.Parallel()
	given := after(started(payment.CaptureAutomatic, 100), payment.ActionRequired{AttemptID: attemptID, Action: payment.ActionRedirect, ActionBy: noon.Add(time.Hour)})
	paid := payment.Verdict{OperationID: attemptID, Performed: true, Reference: reference, NetworkTransactionID: "ntx", EffectiveAt: noon}
	late := proposes(3, thandi, paid)
	late.Now = now(time.Hour + payment.UnresolvedAfter)
	check(t, []rule{
		{"while their time counts", given, proposes(3, thandi, paid), nil, payment.ErrNotUnresolved},
		{"later", given, late, []payment.Event{proposed(3, thandi, paid, paymentID+"-1")}, nil},
	})
}

func TestConfirmResolution(t *testing.T) {
	t.Parallel()
	capturing := authorised(100, captureRequested(1, 60))
	waits := after(capturing, proposed(3, thandi, took, keyOf(id.Capture, 1)))
	done := after(waits, confirmed(3, pieter), captured(1, 60))
	away := after(started(payment.CaptureAutomatic, 100),
		proposed(3, thandi, payment.Verdict{OperationID: attemptID, Performed: true, Reference: reference}, paymentID+"-1"),
		payment.ActionRequired{AttemptID: attemptID, Action: payment.ActionRedirect, ActionBy: noon.Add(day + time.Hour)})
	check(t, []rule{
		{"by another person", waits, confirms(3, pieter), []payment.Event{confirmed(3, pieter)}, nil},
		{"by the same person", waits, confirms(3, thandi), nil, payment.ErrSecondPerson},
		{"again", done, confirms(3, pieter), nil, nil},
		{"by a third person", done, confirms(3, "stf_01hzy3v7q8e4xk2m9c5b7d6f0c"), nil, payment.ErrConfirmedAlready},
		{"after the acquirer's word", after(waits, captured(1, 60)), confirms(3, pieter), nil, payment.ErrLapsed},
		{"after the acquirer's other word", after(waits, captureFailed(1, 60)), confirms(3, pieter), nil, payment.ErrLapsed},
		{"after it was rejected", after(waits, rejected(3, pieter)), confirms(3, pieter), nil, payment.ErrRejectedAlready},
		{"after the customer was sent away", away, confirms(3, pieter), nil, payment.ErrNotUnresolved},
		{"of nothing", capturing, confirms(3, pieter), nil, payment.ErrResolutionUnknown},
		{"of no payment", nil, confirms(3, pieter), nil, payment.ErrResolutionUnknown},
	})
}

func TestRejectResolution(t *testing.T) {
	t.Parallel()
	capturing := authorised(100, captureRequested(1, 60))
	waits := after(capturing, proposed(3, thandi, took, keyOf(id.Capture, 1)))
	said := rejected(3, pieter)
	said.Reason = "It is another payment's."
	check(t, []rule{
		{"by another person", waits, rejects(3, pieter, said.Reason), []payment.Event{said}, nil},
		{"by the same person", waits, rejects(3, thandi, ""), []payment.Event{rejected(3, thandi)}, nil},
		{"again", after(waits, said), rejects(3, thandi, ""), nil, nil},
		{"after it was confirmed", after(waits, confirmed(3, pieter), captured(1, 60)), rejects(3, pieter, ""), nil, payment.ErrConfirmedAlready},
		{"after the acquirer's word", after(waits, captured(1, 60)), rejects(3, pieter, ""), nil, payment.ErrLapsed},
		{"of nothing", capturing, rejects(3, pieter, ""), nil, payment.ErrResolutionUnknown},
	})
}

// There is an end to what is kept of one payment.
func TestResolutionsHaveAnEnd(t *testing.T) {
	t.Parallel()
	given := authorised(100, captureRequested(1, 60))
	for n := range payment.ResolutionsMax {
		given = append(given, proposed(n+10, thandi, took, keyOf(id.Capture, 1)), rejected(n+10, thandi))
	}
	check(t, []rule{{"one more", given, proposes(3, thandi, took), nil, payment.ErrTooManyProposed}})
}

// What is confirmed counts as the acquirer's own word would: a later one that says
// the opposite is a contradiction, and what was taken is paid back.
func TestALaterWordContradictsWhatWasResolved(t *testing.T) {
	t.Parallel()
	failed := payment.Verdict{OperationID: opID(id.Capture, 1), Failure: &declined}
	waits := authorised(100, captureRequested(1, 60), proposed(3, thandi, failed, keyOf(id.Capture, 1)))
	payBack := reversalRequested(9, 60, reference)
	payBack.Refund, payBack.AnswerBy = true, noon.Add(day+payment.AnswerWindow)
	check(t, []rule{{
		"it was captured after all", after(waits, confirmed(3, pieter), captureFailed(1, 60)),
		payment.SettleOperation{ID: commandID(9), Key: keyOf(id.Capture, 1), Performed: true, Reference: "late", Now: now(day)},
		[]payment.Event{payment.Contradicted{Key: keyOf(id.Capture, 1), Performed: true, Amount: 60, Currency: "ZAR", Reference: "late"}, payBack}, nil,
	}})
}

func TestVerdictsAreWhole(t *testing.T) {
	t.Parallel()
	sale, reserving := started(payment.CaptureAutomatic, 100), started(payment.CaptureManual, 100)
	capturing, refunding := authorised(100, captureRequested(1, 60)), after(sold(100), refundRequested(1, 70))
	attempt := payment.Verdict{OperationID: attemptID, Performed: true, Reference: reference}
	refused := payment.Verdict{OperationID: attemptID, Failure: &declined}
	account := after([]payment.Event{sale[0]}, payment.AttemptStarted{
		AttemptID: attemptID, Key: paymentID + "-1", AnswerBy: noon.Add(payment.AnswerWindow), Details: method.Details{Type: method.KindInstantEFT},
	})
	with := func(v payment.Verdict, change func(*payment.Verdict)) payment.Verdict {
		change(&v)
		return v
	}
	for name, c := range map[string]struct {
		given  []payment.Event
		v      payment.Verdict
		reason string // "": one that is in order
		wrong  string // the field; "": none
	}{
		"a sale":        {sale, attempt, "", ""},
		"a reservation": {reserving, with(attempt, func(v *payment.Verdict) { v.ExpiresAt = noon.Add(later) }), "", ""},
		"a refund":      {refunding, payment.Verdict{OperationID: opID(id.Refund, 1), Performed: true, Reference: "r"}, "", ""},
		"a decline":     {sale, refused, "", ""},

		"no reference":                   {sale, with(attempt, func(v *payment.Verdict) { v.Reference = "" }), "", "/reference"},
		"a reference with a space":       {sale, with(attempt, func(v *payment.Verdict) { v.Reference = "a b" }), "", "/reference"},
		"a long reference":               {sale, with(attempt, func(v *payment.Verdict) { v.Reference = string(make([]byte, 256)) }), "", "/reference"},
		"no end of a reservation":        {reserving, attempt, "", "/expires_at"},
		"an end of a sale":               {sale, with(attempt, func(v *payment.Verdict) { v.ExpiresAt = noon }), "", "/expires_at"},
		"an end of a capture":            {capturing, with(took, func(v *payment.Verdict) { v.ExpiresAt = noon }), "", "/expires_at"},
		"a capture's transaction":        {capturing, with(took, func(v *payment.Verdict) { v.NetworkTransactionID = "ntx" }), "", "/network_transaction_id"},
		"an account's transaction":       {account, with(attempt, func(v *payment.Verdict) { v.NetworkTransactionID = "ntx" }), "", "/network_transaction_id"},
		"a success with a failure":       {sale, with(attempt, func(v *payment.Verdict) { v.Failure = &declined }), "", "/error_code"},
		"a failure with a reference":     {sale, with(refused, func(v *payment.Verdict) { v.Reference = "r" }), "", "/outcome"},
		"a failure without a reason":     {sale, with(refused, func(v *payment.Verdict) { v.Failure = nil }), "", "/error_code"},
		"an unknown error":               {sale, with(refused, func(v *payment.Verdict) { v.Failure = &payment.Failure{ErrorCode: "bad_luck"} }), "", "/error_code"},
		"a decline that names no reason": {sale, with(refused, func(v *payment.Verdict) { v.Failure = &payment.Failure{ErrorCode: decline.CardDeclined} }), "", "/decline_code"},
		"a reason that is no decline's": {sale, with(refused, func(v *payment.Verdict) {
			v.Failure = &payment.Failure{ErrorCode: decline.TimedOut, DeclineCode: decline.LostCard}
		}), "", "/decline_code"},
		"tomorrow": {sale, with(attempt, func(v *payment.Verdict) { v.EffectiveAt = noon.Add(2 * day) }), "", "/effective_at"},

		"why, in blanks":       {sale, attempt, "  ", "/reason"},
		"why, at length":       {sale, attempt, string(make([]rune, 501)), "/reason"},
		"why, in lines":        {sale, attempt, "one\ntwo", "/reason"},
		"why, with an address": {sale, attempt, "said anna@example.com", "/reason"},
		"why, with a card":     {sale, attempt, "card 4242 4242-4242 4242", "/reason"},
		"why, with a number":   {sale, attempt, "ARN 74537604221431003881907", ""},
	} {
		command := proposes(3, thandi, c.v)
		if c.reason != "" {
			command.Reason = c.reason
		}
		events, err := payment.Decide(fold(c.given), command)
		var refusal *domain.Refusal
		switch {
		case c.wrong == "" && (err != nil || len(events) != 1):
			t.Errorf("%s: %v", name, err)
		case c.wrong != "" && (!errors.As(err, &refusal) || refusal.Field != c.wrong):
			t.Errorf("%s: what is wrong is %v, not %s", name, err, c.wrong)
		}
	}
}

func TestCalls(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		given []payment.Event
		want  []payment.Call
	}{
		"nothing":    {authorised(100), nil},
		"no payment": {nil, nil},
		"an attempt": {started(payment.CaptureManual, 100), []payment.Call{{ID: attemptID, Key: paymentID + "-1", Amount: 100, AnswerBy: noon.Add(payment.AnswerWindow)}}},
		"two captures": {authorised(100, captureRequested(1, 60), captureRequested(2, 40)), []payment.Call{
			{ID: opID(id.Capture, 1), Operation: payment.OperationCapture, Key: keyOf(id.Capture, 1), Amount: 60, AnswerBy: noon.Add(payment.AnswerWindow)},
			{ID: opID(id.Capture, 2), Operation: payment.OperationCapture, Key: keyOf(id.Capture, 2), Amount: 40, AnswerBy: noon.Add(payment.AnswerWindow)},
		}},
	} {
		got := fold(c.given).Calls()
		if len(got) != len(c.want) {
			t.Errorf("%s: %v, not %v", name, got, c.want)
			continue
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%s: %v, not %v", name, got[i], c.want[i])
			}
		}
	}
	call := payment.Call{AnswerBy: noon}
	if call.Unanswered(noon.Add(-1)) || !call.Unanswered(noon) || call.Unresolved(noon.Add(payment.UnresolvedAfter-1)) || !call.Unresolved(noon.Add(payment.UnresolvedAfter)) {
		t.Error("a call is unanswered, or unresolved, at another time")
	}
}
