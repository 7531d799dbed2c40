package api

import (
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
	"golang.org/x/text/language"

	"tender/domain/money"
	"tender/domain/payment"
	"tender/domain/session"
	"tender/handlers/body"
	"tender/handlers/problem"
)

// sessionRequest is a decoded request for a session. Its JSON form is what the
// idempotency key is compared by: a request that means the same is the same. What
// is read out of the options stands there already.
type sessionRequest struct {
	Amount            int64             `json:"amount"`
	Currency          string            `json:"currency"`
	Type              session.Type      `json:"type"`
	ExternalReference string            `json:"external_reference,omitempty"`
	Metadata          map[string]string `json:"metadata,omitempty"`
	Options           *session.Options  `json:"options,omitempty"`
	// Customer is who a new customer is; of the options it alone is not kept there.
	Customer      *customerRequest      `json:"customer,omitempty"`
	ReturnURL     string                `json:"-"`
	CaptureMethod payment.CaptureMethod `json:"-"`
	ExpiresAt     time.Time             `json:"-"`
	Save          session.Save          `json:"-"`
	Series        *session.Series       `json:"-"`
}

const (
	urlBytesMax  = 2048
	localeLenMax = 35

	expiryPointer = "/options/checkout_options/expires_at"
)

// readSession decodes the body of a request for a session. Zone is the merchant's,
// now the wall's time; see [sessionRequest.checkTimes] for what goes by the customer's.
func readSession(f *body.Fields, mode, zone string, now time.Time) (sessionRequest, error) {
	r := sessionRequest{CaptureMethod: payment.CaptureAutomatic, Amount: -1}
	r.Type = session.Type(f.Option("type", string(session.TypeOneTime),
		string(session.TypeOneTime), string(session.TypeFirstInSeries), string(session.TypeNextInSeries)))
	if !f.Has("amount") {
		f.Wrong("amount", problem.Required, "The amount must be given, in the currency's minor units.")
	}
	least := int64(0)
	if r.Type == session.TypeNextInSeries {
		least = 1
	}
	if n, ok := f.Amount("amount", least); ok {
		r.Amount = n
	}
	r.Currency = readCurrency(f, now)
	r.ExternalReference = f.Reference()
	r.Metadata = f.Metadata()
	readOptions(f, &r, mode, zone)
	return r, f.Done()
}

// alongside adds what is wrong with a request's times to what else is wrong with it.
func alongside(err error, late problem.FieldErrors) error {
	var wrong problem.FieldErrors
	if errors.As(err, &wrong) {
		return append(wrong, late...)
	}
	return err
}

// checkTimes returns what is wrong with the expiry and the validity at the instant
// now. It is apart from what the request alone shows, because the same request,
// sent again, may be too late for what it was in time for.
func (r sessionRequest) checkTimes(now time.Time) problem.FieldErrors {
	wrong := r.checkExpiry(now)
	if r.Series != nil {
		for _, p := range r.Series.Terms.ProblemsAt(now) {
			wrong.Add(mandatePointer+p.Pointer, p.Code, p.Detail)
		}
	}
	return wrong
}

// checkExpiry returns what is wrong with the expiry at the instant now.
func (r sessionRequest) checkExpiry(now time.Time) problem.FieldErrors {
	var wrong problem.FieldErrors
	switch {
	case r.ExpiresAt.IsZero():
	case r.ExpiresAt.Before(now.Add(session.ExpiresAfterMin)):
		wrong.Add(expiryPointer, problem.TooSmall, "The expiry must lie at least 5 minutes ahead.")
	case r.ExpiresAt.After(now.Add(session.ExpiresAfterMax)):
		wrong.Add(expiryPointer, problem.TooLarge, "The expiry must lie at most 30 days ahead.")
	}
	return wrong
}

func readCurrency(f *body.Fields, now time.Time) string {
	if !f.Has("currency") {
		f.Wrong("currency", problem.Required, "The currency must be given, an ISO 4217 code.")
		return ""
	}
	code, ok := f.Text("currency")
	if !ok {
		return ""
	}
	c, err := money.Accept(code, now)
	if err != nil {
		f.Wrong("currency", problem.UnknownCurrency, err.Error())
	}
	return c.Code
}

func readOptions(f *body.Fields, r *sessionRequest, mode, zone string) {
	o := f.Object("options")
	if o != nil {
		r.Options = &session.Options{}
		if c := o.Object("checkout_options"); c != nil {
			r.Options.CheckoutOptions = readCheckoutOptions(c, r, mode)
		}
		if m := o.Object("payment_method_options"); m != nil {
			r.Options.PaymentMethodOptions = readMethodOptions(m, r)
		}
		readParties(o, r, mode)
	}
	readSeries(f, o, r, zone)
	if o != nil {
		o.Unknown()
	}
}

func readCheckoutOptions(c *body.Fields, r *sessionRequest, mode string) *session.CheckoutOptions {
	out := &session.CheckoutOptions{}
	name := "return_url"
	if c.Has("success_url") {
		if c.Has("return_url") {
			c.Wrong("success_url", problem.Contradiction, "return_url and success_url mean the same; send one of them.")
		}
		name = "success_url"
		c.Take("return_url")
	}
	if u, ok := c.Text(name); ok {
		if detail := checkReturnURL(u, mode); detail != "" {
			c.Wrong(name, problem.InvalidFormat, detail)
		}
		if r.Type == session.TypeNextInSeries {
			c.Wrong(name, problem.Contradiction, "Nobody comes to a next_in_series session, so nobody returns from it.")
		}
		out.ReturnURL, r.ReturnURL = u, u
	}
	out.SavePaymentMethod = c.Option("save_payment_method", "",
		string(session.SaveNever), string(session.SaveAlways), string(session.SavePrompt))
	r.Save = session.Save(out.SavePaymentMethod)
	switch {
	case r.Save == "":
	case r.Type != session.TypeOneTime:
		c.Wrong("save_payment_method", problem.Contradiction, "save_payment_method goes with one_time only: a series saves the method by itself.")
	case r.Amount == 0 && r.Save != session.SaveAlways:
		c.Wrong("save_payment_method", problem.Contradiction, "With an amount of 0 the method is saved: send always, or leave it out.")
	}
	out.PresentationMode = readPresentation(c, r.Type)
	if t, ok := c.Instant("expires_at"); ok {
		if r.Type == session.TypeNextInSeries {
			c.Wrong("expires_at", problem.Contradiction, "A next_in_series session never expires.")
		}
		out.ExpiresAt = &t
		if r.Type != session.TypeNextInSeries {
			r.ExpiresAt = t
		}
	}
	if l, ok := c.Text("locale"); ok {
		if _, err := language.Parse(l); err != nil || len(l) > localeLenMax {
			c.Wrong("locale", problem.InvalidFormat, "The locale must be a BCP 47 tag, for example en-ZA.")
		}
		out.Locale = l
	}
	c.Unknown()
	return out
}

func readPresentation(c *body.Fields, t session.Type) *session.PresentationMode {
	p := c.Object("presentation_mode")
	if p == nil {
		return nil
	}
	if !p.Has("mode") {
		p.Wrong("mode", problem.Required, "The mode must be given.")
	}
	out := session.PresentationMode{Mode: session.Presentation(p.Option("mode", string(session.PresentRedirect),
		string(session.PresentRedirect), string(session.PresentModal), string(session.PresentInline)))}
	if out.Embedded() && t == session.TypeNextInSeries {
		p.Wrong("mode", problem.Contradiction, "A next_in_series session has no checkout that could be shown.")
	}
	if show, ok := p.Boolean("display_pay_button"); ok {
		out.DisplayPayButton = &show
		if !out.Embedded() {
			p.Wrong("display_pay_button", problem.Contradiction, "display_pay_button goes with embedded_modal and embedded_inline only.")
		}
	}
	p.Unknown()
	return &out
}

func readMethodOptions(m *body.Fields, r *sessionRequest) *session.PaymentMethodOptions {
	out := &session.PaymentMethodOptions{}
	if card := m.Object("card"); card != nil {
		method := card.Option("capture_method", "", string(payment.CaptureAutomatic), string(payment.CaptureManual))
		out.Card = &session.CardOptions{CaptureMethod: payment.CaptureMethod(method)}
		if method != "" {
			r.CaptureMethod = payment.CaptureMethod(method)
		}
		card.Unknown()
	}
	m.Unknown()
	return out
}

var (
	appScheme       = regexp.MustCompile(`^[a-z][a-z0-9+.-]{1,30}$`)
	forbiddenScheme = map[string]bool{
		"javascript": true, "data": true, "vbscript": true, "file": true, "blob": true, "about": true, "intent": true,
	}
)

// checkReturnURL returns what is wrong with a return URL, or "".
func checkReturnURL(raw, mode string) string {
	if len(raw) > urlBytesMax {
		return fmt.Sprintf("The URL is longer than %d bytes.", urlBytesMax)
	}
	u, err := url.Parse(raw)
	if err != nil || u.Scheme == "" || strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '\\' }) {
		return "The URL can't be read. It needs a scheme, a host and no spaces."
	}
	switch scheme := u.Scheme; {
	case scheme == "https":
		return checkWebURL(u)
	case scheme == "http" && mode == "test" && isLoopback(u.Hostname()):
		return checkWebURL(u)
	case scheme == "http":
		return "The URL must be https; http is for loopback addresses in test mode."
	case forbiddenScheme[scheme] || !appScheme.MatchString(scheme):
		return "The URL's scheme is not allowed."
	}
	return ""
}

func checkWebURL(u *url.URL) string {
	switch {
	case u.Hostname() == "":
		return "The URL needs a host."
	case u.User != nil:
		return "The URL must not hold a user name or password."
	}
	return ""
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
