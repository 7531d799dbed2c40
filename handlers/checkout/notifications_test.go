package checkout_test

import (
	"strings"
	"testing"

	"tender/handlers/handlerstest"
)

// What an acquirer says by itself is believed only with its signature.
func TestForgedNotifications(t *testing.T) {
	t.Parallel()
	h := open(t)
	k := h.sells(t)
	k.pays(card(asks)).Is(200)
	key := k.session().Text("payment_id") + "-1"
	forged := `{"id":"ntf_1","answer":{"key":"` + key + `","status":"approved","reference":"sim_1"}}`
	for _, signature := range []string{"", "t=1,v1=00", "x"} {
		headers := []handlerstest.Header{{Name: "Simulator-Signature", Value: signature}, {Name: handlerstest.KeyHeader}}
		h.customer.Post("/acquirers/simulator/notifications", forged, headers...).Problem(403, "invalid_signature")
	}
	h.customer.Post("/acquirers/nobody/notifications", forged, handlerstest.Key("")).Problem(404, "not_found")
	h.customer.Post("/acquirers/simulator/notifications", strings.Repeat("x", 65<<10), handlerstest.Key("")).Problem(413, "payload_too_large")
	k.payment().Shows(object{"status": "pending_action"})
}

// A message that nobody can act on is tried again and again, and holds up none of
// those behind it.
func TestAPoisonedNotification(t *testing.T) {
	t.Parallel()
	h := open(t)
	poisoned, k := h.sells(t), h.sells(t)
	poisoned.pays(card(asks)).Is(200)
	_, err := h.First.Test.Engine.Store.Pool().Exec(t.Context(), `
		INSERT INTO work_test.notifications (acquirer, id, key, received_at, header, body)
		VALUES ('simulator', 'broken', 'x', now(), '{}', 'no JSON'),
		       ('simulator', 'strange', 'x', now(), '{}', convert_to($1, 'UTF8'))`,
		`{"Key":"`+poisoned.session().Text("payment_id")+`-1","Status":"strange"}`)
	if err != nil {
		t.Fatal(err)
	}
	h.Decide(t, k.pays(card(asks)).Is(200).Text("next_action.url"), "approve")
	eventually(t, "the good message is acted on", func() bool { return k.session().Text("payment_outcome") == "paid" })
	poisoned.payment().Shows(object{"status": "pending_action"})
}
