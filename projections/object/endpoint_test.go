package object_test

import (
	"testing"
	"time"

	"tender/domain/webhook"
	"tender/projections/object"
)

func TestEndpointsAsClientsSeeThem(t *testing.T) {
	t.Parallel()
	description := "the shop's"
	none := ""
	created := webhook.EndpointCreated{URL: "https://shop.example/hooks", Events: []string{"*"}, SecretRef: "vlt_1"}
	updated := webhook.EndpointUpdated{URL: "https://shop.example/hooks/2", Events: []string{"payment.captured"}, Description: &description}
	for name, events := range map[string][]webhook.Event{
		"enabled":        {created},
		"updated":        {created, updated},
		"updated_partly": {created, updated, webhook.EndpointUpdated{Description: &none}},
		"paused":         {created, webhook.EndpointPaused{}},
		"resumed":        {created, webhook.EndpointPaused{}, webhook.EndpointResumed{}},
		"rotated":        {created, webhook.EndpointSecretRotated{SecretRef: "vlt_2", EarlierEndsAt: noon}},
		"disabled":       {created, webhook.EndpointDisabled{Reason: webhook.DisabledGone}},
		"enabled_again":  {created, webhook.EndpointDisabled{Reason: webhook.DisabledGone}, webhook.EndpointResumed{}},
		"failing":        {created, webhook.EndpointFailing{Since: noon}},
		"failing_paused": {created, webhook.EndpointFailing{Since: noon}, webhook.EndpointPaused{}},
		"failing_moved":  {created, webhook.EndpointFailing{Since: noon}, webhook.EndpointUpdated{URL: "https://shop.example/hooks/2"}},
		"healed":         {created, webhook.EndpointFailing{Since: noon}, webhook.EndpointHealed{}},
		"given_up":       {created, webhook.EndpointFailing{Since: noon}, webhook.EndpointDisabled{Reason: webhook.DisabledFailing}},
	} {
		checkGolden(t, "endpoint_"+name, show[object.Endpoint](endpointID, events))
	}

	gone := show[object.Endpoint](endpointID, []webhook.Event{created, webhook.EndpointDeleted{}})
	if gone.ID != "" || gone.URL != "" || gone.Version != 2 {
		t.Errorf("a deleted endpoint is shown as %+v", gone)
	}
	here := show[object.Endpoint](endpointID, []webhook.Event{created})
	before := string(marshal(t, here))
	delivered := webhook.Delivered{EndpointID: endpointID, EventID: "evt_1", Attempts: 1, Status: 200, DeliveredAt: noon.Add(time.Hour)}
	if got := string(marshal(t, here.Apply("test", envelope("whd_1", 9), delivered))); got != before {
		t.Errorf("a delivery makes it\n%s, not\n%s", got, before)
	}
}
