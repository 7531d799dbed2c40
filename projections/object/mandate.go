package object

import (
	"encoding/json"

	"github.com/cockroachdb/errors"

	"tender/domain/codec"
	"tender/domain/mandate"
	"tender/domain/recurrence"
	"tender/eventstore"
)

// Mandate is a customer's agreement to later payments, as clients see it. Its
// constraints stand beside its other fields, as they were given.
type Mandate struct {
	ID               string         `json:"id"`
	Status           MandateStatus  `json:"status"`
	Type             mandate.Kind   `json:"type"`
	Currency         string         `json:"currency"`
	Amount           *MandateAmount `json:"amount,omitempty"`
	Recurrence       *Rule          `json:"recurrence,omitempty"`
	ValidityPeriod   *Validity      `json:"validity_period,omitempty"`
	MaxOccurrences   int            `json:"max_occurrences,omitempty"`
	PeriodLimits     *PeriodLimits  `json:"period_limits,omitempty"`
	TotalAmount      int64          `json:"total_amount,omitempty"`
	Terms            *Instalments   `json:"terms,omitempty"`
	TimeZone         string         `json:"time_zone"`
	Consent          Consent        `json:"consent"`
	Revocation       *Revocation    `json:"revocation,omitempty"`
	CustomerID       string         `json:"customer_id"`
	PaymentMethodID  string         `json:"payment_method_id"`
	PaymentSessionID string         `json:"payment_session_id"`
	SubscriptionID   string         `json:"subscription_id,omitempty"`
	Usage            Usage          `json:"usage"`
	Mode             string         `json:"mode"`
	Version          int            `json:"version"`
	CreatedAt        Time           `json:"created_at"`
	UpdatedAt        Time           `json:"updated_at"`
}

// MandateStatus says whether payments may be made under a mandate, and else why not.
type MandateStatus string

// Statuses of a mandate.
const (
	mandateActive    MandateStatus = "active"
	mandateRevoked   MandateStatus = "revoked"
	mandateExpired   MandateStatus = "expired"
	mandateExhausted MandateStatus = "exhausted"
)

// MandateAmount is exactly so much, written as a number, or a range.
type MandateAmount struct{ mandate.Amount }

type amountRange struct {
	Min int64 `json:"min,omitempty"`
	Max int64 `json:"max,omitempty"`
}

// MarshalJSON writes the amount as the API has it.
func (a MandateAmount) MarshalJSON() ([]byte, error) {
	if a.Exact != 0 {
		return json.Marshal(a.Exact)
	}
	return json.Marshal(amountRange{a.Min, a.Max})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (a *MandateAmount) UnmarshalJSON(b []byte) error {
	*a = MandateAmount{}
	if len(b) > 0 && b[0] != '{' {
		return errors.Wrap(json.Unmarshal(b, &a.Exact), "read a mandate's amount")
	}
	var r amountRange
	if err := json.Unmarshal(b, &r); err != nil {
		return errors.Wrap(err, "read a mandate's amount")
	}
	a.Min, a.Max = r.Min, r.Max
	return nil
}

// Rule is a recurrence as the API writes it.
type Rule = recurrence.Rule

// Validity, PeriodLimits and Instalments are terms as the API writes them.
type (
	Validity     = mandate.Validity
	PeriodLimits = mandate.PeriodLimits
)

// InstalmentsType says how the parts of a total are laid down.
type InstalmentsType string

// Types of instalments.
const (
	instalmentsPeriodic InstalmentsType = "periodic"
	instalmentsFixed    InstalmentsType = "fixed"
)

// Instalments are how a total is paid in parts.
type Instalments struct {
	Type           InstalmentsType `json:"type"`
	Amount         int64           `json:"amount,omitempty"`
	Recurrence     *Rule           `json:"recurrence,omitempty"`
	MaxOccurrences int             `json:"max_occurrences,omitempty"`
	Items          []mandate.Item  `json:"items,omitempty"`
}

// Consent is the evidence that the customer agreed.
type Consent struct {
	AcceptedAt        Time   `json:"accepted_at"`
	Text              string `json:"text"`
	TextVersion       string `json:"text_version"`
	Locale            string `json:"locale"`
	CheckoutSessionID string `json:"checkout_session_id"`
}

// Revocation says when, by whom and why a mandate was ended.
type Revocation struct {
	At     Time              `json:"at"`
	By     mandate.RevokedBy `json:"by"`
	Reason string            `json:"reason,omitempty"`
}

// Usage is what was paid under a mandate.
type Usage struct {
	SuccessfulCount  int   `json:"successful_count"`
	SuccessfulAmount int64 `json:"successful_amount"`
	LastPaymentAt    *Time `json:"last_payment_at,omitempty"`
}

// Apply returns the mandate after one more event of its stream. Events of other
// aggregates change nothing.
func (o Mandate) Apply(mode string, e eventstore.Event, d codec.Named) Mandate {
	switch d := d.(type) {
	case mandate.Created:
		o = newMandate(mode, e, d)
	case mandate.ChargeSucceeded:
		o.Usage.SuccessfulCount++
		o.Usage.SuccessfulAmount += d.Amount
		o.Usage.LastPaymentAt = timeOf(e.At)
	case mandate.ChargeReduced:
		o.Usage.SuccessfulAmount -= d.Amount
		if d.Whole {
			o.Usage.SuccessfulCount--
		}
	case mandate.Revoked:
		o.Status, o.Revocation = mandateRevoked, &Revocation{At: Time(e.At), By: d.By, Reason: d.Reason}
	case mandate.Expired:
		o.Status = mandateExpired
	case mandate.Exhausted:
		o.Status = mandateExhausted
	case mandate.ChargeStarted, mandate.ChargeFailed:
	default:
		return o
	}
	o.Version, o.UpdatedAt = e.Version, Time(e.At)
	return o
}

func newMandate(mode string, e eventstore.Event, d mandate.Created) Mandate {
	t := d.Terms
	o := Mandate{
		ID: e.Stream, Status: mandateActive, Type: t.Kind, Currency: t.Currency, MaxOccurrences: t.MaxOccurrences,
		PeriodLimits: t.PeriodLimits, TimeZone: t.TimeZone, CustomerID: d.CustomerID, PaymentMethodID: d.PaymentMethodID,
		PaymentSessionID: d.SessionID, SubscriptionID: d.SubscriptionID, Mode: mode, CreatedAt: Time(e.At),
		Consent: Consent{
			AcceptedAt: Time(d.Consent.AcceptedAt), Text: d.Consent.Text, TextVersion: d.Consent.TextVersion,
			Locale: d.Consent.Locale, CheckoutSessionID: d.Consent.CheckoutSessionID,
		},
		Recurrence: ruleOf(t.Recurrence),
	}
	if t.Amount != nil {
		o.Amount = &MandateAmount{*t.Amount}
	}
	if t.Validity != (mandate.Validity{}) {
		o.ValidityPeriod = &t.Validity
	}
	if i := t.Instalments; i != nil {
		o.TotalAmount, o.Terms = i.TotalAmount, instalmentsOf(i)
	}
	if c := d.Carried; c != nil {
		o.Usage = Usage{SuccessfulCount: c.Count, SuccessfulAmount: c.Amount, LastPaymentAt: timeOf(c.LastPaymentAt)}
	}
	return o
}

func instalmentsOf(i *mandate.Instalments) *Instalments {
	if len(i.Items) > 0 {
		return &Instalments{Type: instalmentsFixed, Items: i.Items}
	}
	return &Instalments{Type: instalmentsPeriodic, Amount: i.Amount, Recurrence: ruleOf(i.Recurrence), MaxOccurrences: i.MaxOccurrences}
}

func ruleOf(r recurrence.Rule) *Rule {
	if r.IsZero() {
		return nil
	}
	return &r
}
