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
	// ID is the command's; the session's id is made from it. Of a subscription's
	// session it is derived from the occurrence and the try, so that there is only
	// ever one.
	ID                uuid.UUID
	CheckoutID        string // 128 random bits: who has it may pay; not with next_in_series
	Type              Type
	Amount            int64 // minor units; 0: a method is verified
	Currency          string
	Country           string
	CaptureMethod     payment.CaptureMethod
	ExternalReference string
	Metadata          map[string]string
	Options           *Options
	ReturnURL         string
	SessionURL        string    // not with next_in_series
	ExpiresAt         time.Time // zero: the default; never with next_in_series
	CustomerID        string
	ClockID           string  // of the customer's test clock
	Save              Save    // one_time only
	Series            *Series // first_in_series only
	Charge            *Charge // next_in_series only
	Now               domain.Moment
}

// SessionID is the id that the session made by c has.
func (c Create) SessionID() string { return id.Format(id.Session, c.ID) }

// invalid refuses what one field of the request shows to be wrong.
func invalid(field, detail string) *domain.Refusal {
	return &domain.Refusal{Code: "invalid_request", Detail: detail, Field: field}
}

// Refusals of what a request alone shows to be wrong.
var (
	ErrAmountOutOfRange  = invalid("/amount", fmt.Sprintf("A session's amount is between 0 and %d.", int64(money.AmountMax)))
	ErrAmountMissing     = invalid("/amount", "A payment without the customer has an amount of 1 or more.")
	ErrTypeUnknown       = invalid("/type", "type is one_time, first_in_series or next_in_series.")
	ErrExpiryOutOfRange  = invalid("/options/checkout_options/expires_at", "expires_at must be 5 minutes to 30 days ahead.")
	ErrExpiryMisplaced   = invalid("/options/checkout_options/expires_at", "A payment without the customer never expires.")
	ErrReturnMisplaced   = invalid("/options/checkout_options/return_url", "A payment without the customer returns nowhere.")
	ErrSaveUnknown       = invalid("/options/checkout_options/save_payment_method", "save_payment_method is never, always or prompt.")
	ErrSaveMisplaced     = invalid("/options/checkout_options/save_payment_method", "save_payment_method is for one_time sessions only.")
	ErrVerifiedUnsaved   = invalid("/options/checkout_options/save_payment_method", "With an amount of 0 the payment method is saved: save_payment_method is always, or absent.")
	ErrCustomerMissing   = invalid("/options/customer_id", "A series of payments belongs to a customer.")
	ErrMethodMissing     = invalid("/options/payment_method_id", "A payment without the customer needs a saved payment method.")
	ErrMethodMisplaced   = invalid("/options/payment_method_id", "payment_method_id is for next_in_series only.")
	ErrSeriesMisplaced   = invalid("/options/mandate_options", "mandate_options are for first_in_series only.")
	ErrTermsMissing      = invalid("/options/mandate_options", "A series of payments needs the terms that the customer agrees to.")
	ErrTermsCurrency     = invalid("/currency", "The mandate is in the session's currency.")
	ErrMandateUnresolved = invalid("/options/mandate_id", "A payment without the customer is made under a mandate.")
)

// DecideCreate returns the event of a new session. What the request alone shows
// to be wrong is refused at the edge with every field at once; what is left here
// is what must hold whoever asks.
func DecideCreate(c Create) ([]Event, error) {
	if c.Amount < 0 || c.Amount > money.AmountMax {
		return nil, ErrAmountOutOfRange
	}
	var err error
	switch c.Type {
	case TypeOneTime:
		err = c.checkOneTime()
	case TypeFirstInSeries:
		err = c.checkFirst()
	case TypeNextInSeries:
		err = c.checkNext()
	default:
		err = ErrTypeUnknown
	}
	if err != nil {
		return nil, err
	}
	e := Created{
		CheckoutID: c.CheckoutID, Kind: c.Type, Amount: c.Amount, Currency: c.Currency, Country: c.Country,
		CaptureMethod: c.CaptureMethod, ExternalReference: c.ExternalReference, Metadata: c.Metadata,
		Options: c.Options, ReturnURL: c.ReturnURL, SessionURL: c.SessionURL,
		CustomerID: c.CustomerID, ClockID: c.ClockID, Save: c.Save, Series: c.Series, Charge: c.Charge,
	}
	if c.Type == TypeNextInSeries {
		e.CheckoutID, e.SessionURL = "", ""
		return []Event{e}, nil
	}
	if c.Type == TypeOneTime && c.Amount == 0 {
		e.Save = SaveAlways // that is what a verification is for
	}
	if e.ExpiresAt, err = c.expiry(); err != nil {
		return nil, err
	}
	return []Event{e}, nil
}

func (c Create) expiry() (time.Time, error) {
	at := c.ExpiresAt
	if at.IsZero() {
		at = c.Now.At.Add(ExpiresAfterDefault)
	}
	if at.Before(c.Now.At.Add(ExpiresAfterMin)) || at.After(c.Now.At.Add(ExpiresAfterMax)) {
		return time.Time{}, ErrExpiryOutOfRange
	}
	return at, nil
}

func (c Create) checkOneTime() error {
	switch c.Save {
	case "", SaveAlways:
	case SaveNever, SavePrompt:
		if c.Amount == 0 {
			return ErrVerifiedUnsaved
		}
	default:
		return ErrSaveUnknown
	}
	switch {
	case c.Series != nil:
		return ErrSeriesMisplaced
	case c.Charge != nil:
		return ErrMethodMisplaced
	}
	return nil
}

func (c Create) checkFirst() error {
	switch {
	case c.Save != "":
		return ErrSaveMisplaced
	case c.Charge != nil:
		return ErrMethodMisplaced
	case c.CustomerID == "":
		return ErrCustomerMissing
	case c.Series == nil:
		return ErrTermsMissing
	case c.Series.Terms.Currency != c.Currency:
		return ErrTermsCurrency
	}
	return nil
}

func (c Create) checkNext() error {
	switch {
	case c.Amount == 0:
		return ErrAmountMissing
	case c.Save != "":
		return ErrSaveMisplaced
	case c.Series != nil:
		return ErrSeriesMisplaced
	case c.ReturnURL != "":
		return ErrReturnMisplaced
	case !c.ExpiresAt.IsZero():
		return ErrExpiryMisplaced
	case c.CustomerID == "":
		return ErrCustomerMissing
	case c.Charge == nil || c.Charge.PaymentMethodID == "":
		return ErrMethodMissing
	case c.Charge.MandateID == "":
		return ErrMandateUnresolved
	}
	return nil
}
