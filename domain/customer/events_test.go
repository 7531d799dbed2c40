package customer_test

import (
	"testing"

	"tender/domain/codec/codectest"
	"tender/domain/customer"
)

// samples holds one event of each type with every field set.
func samples() []customer.Event {
	return []customer.Event{
		customer.Created{ProfileRef: "vault/1", ClockID: clockID},
		customer.MethodSaved{PaymentMethodID: methodID},
		customer.MethodRemoved{PaymentMethodID: methodID},
		customer.MandateAdded{MandateID: mandateID, PaymentMethodID: methodID},
		customer.MandateEnded{MandateID: mandateID},
		customer.SubscriptionAdded{SubscriptionID: subscriptionID},
		customer.SubscriptionEnded{SubscriptionID: subscriptionID},
		customer.PaymentOpened{PaymentID: paymentID, Brings: everything},
		customer.PaymentClosed{PaymentID: paymentID},
		customer.Erased{},
	}
}

func TestEventsKeepTheirBytes(t *testing.T) {
	t.Parallel()
	codectest.Bytes(t, customer.Codec, samples()...)
}

func TestEventsAreSampledAndHandled(t *testing.T) {
	t.Parallel()
	codectest.Handled(t, customer.Codec, func(e customer.Event) { fold(having(e)...) }, samples()...)
}

// What is absent is left out, so that payloads stay as small as their facts.
func TestAbsentFieldsAreLeftOut(t *testing.T) {
	t.Parallel()
	for want, e := range map[string]customer.Event{
		`{}`:                   customer.Created{},
		`{"payment_id":"pay"}`: customer.PaymentOpened{PaymentID: "pay"},
	} {
		if got := string(customer.Codec.Encode(e).Payload); got != want {
			t.Errorf("%s is written as %s", e.Type(), got)
		}
	}
}

func FuzzDecode(f *testing.F) { codectest.Fuzz(f, customer.Codec, samples()...) }
