package method

import (
	"fmt"
	"slices"
)

// Evolve returns the state after e. It panics on an event type that this build
// was compiled with and forgot to handle.
func Evolve(s State, id string, e Event) State {
	switch e := e.(type) {
	case Saved:
		return State{
			ID: id, CustomerID: e.CustomerID, ClockID: e.ClockID, Details: e.Details, VaultRef: e.VaultRef, SessionID: e.SessionID,
			NetworkTransactionID: e.NetworkTransactionID,
		}
	case MandateAdded:
		s.Mandates = append(slices.Clone(s.Mandates), e.MandateID)
	case MandateEnded:
		s.Mandates = slices.DeleteFunc(slices.Clone(s.Mandates), func(m string) bool { return m == e.MandateID })
	case BecameUnusable:
		s.Unusable = true
	case Verified:
		s.Unusable = false
	case Removed:
		s.Removed, s.Mandates = true, nil
	default:
		panic(fmt.Sprintf("method: %T is not handled", e))
	}
	return s
}
