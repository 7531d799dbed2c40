package subscription

import (
	"fmt"

	"github.com/google/uuid"

	"tender/domain/id"
)

// namespace is what the ids of a subscription's sessions and payments are derived
// in. It must never change: an occurrence that was paid under an id derived in
// another would be paid again.
var namespace = uuid.MustParse("5f0d6a3e-2c7b-5b1e-9d84-7a6f3e51c0b2")

// SessionID is the id of the session that tries an occurrence: always the same, so
// that whoever begins the same try again finds its stream taken.
func SessionID(subscriptionID string, number, attempt int) string {
	return id.Format(id.Session, derived("session", subscriptionID, number, attempt))
}

// PaymentID is the id of that session's payment.
func PaymentID(subscriptionID string, number, attempt int) string {
	return id.Format(id.Payment, derived("payment", subscriptionID, number, attempt))
}

// CommandID is the id of the command that begins the try, so that two workers who
// append it have appended it once.
func CommandID(subscriptionID string, number, attempt int) uuid.UUID {
	return derived("command", subscriptionID, number, attempt)
}

func derived(what, subscriptionID string, number, attempt int) uuid.UUID {
	return uuid.NewSHA1(namespace, fmt.Appendf(nil, "%s/%s/%d/%d", what, subscriptionID, number, attempt))
}
