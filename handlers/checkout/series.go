package checkout

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"

	"tender/domain/decline"
	"tender/domain/mandate"
	"tender/domain/method"
	"tender/domain/session"
	"tender/handlers/checkout/page"
	"tender/projections/object"
)

// terms is the text that the customer has to agree to; "" where the session begins
// no series.
func (v *view) terms() string {
	st := v.session.Value
	if st.Series == nil {
		return ""
	}
	text, _ := mandate.TermsText(st.Series.Terms, v.merchant.Value.Settings.Name, v.locale())
	return text
}

// termsTokenBytes of a digest name a text among all that a merchant may ever show.
const termsTokenBytes = 12

// termsToken names a text in the form that it is shown with, so that nobody agrees
// to one that they have not seen.
func termsToken(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.RawURLEncoding.EncodeToString(sum[:termsTokenBytes])
}

// locale is the page's language, or where no page is shown the one that the merchant
// wants; "" where they don't say.
func (v *view) locale() string {
	if v.spoken != "" {
		return v.spoken
	}
	if o := v.shown.Value.Options; o != nil && o.CheckoutOptions != nil {
		return o.CheckoutOptions.Locale
	}
	return ""
}

// asksToSave reports whether the customer says if the card is saved.
func (v *view) asksToSave() bool {
	st := v.session.Value
	return st.SavesMethod(true) && !st.SavesMethod(false)
}

// needsCVC reports whether a saved card pays only with its security code.
func (v *view) needsCVC() bool { return !v.merchant.Value.Settings.SavedCardsWithoutCVC }

// offered lists the saved methods that the customer may pay with, the latest first,
// and of equal ones the latest alone.
func (v *view) offered() []object.PaymentMethod {
	if v.owner == nil || !v.payable() {
		return nil
	}
	var all []object.PaymentMethod
	type kind struct {
		fingerprint string
		month, year int
	}
	seen := map[kind]bool{}
	for _, methodID := range slices.Backward(v.owner.Value.Methods) {
		m, ok := v.savedMethod(methodID)
		if !ok {
			continue
		}
		if _, ok := v.way(m.Type); !ok {
			continue
		}
		k := kind{fingerprint: m.Fingerprint()}
		if m.Card != nil {
			k.month, k.year = m.Card.ExpMonth, m.Card.ExpYear
		}
		if !seen[k] {
			all = append(all, m)
		}
		seen[k] = true
	}
	return all
}

// savedMethod is one of the customer's saved methods, unless it was removed.
func (v *view) savedMethod(methodID string) (object.PaymentMethod, bool) {
	m := v.methods[methodID]
	if m == nil || m.Value.ID == "" {
		return object.PaymentMethod{}, false
	}
	return m.Value, true
}

// showSeries adds what concerns saving, saved methods and later payments.
func (v *view) showSeries(out *page.View) {
	st := v.session.Value
	out.Verifies = st.Amount == 0
	if agreed := v.agreed(); agreed != nil && st.Status == session.StatusCompleted {
		out.Agreed = strings.Split(agreed.Text, "\n")
		out.AgreedLang, _, _ = strings.Cut(agreed.TextVersion, "-") // which begins with it
	}
	if st.Status == session.StatusCompleted {
		out.Saved = v.payment != nil && v.payment.Value.Attempt.Save != nil
		return
	}
	if text := v.terms(); text != "" {
		out.Terms, out.TermsToken = strings.Split(text, "\n"), termsToken(text)
	}
	out.AsksToSave, out.Saves = v.asksToSave(), st.SavesMethod(false)
	out.SavedNeedCVC = v.needsCVC()
	now := v.now()
	for _, m := range v.offered() {
		saved := page.SavedMethod{ID: m.ID}
		switch {
		case m.Card != nil:
			d := m.Card.CardDetails
			saved.Scheme, saved.Last4, saved.ExpMonth, saved.ExpYear = d.Scheme, d.Last4, d.ExpMonth, d.ExpYear
			saved.CVCDigits, saved.Expired = d.CVCDigits(), d.ExpiredAt(now)
		case m.Account != nil:
			saved.Kind, saved.Phone = string(m.Type), m.Account.Phone
		}
		out.SavedMethods = append(out.SavedMethods, saved)
	}
	out.Values.Method = v.suggested(out.SavedMethods)
	out.Values.Save = out.AsksToSave && v.payment != nil && v.payment.Value.Attempt.Save != nil
}

// agreed is what the customer agreed to as they paid, as it is kept; nil where that is
// nothing.
func (v *view) agreed() *mandate.Consent {
	if v.payment == nil || v.payment.Value.Attempt.Save == nil {
		return nil
	}
	return v.payment.Value.Attempt.Save.Consent
}

// suggested is the saved method that is chosen until the customer chooses: the latest
// that is good. After a try that failed it is what they tried, and another card where
// the bank does not want that one.
func (v *view) suggested(methods []page.SavedMethod) string {
	if e := v.shown.Value.LastPaymentError; e != nil && v.payment != nil {
		switch decline.ErrorCode(e.ErrorCode) {
		case decline.CardDeclined, decline.ExpiredCard, decline.PaymentMethodUnavailable:
			return page.AnotherCard
		case decline.AuthenticationFailed, decline.IncorrectCVC, decline.ProcessingError, decline.CustomerCancelled, decline.TimedOut:
		}
		return good(methods, func(m page.SavedMethod) bool { return m.ID == v.payment.Value.Attempt.PaymentMethodID })
	}
	return good(methods, func(page.SavedMethod) bool { return true })
}

// good is the first method that may be chosen and is wanted.
func good(methods []page.SavedMethod, wanted func(page.SavedMethod) bool) string {
	for _, m := range methods {
		if !m.Expired && wanted(m) {
			return m.ID
		}
	}
	return page.AnotherCard
}

// savedJSON is a saved method as its customer may know it. A member that is named
// after its type says more of it.
type savedJSON struct {
	ID   string      `json:"id"`
	Type method.Kind `json:"type"`
	// CVCRequired: it pays only with its security code.
	CVCRequired bool `json:"cvc_required"`

	known any
}

// plainSaved is a saved method without its member of many names.
type plainSaved savedJSON

// MarshalJSON writes the method, and the member that its type names.
func (s savedJSON) MarshalJSON() ([]byte, error) {
	return method.MarshalKind(plainSaved(s), s.Type, s.known)
}

type savedCardJSON struct {
	Scheme   string `json:"scheme"`
	Last4    string `json:"last4"`
	ExpMonth int    `json:"exp_month"`
	ExpYear  int    `json:"exp_year"`
}

func savedOf(d method.CardDetails) savedCardJSON {
	return savedCardJSON{Scheme: d.Scheme, Last4: d.Last4, ExpMonth: d.ExpMonth, ExpYear: d.ExpYear}
}

// offers adds what an attempt may or must say, while one can be made.
func (v *view) offers(out *stateJSON) {
	if !v.payable() {
		return
	}
	out.MandateTerms, out.PromptsToSave = v.terms(), v.asksToSave()
	for _, w := range v.ways() {
		out.PaymentMethods = append(out.PaymentMethods, v.wayJSON(w))
	}
	for _, m := range v.offered() {
		saved := savedJSON{ID: m.ID, Type: m.Type, known: m.Details().Account}
		if m.Card != nil {
			saved.known, saved.CVCRequired = savedOf(m.Card.CardDetails), v.needsCVC()
		}
		out.SavedPaymentMethods = append(out.SavedPaymentMethods, saved)
	}
}
