package payments_test

import (
	"testing"

	"github.com/cockroachdb/errors"

	"tender/domain"
	"tender/domain/payment"
	"tender/eventstore"
	"tender/handlers/engine"
	"tender/handlers/payments"
)

// An event that breaks an invariant, here one in another currency than its
// payment's, stops what needs that payment, and nothing else.
func TestABrokenPaymentIsNoReasonToEnd(t *testing.T) {
	t.Parallel()
	b := setup(t)
	broken, sound := b.Reserved(10_000, goodCard), b.Reserved(10_000, goodCard)
	version := len(b.events(t, broken))
	e := payment.Codec.Encode(payment.AuthorisationExpired{Amount: 10_000, Currency: "NAD"})
	now := b.service().Engine.Now().At
	_, err := b.First.Test.Engine.Store.Append(t.Context(), eventstore.Command{
		ID: engine.NewID(), MerchantID: b.merchant.ID, Actor: domain.Actor{Kind: domain.ActorSystem, ID: "test"},
		Expect: []eventstore.Expectation{{Stream: broken, Version: version}},
		Events: []eventstore.NewEvent{{
			Stream: broken, Type: e.Type, SchemaVersion: e.SchemaVersion, ID: engine.NewID(), At: now, Payload: e.Payload,
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, service := range map[string]*payments.Service{
		"a process that knew it sound": b.service(), "one that did not know it": b.Process().Test.Payments,
	} {
		if _, _, err := service.Capture(t.Context(), b.asMerchant(), nil, broken, 1, nil); !errors.HasAssertionFailure(err) {
			t.Errorf("%s: the capture of a broken payment comes to %v", name, err)
		}
		if _, _, err := service.Capture(t.Context(), b.asMerchant(), nil, sound, 1, nil); err != nil {
			t.Errorf("%s: the capture of another comes to %v", name, err)
		}
	}
	if n := len(b.events(t, broken)); n != version+1 {
		t.Errorf("%d events were added to the broken payment", n-version-1)
	}
}
