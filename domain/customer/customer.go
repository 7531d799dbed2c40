// Package customer holds the rules of a customer: what is theirs, and when they
// may be forgotten.
//
// It refuses to know who the person is: their name, e-mail and phone lie in the
// vault. The customer's stream names everything that is theirs, because erasure
// and the removal of a method must not rest on a read model that may be late.
package customer

import (
	"fmt"
	"slices"

	"github.com/google/uuid"

	"tender/domain"
	"tender/domain/id"
)

// Limits of what one customer may have at a time. Together they bound how much is
// appended when a customer is erased.
const (
	MethodsMax       = 50
	MandatesMax      = 50 // that have not ended
	SubscriptionsMax = 25 // that have not ended
	// OpenPaymentsMax is how many payments may be in flight or capturable.
	OpenPaymentsMax = 500
)

// codeLimitReached is the code of every limit above.
const codeLimitReached domain.Code = "customer_limit_reached"

// Refusals.
var (
	ErrUnknown              = domain.Refuse("not_found", "There is no such customer.")
	ErrErased               = domain.Refuse("erased", "The customer has been erased.")
	ErrHasOpenPayments      = domain.Refuse("customer_has_open_payments", "A payment of the customer's is in flight or can still be captured. Wait for its outcome, or void what is reserved, before you erase the customer.")
	ErrTooManyMethods       = domain.Refuse(codeLimitReached, fmt.Sprintf("The customer has %d payment methods, as many as a customer may have. Remove one that is no longer used.", MethodsMax))
	ErrTooManyMandates      = domain.Refuse(codeLimitReached, fmt.Sprintf("The customer has %d mandates that have not ended, as many as a customer may have. Revoke one that is no longer used.", MandatesMax))
	ErrTooManySubscriptions = domain.Refuse(codeLimitReached, fmt.Sprintf("The customer has %d subscriptions that have not ended, as many as a customer may have. Cancel one that is no longer used.", SubscriptionsMax))
	ErrTooManyOpenPayments  = domain.RefuseForNow(codeLimitReached, fmt.Sprintf("The customer has %d payments in flight or capturable, as many as a customer may have. Capture or void some of them.", OpenPaymentsMax))
)

// State is what the rules need to know of a customer. The zero State does not
// exist yet.
type State struct {
	ID      string
	ClockID string // "": the customer lives by the wall's clock
	Erased  bool
	// What is theirs, each in the order in which it came.
	Methods       []string
	Mandates      []Mandate // that have not ended
	Subscriptions []string  // that have not ended
	Open          []OpenPayment
}

// Mandate is a mandate that has not ended, and the method that it is for.
type Mandate struct {
	ID              string
	PaymentMethodID string
}

// OpenPayment is a payment that is in flight or capturable.
type OpenPayment struct {
	ID     string
	Brings Brings // if it succeeds
}

// Exists reports whether the customer was ever created.
func (s State) Exists() bool { return s.ID != "" }

// Available refuses to do anything new for a customer who was never created or
// has been erased.
func (s State) Available() error {
	switch {
	case !s.Exists():
		return ErrUnknown
	case s.Erased:
		return ErrErased
	}
	return nil
}

// HasMethod reports whether the method is the customer's.
func (s State) HasMethod(methodID string) bool { return slices.Contains(s.Methods, methodID) }

// MandatesOf lists the ids of the mandates for a method that have not ended.
func (s State) MandatesOf(methodID string) []string {
	var ids []string
	for _, m := range s.Mandates {
		if m.PaymentMethodID == methodID {
			ids = append(ids, m.ID)
		}
	}
	return ids
}

// Create asks for a new customer.
type Create struct {
	ID uuid.UUID // of the command; the customer's id is made from it
	// ProfileRef names what is known of the person in the vault, where it has been
	// put before; "": nothing is.
	ProfileRef string
	ClockID    string // of a test clock; "": none
}

// CustomerID is the id that the customer made by c has.
func (c Create) CustomerID() string { return id.Format(id.Customer, c.ID) }

// DecideCreate returns the event of a new customer.
func DecideCreate(c Create) []Event {
	return []Event{Created{ProfileRef: c.ProfileRef, ClockID: c.ClockID}}
}
