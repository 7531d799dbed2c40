package api_test

import (
	"testing"
	"time"

	"tender/handlers/handlerstest"
)

// To the letter of the contract.
const (
	captureNotAllowed = "The payment is not in an authorised state and cannot be captured."
	captureExpired    = "The authorisation has expired and can no longer be captured."
	captureTooHigh    = "The capture amount exceeds the remaining authorised amount."
	voidNotAllowed    = "The payment is not in an authorised state and cannot be voided."
	voidedAlready     = "The payment has already been fully voided."
	nothingToVoid     = "There is no remaining authorised amount to void."
)

// refusal is what one of the two operations is refused with; "": it isn't.
type refusal struct{ code, detail string }

func TestSixRefusals(t *testing.T) {
	t.Parallel()
	const week = 7 * 24 * time.Hour
	refuse := func(code, detail string) refusal { return refusal{code, detail} }
	notCaptured, notVoided := refuse("capture_not_allowed", captureNotAllowed), refuse("void_not_allowed", voidNotAllowed)
	nothing := refuse("nothing_to_void", nothingToVoid)
	expired := refuse("authorisation_expired", captureExpired)
	for _, c := range []struct {
		name    string
		prepare func(b *bundle) (paymentID string)
		amount  int64 // of the capture that is tried; 0: all that remains
		capture refusal
		void    refusal
		amounts object // of both refusals
	}{
		{
			name: "never authorised: declined", prepare: func(b *bundle) string {
				_, paymentID := b.Paid(10_000, "4000000000000002", manual())
				return paymentID
			}, capture: notCaptured, void: notVoided, amounts: object{"amounts.authorised_amount": 0, "amounts.capturable_amount": 0},
		},
		{
			name: "never authorised: waits for the customer", prepare: func(b *bundle) string {
				_, paymentID := b.Paid(10_000, "4000000000003220", manual())
				return paymentID
			}, amount: 1, capture: notCaptured, void: notVoided,
		},
		{
			name: "automatic capture", prepare: func(b *bundle) string {
				_, paymentID := b.Paid(10_000, goodCard)
				return paymentID
			}, amount: 1, capture: notCaptured, void: notVoided,
			amounts: object{"amounts.authorised_amount": 10_000, "amounts.paid_amount": 10_000, "amounts.capturable_amount": 0},
		},
		{
			name: "all captured", prepare: func(b *bundle) string {
				paymentID := b.Reserved(10_000, goodCard)
				b.Capture(paymentID, 0).Is(200)
				return paymentID
			}, amount: 1, capture: notCaptured, void: nothing, amounts: object{"amounts.paid_amount": 10_000},
		},
		{
			name: "all captured in parts, all asked for", prepare: func(b *bundle) string {
				paymentID := b.Reserved(10_000, goodCard)
				b.Capture(paymentID, 4_000).Is(200)
				b.Capture(paymentID, 6_000).Is(200)
				return paymentID
			}, capture: notCaptured, void: nothing,
		},
		{
			name: "all voided", prepare: func(b *bundle) string {
				paymentID := b.Reserved(10_000, goodCard)
				b.Void(paymentID).Is(200)
				return paymentID
			}, amount: 1, capture: notCaptured, void: refuse("already_voided", voidedAlready), amounts: object{"amounts.voided_amount": 10_000},
		},
		{
			name: "all voided, past its time", prepare: func(b *bundle) string {
				paymentID := b.Reserved(10_000, goodCard)
				b.Void(paymentID).Is(200)
				b.Clock.Advance(week + time.Hour)
				return paymentID
			}, capture: notCaptured, void: refuse("already_voided", voidedAlready),
		},
		{
			name: "part captured, the rest voided", prepare: func(b *bundle) string {
				paymentID := b.Reserved(10_000, goodCard)
				b.Capture(paymentID, 6_000).Is(200)
				b.Void(paymentID).Is(200)
				return paymentID
			}, amount: 1, capture: notCaptured, void: nothing,
			amounts: object{"amounts.paid_amount": 6_000, "amounts.voided_amount": 4_000, "amounts.capturable_amount": 0},
		},
		{
			name: "part captured, the rest voided, too much asked for", prepare: func(b *bundle) string {
				paymentID := b.Reserved(10_000, goodCard)
				b.Capture(paymentID, 6_000).Is(200)
				b.Void(paymentID).Is(200)
				return paymentID
			}, amount: 999_999_999_999, capture: notCaptured, void: nothing,
		},
		{
			name: "past its time, before anybody has noticed", prepare: func(b *bundle) string {
				paymentID := b.Reserved(10_000, goodCard)
				b.Clock.Advance(week)
				return paymentID
			}, amount: 1, capture: expired, void: nothing, amounts: object{"amounts.capturable_amount": 10_000, "amounts.expired_amount": 0},
		},
		{
			name: "past its time comes before too much", prepare: func(b *bundle) string {
				paymentID := b.Reserved(10_000, goodCard)
				b.Clock.Advance(week)
				return paymentID
			}, amount: 10_001, capture: expired, void: nothing, amounts: object{"amounts.capturable_amount": 10_000},
		},
		{
			name: "part captured, past its time", prepare: func(b *bundle) string {
				paymentID := b.Reserved(10_000, goodCard)
				b.Capture(paymentID, 6_000).Is(200)
				b.Clock.Advance(week)
				return paymentID
			}, amount: 1, capture: expired, void: nothing, amounts: object{"amounts.paid_amount": 6_000, "amounts.capturable_amount": 4_000},
		},
		{
			name: "more than there is", prepare: func(b *bundle) string { return b.Reserved(10_000, goodCard) },
			amount: 10_001, capture: refuse("capture_amount_too_high", captureTooHigh), amounts: object{
				"amounts.requested_amount": 10_001, "amounts.capturable_amount": 10_000, "amounts.authorised_amount": 10_000,
				"amounts.paid_amount": 0, "amounts.voided_amount": 0, "amounts.expired_amount": 0, "amounts.pending_amount": 0,
			},
		},
		{
			name: "more than remains", prepare: func(b *bundle) string {
				paymentID := b.Reserved(10_000, goodCard)
				b.Capture(paymentID, 6_000).Is(200)
				return paymentID
			}, amount: 4_001, capture: refuse("capture_amount_too_high", captureTooHigh),
			amounts: object{"amounts.requested_amount": 4_001, "amounts.paid_amount": 6_000, "amounts.capturable_amount": 4_000},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			paymentID := c.prepare(b)
			before := b.Payment(paymentID)
			for _, p := range []*handlerstest.Process{b.First, b.Process()} {
				caller := b.On(p)
				refused(t, caller.Capture(paymentID, c.amount), c.capture, c.amounts)
				if c.void.code != "" {
					refused(t, caller.Void(paymentID), c.void, without(c.amounts, "amounts.requested_amount"))
				}
			}
			if after := b.Payment(paymentID); string(after.Body) != string(before.Body) {
				t.Errorf("a refusal made of the payment\n%s\n%s", before.Body, after.Body)
			}
		})
	}
}

func refused(t *testing.T, a *handlerstest.Answer, want refusal, amounts object) {
	t.Helper()
	a.Problem(409, want.code).Shows(object{"detail": want.detail, "retryable": false}).Shows(amounts)
	if a.Len("amounts") < 6 {
		t.Errorf("sums are missing: %s", a.Body)
	}
}

func without(o object, name string) object {
	out := object{}
	for k, v := range o {
		if k != name {
			out[k] = v
		}
	}
	return out
}

// Once a worker has noticed, the rest counts as expired, the acquirer has been
// asked to release it, and the refusals stay as they were.
func TestAuthorisationExpires(t *testing.T) {
	t.Parallel()
	const week = 7 * 24 * time.Hour
	b := setup(t, handlerstest.At(-week-time.Hour))
	whole, part, captured := b.Reserved(10_000, goodCard), b.Reserved(10_000, goodCard), b.Reserved(10_000, goodCard)
	b.Capture(part, 6_000).Is(200)
	b.Capture(captured, 0).Is(200)
	b.Clock.Advance(week + time.Minute)
	b.First.Project()
	b.First.Work()
	for _, id := range []string{whole, part} {
		eventually(t, "the rest has expired", func() bool { return b.Payment(id).Int("expired_amount") > 0 })
	}
	b.Payment(whole).Shows(object{"status": "succeeded", "authorised_amount": 10_000, "expired_amount": 10_000, "capturable_amount": 0})
	b.Payment(part).Shows(object{"status": "succeeded", "paid_amount": 6_000, "expired_amount": 4_000, "capturable_amount": 0})
	b.Payment(captured).Shows(object{"paid_amount": 10_000, "expired_amount": 0})
	for _, id := range []string{whole, part} {
		refused(t, b.Capture(id, 1), refusal{"authorisation_expired", captureExpired}, object{"amounts.capturable_amount": 0})
		refused(t, b.Void(id), refusal{"nothing_to_void", nothingToVoid}, nil)
	}
	eventually(t, "the acquirer has released both", func() bool { return b.First.Line.Calls(handlerstest.CallVoid) == 2 })
}
