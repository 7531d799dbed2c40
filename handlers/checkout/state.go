package checkout

import (
	"encoding/json"
	"mime"
	"net/http"

	"tender/domain/decline"
	"tender/domain/payment"
	"tender/domain/session"
	"tender/handlers/body"
	"tender/handlers/problem"
	"tender/projections/object"
)

// stateJSON is what the checkout shows, for its own page and for others.
type stateJSON struct {
	Status           session.Status  `json:"status"`
	PaymentOutcome   session.Outcome `json:"payment_outcome"`
	LastPaymentError *customerError  `json:"last_payment_error,omitempty"`
	AttemptID        string          `json:"attempt_id,omitempty"`
	NextAction       *nextAction     `json:"next_action,omitempty"`
	// What the next attempt may or must say; see [view.offers].
	PaymentMethods      []wayJSON   `json:"payment_methods,omitempty"`
	MandateTerms        string      `json:"mandate_terms,omitempty"`
	PromptsToSave       bool        `json:"prompts_to_save,omitempty"`
	SavedPaymentMethods []savedJSON `json:"saved_payment_methods,omitempty"`
}

// customerError is why the last attempt failed, as far as it concerns the
// customer: never the decline code.
type customerError struct {
	ErrorCode string      `json:"error_code"`
	Message   string      `json:"message"`
	Timestamp object.Time `json:"timestamp"`
}

// nextAction is what the customer has to do elsewhere.
type nextAction struct {
	Type payment.ActionKind `json:"type"`
	// URL is where to go. Of an approval it is the page that plays the telephone, in
	// test mode alone.
	URL string `json:"url,omitempty"`
	// ExpiresAt is until when an approval is waited for.
	ExpiresAt *object.Time `json:"expires_at,omitempty"`
}

// nextURL is the address in next_action; "": there is none.
func (s stateJSON) nextURL() string {
	if s.NextAction == nil {
		return ""
	}
	return s.NextAction.URL
}

func (v *view) state() stateJSON {
	o := v.shown.Value
	out := stateJSON{Status: o.Status, PaymentOutcome: o.PaymentOutcome, AttemptID: v.attemptID()}
	if e := o.LastPaymentError; e != nil && !v.inFlight() {
		out.LastPaymentError = &customerError{ErrorCode: string(e.ErrorCode), Message: v.adviceOf(e.ErrorCode), Timestamp: e.Timestamp}
	}
	out.NextAction = v.nextAction()
	v.offers(&out)
	return out
}

// adviceOf says what the customer can do after a failed attempt, in words that fit what
// they tried to pay with.
func (v *view) adviceOf(code decline.ErrorCode) string {
	if v.payment != nil && v.payment.Value.Attempt.Details.Type.IsAccount() {
		return accountAdvice(code)
	}
	switch code {
	case decline.CardDeclined:
		return "The card was declined. Try another card, or ask your bank."
	case decline.AuthenticationFailed:
		return "Your bank could not confirm that it was you. Try again, or use another card."
	case decline.ExpiredCard:
		return "The card has expired. Use another card."
	case decline.IncorrectCVC:
		return "The security code is wrong. Check it and try again."
	case decline.CustomerCancelled:
		return "You cancelled the payment."
	case decline.TimedOut:
		return "The payment was not confirmed in time. Try again."
	case decline.PaymentMethodUnavailable:
		return "This way to pay is not available now. Try another one."
	case decline.ProcessingError:
	}
	return notProcessed
}

const notProcessed = "The payment could not be processed. You were not charged; try again."

// accountAdvice names no bank: who keeps the account is often none.
func accountAdvice(code decline.ErrorCode) string {
	switch code {
	case decline.CardDeclined:
		return "The payment was declined. Try again, or choose another way to pay."
	case decline.AuthenticationFailed:
		return "It could not be confirmed that it was you. Try again, or choose another way to pay."
	case decline.CustomerCancelled:
		return "You did not approve the payment. Try again, or choose another way to pay."
	case decline.TimedOut:
		return "The payment was not approved in time. Try again, or choose another way to pay."
	case decline.PaymentMethodUnavailable:
		return "This way to pay is not available now. Choose another one."
	case decline.ProcessingError, decline.ExpiredCard, decline.IncorrectCVC:
	}
	return notProcessed
}

// state answers with the state as JSON, also after something was done.
func (s *Server) state(w http.ResponseWriter, r *http.Request) {
	v, err := s.load(r.Context(), r.PathValue("checkout"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.encode(w, r, v)
}

func (s *Server) encode(w http.ResponseWriter, r *http.Request, v view) {
	encoded, err := json.Marshal(v.state())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	privately(w.Header())
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(encoded)
}

// privately keeps the checkout's address and content out of caches and other
// sites' hands.
func privately(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
}

func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := problem.From(err)
	if p.Status() >= http.StatusInternalServerError {
		s.Log.ErrorContext(r.Context(), "checkout failed", "route", r.Pattern, "code", p.Code, "error", err)
	}
	privately(w.Header())
	problem.Write(w, r, s.BaseURL, p)
}

func hasMediaType(contentType, want string) bool {
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && media == want
}

// readJSON reads a JSON body, strictly.
func readJSON(w http.ResponseWriter, r *http.Request) (*body.Fields, error) {
	if crossSite(r) {
		return nil, errCrossSite
	}
	return body.Read(w, r)
}

var errCrossSite = problem.New(problem.Forbidden, "The request was sent by another site's page.")
