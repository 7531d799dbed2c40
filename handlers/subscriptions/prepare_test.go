package subscriptions_test

import (
	"slices"
	"testing"
)

// What was prepared is in hand without another query, and what has changed since then
// is not missed: the log says so.
func TestPreparedIsInHandAndNoMore(t *testing.T) {
	t.Parallel()
	b := setup(t)
	kept, cancelled := b.subscribed(goodCard, daily()), b.subscribed(goodCard, daily())
	elsewhere := b.Process()
	g := elsewhere.Test.Engine
	if err := elsewhere.Test.Subscriptions.Prepare(t.Context(), []string{kept, cancelled, "sub_unknown"}); err != nil {
		t.Fatalf("%+v", err)
	}
	for _, id := range []string{kept, cancelled} {
		sub := g.Subscriptions.Ref(id)
		for what, version := range map[string]int{
			"subscription": sub.Version, "customer": g.Customers.Ref(sub.Value.CustomerID).Version,
			"method": g.Methods.Ref(sub.Value.PaymentMethodID).Version, "mandate": g.Mandates.Ref(sub.Value.MandateID).Version,
		} {
			if version == 0 {
				t.Errorf("the %s of %s is not in hand", what, id)
			}
		}
	}

	b.Post(subscriptionsPath+"/"+cancelled+"/cancel", nil).Is(200)
	b.nextDay(1)
	for _, id := range []string{kept, cancelled} {
		if _, err := elsewhere.Test.Subscriptions.Collect(t.Context(), id); err != nil {
			t.Fatalf("%+v", err)
		}
	}
	if got := b.types(t, kept); !slices.Equal(got, []string{"subscription.created", "subscription.charge_started", "subscription.charge_succeeded"}) {
		t.Errorf("what goes on has the events %q", got)
	}
	if got := b.types(t, cancelled); !slices.Equal(got, []string{"subscription.created", "subscription.cancelled"}) {
		t.Errorf("what was cancelled has the events %q", got)
	}
}
