package session

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"tender/domain"
	"tender/domain/id"
	"tender/domain/money"
	"tender/domain/payment"
)

// Create asks for a new session. Its fields were checked for form at the edge.
type Create struct {
	ID                uuid.UUID // of the command; the session's id is made from it
	CheckoutID        string    // 128 random bits: who has it may pay
	Type              Type
	Amount            int64
	Currency          string
	Country           string
	CaptureMethod     payment.CaptureMethod
	ExternalReference string
	Metadata          map[string]string
	Options           *Options
	ReturnURL         string
	SessionURL        string
	ExpiresAt         time.Time // zero: the default
	Now               domain.Moment
}

// SessionID is the id that the session made by c has.
func (c Create) SessionID() string { return id.Format(id.Session, c.ID) }

// DecideCreate returns the event of a new session. What the request alone shows
// to be wrong is refused at the edge with every field at once; what is left here
// is what must hold whoever asks.
func DecideCreate(c Create) ([]Event, error) {
	expires := c.ExpiresAt
	if expires.IsZero() {
		expires = c.Now.At.Add(ExpiresAfterDefault)
	}
	switch {
	case c.Amount < 1 || c.Amount > money.AmountMax:
		return nil, domain.Refuse("invalid_request", fmt.Sprintf("A payment's amount is between 1 and %d.", int64(money.AmountMax)))
	case expires.Before(c.Now.At.Add(ExpiresAfterMin)), expires.After(c.Now.At.Add(ExpiresAfterMax)):
		return nil, ErrExpiryOutOfRange
	}
	return []Event{Created{
		CheckoutID: c.CheckoutID, Kind: c.Type, Amount: c.Amount, Currency: c.Currency, Country: c.Country,
		CaptureMethod: c.CaptureMethod, ExternalReference: c.ExternalReference, Metadata: c.Metadata,
		Options: c.Options, ReturnURL: c.ReturnURL, SessionURL: c.SessionURL, ExpiresAt: expires,
	}}, nil
}

// ErrExpiryOutOfRange refuses an expiry that is too near or too far.
var ErrExpiryOutOfRange = &domain.Refusal{
	Code:   "invalid_request",
	Detail: "expires_at must be 5 minutes to 30 days ahead.",
	Field:  "/options/checkout_options/expires_at",
}
