package object

import (
	"encoding/json"

	"tender/domain/session"
)

// Options are what the merchant asked for beyond the amount, as given; the
// instant among them is written as the API writes all of them.
type Options struct {
	CheckoutOptions      *CheckoutOptions              `json:"checkout_options,omitempty"`
	PaymentMethodOptions *session.PaymentMethodOptions `json:"payment_method_options,omitempty"`
	CustomerID           string                        `json:"customer_id,omitempty"`
	PaymentMethodID      string                        `json:"payment_method_id,omitempty"`
	MandateID            string                        `json:"mandate_id,omitempty"`
	MandateOptions       json.RawMessage               `json:"mandate_options,omitempty"`
	SubscriptionOptions  json.RawMessage               `json:"subscription_options,omitempty"`
	SubscriptionID       string                        `json:"subscription_id,omitempty"`
}

// CheckoutOptions shape the checkout.
type CheckoutOptions struct {
	ReturnURL         string                    `json:"return_url,omitempty"`
	SavePaymentMethod string                    `json:"save_payment_method,omitempty"`
	PresentationMode  *session.PresentationMode `json:"presentation_mode,omitempty"`
	ExpiresAt         *Time                     `json:"expires_at,omitempty"`
	Locale            string                    `json:"locale,omitempty"`
}

// Presentation is how the session is shown to its customer.
func (s Session) Presentation() session.PresentationMode {
	if s.Options == nil || s.Options.CheckoutOptions == nil || s.Options.CheckoutOptions.PresentationMode == nil {
		return session.PresentationMode{Mode: session.PresentRedirect}
	}
	return *s.Options.CheckoutOptions.PresentationMode
}

// optionsOf returns the options as clients see them; nil where none were given.
func optionsOf(o *session.Options) *Options {
	if o == nil {
		return nil
	}
	shown := &Options{
		PaymentMethodOptions: o.PaymentMethodOptions, CustomerID: o.CustomerID, PaymentMethodID: o.PaymentMethodID,
		MandateID: o.MandateID, SubscriptionID: o.SubscriptionID,
		MandateOptions: o.MandateOptions, SubscriptionOptions: o.SubscriptionOptions,
	}
	if c := o.CheckoutOptions; c != nil {
		shown.CheckoutOptions = &CheckoutOptions{
			ReturnURL: c.ReturnURL, SavePaymentMethod: c.SavePaymentMethod, PresentationMode: c.PresentationMode,
			ExpiresAt: (*Time)(c.ExpiresAt), Locale: c.Locale,
		}
	}
	return shown
}
