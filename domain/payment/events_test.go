package payment_test

import (
	"testing"
	"time"

	"tender/domain/codec/codectest"
	"tender/domain/id"
	"tender/domain/mandate"
	"tender/domain/method"
	"tender/domain/payment"
)

// samples holds one event of each type with every field set.
func samples() []payment.Event {
	metadata := map[string]string{"order": "10442", "basket": "é <&>"}
	card := &method.CardDetails{Type: "CREDIT", Scheme: "VISA", BIN: "424242", Last4: "4242", ExpMonth: 12, ExpYear: 2030}
	capturing, voiding := captureRequested(1, 60_000), voidRequested(2, 40_000)
	capturing.Metadata, voiding.Metadata = metadata, metadata
	refunding := refundRequested(4, 60_000)
	refunding.Metadata, refunding.Reason = metadata, "one of three was missing"
	payingBack := reversalRequested(3, 40_000, reference)
	payingBack.Refund = true
	return []payment.Event{
		payment.Initiated{
			SessionID: sessionID, Amount: 100_000, Currency: "ZAR", Country: "ZA", CaptureMethod: payment.CaptureManual,
			Intent: payment.IntentPayment, Acquirer: "simulator", ExternalReference: "ORDER-10442", Metadata: metadata,
			CustomerID: customerID, MandateID: mandateID, SubscriptionID: subscriptionID, ClockID: clockID,
		},
		payment.AttemptStarted{
			AttemptID: attemptID, Number: 1, Key: paymentID + "-1", AnswerBy: noon.Add(payment.AnswerWindow),
			Details: method.Details{Type: "card", Card: card}, PaymentMethodID: methodID,
			Save: &payment.Save{
				CustomerID: customerID, NewCustomer: true, PaymentMethodID: methodID, VaultRef: "vault/1", Fingerprint: "fp_1",
				Consent: &mandate.Consent{AcceptedAt: noon, Text: "You agree.", TextVersion: "1", Locale: "en-ZA", CheckoutSessionID: "ckt_1"},
			},
		},
		payment.ActionRequired{AttemptID: attemptID, Action: payment.ActionRedirect, URL: "https://acs.example/challenge?id=1&step=2", ActionBy: noon.Add(15 * time.Minute)},
		payment.Authorised{
			AttemptID: attemptID, Amount: 100_000, Currency: "ZAR", Reference: reference, NetworkTransactionID: "ntx_1",
			ThreeDSecure: "authenticated", ExpiresAt: noon.Add(later),
		},
		payment.Paid{AttemptID: attemptID, Amount: 100_000, Currency: "ZAR", Reference: reference, NetworkTransactionID: "ntx_1", ThreeDSecure: "authenticated"},
		payment.Verified{AttemptID: attemptID, Reference: reference, NetworkTransactionID: "ntx_1", ThreeDSecure: "authenticated"},
		payment.AttemptFailed{AttemptID: attemptID, Failure: declined, Final: true},
		capturing,
		captured(1, 60_000),
		captureFailed(1, 60_000),
		voiding,
		voided(2, 40_000),
		voidFailed(2, 40_000),
		payment.AuthorisationExpired{Amount: 40_000, Currency: "ZAR"},
		refunding,
		refunded(4, 60_000),
		refundFailedLate(4, 60_000),
		payingBack,
		reversed(3, 40_000),
		reversalFailed(3, 40_000),
		payment.Contradicted{Key: paymentID + "-1", Performed: true, Amount: 100_000, Currency: "ZAR", Reference: "auth_late"},
		payment.ResolutionProposed{
			ResolutionID: opID(id.Resolution, 5), Reason: "Their report of 4 May lists it.", By: thandi,
			Verdict: payment.Verdict{
				OperationID: attemptID, Key: paymentID + "-1", Performed: true, Reference: reference, NetworkTransactionID: "ntx_1",
				ExpiresAt: noon.Add(later), EffectiveAt: noon, Failure: &declined,
			},
		},
		payment.ResolutionConfirmed{ResolutionID: opID(id.Resolution, 5), By: pieter},
		payment.ResolutionRejected{ResolutionID: opID(id.Resolution, 5), Reason: "It is another payment's.", By: pieter},
		payment.Cancelled{},
		payment.Expired{},
	}
}

func TestEventsKeepTheirBytes(t *testing.T) {
	t.Parallel()
	codectest.Bytes(t, payment.Codec, samples()...)
}

func TestEventsAreSampledAndHandled(t *testing.T) {
	t.Parallel()
	codectest.Handled(t, payment.Codec, func(e payment.Event) { payment.Evolve(fold(authorised(100)), paymentID, e) }, samples()...)
}

// What is absent is left out, so that payloads stay as small as their facts.
func TestAbsentFieldsAreLeftOut(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		event payment.Event
		want  string
	}{
		{payment.Initiated{}, `{"session_id":"","amount":0,"currency":"","country":"","capture_method":"","intent":"","acquirer":""}`},
		{payment.AttemptStarted{Save: &payment.Save{}, AnswerBy: noon.Truncate(time.Second)}, `{"attempt_id":"","number":0,"key":"","answer_by":"2026-05-04T12:00:00Z","details":{"type":""},"save":{"customer_id":"","payment_method_id":""}}`},
		{payment.Verified{}, `{"attempt_id":"","reference":""}`},
		{payment.AttemptFailed{}, `{"attempt_id":"","failure":{"error_code":""}}`},
		{payment.Paid{}, `{"attempt_id":"","amount":0,"currency":"","reference":""}`},
		{payment.RefundFailed{}, `{"refund_id":"","amount":0,"currency":"","failure":{"error_code":""}}`},
		{payment.ReversalRequested{AnswerBy: noon.Truncate(time.Second)}, `{"reversal_id":"","amount":0,"currency":"","reference":"","key":"","answer_by":"2026-05-04T12:00:00Z"}`},
		{payment.Contradicted{}, `{"key":"","performed":false,"amount":0,"currency":""}`},
		{payment.VoidRequested{AnswerBy: noon.Truncate(time.Second)}, `{"void_id":"","amount":0,"currency":"","key":"","answer_by":"2026-05-04T12:00:00Z"}`},
	} {
		if got := string(payment.Codec.Encode(c.event).Payload); got != c.want {
			t.Errorf("%s is written as\n%s\nnot as\n%s", c.event.Type(), got, c.want)
		}
	}
}

func FuzzDecode(f *testing.F) { codectest.Fuzz(f, payment.Codec, samples()...) }
