package collect

import (
	"errors"

	"github.com/google/uuid"

	"tender/domain"
	"tender/domain/customer"
	"tender/domain/id"
	"tender/domain/mandate"
	"tender/domain/method"
	"tender/domain/payment"
	"tender/domain/session"
)

// ErrConsentMissing refuses an attempt that would make a mandate to which the
// customer has not agreed.
var ErrConsentMissing = &domain.Refusal{
	Code: "invalid_request", Field: "/accept_mandate",
	Detail: "The customer has to accept the terms of later payments.",
}

// errNotKept says that what is to be saved was not put into the vault before: a
// mistake in the program.
var errNotKept = errors.New("collect: what is to be saved is not in the vault")

// ErrNotSavable refuses to save what can't be kept for later payments.
var ErrNotSavable = &domain.Refusal{
	Code: "invalid_request", Field: "/save_payment_method",
	Detail: "This way to pay can't be saved for later payments.",
}

// Consent is the text that a customer confirmed.
type Consent struct {
	Text        string
	TextVersion string
	Locale      string
}

// Kept is where a card or an account that is to be saved lies in the vault, and what
// is equal for equal ones of one merchant.
type Kept struct {
	VaultRef    string
	Fingerprint string
}

// Keeping is whose that becomes which is to be saved, and under which id. It lies
// in the vault, under the customer's key, before the intent is appended.
type Keeping struct {
	CustomerID      string
	NewCustomer     bool // made along with the method
	PaymentMethodID string
}

// Keeps returns whose that becomes which is typed in for an attempt, and whether it
// is saved at all: what can't be kept for later payments never is. Asked says whether
// the customer wants it; command is the attempt's.
func Keeps(s session.State, k method.Kind, asked bool, command uuid.UUID) (Keeping, bool) {
	if way, _ := k.Way(); !s.SavesMethod(asked) || !way.Savable {
		return Keeping{}, false
	}
	keeping := Keeping{CustomerID: s.CustomerID, PaymentMethodID: id.Format(id.Method, command)}
	if keeping.CustomerID == "" {
		keeping.CustomerID, keeping.NewCustomer = id.Format(id.Customer, command), true
	}
	return keeping, true
}

// saving returns what an attempt saves if it succeeds: what pays, with first_in_series
// a mandate, or nothing.
func saving(s session.State, w Parties, c Attempt) (*payment.Save, error) {
	consent, err := consentTo(s, c)
	if err != nil {
		return nil, err
	}
	if w.Method.Exists() {
		if consent == nil {
			return nil, nil
		}
		return &payment.Save{CustomerID: s.CustomerID, PaymentMethodID: w.Method.ID, Consent: consent}, nil
	}
	k, saves := Keeps(s, c.Details.Type, c.SaveAsked, c.ID)
	switch {
	case !saves && s.SavesMethod(c.SaveAsked):
		return nil, ErrNotSavable
	case !saves:
		return nil, nil
	case c.Kept == nil:
		return nil, errNotKept
	}
	return &payment.Save{
		CustomerID: k.CustomerID, NewCustomer: k.NewCustomer, PaymentMethodID: k.PaymentMethodID,
		VaultRef: c.Kept.VaultRef, Fingerprint: c.Kept.Fingerprint, Consent: consent,
	}, nil
}

// brings returns what of the customer's comes of an attempt that succeeds.
func brings(s session.State, save *payment.Save) customer.Brings {
	return customer.Brings{
		Method:  save != nil && save.VaultRef != "",
		Mandate: save != nil && save.Consent != nil, Subscription: save != nil && save.Consent != nil && s.Series.Plan != nil,
	}
}

// consentTo returns the evidence that the customer agrees to the session's terms;
// nil where it has none.
func consentTo(s session.State, c Attempt) (*mandate.Consent, error) {
	switch {
	case s.Series == nil:
		return nil, nil
	case c.Consent == nil:
		return nil, ErrConsentMissing
	}
	return &mandate.Consent{
		AcceptedAt: c.Now.At, Text: c.Consent.Text, TextVersion: c.Consent.TextVersion,
		Locale: c.Consent.Locale, CheckoutSessionID: s.CheckoutID,
	}, nil
}

// saved adds what comes of an attempt that has succeeded, and names it in done. All
// of it was said in the intent; nothing here can be refused.
func (c *Changes) saved(s session.State, p payment.State, w Parties, o Outcome, done *session.Completed) error {
	save := p.Attempt.Save
	if p.Attempt.PaymentMethodID != "" {
		done.PaymentMethodID = p.Attempt.PaymentMethodID
		c.Methods = on(c.Methods, w.Method.ID, false, w.Method.Succeeded(p.ID)...)
	}
	if save == nil {
		return nil
	}
	done.CustomerID, done.PaymentMethodID = save.CustomerID, save.PaymentMethodID
	if save.NewCustomer {
		c.Customer = Stream[customer.Event]{ID: save.CustomerID, New: true, Events: []customer.Event{customer.Created{}}}
	}
	if p.Attempt.PaymentMethodID == "" {
		c.Customer.Events = append(c.Customer.Events, customer.MethodSaved{PaymentMethodID: save.PaymentMethodID})
		e := method.Saved{
			CustomerID: save.CustomerID, Details: p.Attempt.Details, Fingerprint: save.Fingerprint, VaultRef: save.VaultRef,
			SessionID: s.ID, NetworkTransactionID: o.NetworkTransactionID, ClockID: s.ClockID,
		}
		c.Methods = on(c.Methods, save.PaymentMethodID, true, method.Event(e))
	}
	if save.Consent == nil || s.Series == nil {
		return nil
	}
	return c.agreed(s, p, w, o, done)
}

// agreed adds the mandate that a first_in_series session has made, and the end of
// the one whose place it takes. A subscription that comes of it is named only: its
// own events the caller adds, see [Changes.WithSubscription].
func (c *Changes) agreed(s session.State, p payment.State, w Parties, o Outcome, done *session.Completed) error {
	save := p.Attempt.Save
	done.MandateID = id.Format(id.Mandate, o.ID)
	switch {
	case s.Series.SubscriptionID != "":
		done.SubscriptionID = s.Series.SubscriptionID
	case s.Series.Plan != nil:
		done.SubscriptionID = id.Format(id.Subscription, o.ID)
	}
	created := mandate.Created{
		CustomerID: save.CustomerID, PaymentMethodID: save.PaymentMethodID, SessionID: s.ID,
		SubscriptionID: done.SubscriptionID, Terms: s.Series.Terms, Consent: *save.Consent,
		Reference: o.Reference, NetworkTransactionID: o.NetworkTransactionID, ClockID: s.ClockID,
	}
	if s.Series.SubscriptionID != "" {
		if !w.Replaced.Mandate.Exists() {
			return ErrIncomplete
		}
		used := w.Replaced.Mandate.Usage()
		created.Carried = &used
	}
	events, err := mandate.Decide(mandate.State{}, mandate.Create{Created: created})
	if err != nil {
		return err
	}
	if w.Method.Removed {
		// It was taken out of use while it paid. What the customer agreed to is kept,
		// and that nothing comes of it.
		events = append(events, mandate.Revoked{By: mandate.BySystem, Reason: ReasonMethodRemoved})
	}
	c.Mandates = on(c.Mandates, done.MandateID, true, events...)
	c.Customer.Events = append(c.Customer.Events, customer.MandateAdded{MandateID: done.MandateID, PaymentMethodID: save.PaymentMethodID})
	atMethod := []method.Event{method.MandateAdded{MandateID: done.MandateID}}
	if ends(events) {
		c.Customer.Events = append(c.Customer.Events, customer.MandateEnded{MandateID: done.MandateID})
		atMethod = append(atMethod, method.MandateEnded{MandateID: done.MandateID})
	}
	if !w.Method.Removed {
		c.Methods = on(c.Methods, save.PaymentMethodID, false, atMethod...)
	}
	was := Parties{Customer: w.Customer, Method: w.Replaced.Method, Mandate: w.Replaced.Mandate}
	if was.Mandate.Exists() {
		return c.decideMandate(was, mandate.Revoke{By: mandate.ByReplaced})
	}
	return nil
}
