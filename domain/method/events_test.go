package method_test

import (
	"testing"

	"tender/domain/codec/codectest"
	"tender/domain/decline"
	"tender/domain/method"
)

// samples holds one event of each type with every field set.
func samples() []method.Event {
	return []method.Event{
		method.Saved{
			CustomerID: customerID, Details: method.CardOf(kept), Fingerprint: "fp_1", VaultRef: "vault/1",
			SessionID: sessionID, NetworkTransactionID: "ntx_1", ClockID: "clk_01hzy3v7q8e4xk2m9c5b7d6f0f",
		},
		method.MandateAdded{MandateID: mandateID},
		method.MandateEnded{MandateID: mandateID},
		method.BecameUnusable{PaymentID: paymentID, Failure: decline.New(decline.CardDeclined, decline.StolenCard)},
		method.Verified{PaymentID: paymentID},
		method.Removed{},
	}
}

func TestEventsKeepTheirBytes(t *testing.T) {
	t.Parallel()
	codectest.Bytes(t, method.Codec, samples()...)
	account := samples()[0].(method.Saved)
	account.Details = method.AccountOf(method.KindCapitecPay, method.AccountDetails{Phone: "•••• 4567"})
	codectest.BytesIn(t, method.Codec, "method.saved.v1.account.json", method.Event(account))
}

func TestEventsAreSampledAndHandled(t *testing.T) {
	t.Parallel()
	codectest.Handled(t, method.Codec, func(e method.Event) { fold(append(saved(), e)...) }, samples()...)
}

// What is absent is left out, so that payloads stay as small as their facts.
func TestAbsentFieldsAreLeftOut(t *testing.T) {
	t.Parallel()
	for want, e := range map[string]method.Event{
		`{}`: method.Removed{},
		`{"customer_id":"","details":{"type":""},"fingerprint":"","vault_ref":"","session_id":""}`: method.Saved{},
	} {
		if got := string(method.Codec.Encode(e).Payload); got != want {
			t.Errorf("%s is written as %s", e.Type(), got)
		}
	}
}

func FuzzDecode(f *testing.F) { codectest.Fuzz(f, method.Codec, samples()...) }
